// SPDX-License-Identifier: MIT
#include "narae/token/pretoken.hpp"

#include <random>
#include <string>
#include <vector>

#include "catch.hpp"

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
