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

inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k) noexcept {
    using namespace num;
    for (std::size_t g = 0; g < groups_of(k); ++g) {
        const float* from = x + g * group_len;
        const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
        float largest = 0;
        for (std::size_t i = 0; i < n; ++i) largest = std::abs(from[i]) > largest ? std::abs(from[i]) : largest;
        const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < group_len; ++i) {
            const std::int8_t q = i < n ? round_q8(from[i] * inverse) : std::int8_t{0};
            out.q[g * group_len + i] = q;
            sum += q;
        }
        out.scale[g] = largest / 127.0f;
        out.sum[g] = sum;
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
