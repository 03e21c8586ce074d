// SPDX-License-Identifier: MIT
// gemm_q4 and gemm_q8 for AVX2 with VNNI: the loops of avx2.hpp around one instruction that takes four products of
// bytes, unsigned by signed, and adds them to a lane of 32 bits. Read avx2.hpp first.
#ifndef NARAE_KERNEL_GEMM_PACKED_AVX_VNNI_HPP
#define NARAE_KERNEL_GEMM_PACKED_AVX_VNNI_HPP

#include "narae/kernel/gemm_packed/avx2.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

/// A function that may use more than its caller is never part of it: a call has to be worth both halves of a tile.
template <class Layout> struct codes_vnni : Layout {
    static constexpr std::size_t halves = 2;
    static constexpr bool q4 = Layout::group_bytes == num::q4_layout::group_bytes;
    /// Inputs 4 i .. 4 i + 3 of 8 rows as unsigned codes: 8 is zero in q4, 128 in q8.
    NARAE_AVX2 static __m256i four(const std::byte* codes, std::size_t i) noexcept {
        if constexpr (!q4)
            return _mm256_xor_si256(load32(codes + i * 64), _mm256_set1_epi32(static_cast<int>(0x80808080u)));
        const __m256i w = load32(codes + i / 2 * 64);
        return _mm256_and_si256(i % 2 == 0 ? w : _mm256_srli_epi16(w, 4), _mm256_set1_epi8(15));
    }
    template <std::size_t... T>
    NARAE_AVX_VNNI static void group(__m256i* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                     const std::int32_t* q_sum, std::size_t groups,
                                     std::index_sequence<T...>) noexcept {
        __m256i low[sizeof...(T)], high[sizeof...(T)], in;  // rows 0..7 and 8..15
        ((low[T] = high[T] = _mm256_set1_epi32((q4 ? -8 : -128) * q_sum[T * groups])), ...);
        for (std::size_t i = 0; i < num::group_len / 4; i += 2) {
            const __m256i w[] = {four(codes, i), four(codes + 32, i), four(codes, i + 1), four(codes + 32, i + 1)};
            ((in = four_of(q + T * stride + 4 * i), low[T] = _mm256_dpbusd_avx_epi32(low[T], w[0], in),
              high[T] = _mm256_dpbusd_avx_epi32(high[T], w[1], in), in = four_of(q + T * stride + 4 * i + 4),
              low[T] = _mm256_dpbusd_avx_epi32(low[T], w[2], in), high[T] = _mm256_dpbusd_avx_epi32(high[T], w[3], in)),
             ...);
        }
        ((dot[T] = low[T], dot[sizeof...(T) + T] = high[T]), ...);
    }
};

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
