// SPDX-License-Identifier: MIT
// gemm by definition: one chain of fma for every element; then what the kernels of the instruction sets share.
#ifndef NARAE_KERNEL_GEMM_SCALAR_HPP
#define NARAE_KERNEL_GEMM_SCALAR_HPP

#include <cmath>
#include <cstring>
#include <utility>

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

/// gemm_pack<16> where Turn(panel, from, row) lays four steps of `Lines` lines side by side.
template <std::size_t Lines, auto Turn>
inline void gemm_pack_turned(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    std::size_t p = 0;
    if (count == 16 && lines.row == 1)
        for (; p < k; ++p) std::memcpy(panel + p * 16, lines.at(0, p), 16 * sizeof(float));
    else if (count == 16)
        for (; p + 4 <= k; p += 4)
            for (std::size_t i = 0; i < 16; i += Lines) Turn(panel + p * 16 + i, lines.at(i, p), lines.row);
    gemm_pack<16>(panel + p * 16, lines.from(0, p), count, k - p);
}

/// A tile of at most `Most` rows by Rows<0, 1, ... n - 1>::tile, which computes n rows: an expression over the numbers
/// of the rows is written out by the compiler, so that arrays of registers are registers.
template <template <std::size_t...> class Rows, std::size_t... R>
constexpr auto gemm_rows_of(std::index_sequence<R...>) noexcept {
    return Rows<R...>::tile;
}
template <template <std::size_t...> class Rows, std::size_t Most>
inline void gemm_tile_rows(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows,
                           std::size_t cols, std::size_t k, bool add) noexcept {
    if constexpr (Most > 1)
        if (rows < Most) return gemm_tile_rows<Rows, Most - 1>(c, c_row, a, panel, rows, cols, k, add);
    gemm_rows_of<Rows>(std::make_index_sequence<Most>())(c, c_row, a, panel, cols, k, add);
}

/// The same for `Rows` that know only tiles of 16 columns: a narrow tile is computed beside C.
template <template <std::size_t...> class Rows, std::size_t Most>
inline void gemm_tile_16(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                         std::size_t k, bool add) noexcept {
    if (cols == 16) return gemm_tile_rows<Rows, Most>(c, c_row, a, panel, rows, cols, k, add);
    float whole[Most * 16] = {};
    for (std::size_t i = 0; add && i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) whole[i * 16 + j] = c[i * c_row + j];
    gemm_tile_rows<Rows, Most>(whole, 16, a, panel, rows, 16, k, add);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) c[i * c_row + j] = whole[i * 16 + j];
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
