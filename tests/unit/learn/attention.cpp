// SPDX-License-Identifier: MIT
// Attention over several blocks of queries, against the textbook formula with all scores kept, in double.
#include "narae/learn/attention.hpp"

#include <vector>

#include "catch.hpp"
#include "models.hpp"
#include "narae/kernel/gemm/select.hpp"
#include "narae/num/random.hpp"

using namespace narae;

namespace {

using matrix = std::vector<double>;  // [T, width]

struct exact_attention {
    matrix mixed, dqkv;
};

/// softmax(Q K^T / sqrt(E)) V and what dmixed says of Q, K and V.
exact_attention exact(const model::shape& s, std::size_t T, const std::vector<std::uint32_t>& first,
                      const std::vector<float>& qkv, const std::vector<float>& dmixed) {
    const auto R = s.qkv_rows(), M = s.H * s.E;
    exact_attention e{matrix(T * M), matrix(T * R)};
    for (std::size_t h = 0; h < s.H; ++h) {
        const auto q = s.q_row(h), k = s.k_row(h / s.share()), v = s.v_row(h / s.share());
        for (std::size_t t = 0; t < T; ++t) {
            std::vector<double> p(T), dp(T);
            double sum = 0, mean = 0;
            for (std::size_t j = first[t]; j <= t; ++j) {
                for (std::size_t i = 0; i < s.E; ++i)
                    p[j] += static_cast<double>(qkv[t * R + q + i]) * static_cast<double>(qkv[j * R + k + i]);
                sum += p[j] = std::exp(p[j] / std::sqrt(static_cast<double>(s.E)));
            }
            for (std::size_t j = first[t]; j <= t; ++j)
                for (std::size_t i = 0; i < s.E; ++i) {
                    const double d = static_cast<double>(dmixed[t * M + h * s.E + i]);
                    e.mixed[t * M + h * s.E + i] += p[j] / sum * static_cast<double>(qkv[j * R + v + i]);
                    e.dqkv[j * R + v + i] += p[j] / sum * d;
                    dp[j] += d * static_cast<double>(qkv[j * R + v + i]);
                }
            for (std::size_t j = first[t]; j <= t; ++j) mean += p[j] / sum * dp[j];
            for (std::size_t j = first[t]; j <= t; ++j) {
                const double ds = p[j] / sum * (dp[j] - mean) / std::sqrt(static_cast<double>(s.E));
                for (std::size_t i = 0; i < s.E; ++i) {
                    e.dqkv[t * R + q + i] += ds * static_cast<double>(qkv[j * R + k + i]);
                    e.dqkv[j * R + k + i] += ds * static_cast<double>(qkv[t * R + q + i]);
                }
            }
        }
    }
    return e;
}

void near(const std::vector<float>& y, const matrix& e) {
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < e.size(); ++i) {
        largest = std::max(largest, std::abs(e[i]));
        worst = std::max(worst, std::abs(static_cast<double>(y[i]) - e[i]));
    }
    CHECK(worst <= 1e-5 * largest);
}

}  // namespace

TEST_CASE("attention and its backward over blocks of queries equal the textbook") {
    const model::shape shapes[] = {model::shape(*store::parse_config(models::config(1, 48, 4, 4, 8, 9, 0.5))),
                                   model::shape(*store::parse_config(models::config(1, 48, 4, 2, 8, 9, 0.5)))};
    for (const auto& s : shapes)
        for (const std::size_t T : {1u, 64u, 65u, 150u})
            for (const std::uint32_t document : {1000u, 70u, 20u}) {
                num::random random{T + document};
                std::vector<float> qkv(T * s.qkv_rows()), dmixed(T * s.H * s.E), mixed(dmixed.size()), dqkv(qkv.size()),
                    log_sum(T * s.H), scratch(learn::attention_scratch(T));
                std::vector<std::uint32_t> first;
                for (auto& x : qkv) x = random.normal();
                for (auto& x : dmixed) x = random.normal();
                for (std::uint32_t t = 0; t < T; ++t) first.push_back(t / document * document);
                const auto e = exact(s, T, first, qkv, dmixed);
                const auto kernels = kernel::runnable_gemm();
                for (const auto& gemm : kernels)
                    for (const auto& ops : kernel::runnable_teach()) {
                        if (!gemm.exact) continue;
                        CAPTURE(s.G, T, document, std::string(gemm.name), std::string(ops.name));
                        auto multiply = kernel::matmul::make(gemm, 1);
                        REQUIRE(multiply);
                        const learn::sequence x{T, first.data(), qkv.data(), mixed.data(), log_sum.data()};
                        for (std::size_t g = 0; g < s.G; ++g) learn::attend(ops, *multiply, 0, s, x, g, scratch.data());
                        near(mixed, e.mixed);
                        std::fill(dqkv.begin(), dqkv.end(), 0.0f);
                        for (std::size_t g = 0; g < s.G; ++g)
                            learn::attend_back(ops, *multiply, 0, s, x, dqkv.data(), dmixed.data(), g, scratch.data());
                        near(dqkv, e.dqkv);
                    }
            }
}
