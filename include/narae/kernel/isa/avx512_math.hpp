// SPDX-License-Identifier: MIT
// num/math.hpp sixteen lanes at a time: the same steps in the same order as avx2_math.hpp, so the same bits.
#ifndef NARAE_KERNEL_ISA_AVX512_MATH_HPP
#define NARAE_KERNEL_ISA_AVX512_MATH_HPP

#include "narae/kernel/isa/avx2_math.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

/// GCC 12 warns of the plain forms of some conversions and shifts, whose masked result it thinks is read; those that
/// set the masked part to zero are free of that, and with every lane chosen the same instruction.
inline constexpr __mmask16 all = 0xFFFF;

/// Lanes 8 I .. 8 I + 7.
template <int I> NARAE_AVX512_VNNI inline __m256 eight(__m512 v) noexcept {
    return _mm512_maskz_extractf32x8_ps(0xFF, v, I);
}

/// num::exp.
NARAE_AVX512_VNNI inline __m512 exp(__m512 x) noexcept {
    const __mmask16 not_zero = _mm512_cmp_ps_mask(x, _mm512_set1_ps(num::exp_min), _CMP_GE_OQ);
    x = _mm512_maskz_min_ps(all, x, _mm512_set1_ps(num::exp_max));
    const __m512 half = _mm512_or_ps(_mm512_and_ps(x, _mm512_set1_ps(-0.0f)), _mm512_set1_ps(0.5f));
    const __m512i n = _mm512_maskz_cvttps_epi32(all, _mm512_fmadd_ps(x, _mm512_set1_ps(num::log2_e), half));
    const __m512 whole = _mm512_maskz_cvtepi32_ps(all, n);
    __m512 r = _mm512_fnmadd_ps(whole, _mm512_set1_ps(num::ln2_high), x);
    r = _mm512_fnmadd_ps(whole, _mm512_set1_ps(num::ln2_low), r);
    __m512 p = _mm512_set1_ps(num::exp_c[0]);
    for (int i = 1; i < 7; ++i) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(num::exp_c[i]));
    const __m512i power = _mm512_maskz_slli_epi32(all, _mm512_add_epi32(n, _mm512_set1_epi32(127)), 23);
    return _mm512_maskz_mul_ps(not_zero, p, _mm512_castsi512_ps(power));
}

/// num::gelu.
NARAE_AVX512_VNNI inline __m512 gelu(__m512 x) noexcept {
    const __m512 size = _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x), one = _mm512_set1_ps(1.0f);
    const __m512 z = _mm512_maskz_min_ps(all, size, _mm512_set1_ps(num::tail_max));
    const __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(_mm512_set1_ps(num::tail_p), z, one));
    __m512 p = _mm512_set1_ps(num::tail_c[0]);
    for (int i = 1; i < 9; ++i) p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(num::tail_c[i]));
    const __m512 tail = _mm512_mul_ps(p, exp(_mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(-0.5f))));
    const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
    return _mm512_mask_mul_ps(_mm512_fnmadd_ps(x, tail, x), negative, x, tail);
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
