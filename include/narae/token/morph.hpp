// SPDX-License-Identifier: MIT
// Where an eojeol (a Korean word between blanks) may be cut: a linear model says of every gap between two Hangul
// syllables whether a particle, an ending or another morpheme begins there. It looks at the run of syllables around the
// gap and at nothing else, in whole numbers only, so the cuts are the same everywhere. learn/boundaries.hpp trains it.
#ifndef NARAE_TOKEN_MORPH_HPP
#define NARAE_TOKEN_MORPH_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "narae/base/config.hpp"
#include "narae/text/hangul.hpp"

namespace narae::inline NARAE_ABI::token {

/// What the model sees of one gap, each as a slot of its table. Slots may be shared: the table is hashed
/// (Weinberger et al. 2009, arXiv:0902.2206) and trained as such.
inline constexpr std::size_t gap_features = 10;
using gap_slots = std::array<std::uint32_t, gap_features>;

struct boundary_model {
    static constexpr unsigned bits = 17;
    static constexpr std::size_t slots = std::size_t{1} << bits;

    /// One for each slot. A new model cuts nowhere.
    std::vector<std::int8_t> weights = std::vector<std::int8_t>(slots);
    std::int32_t cut = 0;  ///< a morpheme begins where the weights of a gap sum to more than this
};

/// f(i, slots) for every gap of a run of Hangul syllables: the one before run[i], 0 < i < run.size(). Three syllables
/// to the left (l) and three to the right (r) are looked at.
template <class F>
void for_each_gap(std::u32string_view run, F&& f) {
    // A syllable is a number that is not 0; 0 stands for what is outside the run.
    const auto code = [](char32_t c) noexcept { return std::uint64_t{c - text::first_syllable + 1}; };
    std::uint64_t l3 = 0, l2 = 0, l1 = 0, r1 = 0, r2 = 0, r3 = 0;
    for (std::size_t i = 0; i < run.size() + 2; ++i) {
        l3 = l2, l2 = l1, l1 = r1, r1 = r2, r2 = r3, r3 = i < run.size() ? code(run[i]) : 0;
        if (i < 3) continue;
        gap_slots at;
        std::size_t k = 0;
        const auto see = [&](std::uint64_t what) noexcept {  // multiplicative hashing, each kind by a factor of its own
            constexpr std::uint64_t odd = 0xD6E8FEB86659FD93, even = 0x3C6EF372FE94F82A;
            at[k] = static_cast<std::uint32_t>((what * (odd + (k + 1) * even)) >> (64 - boundary_model::bits));
            ++k;
        };
        see(l1);
        see(r1);
        see(l1 << 16 | r1);
        see(l2 << 16 | l1);
        see(r1 << 16 | r2);
        see(l3 << 32 | l2 << 16 | l1);
        see(l2 << 32 | l1 << 16 | r1);
        see(l1 << 32 | r1 << 16 | r2);
        see(r1 << 32 | r2 << 16 | r3);
        see((l1 - 1) % text::finals << 16 | r1);  // the final consonant before the gap, 0 for none
        f(i - 2, at);
    }
}

}  // namespace narae::inline NARAE_ABI::token

#endif
