// SPDX-License-Identifier: MIT
// The contracts of what happens to one row of numbers between two matrices. Sums run in num::lanes lanes.
#ifndef NARAE_KERNEL_ROWS_CONTRACT_HPP
#define NARAE_KERNEL_ROWS_CONTRACT_HPP

#include <cstddef>

#include "narae/num/math.hpp"
#include "narae/num/q8.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// y[D] = (x - mean) / sqrt(var + eps) * gain + bias. Layer normalisation: Ba et al. 2016, arXiv:1607.06450.
/// mean = sum / D; var = sum of (x - mean)^2 by fma / D; y = fma((x - mean) * inverse, gain, bias). y may be x.
using layer_norm_op = void(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                           float eps) noexcept;

/// x[n] = gelu(x + bias), in place, by num::gelu.
using bias_gelu_op = void(float* x, const float* bias, std::size_t n) noexcept;

/// Quantises x[K] to 8 bits in groups of `group` numbers: scale = largest |x| / 127, q = x * (127 / largest) by
/// num::round_q8, zero where the whole group is zero; the last group is padded with zeros.
using quantize_q8_op = void(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
