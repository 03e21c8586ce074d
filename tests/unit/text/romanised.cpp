// SPDX-License-Identifier: MIT
#include "narae/text/romanised.hpp"

#include <set>
#include <string>

#include "catch.hpp"

using namespace narae::text;

TEST_CASE("text/romanised: words are read as they are spelled") {
    CHECK("na-rae"_ko == U"나래");
    CHECK(""_ko.empty());
    CHECK("han-gug-eo han-geul"_ko == U"한국어 한글");
    CHECK("kkoch-i eobs-eoss-seub-ni-da."_ko == U"꽃이 없었습니다.");
    CHECK("ilh-eun gabs ulh-eun mulh"_ko == U"잃은 값 욿은 뭃");
    CHECK("ssi-as, jjoch-a, ppae-go, ttwi-eo; ui-sa wa-yo yae-gi"_ko == U"씨앗, 쫓아, 빼고, 뛰어; 의사 와요 얘기");
    CHECK("__-e al-maj-eun jo-sa?\n"_ko == U"__에 알맞은 조사?\n");
    CHECK("allrights KBS 114"_ko == U"allrights KBS 114");
    static_assert("ga hih"_ko[0] == 0xAC00 && "ga hih"_ko[2] == 0xD7A3);
}

TEST_CASE("text/romanised: every syllable has one spelling") {
    const std::string first[] = {"g",  "kk", "n", "d",  "tt", "r", "m", "b", "pp", "s",
                                 "ss", "",   "j", "jj", "ch", "k", "t", "p", "h"};
    const std::string middle[] = {"a",  "ae", "ya", "yae", "eo", "e",  "yeo", "ye", "o",  "wa", "wae",
                                  "oe", "yo", "u",  "wo",  "we", "wi", "yu",  "eu", "ui", "i"};
    const std::string last[] = {"",   "g",  "kk", "gs", "n",  "nj", "nh", "d",  "l", "lg", "lm", "lb", "ls", "lt",
                                "lp", "lh", "m",  "b",  "bs", "s",  "ss", "ng", "j", "ch", "k",  "t",  "p",  "h"};
    std::set<std::string> spellings;
    std::size_t wrong = 0;
    for (char32_t c = first_syllable; c < first_syllable + syllables; ++c) {
        const auto j = split_syllable(c);
        const auto spelled = first[j.initial - first_initial] + middle[j.vowel - first_vowel] +
                             last[j.last == 0 ? 0 : j.last - no_final];
        wrong += romanised_syllable(spelled) != c;
        spellings.insert(spelled);
    }
    CHECK(wrong == 0);
    CHECK(spellings.size() == syllables);
    for (const char* none : {"", "g", "ng", "ban-", "strong", "zip", "Ga"}) CHECK(romanised_syllable(none) == 0);
}
