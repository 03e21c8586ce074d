// SPDX-License-Identifier: MIT
// gemm for AVX-512: a tile of 14 x 32 is 28 of the 32 registers; the others hold a row of B and elements of A.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMM_AVX512_HPP
#define NARAE_KERNEL_GEMM_AVX512_HPP

#include "narae/kernel/gemm/scalar.hpp"

#if NARAE_X86
#include <immintrin.h>

namespace narae::inline NARAE_ABI::kernel::avx512 {

/// The first n of 16 lanes; n may be more.
inline __mmask16 first(std::size_t n) noexcept { return static_cast<__mmask16>(n < 16 ? (1u << n) - 1 : 0xFFFFu); }

/// Swaps the blocks of D x D beside the diagonal in rows I and I + D: 1, 2, 4 and 8 in turn transpose 16 x 16.
template <std::size_t D, std::size_t I>
NARAE_AVX512 inline void swap_blocks(__m512* x, __m512i above, __m512i below) noexcept {
    if constexpr ((I & D) == 0) {
        const __m512 upper = x[I];
        x[I] = _mm512_permutex2var_ps(upper, above, x[I + D]);
        x[I + D] = _mm512_permutex2var_ps(upper, below, x[I + D]);
    }
}
template <std::size_t D, std::size_t... I> NARAE_AVX512 inline void swap_blocks(__m512* x) noexcept {
    static constexpr int above[] = {static_cast<int>(I & D ? (I ^ D) + 16 : I)...};
    static constexpr int below[] = {static_cast<int>(I & D ? I + 16 : I ^ D)...};
    const __m512i order[] = {_mm512_loadu_si512(above), _mm512_loadu_si512(below)};
    (swap_blocks<D, I>(x, order[0], order[1]), ...);
}

/// to[step] = sixteen lines, for sixteen steps; zero where `lines` or `steps` end.
template <std::size_t... I>
NARAE_AVX512 inline void turn(__m512* to, strided from, std::size_t lines, std::size_t steps,
                              std::index_sequence<I...>) noexcept {
    const __mmask16 in = first(steps), have = first(lines);
    ((to[I] = _mm512_maskz_loadu_ps(in, from.data + (I < lines ? I : 0) * from.row)), ...);
    swap_blocks<1, I...>(to), swap_blocks<2, I...>(to), swap_blocks<4, I...>(to), swap_blocks<8, I...>(to);
    if (lines < 16) ((to[I] = _mm512_maskz_mov_ps(have, to[I])), ...);
}

template <std::size_t... I>
NARAE_AVX512 inline void pack_turned(float* panel, strided from, std::size_t lines, std::size_t steps,
                                     std::index_sequence<I...> sixteen) noexcept {
    __m512 x[16];
    turn(x, from, lines, steps, sixteen);
    ((I < steps ? _mm512_store_ps(panel + I * 32, x[I]) : void()), ...);
}

NARAE_AVX512 inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    for (std::size_t i = 0; i < 32; i += 16) {
        const std::size_t have = i < count ? count - i : 0;
        if (lines.row == 1 || have == 0)
            for (std::size_t p = 0; p < k; ++p)
                _mm512_store_ps(panel + p * 32 + i,
                                _mm512_maskz_loadu_ps(first(have), lines.data + p * lines.col + (have == 0 ? 0 : i)));
        else
            for (std::size_t p = 0; p < k; p += 16)
                pack_turned(panel + p * 32 + i, lines.from(i, p), have, k - p, std::make_index_sequence<16>());
    }
}

template <std::size_t... R> struct gemm_rows {
    NARAE_AVX512 static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t cols,
                                  std::size_t k, bool add) noexcept {
        const __mmask16 low_cols = first(cols), high_cols = first(cols < 16 ? 0 : cols - 16);
        __m512 low[sizeof...(R)], high[sizeof...(R)];
        ((low[R] = high[R] = _mm512_setzero_ps()), ...);
        if (add)
            ((low[R] = _mm512_maskz_loadu_ps(low_cols, c + R * c_row),
              high[R] = _mm512_maskz_loadu_ps(high_cols, c + R * c_row + 16)),
             ...);
        const std::size_t a_row = a.row, a_col = a.col;
        for (const float* x = a.data; k != 0; --k, x += a_col, panel += 32) {
            const __m512 b_low = _mm512_load_ps(panel), b_high = _mm512_load_ps(panel + 16);
            ((low[R] = _mm512_fmadd_ps(_mm512_set1_ps(x[R * a_row]), b_low, low[R]),
              high[R] = _mm512_fmadd_ps(_mm512_set1_ps(x[R * a_row]), b_high, high[R])),
             ...);
        }
        ((_mm512_mask_storeu_ps(c + R * c_row, low_cols, low[R]),
          _mm512_mask_storeu_ps(c + R * c_row + 16, high_cols, high[R])),
         ...);
    }
};

inline constexpr gemm_kernel gemm = {"avx512", 14, 32, true, gemm_pack, scalar::gemm_tile_rows<gemm_rows, 14>};

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
