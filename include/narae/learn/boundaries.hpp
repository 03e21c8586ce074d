// SPDX-License-Identifier: MIT
// Trains the model that cuts words into morphemes (token/morph.hpp) from gold analyses: a linear classifier of gaps
// under the squared hinge loss, trained by AdaGrad (Duchi et al. 2011) in the hashed table that it will be used from,
// then rounded to 8 bits. Only sums, products, quotients and roots of doubles: every machine finds the same weights,
// as long as its compiler does not fuse a product with a sum.
#ifndef NARAE_LEARN_BOUNDARIES_HPP
#define NARAE_LEARN_BOUNDARIES_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "narae/base/callback.hpp"
#include "narae/base/result.hpp"
#include "narae/learn/gold.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::learn {

/// Trains on all runs of syllables in `words`; the same words in the same order give the same model.
/// Progress counts rounds. Errors: no gap with a particle or an ending in it; cancelled.
inline result<token::boundary_model> train_boundaries(std::span<const gold_word> words,
                                                      callback<std::uint64_t, std::uint64_t> progress) {
    // Particles and endings are to be found, everything else is to be left whole. Where conventions differ (compounds,
    // affixes) a gap teaches nothing, and little where an ending or the copula follows: what is cut there is as well.
    const auto importance = [](onset what) {
        switch (what) {
            case onset::nothing:
            case onset::particle:
            case onset::ending: return 1.0;
            case onset::chain: return 0.2;
            case onset::copula: return 0.1;
            case onset::affix: return 0.4;
            default: return 0.0;
        }
    };
    std::map<std::pair<std::u32string, std::vector<onset>>, std::size_t> runs;
    for (const auto& w : words)
        for (std::size_t begin = 0, end; begin < w.form.size(); begin = end + 1) {
            for (end = begin; end < w.form.size() && text::is_syllable(w.form[end]);) ++end;
            const auto at = w.begins.begin() + static_cast<std::ptrdiff_t>(begin);
            if (end - begin > 1)
                ++runs[{w.form.substr(begin, end - begin), {at, at + static_cast<std::ptrdiff_t>(end - begin)}}];
        }

    struct seen_gap {
        std::vector<std::uint32_t> slots;
        double weight;
        bool cut;
    };
    std::vector<seen_gap> examples;
    bool any_cut = false;
    for (const auto& run : runs)
        token::for_each_gap(run.first.first, [&](std::size_t i, const token::gap& g) {
            const auto what = run.first.second[i];
            const double weight = importance(what) * std::sqrt(static_cast<double>(run.second));
            any_cut = any_cut || what == onset::particle || what == onset::ending;
            if (weight == 0) return;
            examples.push_back({{}, weight, what != onset::nothing});
            token::for_each_feature(g, [&](std::uint32_t slot) { examples.back().slots.push_back(slot); });
        });
    if (!any_cut) return error{errc::bad_value, "no particle and no ending begins inside a word"};

    constexpr double rate = 0.25, margin = 4;
    constexpr std::size_t rounds = 7;
    std::vector<double> weights(token::boundary_model::slots), squares(token::boundary_model::slots, 1e-2);
    double bias = 0;
    std::uint64_t random = 1;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress(round, rounds)) return error{errc::cancelled, "cancelled"};
        for (auto i = examples.size(); i-- > 1;)
            std::swap(examples[i], examples[static_cast<std::size_t>((random = token::mix(random + i)) % (i + 1))]);
        for (const auto& e : examples) {
            double sum = bias;
            for (const auto s : e.slots) sum += weights[s];
            const double sign = e.cut ? 1 : -1, missing = margin - sign * sum;
            if (missing <= 0) continue;
            const double step = e.weight * sign * missing;
            for (const auto s : e.slots) {
                squares[s] += step * step;
                weights[s] += rate * step / std::sqrt(squares[s]);
            }
            bias += 1e-4 * step;
        }
    }

    // The few largest weights are clipped, so that the others keep more of their digits; of a few gaps, fewer or none.
    std::vector<double> sizes;
    for (const auto w : weights)
        if (w != 0) sizes.push_back(std::fabs(w));
    std::sort(sizes.begin(), sizes.end());
    const auto clipped = (std::min)(weights.size() / 2000, sizes.size() / 500);
    const double unit = sizes[sizes.size() - clipped - 1] / 127;
    token::boundary_model model;
    for (std::size_t k = 0; k < weights.size(); ++k)
        model.weights[k] = static_cast<std::int8_t>(std::lround(std::clamp(weights[k] / unit, -127.0, 127.0)));
    constexpr double lean = 0.06;  // towards cutting: a missed particle costs more than a stem in two
    model.cut = static_cast<std::int32_t>(std::lround((-lean - bias) / unit));
    return model;
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
