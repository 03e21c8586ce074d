// SPDX-License-Identifier: MIT
// gemm_q4: double oracle -> scalar within the contract's bound -> every other table equal to scalar, bit by bit.
#include "catch.hpp"
#include "inputs.hpp"

namespace {

using narae::kernel::runnable;
using problem = inputs::packed_gemm<narae::num::q4_layout, oracle::q4>;

void check(problem& p, std::uint64_t seed) {
    const auto exact = p.exact();
    const auto scalar = p.run(runnable().begin()->gemm_q4);
    for (const auto& table : runnable()) {
        const std::string name = table.name;
        CAPTURE(name, p.n, p.k, seed);
        const auto y = p.run(table.gemm_q4);
        CHECK(inputs::first_outside(y, exact) == exact.size());
        CHECK(inputs::same_bits(y, scalar));
    }
}

}  // namespace

TEST_CASE("gemm_q4 at awkward sizes") {
    std::uint64_t seed = 1;
    for (const auto n : inputs::rows_of_a_gemv)
        for (const auto k : inputs::columns_of_a_gemv) {
            inputs::random r(++seed);
            problem p(n, k);
            p.set_codes([&] { return r.between(0, 255); });
            p.set_scales([&] { return narae::num::f32_to_f16(r.real(-0.1f, 0.1f)); });
            const auto x = r.reals(k, -3, 3);
            narae::kernel::scalar::quantize_q8(p.x.view(), x.data(), k, 64);
            check(p, seed);
        }
}

TEST_CASE("gemm_q4 at the ends of its numbers") {
    std::uint64_t seed = 100;
    for (const int code : {0x00, 0xFF, 0x0F, 0xF0, 0x88})
        for (const int q : {-127, 0, 127})
            for (const unsigned scale : {0x0000u, 0x8000u, 0x0001u, 0x83FFu, 0x3C00u, 0xBC00u, 0x7BFFu, 0xFBFFu})
                for (const float x_scale : {0.0f, 1e-45f, 1e-38f, 1.0f, 1e20f}) {
                    inputs::random r(++seed);
                    problem p(16, 128);
                    p.set_codes([&] { return code; });
                    p.set_scales([&] { return static_cast<std::uint16_t>(scale); });
                    p.set_x([&] { return q; }, x_scale);
                    check(p, seed);
                }
    for (int round = 0; round < 20; ++round) {  // any finite scale of any sign beside any other
        inputs::random r(++seed);
        problem p(32, 320);
        p.set_codes([&] { return r.between(0, 255); });
        p.set_scales([&] { return static_cast<std::uint16_t>(r.between(0, 1) << 15 | r.between(0, 0x7BFF)); });
        p.set_x([&] { return r.between(0, 1) ? 127 : -127; }, r.real(0, 2));
        check(p, seed);
    }
}

TEST_CASE("gemm_q4 adds to the rows it is asked for and to no others") {
    inputs::random r(7);
    problem p(48, 96);
    p.set_codes([&] { return r.between(0, 255); });
    p.set_scales([] { return std::uint16_t{0x2C00}; });
    p.set_x([&] { return r.between(-127, 127); }, 0.5f);
    const auto all = p.run(narae::kernel::scalar::gemm_packed<narae::num::q4_layout>);
    for (const auto& table : runnable()) {
        const std::string name = table.name;
        CAPTURE(name);
        std::vector<float> y(48, 7.0f), expected(48, 7.0f);
        for (std::size_t i = 16; i < 32; ++i) expected[i] += all[i];
        table.gemm_q4(y.data(), 48, p.w.data() + 1, p.x.rows(), 1, p.k, 32, 32);
        table.gemm_q4(y.data(), 48, p.w.data() + 1, p.x.rows(), 1, p.k, 16, 32);
        CHECK(inputs::same_bits(y, expected));
    }
}

TEST_CASE("gemm_q4 gives several tokens what it gives each alone") {
    for (const std::size_t T : {0u, 2u, 3u, 4u, 7u, 8u, 13u, 32u})
        for (const std::size_t k : {64u, 200u}) {
            inputs::random r(T * k);
            problem p(32, k);
            p.set_codes([&] { return r.between(0, 255); });
            p.set_scales([&] { return narae::num::f32_to_f16(r.real(-0.1f, 0.1f)); });
            p.check_tokens(T, r, &narae::kernel::table::gemm_q4);
        }
}
