// SPDX-License-Identifier: MIT
#include "narae/token/morph.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "catch.hpp"

using namespace narae;
using namespace narae::token;

namespace {

constexpr std::size_t gap_features = 10;
using gap_slots = std::vector<std::uint32_t>;

std::vector<std::pair<std::size_t, gap_slots>> gaps(std::u32string_view run) {
    std::vector<std::pair<std::size_t, gap_slots>> all;
    for_each_gap(run, [&](std::size_t i, const gap& g) {
        all.emplace_back(i, gap_slots{});
        for_each_feature(g, [&](std::uint32_t slot) { all.back().second.push_back(slot); });
    });
    return all;
}

std::u32string random_run(std::mt19937& random, std::size_t n) {
    std::u32string run;
    while (run.size() < n) run.push_back(static_cast<char32_t>(text::first_syllable + random() % text::syllables));
    return run;
}

}  // namespace

TEST_CASE("a run has one gap before each syllable but the first, in order", "[morph]") {
    std::mt19937 random(1);
    for (std::size_t n = 0; n < 40; ++n) {
        const auto all = gaps(random_run(random, n));
        REQUIRE(all.size() == (n == 0 ? 0 : n - 1));
        for (std::size_t k = 0; k < all.size(); ++k) CHECK(all[k].first == k + 1);
    }
}

TEST_CASE("a gap sees three syllables to each side, all of them, and nothing beyond", "[morph]") {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        const auto run = random_run(random, 2 + random() % 30);
        for (const auto& [i, slots] : gaps(run)) {
            const auto begin = i - (std::min)(i, std::size_t{3}), end = (std::min)(run.size(), i + 3);
            const auto near = gaps(run.substr(begin, end - begin));
            if (near[i - begin - 1].second != slots) FAIL("round " << round << ", gap " << i);
        }
    }
    const std::u32string run = U"나래를펴고바람을타며";
    constexpr std::size_t gap = 5;
    for (std::size_t k = 0; k < run.size(); ++k) {
        auto other = run;
        other[k] = U'뷁';
        const bool seen = gap <= k + 3 && k < gap + 3;
        CHECK((gaps(other)[gap - 1].second != gaps(run)[gap - 1].second) == seen);
    }
    CHECK(gaps(U"나래")[0].second != gaps(U"래나")[0].second);
    CHECK(gaps(U"나래")[0].second != gaps(U"나래를")[0].second);  // where the run ends is seen, too
    CHECK(gaps(U"나래를")[1].second != gaps(U"래를")[0].second);
}

TEST_CASE("the last feature is the final consonant before the gap", "[morph]") {
    const auto last = [](std::u32string_view run) { return gaps(run)[0].second.back(); };
    CHECK(last(U"산은") == last(U"전은"));
    CHECK(last(U"나는") == last(U"저는"));
    CHECK(last(U"산은") != last(U"살은"));
    CHECK(last(U"산은") != last(U"사은"));
    CHECK(last(U"산은") != last(U"산이"));
    std::set<std::uint32_t> finals;
    for (char32_t c = text::first_syllable; c < text::first_syllable + text::finals; ++c)
        finals.insert(last(std::u32string{c, U'은'}));
    CHECK(finals.size() == text::finals);
}

TEST_CASE("every syllable has its slots, and they are inside the table", "[morph]") {
    std::u32string run;
    for (char32_t c = text::first_syllable; c < text::first_syllable + text::syllables; ++c) run.push_back(c);
    std::array<std::set<std::uint32_t>, gap_features> used;
    std::uint32_t most = 0;
    for (const auto& [i, slots] : gaps(run))
        for (std::size_t k = 0; k < gap_features; ++k) {
            most = (std::max)(most, slots[k]);
            used[k].insert(slots[k]);
        }
    CHECK(most < boundary_model::slots);
    CHECK(most > boundary_model::slots * 99 / 100);
    for (std::size_t k = 0; k < gap_features; ++k) {  // slots may be shared, but not by many
        CAPTURE(k);
        CHECK(used[k].size() > text::syllables * 9 / 10);
    }
}

TEST_CASE("a new model cuts nowhere", "[morph]") {
    const boundary_model m;
    CHECK(m.weights.size() == boundary_model::slots);
    CHECK(boundary_model::slots == 131072);
    CHECK(std::count(m.weights.begin(), m.weights.end(), 0) == 131072);
    CHECK(m.cut == 0);  // and no sum of zeros is more
}

// The weights of a tokenizer are stored by slot: with any other hash they would mean something else.
TEST_CASE("the slots are what shipped tokenizers were trained with", "[morph]") {
    const auto first = gaps(U"가가"), last = gaps(U"힣힣힣힣힣힣"), word = gaps(U"나래를펴고");
    CHECK(first[0].second == gap_slots{9903, 40845, 51854, 102729, 98286, 33541, 18846, 125604, 45869, 26237});
    CHECK(last[2].second == gap_slots{21512, 67577, 110884, 61936, 12989, 12143, 109175, 75136, 41097, 125172});
    CHECK(word[0].second == gap_slots{122544, 29562, 15068, 64352, 110248, 25557, 110252, 1007, 36976, 40913});
    CHECK(word[1].second == gap_slots{44527, 7054, 88535, 38864, 117162, 86456, 123828, 50643, 40997, 25641});
    CHECK(word[3].second == gap_slots{9765, 15263, 46367, 72305, 94421, 77976, 6238, 31201, 97005, 5087});
}
