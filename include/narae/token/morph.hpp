// SPDX-License-Identifier: MIT
// Where an eojeol (a Korean word between blanks) may be cut: a linear model says of every gap between two Hangul
// syllables whether a particle, an ending or another morpheme begins there. It looks at the run of syllables around the
// gap and at nothing else, in whole numbers only, so the cuts are the same everywhere. learn/boundaries.hpp trains it.
#ifndef NARAE_TOKEN_MORPH_HPP
#define NARAE_TOKEN_MORPH_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "narae/base/config.hpp"
#include "narae/text/hangul.hpp"

namespace narae::inline NARAE_ABI::token {

struct boundary_model {
    static constexpr unsigned bits = 17;
    static constexpr std::size_t slots = std::size_t{1} << bits;

    /// One for each slot. A new model cuts nowhere.
    std::vector<std::int8_t> weights = std::vector<std::int8_t>(slots);
    std::int32_t cut = 0;  ///< a morpheme begins where the weights of a gap sum to more than this
};

/// What the model sees of a gap: the codes of three syllables to the left (l1 is the nearest) and three to the right.
/// The code of a syllable is its place in Unicode's block, from 1 on; 0 stands for what is outside the run.
struct gap {
    std::uint64_t l3 = 0, l2 = 0, l1 = 0, r1 = 0, r2 = 0, r3 = 0;

    void shift(std::uint64_t next) noexcept { l3 = l2, l2 = l1, l1 = r1, r1 = r2, r2 = r3, r3 = next; }
};

/// f(slot) for each feature of a gap: n-grams around it, hashed into the table. Slots may be shared, and the model is
/// trained as such (Weinberger et al. 2009, arXiv:0902.2206).
inline void for_each_feature(const gap& g, auto&& f) {
    const auto see = [&](std::uint64_t kind, std::uint64_t what) noexcept {  // multiplicative, a factor for each kind
        constexpr std::uint64_t odd = 0xD6E8FEB86659FD93, even = 0x3C6EF372FE94F82A;
        f(static_cast<std::uint32_t>((what * (odd + kind * even)) >> (64 - boundary_model::bits)));
    };
    see(1, g.l1);
    see(2, g.r1);
    see(3, g.l1 << 16 | g.r1);
    see(4, g.l2 << 16 | g.l1);
    see(5, g.r1 << 16 | g.r2);
    see(6, g.l3 << 32 | g.l2 << 16 | g.l1);
    see(7, g.l2 << 32 | g.l1 << 16 | g.r1);
    see(8, g.l1 << 32 | g.r1 << 16 | g.r2);
    see(9, g.r1 << 32 | g.r2 << 16 | g.r3);
    see(10, (g.l1 - 1) % text::finals << 16 | g.r1);  // the final consonant before the gap, 0 for none
}

/// f(i, gap) for every gap in a run of Hangul syllables, which has size() and code points by []: the one before run[i].
inline void for_each_gap(const auto& run, auto&& f) {
    gap g;
    for (std::size_t i = 0; i < run.size() + 2; ++i) {
        g.shift(i < run.size() ? run[i] - text::first_syllable + 1 : 0);
        if (i >= 3) f(i - 2, g);
    }
}

}  // namespace narae::inline NARAE_ABI::token

#endif
