// SPDX-License-Identifier: MIT
// attend_q8 for AVX-512 with VNNI: a tile of 16 slots is one register, the values come in columns of 16, for
// some queries at once. Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_ATTEND_AVX512_HPP
#define NARAE_KERNEL_ATTEND_AVX512_HPP

#include "narae/kernel/attend/avx2.hpp"
#include "narae/kernel/gemm_packed/avx512.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

/// scalar::softmax_block, then times v_scale; p[n16] is zero outside what the query sees.
NARAE_AVX512_VNNI inline scalar::merge_factors softmax_block(query_state& s, float* p, std::size_t n16,
                                                             const float* v_scale) noexcept {
    avx2::hide_unseen(s, p, n16);
    __m512 largest = _mm512_loadu_ps(p);
    for (std::size_t j = 16; j < n16; j += 16) largest = _mm512_maskz_max_ps(all, _mm512_loadu_ps(p + j), largest);
    const float m = avx2::largest_of(_mm256_max_ps(eight<0>(largest), eight<1>(largest)));
    __m512 sum = _mm512_setzero_ps();
    for (std::size_t j = 0; j < n16; j += 16) {
        const __m512 weight = exp(_mm512_sub_ps(_mm512_loadu_ps(p + j), _mm512_set1_ps(m)));
        sum = _mm512_add_ps(sum, weight);
        _mm512_storeu_ps(p + j, _mm512_mul_ps(weight, _mm512_loadu_ps(v_scale + j)));
    }
    return avx2::join(s, m, avx2::sum_lanes(eight<0>(sum), eight<1>(sum)));
}

NARAE_AVX512_VNNI inline __m512 load16(const std::int8_t* v) noexcept {
    return _mm512_maskz_cvtepi32_ps(
        all, _mm512_maskz_cvtepi8_epi32(all, _mm_loadu_si128(reinterpret_cast<const __m128i*>(v))));
}

/// o[at[C] .. + 16] = fma(o, a, sum[C] * b), for the first `have` columns
template <std::size_t... C>
NARAE_AVX512_VNNI inline void merge(float* o, const __m512* sum, const std::size_t* at, std::size_t have,
                                    scalar::merge_factors f, std::index_sequence<C...>) noexcept {
    ((C < have ? _mm512_storeu_ps(o + at[C], _mm512_fmadd_ps(_mm512_loadu_ps(o + at[C]), _mm512_set1_ps(f.a),
                                                             _mm512_mul_ps(sum[C], _mm512_set1_ps(f.b))))
               : void()),
     ...);
}

/// sum[C] + p * v[C], columns of 16
template <std::size_t... C>
NARAE_AVX512_VNNI inline void add_values(__m512* sum, float p, const __m512* v, std::index_sequence<C...>) noexcept {
    ((sum[C] = _mm512_fmadd_ps(_mm512_set1_ps(p), v[C], sum[C])), ...);
}

/// Queries T..., and of the values C... columns of 16 at once: together sixteen registers of sums at most.
template <std::size_t... T, std::size_t... C>
NARAE_AVX512_VNNI inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                          std::size_t n, std::size_t e, std::index_sequence<T...>,
                                          std::index_sequence<C...> columns) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += num::lanes) {
        const __m512i sign = _mm512_set1_epi32(static_cast<int>(0x80808080u));  // keys made unsigned, 128 for zero
        __m512i dot[sizeof...(T)];
        ((dot[T] = _mm512_set1_epi32(-128 * queries.state[T].sum_q)), ...);
        for (std::size_t i = 0; i < e; i += 4) {
            const std::size_t at = j * e + i * num::lanes;  // of these keys; values, too, take as many bytes
            avx2::fetch(c.v + at, 0);
            avx2::fetch(c.k + at, attend_block * e);  // of the next block
            const __m512i keys = _mm512_xor_si512(_mm512_loadu_si512(c.k + at), sign);
            ((dot[T] =
                  _mm512_dpbusd_epi32(dot[T], keys, _mm512_set1_epi32(load_le<std::int32_t>(queries.q + T * e + i)))),
             ...);
        }
        const __m512 k_scale = _mm512_loadu_ps(c.k_scale + j);
        (_mm512_storeu_ps(p + T * attend_block + j,
                          _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(all, dot[T]),
                                        _mm512_mul_ps(_mm512_set1_ps(queries.state[T].scale), k_scale))),
         ...);
    }
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    constexpr std::size_t N = sizeof...(C);
    for (std::size_t i = 0; i < e; i += 16 * N) {
        const std::size_t have = (e - i) / 16;  // columns beyond the last repeat it and are not stored
        const std::size_t at[] = {(C < have ? i + 16 * C : e - 16)...};
        __m512 sum[sizeof...(T) * N] = {}, v[N];
        for (std::size_t j = 0; j < n; ++j) {
            ((v[C] = load16(c.v + j * e + at[C])), ...);
            (add_values(sum + T * N, p[T * attend_block + j], v, columns), ...);
        }
        (merge(queries.mean + T * e, sum + T * N, at, have, f[T], columns), ...);
    }
}

NARAE_AVX512_VNNI inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                     std::size_t n, std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 8 <= queries.count; t += 8)
        attend_some(queries.part(t, 8, e), c, n, e, std::make_index_sequence<8>(), std::make_index_sequence<2>());
    for (; t + 4 <= queries.count; t += 4)
        attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>(), std::make_index_sequence<4>());
    for (; t < queries.count; ++t)
        attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>(), std::make_index_sequence<4>());
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
