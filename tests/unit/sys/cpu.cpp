// SPDX-License-Identifier: MIT
#include "narae/sys/cpu.hpp"

#include "catch.hpp"

#if NARAE_X86
TEST_CASE("sys/cpu: what the processor says is what the compiler was told, or more") {
#if defined(__AVX2__) && defined(__FMA__)
    CHECK(narae::sys::has_avx2());
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
    CHECK(narae::sys::has_avx512());
#endif
#if defined(__GNUC__) && !defined(__clang__)  // the compiler's own way of asking
    __builtin_cpu_init();
    CHECK(narae::sys::has_avx2() == (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
#if __GNUC__ >= 12
    CHECK(narae::sys::has_avx_vnni() == (__builtin_cpu_supports("avxvnni") != 0));
#endif
    CHECK(narae::sys::has_avx512() == (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                                       __builtin_cpu_supports("avx512vl")));
    CHECK(narae::sys::has_avx512_vnni() == (__builtin_cpu_supports("avx512vnni") != 0));
    CHECK(narae::sys::has_avx512_bf16() == (__builtin_cpu_supports("avx512bf16") != 0));
#endif
}

TEST_CASE("sys/cpu: a part of AVX-512 or AVX2 comes with what it builds on") {
    CHECK((narae::sys::has_avx2() || !narae::sys::has_avx512()));
    CHECK((narae::sys::has_avx2() || !narae::sys::has_avx_vnni()));
    CHECK((narae::sys::has_avx512() || !narae::sys::has_avx512_vnni()));
    CHECK((narae::sys::has_avx512() || !narae::sys::has_avx512_bf16()));
    CHECK_FALSE(narae::sys::saves(0x80000000u));  // a register that no processor has
}
#endif

#if NARAE_NEON && defined(__ARM_FEATURE_DOTPROD)
TEST_CASE("sys/cpu: a processor that the compiler was told of has its dot products") {
    CHECK(narae::sys::has_dotprod());
}
#endif

TEST_CASE("sys/cpu: relaxing returns") {
    for (int i = 0; i < 10; ++i) narae::sys::relax();
    SUCCEED();
}
