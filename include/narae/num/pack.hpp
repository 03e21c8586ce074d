// SPDX-License-Identifier: MIT
// Packs weights into 8 and 4 bits, each group by itself, rounding to nearest. Read q8.hpp and q4.hpp for the layouts.
// Running a model needs no part of this.
#ifndef NARAE_NUM_PACK_HPP
#define NARAE_NUM_PACK_HPP

#include <cmath>
#include <cstring>

#include "narae/num/q4.hpp"
#include "narae/num/to_half.hpp"

namespace narae::inline NARAE_ABI::num {

/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q8_layout::tile_bytes(k) bytes, plain rounding.
inline void pack_tile_q8(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    std::memset(tile, 0, q8_layout::tile_bytes(k));
    std::byte* codes = tile + q8_layout::scale_bytes(k);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            float largest = 0;
            for (std::size_t i = 0; i < n; ++i) largest = std::abs(w[i]) > largest ? std::abs(w[i]) : largest;
            const auto stored = f32_to_f16(largest / 127);
            const float scale = f16_to_f32(stored), inverse = scale > 0 ? 1 / scale : 0;
            store_le(tile + (g * tile_rows + r) * 2, stored);
            for (std::size_t i = 0; i < n; ++i)
                codes[q8_layout::at(r, g * group_len + i)] = static_cast<std::byte>(round_q8(w[i] * inverse));
        }
}

/// The scale of a group of q4 weights: the weight of largest size becomes code 0, that is -8 times the scale, so all 16
/// codes are used.
struct q4_scale {
    std::uint16_t stored;  ///< f16
    float scale, inverse;

    explicit q4_scale(std::uint16_t f16) noexcept
        : stored(f16), scale(f16_to_f32(f16)), inverse(scale < 0 || scale > 0 ? 1 / scale : 0) {}
    q4_scale(const float* w, std::size_t n) noexcept : q4_scale(f32_to_f16(largest(w, n) / -8)) {}

    /// The weight of largest size.
    static float largest(const float* w, std::size_t n) noexcept {
        float found = 0;
        for (std::size_t i = 0; i < n; ++i) found = std::abs(w[i]) > std::abs(found) ? w[i] : found;
        return found;
    }
    /// 0 .. 15
    int code(float w) const noexcept {
        const int q = round_q8(w * inverse);
        return (q < -8 ? -8 : q > 7 ? 7 : q) + 8;
    }
};

/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q4_layout::tile_bytes(k) bytes, plain rounding;
/// by scales[row_count][groups] in f16 if someone has chosen them already.
inline void pack_tile_q4(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k,
                         const std::uint16_t* scales = nullptr) noexcept {
    std::memset(tile, 0, q4_layout::scale_bytes(k));
    std::byte* codes = tile + q4_layout::scale_bytes(k);
    std::memset(codes, 0x88, groups_of(k) * q4_layout::group_bytes);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            const auto by = scales == nullptr ? q4_scale(w, n) : q4_scale(scales[r * groups_of(k) + g]);
            store_le(tile + (g * tile_rows + r) * 2, by.stored);
            for (std::size_t i = 0; i < n; ++i) {
                auto& byte = codes[q4_layout::at(r, g * group_len + i)];
                const unsigned shift = q4_layout::shift(i);
                byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(by.code(w[i]) << shift);
            }
        }
}

/// out[k] = what row w[k] would be read as once pack_tile_q4 had packed it.
inline void round_to_q4(float* out, const float* w, std::size_t k) noexcept {
    for (std::size_t from = 0; from < k; from += group_len) {
        const std::size_t n = k - from < group_len ? k - from : group_len;
        const q4_scale by(w + from, n);
        for (std::size_t i = from; i < from + n; ++i) out[i] = by.scale * static_cast<float>(by.code(w[i]) - 8);
    }
}

}  // namespace narae::inline NARAE_ABI::num

#endif
