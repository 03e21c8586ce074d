// SPDX-License-Identifier: MIT
// Hangul syllables and their letters (jamo), by arithmetic (Unicode 15, section 3.12): a syllable block is an initial,
// a vowel and perhaps a final, and the 11,172 blocks stand in the order of these three.
#ifndef NARAE_TEXT_HANGUL_HPP
#define NARAE_TEXT_HANGUL_HPP

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::text {

inline constexpr char32_t first_syllable = 0xAC00, first_initial = 0x1100, first_vowel = 0x1161;
inline constexpr char32_t no_final = 0x11A7;  ///< one before the first final: index 0 means that there is none
inline constexpr char32_t initials = 19, vowels = 21, finals = 28, syllables = initials * vowels * finals;

/// U+AC00 (ga) to U+D7A3 (hih): a whole syllable in one code point.
constexpr bool is_syllable(char32_t c) noexcept { return c - first_syllable < syllables; }

/// The letters of a syllable as conjoining jamo; last is 0 where there is no final.
struct jamo {
    char32_t initial, vowel, last;
};

/// Takes a syllable apart. Needs is_syllable(c).
constexpr jamo split_syllable(char32_t c) noexcept {
    const char32_t s = c - first_syllable, last = s % finals;
    return {first_initial + s / (vowels * finals), first_vowel + s / finals % vowels, last == 0 ? 0 : no_final + last};
}

/// Initial + vowel, or open syllable + final, as one syllable; 0 if the two do not join.
constexpr char32_t join_jamo(char32_t a, char32_t b) noexcept {
    if (a - first_initial < initials && b - first_vowel < vowels)
        return first_syllable + ((a - first_initial) * vowels + (b - first_vowel)) * finals;
    const bool open = is_syllable(a) && (a - first_syllable) % finals == 0;
    return open && b > no_final && b - no_final < finals ? a + (b - no_final) : 0;
}

}  // namespace narae::inline NARAE_ABI::text

#endif
