// SPDX-License-Identifier: MIT
// What training does to a row, for AVX2, eight at a time; scalar.hpp is the definition and does what is left over.
#ifndef NARAE_KERNEL_TEACH_AVX2_HPP
#define NARAE_KERNEL_TEACH_AVX2_HPP

#include "narae/kernel/isa/avx2_math.hpp"
#include "narae/kernel/teach/scalar.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

NARAE_AVX2 inline void add(float* y, const float* x, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    scalar::add(y + i, x + i, n - i);
}

NARAE_AVX2 inline float dot(const float* a, const float* b, std::size_t n) noexcept {
    __m256 low = _mm256_setzero_ps(), high = low;
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        low = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), low);
        high = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), high);
    }
    return sum_lanes(low, high) + scalar::dot(a + i, b + i, n - i);
}

NARAE_AVX2 inline void gelu_back(float* dy, const float* x, const float* bias, std::size_t n) noexcept {
    const __m256 one = _mm256_set1_ps(1.0f);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 v = _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(bias + i));
        const __m256 z = _mm256_min_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), v), _mm256_set1_ps(num::tail_max));
        const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(num::tail_p), z, one));
        __m256 p = _mm256_set1_ps(num::tail_c[0]);
        for (int c = 1; c < 9; ++c) p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(num::tail_c[c]));
        const __m256 e = exp(_mm256_mul_ps(_mm256_mul_ps(z, z), _mm256_set1_ps(-0.5f))), tail = _mm256_mul_ps(p, e);
        const __m256 negative = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_LT_OQ);
        const __m256 share = _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, negative);
        const __m256 slope = _mm256_fmadd_ps(_mm256_mul_ps(v, _mm256_set1_ps(scalar::one_by_sqrt_2_pi)), e, share);
        _mm256_storeu_ps(dy + i, _mm256_mul_ps(_mm256_loadu_ps(dy + i), slope));
    }
    scalar::gelu_back(dy + i, x + i, bias + i, n - i);
}

NARAE_AVX2 inline row_stats norm_back(float* dx, const float* dy, const float* x, const float* gain, std::size_t d,
                                      float eps) noexcept {
    if (d % 8 != 0) return scalar::norm_back(dx, dy, x, gain, d, eps);
    const auto size = static_cast<float>(d);
    const __m256 zero = _mm256_setzero_ps();
    __m256 sum = zero;
    for (std::size_t i = 0; i < d; i += 8) sum = _mm256_add_ps(sum, _mm256_loadu_ps(x + i));
    const float mean = sum_lanes(sum, zero) / size;
    const __m256 middle = _mm256_set1_ps(mean);
    __m256 var = zero, g_sum = zero, gn_sum = zero;
    for (std::size_t i = 0; i < d; i += 8) {
        const __m256 off = _mm256_sub_ps(_mm256_loadu_ps(x + i), middle);
        const __m256 g = _mm256_mul_ps(_mm256_loadu_ps(dy + i), _mm256_loadu_ps(gain + i));
        var = _mm256_fmadd_ps(off, off, var);
        g_sum = _mm256_add_ps(g_sum, g);
        gn_sum = _mm256_fmadd_ps(g, off, gn_sum);
    }
    const float inverse = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(sum_lanes(var, zero) / size + eps)));
    const __m256 g_mean = _mm256_set1_ps(sum_lanes(g_sum, zero) / size);
    const __m256 slope = _mm256_set1_ps(sum_lanes(gn_sum, zero) / size * inverse * inverse);
    for (std::size_t i = 0; i < d; i += 8) {
        const __m256 off = _mm256_sub_ps(_mm256_loadu_ps(x + i), middle);
        const __m256 g = _mm256_fmsub_ps(_mm256_loadu_ps(dy + i), _mm256_loadu_ps(gain + i), g_mean);
        const __m256 by = _mm256_fnmadd_ps(off, slope, g);
        _mm256_storeu_ps(dx + i, _mm256_fmadd_ps(_mm256_set1_ps(inverse), by, _mm256_loadu_ps(dx + i)));
    }
    return {mean, inverse};
}

NARAE_AVX2 inline void norm_vectors_back(float* dgain, float* dbias, const float* dy, const float* x, row_stats stats,
                                         std::size_t n) noexcept {
    const __m256 mean = _mm256_set1_ps(stats.mean), inverse = _mm256_set1_ps(stats.inverse);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 d = _mm256_loadu_ps(dy + i);
        const __m256 normed = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), inverse);
        _mm256_storeu_ps(dgain + i, _mm256_fmadd_ps(d, normed, _mm256_loadu_ps(dgain + i)));
        _mm256_storeu_ps(dbias + i, _mm256_add_ps(d, _mm256_loadu_ps(dbias + i)));
    }
    scalar::norm_vectors_back(dgain + i, dbias + i, dy + i, x + i, stats, n - i);
}

NARAE_AVX2 inline kernel::exp_sum exp_sum(const float* x, std::size_t n, float scale) noexcept {
    if (n < 8) return scalar::exp_sum(x, n, scale);
    const __m256 by = _mm256_set1_ps(scale);
    __m256 most = _mm256_mul_ps(by, _mm256_loadu_ps(x + n - 8));
    for (std::size_t i = 0; i + 8 <= n; i += 8) most = _mm256_max_ps(most, _mm256_mul_ps(by, _mm256_loadu_ps(x + i)));
    const float largest = largest_of(most);
    __m256 low = _mm256_setzero_ps(), high = low;
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        low = _mm256_add_ps(low, exp(_mm256_fmsub_ps(by, _mm256_loadu_ps(x + i), _mm256_set1_ps(largest))));
        high = _mm256_add_ps(high, exp(_mm256_fmsub_ps(by, _mm256_loadu_ps(x + i + 8), _mm256_set1_ps(largest))));
    }
    float sum = sum_lanes(low, high);
    for (; i < n; ++i) sum += num::exp(scale * x[i] - largest);
    return {largest, sum};
}

NARAE_AVX2 inline void softmax(float* x, std::size_t n, float scale, float log_sum) noexcept {
    const __m256 by = _mm256_set1_ps(scale), less = _mm256_set1_ps(log_sum);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(x + i, exp(_mm256_fmsub_ps(by, _mm256_loadu_ps(x + i), less)));
    scalar::softmax(x + i, n - i, scale, log_sum);
}

NARAE_AVX2 inline void softmax_back(float* dp, const float* p, std::size_t n, float scale, float mean) noexcept {
    const __m256 by = _mm256_set1_ps(scale), less = _mm256_set1_ps(mean);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dp + i, _mm256_mul_ps(_mm256_mul_ps(by, _mm256_loadu_ps(p + i)),
                                               _mm256_sub_ps(_mm256_loadu_ps(dp + i), less)));
    scalar::softmax_back(dp + i, p + i, n - i, scale, mean);
}

NARAE_AVX2 inline void adamw(float* w, float* m, float* v, float* g, std::size_t n, const adamw_step& s) noexcept {
    const __m256 beta1 = _mm256_set1_ps(s.beta1), beta2 = _mm256_set1_ps(s.beta2);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 d = _mm256_mul_ps(_mm256_loadu_ps(g + i), _mm256_set1_ps(s.scale)), d2 = _mm256_mul_ps(d, d);
        const __m256 mean = _mm256_fmadd_ps(beta1, _mm256_sub_ps(_mm256_loadu_ps(m + i), d), d);
        const __m256 square = _mm256_fmadd_ps(beta2, _mm256_sub_ps(_mm256_loadu_ps(v + i), d2), d2);
        const __m256 root = _mm256_sqrt_ps(_mm256_mul_ps(square, _mm256_set1_ps(s.unbias2)));
        const __m256 move = _mm256_div_ps(_mm256_mul_ps(mean, _mm256_set1_ps(s.rate * s.unbias1)),
                                          _mm256_add_ps(root, _mm256_set1_ps(s.eps)));
        const __m256 old = _mm256_loadu_ps(w + i);
        _mm256_storeu_ps(w + i, _mm256_sub_ps(_mm256_fnmadd_ps(_mm256_set1_ps(s.decay), old, old), move));
        _mm256_storeu_ps(m + i, mean);
        _mm256_storeu_ps(v + i, square);
        _mm256_storeu_ps(g + i, _mm256_setzero_ps());
    }
    scalar::adamw(w + i, m + i, v + i, g + i, n - i, s);
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
