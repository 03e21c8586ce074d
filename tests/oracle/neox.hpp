// SPDX-License-Identifier: MIT
// GPT-NeoX once more, as plainly as possible: double precision, every score kept, no cache. An oracle for tests.
// The window is defined here by its meaning: a query sees the sinks and the latest positions, numbered as if the
// positions that slid out between had never been.
#ifndef NARAE_TESTS_ORACLE_NEOX_HPP
#define NARAE_TESTS_ORACLE_NEOX_HPP

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "narae/model/weights.hpp"

namespace oracle {

using row = std::vector<double>;

class neox {
public:
    neox(const narae::store::checkpoint& from, const narae::model::shape& s) : from_(from), s_(s) {}

    /// Logits [T][V] of a sequence, attention limited to `window` positions of which `sinks` are the first.
    std::vector<row> logits(const std::vector<std::uint32_t>& ids, std::size_t window, std::size_t sinks) const {
        std::vector<row> x;
        for (const auto id : ids) {
            x.emplace_back(s_.D);
            for (std::size_t i = 0; i < s_.D; ++i) x.back()[i] = at("gpt_neox.embed_in.weight", id * s_.D + i);
        }
        for (std::size_t l = 0; l < s_.L; ++l) {
            const auto name = "gpt_neox.layers." + std::to_string(l) + ".";
            auto mixed = attention(name, norm(name + "input_layernorm", x), window, sinks);
            if (!s_.parallel_residual) add(x, mixed);
            auto ffn = linear(name + "mlp.dense_h_to_4h", norm(name + "post_attention_layernorm", x), s_.F);
            for (auto& r : ffn)
                for (auto& v : r) v = 0.5 * v * std::erfc(-v / std::sqrt(2.0));
            if (s_.parallel_residual) add(x, mixed);
            add(x, linear(name + "mlp.dense_4h_to_h", ffn, s_.D));
        }
        const auto last = norm("gpt_neox.final_layer_norm", x);
        return multiply(s_.tied ? "gpt_neox.embed_in.weight" : "embed_out.weight", last, s_.V);
    }

private:
    double at(const std::string& name, std::size_t i) const { return narae::model::element(*from_.find(name), i); }

    static void add(std::vector<row>& x, const std::vector<row>& y) {
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t i = 0; i < x[t].size(); ++i) x[t][i] += y[t][i];
    }

    std::vector<row> multiply(const std::string& name, const std::vector<row>& x, std::size_t n) const {
        const std::size_t k = x[0].size();
        row w(n * k);
        for (std::size_t i = 0; i < w.size(); ++i) w[i] = at(name, i);
        std::vector<row> y(x.size(), row(n));
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t r = 0; r < n; ++r)
                for (std::size_t i = 0; i < k; ++i) y[t][r] += w[r * k + i] * x[t][i];
        return y;
    }

    std::vector<row> linear(const std::string& name, const std::vector<row>& x, std::size_t n) const {
        auto y = multiply(name + ".weight", x, n);
        for (auto& r : y)
            for (std::size_t i = 0; i < n; ++i) r[i] += at(name + ".bias", i);
        return y;
    }

    std::vector<row> norm(const std::string& name, const std::vector<row>& x) const {
        auto y = x;
        for (auto& r : y) {
            double mean = 0, var = 0;
            for (const auto v : r) mean += v / static_cast<double>(s_.D);
            for (const auto v : r) var += (v - mean) * (v - mean) / static_cast<double>(s_.D);
            for (std::size_t i = 0; i < s_.D; ++i)
                r[i] = (r[i] - mean) / std::sqrt(var + static_cast<double>(s_.norm_eps)) * at(name + ".weight", i) +
                       at(name + ".bias", i);
        }
        return y;
    }

    /// x[E] of one head turned to `position`.
    row turned(const double* x, std::size_t position) const {
        row y(x, x + s_.E);
        const std::size_t half = s_.rotary / 2;
        for (std::size_t i = 0; i < half; ++i) {
            const double frequency =
                std::pow(s_.rotary_base, -2.0 * static_cast<double>(i) / static_cast<double>(s_.rotary));
            const double angle = static_cast<double>(position) * frequency;
            y[i] = x[i] * std::cos(angle) - x[i + half] * std::sin(angle);
            y[i + half] = x[i + half] * std::cos(angle) + x[i] * std::sin(angle);
        }
        return y;
    }

    std::vector<row> attention(const std::string& layer, const std::vector<row>& x, std::size_t window,
                               std::size_t sinks) const {
        const auto qkv = linear(layer + "attention.query_key_value", x, (s_.H + 2 * s_.G) * s_.E);
        const std::size_t share = s_.H / s_.G;
        std::vector<row> mixed(x.size(), row(s_.H * s_.E));
        for (std::size_t t = 0; t < x.size(); ++t) {
            std::vector<std::size_t> seen;  // their places in this list are their positions
            for (std::size_t j = 0; j <= t; ++j)
                if (t < window || j < sinks || j + (window - sinks) > t) seen.push_back(j);
            for (std::size_t h = 0; h < s_.H; ++h) {
                // Rows of the fused matrix: for each key-value head its queries, its key, its value.
                const std::size_t group = h / share * (share + 2);
                const auto q = turned(&qkv[t][(group + h % share) * s_.E], seen.size() - 1);
                row p(seen.size());
                double sum = 0;
                for (std::size_t j = 0; j < seen.size(); ++j) {
                    const auto k = turned(&qkv[seen[j]][(group + share) * s_.E], j);
                    for (std::size_t i = 0; i < s_.E; ++i) p[j] += q[i] * k[i] / std::sqrt(static_cast<double>(s_.E));
                    p[j] = std::exp(p[j]);
                    sum += p[j];
                }
                for (std::size_t j = 0; j < seen.size(); ++j)
                    for (std::size_t i = 0; i < s_.E; ++i)
                        mixed[t][h * s_.E + i] += p[j] / sum * qkv[seen[j]][(group + share + 1) * s_.E + i];
            }
        }
        return linear(layer + "attention.dense", mixed, s_.D);
    }

    const narae::store::checkpoint& from_;
    narae::model::shape s_;
};

}  // namespace oracle

#endif
