// SPDX-License-Identifier: MIT
// attend_q8, attend_f32: plain softmax in double -> scalar within the bound -> every other table equal, bit by bit, for
// any number of queries that share a block.
#include <algorithm>

#include "catch.hpp"
#include "inputs.hpp"

namespace {

using narae::kernel::attend_block;
using narae::kernel::key_at;
using narae::kernel::query_state;
using narae::kernel::runnable;

/// The slots of one block that a query sees.
struct seen {
    std::size_t begin, end;
};

/// Some queries and a few blocks of the cache; sight[query][block].
struct problem {
    std::size_t e, count;
    std::vector<std::vector<seen>> sight;
    std::size_t blocks;
    std::vector<std::int8_t> q, k, v;  // k and v: [blocks * 64, e]
    std::vector<float> q_scale, k_scale, v_scale, qf, kf, vf;

    problem(std::size_t width, std::vector<std::vector<seen>> each, inputs::random& r, float spread)
        : e(width), count(each.size()), sight(std::move(each)), blocks(sight[0].size()) {
        const auto slots = blocks * attend_block;
        for (std::size_t i = 0; i < e * count; ++i) q.push_back(static_cast<std::int8_t>(r.between(-127, 127)));
        for (std::size_t i = 0; i < e * slots; ++i) {
            k.push_back(static_cast<std::int8_t>(r.between(-127, 127)));
            v.push_back(static_cast<std::int8_t>(r.between(-127, 127)));
        }
        q_scale = r.reals(count, 0.5f, 1);
        for (auto& s : q_scale) s *= spread / static_cast<float>(e * 127);
        k_scale = r.reals(slots, 0.001f, 0.02f);
        v_scale = r.reals(slots, 0.001f, 0.02f);
        qf = r.reals(e * count, -1, 1);
        kf = r.reals(e * slots, -spread, spread);
        vf = r.reals(e * slots, -3, 3);
    }

    /// Keys of one block in tiles.
    template <class Number> std::vector<Number> tiles(const std::vector<Number>& keys, std::size_t block) const {
        std::vector<Number> out(attend_block * e);
        for (std::size_t j = 0; j < attend_block; ++j)
            for (std::size_t i = 0; i < e; ++i) out[key_at<Number>(j, i, e)] = keys[(block * attend_block + j) * e + i];
        return out;
    }

    /// Runs all blocks with `together` queries at a time; for each query o, then the state's two numbers.
    template <class Number> std::vector<float> run(narae::kernel::attend_op<Number>* op, std::size_t together) const {
        constexpr bool bytes = sizeof(Number) == 1;
        const Number *queries, *keys, *values;
        if constexpr (bytes)
            queries = q.data(), keys = k.data(), values = v.data();
        else
            queries = qf.data(), keys = kf.data(), values = vf.data();
        std::vector<float> out;
        for (std::size_t first = 0; first < count; first += together) {
            const auto n = (std::min)(together, count - first);
            std::vector<query_state> state(n);
            std::vector<float> mean(n * e);
            for (std::size_t b = 0; b < blocks; ++b) {
                std::size_t last = 0;
                for (std::size_t t = 0; t < n; ++t) {
                    state[t].scale = bytes ? q_scale[first + t] : 0.25f;
                    state[t].sum_q = 0;
                    for (std::size_t i = 0; i < e; ++i) state[t].sum_q += q[(first + t) * e + i];
                    state[t].begin = sight[first + t][b].begin;
                    state[t].end = sight[first + t][b].end;
                    last = (std::max)(last, state[t].end);
                }
                const std::vector<Number> all(keys, keys + blocks * attend_block * e);
                const auto tiled = tiles(all, b);
                const auto at = b * attend_block;
                op({n, queries + first * e, mean.data(), state.data()},
                   {tiled.data(), bytes ? &k_scale[at] : nullptr, values + at * e, bytes ? &v_scale[at] : nullptr},
                   last, e);
            }
            for (std::size_t t = 0; t < n; ++t) {
                out.insert(out.end(), mean.begin() + static_cast<std::ptrdiff_t>(t * e),
                           mean.begin() + static_cast<std::ptrdiff_t>((t + 1) * e));
                out.push_back(state[t].largest + 0.0f);  // which of the two zeros it is, the contract leaves open
                out.push_back(state[t].sum);
            }
        }
        return out;
    }

    std::vector<oracle::bounded> exact(std::size_t t, bool bytes) const {
        std::vector<double> score;
        std::vector<std::vector<double>> value;
        double off = 0;
        for (std::size_t b = 0; b < blocks; ++b)
            for (auto j = b * attend_block + sight[t][b].begin; j < b * attend_block + sight[t][b].end; ++j) {
                double dot = 0, size = 0;
                value.emplace_back();
                for (std::size_t i = 0; i < e; ++i) {
                    const double x = bytes ? q[t * e + i] : double{qf[t * e + i]},
                                 y = bytes ? k[j * e + i] : double{kf[j * e + i]};
                    dot += x * y;
                    size += std::abs(x * y);
                    value.back().push_back(bytes ? double{v_scale[j]} * v[j * e + i] : double{vf[j * e + i]});
                }
                score.push_back(dot * (bytes ? double{q_scale[t]} * double{k_scale[j]} : 0.25));
                // 8 bits: two products, then a difference; floats: a sum of e, a product, a difference
                off = (std::max)(off, 4 * oracle::u * std::abs(score.back()));
                if (!bytes) off = (std::max)(off, (static_cast<double>(e) + 2) * oracle::u * 0.25 * size);
            }
        return oracle::attend(score, value, off, blocks);
    }

    void check(std::uint64_t seed) const {
        const narae::kernel::table plain;  // scalar
        const auto scalar_q8 = run(plain.attend_q8, 1), scalar_f32 = run(plain.attend_f32, 1);
        for (std::size_t t = 0; t < count; ++t) {
            CAPTURE(t, e, seed);
            CHECK(inputs::first_outside(of(scalar_q8, t), exact(t, true)) == e);
            CHECK(inputs::first_outside(of(scalar_f32, t), exact(t, false)) == e);
        }
        for (const auto& table : runnable())
            for (const auto together : {std::size_t{1}, count}) {
                const std::string name = table.name;
                CAPTURE(name, e, together, seed);
                CHECK(inputs::same_bits(run(table.attend_q8, together), scalar_q8));
                CHECK(inputs::same_bits(run(table.attend_f32, together), scalar_f32));
            }
    }

private:
    std::vector<float> of(const std::vector<float>& all, std::size_t t) const {
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(t * (e + 2));
        std::vector<float> o(from, from + static_cast<std::ptrdiff_t>(e));
        for (auto& x : o) x /= from[static_cast<std::ptrdiff_t>(e + 1)];
        return o;
    }
};

}  // namespace

TEST_CASE("attend over any part of a block and any head width") {
    std::uint64_t seed = 7000;
    for (const std::size_t e : {16u, 32u, 48u, 64u, 128u, 256u})
        for (std::size_t n = 1; n <= 64; n += e > 64 ? 7 : 1) {
            inputs::random r(++seed);
            const auto begin = static_cast<std::size_t>(r.between(0, static_cast<int>(n) - 1));
            problem(e, {{{0, n}}, {{begin, n}}}, r, 100).check(seed);
        }
}

TEST_CASE("attend block after block, many queries of different sight") {
    std::uint64_t seed = 8000;
    for (const float spread : {0.0f, 1.0f, 1000.0f, 1e6f})  // from all weights equal to one position taking all
        for (std::size_t count = 1; count <= 8; ++count) {
            inputs::random r(++seed);
            std::vector<std::vector<seen>> sight;
            for (std::size_t t = 0; t < count; ++t)  // neighbouring tokens behind a window that slides
                sight.push_back({{5 + t, 64}, {0, 64}, {0, 17 + t}});
            problem(80, sight, r, spread).check(seed);
        }
}

TEST_CASE("attend at the ends of 8 bits") {
    for (const int a : {-127, 127})
        for (const int b : {-127, 127}) {
            inputs::random r(9000);
            problem p(256, {{{0, 64}, {0, 9}}, {{0, 64}, {0, 10}}}, r, 1);
            std::fill(p.q.begin(), p.q.end(), static_cast<std::int8_t>(a));
            std::fill(p.k.begin(), p.k.end(), static_cast<std::int8_t>(b));
            std::fill(p.v.begin(), p.v.end(), static_cast<std::int8_t>(a));
            p.check(9000);
        }
}

TEST_CASE("attend where exp ends") {
    const std::size_t e = 16, n = 7;
    const float score[n] = {0.0f, -87.0f, -87.00001f, -86.99999f, -200.0f, -1e30f, -43.5f};
    std::vector<float> q(e), k(attend_block * e), v(attend_block * e);
    q[0] = 1;
    for (std::size_t j = 0; j < n; ++j) {
        k[key_at<float>(j, 0, e)] = score[j];
        v[j * e + j] = 1;  // so that o shows each weight
    }
    for (const auto& t : runnable()) {
        const std::string name = t.name;
        CAPTURE(name);
        query_state state{1, 0, 0, n};
        std::vector<float> o(e);
        t.attend_f32({1, q.data(), o.data(), &state}, {k.data(), nullptr, v.data(), nullptr}, n, e);
        for (std::size_t j = 0; j < n; ++j) CHECK(o[j] == narae::num::exp(score[j]));
        CHECK(o[1] > 0);
        CHECK(o[2] == 0);
    }
}
