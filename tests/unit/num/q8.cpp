// SPDX-License-Identifier: MIT
// 8-bit numbers: rounding, the packed layout against the words that describe it, there and back.
#include "narae/num/q8.hpp"

#include <limits>

#include "../kernel/inputs.hpp"
#include "catch.hpp"
#include "narae/num/pack.hpp"

using namespace narae::num;

TEST_CASE("round_q8 rounds to even, clamps, and takes anything") {
    CHECK(round_q8(0.5f) == 0);
    CHECK(round_q8(1.5f) == 2);
    CHECK(round_q8(-2.5f) == -2);
    CHECK(round_q8(126.5f) == 126);
    CHECK(round_q8(126.51f) == 127);
    CHECK(round_q8(1e30f) == 127);
    CHECK(round_q8(-1e30f) == -127);
    CHECK(round_q8(std::numeric_limits<float>::infinity()) == 127);
    CHECK(round_q8(std::numeric_limits<float>::quiet_NaN()) == -127);
    for (int i = -127; i <= 127; ++i) CHECK(round_q8(static_cast<float>(i) + 0.49f) == i);
}

TEST_CASE("q8 tiles: what is packed comes back, each code at its place") {
    std::uint64_t seed = 20;
    for (const std::size_t k : inputs::columns_of_a_gemv)
        for (const std::size_t n : {1u, 5u, 16u}) {
            inputs::random r(++seed);
            CAPTURE(k, n, seed);
            const auto w = r.reals(n * k, -0.3f, 0.2f);
            std::vector<std::byte> tile(q8_layout::tile_bytes(k), std::byte{0x55});
            REQUIRE(tile.size() % 64 == 0);
            narae::num::pack_tile_q8(tile.data(), w.data(), n, k);
            int wrong = 0;
            for (std::size_t row = 0; row < 16; ++row) {
                std::vector<float> back(k);
                unpack_row<q8_layout>(back.data(), tile.data(), row, k);
                for (std::size_t i = 0; i < groups_of(k) * group_len; ++i) {
                    const int code = oracle::q8(tile.data(), k, row, i);
                    const double scale = oracle::scale_of(tile.data(), row, i / 64);
                    if (row >= n || i >= k) {
                        wrong += code != 0;
                        continue;
                    }
                    const double value = static_cast<double>(w[row * k + i]);
                    // Half a step, or more where the f16 scale was rounded down and 127 steps do not reach.
                    wrong += std::abs(scale * code - value) > scale * (0.5 + 127 * 0x1p-11);
                    wrong += static_cast<double>(back[i]) != static_cast<double>(static_cast<float>(scale * code));
                }
            }
            CHECK(wrong == 0);
        }
}

TEST_CASE("q8 tiles of nothing, of the smallest and of the largest numbers") {
    for (const float size : {0.0f, 1e-9f, 1e-7f, 1e-5f, 60000.0f, 8e6f}) {
        CAPTURE(size);
        std::vector<float> w(64, size), back(64);
        w[1] = -size;
        std::vector<std::byte> tile(q8_layout::tile_bytes(64));
        narae::num::pack_tile_q8(tile.data(), w.data(), 1, 64);
        unpack_row<q8_layout>(back.data(), tile.data(), 0, 64);
        CHECK(back[1] == -back[0]);
        const double step = 0x1p-25;  // what a subnormal scale cannot tell apart, times 127
        CHECK(std::abs(static_cast<double>(back[0] - size)) <= static_cast<double>(size) * 0x1p-8 + 127 * step);
    }
}
