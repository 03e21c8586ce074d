// SPDX-License-Identifier: MIT
#include "narae/base/sorted.hpp"

#include "catch.hpp"

TEST_CASE("base/sorted: indices in the order asked for") {
    const std::vector<int> values{5, 3, 9, -1, 3, 7};
    const auto order =
        narae::sorted(values.size(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    REQUIRE(order.size() == values.size());
    std::vector<bool> seen(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        CHECK((i == 0 || values[order[i - 1]] >= values[order[i]]));
        CHECK_FALSE(seen[order[i]]);
        seen[order[i]] = true;
    }
    CHECK(narae::sorted(0, nullptr).empty());
}
