// SPDX-License-Identifier: MIT
#include "narae/corpus/phrases.hpp"

#include <set>

#include "catch.hpp"
#include "corpus/text.hpp"

using namespace narae;
using corpus::phrase;

namespace {

std::string found(std::string_view letters) {
    static const corpus::phrase_finder find;
    std::string all;
    find(tests::points(letters), [&](phrase kind, std::size_t begin, std::size_t length) {
        all +=
            std::to_string(static_cast<int>(kind)) + ":" + std::to_string(begin) + "+" + std::to_string(length) + " ";
    });
    return all;
}

}  // namespace

TEST_CASE("corpus/phrases: phrases are found by kind and place") {
    CHECK(found("이기사의무단전재와재배포금지") == "0:4+4 0:9+5 ");
    CHECK(found("로그인회원가입") == "1:0+3 1:3+4 ");
    CHECK(found("당일대출") == "2:0+4 ");
    CHECK(found("이것은무엇인가") == "3:3+2 ");
    CHECK(found("좀알려줘") == "4:1+3 ");
    CHECK(found("그것을말한다") == "5:3+3 ");
    CHECK(found("아무것도아닌글").empty());
    CHECK(found("로").empty());
    CHECK(found("").empty());
}

TEST_CASE("corpus/phrases: the lists hold letters only, two at least, each phrase once and found") {
    std::set<std::u32string_view> seen;
    for (const auto list : corpus::phrases)
        corpus::any_listed(list, [&](std::u32string_view w) {
            CAPTURE(tests::utf8(w));
            CHECK(w.size() >= 2);
            CHECK(std::all_of(w.begin(), w.end(),
                              [](char32_t c) { return text::is_syllable(c) || (c >= 'a' && c <= 'z'); }));
            CHECK(seen.insert(w).second);
            CHECK(!found(tests::utf8(w)).empty());
            return false;
        });
    CHECK(seen.size() > 100);
}
