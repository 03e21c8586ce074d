// SPDX-License-Identifier: MIT
// layer_norm, bias_gelu and quantize_q8 by definition.
#ifndef NARAE_KERNEL_ROWS_SCALAR_HPP
#define NARAE_KERNEL_ROWS_SCALAR_HPP

#include "narae/kernel/rows/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                       float eps) noexcept {
    float lane[num::lanes] = {};
    for (std::size_t i = 0; i < d; ++i) lane[i % num::lanes] += x[i];
    const float mean = num::sum_lanes(lane) / static_cast<float>(d);
    for (auto& l : lane) l = 0;
    for (std::size_t i = 0; i < d; ++i) {
        const float off = x[i] - mean;
        lane[i % num::lanes] = std::fma(off, off, lane[i % num::lanes]);
    }
    const float var = num::sum_lanes(lane) / static_cast<float>(d), inverse = 1.0f / std::sqrt(var + eps);
    for (std::size_t i = 0; i < d; ++i) y[i] = std::fma((x[i] - mean) * inverse, gain[i], bias[i]);
}

inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) x[i] = num::gelu(x[i] + bias[i]);
}

inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept {
    for (std::size_t g = 0; g * group < k; ++g) {
        std::int8_t* q = out.q + g * group;
        const std::size_t n = k - g * group < group ? k - g * group : group;
        out.scale[g] = num::quantize_q8(q, x + g * group, n);
        for (std::size_t i = n; i < group; ++i) q[i] = 0;
        out.sum[g] = 0;
        for (std::size_t i = 0; i < n; ++i) out.sum[g] += q[i];
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
