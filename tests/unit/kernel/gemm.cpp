// SPDX-License-Identifier: MIT
// gemm: double oracle -> scalar within the bound -> every other exact kernel equal, bit by bit.
#include "narae/kernel/gemm/select.hpp"

#include <cmath>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "inputs.hpp"
#include "narae/sys/buffer.hpp"

namespace {

using narae::kernel::gemm_kernel;
using narae::kernel::runnable_gemm;
using narae::kernel::strided;

/// A matrix of numbers from a seed, in the orientation asked for, its lines further apart than they are long.
struct matrix {
    std::vector<float> data;
    strided view;
    matrix(std::size_t rows, std::size_t cols, bool across, std::uint64_t seed, float size = 1)
        : data(inputs::random(seed).reals((across ? rows : cols) * ((across ? cols : rows) + 3), -size, size)),
          view{data.data(), across ? cols + 3 : 1, across ? 1 : rows + 3} {
        data.resize(data.size() - 3);  // where the last line ends, memory ends
        data.shrink_to_fit();
        view.data = data.data();
    }
};

/// One tile: C[rows, cols] in a row stride of cols + 5, with what lies between as it was. k is cut at multiples of
/// `cut`.
std::vector<float> tile(const gemm_kernel& g, const matrix& a, const matrix& b, std::size_t rows, std::size_t cols,
                        std::size_t k, bool add, std::size_t cut) {
    auto panels = *narae::sys::buffer<float>::make(2 * g.cols * (k + 1));
    float* const a_panel = panels.data() + g.cols * (k + 1);
    std::vector<float> c = inputs::random(rows * 31 + cols).reals(rows * (cols + 5), -2, 2);
    for (std::size_t p = 0; p < k; p += cut, add = true) {
        const auto depth = k - p < cut ? k - p : cut;
        auto left = a.view.from(0, p);
        g.pack(panels.data(), b.view.from(p, 0).transposed(), cols, depth);
        if (!g.exact) {
            g.pack(a_panel, left, rows, depth);
            left = {a_panel, 1, g.cols};
        }
        g.tile(c.data(), cols + 5, left, panels.data(), rows, cols, depth, add);
    }
    return c;
}

}  // namespace

TEST_CASE("runnable gemm starts with scalar, ends with the best exact one") {
    const auto all = runnable_gemm();
    std::string names;
    for (const auto& g : all) names += std::string(" ") + g.name;
    WARN("gemm tested on this machine:" << names);
    CHECK(std::string_view(all.begin()->name) == "scalar");
    CHECK(all.best().exact);
    CHECK(all.count <= narae::kernel::gemm_list::capacity);
#if NARAE_X86
    CHECK((std::string_view(all.best().name) == "avx512") == narae::sys::has_avx512());
    CHECK((all.end() - 1)->exact != narae::sys::has_avx512_bf16());
#elif NARAE_NEON
    CHECK(std::string_view(all.best().name) == "neon");
#endif
}

TEST_CASE("gemm panels hold the lines side by side, and nothing else is touched") {
    for (const auto& g : runnable_gemm()) {
        if (!g.exact) continue;
        for (std::size_t lines = 1; lines <= g.cols; ++lines)
            for (const std::size_t k : {1u, 2u, 3u, 4u, 5u, 7u, 16u, 19u, 33u})
                for (const bool across : {false, true}) {
                    const std::string name = g.name;
                    CAPTURE(name, lines, k, across);
                    const matrix from(lines, k, across, 7);
                    auto panel = *narae::sys::buffer<float>::make(g.cols * k + 16);
                    for (auto& v : panel.span()) v = 7;
                    g.pack(panel.data(), from.view, lines, k);
                    std::size_t wrong = 0;
                    for (std::size_t p = 0; p < k; ++p)
                        for (std::size_t i = 0; i < g.cols; ++i)
                            wrong += panel[p * g.cols + i] != (i < lines ? *from.view.at(i, p) : 0.0f);
                    for (std::size_t i = g.cols * k; i < panel.size(); ++i) wrong += panel[i] != 7.0f;
                    CHECK(wrong == 0);
                }
    }
}

TEST_CASE("gemm tiles: within the bound, and the same bits from every exact kernel") {
    std::uint64_t seed = 100;
    for (const auto& g : runnable_gemm())
        for (std::size_t rows = 1; rows <= g.rows; ++rows)
            for (const std::size_t cols :
                 {std::size_t{1}, std::size_t{3}, g.cols / 2, g.cols / 2 + 1, g.cols - 1, g.cols})
                for (const std::size_t k : {1u, 2u, 5u, 32u, 77u}) {
                    const bool add = ++seed % 2 == 0, across = seed % 3 == 0;
                    const std::string name = g.name;
                    CAPTURE(name, rows, cols, k, add, across, seed);
                    const matrix a(rows, k, across, seed), b(k, cols, seed % 5 < 2, seed + 1);
                    const auto before = tile(g, a, b, rows, cols, 0, add, 1);
                    const auto c = tile(g, a, b, rows, cols, k, add, k);
                    std::vector<float> by_fma = before;
                    std::size_t outside = 0;
                    const double rounding = g.exact ? 0x1p-24 : 0x1p-7;
                    for (std::size_t i = 0; i < rows; ++i)
                        for (std::size_t j = 0; j < cols; ++j) {
                            float& sum = by_fma[i * (cols + 5) + j];
                            double exact = add ? static_cast<double>(sum) : 0, size = std::abs(exact);
                            sum = add ? sum : 0;
                            for (std::size_t p = 0; p < k; ++p) {
                                const float x = *a.view.at(i, p), y = *b.view.at(p, j);
                                sum = std::fma(x, y, sum);
                                exact += static_cast<double>(x) * static_cast<double>(y);
                                size += std::abs(static_cast<double>(x) * static_cast<double>(y));
                            }
                            const double bound = (g.exact ? static_cast<double>(k + 1) : 1.01) * rounding * size;
                            outside += !(std::abs(static_cast<double>(c[i * (cols + 5) + j]) - exact) <= bound);
                        }
                    CHECK(outside == 0);
                    if (g.exact) {
                        CHECK(inputs::same_bits(c, by_fma));
                        CHECK(inputs::same_bits(tile(g, a, b, rows, cols, k, add, 13), by_fma));
                    } else {
                        CHECK(inputs::same_bits(tile(g, a, b, rows, cols, k, add, 14), c));
                    }
                }
}
