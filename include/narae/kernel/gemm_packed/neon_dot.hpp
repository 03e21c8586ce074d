// SPDX-License-Identifier: MIT
// gemm_q4 and gemm_q8 for NEON with dot products: the loops of neon.hpp around one instruction that takes four products
// of bytes and adds them to a lane of 32 bits. Read neon.hpp first.
#ifndef NARAE_KERNEL_GEMM_PACKED_NEON_DOT_HPP
#define NARAE_KERNEL_GEMM_PACKED_NEON_DOT_HPP

#include "narae/kernel/gemm_packed/neon.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {
#ifdef NARAE_NEON_DOT

/// sum + w . q, as vdotq_s32, which clang before 16 hides from functions that merely have the attribute.
NARAE_NEON_DOT inline int32x4_t add_four(int32x4_t sum, int8x16_t w, int8x16_t q) noexcept {
    __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(q));
    return sum;
}

template <class Layout> struct codes_dot : Layout {
    static constexpr bool q4 = Layout::group_bytes == num::q4_layout::group_bytes;
    template <std::size_t... T>
    NARAE_NEON_DOT static void group(int32x4_t* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                     const std::int32_t* q_sum, std::size_t groups,
                                     std::index_sequence<T...>) noexcept {
        int32x4_t sum[sizeof...(T)];
        ((sum[T] = vdupq_n_s32(q4 ? -8 * q_sum[T * groups] : 0)), ...);
        for (std::size_t i = 0; i < num::group_len; i += 8, codes += Layout::group_bytes / 8) {
            const uint8x16_t w = load_bytes(codes);
            const int8x16_t w0 = vreinterpretq_s8_u8(q4 ? vandq_u8(w, vdupq_n_u8(15)) : w);
            const int8x16_t w1 = vreinterpretq_s8_u8(q4 ? vshrq_n_u8(w, 4) : load_bytes(codes + 64));
            ((sum[T] = add_four(sum[T], w0, four_of(q + T * stride + i))), ...);
            ((sum[T] = add_four(sum[T], w1, four_of(q + T * stride + i + 4))), ...);
        }
        ((dot[T] = sum[T]), ...);
    }
};

#endif
}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
