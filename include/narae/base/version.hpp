// SPDX-License-Identifier: MIT
// The three numbers, written nowhere else.
#ifndef NARAE_BASE_VERSION_HPP
#define NARAE_BASE_VERSION_HPP

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;
inline constexpr char version_text[] = {'0' + version_major, '.', '0' + version_minor, '.', '0' + version_patch, 0};

}  // namespace narae::inline NARAE_ABI

#endif
