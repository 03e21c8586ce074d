// SPDX-License-Identifier: MIT
// f16 and bf16: every one of the 65,536 codes, and every border between two of them.
#include "narae/num/half.hpp"

#include <cmath>
#include <limits>

#include "../../oracle/kernels.hpp"
#include "catch.hpp"
#include "narae/num/to_half.hpp"

using namespace narae::num;

TEST_CASE("every f16 becomes its float and comes back") {
    unsigned wrong = 0;
    for (unsigned h = 0; h < 0x10000; ++h) {
        const auto half = static_cast<std::uint16_t>(h);
        const float f = f16_to_f32(half);
        const bool special = (h >> 10 & 31) == 31;
        if (special && (h & 1023))
            wrong += !std::isnan(f) || !std::isnan(f16_to_f32(f32_to_f16(f)));
        else if (special)
            wrong += !std::isinf(f) || std::signbit(f) != (h >> 15 != 0) || f32_to_f16(f) != half;
        else
            wrong +=
                static_cast<double>(f) != oracle::f16(h) || std::signbit(f) != (h >> 15 != 0) || f32_to_f16(f) != half;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a float becomes the nearest f16, ties to even") {
    unsigned wrong = 0;
    for (unsigned h = 0; h < 0x7C00; ++h) {  // the float halfway to the next f16, and its two neighbours
        const double next = h == 0x7BFF ? 65536 : oracle::f16(h + 1);
        const auto middle = static_cast<float>((oracle::f16(h) + next) / 2);
        const float below = std::nextafter(middle, 0.0f), above = std::nextafter(middle, 1e30f);
        for (const unsigned sign : {0u, 0x8000u}) {
            const float s = sign ? -1.0f : 1.0f;
            wrong += f32_to_f16(s * below) != (sign | h);
            wrong += f32_to_f16(s * middle) != (sign | (h + (h & 1)));
            wrong += f32_to_f16(s * above) != (sign | (h + 1));
        }
    }
    CHECK(wrong == 0);
    CHECK(f32_to_f16(65520.0f) == 0x7C00);
    CHECK(f32_to_f16((std::numeric_limits<float>::max)()) == 0x7C00);
    CHECK(f32_to_f16(-0.0f) == 0x8000);
    CHECK(f32_to_f16(1e-45f) == 0);
}

TEST_CASE("every bf16 is the upper half of its float") {
    unsigned wrong = 0;
    for (unsigned h = 0; h < 0x10000; ++h)
        wrong += std::bit_cast<std::uint32_t>(bf16_to_f32(static_cast<std::uint16_t>(h))) != h << 16;
    CHECK(wrong == 0);
    CHECK(bf16_to_f32(0x3FC0) == 1.5f);
}
