// SPDX-License-Identifier: MIT
// attend_q8 for AVX2: scores of 16 slots together, softmax in 16 lanes, then the values in columns of
// 16, for the queries T... at once. Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_ATTEND_AVX2_HPP
#define NARAE_KERNEL_ATTEND_AVX2_HPP

#include "narae/kernel/attend/scalar.hpp"
#include "narae/kernel/gemm_packed/avx2.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

/// The end of scalar::softmax_block: a block whose largest score is m and whose weights have this sum joins the query.
NARAE_AVX2 inline scalar::merge_factors join(query_state& s, float m, float sum) noexcept {
    const float largest = s.largest > m ? s.largest : m;
    const __m256 factors = exp(_mm256_setr_ps(s.largest - largest, m - largest, 0, 0, 0, 0, 0, 0));
    const __m128 a = _mm256_castps256_ps128(factors), b = _mm_movehdup_ps(a);
    const __m128 joined = _mm_mul_ss(_mm_set_ss(sum), b);
    s.sum = _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(s.sum), a, joined));
    s.largest = largest;
    return {_mm_cvtss_f32(a), _mm_cvtss_f32(b)};
}

/// Scores outside what the query sees are never the largest, and their exp is 0.
inline void hide_unseen(const query_state& s, float* p, std::size_t n16) noexcept {
    for (std::size_t j = 0; j < s.begin; ++j) p[j] = -3e38f;
    for (std::size_t j = s.end; j < n16; ++j) p[j] = -3e38f;
}

/// scalar::softmax_block, then times v_scale; p[n16] is zero outside what the query sees.
NARAE_AVX2 inline scalar::merge_factors softmax_block(query_state& s, float* p, std::size_t n16,
                                                      const float* v_scale) noexcept {
    hide_unseen(s, p, n16);
    __m256 largest8 = _mm256_loadu_ps(p);
    for (std::size_t j = 8; j < n16; j += 8) largest8 = _mm256_max_ps(_mm256_loadu_ps(p + j), largest8);
    const float m = largest_of(largest8);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (std::size_t j = 0; j < n16; j += 8) {
        const __m256 weight = exp(_mm256_sub_ps(_mm256_loadu_ps(p + j), _mm256_set1_ps(m)));
        sum[j / 8 % 2] = _mm256_add_ps(sum[j / 8 % 2], weight);
        _mm256_storeu_ps(p + j, _mm256_mul_ps(weight, _mm256_loadu_ps(v_scale + j)));
    }
    return join(s, m, sum_lanes(sum[0], sum[1]));
}

/// p[T][0 .. 8] = scores of query T at eight slots, whose keys start at k.
template <std::size_t... T>
NARAE_AVX2 inline void score8(float* p, const query_block<std::int8_t>& queries, const std::int8_t* k,
                              const float* k_scale, std::size_t e, std::index_sequence<T...>) noexcept {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i dot[sizeof...(T)];
    ((dot[T] = _mm256_setzero_si256()), ...);
    for (std::size_t i = 0; i < e; i += 4, k += 4 * num::lanes) {
        const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(k)), size = _mm256_abs_epi8(four);
        ((dot[T] = _mm256_add_epi32(
              dot[T], _mm256_madd_epi16(
                          _mm256_maddubs_epi16(size, _mm256_sign_epi8(four_of(queries.q + T * e + i), four)), ones))),
         ...);
    }
    (_mm256_storeu_ps(p + T * attend_block,
                      _mm256_mul_ps(_mm256_cvtepi32_ps(dot[T]),
                                    _mm256_mul_ps(_mm256_set1_ps(queries.state[T].scale), _mm256_loadu_ps(k_scale)))),
     ...);
}

/// Eight values as floats.
NARAE_AVX2 inline __m256 load8(const std::int8_t* v) noexcept {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(v))));
}

/// o[0 .. 8] = fma(o, a, block * b)
NARAE_AVX2 inline void merge(float* o, __m256 block, scalar::merge_factors f) noexcept {
    block = _mm256_mul_ps(block, _mm256_set1_ps(f.b));
    _mm256_storeu_ps(o, _mm256_fmadd_ps(_mm256_loadu_ps(o), _mm256_set1_ps(f.a), block));
}

template <std::size_t... T>
NARAE_AVX2 inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                   std::size_t n, std::size_t e, std::index_sequence<T...> all) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += 8)
        score8(p + j, queries, c.k + key_at<std::int8_t>(j, 0, e), c.k_scale + j, e, all);
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    for (std::size_t i = 0; i < e; i += 16) {
        __m256 low[sizeof...(T)], high[sizeof...(T)];
        ((low[T] = high[T] = _mm256_setzero_ps()), ...);
        for (std::size_t j = 0; j < n; ++j) {
            const __m256 v_low = load8(c.v + j * e + i), v_high = load8(c.v + j * e + i + 8);
            ((low[T] = _mm256_fmadd_ps(_mm256_set1_ps(p[T * attend_block + j]), v_low, low[T]),
              high[T] = _mm256_fmadd_ps(_mm256_set1_ps(p[T * attend_block + j]), v_high, high[T])),
             ...);
        }
        ((merge(queries.mean + T * e + i, low[T], f[T]), merge(queries.mean + T * e + i + 8, high[T], f[T])), ...);
    }
}

NARAE_AVX2 inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c, std::size_t n,
                              std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 4 <= queries.count; t += 4) attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>());
    for (; t < queries.count; ++t) attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>());
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
