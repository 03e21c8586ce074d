// SPDX-License-Identifier: MIT
// Every macro and every user switch of narae, each with its line. Nothing else in the library is a macro.
// Define a switch before the first include; a switch that changes code also changes the namespace tag,
// so that two files compiled with different switches can live in one program.
#ifndef NARAE_BASE_CONFIG_HPP
#define NARAE_BASE_CONFIG_HPP

// --- switches for users ---------------------------------------------------------------------------------
// NARAE_NO_FILES    no operating system files: models come from byte spans
// NARAE_NO_THREADS  no <thread>: everything runs on the caller's thread
// NARAE_NO_SIMD     scalar kernels only

// --- what the compiler and the target offer ---------------------------------------------------------------
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define NARAE_EXCEPTIONS 1  // result::value() exists and throws; allocation failures become errors
#define NARAE_ABI_X v0
#else
#define NARAE_EXCEPTIONS 0
#define NARAE_ABI_X v0_noexcept
#endif

#if !defined(NARAE_NO_SIMD) && (defined(__x86_64__) || defined(__i386__) || defined(_M_X64))
#define NARAE_X86 1  // AVX2 kernels are compiled in, chosen at run time
#else
#define NARAE_X86 0
#endif

#if !defined(NARAE_NO_SIMD) && (defined(__aarch64__) || defined(_M_ARM64)) && \
    !(defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define NARAE_NEON 1  // 64-bit ARM: NEON is part of the architecture
#else
#define NARAE_NEON 0
#endif

#if defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
#define NARAE_POSIX 1  // files are mapped through the POSIX calls
#else
#define NARAE_POSIX 0
#endif

#if defined(__GNUC__) || defined(__clang__)
#define NARAE_TARGET(isa) __attribute__((target(isa)))  // one function may use more than the user's flags allow
#else
#define NARAE_TARGET(isa)
#endif
#define NARAE_AVX2 NARAE_TARGET("avx2,fma,f16c")
#define NARAE_AVX_VNNI NARAE_TARGET("avx2,fma,f16c,avxvnni")
#define NARAE_AVX512 NARAE_TARGET("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define NARAE_AVX512_VNNI NARAE_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#define NARAE_AVX512_BF16 NARAE_TARGET("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#if NARAE_NEON && defined(__clang__)
#define NARAE_NEON_DOT NARAE_TARGET("dotprod")  // left out for MSVC, which does not always know the instruction
#elif NARAE_NEON && defined(__GNUC__)
#define NARAE_NEON_DOT NARAE_TARGET("arch=armv8.2-a+dotprod")
#endif

// --- the namespace tag ------------------------------------------------------------------------------------
#if defined(NARAE_NO_FILES)
#define NARAE_ABI_F _nofiles
#else
#define NARAE_ABI_F
#endif
#if defined(NARAE_NO_THREADS)
#define NARAE_ABI_T _nothreads
#else
#define NARAE_ABI_T
#endif
#if defined(NARAE_NO_SIMD)
#define NARAE_ABI_S _nosimd
#else
#define NARAE_ABI_S
#endif
#define NARAE_JOIN2(a, b, c, d) a##b##c##d
#define NARAE_JOIN(a, b, c, d) NARAE_JOIN2(a, b, c, d)
#define NARAE_ABI NARAE_JOIN(NARAE_ABI_X, NARAE_ABI_F, NARAE_ABI_T, NARAE_ABI_S)

#endif
