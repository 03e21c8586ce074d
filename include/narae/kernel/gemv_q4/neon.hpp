// SPDX-License-Identifier: MIT
// gemv_q4 for NEON: a register holds 4 rows x 4 inputs; products are summed in 16 bits over a whole group.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMV_Q4_NEON_HPP
#define NARAE_KERNEL_GEMV_Q4_NEON_HPP

#include "narae/kernel/gemv_q4/contract.hpp"
#include "narae/kernel/isa/neon_math.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

/// Four rows' dot products over one group. A 16-bit lane takes 16 times at most 15 * 127: 30,480 and still exact.
inline int32x4_t group_q4(const std::byte* codes, const std::int8_t* q) noexcept {
    const uint8x16_t nibble = vdupq_n_u8(15);
    int16x8_t rows01 = vdupq_n_s16(0), rows23 = rows01;
    for (int chunk = 0; chunk < 8; ++chunk) {
        const uint8x16_t w = vld1q_u8(reinterpret_cast<const std::uint8_t*>(codes));
        const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(w, nibble));
        const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(w, 4));
        const int8x16_t q_low = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
        const int8x16_t q_high = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q + 4)));
        rows01 = vmlal_s8(rows01, vget_low_s8(low), vget_low_s8(q_low));
        rows23 = vmlal_high_s8(rows23, low, q_low);
        rows01 = vmlal_s8(rows01, vget_low_s8(high), vget_low_s8(q_high));
        rows23 = vmlal_high_s8(rows23, high, q_high);
        codes += 64;
        q += 8;
    }
    return vpaddq_s32(vpaddlq_s16(rows01), vpaddlq_s16(rows23));
}

inline void gemv_q4(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q4_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q4_layout::scale_bytes(k);
        float32x4_t sum0 = vdupq_n_f32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            const std::int8_t* q = x.q + g * num::group_len;
            const int32x4_t zero_point = vdupq_n_s32(-8 * x.sum[g]);
            const float32x4_t dot0 = vcvtq_f32_s32(vaddq_s32(group_q4(codes, q), zero_point));
            const float32x4_t dot1 = vcvtq_f32_s32(vaddq_s32(group_q4(codes + 16, q), zero_point));
            const float32x4_t dot2 = vcvtq_f32_s32(vaddq_s32(group_q4(codes + 32, q), zero_point));
            const float32x4_t dot3 = vcvtq_f32_s32(vaddq_s32(group_q4(codes + 48, q), zero_point));
            sum0 = vfmaq_f32(sum0, dot0, vmulq_n_f32(load4_f16(scales), x.scale[g]));
            sum1 = vfmaq_f32(sum1, dot1, vmulq_n_f32(load4_f16(scales + 8), x.scale[g]));
            sum2 = vfmaq_f32(sum2, dot2, vmulq_n_f32(load4_f16(scales + 16), x.scale[g]));
            sum3 = vfmaq_f32(sum3, dot3, vmulq_n_f32(load4_f16(scales + 24), x.scale[g]));
            codes += num::q4_layout::group_bytes;
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
