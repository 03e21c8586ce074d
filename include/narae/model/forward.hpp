// SPDX-License-Identifier: MIT
// The whole network on one page: embed, L blocks, norm, head. GPT-NeoX: Black et al. 2022, arXiv:2204.06745.
// Read model/shape.hpp before it (the letters) and model/block.hpp after it. One forward serves every weight format.
#ifndef NARAE_MODEL_FORWARD_HPP
#define NARAE_MODEL_FORWARD_HPP

#include <span>

#include "narae/base/callback.hpp"
#include "narae/model/block.hpp"

namespace narae::inline NARAE_ABI::model {

/// Cosines, then sines, of the angles by which `position` turns the pairs of a head. The frequencies are rounded to
/// float as the reference does; the angle is a double, so that it stays exact at any position.
inline void fill_turn(float* turn, const shape& s, std::uint64_t position) noexcept {
    const std::size_t half = s.rotary / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(s.rotary);
        const auto frequency = static_cast<float>(1.0 / std::pow(s.rotary_base, exponent));
        const auto [sine, cosine] = num::sincos(static_cast<double>(position) * static_cast<double>(frequency));
        turn[i] = cosine;
        turn[i + half] = sine;
    }
}

/// Which logits a forward pass computes: the head is the largest matrix, so no more of them than asked for.
enum class want { nothing, last, each };

/// Runs ids[T], T <= chunk_len, each below V, through the network at the cache's next positions, which they then fill.
/// `seen(t, logits[V])` is called for each t wanted, ascending; the logits stay in w.logits until the next call.
inline void forward(workspace& w, cache& kv, const weights& m, const shape& s, std::span<const std::uint32_t> ids,
                    want logits, callback<std::size_t, std::span<const float>> seen = {}) {
    const std::size_t T = ids.size();
    for (std::size_t t = 0; t < T; ++t) {
        copy_row(w.x[t], m.embedding, ids[t]);
        fill_turn(w.turn[t], s, kv.length + t);
        fill_turn(w.turn[t] + s.rotary, s, kv.query_position(kv.length + t));
    }
    for (std::size_t i = 0; i < s.L; ++i) block(w, kv, s, m.layers[i], i, T);
    kv.length += T;
    if (logits == want::nothing) return;

    // The head is a matrix like any other; its input may take the place of a block's.
    const auto& last = w.before_attention;
    for (std::size_t t = logits == want::each ? 0 : T - 1; t < T; t += workspace::head_len) {
        const auto n = (std::min)(workspace::head_len, T - t);
        for (std::size_t i = 0; i < n; ++i) normalise(w, s, m.last, last, m.head, t + i);
        w.team->run([&](std::size_t part, std::size_t parts) {
            const activations x{{last.x[t], last.x.stride}, last.q.from(t)};
            multiply_part(w, w.logits, m.head, x, n, part, parts, start_at_zero, leave);
        });
        for (std::size_t i = 0; i < n; ++i) seen(t + i, std::span<const float>(w.logits[i], s.V));
    }
}

}  // namespace narae::inline NARAE_ABI::model

#endif
