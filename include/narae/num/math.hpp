// SPDX-License-Identifier: MIT
// exp, the normal distribution and sine, defined by their steps: every machine and every SIMD width takes the
// same ones, so results are equal to the bit. Each multiply that meets an add is an explicit fma for that reason:
// what a compiler would fuse by itself, here it fuses by definition.
#ifndef NARAE_NUM_MATH_HPP
#define NARAE_NUM_MATH_HPP

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::num {

/// Sums are taken in this many lanes (element i in lane i % 16) which are then added pairwise: 8, 4, 2, 1 apart.
/// It is the widest register of any kernel; narrower ones use several.
inline constexpr std::size_t lanes = 16;

/// The pairwise end of a sum in lanes; uses `lane` as its workspace.
inline float sum_lanes(float (&lane)[lanes]) noexcept {
    for (std::size_t apart = lanes / 2; apart != 0; apart /= 2)
        for (std::size_t i = 0; i < apart; ++i) lane[i] += lane[i + apart];
    return lane[0];
}

// exp(x) = 2^n * exp(r), |r| <= ln(2)/2; Cody and Waite's two-part ln(2), then a Taylor polynomial of degree 6.
inline constexpr float exp_min = -87.0f, exp_max = 88.0f;
inline constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
inline constexpr float exp_c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};

/// e^x within 3e-7 of its value; 0 below -87, and no larger than e^88 above 88.
inline float exp(float x) noexcept {
    if (!(x >= exp_min)) return 0.0f;
    if (x > exp_max) x = exp_max;
    const auto n = static_cast<std::int32_t>(std::fma(x, log2_e, x < 0 ? -0.5f : 0.5f));  // rounds by truncation
    const auto whole = static_cast<float>(n);
    const float r = std::fma(-whole, ln2_low, std::fma(-whole, ln2_high, x));
    float p = exp_c[0];
    for (std::size_t i = 1; i < 7; ++i) p = std::fma(p, r, exp_c[i]);
    return p * std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
}

// The upper tail of the normal distribution: Q(z) = exp(-z^2/2) * P(1 / (1 + 0.29 z)) for 0 <= z <= 9, P fitted at
// Chebyshev nodes; within 3e-8 of its value before rounding.
inline constexpr float tail_p = 0.29f, tail_max = 9.0f;
inline constexpr float tail_c[] = {0.0408835577f, -0.200643322f, 0.3229275704f, -0.1714153884f, 0.2005477512f,
                                   0.0700030627f, 0.1227515851f, 0.1149072740f, 3.79154579e-05f};

/// GELU in its exact form, x * Phi(x) = x/2 * (1 + erf(x / sqrt 2)). Hendrycks and Gimpel 2016, arXiv:1606.08415.
inline float gelu(float x) noexcept {
    float z = x < 0 ? -x : x;
    if (!(z <= tail_max)) z = tail_max;
    const float t = 1.0f / std::fma(tail_p, z, 1.0f);
    float p = tail_c[0];
    for (std::size_t i = 1; i < 9; ++i) p = std::fma(p, t, tail_c[i]);
    const float tail = p * exp(z * z * -0.5f);
    return x < 0 ? x * tail : std::fma(-x, tail, x);
}

struct sine_cosine {
    float sine, cosine;
};

/// Sine and cosine of an angle in radians, |angle| < 2^40, reduced and summed in double.
inline sine_cosine sincos(double angle) noexcept {
    constexpr double two_over_pi = 0.63661977236758134, half_pi_high = 1.5707963267948966,
                     half_pi_low = 6.123233995736766e-17;
    const auto quarter = static_cast<std::int64_t>(std::fma(angle, two_over_pi, angle < 0 ? -0.5 : 0.5));
    const auto turns = static_cast<double>(quarter);
    const double r = std::fma(-turns, half_pi_low, std::fma(-turns, half_pi_high, angle)), r2 = r * r;
    double s = 0, c = 0;  // Taylor, nested from the highest term down; |r| <= pi/4
    for (int k = 17; k > 1; k -= 2) s = std::fma(s, r2, 1.0) * (-1.0 / (k * (k - 1.0)));
    for (int k = 16; k > 0; k -= 2) c = std::fma(c, r2, 1.0) * (-1.0 / (k * (k - 1.0)));
    const auto sine = static_cast<float>(std::fma(s * r2, r, r)), cosine = static_cast<float>(std::fma(c, r2, 1.0));
    switch (quarter & 3) {
        case 0: return {sine, cosine};
        case 1: return {cosine, -sine};
        case 2: return {-sine, -cosine};
        default: return {-cosine, sine};
    }
}

}  // namespace narae::inline NARAE_ABI::num

#endif
