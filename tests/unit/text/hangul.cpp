// SPDX-License-Identifier: MIT
#include "narae/text/hangul.hpp"

#include "catch.hpp"

using namespace narae::text;

TEST_CASE("all 11,172 syllables come apart and together again", "[hangul]") {
    int count = 0;
    for (char32_t c = 0xAC00; c <= 0xD7A3; ++c, ++count) {
        const auto j = split_syllable(c);
        const auto open = join_jamo(j.initial, j.vowel);
        const bool good = is_syllable(c) && j.initial >= 0x1100 && j.initial <= 0x1112 && j.vowel >= 0x1161 &&
                          j.vowel <= 0x1175 && (j.last == 0 || (j.last >= 0x11A8 && j.last <= 0x11C2)) &&
                          (j.last == 0 ? open : join_jamo(open, j.last)) == c;
        if (!good) FAIL("U+" << std::hex << static_cast<unsigned>(c));
    }
    CHECK(count == 11172);
    static_assert(split_syllable(0xD55C).last == 0x11AB);  // han
}

TEST_CASE("what is no syllable does not join", "[hangul]") {
    CHECK_FALSE(is_syllable(0xABFF));
    CHECK_FALSE(is_syllable(0xD7A4));
    CHECK_FALSE(is_syllable(0x3131));
    CHECK(join_jamo(0xAC00, 0x11A7) == 0);  // not a final
    CHECK(join_jamo(0xAC00, 0x11C3) == 0);  // an old final
    CHECK(join_jamo(0xAC01, 0x11A8) == 0);  // the syllable is closed already
    CHECK(join_jamo(0x1113, 0x1161) == 0);  // an old initial
    CHECK(join_jamo(0x1100, 0x1176) == 0);  // an old vowel
    CHECK(join_jamo(0x1100, 0xAC00) == 0);
    CHECK(join_jamo(0xD7A3, 0x11A8) == 0);
    CHECK(join_jamo('a', 'b') == 0);
}
