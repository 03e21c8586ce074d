// SPDX-License-Identifier: MIT
// The two 16-bit floats of model files, to and from float: IEEE 754 binary16 and bfloat16.
// Integer arithmetic only, so no compiler flag changes a bit; rounding is to nearest, ties to even.
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

/// The nearest binary16; beyond 65,504 infinity, a NaN stays a NaN.
constexpr std::uint16_t f32_to_f16(float f) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(f);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t size = bits & 0x7FFFFFFFu;
    if (size > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);
    if (size >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // 65,520 and above
    if (size < 0x33000001u) return sign;                                         // 2^-25 and below
    const std::uint32_t exponent = size >> 23;
    std::uint32_t mantissa = size & 0x7FFFFFu, dropped = 13;
    if (exponent < 113) {  // subnormal: the hidden bit becomes explicit, more bits go
        mantissa |= 0x800000u;
        dropped += 113 - exponent;
    } else {
        mantissa |= (exponent - 112) << 23;
    }
    const std::uint32_t half = 1u << (dropped - 1), rest = mantissa & ((1u << dropped) - 1);
    std::uint32_t rounded = mantissa >> dropped;
    if (rest > half || (rest == half && (rounded & 1))) ++rounded;
    return static_cast<std::uint16_t>(sign | rounded);
}

/// The float a bfloat16 stands for: its upper half.
constexpr float bf16_to_f32(std::uint16_t h) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16);
}

}  // namespace narae::inline NARAE_ABI::num

#endif
