// SPDX-License-Identifier: MIT
// gemv_q4 and gemv_q8 for AVX2: a register holds 8 rows x 4 inputs, and each 32-bit lane stays with its row to the end.
// Read scalar.hpp first: it is the definition. Below come the dot products of one group in either format, then the
// loop around them.
#ifndef NARAE_KERNEL_GEMV_PACKED_AVX2_HPP
#define NARAE_KERNEL_GEMV_PACKED_AVX2_HPP

#include "narae/kernel/gemv_packed/contract.hpp"
#include "narae/kernel/isa/avx2_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

/// 32 bytes at any address.
NARAE_AVX2 inline __m256i load32(const std::byte* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

/// Four neighbouring inputs in every 32-bit lane.
NARAE_AVX2 inline __m256i four_of(const std::int8_t* q) noexcept { return _mm256_set1_epi32(load_le<std::int32_t>(q)); }

struct codes_q4 : num::q4_layout {
    /// dot0 and dot1 = the group's dot products of rows 0..7 and 8..15.
    NARAE_AVX2 static void group(__m256i& dot0, __m256i& dot1, const std::byte* codes, const std::int8_t* q,
                                 std::int32_t q_sum) noexcept {
        const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
        // A 16-bit lane takes 8 times at most 2 * 15 * 127: 30,480 and still exact.
        __m256i low0 = _mm256_setzero_si256(), low1 = low0, high0 = low0, high1 = low0;
        for (int chunk = 0; chunk < 8; ++chunk) {
            const __m256i w0 = load32(codes), w1 = load32(codes + 32), q_low = four_of(q), q_high = four_of(q + 4);
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
        const __m256i zero_point = _mm256_set1_epi32(-8 * q_sum);  // of every code, taken off at once
        dot0 = _mm256_add_epi32(_mm256_madd_epi16(low0, ones), _mm256_madd_epi16(high0, ones));
        dot1 = _mm256_add_epi32(_mm256_madd_epi16(low1, ones), _mm256_madd_epi16(high1, ones));
        dot0 = _mm256_add_epi32(dot0, zero_point);
        dot1 = _mm256_add_epi32(dot1, zero_point);
    }
};

struct codes_q8 : num::q8_layout {
    /// dot + w . q, four inputs in each 32-bit lane. The multiplication wants one factor unsigned, so the weight's sign
    /// goes to q. Two products reach 2 * 128 * 127 at most, which 16 bits hold, even if a file brings a -128.
    NARAE_AVX2 static __m256i add_four(__m256i dot, __m256i w, __m256i q) noexcept {
        const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(q, w));
        return _mm256_add_epi32(dot, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }

    NARAE_AVX2 static void group(__m256i& dot0, __m256i& dot1, const std::byte* codes, const std::int8_t* q,
                                 std::int32_t) noexcept {
        dot0 = dot1 = _mm256_setzero_si256();
        for (int chunk = 0; chunk < 16; ++chunk) {
            dot0 = add_four(dot0, load32(codes), four_of(q));
            dot1 = add_four(dot1, load32(codes + 32), four_of(q));
            fetch(codes, two_pages);
            codes += 64;
            q += 4;
        }
    }
};

template <class Codes>
NARAE_AVX2 inline void gemv_packed(float* y, const std::byte* w, const num::q8_row& x, std::size_t k,
                                   std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * Codes::tile_bytes(k);
        const std::byte* codes = scales + Codes::scale_bytes(k);
        __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0;  // rows 0..7 and 8..15
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            __m256i dot0, dot1;
            Codes::group(dot0, dot1, codes, x.q + g * num::group_len, x.sum[g]);
            const __m256 x_scale = _mm256_set1_ps(x.scale[g]);
            const __m256 scale0 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
            const __m256 scale1 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + 16)));
            sum0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot0), _mm256_mul_ps(scale0, x_scale), sum0);
            sum1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot1), _mm256_mul_ps(scale1, x_scale), sum1);
            codes += Codes::group_bytes;
            scales += num::tile_rows * 2;
        }
        _mm256_storeu_ps(y + row, sum0);
        _mm256_storeu_ps(y + row + 8, sum1);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
