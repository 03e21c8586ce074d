// SPDX-License-Identifier: MIT
// layer_norm, bias_gelu and quantize_q8 for NEON. Read scalar.hpp first: it is the definition, and it also does
// what does not fill a register.
#ifndef NARAE_KERNEL_ROWS_NEON_HPP
#define NARAE_KERNEL_ROWS_NEON_HPP

#include "narae/kernel/isa/neon_math.hpp"
#include "narae/kernel/rows/scalar.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                       float eps) noexcept {
    if (d % num::lanes != 0) return scalar::layer_norm(y, x, gain, bias, d, eps);
    const float32x4_t zero = vdupq_n_f32(0);
    float32x4_t s[4] = {zero, zero, zero, zero};
    for (std::size_t i = 0; i < d; i += num::lanes)
        for (std::size_t j = 0; j < 4; ++j) s[j] = vaddq_f32(s[j], vld1q_f32(x + i + 4 * j));
    const float32x4_t mean = vdupq_n_f32(sum_lanes(s[0], s[1], s[2], s[3]) / static_cast<float>(d));
    for (auto& lane : s) lane = zero;
    for (std::size_t i = 0; i < d; i += num::lanes)
        for (std::size_t j = 0; j < 4; ++j) {
            const float32x4_t off = vsubq_f32(vld1q_f32(x + i + 4 * j), mean);
            s[j] = vfmaq_f32(s[j], off, off);
        }
    const float var = sum_lanes(s[0], s[1], s[2], s[3]) / static_cast<float>(d);
    const float32x4_t inverse = vdivq_f32(vdupq_n_f32(1.0f), vsqrtq_f32(vdupq_n_f32(var + eps)));
    for (std::size_t i = 0; i < d; i += 4) {
        const float32x4_t normal = vmulq_f32(vsubq_f32(vld1q_f32(x + i), mean), inverse);
        vst1q_f32(y + i, vfmaq_f32(vld1q_f32(bias + i), normal, vld1q_f32(gain + i)));
    }
}

inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(x + i, gelu(vaddq_f32(vld1q_f32(x + i), vld1q_f32(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}

/// num::round_q8 of x * inverse, four times.
inline int32x4_t round_q8(const float* x, float inverse) noexcept {
    const float32x4_t most = vdupq_n_f32(127.0f);
    float32x4_t v = larger(vmulq_n_f32(vld1q_f32(x), inverse), vnegq_f32(most));
    v = vbslq_f32(vcltq_f32(v, most), v, most);
    return vcvtnq_s32_f32(v);
}

inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept {
    if (group % 16 != 0) return scalar::quantize_q8(out, x, k, group);
    const std::size_t whole = k / group;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * group;
        float32x4_t size = vdupq_n_f32(0);
        for (std::size_t i = 0; i < group; i += 4) size = larger(vabsq_f32(vld1q_f32(from + i)), size);
        const float largest = vmaxvq_f32(size), inverse = largest > 0 ? 127.0f / largest : 0.0f;
        int32x4_t sum = vdupq_n_s32(0);
        for (std::size_t i = 0; i < group; i += 16) {
            const int32x4_t a = round_q8(from + i, inverse), b = round_q8(from + i + 4, inverse);
            const int32x4_t c = round_q8(from + i + 8, inverse), d = round_q8(from + i + 12, inverse);
            sum = vaddq_s32(sum, vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
            const int16x8_t ab = vcombine_s16(vmovn_s32(a), vmovn_s32(b)),
                            cd = vcombine_s16(vmovn_s32(c), vmovn_s32(d));
            vst1q_s8(out.q + g * group + i, vcombine_s8(vmovn_s16(ab), vmovn_s16(cd)));
        }
        out.sum[g] = vaddvq_s32(sum);
        out.scale[g] = largest / 127.0f;
    }
    const std::size_t done = whole * group;
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done, group);
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
