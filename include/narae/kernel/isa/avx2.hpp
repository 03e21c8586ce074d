// SPDX-License-Identifier: MIT
// What AVX2 (with FMA and F16C) replaces, and then AVX-VNNI.
#ifndef NARAE_KERNEL_ISA_AVX2_HPP
#define NARAE_KERNEL_ISA_AVX2_HPP

#include "narae/kernel/attend/avx2.hpp"
#include "narae/kernel/gemm_packed/avx_vnni.hpp"
#include "narae/kernel/gemv_dense/avx2.hpp"
#include "narae/kernel/rows/avx2.hpp"
#include "narae/kernel/table.hpp"

#if NARAE_X86

namespace narae::inline NARAE_ABI::kernel::avx2 {

inline table overlay(table t) noexcept {
    t.name = "avx2";
    t.gemv_f32 = gemv_dense<weights_f32>;
    t.gemv_f16 = gemv_dense<weights_f16>;
    t.gemv_bf16 = gemv_dense<weights_bf16>;
    t.gemm_q8 = gemm_packed<codes_q8>;
    t.gemm_q4 = gemm_packed<codes_q4>;
    t.layer_norm = layer_norm;
    t.bias_gelu = bias_gelu;
    t.quantize_q8 = quantize_q8;
    t.attend_q8 = attend;
    return t;
}

inline table overlay_vnni(table t) noexcept {
    t.name = "avxvnni";
    t.gemm_q8 = gemm_packed<codes_vnni<num::q8_layout>>;
    t.gemm_q4 = gemm_packed<codes_vnni<num::q4_layout>>;
    return t;
}

}  // namespace narae::inline NARAE_ABI::kernel::avx2

#endif
#endif
