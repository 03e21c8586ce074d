// SPDX-License-Identifier: MIT
// The contracts of attention over a block of cached positions: one query, one streaming pass, no score matrix.
// Online softmax: Milakov and Gimelshein 2018, arXiv:1805.02867; in blocks: Dao et al. 2022, arXiv:2205.14135.
#ifndef NARAE_KERNEL_ATTEND_CONTRACT_HPP
#define NARAE_KERNEL_ATTEND_CONTRACT_HPP

#include <cstddef>
#include <cstdint>

#include "narae/num/math.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// Positions are attended in blocks of at most this many; block borders lie at fixed slots of the cache.
inline constexpr std::size_t attend_block = 64;

/// Head widths are padded with zeros to a multiple of this.
inline constexpr std::size_t attend_pad = 16;

/// Where the softmax of one query stands: the largest score so far, and the sum of exp(score - largest).
struct softmax_state {
    float largest = -1e30f;
    float sum = 0;
};

/// What the old mean and a block's mean are multiplied by when the block joins it.
struct merge_factors {
    float a, b;
};

/// Takes n <= 64 more positions into the weighted mean o[E] of one query; divide o by state.sum at the end.
/// k and v hold one head of n neighbouring slots, [n, E] in 8 bits, a scale per slot; q[E] has one scale,
/// which already contains 1 / sqrt(head width). Needs E % 16 == 0.
/// In this order: score = float(q . k) * (q_scale * k_scale); m = largest score of the block; p = exp(score - m);
/// sum of p in num::lanes lanes; block[e] = sum over the positions, ascending, by fma(p * v_scale, v, .);
/// then with M = max(state.largest, m), a = exp(state.largest - M), b = exp(m - M):
/// o = fma(o, a, block * b), and likewise the sum. So every table gives equal bits (but for the sign of a largest
/// score of zero, on which nothing depends).
using attend_q8_op = void(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                          const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                          std::size_t e) noexcept;

/// The same over a float cache; score = (q . k in num::lanes lanes by fma) * scale.
using attend_f32_op = void(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                           std::size_t n, std::size_t e) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
