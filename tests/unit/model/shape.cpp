// SPDX-License-Identifier: MIT
#include "narae/model/shape.hpp"

#include <set>

#include "../models.hpp"

using namespace narae;

TEST_CASE("with as many key-value heads as heads, QKV rows are interleaved as GPT-NeoX does it") {
    const model::shape s(*store::parse_config(models::config(1, 64, 4, 4, 64, 16, 0.5)));
    CHECK(s.qkv_rows() == 3 * 64);
    for (std::size_t h = 0; h < 4; ++h) {
        CHECK(s.q_row(h) == 3 * h * 16);
        CHECK(s.k_row(h) == 3 * h * 16 + 16);
        CHECK(s.v_row(h) == 3 * h * 16 + 32);
    }
}

TEST_CASE("with shared key-value heads every row of QKV has exactly one owner") {
    for (const std::size_t kv : {1u, 2u, 3u, 6u}) {
        const model::shape s(*store::parse_config(models::config(1, 60, 6, kv, 64, 16, 0.0)));
        std::set<std::size_t> owned;
        for (std::size_t h = 0; h < s.H; ++h) owned.insert(s.q_row(h));
        for (std::size_t g = 0; g < s.G; ++g) owned.insert({s.k_row(g), s.v_row(g)});
        CHECK(owned.size() == s.H + 2 * s.G);
        CHECK(*owned.rbegin() + s.E == s.qkv_rows());
        for (const auto row : owned) CHECK(row % s.E == 0);
    }
}
