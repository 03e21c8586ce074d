// SPDX-License-Identifier: MIT
// Exercises in Korean grammar and context, made from plain text: which particle or ending stood in the gap, where the
// blanks go, in which order the sentences came. Words are cut by the model of token/morph.hpp, which says where a
// morpheme begins but not of which kind it is; lists of forms, and of stems after which they mislead, say the rest.
#ifndef NARAE_LEARN_TASKS_HPP
#define NARAE_LEARN_TASKS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/num/random.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/lines.hpp"
#include "narae/text/romanised.hpp"
#include "narae/text/unicode.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/segment.hpp"

namespace narae::inline NARAE_ABI::learn {

using text::operator""_ko;

/// UTF-8 text to learn from. The loss is taken on the answer; the prompt is only read.
struct prompted {
    std::string prompt, answer;
};

/// What to find: the josa (particle) or the eomi (ending of a verb) in whose place "__" stands; the blanks of a
/// sentence without any; the order of three or four sentences that were shuffled and numbered.
enum class task { josa, eomi, spacing, order };

namespace detail {

inline constexpr std::u32string_view instructions[] = {
    "bin-kan-e al-maj-eun jo-sa-reul sseu-si-o."_ko, "bin-kan-e al-maj-eun eo-mi-reul sseu-si-o."_ko,
    "ba-reu-ge ttui-eo sseu-si-o."_ko, "al-maj-eun sun-seo-ro neul-eo-noh-eu-si-o."_ko};

/// Forms of morphemes that close a word, each between blanks, what they stand behind (a syllable with a final consonant
/// is closed), and after which syllables the same forms are mostly something else. Counted in the treebanks that
/// learn/gold.hpp reads.
struct closing {
    enum class behind { any, open, closed } after;
    std::u32string_view forms, except;
};
inline constexpr closing particles[] = {
    {closing::behind::closed, " eun i eul "_ko,
     "gat-eobs-bad-meog-eod-ilg-chaj-mid-jug-jag-nop-gip-neolb-naj-jeolm-sip-jjalb-bulg-job-olh-malg-maj-mat-dalm-jab-"
     "but-jit-nalg-jeoj-nam-geom-mud-mug-us-geod-ssis-sam-jong-jaeng"_ko},
    {closing::behind::closed, " gwa eu-ro "_ko, {}},
    {closing::behind::open, " neun "_ko,
     "ha-doe-ju-reu-o-ki-bo-nae-chi-deu-sseu-hi-kku-kki-chu-du-kkeu-ga-ri-ji-na-ru-ni-u-si-sa-gi"_ko},
    {closing::behind::open, " ga reul "_ko, {}},
    {closing::behind::open, " wa "_ko, "na-jyeo-ryeo-gyeo"_ko},
    {closing::behind::any, " do "_ko, "hae-yeo-a-eo-wo-syeo-hyeo-bwa-jyeo-kyeo-nyeon-jig"_ko},
    {closing::behind::any, " ro "_ko, "je-ju-che-bu-doe"_ko},
    {closing::behind::any, " ui e e-seo e-ge han-te kke-seo man bu-teo kka-ji cheo-reom bo-da ma-da jo-cha "_ko, {}}};
inline constexpr closing endings[] = {
    {closing::behind::any, " go "_ko, "da-ra-ri"_ko},
    {closing::behind::any, " ji-man "_ko, "ha"_ko},
    {closing::behind::any,
     " da ge ji eo a myeon eu-myeon myeo eu-myeo myeon-seo neun-de eo-seo a-seo eo-ya a-ya eo-do a-do geo-na do-rog "
     "ryeo-go da-ga neun-ji ni-kka seub-ni-da seub-ni-kka yo eo-yo a-yo ne-yo se-yo ne ja deon "_ko,
     {}}};

/// May this form, given between blanks, close a word behind this character?
inline bool may_close(std::span<const closing> list, std::u32string_view form, char32_t before) {
    // Finals nj nh lt lp lh ss h: of verbs only, as in manh- joh- iss-.
    constexpr std::uint32_t verbal = 1u << 5 | 1u << 6 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 20 | 1u << 27;
    return std::any_of(list.begin(), list.end(), [&](const closing& c) {
        if (c.forms.find(form) == c.forms.npos || c.except.find(before) != c.except.npos) return false;
        if (c.after == closing::behind::any || !text::is_syllable(before)) return true;
        const auto last = (before - text::first_syllable) % text::finals;
        return c.after == closing::behind::open ? last == 0 : last != 0 && (verbal >> last & 1) == 0;
    });
}

/// A word up to its last letter or digit.
inline std::u32string_view without_signs(std::u32string_view word) noexcept {
    const auto is_sign = [](char32_t c) {
        const auto what = text::class_of(c);
        return what < text::char_class::letter || what > text::char_class::numeral;
    };
    while (!word.empty() && is_sign(word.back())) word.remove_suffix(1);
    return word;
}

/// The last morpheme of a word if it is on the list; signs may follow it. Else empty.
inline std::u32string_view closing_of(std::u32string_view word, task what, const token::segmenter& cut) {
    const auto bare = without_signs(word);
    auto run = bare.size();
    while (run > 0 && text::is_syllable(bare[run - 1])) --run;
    if (run == bare.size()) return {};
    std::size_t length = 0;
    cut(text::utf8(bare.substr(run)), [&](std::string_view morpheme) { length = morpheme.size() / 3; });
    if (length == bare.size()) return {};
    const auto last = bare.substr(bare.size() - length);
    const auto before = bare[bare.size() - length - 1];
    // Particles follow foreign words and brackets, too; after digits they would be units: 5man, 3do.
    const bool word_like = text::class_of(before) == text::char_class::letter || before == ')';
    if (!text::is_syllable(before) && !(what == task::josa && word_like)) return {};
    const auto list = what == task::josa ? std::span<const closing>(particles) : std::span<const closing>(endings);
    return may_close(list, U' ' + std::u32string(last) + U' ', before) ? last : std::u32string_view();
}

/// The sentences of a line with one blank between words. In place of one that makes no exercise an empty one: it has
/// fewer than three words, is too long for a prompt, not mostly Hangul, or holds the mark of a gap.
inline std::vector<std::u32string> sentences_of(std::u32string_view line) {
    std::vector<std::u32string> all(1);
    while (!line.empty()) {
        const auto word = line.substr(0, line.find_first_of(U" \t\r\n"));
        line.remove_prefix((std::min)(word.size() + 1, line.size()));
        if (word.empty()) continue;
        all.back().append(all.back().empty() ? U"" : U" ").append(word);
        // A mark ends it, but not the dot of a number or of a foreign word.
        const auto bare = without_signs(word), signs = word.substr(bare.size());
        const bool dot = signs.starts_with(U'.') && (bare.empty() || !text::is_syllable(bare.back()));
        if (signs.find_first_of(U".!?") != signs.npos && !dot) all.emplace_back();
    }
    for (auto& s : all) {
        const auto blanks = std::count(s.begin(), s.end(), U' ');
        const auto hangul = std::count_if(s.begin(), s.end(), text::is_syllable);
        if (blanks < 2 || s.size() > 200 || 2 * hangul < std::ssize(s) - blanks || s.find(U"__") != s.npos) s.clear();
    }
    return all;
}

/// What is asked, and the answer; no answer where the sentences do not lend themselves to it.
struct exercise {
    std::u32string shown, answer;
};

/// Three or four sentences in a row, out of order and numbered; the answer is the numbers in order.
inline exercise shuffled(const std::vector<std::u32string>& sentences, num::random& random) {
    std::vector<std::size_t> begins, shown;
    for (auto n = 3 + random.below(2); n >= 3 && begins.empty(); --n) {
        shown.resize(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i + shown.size() <= sentences.size(); ++i) {
            const auto first = sentences.begin() + static_cast<std::ptrdiff_t>(i);
            const std::set<std::u32string> all(first, first + std::ssize(shown));
            if (all.size() == shown.size() && all.count(U"") == 0) begins.push_back(i);
        }
    }
    if (begins.empty()) return {};
    const auto begin = begins[static_cast<std::size_t>(random.below(begins.size()))];
    for (std::size_t k = 0; k < shown.size(); ++k) shown[k] = k;
    random.shuffle(shown);
    exercise e{{}, std::u32string(2 * shown.size() - 1, U' ')};
    for (std::size_t k = 0; k < shown.size(); ++k) {
        const auto digit = static_cast<char32_t>(U'1' + k);
        e.shown.append(k == 0 ? U"" : U"\n").append(1, digit).append(U". ").append(sentences[begin + shown[k]]);
        e.answer[2 * shown[k]] = digit;
    }
    return e;
}

/// A sentence with "__" in place of the morpheme that closes one of its words.
inline exercise holed(task what, const std::vector<std::u32string>& sentences, const token::segmenter& cut,
                      num::random& random) {
    std::vector<exercise> all;
    for (const std::u32string_view s : sentences)
        for (std::size_t at = 0; at < s.size();) {
            const auto word = s.substr(at, s.find(U' ', at) - at);
            at += word.size() + 1;
            const auto last = closing_of(word, what, cut);
            if (last.empty()) continue;
            all.push_back({std::u32string(s), std::u32string(last)});
            all.back().shown.replace(static_cast<std::size_t>(last.data() - s.data()), last.size(), U"__");
        }
    return all.empty() ? exercise() : all[static_cast<std::size_t>(random.below(all.size()))];
}

}  // namespace detail

/// An exercise made of one line of UTF-8 text, or nothing where the line does not lend itself to it: it needs a
/// sentence of three words or more, mostly Hangul, and for the order a passage of such sentences. `seed` decides which
/// sentence and gap; the same seed gives the same exercise.
inline std::optional<prompted> make_task(task what, std::string_view line, const token::boundary_model& model,
                                         std::uint64_t seed) {
    if (text::utf8_first_invalid(line) != line.size() || model.weights.size() != model.slots) return std::nullopt;
    num::random random{seed};
    auto sentences = detail::sentences_of(text::code_points(line));
    detail::exercise e;
    if (what == task::order) {
        e = detail::shuffled(sentences, random);
    } else if (std::erase(sentences, U""); what != task::spacing) {
        e = detail::holed(what, sentences, token::segmenter(model.weights, model.cut, 1), random);
    } else if (!sentences.empty()) {
        e.answer = e.shown = sentences[static_cast<std::size_t>(random.below(sentences.size()))];
        std::erase(e.shown, U' ');
    }
    if (e.answer.empty()) return std::nullopt;
    e.shown.insert(0, U"\n").insert(0, detail::instructions[static_cast<std::size_t>(what)]).append("\ndab:"_ko);
    return prompted{text::utf8(e.shown), text::utf8(e.answer)};
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
