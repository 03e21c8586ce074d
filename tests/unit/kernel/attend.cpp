// SPDX-License-Identifier: MIT
// attend_q8, attend_f32: plain softmax in double -> scalar within the bound -> every other table equal, bit by bit.
#include <algorithm>

#include "catch.hpp"
#include "inputs.hpp"

namespace {

using narae::kernel::runnable;
using narae::kernel::softmax_state;

/// A query and its cached positions, which come in blocks of the given lengths.
struct problem {
    std::size_t e;
    std::vector<std::size_t> blocks;
    std::size_t positions = 0;
    std::vector<std::int8_t> q, k, v;
    float q_scale = 0;
    std::vector<float> k_scale, v_scale, qf, kf, vf;

    problem(std::size_t width, std::vector<std::size_t> lengths, inputs::random& r, float spread)
        : e(width), blocks(std::move(lengths)) {
        for (const auto n : blocks) positions += n;
        for (std::size_t i = 0; i < e; ++i) q.push_back(static_cast<std::int8_t>(r.between(-127, 127)));
        for (std::size_t i = 0; i < e * positions; ++i) {
            k.push_back(static_cast<std::int8_t>(r.between(-127, 127)));
            v.push_back(static_cast<std::int8_t>(r.between(-127, 127)));
        }
        q_scale = spread * r.real(0.5f, 1) / static_cast<float>(e * 127);
        k_scale = r.reals(positions, 0.001f, 0.02f);
        v_scale = r.reals(positions, 0.001f, 0.02f);
        qf = r.reals(e, -1, 1);
        kf = r.reals(e * positions, -spread, spread);
        vf = r.reals(e * positions, -3, 3);
    }

    /// Runs all blocks; what comes back is o, then the state's two numbers.
    std::vector<float> run_q8(const narae::kernel::table& t) const {
        softmax_state state;
        std::vector<float> o(e);
        std::size_t at = 0;
        for (const auto n : blocks) {
            t.attend_q8(state, o.data(), q.data(), q_scale, &k[at * e], &k_scale[at], &v[at * e], &v_scale[at], n, e);
            at += n;
        }
        return with(std::move(o), state);
    }
    std::vector<float> run_f32(const narae::kernel::table& t) const {
        softmax_state state;
        std::vector<float> o(e);
        std::size_t at = 0;
        for (const auto n : blocks) {
            t.attend_f32(state, o.data(), qf.data(), 0.25f, &kf[at * e], &vf[at * e], n, e);
            at += n;
        }
        return with(std::move(o), state);
    }

    std::vector<oracle::bounded> exact_q8() const {
        std::vector<double> score(positions);
        std::vector<std::vector<double>> value(positions);
        double off = 0;
        for (std::size_t j = 0; j < positions; ++j) {
            for (std::size_t i = 0; i < e; ++i) {
                score[j] += q[i] * k[j * e + i];
                value[j].push_back(static_cast<double>(v_scale[j]) * v[j * e + i]);
            }
            score[j] *= static_cast<double>(q_scale) * static_cast<double>(k_scale[j]);
            off = (std::max)(off, 4 * oracle::u * std::abs(score[j]));  // two products, then a difference
        }
        return oracle::attend(score, value, off, blocks.size());
    }
    std::vector<oracle::bounded> exact_f32() const {
        std::vector<double> score(positions);
        std::vector<std::vector<double>> value(positions);
        double off = 0;
        for (std::size_t j = 0; j < positions; ++j) {
            const std::vector<double> row(kf.begin() + static_cast<std::ptrdiff_t>(j * e),
                                          kf.begin() + static_cast<std::ptrdiff_t>(j * e + e));
            value[j].assign(vf.begin() + static_cast<std::ptrdiff_t>(j * e),
                            vf.begin() + static_cast<std::ptrdiff_t>(j * e + e));
            const auto dot = oracle::dense_row(row.data(), qf.data(), e);
            score[j] = 0.25 * dot.value;
            off = (std::max)(off, 0.25 * dot.bound + 4 * oracle::u * std::abs(score[j]));
        }
        return oracle::attend(score, value, off, blocks.size());
    }

    void check(std::uint64_t seed) const {
        const narae::kernel::table plain;  // scalar
        const auto scalar_q8 = run_q8(plain), scalar_f32 = run_f32(plain);
        const auto q8 = exact_q8(), f32 = exact_f32();
        for (const auto& t : runnable()) {
            const std::string name = t.name;
            CAPTURE(name, e, positions, blocks, seed);
            CHECK(inputs::first_outside(divided(run_q8(t)), q8) == e);
            CHECK(inputs::first_outside(divided(run_f32(t)), f32) == e);
            CHECK(inputs::same_bits(run_q8(t), scalar_q8));
            CHECK(inputs::same_bits(run_f32(t), scalar_f32));
        }
    }

private:
    static std::vector<float> with(std::vector<float> o, const softmax_state& state) {
        o.push_back(state.largest + 0.0f);  // which of the two zeros it is, the contract leaves open
        o.push_back(state.sum);
        return o;
    }
    static std::vector<float> divided(std::vector<float> o) {
        for (std::size_t i = 0; i + 2 < o.size(); ++i) o[i] /= o.back();
        return o;
    }
};

}  // namespace

TEST_CASE("attend over any number of positions and any head width") {
    std::uint64_t seed = 7000;
    for (const std::size_t e : {16u, 32u, 48u, 64u, 128u, 256u})
        for (std::size_t n = 1; n <= 64; n += e > 64 ? 7 : 1) {
            inputs::random r(++seed);
            problem(e, {n}, r, 100).check(seed);
        }
}

TEST_CASE("attend block after block") {
    std::uint64_t seed = 8000;
    for (const float spread : {0.0f, 1.0f, 1000.0f, 1e6f})  // from all weights equal to one position taking all
        for (const std::vector<std::size_t>& blocks :
             {std::vector<std::size_t>{64, 64, 64}, {1, 64, 3}, {5, 17, 64, 64, 2}, {64, 1}}) {
            inputs::random r(++seed);
            problem(80, blocks, r, spread).check(seed);
        }
}

TEST_CASE("attend at the ends of 8 bits") {
    for (const int a : {-127, 127})
        for (const int b : {-127, 127}) {
            inputs::random r(9000);
            problem p(256, {64, 9}, r, 1);
            std::fill(p.q.begin(), p.q.end(), static_cast<std::int8_t>(a));
            std::fill(p.k.begin(), p.k.end(), static_cast<std::int8_t>(b));
            std::fill(p.v.begin(), p.v.end(), static_cast<std::int8_t>(a));
            p.check(9000);
        }
}

TEST_CASE("attend where exp ends") {
    const std::size_t e = 16, n = 7;
    const float score[n] = {0.0f, -87.0f, -87.00001f, -86.99999f, -200.0f, -1e30f, -43.5f};
    std::vector<float> q(e), k(n * e), v(n * e);
    q[0] = 1;
    for (std::size_t j = 0; j < n; ++j) {
        k[j * e] = score[j];
        v[j * e + j] = 1;  // so that o shows each weight
    }
    for (const auto& t : runnable()) {
        const std::string name = t.name;
        CAPTURE(name);
        softmax_state state;
        std::vector<float> o(e);
        t.attend_f32(state, o.data(), q.data(), 1, k.data(), v.data(), n, e);
        for (std::size_t j = 0; j < n; ++j) CHECK(o[j] == narae::num::exp(score[j]));
        CHECK(o[1] > 0);
        CHECK(o[2] == 0);
    }
}
