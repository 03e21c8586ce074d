// SPDX-License-Identifier: MIT
// attend_q8 and attend_f32 for AVX2: scores of four positions together, softmax in 16 lanes, then the values in
// columns of 32. Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_ATTEND_AVX2_HPP
#define NARAE_KERNEL_ATTEND_AVX2_HPP

#include "narae/kernel/attend/scalar.hpp"
#include "narae/kernel/gemv_dense/avx2.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

/// scalar::softmax_block; writes p up to the next multiple of 16.
NARAE_AVX2 inline merge_factors softmax_block(softmax_state& state, float* p, std::size_t n) noexcept {
    static_assert(attend_block % num::lanes == 0, "a block has room for its padding");
    const std::size_t padded = round_up(n, num::lanes);
    for (std::size_t j = n; j < padded; ++j) p[j] = -3e38f;  // never the largest, and its exp is 0
    __m256 largest8 = _mm256_loadu_ps(p);
    for (std::size_t j = 8; j < padded; j += 8) largest8 = _mm256_max_ps(_mm256_loadu_ps(p + j), largest8);
    const float m = largest_of(largest8);
    __m256 low = _mm256_setzero_ps(), high = low;
    for (std::size_t j = 0; j < padded; j += num::lanes) {
        const __m256 p_low = exp(_mm256_sub_ps(_mm256_loadu_ps(p + j), _mm256_set1_ps(m)));
        const __m256 p_high = exp(_mm256_sub_ps(_mm256_loadu_ps(p + j + 8), _mm256_set1_ps(m)));
        _mm256_storeu_ps(p + j, p_low);
        _mm256_storeu_ps(p + j + 8, p_high);
        low = _mm256_add_ps(low, p_low);
        high = _mm256_add_ps(high, p_high);
    }
    const float largest = state.largest > m ? state.largest : m;
    const __m256 factors = exp(_mm256_setr_ps(state.largest - largest, m - largest, 0, 0, 0, 0, 0, 0));
    const __m128 a = _mm256_castps256_ps128(factors), b = _mm_movehdup_ps(a);
    const __m128 sum = _mm_mul_ss(_mm_set_ss(sum_lanes(low, high)), b);
    state.sum = _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(state.sum), a, sum));
    state.largest = largest;
    return {_mm_cvtss_f32(a), _mm_cvtss_f32(b)};
}

/// Eight values as floats.
NARAE_AVX2 inline __m256 load8(const std::int8_t* v) noexcept {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(v))));
}
NARAE_AVX2 inline __m256 load8(const float* v) noexcept { return _mm256_loadu_ps(v); }

/// o[0 .. 8] = fma(o, a, block * b)
NARAE_AVX2 inline void merge(float* o, __m256 block, merge_factors f) noexcept {
    block = _mm256_mul_ps(block, _mm256_set1_ps(f.b));
    _mm256_storeu_ps(o, _mm256_fmadd_ps(_mm256_loadu_ps(o), _mm256_set1_ps(f.a), block));
}

/// The block's mean of v[n, E] by weights p, joined to o.
template <class Value>
NARAE_AVX2 inline void merge_values(float* o, const float* p, const Value* v, std::size_t n, std::size_t e,
                                    merge_factors f) noexcept {
    std::size_t i = 0;
    for (; i + 32 <= e; i += 32) {
        __m256 b0 = _mm256_setzero_ps(), b1 = b0, b2 = b0, b3 = b0;
        for (std::size_t j = 0; j < n; ++j) {
            const __m256 weight = _mm256_set1_ps(p[j]);
            const Value* row = v + j * e + i;
            b0 = _mm256_fmadd_ps(weight, load8(row), b0);
            b1 = _mm256_fmadd_ps(weight, load8(row + 8), b1);
            b2 = _mm256_fmadd_ps(weight, load8(row + 16), b2);
            b3 = _mm256_fmadd_ps(weight, load8(row + 24), b3);
        }
        merge(o + i, b0, f);
        merge(o + i + 8, b1, f);
        merge(o + i + 16, b2, f);
        merge(o + i + 24, b3, f);
    }
    for (; i < e; i += 8) {
        __m256 block = _mm256_setzero_ps();
        for (std::size_t j = 0; j < n; ++j) block = _mm256_fmadd_ps(_mm256_set1_ps(p[j]), load8(v + j * e + i), block);
        merge(o + i, block, f);
    }
}

/// dot + q . k of 16 inputs, in eight lanes of 32 bits.
NARAE_AVX2 inline __m256i dot16(__m256i dot, __m256i q, const std::int8_t* k) noexcept {
    const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(k)));
    return _mm256_add_epi32(dot, _mm256_madd_epi16(q, wide));
}

NARAE_AVX2 inline void attend_q8(softmax_state& state, float* o, const std::int8_t* q, float q_scale,
                                 const std::int8_t* k, const float* k_scale, const std::int8_t* v, const float* v_scale,
                                 std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; j += 4) {
        const std::int8_t* k0 = k + j * e;
        const std::int8_t* k1 = j + 1 < n ? k0 + e : k0;  // at the end some positions are taken twice
        const std::int8_t* k2 = j + 2 < n ? k1 + e : k0;
        const std::int8_t* k3 = j + 3 < n ? k2 + e : k0;
        __m256i d0 = _mm256_setzero_si256(), d1 = d0, d2 = d0, d3 = d0;
        for (std::size_t i = 0; i < e; i += 16) {
            const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q + i)));
            d0 = dot16(d0, wide, k0 + i);
            d1 = dot16(d1, wide, k1 + i);
            d2 = dot16(d2, wide, k2 + i);
            d3 = dot16(d3, wide, k3 + i);
        }
        const __m256i fours = _mm256_hadd_epi32(_mm256_hadd_epi32(d0, d1), _mm256_hadd_epi32(d2, d3));
        const __m128i dots = _mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
        _mm_storeu_ps(p + j, _mm_cvtepi32_ps(dots));
    }
    for (std::size_t j = 0; j < n; ++j) p[j] *= q_scale * k_scale[j];
    const merge_factors f = softmax_block(state, p, n);
    for (std::size_t j = 0; j < n; ++j) p[j] *= v_scale[j];
    merge_values(o, p, v, n, e, f);
}

NARAE_AVX2 inline void attend_f32(softmax_state& state, float* o, const float* q, float scale, const float* k,
                                  const float* v, std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    gemv_dense<weights_f32>(p, reinterpret_cast<const std::byte*>(k), q, e, 0, n);  // the same sums
    for (std::size_t j = 0; j < n; ++j) p[j] *= scale;
    merge_values(o, p, v, n, e, softmax_block(state, p, n));
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
