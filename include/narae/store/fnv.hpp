// SPDX-License-Identifier: MIT
// The hash by which a model file names the files that it was made from. Running a model needs no part of this.
// FNV-1a, 64 bits: Fowler, Noll and Vo.
#ifndef NARAE_STORE_FNV_HPP
#define NARAE_STORE_FNV_HPP

#include <cstdint>

#include "narae/base/bytes.hpp"

namespace narae::inline NARAE_ABI::store {

/// The hash of these bytes; pass the last value to go on with the next piece. It tells files apart; it is no protection
/// against someone who wants two to look alike.
inline std::uint64_t fnv1a64(byte_view bytes, std::uint64_t hash = 0xCBF29CE484222325) noexcept {
    for (const auto b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001B3;
    return hash;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
