// SPDX-License-Identifier: MIT
// Attention over whole sequences, and its backward. A block of queries sees its scores of one head at a time, so memory
// grows with T and never with T x T; the backward computes them anew from the logarithms of their sums.
// FlashAttention-2: Dao 2023, arXiv:2307.08691, sections 3.1 and 3.2. Read model/shape.hpp before (the rows of QKV).
#ifndef NARAE_LEARN_ATTENTION_HPP
#define NARAE_LEARN_ATTENTION_HPP

#include <cmath>
#include <cstring>

#include "narae/kernel/matmul.hpp"
#include "narae/kernel/teach/table.hpp"
#include "narae/model/shape.hpp"

namespace narae::inline NARAE_ABI::learn {

inline constexpr std::size_t query_block = 64;

/// Floats of scratch that a thread needs for sequences of T tokens.
constexpr std::size_t attention_scratch(std::size_t T) noexcept { return 2 * query_block * T; }

/// One sequence: T rows of QKV, with biases and rotated, and what query t sees of them: positions first[t] .. t, where
/// first ascends. `mixed` are rows of H * E, log_sum rows of H.
struct sequence {
    std::size_t T;
    const std::uint32_t* first;
    const float* qkv;
    float* mixed;
    float* log_sum;
};

namespace detail {

/// What attention and its backward share: the probabilities p[rows, to - from] of queries `begin` and on of head h.
struct attention_block {
    const kernel::teach_table& ops;
    kernel::matmul& multiply;
    std::size_t thread;
    const model::shape& s;
    float scale = 1.0f / std::sqrt(static_cast<float>(s.E));

    /// Columns h of a [T, width] array whose rows begin at data.
    static kernel::strided rows(const float* data, std::size_t width) noexcept { return {data, width, 1}; }

    void scores(float* p, const sequence& x, std::size_t h, std::size_t begin, std::size_t end,
                std::size_t from) const noexcept {
        const auto R = s.qkv_rows(), n = end - from;
        multiply.block(thread, p, n, rows(x.qkv + begin * R + s.q_row(h), R),
                       rows(x.qkv + from * R + s.k_row(h / s.share()), R).transposed(), end - begin, n, s.E, false);
    }

    /// Scores of query t become probabilities; those of what it does not see are zero.
    void finish(float* p, const sequence& x, std::size_t t, std::size_t end, std::size_t from,
                float log_sum) const noexcept {
        const auto first = x.first[t] - from, last = t + 1 - from;
        std::memset(p, 0, first * sizeof(float));
        ops.softmax(p + first, last - first, scale, log_sum);
        std::memset(p + last, 0, (end - from - last) * sizeof(float));
    }
};

}  // namespace detail

/// mixed = softmax(Q K^T / sqrt(E)) V, and log_sum, of the query heads of key-value head g, in attention_scratch(T).
inline void attend(const kernel::teach_table& ops, kernel::matmul& multiply, std::size_t thread, const model::shape& s,
                   const sequence& x, std::size_t g, float* scratch) noexcept {
    const detail::attention_block block{ops, multiply, thread, s};
    const auto R = s.qkv_rows(), M = s.H * s.E;
    for (auto h = g * s.share(); h < (g + 1) * s.share(); ++h)
        for (std::size_t begin = 0; begin < x.T; begin += query_block) {
            const auto end = (std::min)(x.T, begin + query_block), from = std::size_t{x.first[begin]}, n = end - from;
            block.scores(scratch, x, h, begin, end, from);
            for (auto t = begin; t < end; ++t) {
                float* p = scratch + (t - begin) * n;
                const auto sum = ops.exp_sum(p + x.first[t] - from, t + 1 - x.first[t], block.scale);
                x.log_sum[t * s.H + h] = sum.largest + std::log(sum.sum);
                block.finish(p, x, t, end, from, x.log_sum[t * s.H + h]);
            }
            multiply.block(thread, x.mixed + begin * M + h * s.E, M, block.rows(scratch, n),
                           block.rows(x.qkv + from * R + s.v_row(g), R), end - begin, s.E, n, false);
        }
}

/// dqkv[T, (H + 2G) E] gets the rows of key-value head g and its query heads from dmixed[T, H E]; they must be zero.
inline void attend_back(const kernel::teach_table& ops, kernel::matmul& multiply, std::size_t thread,
                        const model::shape& s, const sequence& x, float* dqkv, const float* dmixed, std::size_t g,
                        float* scratch) noexcept {
    const detail::attention_block block{ops, multiply, thread, s};
    const auto R = s.qkv_rows(), M = s.H * s.E, k = s.k_row(g), v = s.v_row(g);
    float* const dp = scratch + query_block * x.T;
    for (auto h = g * s.share(); h < (g + 1) * s.share(); ++h)
        for (std::size_t begin = 0; begin < x.T; begin += query_block) {
            const auto end = (std::min)(x.T, begin + query_block), from = std::size_t{x.first[begin]}, n = end - from,
                       q = end - begin;
            const float* dout = dmixed + begin * M + h * s.E;
            block.scores(scratch, x, h, begin, end, from);
            for (auto t = begin; t < end; ++t)
                block.finish(scratch + (t - begin) * n, x, t, end, from, x.log_sum[t * s.H + h]);
            multiply.block(thread, dqkv + from * R + v, R, block.rows(scratch, n).transposed(), block.rows(dout, M), n,
                           s.E, q, true);
            multiply.block(thread, dp, n, block.rows(dout, M), block.rows(x.qkv + from * R + v, R).transposed(), q, n,
                           s.E, false);
            for (std::size_t i = 0; i < q; ++i) {
                const float mean = ops.dot(dout + i * M, x.mixed + (begin + i) * M + h * s.E, s.E);
                ops.softmax_back(dp + i * n, scratch + i * n, n, block.scale, mean);
            }
            multiply.block(thread, dqkv + begin * R + s.q_row(h), R, block.rows(dp, n),
                           block.rows(x.qkv + from * R + k, R), q, s.E, n, false);
            multiply.block(thread, dqkv + from * R + k, R, block.rows(dp, n).transposed(),
                           block.rows(x.qkv + begin * R + s.q_row(h), R), n, s.E, q, true);
        }
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
