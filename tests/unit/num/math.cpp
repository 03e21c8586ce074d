// SPDX-License-Identifier: MIT
// exp, gelu, sine and cosine against <cmath> in double, and the order of a sum in lanes.
#include "narae/num/math.hpp"

#include <limits>

#include "../../oracle/kernels.hpp"
#include "catch.hpp"

using namespace narae;

TEST_CASE("exp stays within 3e-7 of its value") {
    double worst = 0;
    for (int i = -870000; i <= 880000; ++i) {
        const float x = static_cast<float>(i) / 10000;
        const double exact = std::exp(static_cast<double>(x));
        worst = (std::max)(worst, std::abs(static_cast<double>(num::exp(x)) - exact) / exact);
    }
    CAPTURE(worst);
    CHECK(worst <= 3e-7);
    CHECK(num::exp(0.0f) == 1.0f);
    CHECK(num::exp(-0.0f) == 1.0f);
    CHECK(num::exp(-87.001f) == 0.0f);
    CHECK(num::exp(-1e30f) == 0.0f);
    CHECK(num::exp(1e30f) == num::exp(88.0f));
    CHECK(num::exp(std::numeric_limits<float>::quiet_NaN()) == 0.0f);
}

TEST_CASE("gelu stays within its bound") {
    int outside = 0;
    for (int i = -1200000; i <= 1200000; ++i) {
        const float x = static_cast<float>(i) / 100000;
        outside += !oracle::gelu(static_cast<double>(x)).holds(num::gelu(x));
    }
    CHECK(outside == 0);
    CHECK(num::gelu(0.0f) == 0.0f);
    CHECK(num::gelu(100.0f) == 100.0f);
    CHECK(std::abs(num::gelu(-100.0f)) < 1e-16f);
}

TEST_CASE("sine and cosine are right in float, near zero and after many turns") {
    double worst = 0;
    const auto compare = [&](double angle) {
        const auto got = num::sincos(angle);
        const double s = std::sin(angle), c = std::cos(angle);  // a unit in the last place, relative to the value
        worst = (std::max)(worst, std::abs(static_cast<double>(got.sine) - s) / (std::abs(s) + 1e-9));
        worst = (std::max)(worst, std::abs(static_cast<double>(got.cosine) - c) / (std::abs(c) + 1e-9));
    };
    for (int i = -200000; i <= 200000; ++i) compare(i * 0.001);
    for (double angle = 1e-12; angle < 1e12; angle *= 1.0001) compare(angle), compare(-angle);
    for (int i = 0; i < 100000; ++i) compare(i * 1.5707963267948966);
    CAPTURE(worst);
    CHECK(worst <= 1.001 * oracle::u);
    CHECK((num::sincos(0).sine == 0.0f && num::sincos(0).cosine == 1.0f));
}

TEST_CASE("a sum in lanes goes 8, 4, 2, 1 apart") {
    for (int shift = 0; shift < 16; ++shift) {  // numbers so far apart that another order loses other bits
        float lane[num::lanes], copy[num::lanes];
        for (int i = 0; i < 16; ++i)
            copy[i] = lane[i] = std::ldexp(1.0f + 0.1f * static_cast<float>(i), (i * 7 + shift) % 16 * 3);
        for (const int apart : {8, 4, 2, 1})
            for (int i = 0; i < apart; ++i) copy[i] = copy[i] + copy[i + apart];
        CHECK(num::sum_lanes(lane) == copy[0]);
    }
}
