// SPDX-License-Identifier: MIT
// The kernels once more in double precision, as plainly as possible, reading packed weights by the words of
// num/q4.hpp and num/q8.hpp and not by their code. An oracle for tests. u is half a unit in the last place of 1.
#ifndef NARAE_TESTS_ORACLE_KERNELS_HPP
#define NARAE_TESTS_ORACLE_KERNELS_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "narae/num/q4.hpp"

namespace oracle {

inline constexpr double u = 0x1p-24;

/// A value, and how far from it a kernel may end.
struct bounded {
    double value = 0, bound = 0;
    bool holds(float y) const { return std::abs(static_cast<double>(y) - value) <= bound; }
};

inline double f16(unsigned bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 ? -size : size;
}

inline unsigned byte_of(const std::byte* p, std::size_t i) { return std::to_integer<unsigned>(p[i]); }
inline double scale_of(const std::byte* tile, std::size_t row, std::size_t group) {
    const std::size_t at = (group * 16 + row) * 2;
    return f16(byte_of(tile, at) | byte_of(tile, at + 1) << 8);
}
inline std::size_t scales_size(std::size_t k) { return ((k + 63) / 64 * 16 * 2 + 63) / 64 * 64; }

inline int q4(const std::byte* tile, std::size_t k, std::size_t row, std::size_t i) {
    const unsigned pair = byte_of(tile, scales_size(k) + i / 8 * 64 + row * 4 + i % 4);
    return static_cast<int>(i % 8 < 4 ? pair % 16 : pair / 16) - 8;
}
inline int q8(const std::byte* tile, std::size_t k, std::size_t row, std::size_t i) {
    const int code = static_cast<int>(byte_of(tile, scales_size(k) + i / 4 * 64 + row * 4 + i % 4));
    return code < 128 ? code : code - 256;
}

/// One row times x, and the bound of gemm_q4 and gemm_q8, which holds for numbers far from the smallest a float has:
/// below, each group may add its integer dot (less than 2^20) times 2^-150.
template <int (*Code)(const std::byte*, std::size_t, std::size_t, std::size_t)>
bounded gemv_row(const std::byte* tile, const narae::num::q8_row& x, std::size_t k, std::size_t row) {
    const std::size_t groups = (k + 63) / 64;
    double sum = 0, size = 0;
    for (std::size_t g = 0; g < groups; ++g) {
        double dot = 0;
        for (std::size_t i = g * 64; i < g * 64 + 64; ++i) dot += Code(tile, k, row, i) * x.q[i];
        sum += dot * scale_of(tile, row, g) * static_cast<double>(x.scale[g]);
        size += std::abs(dot * scale_of(tile, row, g) * static_cast<double>(x.scale[g]));
    }
    const auto steps = static_cast<double>(groups);
    return {sum, (steps + 2) * u * size + steps * 0x1p-130};
}

/// One row of plain weights, and the bound of gemv_dense.
inline bounded dense_row(const double* w, const float* x, std::size_t k) {
    double sum = 0, size = 0;
    for (std::size_t i = 0; i < k; ++i)
        sum += w[i] * static_cast<double>(x[i]), size += std::abs(w[i] * static_cast<double>(x[i]));
    return {sum, (static_cast<double>(k) / 16 + 5) * u * size + static_cast<double>(k) * 0x1p-149};
}

/// Layer normalisation. The mean is off by at most (D/16 + 6) u mean|x|; that moves each difference and, with its own
/// sum's rounding, the variance; half of the variance's relative error goes to the inverse root.
inline std::vector<bounded> layer_norm(const std::vector<float>& x, const std::vector<float>& gain,
                                       const std::vector<float>& bias, double eps) {
    const auto d = static_cast<double>(x.size());
    double mean = 0, size = 0, var = 0;
    for (const double v : x) mean += v / d, size += std::abs(v) / d;
    for (const double v : x) var += (v - mean) * (v - mean) / d;
    const double inverse = 1 / std::sqrt(var + eps), off = (d / 16 + 6) * u * size;
    const double var_off = 2 * std::sqrt(var) * off + off * off + (d / 16 + 10) * u * var;
    const double inverse_off = 0.5 * var_off / (var + eps) + 4 * u;
    std::vector<bounded> y;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double z = (static_cast<double>(x[i]) - mean) * inverse, g = static_cast<double>(gain[i]),
                     b = static_cast<double>(bias[i]);
        const double z_off = off * inverse + std::abs(z) * (inverse_off + 2 * u);
        y.push_back({z * g + b, 1.01 * (std::abs(g) * z_off + 2 * u * (std::abs(z * g) + std::abs(b)))});
    }
    return y;
}

/// x * Phi(x). num::gelu's tail is right to 6e-7 of its value (measured over all of its range), and what rounding
/// x * x does to the exponent, up to 9; beyond that it is no larger than the tail at 9, which is 1.2e-19.
inline bounded gelu(double x) {
    const double tail = std::erfc(std::abs(x) / std::sqrt(2.0)) / 2;
    return {x < 0 ? x * tail : x - x * tail, std::abs(x) * (tail * (6e-7 + x * x / 2 * u) + (x < 0 ? 0 : u) + 1.2e-19)};
}

/// Softmax attention over all positions at once; score_off bounds each score's absolute error, blocks is how many
/// calls the positions came in. A weight is off by its score's and the exponentials' relative errors (3e-7 each, one
/// per block it was rescaled in), a sum of at most 64 by 64 roundings; numerator and denominator alike.
inline std::vector<bounded> attend(const std::vector<double>& score, const std::vector<std::vector<double>>& v,
                                   double score_off, std::size_t blocks) {
    double largest = score[0], sum = 0;
    for (const double s : score) largest = s > largest ? s : largest;
    for (const double s : score) sum += std::exp(s - largest);
    std::vector<bounded> o(v[0].size());
    for (std::size_t i = 0; i < o.size(); ++i) {
        double size = 0;
        for (std::size_t j = 0; j < score.size(); ++j) {
            const double p = std::exp(score[j] - largest) / sum;
            o[i].value += p * v[j][i];
            size += p * std::abs(v[j][i]);
        }
        const double off = 2 * score_off + static_cast<double>(blocks + 1) * (3e-7 + 3 * u) + 66 * u;
        o[i].bound = 2 * off * 1.01 * size + 1e-36;
    }
    return o;
}

}  // namespace oracle

#endif
