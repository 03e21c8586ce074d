// SPDX-License-Identifier: MIT
// Weights become 4-bit codes, or zeros, or both, such that a matrix answers the inputs it will see as before.
// GPTQ: Frantar et al. 2022, arXiv:2210.17323; zeros as in SparseGPT: Frantar and Alistarh 2023, arXiv:2301.00774.
// Both in the form of Chee et al. 2023, arXiv:2307.13304, section 4, which is the same and inverts nothing: H = R R^T,
// R upper triangular; weight k takes the value nearest to w[k] + (sum over j < k of error[j] R[j, k]) / R[k, k].
#ifndef NARAE_QUANT_GPTQ_HPP
#define NARAE_QUANT_GPTQ_HPP

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "narae/kernel/gemm/select.hpp"
#include "narae/kernel/matmul.hpp"
#include "narae/model/matrix.hpp"
#include "narae/num/pack.hpp"
#include "narae/sys/buffer.hpp"
#include "narae/sys/team.hpp"

namespace narae::inline NARAE_ABI::quant {

/// Which weights become zero: none; a share of them, wherever they are; 2 of every 4 neighbours along K; 4 of 8.
enum class mask { none, share, two_of_four, four_of_eight };

/// What a weight is measured by before the least become zero: its size, alone or times that of its inputs (Wanda: Sun
/// et al. 2023, arXiv:2306.11695), and nothing makes up for an error; or what it costs when later weights make up for
/// it.
enum class importance { size, inputs, loss };

struct slim_options {
    mask zeros = mask::none;
    double share = 0.5;  ///< of zeros, for mask::share
    importance by = importance::loss;
};

/// How many columns are finished together: those that share a scale.
inline constexpr std::size_t slim_columns = num::group_len;

/// What the inputs x[K] of a matrix say of errors in its weights: by H = sum of x x^T, a row that is off by e is off by
/// e H e^T in its outputs, squared and summed.
class hessian {
public:
    static result<hessian> make(std::size_t K) {
        hessian h;
        h.K_ = K;
        error why;
        if (!sys::buffer<float>::make(K * K).into(h.h_, why)) return why;
        return h;
    }

    std::size_t K() const noexcept { return K_; }
    double damping() const noexcept { return damping_; }
    float input(std::size_t k) const noexcept { return inputs_[k]; }  ///< sum of x[k]^2
    const float* r(std::size_t i, std::size_t k) const noexcept { return h_.data() + i * K_ + k; }
    kernel::strided columns(std::size_t from) const noexcept { return {r(0, from), K_, 1}; }  ///< of R

    /// T more inputs, x[T, K].
    void add(sys::team& team, kernel::matmul& multiply, const float* x, std::size_t T) {
        for (std::size_t j = 0; j < K_; j += slim_columns) {
            const auto n = (std::min)(slim_columns, K_ - j);
            multiply.run(team, h_.data() + j, K_, {x, 1, K_}, {x + j, K_, 1}, j + n, n, T, true);
        }
    }

    /// Now comes R, of H + damping() I. Errors: inputs that are not finite; no memory.
    result<void> factor(sys::team& team, kernel::matmul& multiply) {
        for (std::size_t k = 0; k < K_; ++k) damping_ += static_cast<double>(inputs_.emplace_back(*r(k, k)));
        if (!(damping_ <= 3e38)) return error{errc::bad_value, "its inputs are not finite"};
        damping_ = damping_ > 0 ? 0.01 * damping_ / static_cast<double>(K_) : 1;
        for (std::size_t k = 0; k < K_; ++k) h_[k * K_ + k] += static_cast<float>(damping_);
        auto later = sys::buffer<float>::make(K_ * slim_columns);  // what the columns after these hold of H
        if (!later) return later.error();
        for (std::size_t end = K_; end > 0;) {
            const auto begin = (end - 1) / slim_columns * slim_columns, n = end - begin;
            if (end < K_)
                multiply.run(team, later->data(), slim_columns, {r(0, end), K_, 1}, {r(begin, end), 1, K_}, end, n,
                             K_ - end, false);
            const auto row = [&](std::size_t i) {
                float* const mine = h_.data() + i * K_ + begin;
                for (std::size_t k = n; k-- > 0;) {
                    const float* const other = r(begin + k, begin);
                    double v = static_cast<double>(mine[k]) - static_cast<double>((*later)[i * slim_columns + k]);
                    for (auto m = k + 1; m < n; ++m) v -= static_cast<double>(mine[m]) * static_cast<double>(other[m]);
                    if (begin + k == i)
                        v = std::sqrt((std::max)(v, damping_));  // never less, but for rounding
                    else
                        v /= static_cast<double>(other[k]);
                    mine[k] = begin + k < i ? 0.0f : static_cast<float>(v);
                }
            };
            for (auto i = end; i-- > begin;) row(i);
            kernel::shared_out(team, begin, row);
            end = begin;
        }
        return {};
    }

    /// The sums of e H e^T, by way of |e R|^2, and of e^2 over the rows of e[N, K]. scratch[N, slim_columns]
    std::pair<double, double> cost(sys::team& team, kernel::matmul& multiply, const float* e, std::size_t N,
                                   float* scratch) const {
        double outputs = 0, weights = 0;
        const auto square = [](float v) { return static_cast<double>(v) * static_cast<double>(v); };
        for (std::size_t from = 0; from < K_; from += slim_columns) {
            const auto n = (std::min)(slim_columns, K_ - from);
            multiply.run(team, scratch, slim_columns, {e, K_, 1}, columns(from), N, n, from + n, false);
            for (std::size_t i = 0; i < N * n; ++i) outputs += square(scratch[i / n * slim_columns + i % n]);
        }
        for (std::size_t i = 0; i < N * K_; ++i) weights += square(e[i]);
        return {(std::max)(outputs - damping_ * weights, 0.0), weights};
    }

private:
    std::size_t K_ = 0;
    double damping_ = 0;
    sys::buffer<float> h_;  // H, of which only what is not below the diagonal counts; then R
    std::vector<float> inputs_;
};

struct slim_report {
    double output_error = 0;       ///< sum |X (w - w')|^2 / sum |X w|^2 over the inputs seen
    double squares = 0, lost = 0;  ///< sum w^2, sum (w - w')^2
    std::uint64_t zeros = 0;
};

namespace detail {

/// The scale that loses least of w[n], an error at i counting weight[i] times: of 16 candidates, each taking some size,
/// from the largest weight's on, for the last of 8 steps down or 7 up, that whose codes, scaled best, come nearest.
inline num::q4_scale best_scale(const float* w, const float* weight, std::size_t n) noexcept {
    const float largest = num::q4_scale::largest(w, n);
    double most = 0, scale = 0;
    for (int c = 0; c < 16 && std::abs(largest) > 1e-8f; ++c) {  // smaller ones are zero in f16
        const float reach = 0.4f * static_cast<float>(c / 2), inverse = (c % 2 == 0 ? -8 - reach : 7 + reach) / largest;
        double wq = 0, qq = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const float v = w[i] * inverse, in = v < -8 ? -8.0f : v > 7 ? 7.0f : v;
            const double q = static_cast<int>(in + 8.5f) - 8, by = q * static_cast<double>(weight[i]);
            wq += static_cast<double>(w[i]) * by;
            qq += q * by;
        }
        if (qq > 0 && wq * wq > most * qq) most = wq * wq / qq, scale = wq / qq;
    }
    return num::q4_scale(num::f32_to_f16(static_cast<float>(scale)));
}

/// drop[N, slim_columns] = 1 where the least of value[N, slim_columns], n columns, go: `share` of all, or half of every
/// `of` neighbours in a row.
inline void choose(std::vector<std::uint8_t>& drop, const std::vector<float>& value, std::size_t N, std::size_t n,
                   std::size_t of, std::size_t share) {
    std::vector<std::uint64_t> order;  // values and their places: no two are equal
    drop.assign(drop.size(), 0);
    for (std::size_t at = 0; at < N * slim_columns; ++at) {
        const auto k = at % slim_columns;
        if (k < n) order.push_back(std::uint64_t{std::bit_cast<std::uint32_t>(value[at])} << 32 | at);
        if (of != 0 ? k >= n || ((k + 1) % of != 0 && k + 1 != n) : at + 1 != N * slim_columns) continue;
        const auto count = (std::min)(order.size(), of != 0 ? order.size() / 2 : share);
        std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
        for (std::size_t i = 0; i < count; ++i) drop[order[i] & 0xFFFFFFFF] = 1;
        order.clear();
    }
}

}  // namespace detail

/// w[N, K] becomes what its new weights are worth, each row by itself; h has its factor. Where `scales` are wanted, for
/// q4, w is then on the grid of scales[N][groups]. Error: no memory.
inline result<slim_report> slim(sys::team& team, kernel::matmul& multiply, const hessian& h, std::span<float> w,
                                std::size_t N, const slim_options& o, std::vector<std::uint16_t>* scales) {
    const auto K = h.K(), groups = num::groups_of(K);
    const bool compensate = o.by == importance::loss;
    constexpr std::size_t of[] = {0, 0, 4, 8};  // by mask
    auto memory = sys::buffer<float>::make(N * (K + slim_columns));
    if (!memory) return memory.error();
    float* const e = memory->data();  // w until its column is done, then w - w'
    float* const target = e + N * K;  // [N, slim_columns]
    std::memcpy(e, w.data(), N * K * sizeof(float));
    const auto before = h.cost(team, multiply, e, N, target);
    if (scales != nullptr) scales->assign(N * groups, 0);
    std::vector<std::uint8_t> drop(N * slim_columns);
    std::vector<float> value(o.zeros == mask::none ? 0 : drop.size());
    std::size_t dropped = 0;
    for (std::size_t from = 0; from < K; from += slim_columns) {
        const auto n = (std::min)(slim_columns, K - from);
        const bool shifted = compensate && from != 0;
        if (shifted) multiply.run(team, target, slim_columns, {e, K, 1}, h.columns(from), N, n, from, false);
        float diagonal[slim_columns], weight[slim_columns];
        for (std::size_t k = 0; k < n; ++k) {
            diagonal[k] = *h.r(from + k, from + k);
            weight[k] = diagonal[k] * diagonal[k];  // what an error costs that later weights make up for
        }
        kernel::shared_out(team, N, [&](std::size_t i) {
            float* const t = target + i * slim_columns;
            for (std::size_t k = 0; k < n; ++k) {
                t[k] = e[i * K + from + k] + (shifted ? t[k] / diagonal[k] : 0.0f);
                const float by = o.by == importance::inputs ? std::sqrt(h.input(from + k))
                                 : compensate               ? diagonal[k]
                                                            : 1;
                if (o.zeros != mask::none) value[i * slim_columns + k] = std::abs(t[k]) * by;
            }
        });
        if (o.zeros != mask::none) {
            const auto so_far = static_cast<std::size_t>(o.share * static_cast<double>(N * (from + n)) + 0.5);
            detail::choose(drop, value, N, n, of[static_cast<std::size_t>(o.zeros)], so_far - dropped);
            dropped = so_far;
        }
        kernel::shared_out(team, N, [&](std::size_t i) {
            float* const t = target + i * slim_columns;
            const auto* const gone = drop.data() + i * slim_columns;
            float kept[slim_columns], own[slim_columns] = {};  // own: what this group's errors so far add
            for (std::size_t k = 0; k < n; ++k) kept[k] = gone[k] != 0 ? 0.0f : t[k];
            num::q4_scale by(std::uint16_t{0});
            if (scales != nullptr) {
                by = compensate ? detail::best_scale(kept, weight, n) : num::q4_scale(kept, n);
                (*scales)[i * groups + from / slim_columns] = by.stored;
            }
            for (std::size_t k = 0; k < n; ++k) {
                const float v = t[k] + own[k] / diagonal[k], nearest = by.scale * static_cast<float>(by.code(v) - 8);
                const auto at = i * K + from + k;
                w[at] = gone[k] != 0 ? 0.0f : scales != nullptr ? nearest : v;
                e[at] -= w[at];
                for (auto m = k + 1; compensate && m < n; ++m) own[m] += e[at] * *h.r(from + k, from + m);
            }
        });
    }
    const auto after = h.cost(team, multiply, e, N, target);
    const auto zeros = std::count_if(w.begin(), w.end(), [](float x) { return !(x < 0 || x > 0); });
    return slim_report{before.first > 0 ? after.first / before.first : 0, before.second, after.second,
                       static_cast<std::uint64_t>(zeros)};
}

}  // namespace narae::inline NARAE_ABI::quant

#endif
