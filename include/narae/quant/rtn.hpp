// SPDX-License-Identifier: MIT
// Round to nearest: weights to 8 and 4 bits, each group by itself. Read num/q8.hpp and num/q4.hpp for the layouts.
#ifndef NARAE_QUANT_RTN_HPP
#define NARAE_QUANT_RTN_HPP

#include <cmath>
#include <cstring>

#include "narae/num/q4.hpp"
#include "narae/num/to_half.hpp"

namespace narae::inline NARAE_ABI::quant {

/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q8_layout::tile_bytes(k) bytes, plain rounding.
inline void pack_tile_q8(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    using namespace num;
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

/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q4_layout::tile_bytes(k) bytes by plain rounding:
/// the weight of largest size becomes code 0, that is -8 times the scale, so all 16 codes are used.
inline void pack_tile_q4(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    using namespace num;
    std::memset(tile, 0, q4_layout::scale_bytes(k));
    std::byte* codes = tile + q4_layout::scale_bytes(k);
    std::memset(codes, 0x88, groups_of(k) * q4_layout::group_bytes);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            float largest = 0;
            for (std::size_t i = 0; i < n; ++i) largest = std::abs(w[i]) > std::abs(largest) ? w[i] : largest;
            const auto stored = f32_to_f16(largest / -8);
            const float scale = f16_to_f32(stored), inverse = scale < 0 || scale > 0 ? 1 / scale : 0;
            store_le(tile + (g * tile_rows + r) * 2, stored);
            for (std::size_t i = 0; i < n; ++i) {
                auto code = round_q8(w[i] * inverse);
                code = static_cast<std::int8_t>((code < -8 ? -8 : code > 7 ? 7 : code) + 8);
                auto& byte = codes[q4_layout::at(r, g * group_len + i)];
                const unsigned shift = q4_layout::shift(i);
                byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(code << shift);
            }
        }
}

}  // namespace narae::inline NARAE_ABI::quant

#endif
