// SPDX-License-Identifier: MIT
// Sorting, compiled once: every std::sort of another type or order is kilobytes of code in the user's program.
#ifndef NARAE_BASE_SORTED_HPP
#define NARAE_BASE_SORTED_HPP

#include <algorithm>
#include <cstddef>
#include <vector>

#include "narae/base/callback.hpp"

namespace narae::inline NARAE_ABI {

/// The numbers below n, sorted so that before(a, b) holds for no b that stands in front of an a. Not for hot loops.
inline std::vector<std::size_t> sorted(std::size_t n, callback<std::size_t, std::size_t> before) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    std::sort(order.begin(), order.end(), before);
    return order;
}

}  // namespace narae::inline NARAE_ABI

#endif
