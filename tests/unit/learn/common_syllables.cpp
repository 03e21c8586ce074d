// SPDX-License-Identifier: MIT
#include "narae/learn/common_syllables.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "catch.hpp"

using narae::learn::common_syllables;

TEST_CASE("learn/common_syllables: the syllables of KS X 1001, in order") {
    const auto all = common_syllables();
    CHECK(all.size() == 2350);
    CHECK(all.front() == U'가');
    CHECK(all.back() == U'힝');
    CHECK(std::is_sorted(all.begin(), all.end()));
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    CHECK(std::all_of(all.begin(), all.end(), narae::text::is_syllable));
    const auto in = [&](char32_t c) { return std::binary_search(all.begin(), all.end(), c); };
    for (const auto c : std::u32string_view(U"각간갇갈낢뎐쐐팎홱힁")) {
        CAPTURE(static_cast<std::uint32_t>(c));
        CHECK(in(c));
    }
    for (const auto c : std::u32string_view(U"갂뷁펲똠쌰힣")) {
        CAPTURE(static_cast<std::uint32_t>(c));
        CHECK(!in(c));
    }
    // All of them at once: the hash (FNV-1a over code points) of what the codec "euc_kr" of Python decodes.
    std::uint32_t hash = 2166136261;
    for (const auto c : all) hash = (hash ^ static_cast<std::uint32_t>(c)) * 16777619;
    CHECK(hash == 0xE23A98BB);
}
