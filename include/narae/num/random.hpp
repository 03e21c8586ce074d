// SPDX-License-Identifier: MIT
// Random numbers that are the same everywhere: SplitMix64, Steele, Lea and Flood 2014. Never for secrets.
#ifndef NARAE_NUM_RANDOM_HPP
#define NARAE_NUM_RANDOM_HPP

#include <cstdint>
#include <utility>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::num {

struct random {
    std::uint64_t state;

    std::uint64_t next() noexcept {
        std::uint64_t z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// A whole number below n, 1 <= n < 2^32. Its bias is below n / 2^32.
    std::uint64_t below(std::uint64_t n) noexcept { return (next() >> 32) * n >> 32; }

    /// Nearly normal, mean 0 and deviation 1: the sum of four uniform numbers, exact in any order.
    float normal() noexcept {
        std::int64_t sum = 0;
        for (auto bits = next(); bits != 0; bits >>= 16) sum += static_cast<std::int64_t>(bits & 0xFFFF);
        return static_cast<float>(sum - 2 * 0xFFFF) * (1.7320508f / 65536.0f);
    }

    /// Puts the elements of a list in random order.
    template <class List> void shuffle(List& list) noexcept {
        for (auto n = list.size(); n > 1; --n) std::swap(list[n - 1], list[static_cast<std::size_t>(below(n))]);
    }
};

}  // namespace narae::inline NARAE_ABI::num

#endif
