// SPDX-License-Identifier: MIT
// gemm by definition: a tile is small enough for its sums to stay in registers or close by.
#ifndef NARAE_KERNEL_GEMM_SCALAR_HPP
#define NARAE_KERNEL_GEMM_SCALAR_HPP

#include <cmath>

#include "narae/kernel/gemm/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

inline void gemm_pack(float* to, std::size_t width, strided from, std::size_t lines, std::size_t k) noexcept {
    for (std::size_t p = 0; p < k; ++p)
        for (std::size_t i = 0; i < width; ++i) to[p * width + i] = i < lines ? *from.at(i, p) : 0.0f;
}

inline constexpr std::size_t gemm_rows = 4, gemm_cols = 8;

inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* b, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) {
            float sum = add ? c[i * c_row + j] : 0.0f;
            for (std::size_t p = 0; p < k; ++p) sum = std::fma(*a.at(i, p), b[p * gemm_cols + j], sum);
            c[i * c_row + j] = sum;
        }
}

inline constexpr gemm_kernel gemm = {"scalar", gemm_rows, gemm_cols, true, gemm_pack, gemm_tile};

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
