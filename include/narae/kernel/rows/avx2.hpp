// SPDX-License-Identifier: MIT
// layer_norm, bias_gelu and quantize_q8 for AVX2. Read scalar.hpp first: it is the definition, and it also does
// what does not fill a register.
#ifndef NARAE_KERNEL_ROWS_AVX2_HPP
#define NARAE_KERNEL_ROWS_AVX2_HPP

#include "narae/kernel/isa/avx2_math.hpp"
#include "narae/kernel/rows/scalar.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

NARAE_AVX2 inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                                  float eps) noexcept {
    if (d % num::lanes != 0) return scalar::layer_norm(y, x, gain, bias, d, eps);
    __m256 low = _mm256_setzero_ps(), high = low;
    for (std::size_t i = 0; i < d; i += num::lanes) {
        low = _mm256_add_ps(low, _mm256_loadu_ps(x + i));
        high = _mm256_add_ps(high, _mm256_loadu_ps(x + i + 8));
    }
    const __m256 mean = _mm256_set1_ps(sum_lanes(low, high) / static_cast<float>(d));
    low = high = _mm256_setzero_ps();
    for (std::size_t i = 0; i < d; i += num::lanes) {
        const __m256 off_low = _mm256_sub_ps(_mm256_loadu_ps(x + i), mean);
        const __m256 off_high = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8), mean);
        low = _mm256_fmadd_ps(off_low, off_low, low);
        high = _mm256_fmadd_ps(off_high, off_high, high);
    }
    const float var = sum_lanes(low, high) / static_cast<float>(d);
    const __m256 inverse = _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_sqrt_ps(_mm256_set1_ps(var + eps)));
    for (std::size_t i = 0; i < d; i += 8) {
        const __m256 normal = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), inverse);
        _mm256_storeu_ps(y + i, _mm256_fmadd_ps(normal, _mm256_loadu_ps(gain + i), _mm256_loadu_ps(bias + i)));
    }
}

NARAE_AVX2 inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, gelu(_mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}

/// num::round_q8 of x * inverse, eight times.
NARAE_AVX2 inline __m256i round_q8(const float* x, __m256 inverse) noexcept {
    __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
    v = _mm256_max_ps(v, _mm256_set1_ps(-127.0f));  // the second of the two if v is no number, as defined
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(127.0f)));
}

NARAE_AVX2 inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept {
    if (group % 32 != 0) return scalar::quantize_q8(out, x, k, group);
    const __m256 sign = _mm256_set1_ps(-0.0f);
    const std::size_t whole = k / group;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * group;
        __m256 size = _mm256_setzero_ps();
        for (std::size_t i = 0; i < group; i += 8)
            size = _mm256_max_ps(_mm256_andnot_ps(sign, _mm256_loadu_ps(from + i)), size);
        const float largest = largest_of(size);
        const __m256 inverse = _mm256_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
        __m256i sum = _mm256_setzero_si256();
        for (std::size_t i = 0; i < group; i += 32) {
            const __m256i a = round_q8(from + i, inverse), b = round_q8(from + i + 8, inverse);
            const __m256i c = round_q8(from + i + 16, inverse), d = round_q8(from + i + 24, inverse);
            sum = _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
            // Packing works within 128-bit halves: fours of a, b, c, d, then again; the permutation sorts them.
            const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            const __m256i sorted = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.q + g * group + i), sorted);
        }
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
        out.sum[g] = _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
        out.scale[g] = largest / 127.0f;
    }
    const std::size_t done = whole * group;
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done, group);
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
