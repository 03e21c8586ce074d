// SPDX-License-Identifier: MIT
// Hangul in source text that is ASCII: "na-rae"_ko is U+B098 U+B798. Each run of small letters is a syllable, spelled
// letter by letter as in the Revised Romanization of Korean (2000); hyphens part the syllables of a word and are left
// out; all else stays: blanks, digits, signs, capitals, and small letters that spell no syllable.
#ifndef NARAE_TEXT_ROMANISED_HPP
#define NARAE_TEXT_ROMANISED_HPP

#include <cstddef>
#include <string_view>

#include "narae/text/hangul.hpp"

namespace narae::inline NARAE_ABI::text {

/// The index of the longest entry that `s` begins with; of an entry of no letters, if there is no other.
template <std::size_t N>
constexpr std::size_t longest_front(std::string_view s, const std::string_view (&list)[N]) noexcept {
    std::size_t best = N;
    for (std::size_t i = 0; i < N; ++i)
        if (s.starts_with(list[i]) && (best == N || list[i].size() > list[best].size())) best = i;
    return best;
}

/// The syllable of these letters, or 0.
constexpr char32_t romanised_syllable(std::string_view s) noexcept {
    constexpr std::string_view first[] = {"g",  "kk", "n", "d",  "tt", "r", "m", "b", "pp", "s",
                                          "ss", "",   "j", "jj", "ch", "k", "t", "p", "h"};
    constexpr std::string_view middle[] = {"a",  "ae", "ya", "yae", "eo", "e",  "yeo", "ye", "o",  "wa", "wae",
                                           "oe", "yo", "u",  "wo",  "we", "wi", "yu",  "eu", "ui", "i"};
    constexpr std::string_view last[] = {"",   "g",  "kk", "gs", "n",  "nj", "nh", "d", "l",  "lg",
                                         "lm", "lb", "ls", "lt", "lp", "lh", "m",  "b", "bs", "s",
                                         "ss", "ng", "j",  "ch", "k",  "t",  "p",  "h"};
    const auto a = longest_front(s, first);
    s.remove_prefix(first[a].size());
    const auto b = longest_front(s, middle);
    if (b == vowels) return 0;
    s.remove_prefix(middle[b].size());
    const auto c = longest_front(s, last);
    if (s != last[c]) return 0;
    return static_cast<char32_t>(first_syllable + (a * vowels + b) * finals + c);
}

/// A literal as a template argument, spelled in Hangul.
template <std::size_t N> struct hangul_literal {
    char32_t text[N] = {};
    std::size_t size = 0;

    constexpr hangul_literal(const char (&roman)[N]) noexcept {
        for (std::string_view rest(roman, N - 1); !rest.empty();) {
            std::size_t run = 0;
            while (run < rest.size() && rest[run] >= 'a' && rest[run] <= 'z') ++run;
            const auto syllable = romanised_syllable(rest.substr(0, run));
            if (run == 0) run = 1;
            if (syllable != 0)
                text[size++] = syllable;
            else if (rest[0] != '-')
                for (const char c : rest.substr(0, run)) text[size++] = static_cast<char32_t>(c);
            rest.remove_prefix(run);
        }
    }
};
template <hangul_literal Spelled> constexpr std::u32string_view operator""_ko() noexcept {
    return {Spelled.text, Spelled.size};
}

}  // namespace narae::inline NARAE_ABI::text

#endif
