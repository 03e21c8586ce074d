// SPDX-License-Identifier: MIT
// Which instruction sets this machine, with this operating system, can run. Asked at run time, never at build time.
#ifndef NARAE_SYS_CPU_HPP
#define NARAE_SYS_CPU_HPP

#include "narae/base/config.hpp"
#if NARAE_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#elif NARAE_X86
#include <cpuid.h>
#endif

namespace narae::inline NARAE_ABI::sys {

/// AVX2, FMA and F16C, with the operating system saving the wide registers.
inline bool has_avx2() noexcept {
#if !NARAE_X86
    return false;
#elif defined(__GNUC__) || defined(__clang__)
    __builtin_cpu_init();
    unsigned a = 0, b = 0, c = 0, d = 0;  // older compilers do not know F16C by name
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid(1, &a, &b, &c, &d) &&
           ((c >> 29) & 1);
#else
    int r[4];
    __cpuid(r, 1);
    const bool fma = (r[2] >> 12) & 1, osxsave = (r[2] >> 27) & 1, f16c = (r[2] >> 29) & 1;
    if (!fma || !osxsave || !f16c || (_xgetbv(0) & 6) != 6) return false;
    __cpuidex(r, 7, 0);
    return (r[1] >> 5) & 1;
#endif
}

/// AVX-512 with its BW, DQ and VL parts, with the operating system saving the registers.
inline bool has_avx512() noexcept {
#if !NARAE_X86
    return false;
#elif defined(__GNUC__) || defined(__clang__)
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    if (!has_avx2() || (_xgetbv(0) & 0xE6) != 0xE6) return false;
    int r[4];
    __cpuidex(r, 7, 0);
    return (static_cast<unsigned>(r[1]) & 0xC0030000u) == 0xC0030000u;
#endif
}

/// AVX-512 with dot products of bytes, too.
inline bool has_avx512_vnni() noexcept {
#if !NARAE_X86
    return false;
#elif defined(__GNUC__) || defined(__clang__)
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
#else
    int r[4];
    __cpuidex(r, 7, 0);
    return has_avx512() && ((r[2] >> 11) & 1);
#endif
}

/// AVX-512 with products of bfloat16 pairs, too.
inline bool has_avx512_bf16() noexcept {
#if !NARAE_X86
    return false;
#elif defined(__GNUC__) || defined(__clang__)
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
#else
    int r[4];
    __cpuidex(r, 7, 1);  // zeros where there is no such leaf
    return has_avx512() && ((r[0] >> 5) & 1);
#endif
}

/// Tells the processor that this thread watches a variable, so that it wastes less while it does.
inline void relax() noexcept {
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
    __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

}  // namespace narae::inline NARAE_ABI::sys

#endif
