// SPDX-License-Identifier: MIT
// 4-bit weights: w[i] = scale * (code[i] - 8), code in 0..15, one f16 scale (of either sign) per group of 64 along K.
// Read num/q8.hpp first: tiles, groups and padding are the same.
#ifndef NARAE_NUM_Q4_HPP
#define NARAE_NUM_Q4_HPP

#include "narae/num/q8.hpp"

namespace narae::inline NARAE_ABI::num {

/// Packed 4-bit weights, rows in tiles of 16, K in groups of 64, both padded with code 8 (zero):
///   tile  = [groups][16] f16 scales, padded to 64 bytes, then [groups][8 chunks] of 64 bytes
///   chunk = 8 inputs of 16 rows: byte[row * 4 + j] holds code(row, 8 * chunk + j) low and (.., + 4 + j) high
/// 4.25 bits per weight. A 64-byte load, masked, gives 4 inputs for 16 rows; shifted and masked, the next 4.
struct q4_layout {
    static constexpr std::size_t group_bytes = tile_rows * group_len / 2;
    static constexpr std::size_t scale_bytes(std::size_t k) noexcept { return q8_layout::scale_bytes(k); }
    static constexpr std::size_t tile_bytes(std::size_t k) noexcept {
        return scale_bytes(k) + groups_of(k) * group_bytes;
    }
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code's byte, within the codes
        return k / 8 * (tile_rows * 4) + row * 4 + k % 4;
    }
    static constexpr unsigned shift(std::size_t k) noexcept { return k % 8 < 4 ? 0 : 4; }
};
static_assert(q4_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(4.25 * 1024 * tile_rows), "on-disk layout");

/// Row `row` of a tile as k floats.
inline void unpack_row_q4(float* out, const std::byte* tile, std::size_t row, std::size_t k) noexcept {
    const std::byte* codes = tile + q4_layout::scale_bytes(k);
    for (std::size_t i = 0; i < k; ++i) {
        const float scale = f16_to_f32(load_le<std::uint16_t>(tile + (i / group_len * tile_rows + row) * 2));
        const int code = static_cast<int>(codes[q4_layout::at(row, i)] >> q4_layout::shift(i)) & 15;
        out[i] = scale * static_cast<float>(code - 8);
    }
}

}  // namespace narae::inline NARAE_ABI::num

#endif
