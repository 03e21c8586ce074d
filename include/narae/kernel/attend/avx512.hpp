// SPDX-License-Identifier: MIT
// attend_q8 for AVX-512 with VNNI: a tile of 16 slots is one register, the values come in columns of 32, for the
// queries T... at once. Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_ATTEND_AVX512_HPP
#define NARAE_KERNEL_ATTEND_AVX512_HPP

#include "narae/kernel/attend/avx2.hpp"
#include "narae/kernel/gemm_packed/avx512.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

/// Sixteen values as floats.
NARAE_AVX512_VNNI inline __m512 load16(const std::int8_t* v) noexcept {
    return _mm512_maskz_cvtepi32_ps(
        all, _mm512_maskz_cvtepi8_epi32(all, _mm_loadu_si128(reinterpret_cast<const __m128i*>(v))));
}

/// o[0 .. 16] = fma(o, a, block * b)
NARAE_AVX512_VNNI inline void merge(float* o, __m512 block, scalar::merge_factors f) noexcept {
    block = _mm512_mul_ps(block, _mm512_set1_ps(f.b));
    _mm512_storeu_ps(o, _mm512_fmadd_ps(_mm512_loadu_ps(o), _mm512_set1_ps(f.a), block));
}

template <std::size_t... T>
NARAE_AVX512_VNNI inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                          std::size_t n, std::size_t e, std::index_sequence<T...> tokens) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += num::lanes) {
        const std::int8_t* k = c.k + j * e;
        const __m512i sign = _mm512_set1_epi8(-128);  // makes keys unsigned, with 128 for zero
        __m512i dot[sizeof...(T)];
        ((dot[T] = _mm512_set1_epi32(-128 * queries.state[T].sum_q)), ...);
        for (std::size_t i = 0; i < e; i += 4, k += 64)
            add_four(dot, _mm512_xor_si512(_mm512_loadu_si512(k), sign), queries.q + i, e, tokens);
        const __m512 k_scale = _mm512_loadu_ps(c.k_scale + j);
        (_mm512_storeu_ps(p + T * attend_block + j,
                          _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(all, dot[T]),
                                        _mm512_mul_ps(_mm512_set1_ps(queries.state[T].scale), k_scale))),
         ...);
    }
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = avx2::softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    for (std::size_t i = 0; i < e; i += 32) {
        const std::size_t next = i + 16 < e ? 16 : 0;  // a last column of 16 is taken twice and stored once
        __m512 low[sizeof...(T)], high[sizeof...(T)];
        ((low[T] = high[T] = _mm512_setzero_ps()), ...);
        for (std::size_t j = 0; j < n; ++j) {
            const __m512 v_low = load16(c.v + j * e + i), v_high = load16(c.v + j * e + i + next);
            ((low[T] = _mm512_fmadd_ps(_mm512_set1_ps(p[T * attend_block + j]), v_low, low[T]),
              high[T] = _mm512_fmadd_ps(_mm512_set1_ps(p[T * attend_block + j]), v_high, high[T])),
             ...);
        }
        (merge(queries.mean + T * e + i, low[T], f[T]), ...);
        if (next != 0) (merge(queries.mean + T * e + i + 16, high[T], f[T]), ...);
    }
}

NARAE_AVX512_VNNI inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                     std::size_t n, std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 8 <= queries.count; t += 8) attend_some(queries.part(t, 8, e), c, n, e, std::make_index_sequence<8>());
    for (; t + 4 <= queries.count; t += 4) attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>());
    for (; t < queries.count; ++t) attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>());
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
