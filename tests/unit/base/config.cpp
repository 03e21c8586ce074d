// SPDX-License-Identifier: MIT
#include "narae/base/config.hpp"

#include <string>

#include "catch.hpp"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

TEST_CASE("base/config: the namespace tag says which switches are on") {
    const std::string tag = TEXT(NARAE_ABI);
    const auto has = [&](const char* part) { return tag.find(part) != tag.npos; };
    CHECK(has("v0"));
    CHECK(has("noexcept") == (NARAE_EXCEPTIONS == 0));
#ifdef NARAE_NO_FILES
    CHECK(has("nofiles"));
#else
    CHECK_FALSE(has("nofiles"));
#endif
#ifdef NARAE_NO_THREADS
    CHECK(has("nothreads"));
#else
    CHECK_FALSE(has("nothreads"));
#endif
#ifdef NARAE_NO_SIMD
    CHECK(has("nosimd"));
    CHECK(NARAE_X86 + NARAE_NEON == 0);
#else
    CHECK_FALSE(has("nosimd"));
#endif
    CHECK(NARAE_X86 * NARAE_NEON == 0);
}
