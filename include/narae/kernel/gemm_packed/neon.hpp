// SPDX-License-Identifier: MIT
// gemm_q4 and gemm_q8 for NEON: a register holds 4 rows x 4 inputs. Read scalar.hpp first: it is the definition. Below
// come the dot products of one group in either format, for the tokens T..., then the loop around them.
// (An expression over T... is written out once per token by the compiler.)
#ifndef NARAE_KERNEL_GEMM_PACKED_NEON_HPP
#define NARAE_KERNEL_GEMM_PACKED_NEON_HPP

#include <utility>

#include "narae/kernel/gemm_packed/contract.hpp"
#include "narae/kernel/isa/neon_math.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

inline uint8x16_t load_bytes(const std::byte* p) noexcept { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)); }

inline void add_to(float* y, float32x4_t sum) noexcept { vst1q_f32(y, vaddq_f32(vld1q_f32(y), sum)); }

/// Four neighbouring inputs in every 32-bit lane.
inline int8x16_t four_of(const std::int8_t* q) noexcept {
    return vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
}

/// sum + w . q, four products in two lanes of 16 bits: rows 0, 1 in sum[0] and rows 2, 3 in sum[1].
inline void add_four(int16x8_t* sum, int8x16_t w, int8x16_t q) noexcept {
    sum[0] = vmlal_s8(sum[0], vget_low_s8(w), vget_low_s8(q));
    sum[1] = vmlal_high_s8(sum[1], w, q);
}

struct codes_q4 : num::q4_layout {
    /// dot[T] = the group's dot products of 4 rows with token T, whose inputs are at q + T * stride. A 16-bit lane
    /// takes 16 times at most 15 * 127: 30,480 and still exact.
    template <std::size_t... T>
    static void group(int32x4_t* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                      const std::int32_t* q_sum, std::size_t groups, std::index_sequence<T...>) noexcept {
        int16x8_t sum[sizeof...(T)][2];
        ((sum[T][0] = sum[T][1] = vdupq_n_s16(0)), ...);
        for (int chunk = 0; chunk < 8; ++chunk) {
            const uint8x16_t w = load_bytes(codes);
            const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(w, vdupq_n_u8(15)));
            const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(w, 4));
            ((add_four(sum[T], low, four_of(q + T * stride)), add_four(sum[T], high, four_of(q + T * stride + 4))),
             ...);
            codes += 64;
            q += 8;
        }
        // The zero point of every code is taken off at once.
        ((dot[T] = vaddq_s32(vpaddq_s32(vpaddlq_s16(sum[T][0]), vpaddlq_s16(sum[T][1])),
                             vdupq_n_s32(-8 * q_sum[T * groups]))),
         ...);
    }
};

struct codes_q8 : num::q8_layout {
    /// The same. Two products reach 2 * 128 * 127 at most, which 16 bits hold.
    template <std::size_t... T>
    static void group(int32x4_t* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                      const std::int32_t*, std::size_t, std::index_sequence<T...>) noexcept {
        int32x4_t rows01[sizeof...(T)], rows23[sizeof...(T)];
        ((rows01[T] = rows23[T] = vdupq_n_s32(0)), ...);
        for (int chunk = 0; chunk < 16; ++chunk) {
            const int8x16_t w = vreinterpretq_s8_u8(load_bytes(codes));
            ((rows01[T] = vpadalq_s16(rows01[T], vmull_s8(vget_low_s8(w), vget_low_s8(four_of(q + T * stride)))),
              rows23[T] = vpadalq_s16(rows23[T], vmull_high_s8(w, four_of(q + T * stride)))),
             ...);
            codes += 64;
            q += 4;
        }
        ((dot[T] = vpaddq_s32(rows01[T], rows23[T])), ...);
    }
};

/// Four rows of a tile with the tokens T...
template <class Codes, std::size_t... T>
inline void quarter_tile(float* y, std::size_t y_stride, const std::byte* scales, const std::byte* codes,
                         const num::q8_rows& x, std::size_t k, std::index_sequence<T...> tokens) noexcept {
    const std::size_t stride = x.groups * num::group_len;
    float32x4_t sum[sizeof...(T)];
    ((sum[T] = vdupq_n_f32(0)), ...);
    for (std::size_t g = 0; g < num::groups_of(k); ++g) {
        int32x4_t dot[sizeof...(T)];
        Codes::group(dot, codes, x.q + g * num::group_len, stride, x.sum + g, x.groups, tokens);
        const float32x4_t scale = load4_f16(scales);
        ((sum[T] = vfmaq_f32(sum[T], vcvtq_f32_s32(dot[T]), vmulq_n_f32(scale, x.scale[T * x.groups + g]))), ...);
        codes += Codes::group_bytes;
        scales += num::tile_rows * 2;
    }
    (add_to(y + T * y_stride, sum[T]), ...);
}

template <class Codes>
inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x, std::size_t T,
                        std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += 4) {
        const std::byte* tile = w + row / num::tile_rows * Codes::tile_bytes(k);
        const std::size_t r = row % num::tile_rows;
        const std::byte* scales = tile + 2 * r;
        const std::byte* codes = tile + Codes::scale_bytes(k) + 4 * r;
        std::size_t t = 0;
        for (; t + 4 <= T; t += 4)
            quarter_tile<Codes>(y + t * y_stride + row, y_stride, scales, codes, x.from(t), k,
                                std::make_index_sequence<4>());
        for (; t < T; ++t)
            quarter_tile<Codes>(y + t * y_stride + row, y_stride, scales, codes, x.from(t), k,
                                std::make_index_sequence<1>());
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
