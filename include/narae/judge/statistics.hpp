// SPDX-License-Identifier: MIT
// What answers are worth: accuracy and its standard error, macro F1, and whether two models really differ on the same
// items (McNemar 1947).
#ifndef NARAE_JUDGE_STATISTICS_HPP
#define NARAE_JUDGE_STATISTICS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::judge {

/// The label of an item and the one that was answered; small numbers.
struct answer {
    std::size_t gold, pred;
};

/// The share of right answers. Needs at least one.
inline double accuracy(std::span<const answer> answers) noexcept {
    const auto right = std::count_if(answers.begin(), answers.end(), [](answer a) { return a.gold == a.pred; });
    return static_cast<double>(right) / static_cast<double>(answers.size());
}

/// The standard error of a share p of n items.
inline double share_error(double p, std::size_t n) noexcept {
    return std::sqrt(p * (1 - p) / static_cast<double>((std::max<std::size_t>)(n, 2) - 1));
}

/// The mean of F1 over the labels that occur, in either place.
inline double macro_f1(std::span<const answer> answers) {
    std::vector<std::size_t> right, seen;  // by label; seen counts gold and answered together
    for (const auto a : answers) {
        const auto labels = (std::max)({a.gold + 1, a.pred + 1, seen.size()});
        right.resize(labels);
        seen.resize(labels);
        ++seen[a.gold];
        ++seen[a.pred];
        right[a.gold] += a.gold == a.pred;
    }
    double sum = 0;
    for (std::size_t l = 0; l < seen.size(); ++l)
        if (seen[l] != 0) sum += 2 * static_cast<double>(right[l]) / static_cast<double>(seen[l]);
    return sum / static_cast<double>(seen.size() - static_cast<std::size_t>(std::ranges::count(seen, std::size_t{0})));
}

/// McNemar's test, exact and two-sided: how likely at least so uneven a split is among the items that only one of two
/// models got right, `ours` and `theirs` of them, if the models are equally good.
inline double mcnemar(std::size_t ours, std::size_t theirs) noexcept {
    const auto n = ours + theirs;
    double log_share = -static_cast<double>(n) * std::log(2.0), sum = 0;  // of exactly i by chance
    for (std::size_t i = 0; i <= (std::min)(ours, theirs); ++i) {
        sum += std::exp(log_share);
        log_share += std::log(static_cast<double>(n - i) / static_cast<double>(i + 1));
    }
    return (std::min)(1.0, 2 * sum);
}

}  // namespace narae::inline NARAE_ABI::judge

#endif
