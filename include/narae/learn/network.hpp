// SPDX-License-Identifier: MIT
// The network of model/forward.hpp over whole sequences, and its backward: each step stands beside the one it mirrors.
// Layers go in segments (gradient checkpointing: Chen et al. 2016, arXiv:1604.06174): what a layer leaves for its
// backward is kept for one segment at a time; the others run again from the rows they began with, to the same bits.
// The head sees head_rows tokens at a time, so [T, V] is never whole. Read model/block.hpp and attention.hpp before.
#ifndef NARAE_LEARN_NETWORK_HPP
#define NARAE_LEARN_NETWORK_HPP

#include <optional>
#include <span>
#include <vector>

#include "narae/kernel/gemm/select.hpp"
#include "narae/kernel/select.hpp"
#include "narae/learn/attention.hpp"
#include "narae/learn/parameters.hpp"
#include "narae/model/forward.hpp"

namespace narae::inline NARAE_ABI::learn {

inline constexpr std::uint32_t no_target = 0xFFFFFFFF;
inline constexpr std::size_t head_rows = 512;

/// Sequences of T tokens, one after the other: N = ids.size() rows, a multiple of T. Token t of a sequence sees its
/// tokens first[t] .. t; it is taught targets[t], or nothing where that is no_target.
struct batch {
    std::size_t T;
    std::span<const std::uint32_t> ids, targets, first;
};

/// What a batch costs: the sum over the taught tokens, in nats.
struct loss_sum {
    double nats = 0;
    std::size_t tokens = 0;
    double mean() const noexcept { return tokens == 0 ? 0 : nats / static_cast<double>(tokens); }
    void operator+=(const loss_sum& other) noexcept { nats += other.nats, tokens += other.tokens; }
};

struct network_options {
    std::size_t sequences = 16, length = 256;  ///< of a batch
    std::size_t checkpoint_layers = 0;         ///< of a segment; 0: all layers are one
    bool backward = true;                      ///< without: for losses only, in less memory
};

class network;

/// A teacher that is listened to beside the text: its network, which has the same vocabulary, its weights, and the
/// share of the loss that is KL(teacher, student). Hinton et al. 2015, arXiv:1503.02531, at temperature 1.
struct teacher {
    network* net = nullptr;
    const float* weights = nullptr;
    float share = 0;
};

class network {
public:
    static result<network> make(const model::shape& s, const network_options& o, sys::team& team,
                                const kernel::gemm_kernel& gemm) {
        network n(s, o, team);
        std::size_t floats = 0;
        n.each_buffer([&](float*&, std::size_t size) { floats += round_up(size, 16); });
        error why;
        if (!sys::buffer<float>::make(floats).into(n.floats_, why)) return why.in("training");
        auto multiply = kernel::matmul::make(gemm, team.size());
        if (!multiply) return multiply.error().in("training");
        n.multiply_.emplace(std::move(*multiply));
        float* next = n.floats_.data();
        n.each_buffer([&](float*& where, std::size_t size) { where = next, next += round_up(size, 16); });
        for (std::size_t t = 0; t < o.length; ++t) model::fill_turn(n.turn_ + t * s.rotary, s, t);
        n.losses_.resize(o.sequences * o.length);
        n.stats_.resize(o.sequences * o.length);
        return n;
    }

    /// Bytes that make() would take.
    static std::uint64_t bytes(const model::shape& s, const network_options& o, sys::team& team,
                               const kernel::gemm_kernel& gemm) {
        network n(s, o, team);
        std::uint64_t floats = o.sequences * o.length * 6;  // taught_, losses_ and stats_
        n.each_buffer([&](float*&, std::size_t size) { floats += round_up(size, 16); });
        return floats * sizeof(float) + kernel::matmul::bytes(gemm, team.size());
    }

    /// The loss of a batch of at most `sequences` sequences of at most `length` tokens under `weights`; adds the
    /// gradient of its sum to `gradients`, if there is such a row and this network has a backward.
    loss_sum run(const float* weights, float* gradients, const batch& b, const teacher& t = {}) {
        const auto w = parts_of(weights, s_);
        forward(w, b);
        if (t.net != nullptr) t.net->forward(parts_of(t.weights, t.net->s_), b);
        if (gradients == nullptr) return head(w, nullptr, b, t);
        const auto g = parts_of(gradients, s_);
        const auto loss = head(w, &g, b, t);
        for (auto segment = segments(); segment-- > 0;) {
            if (segment + 1 != segments()) run_segment(w, b, segment);
            for (auto i = (std::min)(s_.L, (segment + 1) * segment_); i-- > segment * segment_;)
                block_back(w.layers[i], g.layers[i], b, tapes_[i - segment * segment_]);
        }
        each_column(s_.D, [&](std::size_t from, std::size_t n) {
            for (std::size_t r = 0; r < rows_; ++r)
                ops_.add(g.embedding + b.ids[r] * s_.D + from, d_ + r * s_.D + from, n);
        });
        return loss;
    }

private:
    /// What a layer leaves for its backward.
    struct tape {
        float* x = nullptr;        // [N, D] what it began with
        float* qkv = nullptr;      // [N, (H + 2G) E], with biases, rotated
        float* mixed = nullptr;    // [N, H E]
        float* log_sum = nullptr;  // [N, H]
        float* middle = nullptr;   // [N, D] what the feed-forward layer read, where that is not x
        float* up = nullptr;       // [N, F] before the bias
    };

    network(const model::shape& s, const network_options& o, sys::team& team)
        : s_(s), options_(o),
          segment_(o.backward && o.checkpoint_layers == 0 ? s.L : (std::min)(s.L, o.checkpoint_layers)), team_(&team),
          kernels_(kernel::runnable().best()), ops_(kernel::runnable_teach().back()) {
        if (!o.backward) segment_ = 1;
        tapes_.resize(segment_);
        starts_.resize(o.backward ? segments() : (std::min<std::size_t>)(2, s.L));
    }

    std::size_t segments() const noexcept { return (s_.L + segment_ - 1) / segment_; }
    float* start(std::size_t segment) const noexcept { return starts_[segment % starts_.size()]; }

    /// Every buffer and its size in floats.
    template <class F> void each_buffer(F&& f) {
        const auto N = options_.sequences * options_.length, D = s_.D, R = s_.qkv_rows(), M = s_.H * s_.E;
        for (auto& start : starts_) f(start, N * D);
        for (auto& t : tapes_) {
            if (&t != &tapes_.front()) f(t.x, N * D);
            f(t.qkv, N * R);
            f(t.mixed, N * M);
            f(t.log_sum, N * s_.H);
            if (!s_.parallel_residual) f(t.middle, N * D);
            f(t.up, N * s_.F);
        }
        f(last_, N * D);
        f(normed_, N * D);
        f(picked_, N * D);
        f(wide_, N * (std::max)(s_.F, R));
        f(turn_, options_.length * s_.rotary);
        f(scratch_, team_->size() * attention_scratch(options_.length));
        f(logits_, head_rows * s_.V);
        if (!options_.backward) return;
        f(d_, N * D);
        f(dnormed_, N * D);
        f(dmixed_, N * M);
        f(dwide_, N * (std::max)(s_.F, R));
    }

    /// f(t) for every row, shared out.
    template <class F> void each_row(F&& f) { kernel::shared_out(*team_, rows_, f); }
    /// f(from, n): each thread has its own n of so many columns, in all rows.
    template <class F> void each_column(std::size_t columns, F&& f) {
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(columns, num::lanes, part, parts);
            f(mine.begin, mine.end - mine.begin);
        });
    }

    /// y[N, n] = x[N, k] W^T (+ bias).
    void linear(float* y, const float* x, const float* w, const float* bias, std::size_t n, std::size_t k) {
        if (bias != nullptr) each_row([&](std::size_t t) { std::memcpy(y + t * n, bias, n * sizeof(float)); });
        multiply_->run(*team_, y, n, {x, k, 1}, {w, 1, k}, rows_, n, k, bias != nullptr);
    }
    /// Its backward: dx[N, k] = dy W; dW += dy^T x; dbias += the sum of dy's rows.
    void linear_back(float* dx, const float* dy, const float* x, const float* w, const linear_part<float>& g,
                     std::size_t n, std::size_t k) {
        each_column(n, [&](std::size_t from, std::size_t count) {
            for (std::size_t t = 0; t < rows_; ++t) ops_.add(g.bias + from, dy + t * n + from, count);
        });
        multiply_->run(*team_, g.w, k, {dy, 1, n}, {x, k, 1}, n, k, rows_, true);
        multiply_->run(*team_, dx, k, {dy, n, 1}, {w, k, 1}, rows_, k, n, false);
    }

    /// normed = norm(x), of so many rows.
    void normalise(const float* x, const norm_part<const float>& n, std::size_t count) {
        kernel::shared_out(*team_, count, [&](std::size_t t) {
            kernels_.layer_norm(normed_ + t * s_.D, x + t * s_.D, n.gain, n.bias, s_.D, s_.norm_eps);
        });
    }
    /// Its backward: dx += what dy, the gradient of its output, says; so do the gradients of its own vectors.
    void normalise_back(float* dx, const float* dy, const float* x, const norm_part<const float>& n,
                        const norm_part<float>& g, std::size_t count) {
        const auto D = s_.D;
        kernel::shared_out(*team_, count, [&](std::size_t t) {
            stats_[t] = ops_.norm_back(dx + t * D, dy + t * D, x + t * D, n.gain, D, s_.norm_eps);
        });
        each_column(D, [&](std::size_t from, std::size_t m) {
            for (std::size_t t = 0; t < count; ++t)
                ops_.norm_vectors_back(g.gain + from, g.bias + from, dy + t * D + from, x + t * D + from, stats_[t], m);
        });
    }

    /// Turns queries and keys of every row by their positions, or back.
    void rotate(float* qkv, const batch& b, float direction) {
        const auto half = s_.rotary / 2;
        each_row([&](std::size_t t) {
            const float* cosine = turn_ + t % b.T * s_.rotary;
            float* row = qkv + t * s_.qkv_rows();
            for (std::size_t h = 0; h < s_.H + s_.G; ++h) {
                float* x = row + (h < s_.H ? s_.q_row(h) : s_.k_row(h - s_.H));
                for (std::size_t i = 0; i < half; ++i) {
                    const float first = x[i], second = x[i + half], c = cosine[i], s = direction * cosine[i + half];
                    x[i] = first * c - second * s;
                    x[i + half] = second * c + first * s;
                }
            }
        });
    }

    /// f(sequence, key-value head, thread, scratch) for all of them, shared out.
    template <class F> void each_head(const batch& b, const tape& t, F&& f) {
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(rows_ / b.T * s_.G, 1, part, parts);
            for (auto i = mine.begin; i < mine.end; ++i) {
                const auto row = i / s_.G * b.T;
                f(row,
                  sequence{b.T, b.first.data() + row, t.qkv + row * s_.qkv_rows(), t.mixed + row * s_.H * s_.E,
                           t.log_sum + row * s_.H},
                  i % s_.G, part, scratch_ + part * attention_scratch(b.T));
            }
        });
    }

    void gelu(float* y, const float* up, const float* bias) {
        each_row([&](std::size_t t) {
            std::memcpy(y + t * s_.F, up + t * s_.F, s_.F * sizeof(float));
            kernels_.bias_gelu(y + t * s_.F, bias, s_.F);
        });
    }

    /// out = what the block makes of t.x; the rest of the tape is filled.
    void block(const layer_parts<const float>& w, float* out, const batch& b, tape& t) {
        const auto D = s_.D, F = s_.F, M = s_.H * s_.E;
        const auto add_to_stream = [&](const float* x, const float* by, const linear_part<const float>& l,
                                       std::size_t k) {  // out = x + by W^T + bias
            each_row([&](std::size_t r) {
                if (out != x) std::memcpy(out + r * D, x + r * D, D * sizeof(float));
                ops_.add(out + r * D, l.bias, D);
            });
            multiply_->run(*team_, out, D, {by, k, 1}, {l.w, 1, k}, rows_, D, k, true);
        };
        normalise(t.x, w.before_attention, rows_);
        linear(t.qkv, normed_, w.qkv.w, w.qkv.bias, s_.qkv_rows(), D);
        rotate(t.qkv, b, 1);
        each_head(b, t, [&](std::size_t, const sequence& x, std::size_t g, std::size_t thread, float* scratch) {
            attend(ops_, *multiply_, thread, s_, x, g, scratch);
        });
        add_to_stream(t.x, t.mixed, w.attention_out, M);
        if (!s_.parallel_residual) std::memcpy(t.middle, out, rows_ * D * sizeof(float));
        normalise(ffn_input(t), w.before_ffn, rows_);
        linear(t.up, normed_, w.ffn_up.w, nullptr, F, D);
        gelu(wide_, t.up, w.ffn_up.bias);
        add_to_stream(out, wide_, w.ffn_down, F);
    }

    float* ffn_input(const tape& t) const noexcept { return s_.parallel_residual ? t.x : t.middle; }

    /// Its backward: d, the gradient of what the block made, becomes that of t.x.
    void block_back(const layer_parts<const float>& w, const layer_parts<float>& g, const batch& b, const tape& t) {
        const auto D = s_.D, F = s_.F, R = s_.qkv_rows(), M = s_.H * s_.E;
        const auto out_back = [&] { linear_back(dmixed_, d_, t.mixed, w.attention_out.w, g.attention_out, D, M); };
        if (s_.parallel_residual) out_back();  // before d grows by the other branch

        gelu(wide_, t.up, w.ffn_up.bias);
        linear_back(dwide_, d_, wide_, w.ffn_down.w, g.ffn_down, D, F);
        each_row([&](std::size_t r) { ops_.gelu_back(dwide_ + r * F, t.up + r * F, w.ffn_up.bias, F); });
        normalise(ffn_input(t), w.before_ffn, rows_);
        linear_back(dnormed_, dwide_, normed_, w.ffn_up.w, g.ffn_up, F, D);
        normalise_back(d_, dnormed_, ffn_input(t), w.before_ffn, g.before_ffn, rows_);

        if (!s_.parallel_residual) out_back();
        std::memset(dwide_, 0, rows_ * R * sizeof(float));
        each_head(b, t, [&](std::size_t row, const sequence& x, std::size_t h, std::size_t thread, float* scratch) {
            attend_back(ops_, *multiply_, thread, s_, x, dwide_ + row * R, dmixed_ + row * M, h, scratch);
        });
        rotate(dwide_, b, -1);
        normalise(t.x, w.before_attention, rows_);
        linear_back(dnormed_, dwide_, normed_, w.qkv.w, g.qkv, R, D);
        normalise_back(d_, dnormed_, t.x, w.before_attention, g.before_attention, rows_);
    }

    /// The layers of a segment, from what start(segment) holds to the start of the next or to the last rows.
    void run_segment(const parts<const float>& w, const batch& b, std::size_t segment) {
        const auto from = segment * segment_, to = (std::min)(s_.L, from + segment_);
        tapes_.front().x = start(segment);
        for (auto i = from; i < to; ++i)
            block(w.layers[i],
                  i + 1 < to  ? tapes_[i + 1 - from].x
                  : to < s_.L ? start(segment + 1)
                              : last_,
                  b, tapes_[i - from]);
    }

    void forward(const parts<const float>& w, const batch& b) {
        rows_ = b.ids.size();
        each_row([&](std::size_t t) {
            std::memcpy(start(0) + t * s_.D, w.embedding + b.ids[t] * s_.D, s_.D * sizeof(float));
        });
        for (std::size_t i = 0; i < segments(); ++i) run_segment(w, b, i);
        // The rows that are taught something, close together.
        taught_.clear();
        for (std::size_t t = 0; t < rows_; ++t)
            if (b.targets[t] != no_target) taught_.push_back(t);
        const auto D = s_.D;
        for (std::size_t i = 0; i < taught_.size(); ++i)
            std::memcpy(picked_ + i * D, last_ + taught_[i] * D, D * sizeof(float));
        normalise(picked_, w.last, taught_.size());
    }

    /// logits[n, V] of the normalised rows `from` and on.
    void head_logits(const float* head, std::size_t from, std::size_t n) {
        multiply_->run(*team_, logits_, s_.V, {normed_ + from * s_.D, s_.D, 1}, {head, 1, s_.D}, n, s_.V, s_.D, false);
    }

    /// Cross entropy of the rows in normed_, fused with the head; with g also d_, the gradient of the last rows.
    loss_sum head(const parts<const float>& w, const parts<float>* g, const batch& b, const teacher& t) {
        const auto D = s_.D, V = s_.V, count = taught_.size();
        for (std::size_t from = 0; from < count; from += head_rows) {
            const auto n = (std::min)(head_rows, count - from);
            head_logits(w.head, from, n);
            if (t.net != nullptr) t.net->head_logits(parts_of(t.weights, t.net->s_).head, from, n);
            kernel::shared_out(*team_, n, [&](std::size_t i) {
                losses_[from + i] = cross_entropy(logits_ + i * V, b.targets[taught_[from + i]],
                                                  t.net == nullptr ? nullptr : t.net->logits_ + i * V, t.share);
            });
            if (g == nullptr) continue;
            multiply_->run(*team_, dnormed_ + from * D, D, {logits_, V, 1}, {w.head, D, 1}, n, D, V, false);
            multiply_->run(*team_, g->head, D, {logits_, 1, V}, {normed_ + from * D, D, 1}, V, D, n, true);
        }
        loss_sum sum{0, count};
        for (std::size_t i = 0; i < count; ++i) sum.nats += losses_[i];
        if (g == nullptr) return sum;
        std::memset(normed_, 0, count * D * sizeof(float));  // from here on the gradient of the rows picked
        normalise_back(normed_, dnormed_, picked_, w.last, g->last, count);
        std::memset(d_, 0, rows_ * D * sizeof(float));
        for (std::size_t i = 0; i < count; ++i) std::memcpy(d_ + taught_[i] * D, normed_ + i * D, D * sizeof(float));
        return sum;
    }

    /// The loss of one row of logits, which become its gradient: softmax - target, the target being one token, or the
    /// mixture of that and the teacher's distribution.
    double cross_entropy(float* logits, std::uint32_t target, float* teacher_logits, float share) const noexcept {
        const auto sum = ops_.exp_sum(logits, s_.V, 1);
        const float log_sum = sum.largest + std::log(sum.sum);
        double loss = static_cast<double>(log_sum) - static_cast<double>(logits[target]);
        if (teacher_logits == nullptr) {
            ops_.softmax(logits, s_.V, 1, log_sum);
            logits[target] -= 1;
            return loss;
        }
        const auto his = ops_.exp_sum(teacher_logits, s_.V, 1);
        const float his_log_sum = his.largest + std::log(his.sum);
        double kl = 0;
        loss *= 1 - static_cast<double>(share);
        for (std::size_t i = 0; i < s_.V; ++i) {
            const float log_p = teacher_logits[i] - his_log_sum, log_q = logits[i] - log_sum, p = num::exp(log_p);
            kl += static_cast<double>(p) * static_cast<double>(log_p - log_q);
            logits[i] = num::exp(log_q) - share * p;
        }
        logits[target] -= 1 - share;
        return loss + static_cast<double>(share) * kl;
    }

    model::shape s_;
    network_options options_;
    std::size_t segment_, rows_ = 0;
    sys::team* team_;
    kernel::table kernels_;
    kernel::teach_table ops_;
    std::optional<kernel::matmul> multiply_;
    sys::buffer<float> floats_;
    std::vector<float*> starts_;  // [N, D] what each segment began with
    std::vector<tape> tapes_;     // of the segment at hand
    float *last_ = nullptr, *normed_ = nullptr, *picked_ = nullptr, *wide_ = nullptr, *turn_ = nullptr,
          *scratch_ = nullptr, *logits_ = nullptr, *d_ = nullptr, *dnormed_ = nullptr, *dmixed_ = nullptr,
          *dwide_ = nullptr;
    std::vector<std::size_t> taught_;
    std::vector<double> losses_;
    std::vector<kernel::row_stats> stats_;
};

}  // namespace narae::inline NARAE_ABI::learn

#endif
