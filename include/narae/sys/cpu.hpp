// SPDX-License-Identifier: MIT
// Which instruction sets this machine, with this operating system, can run. Asked at run time, never at build time.
#ifndef NARAE_SYS_CPU_HPP
#define NARAE_SYS_CPU_HPP

#include "narae/base/config.hpp"
#if NARAE_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace narae::inline NARAE_ABI::sys {

/// AVX2 and FMA, with the operating system saving the wide registers.
inline bool has_avx2() noexcept {
#if !NARAE_X86
    return false;
#elif defined(__GNUC__) || defined(__clang__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    int r[4];
    __cpuid(r, 1);
    const bool fma = (r[2] >> 12) & 1, osxsave = (r[2] >> 27) & 1;
    if (!fma || !osxsave || (_xgetbv(0) & 6) != 6) return false;
    __cpuidex(r, 7, 0);
    return (r[1] >> 5) & 1;
#endif
}

}  // namespace narae::inline NARAE_ABI::sys

#endif
