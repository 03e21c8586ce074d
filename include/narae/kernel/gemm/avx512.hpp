// SPDX-License-Identifier: MIT
// gemm for AVX-512: a tile of 14 x 32 is 28 of the 32 registers; two more hold a row of B, one an element of A.
// Lists over an index sequence are written out by the compiler, so that arrays of registers are registers.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMM_AVX512_HPP
#define NARAE_KERNEL_GEMM_AVX512_HPP

#include "narae/kernel/gemm/contract.hpp"

#if NARAE_X86
#include <immintrin.h>

#include <utility>

namespace narae::inline NARAE_ABI::kernel::avx512 {

/// The first n of 16 lanes; n may be more.
inline __mmask16 first(std::size_t n) noexcept { return static_cast<__mmask16>(n < 16 ? (1u << n) - 1 : 0xFFFFu); }

/// Four steps of lines i, i + 4, i + 8 and i + 12, one line in each quarter of the register.
NARAE_AVX512 inline __m512 four_lines(const float* const* line, std::size_t p, __mmask8 steps) noexcept {
    const __m512 a = _mm512_castps128_ps512(_mm_maskz_loadu_ps(steps, line[0] + p));
    const __m512 b = _mm512_insertf32x4(a, _mm_maskz_loadu_ps(steps, line[4] + p), 1);
    const __m512 c = _mm512_insertf32x4(b, _mm_maskz_loadu_ps(steps, line[8] + p), 2);
    return _mm512_insertf32x4(c, _mm_maskz_loadu_ps(steps, line[12] + p), 3);
}

/// Four steps of sixteen lines, a step in each register, missing lines zero. GCC 12 warns of the forms without a mask.
NARAE_AVX512 inline void transpose(__m512* to, const float* const* line, std::size_t p, __mmask8 steps,
                                   __mmask16 lines) noexcept {
    constexpr __mmask16 all = 0xFFFF;
    const __m512 a = four_lines(line, p, steps), b = four_lines(line + 1, p, steps);
    const __m512 c = four_lines(line + 2, p, steps), d = four_lines(line + 3, p, steps);
    const __m512 ab = _mm512_maskz_unpacklo_ps(all, a, b), ab_high = _mm512_maskz_unpackhi_ps(all, a, b);
    const __m512 cd = _mm512_maskz_unpacklo_ps(all, c, d), cd_high = _mm512_maskz_unpackhi_ps(all, c, d);
    to[0] = _mm512_maskz_shuffle_ps(lines, ab, cd, 0x44);
    to[1] = _mm512_maskz_shuffle_ps(lines, ab, cd, 0xEE);
    to[2] = _mm512_maskz_shuffle_ps(lines, ab_high, cd_high, 0x44);
    to[3] = _mm512_maskz_shuffle_ps(lines, ab_high, cd_high, 0xEE);
}

NARAE_AVX512 inline void gemm_pack(float* to, std::size_t width, strided from, std::size_t lines,
                                   std::size_t k) noexcept {
    for (std::size_t i = 0; i < width; i += 16) {
        const __mmask16 out = first(width - i), in = first(i < lines ? lines - i : 0);
        if (from.row == 1) {
            for (std::size_t p = 0; p < k; ++p)
                _mm512_mask_storeu_ps(to + p * width + i, out, _mm512_maskz_loadu_ps(in, from.data + p * from.col + i));
            continue;
        }
        const float* line[16];  // where lines are missing, the last one again
        for (std::size_t j = 0; j < 16; ++j) line[j] = from.at(i + j < lines ? i + j : lines - 1, 0);
        for (std::size_t p = 0; p < k; p += 4) {
            __m512 step[4];
            transpose(step, line, p, static_cast<__mmask8>(first(k - p) & 15), in);
            for (std::size_t q = 0; q < 4 && p + q < k; ++q)
                _mm512_mask_storeu_ps(to + (p + q) * width + i, out, step[q]);
        }
    }
}

template <std::size_t... R>
NARAE_AVX512 inline void gemm_rows(float* c, std::size_t c_row, strided a, const float* b, std::size_t cols,
                                   std::size_t k, bool add, std::index_sequence<R...>) noexcept {
    const __mmask16 low_cols = first(cols), high_cols = first(cols < 16 ? 0 : cols - 16);
    __m512 low[sizeof...(R)], high[sizeof...(R)];
    ((low[R] = high[R] = _mm512_setzero_ps()), ...);
    if (add)
        ((low[R] = _mm512_maskz_loadu_ps(low_cols, c + R * c_row),
          high[R] = _mm512_maskz_loadu_ps(high_cols, c + R * c_row + 16)),
         ...);
    const std::size_t a_row = a.row, a_col = a.col;
    for (const float* x = a.data; k != 0; --k, x += a_col, b += 32) {
        const __m512 b_low = _mm512_load_ps(b), b_high = _mm512_load_ps(b + 16);
        ((low[R] = _mm512_fmadd_ps(_mm512_set1_ps(x[R * a_row]), b_low, low[R]),
          high[R] = _mm512_fmadd_ps(_mm512_set1_ps(x[R * a_row]), b_high, high[R])),
         ...);
    }
    ((_mm512_mask_storeu_ps(c + R * c_row, low_cols, low[R]),
      _mm512_mask_storeu_ps(c + R * c_row + 16, high_cols, high[R])),
     ...);
}

template <std::size_t... R>  // 0 .. 13: a case for every number of rows
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* b, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add, std::index_sequence<R...>) noexcept {
    static_cast<void>(
        ((rows == R + 1 && (gemm_rows(c, c_row, a, b, cols, k, add, std::make_index_sequence<R + 1>()), true)) || ...));
}

inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* b, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    gemm_tile(c, c_row, a, b, rows, cols, k, add, std::make_index_sequence<14>());
}

inline constexpr gemm_kernel gemm = {"avx512", 14, 32, true, gemm_pack, gemm_tile};

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
