// SPDX-License-Identifier: MIT
// num/math.hpp four lanes at a time: the same steps in the same order, so the same bits. Read that file first.
#ifndef NARAE_KERNEL_ISA_NEON_MATH_HPP
#define NARAE_KERNEL_ISA_NEON_MATH_HPP

#include "narae/num/math.hpp"

#if NARAE_NEON
#include <arm_neon.h>

namespace narae::inline NARAE_ABI::kernel::neon {

/// Four floats, whatever their alignment and type in memory.
inline float32x4_t load4(const void* p) noexcept {
    return vreinterpretq_f32_u8(vld1q_u8(static_cast<const std::uint8_t*>(p)));
}
/// The same of four numbers of 16 bits.
inline uint16x4_t load4_u16(const void* p) noexcept {
    return vreinterpret_u16_u8(vld1_u8(static_cast<const std::uint8_t*>(p)));
}
/// Four binary16.
inline float32x4_t load4_f16(const void* p) noexcept { return vcvt_f32_f16(vreinterpret_f16_u16(load4_u16(p))); }

/// Four floats to memory: clang's vst1q_f32 is a macro that takes no parameter pack.
inline void store4(float* p, float32x4_t v) noexcept { vst1q_f32(p, v); }

/// num::sum_lanes of lanes 0..3, 4..7, 8..11 and 12..15.
inline float sum_lanes(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d) noexcept {
    const float32x4_t four = vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(vpadd_f32(two, two), 0);
}

/// a where it is greater, else b; b also where a is no number.
inline float32x4_t larger(float32x4_t a, float32x4_t b) noexcept { return vbslq_f32(vcgtq_f32(a, b), a, b); }

/// num::exp.
inline float32x4_t exp(float32x4_t x) noexcept {
    const uint32x4_t not_zero = vcgeq_f32(x, vdupq_n_f32(num::exp_min));
    x = vminq_f32(x, vdupq_n_f32(num::exp_max));
    const float32x4_t half = vbslq_f32(vcltq_f32(x, vdupq_n_f32(0)), vdupq_n_f32(-0.5f), vdupq_n_f32(0.5f));
    const int32x4_t n = vcvtq_s32_f32(vfmaq_f32(half, x, vdupq_n_f32(num::log2_e)));
    const float32x4_t whole = vcvtq_f32_s32(n);
    float32x4_t r = vfmsq_f32(x, whole, vdupq_n_f32(num::ln2_high));
    r = vfmsq_f32(r, whole, vdupq_n_f32(num::ln2_low));
    float32x4_t p = vdupq_n_f32(num::exp_c[0]);
    for (int i = 1; i < 7; ++i) p = vfmaq_f32(vdupq_n_f32(num::exp_c[i]), p, r);
    const int32x4_t power = vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23);
    p = vmulq_f32(p, vreinterpretq_f32_s32(power));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(p), not_zero));
}

/// num::gelu.
inline float32x4_t gelu(float32x4_t x) noexcept {
    const float32x4_t size = vabsq_f32(x), one = vdupq_n_f32(1.0f), most = vdupq_n_f32(num::tail_max);
    const float32x4_t z = vbslq_f32(vcleq_f32(size, most), size, most);
    const float32x4_t t = vdivq_f32(one, vfmaq_f32(one, vdupq_n_f32(num::tail_p), z));
    float32x4_t p = vdupq_n_f32(num::tail_c[0]);
    for (int i = 1; i < 9; ++i) p = vfmaq_f32(vdupq_n_f32(num::tail_c[i]), p, t);
    const float32x4_t tail = vmulq_f32(p, exp(vmulq_f32(vmulq_f32(z, z), vdupq_n_f32(-0.5f))));
    return vbslq_f32(vcltq_f32(x, vdupq_n_f32(0)), vmulq_f32(x, tail), vfmsq_f32(x, x, tail));
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
