// SPDX-License-Identifier: MIT
// gemv_f32, gemv_f16 and gemv_bf16 by definition: one loop, three ways to read a weight.
#ifndef NARAE_KERNEL_GEMV_DENSE_SCALAR_HPP
#define NARAE_KERNEL_GEMV_DENSE_SCALAR_HPP

#include "narae/kernel/gemv_dense/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

/// How each format holds its weights: bytes of one, and weight i.
struct weights_f32 {
    static constexpr std::size_t size = 4;
    static float value(const std::byte* w, std::size_t i) noexcept { return load_le<float>(w + i * 4); }
};
struct weights_f16 {
    static constexpr std::size_t size = 2;
    static float value(const std::byte* w, std::size_t i) noexcept {
        return num::f16_to_f32(load_le<std::uint16_t>(w + i * 2));
    }
};
struct weights_bf16 {
    static constexpr std::size_t size = 2;
    static float value(const std::byte* w, std::size_t i) noexcept {
        return num::bf16_to_f32(load_le<std::uint16_t>(w + i * 2));
    }
};

template <class Weights>
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; ++row) {
        float lane[num::lanes] = {};
        for (std::size_t i = 0; i < k; ++i)
            lane[i % num::lanes] = std::fma(Weights::value(w, row * k + i), x[i], lane[i % num::lanes]);
        y[row] += num::sum_lanes(lane);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
