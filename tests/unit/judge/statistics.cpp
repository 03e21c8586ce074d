// SPDX-License-Identifier: MIT
#include "narae/judge/statistics.hpp"

#include <cmath>

#include "catch.hpp"

using namespace narae::judge;

namespace {

bool near(double x, double y, double by = 1e-12) { return std::abs(x - y) <= by; }

}  // namespace

TEST_CASE("accuracy and macro F1, worked out by hand") {
    // Label 0: one right, two asked for, two said: 2 / 4. Label 1: two right, three and three: 4 / 6.
    const std::vector<answer> two{{0, 0}, {0, 1}, {1, 1}, {1, 1}, {1, 0}};
    CHECK(near(accuracy(two), 0.6));
    CHECK(near(macro_f1(two), (0.5 + 2.0 / 3) / 2));
    // Always the same answer: 2 / 3 for that label, nothing for the other.
    CHECK(near(macro_f1(std::vector<answer>{{0, 0}, {1, 0}}), 1.0 / 3));
    // Label 1 is neither right nor said and does not count; label 2 is only said, and does.
    CHECK(near(macro_f1(std::vector<answer>{{0, 0}, {0, 2}}), (2.0 / 3 + 0) / 2));
    CHECK(near(macro_f1(std::vector<answer>{{3, 3}}), 1));
}

TEST_CASE("the standard error of a share") {
    CHECK(near(share_error(0.5, 101), 0.05));
    CHECK(near(share_error(0.2, 401), 0.02));
    CHECK(share_error(1, 1) == 0);
}

TEST_CASE("McNemar's exact test, worked out by hand") {
    CHECK(near(mcnemar(1, 5), 2.0 * (1 + 6) / 64));
    CHECK(near(mcnemar(5, 1), 2.0 * (1 + 6) / 64));
    CHECK(near(mcnemar(0, 10), 2.0 / 1024));
    CHECK(near(mcnemar(2, 8), 2.0 * (1 + 10 + 45) / 1024));
    for (const std::size_t n : {0u, 1u, 3u, 1000u}) CHECK(mcnemar(n, n) == 1);
    CHECK(near(mcnemar(600, 700), 0.0060, 0.0002));  // as the normal distribution has it, with correction
    CHECK(mcnemar(0, 3000) >= 0);                    // 2^-3000 is no double
}
