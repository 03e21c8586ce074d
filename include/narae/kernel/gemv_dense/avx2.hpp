// SPDX-License-Identifier: MIT
// gemv_f32, gemv_f16 and gemv_bf16 for AVX2: two registers are the 16 lanes of a row, four rows go together.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMV_DENSE_AVX2_HPP
#define NARAE_KERNEL_GEMV_DENSE_AVX2_HPP

#include "narae/kernel/gemv_dense/scalar.hpp"
#include "narae/kernel/isa/avx2_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

struct weights_f32 : scalar::weights_f32 {
    NARAE_AVX2 static __m256 load(const std::byte* w) noexcept {
        return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
    }
};
struct weights_f16 : scalar::weights_f16 {
    NARAE_AVX2 static __m256 load(const std::byte* w) noexcept {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    }
};
struct weights_bf16 : scalar::weights_bf16 {
    NARAE_AVX2 static __m256 load(const std::byte* w) noexcept {
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
        return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }
};

template <class Weights>
NARAE_AVX2 inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                                  std::size_t row_end) noexcept {
    if (k % num::lanes != 0) return scalar::gemv_dense<Weights>(y, w, x, k, row_begin, row_end);
    constexpr std::size_t half = 8 * Weights::size;
    for (std::size_t row = row_begin; row < row_end; row += 4) {
        const std::byte* w0 = w + row * k * Weights::size;
        const std::byte* w1 = row + 1 < row_end ? w0 + k * Weights::size : w0;  // at the end some rows are taken twice
        const std::byte* w2 = row + 2 < row_end ? w1 + k * Weights::size : w0;
        const std::byte* w3 = row + 3 < row_end ? w2 + k * Weights::size : w0;
        __m256 low0 = _mm256_setzero_ps(), low1 = low0, low2 = low0, low3 = low0;
        __m256 high0 = low0, high1 = low0, high2 = low0, high3 = low0;
        for (std::size_t i = 0; i < k; i += num::lanes) {
            const __m256 x_low = _mm256_loadu_ps(x + i), x_high = _mm256_loadu_ps(x + i + 8);
            const std::size_t at = i * Weights::size, four_rows = 4 * k * Weights::size;
            for (std::size_t line = 0; line < 8 * half; line += 64) fetch(w0, four_rows + 4 * at + line);
            low0 = _mm256_fmadd_ps(Weights::load(w0 + at), x_low, low0);
            low1 = _mm256_fmadd_ps(Weights::load(w1 + at), x_low, low1);
            low2 = _mm256_fmadd_ps(Weights::load(w2 + at), x_low, low2);
            low3 = _mm256_fmadd_ps(Weights::load(w3 + at), x_low, low3);
            high0 = _mm256_fmadd_ps(Weights::load(w0 + at + half), x_high, high0);
            high1 = _mm256_fmadd_ps(Weights::load(w1 + at + half), x_high, high1);
            high2 = _mm256_fmadd_ps(Weights::load(w2 + at + half), x_high, high2);
            high3 = _mm256_fmadd_ps(Weights::load(w3 + at + half), x_high, high3);
        }
        y[row] += sum_lanes(low0, high0);
        if (row + 1 < row_end) y[row + 1] += sum_lanes(low1, high1);
        if (row + 2 < row_end) y[row + 2] += sum_lanes(low2, high2);
        if (row + 3 < row_end) y[row + 3] += sum_lanes(low3, high3);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
