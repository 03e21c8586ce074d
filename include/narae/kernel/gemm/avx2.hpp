// SPDX-License-Identifier: MIT
// gemm for AVX2: a tile of 6 x 16 is 12 of the 16 registers; the others hold a row of B and elements of A.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMM_AVX2_HPP
#define NARAE_KERNEL_GEMM_AVX2_HPP

#include "narae/kernel/gemm/scalar.hpp"

#if NARAE_X86
#include <immintrin.h>

namespace narae::inline NARAE_ABI::kernel::avx2 {

/// Four steps of lines 0 and 4.
NARAE_AVX2 inline __m256 two_lines(const float* from, std::size_t row) noexcept {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)), _mm_loadu_ps(from + 4 * row), 1);
}

/// Four steps of eight lines.
NARAE_AVX2 inline void pack_turned(float* panel, const float* from, std::size_t row) noexcept {
    const __m256 a = two_lines(from, row), b = two_lines(from + row, row);
    const __m256 c = two_lines(from + 2 * row, row), d = two_lines(from + 3 * row, row);
    const __m256 ab = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
    const __m256 cd = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
    _mm256_store_ps(panel, _mm256_shuffle_ps(ab, cd, 0x44));
    _mm256_store_ps(panel + 16, _mm256_shuffle_ps(ab, cd, 0xEE));
    _mm256_store_ps(panel + 32, _mm256_shuffle_ps(ab_high, cd_high, 0x44));
    _mm256_store_ps(panel + 48, _mm256_shuffle_ps(ab_high, cd_high, 0xEE));
}

template <std::size_t... R> struct gemm_rows {
    NARAE_AVX2 static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t, std::size_t k,
                                bool add) noexcept {
        __m256 low[sizeof...(R)], high[sizeof...(R)];
        ((low[R] = high[R] = _mm256_setzero_ps()), ...);
        if (add) ((low[R] = _mm256_loadu_ps(c + R * c_row), high[R] = _mm256_loadu_ps(c + R * c_row + 8)), ...);
        const std::size_t a_row = a.row, a_col = a.col;
        for (const float* x = a.data; k != 0; --k, x += a_col, panel += 16) {
            const __m256 b_low = _mm256_load_ps(panel), b_high = _mm256_load_ps(panel + 8);
            ((low[R] = _mm256_fmadd_ps(_mm256_set1_ps(x[R * a_row]), b_low, low[R]),
              high[R] = _mm256_fmadd_ps(_mm256_set1_ps(x[R * a_row]), b_high, high[R])),
             ...);
        }
        ((_mm256_storeu_ps(c + R * c_row, low[R]), _mm256_storeu_ps(c + R * c_row + 8, high[R])), ...);
    }
};

inline constexpr gemm_kernel gemm = {
    "avx2", 6, 16, true, scalar::gemm_pack_turned<8, pack_turned>, scalar::gemm_tile_16<gemm_rows, 6>};

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
