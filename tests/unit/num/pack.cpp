// SPDX-License-Identifier: MIT
// How packed weights are laid out is tested in q4.cpp and q8.cpp.
#include "narae/num/pack.hpp"

#include <vector>

#include "catch.hpp"
#include "narae/num/random.hpp"

using namespace narae;

TEST_CASE("round_to_q4 gives what a packed row is read as") {
    for (const std::size_t k : {1u, 5u, 63u, 64u, 65u, 200u, 256u}) {
        CAPTURE(k);
        num::random random{k};
        std::vector<float> rows(16 * k), rounded(k), read(k);
        for (auto& w : rows) w = random.normal();
        rows[0] = 0;
        std::vector<std::byte> tile(num::q4_layout::tile_bytes(k));
        num::pack_tile_q4(tile.data(), rows.data(), 16, k);
        for (std::size_t r = 0; r < 16; ++r) {
            num::round_to_q4(rounded.data(), rows.data() + r * k, k);
            num::unpack_row<num::q4_layout>(read.data(), tile.data(), r, k);
            CHECK(rounded == read);
        }
    }
    std::vector<float> zeros(70), out(70, 1.0f);
    num::round_to_q4(out.data(), zeros.data(), 70);
    CHECK(out == zeros);
}
