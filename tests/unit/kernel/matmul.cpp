// SPDX-License-Identifier: MIT
// Whole products: against one chain of fma per element, over kernels, orientations, awkward sizes and threads.
#include "narae/kernel/matmul.hpp"

#include <cmath>
#include <string>

#include "catch.hpp"
#include "inputs.hpp"
#include "narae/kernel/gemm/select.hpp"

namespace {

using narae::kernel::matmul;
using narae::kernel::runnable_gemm;
using narae::kernel::strided;

struct product {
    std::size_t m, n, k, c_row;
    bool add;
    std::vector<float> a, b, c;
    strided left, right;

    product(std::size_t rows, std::size_t cols, std::size_t depth, std::uint64_t seed)
        : m(rows), n(cols), k(depth), c_row(cols + seed % 4), add(seed % 2 == 0) {
        inputs::random r(seed);
        const bool a_across = r.bits() % 2 == 0, b_across = r.bits() % 2 == 0;
        a = r.reals((a_across ? m : k) * ((a_across ? k : m) + 2), -1, 1);
        b = r.reals((b_across ? k : n) * ((b_across ? n : k) + 2), -1, 1);
        c = r.reals(m * c_row, -1, 1);
        left = {a.data(), a_across ? k + 2 : 1, a_across ? 1 : m + 2};
        right = {b.data(), b_across ? n + 2 : 1, b_across ? 1 : k + 2};
    }
    std::vector<float> by_definition() const {
        auto out = c;
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                float sum = add ? c[i * c_row + j] : 0.0f;
                for (std::size_t p = 0; p < k; ++p) sum = std::fma(*left.at(i, p), *right.at(p, j), sum);
                out[i * c_row + j] = sum;
            }
        return out;
    }
};

}  // namespace

TEST_CASE("matmul of any size gives the bits of its definition, by one thread and by several") {
    const std::size_t sizes[][3] = {{1, 1, 1},   {1, 33, 2},    {15, 1, 7},   {3, 5, 300},   {14, 32, 256},
                                    {64, 40, 9}, {29, 515, 31}, {7, 70, 513}, {65, 600, 20}, {200, 17, 259}};
    std::uint64_t seed = 40;
    for (const auto& s : sizes)
        for (int repeat = 0; repeat < 4; ++repeat) {
            const product x(s[0], s[1], s[2], ++seed);
            const auto expected = x.by_definition();
            for (const auto& g : runnable_gemm()) {
                const std::string name = g.name;
                CAPTURE(name, x.m, x.n, x.k, seed);
                auto mm = *matmul::make(g, 6);
                auto one = x.c;
                mm.block(5, one.data(), x.c_row, x.left, x.right, x.m, x.n, x.k, x.add);
                if (g.exact) CHECK(inputs::same_bits(one, expected));
                for (const std::size_t threads : {1u, 2u, 3u, 6u}) {
                    auto team = *narae::sys::team::make(threads);
                    auto many = x.c;
                    mm.run(*team, many.data(), x.c_row, x.left, x.right, x.m, x.n, x.k, x.add);
                    CAPTURE(threads);
                    CHECK(inputs::same_bits(many, one));
                }
            }
        }
}

TEST_CASE("matmul states the memory it takes, and says when there is none") {
    const auto g = *runnable_gemm().begin();
    CHECK(matmul::bytes(g, 3) == 3 * matmul::bytes(g, 1));
    CHECK(matmul::bytes(g, 1) < (1u << 20));
    CHECK_FALSE(matmul::make(g, static_cast<std::size_t>(-1) / matmul::bytes(g, 1)));
}
