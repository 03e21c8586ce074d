// SPDX-License-Identifier: MIT
// The letters. They mean the same in every file of narae:
//   T tokens in this call    S slots of the cache     L layers    D width of the residual stream
//   H query heads            G key-value heads        E head width    F width of the feed-forward layer
//   V vocabulary rows        N rows (outputs) and K columns (inputs) of any matrix
#ifndef NARAE_MODEL_SHAPE_HPP
#define NARAE_MODEL_SHAPE_HPP

#include <cstddef>

#include "narae/base/bytes.hpp"
#include "narae/store/config.hpp"

namespace narae::inline NARAE_ABI::model {

/// The shape of a GPT-NeoX model. Black et al. 2022, arXiv:2204.06745.
struct shape {
    std::size_t L, D, H, G, E, F, V;
    std::size_t rotary;  ///< the first `rotary` dimensions of a head are rotated; even
    double rotary_base;
    std::size_t positions;  ///< the length it was trained for
    float norm_eps;
    bool parallel_residual;  ///< attention and feed-forward read the same input, and both are added to it
    bool tied;               ///< the head is the embedding

    explicit shape(const store::config& c)
        : L(c.layers), D(c.width), H(c.heads), G(c.kv_heads), E(c.head_width), F(c.ffn), V(c.vocab), rotary(c.rotary),
          rotary_base(c.rotary_base), positions(c.positions), norm_eps(static_cast<float>(c.norm_eps)),
          parallel_residual(c.parallel_residual), tied(c.tied) {}

    /// How many query heads share one key-value head. GQA: Ainslie et al. 2023, arXiv:2305.13245, section 2.2;
    /// G == H is plain multi-head attention, G == 1 multi-query attention.
    std::size_t share() const noexcept { return H / G; }

    // The rows of the fused QKV matrix go key-value head by key-value head: the queries that share it, its key, its
    // value, each E rows. With G == H that is just how GPT-NeoX interleaves them: q, k, v of head 0, then of head 1.
    std::size_t qkv_rows() const noexcept { return (H + 2 * G) * E; }
    std::size_t q_row(std::size_t h) const noexcept { return (h / share() * (share() + 2) + h % share()) * E; }
    std::size_t k_row(std::size_t g) const noexcept { return (g * (share() + 2) + share()) * E; }
    std::size_t v_row(std::size_t g) const noexcept { return k_row(g) + E; }
};

}  // namespace narae::inline NARAE_ABI::model

#endif
