// SPDX-License-Identifier: MIT
#include "narae/sys/cpu.hpp"

#include "catch.hpp"

TEST_CASE("sys/cpu: the answer is steady, and not less than what the compiler was told") {
    const bool avx2 = narae::sys::has_avx2();
    CHECK(avx2 == narae::sys::has_avx2());
#if NARAE_X86 && defined(__AVX2__) && defined(__FMA__)
    CHECK(avx2);
#elif !NARAE_X86
    CHECK_FALSE(avx2);
#endif
}

TEST_CASE("sys/cpu: a part of AVX-512 comes with what it builds on") {
    const bool avx512 = narae::sys::has_avx512(), bf16 = narae::sys::has_avx512_bf16();
    CHECK((narae::sys::has_avx2() || !avx512));
    CHECK((avx512 || !bf16));
#if NARAE_X86 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
    CHECK(avx512);
#endif
}
