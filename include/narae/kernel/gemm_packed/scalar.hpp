// SPDX-License-Identifier: MIT
// gemm_q4 and gemm_q8 by definition: one loop over whatever layout. Every other version must give these bits.
#ifndef NARAE_KERNEL_GEMM_PACKED_SCALAR_HPP
#define NARAE_KERNEL_GEMM_PACKED_SCALAR_HPP

#include <cmath>

#include "narae/kernel/gemm_packed/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

/// The product of row `row` of W and one token.
template <class Layout>
inline float dot_packed(const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row) noexcept {
    using namespace num;
    const std::byte* scales = w + row / tile_rows * Layout::tile_bytes(k);
    const std::byte* codes = scales + Layout::scale_bytes(k);
    const std::size_t r = row % tile_rows;
    float sum = 0;
    for (std::size_t g = 0; g < groups_of(k); ++g) {
        std::int32_t dot = 0;
        for (std::size_t i = g * group_len; i < (g + 1) * group_len; ++i) dot += Layout::value(codes, r, i) * x.q[i];
        const float scale = f16_to_f32(load_le<std::uint16_t>(scales + (g * tile_rows + r) * 2));
        sum = std::fma(static_cast<float>(dot), scale * x.scale[g], sum);
    }
    return sum;
}

template <class Layout>
inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x, std::size_t T,
                        std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; ++row)
        for (std::size_t t = 0; t < T; ++t) y[t * y_stride + row] += dot_packed<Layout>(w, x[t], k, row);
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
