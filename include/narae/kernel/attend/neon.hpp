// SPDX-License-Identifier: MIT
// attend_q8 for NEON: scores of 4 slots together, softmax in 16 lanes, then the values in columns of 8,
// for the queries T... at once. Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_ATTEND_NEON_HPP
#define NARAE_KERNEL_ATTEND_NEON_HPP

#include "narae/kernel/attend/scalar.hpp"
#include "narae/kernel/gemm_packed/neon.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

/// scalar::softmax_block, then times v_scale; p[n16] is zero outside what the query sees.
inline scalar::merge_factors softmax_block(query_state& s, float* p, std::size_t n16, const float* v_scale) noexcept {
    for (std::size_t j = 0; j < s.begin; ++j) p[j] = -3e38f;  // never the largest, and its exp is 0
    for (std::size_t j = s.end; j < n16; ++j) p[j] = -3e38f;
    float32x4_t largest4 = vld1q_f32(p);
    for (std::size_t j = 4; j < n16; j += 4) largest4 = larger(vld1q_f32(p + j), largest4);
    const float m = vmaxvq_f32(largest4);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (std::size_t j = 0; j < n16; j += 4) {
        const float32x4_t weight = exp(vsubq_f32(vld1q_f32(p + j), vdupq_n_f32(m)));
        sum[j / 4 % 4] = vaddq_f32(sum[j / 4 % 4], weight);
        vst1q_f32(p + j, vmulq_f32(weight, vld1q_f32(v_scale + j)));
    }
    const float largest = s.largest > m ? s.largest : m;
    const float offset[4] = {s.largest - largest, m - largest, 0, 0};
    const float32x4_t factors = exp(vld1q_f32(offset));
    const float a = vgetq_lane_f32(factors, 0), b = vgetq_lane_f32(factors, 1);
    const float joined = sum_lanes(sum[0], sum[1], sum[2], sum[3]) * b;
    s.sum = vget_lane_f32(vfma_f32(vdup_n_f32(joined), vdup_n_f32(s.sum), vdup_n_f32(a)), 0);
    s.largest = largest;
    return {a, b};
}

/// p[T][0 .. 4] = scores of query T at four slots, whose keys start at k. Two products fit 16 bits.
template <std::size_t... T>
inline void score4(float* p, const query_block<std::int8_t>& queries, const std::int8_t* k, const float* k_scale,
                   std::size_t e, std::index_sequence<T...>) noexcept {
    int32x4_t dot01[sizeof...(T)], dot23[sizeof...(T)];
    ((dot01[T] = dot23[T] = vdupq_n_s32(0)), ...);
    for (std::size_t i = 0; i < e; i += 4, k += 4 * num::lanes) {
        const int8x16_t four = vld1q_s8(k);
        ((dot01[T] = vpadalq_s16(dot01[T], vmull_s8(vget_low_s8(four), vget_low_s8(four_of(queries.q + T * e + i)))),
          dot23[T] = vpadalq_s16(dot23[T], vmull_high_s8(four, four_of(queries.q + T * e + i)))),
         ...);
    }
    (store4(p + T * attend_block, vmulq_f32(vcvtq_f32_s32(vpaddq_s32(dot01[T], dot23[T])),
                                            vmulq_n_f32(vld1q_f32(k_scale), queries.state[T].scale))),
     ...);
}

/// Eight values as floats.
inline void load8(float32x4_t& low, float32x4_t& high, const std::int8_t* v) noexcept {
    const int16x8_t wide = vmovl_s8(vld1_s8(v));
    low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
    high = vcvtq_f32_s32(vmovl_high_s16(wide));
}

/// o[0 .. 4] = fma(o, a, block * b)
inline void merge(float* o, float32x4_t block, scalar::merge_factors f) noexcept {
    vst1q_f32(o, vfmaq_n_f32(vmulq_n_f32(block, f.b), vld1q_f32(o), f.a));
}

template <std::size_t... T>
inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c, std::size_t n,
                        std::size_t e, std::index_sequence<T...> all) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += 4)
        score4(p + j, queries, c.k + key_at<std::int8_t>(j, 0, e), c.k_scale + j, e, all);
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    for (std::size_t i = 0; i < e; i += 8) {
        float32x4_t low[sizeof...(T)], high[sizeof...(T)], v_low, v_high;
        ((low[T] = high[T] = vdupq_n_f32(0)), ...);
        for (std::size_t j = 0; j < n; ++j) {
            load8(v_low, v_high, c.v + j * e + i);
            ((low[T] = vfmaq_n_f32(low[T], v_low, p[T * attend_block + j]),
              high[T] = vfmaq_n_f32(high[T], v_high, p[T * attend_block + j])),
             ...);
        }
        ((merge(queries.mean + T * e + i, low[T], f[T]), merge(queries.mean + T * e + i + 4, high[T], f[T])), ...);
    }
}

inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c, std::size_t n,
                   std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 4 <= queries.count; t += 4) attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>());
    for (; t < queries.count; ++t) attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>());
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
