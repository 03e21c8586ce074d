// SPDX-License-Identifier: MIT
// What AVX-512 with VNNI replaces: what multiplies bytes, and what a prompt spends its time on besides. For the rest,
// AVX2 is as fast as memory.
#ifndef NARAE_KERNEL_ISA_AVX512_HPP
#define NARAE_KERNEL_ISA_AVX512_HPP

#include "narae/kernel/attend/avx512.hpp"
#include "narae/kernel/gemm_packed/avx512.hpp"
#include "narae/kernel/rows/avx512.hpp"
#include "narae/kernel/table.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx512 {

inline table overlay(table t) noexcept {
    t.name = "avx512vnni";
    t.gemm_q8 = gemm_packed<codes_q8>;
    t.gemm_q4 = gemm_packed<codes_q4>;
    t.bias_gelu = bias_gelu;
    t.attend_q8 = attend;
    return t;
}

}  // namespace narae::inline NARAE_ABI::kernel::avx512

#endif
#endif
