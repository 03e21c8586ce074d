// SPDX-License-Identifier: MIT
#include "narae/token/segment.hpp"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace narae;
using namespace narae::token;
using segments = std::vector<std::string>;

namespace {

segments cut(const boundary_model& m, std::string_view piece, std::size_t digits = 3) {
    segmenter cutter(m.weights, m.cut, digits);
    segments all;
    cutter(piece, [&](std::string_view s) { all.emplace_back(s); });
    return all;
}

/// Cuts this run before its syllable `at`, and other gaps only where they look alike.
boundary_model cuts(std::u32string_view run, std::size_t at) {
    boundary_model m;
    m.cut = 9;  // all ten slots have to agree
    for_each_gap(run, [&](std::size_t i, const gap& g) {
        if (i == at) for_each_feature(g, [&](std::uint32_t slot) { m.weights[slot] = 1; });
    });
    return m;
}

boundary_model random_model(std::mt19937& random) {
    boundary_model m;
    for (auto& w : m.weights) w = static_cast<std::int8_t>(static_cast<int>(random() % 256) - 128);
    m.cut = static_cast<std::int32_t>(random() % 400) - 200;
    return m;
}

}  // namespace

TEST_CASE("Hangul is cut where the weights of a gap sum to more than the cut", "[segment]") {
    const auto m = cuts(U"나래를", 2);
    CHECK(cut(m, "나래를") == segments{"나래", "를"});
    CHECK(cut(m, " 나래를") == segments{" 나래", "를"});  // the blank rides
    CHECK(cut(m, "나래") == segments{"나래"});
    CHECK(cut(m, "나래는") == segments{"나래는"});
    CHECK(cut(m, "큰나래를") == segments{"큰나래를"});  // not the same three syllables to the left
    CHECK(cut(m, "나래를펴") == segments{"나래를펴"});
    CHECK(cut(m, "나") == segments{"나"});
    CHECK(cut(cuts(U"나래를", 1), "나래를") == segments{"나", "래를"});

    auto exact = m;
    exact.cut = 10;  // a sum of ten is not more than ten
    CHECK(cut(exact, "나래를") == segments{"나래를"});
    const boundary_model nowhere;
    CHECK(cut(nowhere, "나래를펴고바람을타며") == segments{"나래를펴고바람을타며"});
    auto everywhere = nowhere;
    everywhere.cut = -1;
    CHECK(cut(everywhere, " 나래를펴고") == segments{" 나", "래", "를", "펴", "고"});

    auto lowest = nowhere;  // weights are signed, and ten of them do not fit into one
    lowest.weights.assign(boundary_model::slots, -128);
    lowest.cut = -1281;
    CHECK(cut(lowest, "나래를") == segments{"나", "래", "를"});
    lowest.cut = -1280;
    CHECK(cut(lowest, "나래를") == segments{"나래를"});
}

TEST_CASE("Hangul stands apart from other letters, and runs of it know nothing of each other", "[segment]") {
    const boundary_model nowhere;
    CHECK(cut(nowhere, "abc") == segments{"abc"});
    CHECK(cut(nowhere, " abc") == segments{" abc"});
    CHECK(cut(nowhere, "abc나래") == segments{"abc", "나래"});
    CHECK(cut(nowhere, " abc나래") == segments{" abc", "나래"});
    CHECK(cut(nowhere, "나래abc") == segments{"나래", "abc"});
    CHECK(cut(nowhere, " 나래abc를中文은ㅋㅋ") == segments{" 나래", "abc", "를", "中文", "은", "ㅋㅋ"});
    CHECK(cut(nowhere, "ㅋㅋ\xE1\x84\x80\xE1\x85\xA1") ==
          segments{"ㅋㅋ\xE1\x84\x80\xE1\x85\xA1"});  // jamo are letters
    const auto m = cuts(U"나래를", 2);
    CHECK(cut(m, "나래abc를") == segments{"나래", "abc", "를"});
    CHECK(cut(m, "x나래를y나래를") == segments{"x", "나래", "를", "y", "나래", "를"});
}

TEST_CASE("digits come in groups", "[segment]") {
    const boundary_model m;
    CHECK(cut(m, "1") == segments{"1"});
    CHECK(cut(m, "123") == segments{"123"});
    CHECK(cut(m, "1234567") == segments{"123", "456", "7"});
    CHECK(cut(m, " 1234567") == segments{" 123", "456", "7"});
    CHECK(cut(m, "123456") == segments{"123", "456"});
    CHECK(cut(m, "1234", 1) == segments{"1", "2", "3", "4"});
    CHECK(cut(m, "1234567890", 9) == segments{"123456789", "0"});
    CHECK(cut(m, "１２３４½Ⅳ") == segments{"１２３", "４½Ⅳ"});  // characters are counted, not bytes
}

TEST_CASE("what is neither letter nor digit stays whole", "[segment]") {
    boundary_model m;
    m.cut = -1;
    for (const char* s :
         {" ", "  ", "\n", "\t\t", "!?...", " !", "'s", "👍🏽😀", "\xFF\xFE", " \xEA\xB0", "\xCC\x81"})
        CHECK(cut(m, s) == segments{s});
}

TEST_CASE("segments are never empty, and join to the piece, whatever it holds", "[segment]") {
    std::mt19937 random(3);
    const segments pool = {" ",  "가", "힣", "나래를", "ab", "é",  "中",           "ㅋ",           "1",
                           "２", "½",  "!",  "😀",      "\n", "'s", "\xE1\x84\x80", "\xE1\x85\xA1", "\xE1\x86\xA8"};
    for (int model = 0; model < 5; ++model) {
        const auto m = random_model(random);
        for (int i = 0; i < 2000; ++i) {
            std::string s;
            for (auto n = 1 + random() % 30; n > 0; --n)
                s += random() % 4 == 0 ? std::string(1, static_cast<char>(random() % 256))
                                       : pool[random() % pool.size()];
            const auto digits = 1 + random() % 9;
            std::string joined;
            const auto take = [&](std::string_view piece) {
                std::string all;
                for (const auto& part : cut(m, piece, digits)) {
                    if (part.empty()) FAIL("an empty segment of " << piece);
                    if (part == " " && piece != " ") FAIL("the blank of '" << piece << "' stands alone");
                    all += part;
                }
                if (all != piece) FAIL(piece);
                joined += all;
            };
            for_each_piece(s, take);
            if (joined != s) FAIL(s);
            std::string whole;  // a segmenter needs no pattern before it
            for (const auto& part : cut(m, s, digits)) whole += part;
            if (whole != s) FAIL(s);
        }
    }
}

TEST_CASE("a piece of a megabyte is cut as its parts are", "[segment]") {
    std::mt19937 random(4);
    const auto m = random_model(random);
    // Every gap sees three syllables, so the cuts of a word that is repeated repeat: count those of 3 and of 4 words.
    const std::string word = "나래를펴고바람을타며";
    const auto count = [&](std::size_t words) {
        std::string s;
        for (std::size_t i = 0; i < words; ++i) s += word;
        return cut(m, s).size();
    };
    const std::size_t words = 35000;
    CHECK(words * word.size() > 1000000);
    CHECK(count(words) == count(3) + (words - 3) * (count(4) - count(3)));
    CHECK(count(4) > count(3));
    CHECK(cut(m, std::string(1000000, '7')).size() == 333334);
    CHECK(cut(m, std::string(1000000, 'a')).size() == 1);
    std::string mixed;
    for (int i = 0; i < 100000; ++i) mixed += "a가";
    CHECK(cut(m, mixed).size() == 200000);
}
