// SPDX-License-Identifier: MIT
// One function pointer per operation; each slot starts as its scalar version, which is its definition.
// A table is a value: it is handed to whoever computes, and nothing is chosen behind anyone's back.
#ifndef NARAE_KERNEL_TABLE_HPP
#define NARAE_KERNEL_TABLE_HPP

#include "narae/kernel/attend/scalar.hpp"
#include "narae/kernel/gemm_packed/scalar.hpp"
#include "narae/kernel/gemv_dense/scalar.hpp"
#include "narae/kernel/rows/scalar.hpp"

namespace narae::inline NARAE_ABI::kernel {

struct table {
    const char* name = "scalar";
    gemv_dense_op* gemv_f32 = scalar::gemv_dense<scalar::weights_f32>;
    gemv_dense_op* gemv_f16 = scalar::gemv_dense<scalar::weights_f16>;
    gemv_dense_op* gemv_bf16 = scalar::gemv_dense<scalar::weights_bf16>;
    gemm_packed_op* gemm_q8 = scalar::gemm_packed<num::q8_layout>;
    gemm_packed_op* gemm_q4 = scalar::gemm_packed<num::q4_layout>;
    layer_norm_op* layer_norm = scalar::layer_norm;
    bias_gelu_op* bias_gelu = scalar::bias_gelu;
    quantize_q8_op* quantize_q8 = scalar::quantize_q8;
    attend_op<std::int8_t>* attend_q8 = scalar::attend<std::int8_t>;
    attend_op<float>* attend_f32 = scalar::attend<float>;
};

}  // namespace narae::inline NARAE_ABI::kernel

#endif
