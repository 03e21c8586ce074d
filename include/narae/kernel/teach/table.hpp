// SPDX-License-Identifier: MIT
// One function pointer per row operation of training, scalar at first, and which tables this machine can run.
// The tables are of equal accuracy but not of equal bits: training on another kind of processor is another run.
#ifndef NARAE_KERNEL_TEACH_TABLE_HPP
#define NARAE_KERNEL_TEACH_TABLE_HPP

#include <vector>

#include "narae/kernel/teach/avx2.hpp"
#include "narae/sys/cpu.hpp"

namespace narae::inline NARAE_ABI::kernel {

struct teach_table {
    const char* name = "scalar";
    add_op* add = scalar::add;
    dot_op* dot = scalar::dot;
    gelu_back_op* gelu_back = scalar::gelu_back;
    norm_back_op* norm_back = scalar::norm_back;
    norm_vectors_back_op* norm_vectors_back = scalar::norm_vectors_back;
    exp_sum_op* exp_sum = scalar::exp_sum;
    softmax_op* softmax = scalar::softmax;
    softmax_back_op* softmax_back = scalar::softmax_back;
    adamw_op* adamw = scalar::adamw;
};

/// Every table that this machine can run, plainest first.
inline std::vector<teach_table> runnable_teach() {
    std::vector<teach_table> all(1);
#if NARAE_X86
    if (sys::has_avx2())
        all.push_back({"avx2", avx2::add, avx2::dot, avx2::gelu_back, avx2::norm_back, avx2::norm_vectors_back,
                       avx2::exp_sum, avx2::softmax, avx2::softmax_back, avx2::adamw});
#endif
    return all;
}

}  // namespace narae::inline NARAE_ABI::kernel

#endif
