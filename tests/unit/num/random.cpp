// SPDX-License-Identifier: MIT
#include "narae/num/random.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"

using namespace narae;

TEST_CASE("random numbers are those of SplitMix64") {
    num::random random{1234567};  // the published reference values for this seed
    CHECK(random.next() == 6457827717110365317u);
    CHECK(random.next() == 3203168211198807973u);
    CHECK(random.next() == 9817491932198370423u);
}

TEST_CASE("random numbers keep to their range and spread") {
    num::random random{1};
    std::vector<int> seen(7);
    for (int i = 0; i < 7000; ++i) ++seen[static_cast<std::size_t>(random.below(7))];
    for (const auto n : seen) CHECK(std::abs(n - 1000) < 150);
    double sum = 0, squares = 0;
    for (int i = 0; i < 20000; ++i) {
        const double x = static_cast<double>(random.normal());
        sum += x, squares += x * x;
    }
    CHECK(std::abs(sum / 20000) < 0.03);
    CHECK(squares / 20000 == Approx(1).epsilon(0.03));
}

TEST_CASE("a shuffle keeps every element, and another seed gives another order") {
    std::vector<int> list(100), sorted;
    for (int i = 0; i < 100; ++i) list[static_cast<std::size_t>(i)] = i;
    auto other = list;
    const auto before = list;
    num::random{1}.shuffle(list);
    num::random{2}.shuffle(other);
    CHECK(list != before);
    CHECK(list != other);
    std::sort(list.begin(), list.end());
    CHECK(list == before);
}
