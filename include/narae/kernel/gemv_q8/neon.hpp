// SPDX-License-Identifier: MIT
// gemv_q8 for NEON: a register holds 4 rows x 4 inputs; two products are summed in 16 bits, then widened.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMV_Q8_NEON_HPP
#define NARAE_KERNEL_GEMV_Q8_NEON_HPP

#include "narae/kernel/gemv_q8/contract.hpp"
#include "narae/kernel/isa/neon_math.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

/// Four rows' dot products over one group. Two products reach 2 * 128 * 127 at most, which 16 bits hold.
inline int32x4_t group_q8(const std::byte* codes, const std::int8_t* q) noexcept {
    int32x4_t rows01 = vdupq_n_s32(0), rows23 = rows01;
    for (int pair = 0; pair < 8; ++pair) {
        const int8x16_t w0 = vreinterpretq_s8_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(codes)));
        const int8x16_t w1 = vreinterpretq_s8_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(codes + 64)));
        const int8x16_t q0 = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
        const int8x16_t q1 = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q + 4)));
        const int16x8_t pair01 = vmull_s8(vget_low_s8(w0), vget_low_s8(q0)), pair23 = vmull_high_s8(w0, q0);
        rows01 = vpadalq_s16(rows01, vmlal_s8(pair01, vget_low_s8(w1), vget_low_s8(q1)));
        rows23 = vpadalq_s16(rows23, vmlal_high_s8(pair23, w1, q1));
        codes += 128;
        q += 8;
    }
    return vpaddq_s32(rows01, rows23);
}

inline void gemv_q8(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q8_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q8_layout::scale_bytes(k);
        float32x4_t sum0 = vdupq_n_f32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            const std::int8_t* q = x.q + g * num::group_len;
            const float32x4_t dot0 = vcvtq_f32_s32(group_q8(codes, q)), dot1 = vcvtq_f32_s32(group_q8(codes + 16, q));
            const float32x4_t dot2 = vcvtq_f32_s32(group_q8(codes + 32, q));
            const float32x4_t dot3 = vcvtq_f32_s32(group_q8(codes + 48, q));
            sum0 = vfmaq_f32(sum0, dot0, vmulq_n_f32(load4_f16(scales), x.scale[g]));
            sum1 = vfmaq_f32(sum1, dot1, vmulq_n_f32(load4_f16(scales + 8), x.scale[g]));
            sum2 = vfmaq_f32(sum2, dot2, vmulq_n_f32(load4_f16(scales + 16), x.scale[g]));
            sum3 = vfmaq_f32(sum3, dot3, vmulq_n_f32(load4_f16(scales + 24), x.scale[g]));
            codes += num::q8_layout::group_bytes;
            scales += num::tile_rows * 2;
        }
        vst1q_f32(y + row, sum0);
        vst1q_f32(y + row + 4, sum1);
        vst1q_f32(y + row + 8, sum2);
        vst1q_f32(y + row + 12, sum3);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
