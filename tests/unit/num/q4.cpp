// SPDX-License-Identifier: MIT
// 4-bit weights: the packed layout against the words that describe it, every byte, there and back.
#include "narae/num/q4.hpp"

#include "../kernel/inputs.hpp"
#include "catch.hpp"
#include "narae/num/pack.hpp"

using namespace narae::num;

TEST_CASE("q4 tiles: each weight takes the nearest of 16 codes, at its place") {
    std::uint64_t seed = 40;
    for (const std::size_t k : inputs::columns_of_a_gemv)
        for (const std::size_t n : {1u, 5u, 16u}) {
            inputs::random r(++seed);
            CAPTURE(k, n, seed);
            const auto w = r.reals(n * k, -0.3f, r.real(0.1f, 0.5f));
            std::vector<std::byte> tile(q4_layout::tile_bytes(k), std::byte{0x55});
            REQUIRE(tile.size() % 64 == 0);
            narae::num::pack_tile_q4(tile.data(), w.data(), n, k);
            int wrong = 0;
            for (std::size_t row = 0; row < 16; ++row) {
                std::vector<float> back(k);
                unpack_row<q4_layout>(back.data(), tile.data(), row, k);
                for (std::size_t i = 0; i < groups_of(k) * group_len; ++i) {
                    const int code = oracle::q4(tile.data(), k, row, i);
                    const double scale = oracle::scale_of(tile.data(), row, i / 64);
                    if (row >= n || i >= k) {
                        wrong += code != 0;
                        continue;
                    }
                    const double value = static_cast<double>(w[row * k + i]);
                    double nearest = 1e9;
                    for (int c = -8; c < 8; ++c) nearest = (std::min)(nearest, std::abs(scale * c - value));
                    wrong += std::abs(scale * code - value) > nearest + std::abs(scale) * 1e-5;
                    wrong += static_cast<double>(back[i]) != static_cast<double>(static_cast<float>(scale * code));
                }
            }
            CHECK(wrong == 0);
        }
}

TEST_CASE("q4: all 256 bytes at all places of a group") {
    int wrong = 0;
    for (unsigned byte = 0; byte < 256; ++byte)
        for (std::size_t row = 0; row < 16; ++row) {
            std::vector<std::byte> tile(q4_layout::tile_bytes(64), static_cast<std::byte>(byte));
            narae::store_le(tile.data() + row * 2, f32_to_f16(0.5f));
            float back[64];
            unpack_row<q4_layout>(back, tile.data(), row, 64);
            for (std::size_t i = 0; i < 64; ++i) {
                const auto code = static_cast<int>(i % 8 < 4 ? byte % 16 : byte / 16);
                wrong += back[i] != 0.5f * static_cast<float>(code - 8);
            }
        }
    CHECK(wrong == 0);
}

TEST_CASE("q4 uses code 0 for the weight of largest size, whatever its sign") {
    for (const float largest : {-0.8f, 0.8f, 100.0f, -1e-6f}) {
        CAPTURE(largest);
        std::vector<float> w(64, largest / 16), back(64);
        w[17] = largest;
        std::vector<std::byte> tile(q4_layout::tile_bytes(64));
        narae::num::pack_tile_q4(tile.data(), w.data(), 1, 64);
        CHECK(oracle::q4(tile.data(), 64, 0, 17) == -8);
        unpack_row<q4_layout>(back.data(), tile.data(), 0, 64);
        CHECK(std::abs(static_cast<double>(back[17] - largest)) <=
              std::abs(static_cast<double>(largest)) * 0x1p-11 + 8 * 0x1p-25);
    }
    std::vector<float> w(64), back(64, 1.0f);
    std::vector<std::byte> tile(q4_layout::tile_bytes(64));
    narae::num::pack_tile_q4(tile.data(), w.data(), 1, 64);
    unpack_row<q4_layout>(back.data(), tile.data(), 0, 64);
    CHECK(back == w);
}
