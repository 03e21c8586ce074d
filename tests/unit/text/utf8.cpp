// SPDX-License-Identifier: MIT
#include "narae/text/utf8.hpp"

#include <vector>

#include "catch.hpp"

using namespace narae::text;

TEST_CASE("every scalar value survives UTF-8, with the shortest form", "[utf8]") {
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        std::string s;
        utf8_append(s, c);
        const auto step = utf8_front(s);
        const std::size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        if (!(step.valid && !step.cut && step.code_point == c && step.length == length && s.size() == length)) {
            CAPTURE(static_cast<unsigned>(c));
            FAIL("changed on the way");
        }
        for (std::size_t n = 1; n < length; ++n) {  // every prefix is cut, not wrong
            const auto part = utf8_front(std::string_view(s).substr(0, n));
            if (part.valid || !part.cut || part.length != n) FAIL("prefix");
            if (utf8_unfinished(std::string_view(s).substr(0, n)) != n) FAIL("unfinished");
        }
        if (utf8_unfinished(s) != 0) FAIL("a whole character waits");
    }
}

TEST_CASE("an invalid sequence is consumed by its maximal well-formed prefix", "[utf8]") {
    struct bad {
        std::string bytes;
        std::size_t length;
        bool cut;
    };
    const std::vector<bad> all = {
        {"\x80", 1, false},
        {"\xBF\x80", 1, false},
        {"\xC0\xAF", 1, false},
        {"\xC1\x80", 1, false},
        {"\xC2", 1, true},
        {"\xC2\x41", 1, false},
        {"\xE0\x80\x80", 1, false},
        {"\xE0\x9F\xBF", 1, false},
        {"\xE0\xA0", 2, true},
        {"\xE0\xA0\x41", 2, false},
        {"\xED\xA0\x80", 1, false},
        {"\xED\x9F", 2, true},
        {"\xEA\xB0", 2, true},
        {"\xEA\xB0\xEA", 2, false},
        {"\xF0\x8F\xBF\xBF", 1, false},
        {"\xF0\x90\x80", 3, true},
        {"\xF4\x8F\xBF", 3, true},
        {"\xF4\x90\x80\x80", 1, false},
        {"\xF5\x80\x80\x80", 1, false},
        {"\xFF", 1, false},
        {"\xF0\x9F\x98\xF0", 3, false},
    };
    for (const auto& b : all) {
        const auto step = utf8_front(b.bytes);
        CAPTURE(b.bytes.size(), static_cast<int>(static_cast<unsigned char>(b.bytes[0])));
        CHECK_FALSE(step.valid);
        CHECK(step.code_point == 0xFFFD);
        CHECK(step.length == b.length);
        CHECK(step.cut == b.cut);
    }
}

TEST_CASE("unfinished bytes are those that more bytes could complete", "[utf8]") {
    CHECK(utf8_unfinished("") == 0);
    CHECK(utf8_unfinished("abc") == 0);
    CHECK(utf8_unfinished("abc\xEA") == 1);
    CHECK(utf8_unfinished("abc\xEA\xB0") == 2);
    CHECK(utf8_unfinished("abc\xEA\xB0\x80") == 0);
    CHECK(utf8_unfinished("\xF0\x9F\x98") == 3);
    CHECK(utf8_unfinished("\xEA\xEA") == 1);
    CHECK(utf8_unfinished("\x80\x80\x80\x80") == 0);
    CHECK(utf8_unfinished("\xE0\x80") == 0);
    CHECK(utf8_unfinished("\xFF") == 0);
}

TEST_CASE("the first invalid byte is found", "[utf8]") {
    CHECK(utf8_first_invalid("") == 0);
    CHECK(utf8_first_invalid("나래") == 6);
    CHECK(utf8_first_invalid("나\xEB\x9E") == 3);
    CHECK(utf8_first_invalid("a\xFF") == 1);
    CHECK(utf8_first_invalid(std::string_view("\0\xC0", 2)) == 1);
}
