// SPDX-License-Identifier: MIT
// gemm for AVX-512 with bfloat16: as avx512.hpp, but a step takes two values of k, in one 32-bit lane, with sums in
// f32. Rounds A and B, to nearest even, when packing; takes numbers below 2^-126 for zero.
#ifndef NARAE_KERNEL_GEMM_AVX512_BF16_HPP
#define NARAE_KERNEL_GEMM_AVX512_BF16_HPP

#include "narae/kernel/gemm/avx512.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512_bf16 {

using avx512::first;

/// Lane i: low[i] below, high[i] above.
NARAE_AVX512_BF16 inline void store_pairs(float* to, __m512 low, __m512 high) noexcept {
    alignas(64) static constexpr short order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i both = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(high, low));
    _mm512_store_si512(to, _mm512_permutexvar_epi16(_mm512_load_si512(order), both));
}

template <std::size_t... I>
NARAE_AVX512_BF16 inline void pack_turned(float* panel, strided from, std::size_t lines, std::size_t steps,
                                          std::index_sequence<I...>) noexcept {
    __m512 x[16];
    avx512::turn(x, from, lines, steps, std::make_index_sequence<16>());
    ((2 * I < steps ? store_pairs(panel + I * 32, x[2 * I], x[2 * I + 1]) : void()), ...);
}

NARAE_AVX512_BF16 inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    for (std::size_t i = 0; i < 32; i += 16) {
        const std::size_t have = i < count ? count - i : 0;
        if (lines.row == 1 || have == 0)
            for (std::size_t p = 0; p < k; p += 2) {
                const float* const from = lines.data + p * lines.col + (have == 0 ? 0 : i);
                store_pairs(panel + p * 16 + i, _mm512_maskz_loadu_ps(first(have), from),
                            p + 1 < k ? _mm512_maskz_loadu_ps(first(have), from + lines.col) : _mm512_setzero_ps());
            }
        else
            for (std::size_t p = 0; p < k; p += 16)
                pack_turned(panel + p * 16 + i, lines.from(i, p), have, k - p, std::make_index_sequence<8>());
    }
}

NARAE_AVX512_BF16 inline __m512 dot2(__m512 a, __m512 b, __m512 sum) noexcept {
    return _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
}

template <std::size_t... R> struct gemm_rows {
    NARAE_AVX512_BF16 static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t cols,
                                       std::size_t k, bool add) noexcept {
        const __mmask16 low_cols = first(cols), high_cols = first(cols < 16 ? 0 : cols - 16);
        __m512 low[sizeof...(R)], high[sizeof...(R)];
        ((low[R] = high[R] = _mm512_setzero_ps()), ...);
        if (add)
            ((low[R] = _mm512_maskz_loadu_ps(low_cols, c + R * c_row),
              high[R] = _mm512_maskz_loadu_ps(high_cols, c + R * c_row + 16)),
             ...);
        const float* x = a.data;
        for (std::size_t p = 0; p < k; p += 2, x += 32, panel += 32) {
            const __m512 b_low = _mm512_load_ps(panel), b_high = _mm512_load_ps(panel + 16);
            ((low[R] = dot2(_mm512_set1_ps(x[R]), b_low, low[R]),
              high[R] = dot2(_mm512_set1_ps(x[R]), b_high, high[R])),
             ...);
        }
        ((_mm512_mask_storeu_ps(c + R * c_row, low_cols, low[R]),
          _mm512_mask_storeu_ps(c + R * c_row + 16, high_cols, high[R])),
         ...);
    }
};

inline constexpr gemm_kernel gemm = {"avx512_bf16", 14, 32, false, gemm_pack, scalar::gemm_tile_rows<gemm_rows, 14>};

}  // namespace narae::inline NARAE_ABI::kernel::avx512_bf16

#endif
#endif
