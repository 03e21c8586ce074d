// SPDX-License-Identifier: MIT
#include "narae/text/lines.hpp"

#include "catch.hpp"

using namespace narae::text;

TEST_CASE("text/lines: lines come off the front, whatever ends them") {
    std::string_view rest = "나래\n\r\n a b \r\n\nend";
    std::vector<std::string_view> all;
    while (!rest.empty()) all.push_back(take_line(rest));
    CHECK(all == std::vector<std::string_view>{"나래", "", " a b ", "", "end"});
    rest = "\n";
    CHECK(take_line(rest).empty());
    CHECK(rest.empty());
}

TEST_CASE("text/lines: the shares of a text are its lines, each in one share") {
    std::string text;
    for (int i = 0; i < 40; ++i) text += std::string(static_cast<std::size_t>(i * i % 23), 'x') + "\n";
    for (const std::string& t : {text, text + "no newline", std::string(), std::string("\n"), std::string("one")})
        for (std::size_t parts = 1; parts < 9; ++parts) {
            std::string all;
            for (std::size_t part = 0; part < parts; ++part) {
                const auto share = share_of_lines(t, part, parts);
                if (part + 1 < parts && !share.empty() && all.size() + share.size() < t.size())
                    CHECK(share.back() == '\n');
                all += share;
            }
            CHECK(all == t);
        }
}

TEST_CASE("text/lines: what is not UTF-8 is named by its line") {
    CHECK(check_utf8(""));
    CHECK(check_utf8("나래\n래나\n"));
    const auto bad = check_utf8("나래\n래\xFF나\n\xFE");
    REQUIRE(!bad);
    CHECK(bad.error().message() == "line 2: not UTF-8 (byte 10)");
}

TEST_CASE("text/lines: fields and characters") {
    CHECK(split("a\t\tb", '\t') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string_view>{""});
    CHECK(code_points("가a\xFF") == U"가a\xFFFD");
    CHECK(utf8(U"가a") == "가a");
}
