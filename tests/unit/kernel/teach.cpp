// SPDX-License-Identifier: MIT
// What training does to a row: each operation against doubles, over every table and awkward sizes.
#include "narae/kernel/teach/table.hpp"

#include "catch.hpp"
#include "inputs.hpp"

namespace {

using narae::kernel::runnable_teach;

const std::size_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 256, 1001};

/// y within a share of the largest exact value or, where all are small, of one.
void near(const std::vector<float>& y, const std::vector<double>& exact, double share) {
    double largest = 1;
    for (const auto e : exact) largest = std::max(largest, std::abs(e));
    for (std::size_t i = 0; i < exact.size(); ++i)
        if (!(std::abs(static_cast<double>(y[i]) - exact[i]) <= share * largest)) {
            CAPTURE(i, y[i], exact[i]);
            FAIL_CHECK("outside");
            return;
        }
    SUCCEED();
}

double wide(float x) { return static_cast<double>(x); }

}  // namespace

TEST_CASE("teach: add and dot") {
    for (const auto& t : runnable_teach())
        for (const auto n : sizes) {
            inputs::random r(n);
            const auto x = r.reals(n, -2, 2);
            auto y = r.reals(n, -2, 2);
            const std::string name = t.name;
            CAPTURE(name, n);
            double exact = 0, size = 0;
            for (std::size_t i = 0; i < n; ++i)
                exact += wide(x[i]) * wide(y[i]), size += std::abs(wide(x[i]) * wide(y[i]));
            CHECK(std::abs(wide(t.dot(x.data(), y.data(), n)) - exact) <= 1e-6 * size);
            const auto before = y;
            t.add(y.data(), x.data(), n);
            for (std::size_t i = 0; i < n; ++i) CHECK(y[i] == before[i] + x[i]);
        }
}

TEST_CASE("teach: the backward of gelu is its derivative") {
    for (const auto& t : runnable_teach())
        for (const auto n : sizes) {
            inputs::random r(n + 100);
            const auto x = r.reals(n, -11, 11), bias = r.reals(n, -1, 1);
            auto dy = r.reals(n, -2, 2);
            const std::string name = t.name;
            CAPTURE(name, n);
            std::vector<double> exact;
            for (std::size_t i = 0; i < n; ++i) {
                const double v = wide(x[i] + bias[i]);
                exact.push_back(wide(dy[i]) * (0.5 * std::erfc(-v / std::sqrt(2.0)) +
                                               v * std::exp(-v * v / 2) / std::sqrt(2 * 3.14159265358979323846)));
            }
            t.gelu_back(dy.data(), x.data(), bias.data(), n);
            near(dy, exact, 1e-6);
        }
}

TEST_CASE("teach: the backward of layer_norm") {
    for (const auto& t : runnable_teach())
        for (const auto n : sizes) {
            if (n == 1) continue;
            inputs::random r(n + 200);
            const auto x = r.reals(n, 1, 4), dy = r.reals(n, -2, 2), gain = r.reals(n, 0.5f, 2);
            auto dx = r.reals(n, -1, 1), dgain = r.reals(n, -1, 1), dbias = r.reals(n, -1, 1);
            const auto size = static_cast<double>(n);
            double mean = 0, var = 0, g_mean = 0, gn_mean = 0;
            for (const auto v : x) mean += wide(v) / size;
            for (const auto v : x) var += (wide(v) - mean) * (wide(v) - mean) / size;
            const double inverse = 1 / std::sqrt(var + 1e-5);
            for (std::size_t i = 0; i < n; ++i) {
                const double g = wide(dy[i]) * wide(gain[i]);
                g_mean += g / size;
                gn_mean += g * (wide(x[i]) - mean) * inverse / size;
            }
            std::vector<double> exact, exact_gain, exact_bias;
            for (std::size_t i = 0; i < n; ++i) {
                const double normed = (wide(x[i]) - mean) * inverse;
                exact.push_back(wide(dx[i]) + inverse * (wide(dy[i]) * wide(gain[i]) - g_mean - normed * gn_mean));
                exact_gain.push_back(wide(dgain[i]) + wide(dy[i]) * normed);
                exact_bias.push_back(wide(dbias[i]) + wide(dy[i]));
            }
            const std::string name = t.name;
            CAPTURE(name, n);
            const auto stats = t.norm_back(dx.data(), dy.data(), x.data(), gain.data(), n, 1e-5f);
            near(dx, exact, 2e-5);
            CHECK(wide(stats.mean) == Approx(mean).epsilon(1e-6));
            CHECK(wide(stats.inverse) == Approx(inverse).epsilon(1e-5));
            t.norm_vectors_back(dgain.data(), dbias.data(), dy.data(), x.data(), stats, n);
            near(dgain, exact_gain, 2e-5);
            near(dbias, exact_bias, 1e-6);
        }
}

TEST_CASE("teach: softmax and its backward") {
    for (const auto& t : runnable_teach())
        for (const auto n : sizes)
            for (const float scale : {0.25f, 1.0f}) {
                inputs::random r(n + 300);
                auto x = r.reals(n, -30, 30);
                auto dp = r.reals(n, -2, 2);
                double largest = -1e9, sum = 0, mean = 0;
                for (const auto v : x) largest = std::max(largest, wide(scale * v));
                for (const auto v : x) sum += std::exp(wide(scale) * wide(v) - largest);
                std::vector<double> exact, exact_back;
                for (const auto v : x) exact.push_back(std::exp(wide(scale) * wide(v) - largest) / sum);
                for (std::size_t i = 0; i < n; ++i) mean += exact[i] * wide(dp[i]);
                for (std::size_t i = 0; i < n; ++i) exact_back.push_back(wide(scale) * exact[i] * (wide(dp[i]) - mean));
                const std::string name = t.name;
                CAPTURE(name, n, scale);
                const auto found = t.exp_sum(x.data(), n, scale);
                CHECK(wide(found.largest) == Approx(largest));
                CHECK(wide(found.sum) == Approx(sum).epsilon(1e-5));
                t.softmax(x.data(), n, scale, found.largest + std::log(found.sum));
                near(x, exact, 1e-5);
                t.softmax_back(dp.data(), x.data(), n, scale, static_cast<float>(mean));
                near(dp, exact_back, 2e-5);
            }
}

TEST_CASE("teach: three steps of AdamW as the paper has them") {
    const double rate = 0.01, b1 = 0.9, b2 = 0.95, eps = 1e-8, decay = 0.1, scale = 0.5;
    for (const auto& t : runnable_teach())
        for (const auto n : sizes) {
            inputs::random r(n + 400);
            auto w = r.reals(n, -1, 1);
            std::vector<float> m(n), v(n);
            std::vector<double> ew(w.begin(), w.end()), em(n), ev(n);
            const std::string name = t.name;
            CAPTURE(name, n);
            for (int step = 1; step <= 3; ++step) {
                auto g = r.reals(n, -3, 3);
                const double u1 = 1 / (1 - std::pow(b1, step)), u2 = 1 / (1 - std::pow(b2, step));
                for (std::size_t i = 0; i < n; ++i) {
                    const double d = wide(g[i]) * scale;
                    em[i] = b1 * em[i] + (1 - b1) * d;
                    ev[i] = b2 * ev[i] + (1 - b2) * d * d;
                    ew[i] -= rate * decay * ew[i] + rate * em[i] * u1 / (std::sqrt(ev[i] * u2) + eps);
                }
                t.adamw(
                    w.data(), m.data(), v.data(), g.data(), n,
                    {0.01f, 0.9f, 0.95f, 1e-8f, 0.01f * 0.1f, static_cast<float>(u1), static_cast<float>(u2), 0.5f});
                CHECK(g == std::vector<float>(n));
            }
            near(w, ew, 1e-6);
            near(m, em, 1e-6);
            near(v, ev, 1e-6);
        }
}
