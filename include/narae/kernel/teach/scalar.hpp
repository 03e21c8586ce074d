// SPDX-License-Identifier: MIT
// What training does to a row, by definition. Read contract.hpp first.
#ifndef NARAE_KERNEL_TEACH_SCALAR_HPP
#define NARAE_KERNEL_TEACH_SCALAR_HPP

#include <cmath>

#include "narae/kernel/teach/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

inline void add(float* y, const float* x, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
}

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
    float lane[num::lanes] = {};
    for (std::size_t i = 0; i < n; ++i) lane[i % num::lanes] = std::fma(a[i], b[i], lane[i % num::lanes]);
    return num::sum_lanes(lane);
}

inline constexpr float one_by_sqrt_2_pi = 0.398942280f;

inline void gelu_back(float* dy, const float* x, const float* bias, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const float v = x[i] + bias[i];
        float z = v < 0 ? -v : v;
        if (!(z <= num::tail_max)) z = num::tail_max;
        const float t = 1.0f / std::fma(num::tail_p, z, 1.0f);
        float p = num::tail_c[0];
        for (std::size_t c = 1; c < 9; ++c) p = std::fma(p, t, num::tail_c[c]);
        const float e = num::exp(z * z * -0.5f), tail = p * e;
        dy[i] *= std::fma(v * one_by_sqrt_2_pi, e, v < 0 ? tail : 1.0f - tail);
    }
}

inline row_stats norm_back(float* dx, const float* dy, const float* x, const float* gain, std::size_t d,
                           float eps) noexcept {
    const auto size = static_cast<float>(d);
    float lane[num::lanes] = {};
    for (std::size_t i = 0; i < d; ++i) lane[i % num::lanes] += x[i];
    const float mean = num::sum_lanes(lane) / size;
    float var[num::lanes] = {}, g_sum[num::lanes] = {}, gn_sum[num::lanes] = {};
    for (std::size_t i = 0; i < d; ++i) {
        const float off = x[i] - mean, g = dy[i] * gain[i];
        var[i % num::lanes] = std::fma(off, off, var[i % num::lanes]);
        g_sum[i % num::lanes] += g;
        gn_sum[i % num::lanes] = std::fma(g, off, gn_sum[i % num::lanes]);
    }
    const float inverse = 1.0f / std::sqrt(num::sum_lanes(var) / size + eps);
    const float g_mean = num::sum_lanes(g_sum) / size, slope = num::sum_lanes(gn_sum) / size * inverse * inverse;
    for (std::size_t i = 0; i < d; ++i)
        dx[i] = std::fma(inverse, std::fma(x[i] - mean, -slope, dy[i] * gain[i] - g_mean), dx[i]);
    return {mean, inverse};
}

inline void norm_vectors_back(float* dgain, float* dbias, const float* dy, const float* x, row_stats stats,
                              std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        dgain[i] = std::fma(dy[i], (x[i] - stats.mean) * stats.inverse, dgain[i]);
        dbias[i] += dy[i];
    }
}

inline kernel::exp_sum exp_sum(const float* x, std::size_t n, float scale) noexcept {
    float largest = scale * x[0], lane[num::lanes] = {};
    for (std::size_t i = 0; i < n; ++i) largest = scale * x[i] > largest ? scale * x[i] : largest;
    for (std::size_t i = 0; i < n; ++i) lane[i % num::lanes] += num::exp(std::fma(scale, x[i], -largest));
    return {largest, num::sum_lanes(lane)};
}

inline void softmax(float* x, std::size_t n, float scale, float log_sum) noexcept {
    for (std::size_t i = 0; i < n; ++i) x[i] = num::exp(std::fma(scale, x[i], -log_sum));
}

inline void softmax_back(float* dp, const float* p, std::size_t n, float scale, float mean) noexcept {
    for (std::size_t i = 0; i < n; ++i) dp[i] = scale * p[i] * (dp[i] - mean);
}

inline void adamw(float* w, float* m, float* v, float* g, std::size_t n, const adamw_step& s) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const float d = g[i] * s.scale;
        g[i] = 0;
        m[i] = std::fma(s.beta1, m[i] - d, d);
        v[i] = std::fma(s.beta2, std::fma(-d, d, v[i]), d * d);
        const float size = std::sqrt(v[i] * s.unbias2) + s.eps;
        w[i] = std::fma(-s.decay, w[i], w[i]) - s.rate * (m[i] * s.unbias1) / size;
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
