// SPDX-License-Identifier: MIT
// The contract of gemv_f32, gemv_f16 and gemv_bf16: unpacked weights as checkpoints hold them, float activations.
#ifndef NARAE_KERNEL_GEMV_DENSE_CONTRACT_HPP
#define NARAE_KERNEL_GEMV_DENSE_CONTRACT_HPP

#include <cstddef>

#include "narae/base/bytes.hpp"
#include "narae/num/half.hpp"
#include "narae/num/math.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// y[N] += W[N, K] * x[K] for rows row_begin .. row_end, W row-major little-endian f32, f16 or bf16, at any address.
/// Exact order: column i goes by fma to lane i % 16, ascending; then num::sum_lanes, which is added to y. So every
/// table gives equal bits. Error of the sum at most (K / 16 + 5) * 2^-24 * sum |w * x|. Allocates nothing, cannot fail.
using gemv_dense_op = void(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                           std::size_t row_end) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
