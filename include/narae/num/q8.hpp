// SPDX-License-Identifier: MIT
// 8-bit numbers: activations as kernels read them (q8_row), and packed 8-bit weights.
// Symmetric, w[i] = scale * q[i] with q in -127..127, one scale per group of 64 along K.
#ifndef NARAE_NUM_Q8_HPP
#define NARAE_NUM_Q8_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "narae/base/bytes.hpp"
#include "narae/num/half.hpp"

namespace narae::inline NARAE_ABI::num {

/// How many neighbours along K share one scale, in weights and in activations.
inline constexpr std::size_t group_len = 64;
/// How many rows of a packed matrix stand side by side, so that each SIMD lane owns a row.
inline constexpr std::size_t tile_rows = 16;

constexpr std::size_t groups_of(std::size_t k) noexcept { return (k + group_len - 1) / group_len; }
constexpr std::size_t tiles_of(std::size_t n) noexcept { return (n + tile_rows - 1) / tile_rows; }

/// Round to nearest, ties to even, after clamping to +-127; a NaN becomes -127.
inline std::int8_t round_q8(float v) noexcept {
    v = v > -127.0f ? v : -127.0f;
    v = v < 127.0f ? v : 127.0f;
    return static_cast<std::int8_t>(std::lrint(v));
}

/// q[n] = x in 8 bits; returns their scale, largest |x| / 127. All zero if x is.
inline float quantize_q8(std::int8_t* q, const float* x, std::size_t n) noexcept {
    float largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::abs(x[i]) > largest ? std::abs(x[i]) : largest;
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    for (std::size_t i = 0; i < n; ++i) q[i] = round_q8(x[i] * inverse);
    return largest / 127.0f;
}

/// One activation vector of K numbers in 8 bits, K padded to whole groups with zeros. A view: owns nothing.
struct q8_row {
    std::int8_t* q;     ///< [groups * 64]
    float* scale;       ///< [groups]
    std::int32_t* sum;  ///< [groups], the sum of the group's q: what a zero point of the weights must be taken times
};

/// Several of them, `groups` groups apart.
struct q8_rows {
    std::int8_t* q;
    float* scale;
    std::int32_t* sum;
    std::size_t groups;
    q8_rows from(std::size_t t) const noexcept {
        return {q + t * groups * group_len, scale + t * groups, sum + t * groups, groups};
    }
    q8_row operator[](std::size_t t) const noexcept { return {from(t).q, from(t).scale, from(t).sum}; }
};

/// What packed weights have in common: rows in tiles of 16, K in groups of 64, both padded with zeros;
///   tile = [groups][16] f16 scales, padded to 64 bytes, then [groups] codes of GroupBytes bytes
template <std::size_t GroupBytes> struct packed_layout {
    static constexpr std::size_t group_bytes = GroupBytes;
    static constexpr std::size_t scale_bytes(std::size_t k) noexcept {
        return round_up(groups_of(k) * tile_rows * 2, 64);
    }
    static constexpr std::size_t tile_bytes(std::size_t k) noexcept {
        return scale_bytes(k) + groups_of(k) * group_bytes;
    }
};

/// Packed 8-bit weights; the codes of a group are 16 chunks of 64 bytes:
///   chunk = 4 inputs of 16 rows: byte[row * 4 + j] = q(row, 4 * chunk + j)
/// 8.25 bits per weight. One 32-bit lane of a register holds 4 inputs of one row.
struct q8_layout : packed_layout<tile_rows * group_len> {
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code, within a tile's codes
        return k / 4 * (tile_rows * 4) + row * 4 + k % 4;
    }
    /// A weight without its scale.
    static constexpr int value(const std::byte* codes, std::size_t row, std::size_t k) noexcept {
        return static_cast<std::int8_t>(codes[at(row, k)]);
    }
};
static_assert(q8_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(8.25 * 1024 * tile_rows), "on-disk layout");

/// Row `row` of a tile as k floats.
template <class Layout> void unpack_row(float* out, const std::byte* tile, std::size_t row, std::size_t k) noexcept {
    for (std::size_t i = 0; i < k; ++i) {
        const float scale = f16_to_f32(load_le<std::uint16_t>(tile + (i / group_len * tile_rows + row) * 2));
        out[i] = scale * static_cast<float>(Layout::value(tile + Layout::scale_bytes(k), row, i));
    }
}

}  // namespace narae::inline NARAE_ABI::num

#endif
