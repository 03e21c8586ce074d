// SPDX-License-Identifier: MIT
#include "narae/text/unicode.hpp"

#include <map>

#include "catch.hpp"

using namespace narae::text;

TEST_CASE("there are as many code points of each class as in the reference", "[unicode]") {
    std::map<char_class, int> count;
    for (char32_t c = 0; c < 0x110000; ++c)
        if (c < 0xD800 || c >= 0xE000) ++count[class_of(c)];
    CHECK(count[char_class::letter] == 141028);
    CHECK(count[char_class::number] == 996);
    CHECK(count[char_class::numeral] == 915);
    CHECK(count[char_class::mark] == 2643);
    CHECK(count[char_class::space] == 25);
    CHECK(count[char_class::other] == 966457);
    CHECK(class_of(0x110000) == char_class::other);
    CHECK(class_of(0xFFFFFFFF) == char_class::other);
}

TEST_CASE("classes of well-known characters", "[unicode]") {
    for (const char32_t c : {U'a', U'Z', U'é', U'가', U'힣', U'ㄱ', U'中', U'ㅋ', U'\u1100', U'\U00020000'})
        CHECK(class_of(c) == char_class::letter);
    for (const char32_t c : {U'0', U'9', U'\u0663', U'\uFF11', U'\u2163'}) CHECK(class_of(c) == char_class::number);
    for (const char32_t c : {U'\u00BD', U'\u00B2', U'\u2460'}) CHECK(class_of(c) == char_class::numeral);
    for (const char32_t c : {U' ', U'\t', U'\n', U'\r', U'\u0085', U'\u00A0', U'\u2003', U'\u3000'})
        CHECK(class_of(c) == char_class::space);
    for (const char32_t c : {U'_', U'\u0301', U'\u200D', U'\u24D0', U'\uFE0F'}) CHECK(class_of(c) == char_class::mark);
    for (const char32_t c : {U'!', U'\uFEFF', U'\u200B', U'\u180E', U'\U0001F600', U'\uE000', U'\u0378'})
        CHECK(class_of(c) == char_class::other);
    CHECK(class_of(0x1C89) == char_class::letter);  // new in Unicode 16
}

TEST_CASE("decompositions are sorted, and compose again unless excluded", "[unicode]") {
    char32_t before = 0;
    int again = 0;
    for (const auto& d : tables::canonical.apart) {
        if (d.whole <= before || decomposition_of(d.whole) != &d) FAIL("order");
        before = d.whole;
        const auto c = d.second == 0 ? 0 : composition_of(d.first, d.second);
        if (c != 0 && c != d.whole) FAIL("composes to another");
        again += c != 0;
    }
    CHECK(tables::canonical.apart.size() == 2060);
    CHECK(again == 940);
    CHECK(decomposition_of('a') == nullptr);
    CHECK(decomposition_of(0xAC00) == nullptr);
    CHECK(composition_of('a', 0x301) == 0xE1);
    CHECK(composition_of('a', 'b') == 0);
    CHECK(composition_of(0x915, 0x93C) == 0);  // excluded
    CHECK(composition_of(0x1100, 0x1161) == 0xAC00);
}

TEST_CASE("combining classes", "[unicode]") {
    CHECK(combining_class('a') == 0);
    CHECK(combining_class(0x301) == 230);
    CHECK(combining_class(0x327) == 202);
    CHECK(combining_class(0x345) == 240);
    CHECK(combining_class(0x3099) == 8);
    CHECK(combining_class(0x302E) == 224);  // Hangul tone mark
    CHECK(combining_class(0xAC00) == 0);
    CHECK(combining_class(0x7FD) == 0);  // younger than the reference's tables
}
