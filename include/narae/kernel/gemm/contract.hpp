// SPDX-License-Identifier: MIT
// The contract of gemm: one tile of C = A B at a time, from packed panels. learn/matmul.hpp cuts matrices into tiles.
// Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication", is where the panels come from.
#ifndef NARAE_KERNEL_GEMM_CONTRACT_HPP
#define NARAE_KERNEL_GEMM_CONTRACT_HPP

#include <cstddef>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// A matrix in memory: element (i, j) is data[i * row + j * col]; row or col is 1. So a transposed view costs nothing.
struct strided {
    const float* data;
    std::size_t row, col;
    const float* at(std::size_t i, std::size_t j) const noexcept { return data + i * row + j * col; }
    strided from(std::size_t i, std::size_t j) const noexcept { return {at(i, j), row, col}; }
    strided transposed() const noexcept { return {data, col, row}; }
};

/// A panel of `width` lines side by side, to[p * width + i] = from(i, p), for `lines` <= width lines of length k; lines
/// that are missing are zero. The panel is 64-byte aligned, width * k floats (an inexact kernel uses less of it).
using gemm_pack_op = void(float* to, std::size_t width, strided from, std::size_t lines, std::size_t k) noexcept;

/// C[rows, cols] = A[rows, k] B[k, cols], or += where `add`; rows and cols at most the tile's, k >= 1.
/// A lies anywhere or, {panel, 1, tile rows}, in its panel; B lies in its panel. Nothing else of C is touched.
/// Exact order: c = fma(a, b, c) with k ascending, from C or from +0. So all exact kernels give equal bits, wherever k
/// is cut in two. Error at most (k + 1) * 2^-24 * (|c| + sum |a * b|), to first order.
using gemm_tile_op = void(float* c, std::size_t c_row, strided a, const float* b, std::size_t rows, std::size_t cols,
                          std::size_t k, bool add) noexcept;

/// One way to compute tiles of C. Each operation runs on one thread, allocates nothing, cannot fail.
struct gemm_kernel {
    const char* name;
    std::size_t rows, cols;  // of a tile of C
    bool exact;              // else A and B are rounded to bf16 as they are packed, and A must be
    gemm_pack_op* pack;
    gemm_tile_op* tile;
};

}  // namespace narae::inline NARAE_ABI::kernel

#endif
