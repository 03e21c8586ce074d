// SPDX-License-Identifier: MIT
// 4-bit weights: w[i] = scale * (code[i] - 8), code in 0..15, one f16 scale (of either sign) per group of 64 along K.
// Read num/q8.hpp first: tiles, groups and padding are the same.
#ifndef NARAE_NUM_Q4_HPP
#define NARAE_NUM_Q4_HPP

#include "narae/num/q8.hpp"

namespace narae::inline NARAE_ABI::num {

/// Packed 4-bit weights, padded with code 8 (zero); the codes of a group are 8 chunks of 64 bytes:
///   chunk = 8 inputs of 16 rows: byte[row * 4 + j] holds code(row, 8 * chunk + j) low and (.., + 4 + j) high
/// 4.25 bits per weight. A 64-byte load, masked, gives 4 inputs for 16 rows; shifted and masked, the next 4.
struct q4_layout : packed_layout<tile_rows * group_len / 2> {
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code's byte, within the codes
        return k / 8 * (tile_rows * 4) + row * 4 + k % 4;
    }
    static constexpr unsigned shift(std::size_t k) noexcept { return k % 8 < 4 ? 0 : 4; }
    /// A weight without its scale.
    static constexpr int value(const std::byte* codes, std::size_t row, std::size_t k) noexcept {
        return (static_cast<int>(codes[at(row, k)] >> shift(k)) & 15) - 8;
    }
};
static_assert(q4_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(4.25 * 1024 * tile_rows), "on-disk layout");

}  // namespace narae::inline NARAE_ABI::num

#endif
