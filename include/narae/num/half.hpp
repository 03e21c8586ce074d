// SPDX-License-Identifier: MIT
// The two 16-bit floats of model files, as floats: IEEE 754 binary16 and bfloat16.
// Integer arithmetic only, so no compiler flag changes a bit. The way back is num/to_half.hpp.
#ifndef NARAE_NUM_HALF_HPP
#define NARAE_NUM_HALF_HPP

#include <bit>
#include <cstdint>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::num {

/// The float a binary16 stands for; exact for all 65,536 codes.
constexpr float f16_to_f32(std::uint16_t h) noexcept {
    const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
    const std::uint32_t exponent = (h >> 10) & 31u;
    std::uint32_t mantissa = h & 0x3FFu;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
    if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
    if (mantissa == 0) return std::bit_cast<float>(sign);
    const auto shift = static_cast<std::uint32_t>(std::countl_zero(mantissa)) - 21;  // a subnormal, made normal
    mantissa = (mantissa << shift) & 0x3FFu;
    return std::bit_cast<float>(sign | ((113 - shift) << 23) | (mantissa << 13));
}

/// The float a bfloat16 stands for: its upper half.
constexpr float bf16_to_f32(std::uint16_t h) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16);
}

}  // namespace narae::inline NARAE_ABI::num

#endif
