// SPDX-License-Identifier: MIT
// What NEON replaces, and then NEON with dot products.
#ifndef NARAE_KERNEL_ISA_NEON_HPP
#define NARAE_KERNEL_ISA_NEON_HPP

#include "narae/kernel/attend/neon.hpp"
#include "narae/kernel/gemm_packed/neon_dot.hpp"
#include "narae/kernel/gemv_dense/neon.hpp"
#include "narae/kernel/rows/neon.hpp"
#include "narae/kernel/table.hpp"

#if NARAE_NEON

namespace narae::inline NARAE_ABI::kernel::neon {

inline table overlay(table t) noexcept {
    t.name = "neon";
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

#ifdef NARAE_NEON_DOT
inline table overlay_dot(table t) noexcept {
    t.name = "neondot";
    t.gemm_q8 = gemm_packed<codes_dot<num::q8_layout>>;
    t.gemm_q4 = gemm_packed<codes_dot<num::q4_layout>>;
    return t;
}
#endif

}  // namespace narae::inline NARAE_ABI::kernel::neon

#endif
#endif
