// SPDX-License-Identifier: MIT
#include "narae/judge/tsv.hpp"

#include <string>

#include "catch.hpp"

using namespace narae;
using judge::read_tsv;

TEST_CASE("a table gives the columns that are asked for, in that order, and nothing is a quote") {
    const std::string text =
        "\xEF\xBB\xBF"
        "ID\t글\t답\r\n1\t\"가\" 나 \t예\n\n2\t\t아니오";
    const auto rows = read_tsv(text, {"답", "글"});
    REQUIRE(rows);
    REQUIRE(rows->size() == 2);
    CHECK((*rows)[0].line == 2);
    CHECK((*rows)[0].fields == std::vector<std::string_view>{"예", "\"가\" 나 "});
    CHECK((*rows)[1].line == 4);
    CHECK((*rows)[1].fields == std::vector<std::string_view>{"아니오", ""});
}

TEST_CASE("what is wrong with a table is said with its line") {
    const auto why = [](std::string_view text) { return read_tsv(text, {"글", "답"}).error().message(); };
    CHECK(why("글\t말\n가\t예\n") == "line 1: no column 답");
    CHECK(why("\n글\t답\n가\n") == "line 3: 1 fields under 2 columns");
    CHECK(why("글\t답\n가\t예\t또\n") == "line 2: 3 fields under 2 columns");
    CHECK(why("글\t답\n가\t\xFF\n") == "line 2: not UTF-8");
    CHECK(why("") == "no rows");
    CHECK(why("글\t답\n") == "no rows");
}
