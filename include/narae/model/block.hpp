// SPDX-License-Identifier: MIT
// One transformer block of GPT-NeoX, in the order of the paper's figure. Read model/shape.hpp first (the letters).
//   parallel:  x + attention(norm1(x)) + ffn(norm2(x))        serial:  x += attention(norm1(x));  x += ffn(norm2(x))
// Rotary position embedding: Su et al. 2021, arXiv:2104.09864, over the first dimensions of each head, halves paired.
#ifndef NARAE_MODEL_BLOCK_HPP
#define NARAE_MODEL_BLOCK_HPP

#include "narae/model/workspace.hpp"

namespace narae::inline NARAE_ABI::model {

/// Turns the first `rotary` numbers of a head: pair (i, i + rotary/2) by the angle whose cosine is turn[i] and whose
/// sine is turn[i + rotary/2].
inline void rotate(float* head, const float* turn, std::size_t rotary) noexcept {
    const std::size_t half = rotary / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const float a = head[i], b = head[i + half], c = turn[i], s = turn[i + half];
        head[i] = std::fma(a, c, -(b * s));
        head[i + half] = std::fma(b, c, a * s);
    }
}

/// Prepares x[t] for the packed matrix that will read it.
inline void quantize(const workspace& w, const activations& a, const matrix& reader, std::size_t t) noexcept {
    if (packed(reader.type)) w.kernels.quantize_q8(a.q[t], a.x[t], reader.K, num::group_len);
}

/// a[t] = norm(x[t])
inline void normalise(const workspace& w, const shape& s, const norm& n, const activations& a, const matrix& reader,
                      std::size_t t) noexcept {
    w.kernels.layer_norm(a.x[t], w.x[t], n.gain, n.bias, s.D, s.norm_eps);
    quantize(w, a, reader, t);
}

/// Keys and values of T tokens go into the cache, keys turned to their positions.
inline void remember(workspace& w, cache& kv, const shape& s, std::size_t index, std::size_t T) {
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(T * s.G, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto t = i / s.G, g = i % s.G;
            float* key = w.qkv[t] + s.k_row(g);
            rotate(key, w.turn[t], s.rotary);
            kv.put(w.kernels, index, g, kv.slot(kv.length + t), key, w.qkv[t] + s.v_row(g), s.E);
        }
    });
}

/// mixed[t, h] = softmax(q . K / sqrt(E)) V over what the cache lets each query see, for the queries first ..
/// first + count of key-value head g, which are counted token by token, head by head.
template <class Number>
void attend(workspace& w, const cache& kv, const shape& s, std::size_t index, std::size_t g, std::size_t first,
            std::size_t count, kernel::attend_op<Number>* kernel) noexcept {
    float turned[widest_head], mean[widest_head] = {};
    std::int8_t turned_q8[widest_head];
    kernel::query_state state[kernel::attend_queries];
    kernel::query_block<Number> queries{count, nullptr, mean, state};
    const std::size_t E = kv.padded_width();
    const auto token = [&](std::size_t i) { return (first + i) / s.share(); };
    const auto head = [&](std::size_t i) { return g * s.share() + (first + i) % s.share(); };

    const auto aim = [&](std::size_t turn) {  // the queries as they look from one position each
        for (std::size_t i = 0; i < count; ++i) {
            const float* q = w.qkv[token(i)] + s.q_row(head(i));
            float* to = turned + i * E;
            for (std::size_t e = 0; e < E; ++e) to[e] = e < s.E ? q[e] : 0.0f;
            rotate(to, w.turn[token(i)] + turn, s.rotary);
            float scale = 1;
            if constexpr (sizeof(Number) == 1) {
                w.kernels.quantize_q8({turned_q8 + i * E, &scale, &state[i].sum_q}, to, E, E);
                queries.q = turned_q8;
            } else {
                queries.q = turned;
            }
            state[i].scale = scale / std::sqrt(static_cast<float>(s.E));
        }
    };
    // A block that begins at position `base`, of which a query at p sees what lies in oldest(p) .. end(p). Queries
    // are in order, so those that see anything are neighbours.
    const auto look = [&](std::uint64_t base, auto oldest, auto end) {
        std::size_t from = count, to = 0, n = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto p = kv.length + token(i), block_end = base + kernel::attend_block;
            const auto lowest = (std::max)(base, oldest(p)), highest = (std::min)(block_end, end(p));
            if (lowest >= highest) continue;
            state[i].begin = static_cast<std::size_t>(lowest - base);
            state[i].end = static_cast<std::size_t>(highest - base);
            from = (std::min)(from, i);
            to = i + 1;
            n = (std::max)(n, state[i].end);
        }
        if (from < to) kernel(queries.part(from, to - from, E), kv.block<Number>(index, g, kv.slot(base)), n, E);
    };

    if (kv.sinks() != 0) {
        aim(s.rotary);
        for (std::uint64_t base = 0; base < kv.sinks(); base += kernel::attend_block)
            look(
                base, [](std::uint64_t) { return std::uint64_t{0}; },
                [&](std::uint64_t p) { return (std::min<std::uint64_t>)(kv.sinks(), p + 1); });
    }
    aim(0);
    const auto last = kv.length + token(count - 1);
    for (auto base = kv.block_begin(kv.oldest(kv.length + token(0))); base <= last; base += kernel::attend_block)
        look(
            base, [&](std::uint64_t p) { return kv.oldest(p); }, [](std::uint64_t p) { return p + 1; });
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t e = 0; e < s.E; ++e) w.mixed.x[token(i)][head(i) * s.E + e] = mean[i * E + e] / state[i].sum;
}

/// Attention of T tokens over the cache, to w.mixed: as many queries at once as there are, if every thread has some.
inline void attend(workspace& w, const cache& kv, const shape& s, std::size_t index, std::size_t T) {
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto most = (std::min)(kernel::attend_queries, widest_head / kv.padded_width());
        const auto each = std::clamp<std::size_t>(T * s.H / parts, 1, most);
        const auto tiles = (T * s.share() + each - 1) / each;
        const auto mine = sys::slice_of(s.G * tiles, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto g = i / tiles, first = i % tiles * each, count = (std::min)(each, T * s.share() - first);
            if (kv.type() == cache_type::q8)
                attend<std::int8_t>(w, kv, s, index, g, first, count, w.kernels.attend_q8);
            else
                attend<float>(w, kv, s, index, g, first, count, w.kernels.attend_f32);
        }
    });
}

/// One thread's part of the matrices, T tokens: W x with what comes right after it.
struct stage {
    workspace& w;
    const shape& s;
    std::size_t T, part, parts;

    void qkv(const linear& l) const {
        const auto bias = [&](float* y, std::size_t from, std::size_t to) {
            std::copy(l.bias + from, l.bias + to, y + from);
        };
        multiply_part(w, w.qkv, l.w, w.before_attention, T, part, parts, bias, leave);
    }
    void ffn_up(const linear& up, const matrix& down) const {
        const auto gelu = [&](float* y, std::size_t from, std::size_t to, std::size_t t) {
            w.kernels.bias_gelu(y + from, up.bias + from, to - from);
            if (!packed(down.type)) return;
            const auto q = w.ffn.q[t];
            const auto g = from / num::group_len;
            w.kernels.quantize_q8({q.q + from, q.scale + g, q.sum + g}, y + from, to - from, num::group_len);
        };
        multiply_part(w, w.ffn.x, up.w, w.before_ffn, T, part, parts, start_at_zero, gelu);
    }
    void residual(const linear& l, const activations& x) const {
        const auto bias = [&](float* y, std::size_t from, std::size_t to) {
            for (auto i = from; i < to; ++i) y[i] += l.bias[i];
        };
        multiply_part(w, w.x, l.w, x, T, part, parts, bias, leave);
    }
};

/// Block `index` over T tokens in w.x, at positions kv.length and on. Every run() ends where all threads' results are
/// needed.
inline void block(workspace& w, cache& kv, const shape& s, const layer_weights& layer, std::size_t index,
                  std::size_t T) {
    const auto run = [&](auto part_of) {
        w.team->run([&](std::size_t part, std::size_t parts) { part_of(stage{w, s, T, part, parts}); });
    };
    const auto before_ffn = [&](std::size_t t) { normalise(w, s, layer.before_ffn, w.before_ffn, layer.ffn_up.w, t); };
    each_token(w, T, [&](std::size_t t) {
        normalise(w, s, layer.before_attention, w.before_attention, layer.qkv.w, t);
        if (s.parallel_residual) before_ffn(t);
    });
    run([&](const stage& mine) {
        mine.qkv(layer.qkv);
        if (s.parallel_residual) mine.ffn_up(layer.ffn_up, layer.ffn_down.w);
    });
    remember(w, kv, s, index, T);
    attend(w, kv, s, index, T);
    each_token(w, T, [&](std::size_t t) { quantize(w, w.mixed, layer.attention_out.w, t); });
    run([&](const stage& mine) {
        mine.residual(layer.attention_out, w.mixed);
        if (s.parallel_residual) mine.residual(layer.ffn_down, w.ffn);
    });
    if (s.parallel_residual) return;
    each_token(w, T, before_ffn);
    run([&](const stage& mine) { mine.ffn_up(layer.ffn_up, layer.ffn_down.w); });
    run([&](const stage& mine) { mine.residual(layer.ffn_down, w.ffn); });
}

}  // namespace narae::inline NARAE_ABI::model

#endif
