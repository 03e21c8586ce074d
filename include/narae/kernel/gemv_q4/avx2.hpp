// SPDX-License-Identifier: MIT
// gemv_q4 for AVX2: a register holds 8 rows x 4 inputs, and each 32-bit lane stays with its row to the end.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMV_Q4_AVX2_HPP
#define NARAE_KERNEL_GEMV_Q4_AVX2_HPP

#include "narae/kernel/gemv_q4/contract.hpp"
#include "narae/kernel/isa/avx2_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

NARAE_TARGET("avx2,fma,f16c")
inline void gemv_q4(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q4_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q4_layout::scale_bytes(k);
        const std::int8_t* q = x.q;
        __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0;  // rows 0..7 and 8..15
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            // A 16-bit lane takes 8 times at most 2 * 15 * 127: 30,480 and still exact.
            __m256i low0 = _mm256_setzero_si256(), low1 = low0, high0 = low0, high1 = low0;
            for (int chunk = 0; chunk < 8; ++chunk) {
                const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
                const __m256i w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 32));
                const __m256i q_low = _mm256_set1_epi32(load_le<std::int32_t>(q));
                const __m256i q_high = _mm256_set1_epi32(load_le<std::int32_t>(q + 4));
                const __m256i w0_high = _mm256_and_si256(_mm256_srli_epi16(w0, 4), nibble);
                const __m256i w1_high = _mm256_and_si256(_mm256_srli_epi16(w1, 4), nibble);
                low0 = _mm256_add_epi16(low0, _mm256_maddubs_epi16(_mm256_and_si256(w0, nibble), q_low));
                low1 = _mm256_add_epi16(low1, _mm256_maddubs_epi16(_mm256_and_si256(w1, nibble), q_low));
                high0 = _mm256_add_epi16(high0, _mm256_maddubs_epi16(w0_high, q_high));
                high1 = _mm256_add_epi16(high1, _mm256_maddubs_epi16(w1_high, q_high));
                fetch(codes, two_pages);
                codes += 64;
                q += 8;
            }
            const __m256i zero_point = _mm256_set1_epi32(-8 * x.sum[g]);
            const __m256i dot0 = _mm256_add_epi32(_mm256_madd_epi16(low0, ones), _mm256_madd_epi16(high0, ones));
            const __m256i dot1 = _mm256_add_epi32(_mm256_madd_epi16(low1, ones), _mm256_madd_epi16(high1, ones));
            const __m256 x_scale = _mm256_set1_ps(x.scale[g]);
            const __m256 scale0 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
            const __m256 scale1 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + 16)));
            sum0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(dot0, zero_point)),
                                   _mm256_mul_ps(scale0, x_scale), sum0);
            sum1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(dot1, zero_point)),
                                   _mm256_mul_ps(scale1, x_scale), sum1);
            scales += num::tile_rows * 2;
        }
        _mm256_storeu_ps(y + row, sum0);
        _mm256_storeu_ps(y + row + 8, sum1);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
