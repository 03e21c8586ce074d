// SPDX-License-Identifier: MIT
// gemv_f32, gemv_f16 and gemv_bf16 for NEON: four registers are the 16 lanes of a row, two rows go together.
// Read scalar.hpp first: it is the definition.
#ifndef NARAE_KERNEL_GEMV_DENSE_NEON_HPP
#define NARAE_KERNEL_GEMV_DENSE_NEON_HPP

#include "narae/kernel/gemv_dense/scalar.hpp"
#include "narae/kernel/isa/neon_math.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

struct weights_f32 : scalar::weights_f32 {
    static float32x4_t load(const std::byte* w) noexcept { return load4(w); }
};
struct weights_f16 : scalar::weights_f16 {
    static float32x4_t load(const std::byte* w) noexcept { return load4_f16(w); }
};
struct weights_bf16 : scalar::weights_bf16 {
    static float32x4_t load(const std::byte* w) noexcept {
        return vreinterpretq_f32_u32(vshll_n_u16(load4_u16(w), 16));
    }
};

template <class Weights>
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    if (k % num::lanes != 0) return scalar::gemv_dense<Weights>(y, w, x, k, row_begin, row_end);
    constexpr std::size_t quarter = 4 * Weights::size;
    for (std::size_t row = row_begin; row < row_end; row += 2) {
        const std::byte* w0 = w + row * k * Weights::size;
        const std::byte* w1 = row + 1 < row_end ? w0 + k * Weights::size : w0;  // the last row may be taken twice
        float32x4_t a0 = vdupq_n_f32(0), b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
        for (std::size_t i = 0; i < k; i += num::lanes) {
            const float32x4_t xa = load4(x + i), xb = load4(x + i + 4), xc = load4(x + i + 8), xd = load4(x + i + 12);
            a0 = vfmaq_f32(a0, Weights::load(w0), xa);
            a1 = vfmaq_f32(a1, Weights::load(w1), xa);
            b0 = vfmaq_f32(b0, Weights::load(w0 + quarter), xb);
            b1 = vfmaq_f32(b1, Weights::load(w1 + quarter), xb);
            c0 = vfmaq_f32(c0, Weights::load(w0 + 2 * quarter), xc);
            c1 = vfmaq_f32(c1, Weights::load(w1 + 2 * quarter), xc);
            d0 = vfmaq_f32(d0, Weights::load(w0 + 3 * quarter), xd);
            d1 = vfmaq_f32(d1, Weights::load(w1 + 3 * quarter), xd);
            w0 += 4 * quarter;
            w1 += 4 * quarter;
        }
        y[row] += sum_lanes(a0, b0, c0, d0);
        if (row + 1 < row_end) y[row + 1] += sum_lanes(a1, b1, c1, d1);
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
