// SPDX-License-Identifier: MIT
// bias_gelu and quantize_q8 for AVX-512. Read scalar.hpp first: it is the definition, and it also does what does not
// fill a register.
#ifndef NARAE_KERNEL_ROWS_AVX512_HPP
#define NARAE_KERNEL_ROWS_AVX512_HPP

#include "narae/kernel/isa/avx512_math.hpp"
#include "narae/kernel/rows/scalar.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

NARAE_AVX512_VNNI inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(x + i, gelu(_mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}

NARAE_AVX512_VNNI inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k,
                                          std::size_t group) noexcept {
    if (group % 16 != 0) return scalar::quantize_q8(out, x, k, group);
    const __m512 sign = _mm512_set1_ps(-0.0f), most = _mm512_set1_ps(127.0f), least = _mm512_set1_ps(-127.0f);
    const std::size_t whole = k / group, done = whole * group;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * group;
        __m512 size = _mm512_setzero_ps();
        for (std::size_t i = 0; i < group; i += 16)
            size = _mm512_maskz_max_ps(all, _mm512_andnot_ps(sign, _mm512_loadu_ps(from + i)), size);
        const float largest = largest_of(size);
        const __m512 inverse = _mm512_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
        __m512i sum = _mm512_setzero_si512();
        for (std::size_t i = 0; i < group; i += 16) {
            const __m512 v = _mm512_mul_ps(_mm512_loadu_ps(from + i), inverse);
            const __m512i q = _mm512_maskz_cvtps_epi32(  // the second of two if v is no number, as defined
                all, _mm512_maskz_min_ps(all, _mm512_maskz_max_ps(all, v, least), most));
            sum = _mm512_add_epi32(sum, q);
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out.q + g * group + i), _mm512_maskz_cvtepi32_epi8(all, q));
        }
        out.sum[g] = avx2::sum_of(_mm256_add_epi32(_mm512_maskz_extracti32x8_epi32(0xFF, sum, 0),
                                                   _mm512_maskz_extracti32x8_epi32(0xFF, sum, 1)));
        out.scale[g] = largest / 127.0f;
    }
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done, group);
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
