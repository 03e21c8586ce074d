// SPDX-License-Identifier: MIT
// attend_q8 and attend_f32 for NEON: scores, softmax in 16 lanes, then the values in columns of 16.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_ATTEND_NEON_HPP
#define NARAE_KERNEL_ATTEND_NEON_HPP

#include "narae/kernel/attend/scalar.hpp"
#include "narae/kernel/gemv_dense/neon.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

/// scalar::softmax_block; writes p up to the next multiple of 16.
inline merge_factors softmax_block(softmax_state& state, float* p, std::size_t n) noexcept {
    static_assert(attend_block % num::lanes == 0, "a block has room for its padding");
    const std::size_t padded = round_up(n, num::lanes);
    for (std::size_t j = n; j < padded; ++j) p[j] = -3e38f;  // never the largest, and its exp is 0
    float32x4_t largest4 = vld1q_f32(p);
    for (std::size_t j = 4; j < padded; j += 4) largest4 = larger(vld1q_f32(p + j), largest4);
    const float m = vmaxvq_f32(largest4);
    float32x4_t s[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (std::size_t j = 0; j < padded; j += num::lanes)
        for (std::size_t i = 0; i < 4; ++i) {
            const float32x4_t weight = exp(vsubq_f32(vld1q_f32(p + j + 4 * i), vdupq_n_f32(m)));
            vst1q_f32(p + j + 4 * i, weight);
            s[i] = vaddq_f32(s[i], weight);
        }
    const float largest = state.largest > m ? state.largest : m;
    const float offset[4] = {state.largest - largest, m - largest, 0, 0};
    const float32x4_t factors = exp(vld1q_f32(offset));
    const float a = vgetq_lane_f32(factors, 0), b = vgetq_lane_f32(factors, 1);
    const float sum = sum_lanes(s[0], s[1], s[2], s[3]) * b;
    state.sum = vget_lane_f32(vfma_f32(vdup_n_f32(sum), vdup_n_f32(state.sum), vdup_n_f32(a)), 0);
    state.largest = largest;
    return {a, b};
}

/// Sixteen values as floats.
inline void load16(float32x4_t (&out)[4], const std::int8_t* v) noexcept {
    const int8x16_t bytes = vld1q_s8(v);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    out[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
    out[1] = vcvtq_f32_s32(vmovl_high_s16(low));
    out[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
    out[3] = vcvtq_f32_s32(vmovl_high_s16(high));
}
inline void load16(float32x4_t (&out)[4], const float* v) noexcept {
    for (std::size_t i = 0; i < 4; ++i) out[i] = vld1q_f32(v + 4 * i);
}

/// The block's mean of v[n, E] by weights p, joined to o.
template <class Value>
inline void merge_values(float* o, const float* p, const Value* v, std::size_t n, std::size_t e,
                         merge_factors f) noexcept {
    for (std::size_t i = 0; i < e; i += 16) {
        float32x4_t block[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}, value[4];
        for (std::size_t j = 0; j < n; ++j) {
            load16(value, v + j * e + i);
            for (std::size_t c = 0; c < 4; ++c) block[c] = vfmaq_n_f32(block[c], value[c], p[j]);
        }
        for (std::size_t c = 0; c < 4; ++c)
            vst1q_f32(o + i + 4 * c, vfmaq_n_f32(vmulq_n_f32(block[c], f.b), vld1q_f32(o + i + 4 * c), f.a));
    }
}

inline void attend_q8(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                      const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                      std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; ++j) {
        int32x4_t dot0 = vdupq_n_s32(0), dot1 = dot0;
        for (std::size_t i = 0; i < e; i += 16) {
            const int8x16_t q16 = vld1q_s8(q + i), k16 = vld1q_s8(k + j * e + i);
            dot0 = vpadalq_s16(dot0, vmull_s8(vget_low_s8(q16), vget_low_s8(k16)));
            dot1 = vpadalq_s16(dot1, vmull_high_s8(q16, k16));
        }
        p[j] = static_cast<float>(vaddvq_s32(vaddq_s32(dot0, dot1))) * (q_scale * k_scale[j]);
    }
    const merge_factors f = softmax_block(state, p, n);
    for (std::size_t j = 0; j < n; ++j) p[j] *= v_scale[j];
    merge_values(o, p, v, n, e, f);
}

inline void attend_f32(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                       std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    gemv_dense<weights_f32>(p, reinterpret_cast<const std::byte*>(k), q, e, 0, n);  // the same sums
    for (std::size_t j = 0; j < n; ++j) p[j] *= scale;
    merge_values(o, p, v, n, e, softmax_block(state, p, n));
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
