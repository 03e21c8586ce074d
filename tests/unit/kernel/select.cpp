// SPDX-License-Identifier: MIT
// The list of tables: plainest first, each one a full table.
#include "narae/kernel/select.hpp"

#include <string_view>

#include "catch.hpp"

TEST_CASE("runnable tables start with scalar and end with the best") {
    const auto all = narae::kernel::runnable();
    REQUIRE(all.count >= 1);
    REQUIRE(all.count <= narae::kernel::table_list::capacity);
    CHECK(std::string_view(all.begin()->name) == "scalar");
    CHECK(all.begin()->gemm_q4 == &narae::kernel::scalar::gemm_packed<narae::num::q4_layout>);
    CHECK(&all.best() == all.end() - 1);
    std::string names;
    for (const auto& t : all) names += std::string(" ") + t.name;
    WARN("tables tested on this machine:" << names);
#if NARAE_X86
    CHECK(all.count ==
          std::size_t{1} + narae::sys::has_avx2() + narae::sys::has_avx_vnni() + narae::sys::has_avx512_vnni());
    CHECK((names.find(" avxvnni") != std::string::npos) == narae::sys::has_avx_vnni());
    CHECK((std::string_view(all.best().name) == "avx512vnni") == narae::sys::has_avx512_vnni());
#elif NARAE_NEON
    CHECK(std::string_view(all.best().name) == (narae::sys::has_dotprod() ? "neondot" : "neon"));
#else
    CHECK(all.count == 1);
#endif
}
