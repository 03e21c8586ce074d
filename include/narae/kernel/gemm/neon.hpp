// SPDX-License-Identifier: MIT
// gemm for NEON: a tile of 6 x 16 is 24 of the 32 registers; the others hold a row of B and elements of A.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMM_NEON_HPP
#define NARAE_KERNEL_GEMM_NEON_HPP

#include "narae/kernel/gemm/scalar.hpp"

#if NARAE_NEON
#include <arm_neon.h>

namespace narae::inline NARAE_ABI::kernel::neon {

/// Four steps of four lines.
inline void pack_turned(float* panel, const float* from, std::size_t row) noexcept {
    const float32x4_t a = vld1q_f32(from), b = vld1q_f32(from + row);
    const float32x4_t c = vld1q_f32(from + 2 * row), d = vld1q_f32(from + 3 * row);
    const float64x2_t ab = vreinterpretq_f64_f32(vzip1q_f32(a, b)), ab_high = vreinterpretq_f64_f32(vzip2q_f32(a, b));
    const float64x2_t cd = vreinterpretq_f64_f32(vzip1q_f32(c, d)), cd_high = vreinterpretq_f64_f32(vzip2q_f32(c, d));
    vst1q_f32(panel, vreinterpretq_f32_f64(vzip1q_f64(ab, cd)));
    vst1q_f32(panel + 16, vreinterpretq_f32_f64(vzip2q_f64(ab, cd)));
    vst1q_f32(panel + 32, vreinterpretq_f32_f64(vzip1q_f64(ab_high, cd_high)));
    vst1q_f32(panel + 48, vreinterpretq_f32_f64(vzip2q_f64(ab_high, cd_high)));
}

/// Four registers are the sixteen columns of a row.
struct row16 {
    float32x4_t a, b, c, d;
};
inline row16 load16(const float* from) noexcept {
    return {vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12)};
}
inline void store16(float* to, row16 v) noexcept {
    vst1q_f32(to, v.a), vst1q_f32(to + 4, v.b), vst1q_f32(to + 8, v.c), vst1q_f32(to + 12, v.d);
}
inline row16 fma16(float x, row16 b, row16 sum) noexcept {
    return {vfmaq_n_f32(sum.a, b.a, x), vfmaq_n_f32(sum.b, b.b, x), vfmaq_n_f32(sum.c, b.c, x),
            vfmaq_n_f32(sum.d, b.d, x)};
}

template <std::size_t... R> struct gemm_rows {
    static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t, std::size_t k,
                     bool add) noexcept {
        const float32x4_t zero = vdupq_n_f32(0);
        row16 sum[sizeof...(R)];
        ((sum[R] = {zero, zero, zero, zero}), ...);
        if (add) ((sum[R] = load16(c + R * c_row)), ...);
        const std::size_t a_row = a.row, a_col = a.col;
        for (const float* x = a.data; k != 0; --k, x += a_col, panel += 16) {
            const row16 b = load16(panel);
            ((sum[R] = fma16(x[R * a_row], b, sum[R])), ...);
        }
        (store16(c + R * c_row, sum[R]), ...);
    }
};

inline constexpr gemm_kernel gemm = {
    "neon", 6, 16, true, scalar::gemm_pack_turned<4, pack_turned>, scalar::gemm_tile_16<gemm_rows, 6>};

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
