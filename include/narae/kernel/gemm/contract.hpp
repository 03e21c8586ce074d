// SPDX-License-Identifier: MIT
// The contract of gemm: C = A B, one tile of C at a time. kernel/matmul.hpp cuts matrices into tiles.
// B comes packed in panels: Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication".
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

/// Lays lines[count, k] side by side: panel[p * cols + i] = lines(i, p), count <= cols of the tile, zero where a line
/// is missing. Columns of B are such lines. The panel is 64-byte aligned and cols * k floats long.
using gemm_pack_op = void(float* panel, strided lines, std::size_t count, std::size_t k) noexcept;

/// C[rows, cols] = A[rows, k] B[k, cols], or += where `add`; rows and cols at most the tile's. B is a panel, A lies
/// where it lies, and nothing else of C is touched. Exact order: c = fma(a, b, c) with k ascending, from C or from +0.
/// So all exact kernels give equal bits, wherever k is cut in two. Error at most (k + 1) * 2^-24 * (|c| + sum |a * b|),
/// to first order.
using gemm_tile_op = void(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows,
                          std::size_t cols, std::size_t k, bool add) noexcept;

/// One way to compute tiles of C. Each operation runs on one thread, allocates nothing, cannot fail.
/// A kernel that is not exact rounds to bf16 as it packs (2^-7 * sum |a * b| more error): A must be packed, too, its
/// rows as lines, and is then {panel, 1, cols of the tile}; k is cut at even places only.
struct gemm_kernel {
    const char* name;
    std::size_t rows, cols;  // of a tile of C
    bool exact;
    gemm_pack_op* pack;
    gemm_tile_op* tile;
};

}  // namespace narae::inline NARAE_ABI::kernel

#endif
