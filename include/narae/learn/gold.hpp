// SPDX-License-Identifier: MIT
// Gold morphological analyses, as treebanks of Korean give them, laid onto the surface of words: at which gaps between
// two syllables a morpheme begins, and of which kind it is. Reads CoNLL-U (universaldependencies.org/format.html, with
// LEMMA and XPOS joined by '+') and lines of three columns: form, morphemes, tags.
#ifndef NARAE_LEARN_GOLD_HPP
#define NARAE_LEARN_GOLD_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/result.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/lines.hpp"

namespace narae::inline NARAE_ABI::learn {

/// What begins at a gap between two characters of a word. After an ending another ending is `chain`.
enum class onset : std::uint8_t { nothing, particle, ending, chain, copula, affix, other, unknown };

/// A word as written, and what begins before each of its characters (nothing before the first).
struct gold_word {
    std::u32string form;
    std::vector<onset> begins;
};

/// The kind of a morpheme by its tag: KAIST tags are in lower case, Sejong tags in upper case.
inline onset onset_of(std::string_view tag) noexcept {
    const auto any_of = [&](auto... tags) { return ((tag == tags) || ...); };
    if (any_of("jp", "VCP")) return onset::copula;
    if (tag.starts_with("xsn") || tag == "XSN") return onset::affix;
    if (tag.starts_with("j") || any_of("JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX", "JC"))
        return onset::particle;
    return tag.starts_with("e") || any_of("EP", "EF", "EC", "ETN", "ETM") ? onset::ending : onset::other;
}

namespace detail {

/// Syllables as conjoining jamo; a consonant that stands alone, as in cited endings, as the final that it is.
inline std::u32string letters_of(std::u32string_view s) {
    std::u32string out;
    for (const auto c : s) {
        if (text::is_syllable(c)) {
            const auto j = text::split_syllable(c);
            out += {j.initial, j.vowel};
            if (j.last != 0) out.push_back(j.last);
        } else if (c >= 0x3131 && c <= 0x314E && c != 0x3138 && c != 0x3143 && c != 0x3149) {
            // The compatibility consonants stand in the order of the finals, but for tt, pp and jj among them.
            out.push_back(text::no_final + (c - 0x3130) - (c > 0x3138) - (c > 0x3143) - (c > 0x3149));
        } else {
            out.push_back(c);
        }
    }
    return out;
}

/// Lays morphemes onto the word that they make. Both are written as jamo; what they share at the front and at the back
/// has its place on the surface. In between the spelling was contracted (ga + at + da: gatda), and the gaps there and
/// right behind a contracted syllable are unknown, unless a morpheme plainly begins there.
inline gold_word align(std::string_view form, const std::vector<std::string_view>& morphemes,
                       const std::vector<std::string_view>& tags) {
    gold_word w{text::code_points(form), {}};
    const auto n = w.form.size();
    w.begins.assign(n, onset::nothing);
    const auto mark_unknown = [&](std::size_t i) {
        if (i > 0 && i < n && w.begins[i] == onset::nothing) w.begins[i] = onset::unknown;
    };
    if (morphemes.size() != tags.size() || std::find(morphemes.begin(), morphemes.end(), "") != morphemes.end()) {
        for (std::size_t i = 1; i < n; ++i) mark_unknown(i);
        return w;
    }
    std::u32string surface, letters;
    std::vector<std::size_t> character_at;  // by offset in surface; n in the middle of a character
    for (std::size_t i = 0; i < n; ++i) {
        surface += letters_of(w.form.substr(i, 1));
        character_at.push_back(i);
        character_at.resize(surface.size(), n);
    }
    character_at.push_back(n);
    std::vector<std::size_t> ends;
    for (const auto m : morphemes) ends.push_back((letters += letters_of(text::code_points(m))).size());

    const auto shorter = (std::min)(surface.size(), letters.size());
    std::size_t front = 0, back = 0;
    while (front < shorter && surface[front] == letters[front]) ++front;
    while (back < shorter - front && surface.end()[-1 - static_cast<std::ptrdiff_t>(back)] ==
                                         letters.end()[-1 - static_cast<std::ptrdiff_t>(back)])
        ++back;
    std::vector<std::size_t> contracted;  // offsets in the middle of a character at which a morpheme begins
    for (std::size_t m = 1; m < tags.size(); ++m) {
        const auto offset = ends[m - 1], rest = letters.size() - offset;
        if (offset > front && rest > back) continue;
        const auto at = offset <= front ? offset : surface.size() - rest;
        auto what = onset_of(tags[m]);
        if (what == onset::ending && onset_of(tags[m - 1]) == onset::ending) what = onset::chain;
        if (const auto i = character_at[at]; i > 0 && i < n)
            w.begins[i] = what;
        else if (at > 0 && at < surface.size())
            contracted.push_back(at);
    }
    for (auto at : contracted) {
        while (character_at[at] == n && at < surface.size()) ++at;
        mark_unknown(character_at[at]);
    }
    if (surface != letters)
        for (auto at = front; at <= surface.size() - back; ++at) mark_unknown(character_at[at]);
    return w;
}

}  // namespace detail

/// The words of a treebank, those that are glued together (SpaceAfter=No) as one. Errors name the line.
inline result<std::vector<gold_word>> read_gold(byte_view file) {
    std::vector<gold_word> words;
    std::size_t number = 0, columns = 0;
    bool glue = false;
    for (auto rest = as_text(file); !rest.empty();) {
        const auto line = text::take_line(rest);
        ++number;
        const auto bad = [&](std::initializer_list<piece> what) {
            return error{errc::bad_value, {"line ", number, ": ", concat(what)}};
        };
        if (text::utf8_first_invalid(line) != line.size()) return bad({"not UTF-8"});
        const auto column = text::split(line, '\t');
        if (line.empty() || (line[0] == '#' && (columns == 10 || column.size() != 3))) {
            glue = glue && !line.empty();
            continue;
        }
        if (columns == 0) columns = column.size();
        if (column.size() != columns || (columns != 10 && columns != 3))
            return bad({column.size(), " columns, not ",
                        columns == 3 ? "the 3 of form, morphemes, tags" : "the 10 of CoNLL-U"});
        const bool conllu = columns == 10;
        if (conllu) {
            if (column[0].empty() || column[0].find_first_not_of("0123456789.-") != line.npos)
                return bad({"the first column is no word number"});
            if (column[0].find_first_of(".-") != line.npos) continue;  // an empty node, or the range of several words
        }
        const auto form = column[conllu ? 1 : 0], tags = column[conllu ? 4 : 2];
        auto lemma = column[conllu ? 2 : 1];
        if (form.empty() || lemma.empty() || tags.empty()) return bad({"an empty column"});
        if (lemma == "_" || tags.find('+') == tags.npos) lemma = form;
        auto word = tags.find('+') == tags.npos ? detail::align(form, {lemma}, {tags})
                                                : detail::align(form, text::split(lemma, '+'), text::split(tags, '+'));
        if (glue) {
            auto& before = words.back();
            word.begins[0] = onset::unknown;
            before.form += word.form;
            before.begins.insert(before.begins.end(), word.begins.begin(), word.begins.end());
        } else {
            words.push_back(std::move(word));
        }
        glue = conllu && column[9].find("SpaceAfter=No") != line.npos;
    }
    if (words.empty()) return error{errc::bad_value, "no words in it"};
    return words;
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
