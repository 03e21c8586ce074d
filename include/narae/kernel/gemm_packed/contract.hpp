// SPDX-License-Identifier: MIT
// The contract of gemm_q4 and gemm_q8: packed weights times 8-bit activations, of one token (decoding) or of several
// (a prompt), which then share every weight that is read. Read num/q4.hpp for the layout first.
#ifndef NARAE_KERNEL_GEMM_PACKED_CONTRACT_HPP
#define NARAE_KERNEL_GEMM_PACKED_CONTRACT_HPP

#include "narae/num/q4.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// y[T, N] += x[T, K] W[N, K]^T in the columns row_begin .. row_end of y, whose rows are y_stride apart; W packed as
/// num::q4_layout or num::q8_layout. What y holds before is a bias, the residual stream, or zero. Needs row_begin and
/// row_end at multiples of 16 and y with room for whole tiles; w need not be aligned.
/// Exact: per group of 64 an integer dot product, then one fma into the sum, groups in ascending order;
///   sum = fma(float(dot), w_scale * x_scale, sum), dot = sum over i of value * q, value = the layout's own;
/// at the end y += sum. So every table gives equal bits, for any T. Against the exact product of the same quantised
/// numbers the error of the sum is at most (groups + 2) * 2^-24 * sum over groups of |dot * w_scale * x_scale|.
/// Allocates nothing, cannot fail.
using gemm_packed_op = void(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x, std::size_t T,
                            std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
