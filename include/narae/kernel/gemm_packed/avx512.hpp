// SPDX-License-Identifier: MIT
// gemm_q4 and gemm_q8 for AVX-512 with VNNI: a register holds a chunk of 16 rows x 4 inputs, and one instruction takes
// its dot product with four inputs of a token, unsigned by signed. Read scalar.hpp first: it is the definition.
// An expression over T... is written out once per token by the compiler, so that arrays of registers are registers.
#ifndef NARAE_KERNEL_GEMM_PACKED_AVX512_HPP
#define NARAE_KERNEL_GEMM_PACKED_AVX512_HPP

#include <utility>

#include "narae/kernel/gemm_packed/contract.hpp"
#include "narae/kernel/isa/avx512_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

NARAE_AVX512_VNNI inline void add_to(float* y, __m512 sum) noexcept {
    _mm512_storeu_ps(y, _mm512_add_ps(_mm512_loadu_ps(y), sum));
}

/// dot[T] + w . four inputs of token T, in each of 16 rows of two tiles, which share each load of inputs.
template <std::size_t... T>
NARAE_AVX512_VNNI inline void add_four(__m512i* dot0, __m512i* dot1, __m512i w0, __m512i w1, const std::int8_t* q,
                                       std::size_t stride, std::index_sequence<T...>) noexcept {
    __m512i four;
    ((four = _mm512_set1_epi32(load_le<std::int32_t>(q + T * stride)), dot0[T] = _mm512_dpbusd_epi32(dot0[T], w0, four),
      dot1[T] = _mm512_dpbusd_epi32(dot1[T], w1, four)),
     ...);
}

/// sum[T] + what a group's dot products amount to; x begins at the group.
template <std::size_t... T>
NARAE_AVX512_VNNI inline void add_group(__m512* sum, const __m512i* dot, const std::byte* scales, const num::q8_rows& x,
                                        std::index_sequence<T...>) noexcept {
    const __m512 scale = _mm512_maskz_cvtph_ps(all, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales)));
    ((sum[T] = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(all, dot[T]),
                               _mm512_mul_ps(scale, _mm512_set1_ps(x.scale[T * x.groups])), sum[T])),
     ...);
}

struct codes_q4 : num::q4_layout {
    static constexpr int zero = 8;  // the code of 0
    /// The codes of inputs 4 i .. 4 i + 3 of a group.
    NARAE_AVX512_VNNI static __m512i four(const std::byte* codes, std::size_t i) noexcept {
        const __m512i w = _mm512_loadu_si512(codes + i / 2 * 64);
        return _mm512_and_si512(i % 2 == 0 ? w : _mm512_maskz_srli_epi16(~__mmask32{0}, w, 4), _mm512_set1_epi8(15));
    }
};
struct codes_q8 : num::q8_layout {
    static constexpr int zero = 128;  // signed codes become unsigned ones with 128 for zero
    NARAE_AVX512_VNNI static __m512i four(const std::byte* codes, std::size_t i) noexcept {
        return _mm512_xor_si512(_mm512_loadu_si512(codes + i * 64), _mm512_set1_epi32(static_cast<int>(0x80808080u)));
    }
};

/// All rows of two tiles with the tokens T...; the second begins `next` bytes behind the first, or is the first again
/// and not wanted. Each group fetches its share of the tiles that follow, `ahead_bytes` from `ahead` on.
template <class Codes, std::size_t... T>
NARAE_AVX512_VNNI inline void two_tiles(float* y, std::size_t y_stride, const std::byte* scales, std::size_t next,
                                        const num::q8_rows& x, std::size_t k, const std::byte* ahead,
                                        std::size_t ahead_bytes, std::index_sequence<T...> tokens) noexcept {
    const std::byte* codes = scales + Codes::scale_bytes(k);
    const std::size_t stride = x.groups * num::group_len;
    __m512 sum0[sizeof...(T)], sum1[sizeof...(T)];
    ((sum0[T] = sum1[T] = _mm512_setzero_ps()), ...);
    for (std::size_t g = 0; g < num::groups_of(k); ++g) {
        const num::q8_rows in{x.q + g * num::group_len, x.scale + g, x.sum + g, x.groups};
        __m512i dot0[sizeof...(T)], dot1[sizeof...(T)];  // they begin with what the codes' zero amounts to
        ((dot0[T] = dot1[T] = _mm512_set1_epi32(-in.sum[T * in.groups] * Codes::zero)), ...);
        for (std::size_t line = 0; line < ahead_bytes; line += 64) avx2::fetch(ahead + g * ahead_bytes, line);
        for (std::size_t i = 0; i < num::group_len / 4; i += 2) {
            const std::byte* other = codes + next;
            add_four(dot0, dot1, Codes::four(codes, i), Codes::four(other, i), in.q + 4 * i, stride, tokens);
            add_four(dot0, dot1, Codes::four(codes, i + 1), Codes::four(other, i + 1), in.q + 4 * i + 4, stride,
                     tokens);
        }
        add_group(sum0, dot0, scales, in, tokens);
        add_group(sum1, dot1, scales + next, in, tokens);
        codes += Codes::group_bytes;
        scales += num::tile_rows * 2;
    }
    (add_to(y + T * y_stride, sum0[T]), ...);
    if (next != 0) (add_to(y + T * y_stride + num::tile_rows, sum1[T]), ...);
}

template <class Codes>
NARAE_AVX512_VNNI inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x,
                                          std::size_t T, std::size_t k, std::size_t row_begin,
                                          std::size_t row_end) noexcept {
    const std::size_t tile = Codes::tile_bytes(k), groups = num::groups_of(k), passes = T / 4 + T % 4;
    if (passes == 0 || groups == 0) return;
    for (std::size_t row = row_begin; row < row_end; row += 2 * num::tile_rows) {
        const std::byte* at = w + row / num::tile_rows * tile;
        const std::byte* ahead = at + 2 * tile;
        const std::size_t next = row + num::tile_rows < row_end ? tile : 0, share = 2 * tile / passes / groups + 1;
        std::size_t t = 0;
        for (; t + 4 <= T; t += 4, ahead += share * groups)
            two_tiles<Codes>(y + t * y_stride + row, y_stride, at, next, x.from(t), k, ahead, share,
                             std::make_index_sequence<4>());
        for (; t < T; ++t, ahead += share * groups)
            two_tiles<Codes>(y + t * y_stride + row, y_stride, at, next, x.from(t), k, ahead, share,
                             std::make_index_sequence<1>());
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
