// SPDX-License-Identifier: MIT
// Exercises in Korean grammar and context, made from plain text: which particle or ending stood in the gap, where the
// blanks go, in which order the sentences came. Words are cut by the model of token/morph.hpp, which says where a
// morpheme begins but not of which kind it is; lists of forms, and of stems after which they mislead, say the rest.
#ifndef NARAE_LEARN_TASKS_HPP
#define NARAE_LEARN_TASKS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/learn/gold.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/pretoken.hpp"
#include "narae/token/segment.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::learn {

/// UTF-8 text to learn from. The loss is taken on the answer; the prompt is only read.
struct prompted {
    std::string prompt, answer;
};

/// What to find: the josa (particle) or the eomi (ending of a verb) in whose place "__" stands; the blanks of a
/// sentence without any; the order of three or four sentences that were shuffled and numbered.
enum class task { josa, eomi, spacing, order };

namespace detail {

/// Forms of morphemes that close a word, each between blanks, what they stand behind, and after which syllables the
/// same forms are mostly something else. Counted in the treebanks that learn/gold.hpp reads.
struct closing {
    enum class behind { any, open, closed };  // a syllable with a final consonant is closed

    std::u32string_view forms;
    behind after = behind::any;
    std::u32string_view except = {};
};

// eun i eul; gwa euro; neun; ga reul; wa; do; ro; ui e eseo ege hante kkeseo man buteo kkaji cheoreom boda mada jocha
inline constexpr closing particles[] = {
    {U" \uC740 \uC774 \uC744 ", closing::behind::closed,  // stems such as gat- eop- bad- meog-: gateun, eopsi, badeul
     U"\uAC19\uC5C6\uBC1B\uBA39\uC5BB\uC77D\uCC3E\uBBFF\uC8FD\uC791\uB192\uAE4A\uB113\uB0AE\uC80A\uC2F6\uC9E7\uBD89"
     U"\uC881\uC633\uB9D1\uB9DE\uB9E1\uB2EE\uC7A1\uBD99\uC9D9\uB0A1\uC816\uB0A8\uAC80\uBB3B\uBB35\uC6C3\uAC77\uC53B"
     U"\uC0BC\uC885\uC7C1"},
    {U" \uACFC \uC73C\uB85C ", closing::behind::closed},
    {U" \uB294 ", closing::behind::open,  // stems such as ha- doe- ju- o-: haneun, doeneun
     U"\uD558\uB418\uC8FC\uB974\uC624\uD0A4\uBCF4\uB0B4\uCE58\uB4DC\uC4F0\uD788\uAFB8\uB07C\uCD94\uB450\uB044\uAC00"
     U"\uB9AC\uC9C0\uB098\uB8E8\uB2C8\uC6B0\uC2DC\uC0AC\uAE30"},
    {U" \uAC00 \uB97C ", closing::behind::open},
    {U" \uC640 ", closing::behind::open, U"\uB098\uC838\uB824\uACA8"},  // na-wa, jyeo-wa: came
    {U" \uB3C4 ", closing::behind::any,
     U"\uD574\uC5EC\uC544\uC5B4\uC6CC\uC154\uD600\uBD10\uC838\uCF1C\uB144\uC9C1"},  // hae-do: even if
    {U" \uB85C ", closing::behind::any, U"\uC81C\uC8FC\uCCB4\uBD80\uB418"},         // sil-je-ro, ju-ro: adverbs
    {U" \uC758 \uC5D0 \uC5D0\uC11C \uC5D0\uAC8C \uD55C\uD14C \uAED8\uC11C \uB9CC \uBD80\uD130 \uAE4C\uC9C0 "
     U"\uCC98\uB7FC \uBCF4\uB2E4 \uB9C8\uB2E4 \uC870\uCC28 "}};

// go; jiman; da ge ji eo a myeon eumyeon myeo eumyeo myeonseo neunde eoseo aseo eoya aya eodo ado geona dorok ryeogo
// daga neunji nikka seumnida seumnikka yo eoyo ayo neyo seyo ne ja deon
inline constexpr closing endings[] = {
    {U" \uACE0 ", closing::behind::any, U"\uB2E4\uB77C\uB9AC"},  // dago, rago: quotations; geurigo: and
    {U" \uC9C0\uB9CC ", closing::behind::any, U"\uD558"},        // hajiman: but
    {U" \uB2E4 \uAC8C \uC9C0 \uC5B4 \uC544 \uBA74 \uC73C\uBA74 \uBA70 \uC73C\uBA70 \uBA74\uC11C \uB294\uB370 "
     U"\uC5B4\uC11C \uC544\uC11C "
     U"\uC5B4\uC57C \uC544\uC57C \uC5B4\uB3C4 \uC544\uB3C4 \uAC70\uB098 \uB3C4\uB85D \uB824\uACE0 \uB2E4\uAC00 "
     U"\uB294\uC9C0 \uB2C8\uAE4C \uC2B5\uB2C8\uB2E4 "
     U"\uC2B5\uB2C8\uAE4C \uC694 \uC5B4\uC694 \uC544\uC694 \uB124\uC694 \uC138\uC694 \uB124 \uC790 \uB358 "}};

// Write the josa (eomi) that fits the blank. Which josa goes into __? Put in the josa that fits __.
// Write with the right blanks. Space the sentence. Correct the spacing.
// Put into the right order. Find the order of the sentences. In which order should one read?
inline constexpr std::u32string_view instructions[4][3] = {
    {U"\uBE48\uCE78\uC5D0 \uC54C\uB9DE\uC740 \uC870\uC0AC\uB97C \uC4F0\uC2DC\uC624.",
     U"__\uC5D0 \uB4E4\uC5B4\uAC08 \uC870\uC0AC\uB294?",
     U"__\uC5D0 \uB9DE\uB294 \uC870\uC0AC\uB97C \uB123\uC5B4 \uC8FC\uC138\uC694."},
    {U"\uBE48\uCE78\uC5D0 \uC54C\uB9DE\uC740 \uC5B4\uBBF8\uB97C \uC4F0\uC2DC\uC624.",
     U"__\uC5D0 \uB4E4\uC5B4\uAC08 \uC5B4\uBBF8\uB294?",
     U"__\uC5D0 \uB9DE\uB294 \uC5B4\uBBF8\uB97C \uB123\uC5B4 \uC8FC\uC138\uC694."},
    {U"\uBC14\uB974\uAC8C \uB744\uC5B4 \uC4F0\uC2DC\uC624.",
     U"\uB2E4\uC74C \uBB38\uC7A5\uC744 \uB744\uC5B4 \uC4F0\uC138\uC694.",
     U"\uB744\uC5B4\uC4F0\uAE30\uB97C \uACE0\uCCD0 \uC8FC\uC138\uC694."},
    {U"\uC54C\uB9DE\uC740 \uC21C\uC11C\uB85C \uB298\uC5B4\uB193\uC73C\uC2DC\uC624.",
     U"\uBB38\uC7A5\uC758 \uC21C\uC11C\uB97C \uCC3E\uC73C\uC138\uC694.",
     U"\uC5B4\uB5A4 \uC21C\uC11C\uB85C \uC77D\uC5B4\uC57C \uD560\uAE4C\uC694?"}};
inline constexpr std::u32string_view answer_mark = U"\n\uB2F5:";  // dap: answer

inline std::string utf8(std::u32string_view s) {
    std::string out;
    for (const auto c : s) text::utf8_append(out, c);
    return out;
}

/// May a morpheme of the list, given between blanks, close a word behind this character?
inline bool may_close(std::span<const closing> list, std::u32string_view form, char32_t before) {
    // Finals nj nh lt lp lh ss h: of verbs only, as in manh- joh- iss-.
    constexpr std::uint32_t verbal = 1u << 5 | 1u << 6 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 20 | 1u << 27;
    return std::any_of(list.begin(), list.end(), [&](const closing& c) {
        if (c.forms.find(form) == c.forms.npos || c.except.find(before) != c.except.npos) return false;
        if (c.after == closing::behind::any || !text::is_syllable(before)) return true;
        const auto last = (before - text::first_syllable) % text::finals;
        if (c.after == closing::behind::open) return last == 0;
        return last != 0 && (verbal >> last & 1) == 0;
    });
}

/// The bytes of a word up to its last letter or digit.
inline std::string_view without_signs(std::string_view word) noexcept {
    std::size_t end = 0;
    for (std::size_t at = 0; at < word.size();) {
        const auto c = token::pretoken::front(word.substr(at));
        at += c.length;
        if (c.what == token::pretoken::kind::letter || c.what == token::pretoken::kind::number) end = at;
    }
    return word.substr(0, end);
}

inline bool ends_in_syllable(std::string_view s) noexcept {
    return s.size() >= 3 && text::is_syllable_at(s.data() + s.size() - 3);
}

/// The last morpheme of a word if it is on the list; signs may follow it. Else empty.
inline std::string_view closing_of(std::string_view word, task what, const token::segmenter& cut) {
    const auto bare = without_signs(word);
    auto stem = bare;
    while (ends_in_syllable(stem)) stem.remove_suffix(3);
    const auto run = bare.substr(stem.size());
    if (run.empty()) return {};
    std::string_view last;
    cut(run, [&](std::string_view morpheme) { last = morpheme; });
    stem = bare.substr(0, bare.size() - last.size());
    if (stem.empty()) return {};
    const auto before = code_points(stem).back();
    // Particles follow foreign words and brackets, too; after digits they would be units: 5man, 3do.
    if (!text::is_syllable(before) &&
        (what != task::josa ||
         (before != ')' && token::pretoken::kind_of(text::class_of(before)) != token::pretoken::kind::letter)))
        return {};
    const auto list = what == task::josa ? std::span<const closing>(particles) : std::span<const closing>(endings);
    return may_close(list, U' ' + code_points(last) + U' ', before) ? last : std::string_view();
}

/// Does a sentence end with this word? A dot after a digit or a foreign letter does not count.
inline bool ends_sentence(std::string_view word) noexcept {
    const auto bare = without_signs(word), signs = word.substr(bare.size());
    return signs.find_first_of(".!?") != signs.npos && (signs[0] != '.' || ends_in_syllable(bare));
}

/// Three words or more, short enough for one prompt, mostly Hangul, and without the mark of a gap.
inline bool is_exercise(std::string_view s) noexcept {
    std::size_t blanks = 0, hangul = 0, all = 0;
    for (std::size_t at = 0; at < s.size(); ++all) {
        const auto c = text::utf8_front(s.substr(at));
        at += c.length;
        blanks += c.code_point == ' ', hangul += text::is_syllable(c.code_point);
    }
    return blanks >= 2 && s.size() <= 500 && 2 * hangul >= all - blanks && s.find("__") == s.npos;
}

/// The sentences of a line with one blank between words; in place of those that make no exercise an empty one.
inline std::vector<std::string> sentences_of(std::string_view line) {
    std::vector<std::string> all(1);
    while (!line.empty()) {
        const auto word = line.substr(0, line.find_first_of(" \t\r\n"));
        line.remove_prefix((std::min)(word.size() + 1, line.size()));
        if (word.empty()) continue;
        all.back().append(all.back().empty() ? "" : " ").append(word);
        if (ends_sentence(word)) all.emplace_back();
    }
    for (auto& s : all)
        if (!is_exercise(s)) s.clear();
    return all;
}

/// Three or four sentences in a row, out of order and numbered; the answer is the numbers in order.
template <class Pick>
std::optional<prompted> shuffled(const std::vector<std::string>& sentences, Pick&& pick) {
    const auto fits = [&](std::size_t begin, std::size_t n) {
        std::size_t bytes = 0;
        for (auto k = begin; k < begin + n; bytes += sentences[k++].size())
            for (auto j = begin; j <= k; ++j)
                if (sentences[k].empty() || (j < k && sentences[j] == sentences[k])) return false;
        return bytes <= 1000;
    };
    std::vector<std::size_t> begins;
    std::size_t n = 0;
    for (const auto want : {3 + pick(2), std::size_t{3}}) {
        if (!begins.empty()) break;
        for (std::size_t i = 0; i + want <= sentences.size(); ++i)
            if (fits(i, want)) begins.push_back(i);
        n = want;
    }
    if (begins.empty()) return std::nullopt;
    const auto begin = begins[pick(begins.size())];
    std::vector<std::size_t> shown(n), number(n);  // which sentence has which place, and the reverse
    for (std::size_t k = 0; k < n; ++k) {
        shown[k] = k;
        std::swap(shown[k], shown[pick(k + 1)]);
    }
    prompted p;
    for (std::size_t k = 0; k < n; ++k) {
        number[shown[k]] = k + 1;
        p.prompt += concat({k == 0 ? "" : "\n", k + 1, ". ", sentences[begin + shown[k]]});
    }
    for (const auto k : number) p.answer += concat({p.answer.empty() ? "" : " ", k});
    return p;
}

/// A sentence with "__" in place of the morpheme that closes one of its words.
template <class Pick>
std::optional<prompted> holed(task what, const std::vector<std::string>& sentences, const token::segmenter& cut,
                              Pick&& pick) {
    std::vector<std::pair<std::string_view, std::string_view>> gaps;  // a sentence, the morpheme in it
    for (const std::string_view s : sentences)
        for (std::size_t at = 0; at < s.size();) {
            const auto word = s.substr(at, s.find(' ', at) - at);
            at += word.size() + 1;
            if (const auto last = closing_of(word, what, cut); !last.empty()) gaps.push_back({s, last});
        }
    if (gaps.empty()) return std::nullopt;
    const auto& [sentence, morpheme] = gaps[pick(gaps.size())];
    const auto at = static_cast<std::size_t>(morpheme.data() - sentence.data());
    return prompted{concat({sentence.substr(0, at), "__", sentence.substr(at + morpheme.size())}),
                    std::string(morpheme)};
}

}  // namespace detail

/// An exercise made of one line of UTF-8 text, or nothing where the line does not lend itself to it: it needs a
/// sentence of three words or more, mostly Hangul, and for the order a passage of such sentences. `random` decides
/// which sentence, gap and instruction; the same random gives the same exercise.
inline std::optional<prompted> make_task(task what, std::string_view line, const token::boundary_model& model,
                                         std::uint64_t random) {
    if (text::utf8_first_invalid(line) != line.size() || model.weights.size() != model.slots) return std::nullopt;
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>((random = token::mix(random + 1)) % n); };
    const auto instruction = detail::instructions[static_cast<std::size_t>(what)][pick(3)];
    auto sentences = detail::sentences_of(line);
    std::optional<prompted> made;
    if (what == task::order) {
        made = detail::shuffled(sentences, pick);
    } else if (std::erase(sentences, ""); what != task::spacing) {
        made = detail::holed(what, sentences, token::segmenter(model.weights, model.cut, 1), pick);
    } else if (!sentences.empty()) {
        made = prompted{{}, sentences[pick(sentences.size())]};
        std::remove_copy(made->answer.begin(), made->answer.end(), std::back_inserter(made->prompt), ' ');
    }
    if (made) made->prompt = concat({detail::utf8(instruction), "\n", made->prompt, detail::utf8(detail::answer_mark)});
    return made;
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
