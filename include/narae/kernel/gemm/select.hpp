// SPDX-License-Identifier: MIT
// Which matrix multiplications this machine can run. A new instruction set is its file, and a line here.
#ifndef NARAE_KERNEL_GEMM_SELECT_HPP
#define NARAE_KERNEL_GEMM_SELECT_HPP

#include <cstddef>

#include "narae/kernel/gemm/avx2.hpp"
#include "narae/kernel/gemm/avx512.hpp"
#include "narae/kernel/gemm/avx512_bf16.hpp"
#include "narae/kernel/gemm/neon.hpp"
#include "narae/kernel/gemm/scalar.hpp"
#include "narae/sys/cpu.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// A short list of kernels: the exact ones, plainest first, then what is taken by name only.
struct gemm_list {
    static constexpr std::size_t capacity = 8;
    gemm_kernel item[capacity] = {scalar::gemm};
    std::size_t count = 1, exact = 1;
    void add(const gemm_kernel& k) noexcept {
        item[count++] = k;
        if (k.exact) exact = count;
    }
    const gemm_kernel* begin() const noexcept { return item; }
    const gemm_kernel* end() const noexcept { return item + count; }
    const gemm_kernel& best() const noexcept { return item[exact - 1]; }
};

/// Every kernel that this machine can run.
inline gemm_list runnable_gemm() noexcept {
    gemm_list all;
#if NARAE_X86
    if (sys::has_avx2()) all.add(avx2::gemm);
    if (sys::has_avx512()) all.add(avx512::gemm);
    if (sys::has_avx512_bf16()) all.add(avx512_bf16::gemm);
#endif
#if NARAE_NEON
    all.add(neon::gemm);
#endif
    return all;
}

}  // namespace narae::inline NARAE_ABI::kernel

#endif
