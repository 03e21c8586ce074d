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
