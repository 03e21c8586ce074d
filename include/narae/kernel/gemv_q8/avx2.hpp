// SPDX-License-Identifier: MIT
// gemv_q8 for AVX2: a register holds 8 rows x 4 inputs, and each 32-bit lane stays with its row to the end.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMV_Q8_AVX2_HPP
#define NARAE_KERNEL_GEMV_Q8_AVX2_HPP

#include "narae/kernel/gemv_q8/contract.hpp"
#include "narae/kernel/isa/avx2_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

/// dot + w . q, four inputs in each 32-bit lane. The multiplication wants one factor unsigned, so the weight's sign
/// goes to q. Two products reach 2 * 128 * 127 at most, which 16 bits hold, even if a file brings a -128.
NARAE_TARGET("avx2,fma,f16c")
inline __m256i dot_q8(__m256i dot, const std::byte* codes, __m256i q) noexcept {
    const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(q, w));
    return _mm256_add_epi32(dot, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

NARAE_TARGET("avx2,fma,f16c")
inline void gemv_q8(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q8_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q8_layout::scale_bytes(k);
        const std::int8_t* q = x.q;
        __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0;  // rows 0..7 and 8..15
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            __m256i dot0 = _mm256_setzero_si256(), dot1 = dot0;
            for (int chunk = 0; chunk < 16; ++chunk) {
                const __m256i four = _mm256_set1_epi32(load_le<std::int32_t>(q));
                dot0 = dot_q8(dot0, codes, four);
                dot1 = dot_q8(dot1, codes + 32, four);
                fetch(codes, two_pages);
                codes += 64;
                q += 4;
            }
            const __m256 x_scale = _mm256_set1_ps(x.scale[g]);
            const __m256 scale0 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
            const __m256 scale1 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + 16)));
            sum0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot0), _mm256_mul_ps(scale0, x_scale), sum0);
            sum1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot1), _mm256_mul_ps(scale1, x_scale), sum1);
            scales += num::tile_rows * 2;
        }
        _mm256_storeu_ps(y + row, sum0);
        _mm256_storeu_ps(y + row + 8, sum1);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
