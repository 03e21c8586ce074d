// SPDX-License-Identifier: MIT
// layer_norm, bias_gelu, quantize_q8: double oracle -> scalar within the bound -> every other table equal, bit by bit.
#include <limits>

#include "catch.hpp"
#include "inputs.hpp"

namespace {

using narae::kernel::runnable;

void check_layer_norm(const std::vector<float>& x, std::uint64_t seed) {
    const std::size_t d = x.size();
    inputs::random r(seed);
    const auto gain = r.reals(d, -2, 2), bias = r.reals(d, -1, 1);
    const auto exact = oracle::layer_norm(x, gain, bias, static_cast<double>(1e-5f));
    std::vector<float> scalar(d);
    runnable().begin()->layer_norm(scalar.data(), x.data(), gain.data(), bias.data(), d, 1e-5f);
    for (const auto& t : runnable()) {
        const std::string name = t.name;
        CAPTURE(name, d, seed);
        std::vector<float> y(d);
        t.layer_norm(y.data(), x.data(), gain.data(), bias.data(), d, 1e-5f);
        CHECK(inputs::first_outside(y, exact) == d);
        CHECK(inputs::same_bits(y, scalar));
        y = x;  // in place
        t.layer_norm(y.data(), y.data(), gain.data(), bias.data(), d, 1e-5f);
        CHECK(inputs::same_bits(y, scalar));
    }
}

}  // namespace

TEST_CASE("layer_norm") {
    std::uint64_t seed = 3000;
    for (const std::size_t d : {1u, 2u, 7u, 15u, 16u, 17u, 31u, 32u, 33u, 48u, 100u, 768u, 1024u, 2048u, 4096u}) {
        inputs::random r(++seed);
        check_layer_norm(r.reals(d, -3, 3), seed);
        check_layer_norm(r.reals(d, 90, 110), seed);  // a mean far from zero
        check_layer_norm(r.reals(d, -1e-6f, 1e-6f), seed);
        check_layer_norm(r.reals(d, -1e6f, 1e6f), seed);
        check_layer_norm(std::vector<float>(d, 0.0f), seed);
        check_layer_norm(std::vector<float>(d, -5.25f), seed);  // no variance at all
    }
}

TEST_CASE("bias_gelu") {
    for (std::size_t n = 0; n < 70; ++n) {
        inputs::random r(4000 + n);
        const auto x = r.reals(n, -12, 12), bias = r.reals(n, -1, 1);
        std::vector<oracle::bounded> exact;
        for (std::size_t i = 0; i < n; ++i) exact.push_back(oracle::gelu(static_cast<double>(x[i] + bias[i])));
        auto scalar = x;
        runnable().begin()->bias_gelu(scalar.data(), bias.data(), n);
        for (const auto& t : runnable()) {
            const std::string name = t.name;
            CAPTURE(name, n);
            auto y = x;
            t.bias_gelu(y.data(), bias.data(), n);
            CHECK(inputs::first_outside(y, exact) == n);
            CHECK(inputs::same_bits(y, scalar));
        }
    }
}

TEST_CASE("bias_gelu over its whole range, and far outside") {
    std::vector<float> x = {0.0f, -0.0f, 1e-45f, -1e-45f, 1e-38f, -1e-38f, 9.0f, -9.0f, 1e10f, -1e10f, 3e38f, -3e38f};
    for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) / 2000);
    const std::vector<float> bias(x.size());
    std::vector<oracle::bounded> exact;
    for (const float v : x) {
        exact.push_back(oracle::gelu(static_cast<double>(v)));
        exact.back().bound += 0x1p-149;  // halves of the smallest numbers
    }
    auto scalar = x;
    runnable().begin()->bias_gelu(scalar.data(), bias.data(), x.size());
    for (const auto& t : runnable()) {
        const std::string name = t.name;
        CAPTURE(name);
        auto y = x;
        t.bias_gelu(y.data(), bias.data(), x.size());
        CHECK(inputs::first_outside(y, exact) == x.size());
        CHECK(inputs::same_bits(y, scalar));
    }
}

namespace {

/// All tables agree; the scalar one is returned.
inputs::row_memory quantized(const std::vector<float>& x, std::uint64_t seed) {
    inputs::row_memory scalar(x.size());
    runnable().begin()->quantize_q8(scalar.view(), x.data(), x.size(), 64);
    for (const auto& t : runnable()) {
        const std::string name = t.name;
        CAPTURE(name, x.size(), seed);
        inputs::row_memory out(x.size());
        for (auto& q : out.q) q = 99;
        t.quantize_q8(out.view(), x.data(), x.size(), 64);
        CHECK(out.q == scalar.q);
        CHECK(out.sum == scalar.sum);
        CHECK(inputs::same_bits(out.scale, scalar.scale));
    }
    return scalar;
}

}  // namespace

TEST_CASE("quantize_q8") {
    std::uint64_t seed = 5000;
    for (const std::size_t k : {1u, 4u, 31u, 32u, 63u, 64u, 65u, 96u, 128u, 200u, 1024u}) {
        inputs::random r(++seed);
        const float size = r.real(0.01f, 100);
        const auto x = r.reals(k, -size, size);
        auto row = quantized(x, seed);
        CAPTURE(k, seed);
        auto sums = row;
        sums.take_sums();
        CHECK(sums.sum == row.sum);
        for (std::size_t g = 0; g < row.scale.size(); ++g) {
            double largest = 0;
            bool near = true, reached = false;
            for (std::size_t i = g * 64; i < g * 64 + 64; ++i) {
                const double value = i < k ? static_cast<double>(x[i]) : 0, scale = static_cast<double>(row.scale[g]);
                largest = std::abs(value) > largest ? std::abs(value) : largest;
                near = near && std::abs(row.q[i] * scale - value) <= scale * (0.5 + 127 * 3 * oracle::u);
                reached = reached || std::abs(row.q[i]) == 127;
                if (i >= k) near = near && row.q[i] == 0;
            }
            CHECK(near);
            CHECK(reached);
            CHECK(std::abs(static_cast<double>(row.scale[g]) - largest / 127) <= oracle::u * largest / 127);
        }
    }
}

TEST_CASE("quantize_q8 of what has no good answer is the same on every table") {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const float odd : {inf, -inf, nan, 3e38f, 1e-45f, 1e-39f, 1e-37f, 0.0f, -0.0f})
        for (const std::size_t k : {64u, 100u})
            for (const std::size_t at : {0u, 5u, 31u, 63u}) {
                inputs::random r(6000 + at);
                auto x = r.reals(k, -1, 1);
                x[at] = odd;
                quantized(x, at);
                for (auto& v : x) v = 0;
                x[at] = odd;
                const auto row = quantized(x, at);
                if (odd == 0) CHECK((row.scale[0] == 0 && row.sum[0] == 0));
            }
    std::vector<float> halves(64);  // x.5 rounds to even
    for (std::size_t i = 0; i < 63; ++i) halves[i] = static_cast<float>(i) - 30.5f;
    halves[63] = 127;
    const auto row = quantized(halves, 0);
    CHECK((row.q[30] == 0 && row.q[31] == 0 && row.q[32] == 2 && row.q[33] == 2 && row.q[29] == -2));
}
