// SPDX-License-Identifier: MIT
// bias_gelu for AVX-512. Read scalar.hpp first: it is the definition, and it also does what does not fill a register.
#ifndef NARAE_KERNEL_ROWS_AVX512_HPP
#define NARAE_KERNEL_ROWS_AVX512_HPP

#include "narae/kernel/isa/avx512_math.hpp"
#include "narae/kernel/rows/scalar.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

NARAE_AVX512_VNNI inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(x + i, gelu(_mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
