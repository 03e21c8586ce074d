// SPDX-License-Identifier: MIT
// The contract of gemv_q4 and gemv_q8: packed weights times 8-bit activations. Read num/q4.hpp for the layout first.
#ifndef NARAE_KERNEL_GEMV_PACKED_CONTRACT_HPP
#define NARAE_KERNEL_GEMV_PACKED_CONTRACT_HPP

#include "narae/num/q4.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// y[N] = W[N, K] * x[K] for rows row_begin .. row_end, W packed as num::q4_layout or num::q8_layout, x as num::q8_row.
/// Needs row_begin and row_end at multiples of 16 and y with room for whole tiles; w need not be aligned.
/// Exact: per group of 64 an integer dot product, then one fma into the row's sum, groups in ascending order;
///   sum = fma(float(dot), w_scale * x_scale, sum), dot = sum over i of value * q, value = the layout's own.
/// So every table gives equal bits. Against the exact product of the same quantised numbers the error is at most
/// (groups + 2) * 2^-24 * sum over groups of |dot * w_scale * x_scale|. Allocates nothing, cannot fail.
using gemv_packed_op = void(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                            std::size_t row_end) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
