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

/// Mixes one head of one token: out[E] = softmax(q . K / sqrt(E)) V over what the cache lets position p see.
inline void attend(float* out, const workspace& w, const cache& kv, const shape& s, const float* q, const float* turn,
                   std::size_t layer, std::size_t g, std::uint64_t p) noexcept {
    constexpr std::size_t widest = 1024;  // store::config allows no wider head
    float rotated[widest], mean[widest] = {};
    std::int8_t rotated_q8[widest];
    const std::size_t E = kv.padded_width();
    const float scale = 1.0f / std::sqrt(static_cast<float>(s.E));
    float q_scale = 0;
    kernel::softmax_state state;

    const auto aim = [&](const float* by) {  // the query as it looks from one position
        for (std::size_t i = 0; i < E; ++i) rotated[i] = i < s.E ? q[i] : 0.0f;
        rotate(rotated, by, s.rotary);
        if (kv.type() == cache_type::q8) q_scale = num::quantize_q8(rotated_q8, rotated, E) * scale;
    };
    const auto look = [&](std::size_t slot, std::size_t n) {  // at n neighbouring slots
        const auto k = kv.key(layer, g, slot), v = kv.value(layer, g, slot);
        if (kv.type() == cache_type::q8)
            w.kernels.attend_q8(state, mean, rotated_q8, q_scale, kv.q8(k), kv.scale(k), kv.q8(v), kv.scale(v), n, E);
        else
            w.kernels.attend_f32(state, mean, rotated, scale, kv.f32(k), kv.f32(v), n, E);
    };

    if (kv.sinks() != 0) {
        aim(turn + s.rotary);
        const auto seen = static_cast<std::size_t>((std::min<std::uint64_t>)(kv.sinks(), p + 1));
        for (std::size_t from = 0; from < seen; from += kernel::attend_block)
            look(from, (std::min)(seen - from, kernel::attend_block));
    }
    aim(turn);
    for (auto from = kv.oldest(p); from <= p;) {
        const auto to = kv.block_end(from, p + 1);
        look(kv.slot(from), static_cast<std::size_t>(to - from));
        from = to;
    }
    for (std::size_t i = 0; i < s.E; ++i) out[i] = mean[i] / state.sum;
}

/// attention_out[t] = W mix(...) without its bias, for T tokens whose normalised input is in w.normed.
inline void attention(workspace& w, cache& kv, const shape& s, const layer_weights& layer, std::size_t index,
                      std::size_t T) {
    project(w, w.qkv, layer.qkv.w, w.normed, T);
    w.team->run([&](std::size_t part, std::size_t parts) {  // biases; keys and values into the cache
        const auto mine = sys::slice_of(T * s.G, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto t = i / s.G, g = i % s.G;
            float* qkv = w.qkv[t];
            const auto from = s.q_row(g * s.share()), to = s.v_row(g) + s.E;
            for (auto r = from; r < to; ++r) qkv[r] += layer.qkv.bias[r];
            rotate(qkv + s.k_row(g), w.turn[t], s.rotary);
            const auto slot = kv.slot(kv.length + t);
            kv.put(kv.key(index, g, slot), qkv + s.k_row(g), s.E);
            kv.put(kv.value(index, g, slot), qkv + s.v_row(g), s.E);
        }
    });
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(T * s.H, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto t = i / s.H, h = i % s.H;
            attend(w.mixed[t] + h * s.E, w, kv, s, w.qkv[t] + s.q_row(h), w.turn[t], index, h / s.share(),
                   kv.length + t);
        }
    });
    project(w, w.attention_out, layer.attention_out.w, w.mixed, T);
}

/// ffn_out[t] = W_down gelu(W_up x + bias) without the last bias, for T tokens whose normalised input is in w.normed.
inline void feed_forward(workspace& w, const shape& s, const layer_weights& layer, std::size_t T) {
    project(w, w.ffn, layer.ffn_up.w, w.normed, T);
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(s.F, num::lanes, part, parts);
        for (std::size_t t = 0; t < T; ++t)
            w.kernels.bias_gelu(w.ffn[t] + mine.begin, layer.ffn_up.bias + mine.begin, mine.end - mine.begin);
    });
    project(w, w.ffn_out, layer.ffn_down.w, w.ffn, T);
}

/// normed[t] = norm(x[t])
inline void normalise(workspace& w, const shape& s, const norm& n, std::size_t T) {
    for (std::size_t t = 0; t < T; ++t) w.kernels.layer_norm(w.normed[t], w.x[t], n.gain, n.bias, s.D, s.norm_eps);
}

/// x[t] += out[t] + bias
inline void add(workspace& w, const shape& s, const rows& out, const float* bias, std::size_t T) {
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t i = 0; i < s.D; ++i) w.x[t][i] += out[t][i] + bias[i];
}

/// Block `index` over T tokens in w.x, at positions kv.length and on.
inline void block(workspace& w, cache& kv, const shape& s, const layer_weights& layer, std::size_t index,
                  std::size_t T) {
    normalise(w, s, layer.before_attention, T);
    attention(w, kv, s, layer, index, T);
    if (!s.parallel_residual) add(w, s, w.attention_out, layer.attention_out.bias, T);
    normalise(w, s, layer.before_ffn, T);
    feed_forward(w, s, layer, T);
    if (s.parallel_residual) add(w, s, w.attention_out, layer.attention_out.bias, T);
    add(w, s, w.ffn_out, layer.ffn_down.bias, T);
}

}  // namespace narae::inline NARAE_ABI::model

#endif
