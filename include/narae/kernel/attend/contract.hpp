// SPDX-License-Identifier: MIT
// The contracts of attention over a block of cached positions: some queries, one streaming pass, no score matrix.
// Online softmax: Milakov and Gimelshein 2018, arXiv:1805.02867; in blocks: Dao et al. 2022, arXiv:2205.14135.
#ifndef NARAE_KERNEL_ATTEND_CONTRACT_HPP
#define NARAE_KERNEL_ATTEND_CONTRACT_HPP

#include <cstddef>
#include <cstdint>

#include "narae/num/math.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// Positions are attended in blocks of this many slots; block borders lie at fixed slots of the cache.
inline constexpr std::size_t attend_block = 64;
/// Head widths are padded with zeros to a multiple of this.
inline constexpr std::size_t attend_pad = 16;
/// How many queries go through a block together at most.
inline constexpr std::size_t attend_queries = 8;

/// Keys lie in tiles of 16 slots, so that each SIMD lane owns a slot: four (8 bits) or one (float) of its numbers, then
/// those of the next slot. Where number i of slot j is, counted from the block's first key:
template <class Number> constexpr std::size_t key_at(std::size_t j, std::size_t i, std::size_t e) noexcept {
    constexpr std::size_t run = 4 / sizeof(Number);
    return j / num::lanes * num::lanes * e + i / run * num::lanes * run + j % num::lanes * run + i % run;
}

/// What one query sees of a block, and where its softmax stands.
struct query_state {
    float scale;                     ///< of its numbers, 1 / sqrt(head width) included
    std::int32_t sum_q;              ///< the sum of its numbers if they are 8 bits
    std::size_t begin = 0, end = 0;  ///< the slots it sees, begin < end
    float largest = -1e30f;          ///< score so far
    float sum = 0;                   ///< of exp(score - largest) so far
};

/// Up to eight queries that read the same keys and values: of neighbouring tokens, or of the heads that share them.
template <class Number> struct query_block {
    std::size_t count;
    const Number* q;     ///< [count, E]
    float* mean;         ///< [count, E] of the values seen so far; to be divided by sum at the end
    query_state* state;  ///< [count]
    query_block part(std::size_t first, std::size_t n, std::size_t e) const noexcept {
        return {n, q + first * e, mean + first * e, state + first};
    }
};

/// A block of the cache, one head of it: keys as key_at says, values [slots, E], for 8 bits a scale per slot.
template <class Number> struct cache_block {
    const Number* k;
    const float* k_scale;
    const Number* v;
    const float* v_scale;
};

/// Takes the slots that each query sees, all below n <= 64, into its weighted mean. Needs E % 16 == 0, and finite
/// numbers in every slot of the tiles touched.
/// In this order, for each query: score = float(q . k) * (scale * k_scale), in floats (q . k by fma, ascending) *
/// scale; m = largest score of the block; p = exp(score - m), 0 for what it does not see; sum of p in num::lanes lanes
/// by slot; block[e] = sum over the slots, ascending, by fma(p * v_scale, v, .); then with M = max(largest, m), a =
/// exp(largest - M), b = exp(m - M): mean = fma(mean, a, block * b), and likewise sum. So every table gives equal bits,
/// whoever shares the block (but for the sign of a largest score of zero, on which nothing depends).
template <class Number>
using attend_op = void(const query_block<Number>& queries, const cache_block<Number>& block, std::size_t n,
                       std::size_t e) noexcept;

}  // namespace narae::inline NARAE_ABI::kernel

#endif
