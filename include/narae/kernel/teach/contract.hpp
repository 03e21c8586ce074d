// SPDX-License-Identifier: MIT
// The contracts of what training does to one row of numbers, beside kernel/rows: the backward of each row operation,
// and the step of the optimizer. Running a model needs none of this. Sums over a row run in num::lanes lanes.
#ifndef NARAE_KERNEL_TEACH_CONTRACT_HPP
#define NARAE_KERNEL_TEACH_CONTRACT_HPP

#include <cstddef>

#include "narae/num/math.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// y[n] += x[n].
using add_op = void(float* y, const float* x, std::size_t n) noexcept;

/// The sum of a[n] * b[n].
using dot_op = float(const float* a, const float* b, std::size_t n) noexcept;

/// dy[n] *= gelu'(x + bias), gelu'(v) = Phi(v) + v * phi(v) of the normal distribution.
using gelu_back_op = void(float* dy, const float* x, const float* bias, std::size_t n) noexcept;

/// What a row's normalisation found: needed again by its backward.
struct row_stats {
    float mean, inverse;  ///< inverse: 1 / sqrt(var + eps)
};

/// dx[D] += the gradient of layer_norm's input, given that of its output, dy[D]. With n = (x - mean) * inverse and
/// g = dy * gain: inverse * (g - mean(g) - n * mean(g * n)). Returns the statistics of x.
using norm_back_op = row_stats(float* dx, const float* dy, const float* x, const float* gain, std::size_t d,
                               float eps) noexcept;

/// dgain[n] += dy * (x - mean) * inverse, dbias[n] += dy: a row's share of the gradients of a norm's own vectors.
using norm_vectors_back_op = void(float* dgain, float* dbias, const float* dy, const float* x, row_stats stats,
                                  std::size_t n) noexcept;

/// The largest of scale * x[n], n >= 1, and the sum of e^(scale * x - largest).
struct exp_sum {
    float largest, sum;
};
using exp_sum_op = exp_sum(const float* x, std::size_t n, float scale) noexcept;

/// x[n] = e^(scale * x - log_sum): a softmax, once the logarithm of its sum is known.
using softmax_op = void(float* x, std::size_t n, float scale, float log_sum) noexcept;

/// dp[n] = scale * p * (dp - mean): the backward of softmax; mean is the sum of p * dp.
using softmax_back_op = void(float* dp, const float* p, std::size_t n, float scale, float mean) noexcept;

/// One step of AdamW. Loshchilov and Hutter 2019, arXiv:1711.05101: decay is apart from the gradient.
struct adamw_step {
    float rate, beta1, beta2, eps;
    float decay;             ///< of the weights, times the rate already
    float unbias1, unbias2;  ///< 1 / (1 - beta^step)
    float scale;             ///< of the gradients: clipping, and the mean over the tokens
};

/// w, m and v [n] after this step; g[n] becomes zero, ready for the next sum.
using adamw_op = void(float* w, float* m, float* v, float* g, std::size_t n, const adamw_step& step) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
