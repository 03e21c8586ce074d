// SPDX-License-Identifier: MIT
// Which instruction sets this machine, with this operating system, can run. Asked at run time, never at build time.
#ifndef NARAE_SYS_CPU_HPP
#define NARAE_SYS_CPU_HPP

#include "narae/base/config.hpp"
#if NARAE_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#elif NARAE_X86
#include <cpuid.h>
#elif NARAE_NEON && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace narae::inline NARAE_ABI::sys {

#if NARAE_X86

/// Bit `bit` of EAX, EBX, ECX or EDX (0 .. 3) of a CPUID leaf; false where there is no such leaf.
inline bool cpuid_bit(int leaf, int subleaf, int word, int bit) noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
    int r[4];
    __cpuidex(r, leaf, subleaf);
    return (static_cast<unsigned>(r[word]) >> bit & 1) != 0;
#else
    unsigned r[4] = {};
    __get_cpuid_count(static_cast<unsigned>(leaf), static_cast<unsigned>(subleaf), r, r + 1, r + 2, r + 3);
    return (r[word] >> bit & 1) != 0;
#endif
}

/// Does the operating system save these registers (bits of XCR0)?
inline bool saves(unsigned registers) noexcept {
    if (!cpuid_bit(1, 0, 2, 27)) return false;
#if defined(_MSC_VER) && !defined(__clang__)
    return (_xgetbv(0) & registers) == registers;
#else
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & registers) == registers;
#endif
}

/// AVX2, FMA and F16C.
inline bool has_avx2() noexcept {
    return saves(0x6) && cpuid_bit(1, 0, 2, 12) && cpuid_bit(1, 0, 2, 29) && cpuid_bit(7, 0, 1, 5);
}
/// The same with dot products of bytes.
inline bool has_avx_vnni() noexcept { return has_avx2() && cpuid_bit(7, 1, 0, 4); }
/// AVX-512 with its BW, DQ and VL parts.
inline bool has_avx512() noexcept {
    return has_avx2() && saves(0xE6) && cpuid_bit(7, 0, 1, 16) && cpuid_bit(7, 0, 1, 17) && cpuid_bit(7, 0, 1, 30) &&
           cpuid_bit(7, 0, 1, 31);
}
/// The same with dot products of bytes, or with products of bfloat16 pairs.
inline bool has_avx512_vnni() noexcept { return has_avx512() && cpuid_bit(7, 0, 2, 11); }
inline bool has_avx512_bf16() noexcept { return has_avx512() && cpuid_bit(7, 1, 0, 5); }

#endif

#if NARAE_NEON
/// Dot products of bytes. Every Mac has them; Apple's phones since 2019, which no call here tells from older ones.
inline bool has_dotprod() noexcept {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) >> 20 & 1) != 0;
#elif defined(__ENVIRONMENT_MAC_OS_X_VERSION_MIN_REQUIRED__)
    return true;
#else
    return false;
#endif
}
#endif

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
