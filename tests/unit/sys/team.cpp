// SPDX-License-Identifier: MIT
#include "narae/sys/team.hpp"

#include <atomic>
#include <vector>

#include "catch.hpp"

using narae::sys::slice_of;
using narae::sys::team;

TEST_CASE("slices cover a range once, at multiples of the step", "[team]") {
    for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 1000u})
        for (const std::size_t step : {1u, 8u, 16u})
            for (const std::size_t parts : {1u, 2u, 3u, 7u, 40u}) {
                CAPTURE(n, step, parts);
                std::size_t next = 0;
                for (std::size_t part = 0; part < parts; ++part) {
                    const auto s = slice_of(n, step, part, parts);
                    CHECK(s.begin == next);
                    CHECK(s.end >= s.begin);
                    CHECK((s.end % step == 0 || s.end == n));
                    next = s.end;
                }
                CHECK(next == n);
            }
}

TEST_CASE("a team runs every part once, and again", "[team][threads]") {
    for (const std::size_t threads : {1u, 2u, 3u, 8u}) {
        auto made = team::make(threads);
        REQUIRE(made);
        CHECK((*made)->size() == threads);
        for (int round = 0; round < 200; ++round) {
            std::vector<int> parts_run(threads);
            (*made)->run([&](std::size_t part, std::size_t parts) { parts_run[part] += parts == threads ? 1 : 100; });
            REQUIRE(parts_run == std::vector<int>(threads, 1));
        }
    }
}

TEST_CASE("what the parts wrote is there when run returns", "[team][threads]") {
    auto made = team::make(4);
    REQUIRE(made);
    std::vector<std::size_t> sums(4);
    for (std::size_t round = 1; round <= 100; ++round) {
        (*made)->run([&](std::size_t part, std::size_t) { sums[part] += round; });
        for (const auto sum : sums) REQUIRE(sum == round * (round + 1) / 2);
    }
}

TEST_CASE("teams of several callers do not meet", "[team][threads]") {
    auto outer = team::make(3);
    REQUIRE(outer);
    std::atomic<std::size_t> total{0};
    (*outer)->run([&](std::size_t, std::size_t) {
        auto inner = team::make(2);
        if (!inner) return;
        for (int round = 0; round < 50; ++round)
            (*inner)->run([&](std::size_t part, std::size_t) { total += part + 1; });
    });
    CHECK(total == 3 * 50 * (1 + 2));
}

TEST_CASE("zero threads means one per processor", "[team]") {
    auto made = team::make(0);
    REQUIRE(made);
    CHECK((*made)->size() >= 1);
    CHECK((*made)->size() <= 16);
}
