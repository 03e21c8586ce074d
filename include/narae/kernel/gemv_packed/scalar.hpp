// SPDX-License-Identifier: MIT
// gemv_q4 and gemv_q8 by definition: one loop over whatever layout. Every other version must give these bits.
#ifndef NARAE_KERNEL_GEMV_PACKED_SCALAR_HPP
#define NARAE_KERNEL_GEMV_PACKED_SCALAR_HPP

#include <cmath>

#include "narae/kernel/gemv_packed/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

template <class Layout>
inline void gemv_packed(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                        std::size_t row_end) noexcept {
    using namespace num;
    for (std::size_t row = row_begin; row < row_end; ++row) {
        const std::byte* scales = w + row / tile_rows * Layout::tile_bytes(k);
        const std::byte* codes = scales + Layout::scale_bytes(k);
        const std::size_t r = row % tile_rows;
        float sum = 0;
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            std::int32_t dot = 0;
            for (std::size_t i = g * group_len; i < (g + 1) * group_len; ++i)
                dot += Layout::value(codes, r, i) * x.q[i];
            const float scale = f16_to_f32(load_le<std::uint16_t>(scales + (g * tile_rows + r) * 2));
            sum = std::fma(static_cast<float>(dot), scale * x.scale[g], sum);
        }
        y[row] = sum;
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
