// SPDX-License-Identifier: MIT
// gemm_q4 and gemm_q8 for AVX2: a register holds 8 rows x 4 inputs, and each 32-bit lane stays with its row to the end.
// Read scalar.hpp first: it is the definition. Below come the dot products of one group in either format, for the
// tokens T..., then the loop around them. (An expression over T... is written out once per token by the compiler.)
#ifndef NARAE_KERNEL_GEMM_PACKED_AVX2_HPP
#define NARAE_KERNEL_GEMM_PACKED_AVX2_HPP

#include <utility>

#include "narae/kernel/gemm_packed/contract.hpp"
#include "narae/kernel/isa/avx2_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

NARAE_AVX2 inline __m256i load32(const std::byte* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

NARAE_AVX2 inline void add_to(float* y, __m256 sum) noexcept {
    _mm256_storeu_ps(y, _mm256_add_ps(_mm256_loadu_ps(y), sum));
}

/// Four neighbouring inputs in every 32-bit lane.
NARAE_AVX2 inline __m256i four_of(const std::int8_t* q) noexcept { return _mm256_set1_epi32(load_le<std::int32_t>(q)); }

struct codes_q4 : num::q4_layout {
    static constexpr std::size_t halves = 1;  // of a tile that group() takes at once
    /// dot[T] = the group's dot products of 8 rows with token T, whose inputs are at q + T * stride.
    template <std::size_t... T>
    NARAE_AVX2 static void group(__m256i* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                 const std::int32_t* q_sum, std::size_t groups, std::index_sequence<T...>) noexcept {
        const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
        // A 16-bit lane takes 8 times at most 2 * 15 * 127: 30,480 and still exact.
        __m256i low[sizeof...(T)], high[sizeof...(T)];
        ((low[T] = high[T] = _mm256_setzero_si256()), ...);
        for (int chunk = 0; chunk < 8; ++chunk) {
            const __m256i w = load32(codes), w_low = _mm256_and_si256(w, nibble);
            const __m256i w_high = _mm256_and_si256(_mm256_srli_epi16(w, 4), nibble);
            ((low[T] = _mm256_add_epi16(low[T], _mm256_maddubs_epi16(w_low, four_of(q + T * stride))),
              high[T] = _mm256_add_epi16(high[T], _mm256_maddubs_epi16(w_high, four_of(q + T * stride + 4)))),
             ...);
            codes += 64;
            q += 8;
        }
        // The zero point of every code is taken off at once.
        ((dot[T] = _mm256_add_epi32(_mm256_add_epi32(_mm256_madd_epi16(low[T], ones), _mm256_madd_epi16(high[T], ones)),
                                    _mm256_set1_epi32(-8 * q_sum[T * groups]))),
         ...);
    }
};

struct codes_q8 : num::q8_layout {
    static constexpr std::size_t halves = 1;  // of a tile that group() takes at once
    /// The multiplication wants one factor unsigned, so the weight's sign goes to q. Two products reach 2 * 128 * 127
    /// at most, which 16 bits hold, even if a file brings a -128.
    template <std::size_t... T>
    NARAE_AVX2 static void group(__m256i* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                 const std::int32_t*, std::size_t, std::index_sequence<T...>) noexcept {
        const __m256i ones = _mm256_set1_epi16(1);
        ((dot[T] = _mm256_setzero_si256()), ...);
        for (int chunk = 0; chunk < 16; ++chunk) {
            const __m256i w = load32(codes), size = _mm256_abs_epi8(w);
            ((dot[T] = _mm256_add_epi32(
                  dot[T],
                  _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(four_of(q + T * stride), w)), ones))),
             ...);
            codes += 64;
            q += 4;
        }
    }
};

/// All rows of one tile with the tokens T...
template <class Codes, std::size_t... T>
NARAE_AVX2 inline void tile(float* y, std::size_t y_stride, const std::byte* scales, const num::q8_rows& x,
                            std::size_t k, std::index_sequence<T...> tokens) noexcept {
    const std::byte* codes = scales + Codes::scale_bytes(k);
    const std::size_t stride = x.groups * num::group_len;
    __m256 sum[2][sizeof...(T)];  // rows 0..7 and 8..15
    ((sum[0][T] = sum[1][T] = _mm256_setzero_ps()), ...);
    for (std::size_t g = 0; g < num::groups_of(k); ++g) {
        for (std::size_t line = 0; line < Codes::group_bytes; line += 64) fetch(codes + line, two_pages);
        __m256i dot[Codes::halves * sizeof...(T)];
        for (std::size_t half = 0; half < 2; ++half) {
            if (half % Codes::halves == 0)
                Codes::group(dot, codes + 32 * half, x.q + g * num::group_len, stride, x.sum + g, x.groups, tokens);
            const __m256i* mine = dot + half % Codes::halves * sizeof...(T);
            const __m256 scale = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales) + half));
            ((sum[half][T] =
                  _mm256_fmadd_ps(_mm256_cvtepi32_ps(mine[T]),
                                  _mm256_mul_ps(scale, _mm256_set1_ps(x.scale[T * x.groups + g])), sum[half][T])),
             ...);
        }
        codes += Codes::group_bytes;
        scales += num::tile_rows * 2;
    }
    ((add_to(y + T * y_stride, sum[0][T]), add_to(y + T * y_stride + 8, sum[1][T])), ...);
}

template <class Codes>
NARAE_AVX2 inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x,
                                   std::size_t T, std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* at = w + row / num::tile_rows * Codes::tile_bytes(k);
        std::size_t t = 0;
        for (; t + 4 <= T; t += 4)
            tile<Codes>(y + t * y_stride + row, y_stride, at, x.from(t), k, std::make_index_sequence<4>());
        for (; t < T; ++t)
            tile<Codes>(y + t * y_stride + row, y_stride, at, x.from(t), k, std::make_index_sequence<1>());
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
