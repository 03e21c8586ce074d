// SPDX-License-Identifier: MIT
#include "narae/token/pretoken.hpp"

#include <random>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace narae;
using namespace narae::token;
using pieces = std::vector<std::string>;

namespace {

pieces cut(std::string_view s) {
    pieces all;
    for_each_piece(s, [&](std::string_view p) { all.emplace_back(p); });
    return all;
}

}  // namespace

TEST_CASE("words, numbers and the rest, each with one blank before it", "[pretoken]") {
    CHECK(cut("").empty());
    CHECK(cut("나래가 날아") == pieces{"나래가", " 날아"});
    CHECK(cut("abc123가나!?45") == pieces{"abc", "123", "가나", "!?", "45"});
    CHECK(cut(" a 1 !") == pieces{" a", " 1", " !"});
    CHECK(cut("2½³Ⅳ１") == pieces{"2½³Ⅳ１"});
    CHECK(cut("ㅋㅋ中あé") == pieces{"ㅋㅋ中あé"});
    CHECK(cut("a_b") == pieces{"a", "_", "b"});
    CHECK(cut("e\xCC\x81x") == pieces{"e", "\xCC\x81", "x"});  // a mark is no letter
    CHECK(cut("👍🏽😀") == pieces{"👍🏽😀"});
    CHECK(cut("\xE2\x80\x8B\xEF\xBB\xBF") ==
          pieces{"\xE2\x80\x8B\xEF\xBB\xBF"});  // U+200B and U+FEFF are no white space
}

TEST_CASE("contractions", "[pretoken]") {
    CHECK(cut("it's I'll we've they're don't I'd I'm") ==
          pieces{"it", "'s", " I", "'ll", " we", "'ve", " they", "'re", " don", "'t", " I", "'d", " I", "'m"});
    CHECK(cut("'") == pieces{"'"});
    CHECK(cut("'r") == pieces{"'", "r"});
    CHECK(cut("'S") == pieces{"'", "S"});
    CHECK(cut("''s") == pieces{"''", "s"});  // the first quote begins a run that takes the second
    CHECK(cut(" 's") == pieces{" '", "s"});
    CHECK(cut("'sss") == pieces{"'s", "ss"});
    CHECK(cut("'가") == pieces{"'", "가"});
}

TEST_CASE("white space before a word leaves its last character over", "[pretoken]") {
    CHECK(cut(" ") == pieces{" "});
    CHECK(cut("   ") == pieces{"   "});
    CHECK(cut("  a") == pieces{" ", " a"});
    CHECK(cut("a   b") == pieces{"a", "  ", " b"});
    CHECK(cut("\na") == pieces{"\n", "a"});
    CHECK(cut("\n\na") == pieces{"\n", "\n", "a"});
    CHECK(cut("a \n b") == pieces{"a", " \n", " b"});
    CHECK(cut("a\t\n") == pieces{"a", "\t\n"});
    CHECK(cut("\xE3\x80\x80\xE3\x80\x80가") == pieces{"\xE3\x80\x80", "\xE3\x80\x80", "가"});
    CHECK(cut("\xC2\x85!") == pieces{"\xC2\x85", "!"});
    CHECK(cut("  !") == pieces{" ", " !"});
    CHECK(cut(" \xC2\xA0 ") == pieces{" \xC2\xA0 "});
}

TEST_CASE("bytes that are not UTF-8 are of no class", "[pretoken]") {
    CHECK(cut("a\xFF"
              "b") == pieces{"a", "\xFF", "b"});
    CHECK(cut(" \xEA\xB0") == pieces{" \xEA\xB0"});
    CHECK(cut("!\x80\x80?") == pieces{"!\x80\x80?"});
    CHECK(cut("\xED\xA0\x80") == pieces{"\xED\xA0\x80"});
}

TEST_CASE("syllables are told apart without looking them up", "[pretoken]") {
    for (char32_t c = 0; c < 0x11000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;  // surrogates are no characters
        std::string s;
        text::utf8_append(s, c);
        if (pretoken::syllables_end(s, 0) != (text::is_syllable(c) ? 3u : 0u)) FAIL(s);
        if (pretoken::syllables_end("가" + s + "가", 0) != (text::is_syllable(c) ? 9u : 3u)) FAIL(s);
    }
    CHECK(pretoken::syllables_end("", 0) == 0);
    CHECK(pretoken::syllables_end("\xEA\xAF\xBF", 0) == 0);  // one before the first
    CHECK(pretoken::syllables_end("\xEA\xB0\x80", 0) == 3);
    CHECK(pretoken::syllables_end("\xED\x9E\xA3", 0) == 3);
    CHECK(pretoken::syllables_end("\xED\x9E\xA4", 0) == 0);  // one behind the last
    CHECK(pretoken::syllables_end("\xED\xA0\x80", 0) == 0);  // a surrogate
    CHECK(pretoken::syllables_end("나래 나래", 0) == 6);
    const std::string word = "나래";
    for (std::size_t n = 0; n <= word.size(); ++n) CHECK(pretoken::syllables_end(word.substr(0, n), 0) == n / 3 * 3);
    for (const char* cut : {"\xEA", "\xEA\xB0", "\xEA\xB0 ", "\xEA가", "\xEA\xB0\xEA", "\xEA\xB0\xC0", "\xEA\x30\x80",
                            "\xEA\xF0\x80", "\xEB\x80\x7F", "\x80\x80"}) {
        CHECK(pretoken::syllables_end(cut, 0) == 0);
        CHECK(pretoken::syllables_end(word + cut, 0) == 6);
        CHECK(pretoken::run_end(word + cut, 0, pretoken::kind::letter) == 6);
    }
}

TEST_CASE("the fast way for Hangul cuts as the pattern does", "[pretoken]") {
    const std::vector<std::string> pool = {"가", "힣", "나래", "\xEA\xAF\xBF", "\xED\x9E\xA4", "ㄱ",   "a", "é", "1",
                                           "!",  " ",  "\n",   "\xEA",         "\xEA\xB0",     "\xB0", "'", "s"};
    std::mt19937 random(4);
    for (int i = 0; i < 20000; ++i) {  // letters are looked up one by one here
        std::string s;
        for (auto n = 1 + random() % 10; n > 0; --n) s += pool[random() % pool.size()];
        const std::size_t blank = s[0] == ' ' && s.size() > 1 ? 1 : 0;
        auto n = blank;
        while (n < s.size() && pretoken::front(std::string_view(s).substr(n)).what == pretoken::kind::letter)
            n += pretoken::front(std::string_view(s).substr(n)).length;
        if (n > blank && first_piece(s) != n) FAIL(s);
    }
}

TEST_CASE("the pieces of any bytes join to the same bytes", "[pretoken]") {
    std::mt19937 random(3);
    for (int i = 0; i < 5000; ++i) {
        std::string s;
        for (auto n = random() % 30; n > 0; --n)
            s += random() % 2 ? std::string(1, static_cast<char>(random() % 256))
                              : pieces{" ", "가", "\n", "'s", "1", "\xC2\xA0"}[random() % 6];
        std::string joined;
        for (const auto& p : cut(s)) {
            if (p.empty()) FAIL("an empty piece");
            joined += p;
        }
        if (joined != s) FAIL(s);
    }
}
