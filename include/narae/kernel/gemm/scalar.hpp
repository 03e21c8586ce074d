// SPDX-License-Identifier: MIT
// gemm by definition: one chain of fma for every element.
#ifndef NARAE_KERNEL_GEMM_SCALAR_HPP
#define NARAE_KERNEL_GEMM_SCALAR_HPP

#include <cmath>

#include "narae/kernel/gemm/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

template <std::size_t Cols>
inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    for (std::size_t p = 0; p < k; ++p)
        for (std::size_t i = 0; i < Cols; ++i) panel[p * Cols + i] = i < count ? *lines.at(i, p) : 0.0f;
}

template <std::size_t Cols>
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) {
            float sum = add ? c[i * c_row + j] : 0.0f;
            for (std::size_t p = 0; p < k; ++p) sum = std::fma(*a.at(i, p), panel[p * Cols + j], sum);
            c[i * c_row + j] = sum;
        }
}

inline constexpr gemm_kernel gemm = {"scalar", 4, 8, true, gemm_pack<8>, gemm_tile<8>};

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
