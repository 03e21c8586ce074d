// SPDX-License-Identifier: MIT
// gemv_q4 and gemv_q8 for NEON: a register holds 4 rows x 4 inputs. Read scalar.hpp first: it is the definition. Below
// come the dot products of one group in either format, then the loop around them.
#ifndef NARAE_KERNEL_GEMV_PACKED_NEON_HPP
#define NARAE_KERNEL_GEMV_PACKED_NEON_HPP

#include "narae/kernel/gemv_packed/contract.hpp"
#include "narae/kernel/isa/neon_math.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

inline uint8x16_t load_bytes(const std::byte* p) noexcept { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)); }

/// Four neighbouring inputs in every 32-bit lane.
inline int8x16_t four_of(const std::int8_t* q) noexcept {
    return vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
}

struct codes_q4 : num::q4_layout {
    /// Four rows' dot products over one group. A 16-bit lane takes 16 times at most 15 * 127: 30,480 and still exact.
    static int32x4_t group(const std::byte* codes, const std::int8_t* q, std::int32_t q_sum) noexcept {
        int16x8_t rows01 = vdupq_n_s16(0), rows23 = rows01;
        for (int chunk = 0; chunk < 8; ++chunk) {
            const uint8x16_t w = load_bytes(codes);
            const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(w, vdupq_n_u8(15))), q_low = four_of(q);
            const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(w, 4)), q_high = four_of(q + 4);
            rows01 = vmlal_s8(rows01, vget_low_s8(low), vget_low_s8(q_low));
            rows23 = vmlal_high_s8(rows23, low, q_low);
            rows01 = vmlal_s8(rows01, vget_low_s8(high), vget_low_s8(q_high));
            rows23 = vmlal_high_s8(rows23, high, q_high);
            codes += 64;
            q += 8;
        }
        const int32x4_t zero_point = vdupq_n_s32(-8 * q_sum);  // of every code, taken off at once
        return vaddq_s32(vpaddq_s32(vpaddlq_s16(rows01), vpaddlq_s16(rows23)), zero_point);
    }
};

struct codes_q8 : num::q8_layout {
    /// Four rows' dot products over one group. Two products reach 2 * 128 * 127 at most, which 16 bits hold.
    static int32x4_t group(const std::byte* codes, const std::int8_t* q, std::int32_t) noexcept {
        int32x4_t rows01 = vdupq_n_s32(0), rows23 = rows01;
        for (int pair = 0; pair < 8; ++pair) {
            const int8x16_t w0 = vreinterpretq_s8_u8(load_bytes(codes)), q0 = four_of(q);
            const int8x16_t w1 = vreinterpretq_s8_u8(load_bytes(codes + 64)), q1 = four_of(q + 4);
            const int16x8_t pair01 = vmull_s8(vget_low_s8(w0), vget_low_s8(q0)), pair23 = vmull_high_s8(w0, q0);
            rows01 = vpadalq_s16(rows01, vmlal_s8(pair01, vget_low_s8(w1), vget_low_s8(q1)));
            rows23 = vpadalq_s16(rows23, vmlal_high_s8(pair23, w1, q1));
            codes += 128;
            q += 8;
        }
        return vpaddq_s32(rows01, rows23);
    }
};

template <class Codes>
inline void gemv_packed(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                        std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * Codes::tile_bytes(k);
        const std::byte* codes = scales + Codes::scale_bytes(k);
        float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};  // of four rows each
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            for (std::size_t i = 0; i < 4; ++i) {
                const int32x4_t dot = Codes::group(codes + 16 * i, x.q + g * num::group_len, x.sum[g]);
                sum[i] = vfmaq_f32(sum[i], vcvtq_f32_s32(dot), vmulq_n_f32(load4_f16(scales + 8 * i), x.scale[g]));
            }
            codes += Codes::group_bytes;
            scales += num::tile_rows * 2;
        }
        for (std::size_t i = 0; i < 4; ++i) vst1q_f32(y + row + 4 * i, sum[i]);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
