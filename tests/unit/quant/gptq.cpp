// SPDX-License-Identifier: MIT
// Against the method as its papers write it, in double, column by column, with the inverse of H in full.
#include "narae/quant/gptq.hpp"

#include "catch.hpp"
#include "narae/num/random.hpp"

using namespace narae;
using quant::importance;
using quant::mask;

namespace {

constexpr std::size_t N = 20;

/// A matrix and T inputs whose elements hang together, as those of a model do.
struct problem {
    std::size_t K, T;
    std::vector<float> w, x;

    problem(std::size_t k, std::size_t t, std::uint64_t seed) : K(k), T(t), w(N * k), x(t * k) {
        num::random random{seed};
        for (auto& v : w) v = 0.1f * random.normal();
        for (std::size_t i = 0; i < T; ++i) {
            const float shared = random.normal();
            for (std::size_t j = 0; j < K; ++j)
                x[i * K + j] = 0.8f * shared + random.normal() * (j % 7 == 0 ? 3.0f : 1.0f);
        }
    }

    /// |X (w - v)|^2 / |X w|^2
    double loss(const std::vector<float>& v) const {
        double lost = 0, all = 0;
        for (std::size_t t = 0; t < T; ++t)
            for (std::size_t r = 0; r < N; ++r) {
                double a = 0, b = 0;
                for (std::size_t j = 0; j < K; ++j) {
                    const auto in = static_cast<double>(x[t * K + j]);
                    a += in * static_cast<double>(w[r * K + j]);
                    b += in * static_cast<double>(v[r * K + j]);
                }
                lost += (a - b) * (a - b), all += a * a;
            }
        return lost / all;
    }

    /// (H + 1 % of its mean diagonal)^-1, by Gauss and Jordan.
    std::vector<double> inverse() const {
        std::vector<double> h(K * K), out(K * K);
        double trace = 0;
        for (std::size_t i = 0; i < K; ++i)
            for (std::size_t j = 0; j < K; ++j)
                for (std::size_t t = 0; t < T; ++t)
                    h[i * K + j] += static_cast<double>(x[t * K + i]) * static_cast<double>(x[t * K + j]);
        for (std::size_t i = 0; i < K; ++i) trace += h[i * K + i];
        for (std::size_t i = 0; i < K; ++i) {
            h[i * K + i] += 0.01 * trace / static_cast<double>(K);
            out[i * K + i] = 1;
        }
        for (std::size_t p = 0; p < K; ++p) {  // positive definite: no pivot is zero
            const double by = h[p * K + p];
            for (std::size_t j = 0; j < K; ++j) h[p * K + j] /= by, out[p * K + j] /= by;
            for (std::size_t i = 0; i < K; ++i) {
                const double f = h[i * K + p];
                if (i == p) continue;
                for (std::size_t j = 0; j < K; ++j)
                    h[i * K + j] -= f * h[p * K + j], out[i * K + j] -= f * out[p * K + j];
            }
        }
        return out;
    }
};

struct outcome {
    std::vector<float> w;
    std::vector<std::uint16_t> scales;
    quant::slim_report report;
};

outcome slim(const problem& p, const quant::slim_options& o, bool q4, std::size_t threads = 2) {
    auto team = sys::team::make(threads);
    REQUIRE(team);
    auto multiply = kernel::matmul::make(kernel::runnable_gemm().best(), (*team)->size());
    REQUIRE(multiply);
    auto h = quant::hessian::make(p.K);
    REQUIRE(h);
    h->add(**team, *multiply, p.x.data(), p.T / 3);  // in two goes
    h->add(**team, *multiply, p.x.data() + p.T / 3 * p.K, p.T - p.T / 3);
    REQUIRE(h->factor(**team, *multiply));
    outcome out{p.w, {}, {}};
    const auto report = quant::slim(**team, *multiply, *h, out.w, N, o, q4 ? &out.scales : nullptr);
    REQUIRE(report);
    out.report = *report;
    return out;
}

/// Optimal brain surgery: column by column the error goes to all that come later, and the column leaves H^-1.
std::vector<double> reference(const problem& p, const outcome& made, bool q4) {
    const auto K = p.K;
    auto inverse = p.inverse();
    std::vector<double> w(p.w.begin(), p.w.end()), out(w.size());
    for (std::size_t c = 0; c < K; ++c) {
        const double pivot = inverse[c * K + c];
        for (std::size_t r = 0; r < N; ++r) {
            double to = w[r * K + c];
            if (q4) {
                const num::q4_scale by(made.scales[r * num::groups_of(K) + c / num::group_len]);
                to = static_cast<double>(by.scale) * (by.code(static_cast<float>(to)) - 8);
            } else if (!(made.w[r * K + c] < 0 || made.w[r * K + c] > 0)) {
                to = 0;
            }
            out[r * K + c] = to;
            const double error = (w[r * K + c] - to) / pivot;
            for (auto j = c; j < K; ++j) w[r * K + j] -= error * inverse[c * K + j];
        }
        for (std::size_t i = 0; i < K; ++i) {
            const double f = inverse[i * K + c] / pivot;
            if (i != c)
                for (std::size_t j = 0; j < K; ++j) inverse[i * K + j] -= f * inverse[c * K + j];
        }
    }
    return out;
}

std::vector<float> plain(const problem& p) {
    std::vector<float> out(p.w.size());
    for (std::size_t r = 0; r < N; ++r) num::round_to_q4(out.data() + r * p.K, p.w.data() + r * p.K, p.K);
    return out;
}

}  // namespace

TEST_CASE("gptq: the codes of the method written out in double") {
    for (const std::size_t K : {1u, 7u, 64u, 100u, 192u}) {
        CAPTURE(K);
        const problem p(K, 3 * K + 5, K);
        const auto made = slim(p, {}, true);
        const auto expected = reference(p, made, true);
        std::size_t off = 0;  // a weight just between two codes may go to either, and takes its row with it
        for (std::size_t i = 0; i < expected.size(); ++i)
            off += !(std::abs(expected[i] - static_cast<double>(made.w[i])) < 1e-6);
        CHECK(off <= expected.size() / 50);
        CHECK(made.report.output_error == Approx(p.loss(made.w)).epsilon(1e-2).margin(1e-9));
        CHECK(made.report.output_error <= 1.001 * p.loss(plain(p)));
        if (K >= 64) CHECK(made.report.output_error < 0.7 * p.loss(plain(p)));
    }
}

TEST_CASE("gptq: packing by the scales that were chosen changes nothing") {
    const std::size_t K = 100;
    const problem p(K, 300, 4);
    const auto made = slim(p, {}, true);
    std::vector<std::byte> tiles(2 * num::q4_layout::tile_bytes(K));
    std::vector<float> back(K);
    std::size_t wrong = 0;
    for (std::size_t r = 0; r < N; ++r) {
        auto* const tile = tiles.data() + r / 16 * num::q4_layout::tile_bytes(K);
        if (r % 16 == 0)
            num::pack_tile_q4(tile, made.w.data() + r * K, (std::min<std::size_t>)(16, N - r), K,
                              made.scales.data() + r * num::groups_of(K));
        num::unpack_row<num::q4_layout>(back.data(), tile, r % 16, K);
        for (std::size_t i = 0; i < K; ++i) wrong += back[i] < made.w[r * K + i] || back[i] > made.w[r * K + i];
    }
    CHECK(wrong == 0);
}

TEST_CASE("gptq: masks are exact, and the weights left make up for what is gone") {
    const std::size_t K = 200;
    const problem p(K, 700, 9);
    const auto zero = [](float x) { return !(x < 0 || x > 0); };
    for (const bool q4 : {false, true})
        for (const auto zeros : {mask::two_of_four, mask::four_of_eight, mask::share}) {
            CAPTURE(q4, static_cast<int>(zeros));
            const quant::slim_options size{zeros, 0.3, importance::size};
            const quant::slim_options inputs{zeros, 0.3, importance::inputs}, loss{zeros, 0.3};
            const auto made = slim(p, loss, q4), wanda = slim(p, inputs, q4), magnitude = slim(p, size, q4);
            CHECK(made.report.output_error < wanda.report.output_error);
            CHECK(wanda.report.output_error < magnitude.report.output_error);
            CHECK(wanda.report.output_error == Approx(p.loss(wanda.w)).epsilon(1e-3));
            CHECK(made.report.zeros == static_cast<std::uint64_t>(std::count_if(made.w.begin(), made.w.end(), zero)));
            const std::size_t of = zeros == mask::two_of_four ? 4 : zeros == mask::four_of_eight ? 8 : N * K;
            const auto least = static_cast<std::ptrdiff_t>(zeros == mask::share ? 1200 : of / 2);
            for (const auto& one : {made, wanda, magnitude})
                for (std::size_t i = 0; i < N * K; i += of) {
                    const auto from = one.w.begin() + static_cast<std::ptrdiff_t>(i);
                    const auto n = std::count_if(from, from + static_cast<std::ptrdiff_t>(of), zero);
                    if (n < least || (!q4 && n != least)) CHECK(n == least);
                }
            if (q4) continue;
            const auto expected = reference(p, made, false);
            double off = 0;
            for (std::size_t i = 0; i < expected.size(); ++i)
                off = (std::max)(off, std::abs(expected[i] - static_cast<double>(made.w[i])));
            CHECK(off < 1e-4);
        }
}

TEST_CASE("gptq: any number of threads, dead inputs, inputs that are no numbers") {
    const problem p(130, 90, 5);
    for (const auto zeros : {mask::none, mask::share, mask::two_of_four}) {
        const auto one = slim(p, {zeros}, true, 1), three = slim(p, {zeros}, true, 3);
        CHECK(one.w == three.w);
        CHECK(one.scales == three.scales);
        CHECK(one.report.output_error <= three.report.output_error);
        CHECK(one.report.output_error >= three.report.output_error);
    }
    auto dead = p;
    std::fill(dead.x.begin(), dead.x.end(), 0.0f);
    const auto made = slim(dead, {}, true);
    CHECK(made.report.output_error <= 0);
    for (std::size_t i = 0; i < p.w.size(); ++i) CHECK(std::abs(made.w[i] - p.w[i]) < 0.05f);

    auto team = sys::team::make(1);
    REQUIRE(team);
    auto multiply = kernel::matmul::make(kernel::runnable_gemm().best(), (*team)->size());
    REQUIRE(multiply);
    auto h = quant::hessian::make(4);
    REQUIRE(h);
    const float x[4] = {1, 3e38f, 2, 1};
    h->add(**team, *multiply, x, 1);
    const auto refused = h->factor(**team, *multiply);
    REQUIRE(!refused);
    CHECK(refused.error().what == "its inputs are not finite");
}
