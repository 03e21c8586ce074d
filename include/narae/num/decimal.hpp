// SPDX-License-Identifier: MIT
// Numbers as text that no locale changes.
#ifndef NARAE_NUM_DECIMAL_HPP
#define NARAE_NUM_DECIMAL_HPP

#include <cmath>
#include <cstdint>
#include <string>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::num {

/// x with so many decimals, 0 to 22. Needs |x| * 10^digits < 1e18.
inline std::string decimal(double x, int digits) {
    if (x < 0) return std::string("-").append(decimal(-x, digits));
    auto s = std::to_string(static_cast<std::uint64_t>(std::floor(x * std::pow(10.0, digits) + 0.5)));
    if (digits == 0) return s;
    const auto n = static_cast<std::size_t>(digits);
    if (s.size() <= n) s.insert(0, n + 1 - s.size(), '0');
    return s.insert(s.size() - n, 1, '.');
}

/// The same without zeros at its end.
inline std::string short_decimal(double x, int digits) {
    auto s = decimal(x, digits);
    if (digits != 0) s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
    return s;
}

}  // namespace narae::inline NARAE_ABI::num

#endif
