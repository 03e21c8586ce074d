// SPDX-License-Identifier: MIT
// Lines that were there before: the same bytes, by a 64-bit hash, or nearly the same letters, by MinHash (Broder 1997)
// and bands of it (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, ch. 3). Memory grows with what is
// remembered up to a limit; beyond it the oldest are forgotten.
#ifndef NARAE_CORPUS_DUPLICATES_HPP
#define NARAE_CORPUS_DUPLICATES_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/corpus/quality.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::corpus {

/// Never 0.
inline std::uint64_t hash_of(std::string_view bytes) noexcept {
    std::uint64_t hash = bytes.size() + 1;
    while (bytes.size() >= 8) {
        hash = token::mix(hash ^ load_le<std::uint64_t>(bytes.data()));
        bytes.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    for (const char c : bytes) rest = rest << 8 | static_cast<unsigned char>(c);
    return (std::max)(token::mix(token::mix(hash ^ rest)), std::uint64_t{1});
}

/// The last `most` hashes, 16 to 32 bytes each, or half as many: when one half is full the other one is forgotten.
class seen_hashes {
public:
    explicit seen_hashes(std::size_t most) : half_((std::max)(most / 2, std::size_t{1})) {}

    /// Adds `hash`, which is not 0; false if it was there.
    bool insert(std::uint64_t hash) {
        if (*place(old_, hash) == hash || *place(new_, hash) == hash) return false;
        if (count_ == half_) {
            old_ = std::exchange(new_, table(least));
            count_ = 0;
        } else if (2 * (count_ + 1) > new_.size()) {
            for (const auto h : std::exchange(new_, table(2 * new_.size())))
                if (h != 0) *place(new_, h) = h;
        }
        *place(new_, hash) = hash;
        ++count_;
        return true;
    }

private:
    using table = std::vector<std::uint64_t>;
    static constexpr std::size_t least = 64;

    static std::uint64_t* place(table& slots, std::uint64_t hash) noexcept {
        auto at = static_cast<std::size_t>(hash) & (slots.size() - 1);
        while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & (slots.size() - 1);
        return &slots[at];
    }

    std::size_t half_, count_ = 0;
    table new_ = table(least), old_ = new_;
};

/// 64 minima of hashed shingles, 8 bits of each: the share of equal ones estimates how much two lines have in common
/// (shingles of both over shingles of either), give or take 0.05.
using signature = std::array<std::uint8_t, 64>;

inline signature signature_of(const letters& l) {
    constexpr auto seeds = [] {
        std::array<std::uint32_t, std::tuple_size_v<signature>> f{};
        std::uint64_t x = 1;
        for (auto& y : f) y = static_cast<std::uint32_t>((x = token::mix(x + 0x5DEECE66D)) >> 24);
        return f;
    }();
    std::array<std::uint32_t, seeds.size()> minima;
    minima.fill(~std::uint32_t{0});
    for_each_shingle(l.text, [&](std::uint64_t hash) {
        const auto x = static_cast<std::uint32_t>(hash >> 16);
        for (std::size_t k = 0; k < minima.size(); ++k) {
            auto y = (x ^ seeds[k]) * 0x85EBCA6B;
            y = (y ^ y >> 13) * 0xC2B2AE35;
            minima[k] = y < minima[k] ? y : minima[k];
        }
    });
    signature s;
    for (std::size_t k = 0; k < s.size(); ++k) s[k] = static_cast<std::uint8_t>(minima[k] * 0x9E3779B1u >> 24);
    return s;
}

/// The last `most` lines that were new, 128 bytes each. A line is looked up by 16 bands of 4 bytes of its signature,
/// then compared with the line that was found: one that shares 7 of 10 shingles is found, surely enough.
class near_duplicates {
public:
    explicit near_duplicates(std::size_t most)
        : most_(std::bit_ceil((std::max)(most, least))), places_(bands * least) {}

    /// Adds the line; false if one like it was there.
    bool insert(const signature& s) {
        for (std::size_t b = 0; b < bands; ++b)
            if (const auto line = *place(s, b); line != 0 && alike(s, lines_[line - 1])) return false;
        if (lines_.size() < most_ && lines_.size() == places_.size() / bands) {  // more places than lines
            places_ = std::vector<std::uint32_t>(2 * places_.size());
            for (std::size_t i = 0; i < lines_.size(); ++i) remember(i);
        }
        if (lines_.size() < most_)
            lines_.push_back(s);
        else
            lines_[next_ % most_] = s;
        remember(next_++ % most_);
        return true;
    }

private:
    static constexpr std::size_t bands = 16, rows = 4, least = std::size_t{1} << 10;

    static bool alike(const signature& a, const signature& b) noexcept {
        unsigned equal = 0;
        for (std::size_t k = 0; k < a.size(); ++k) equal += a[k] == b[k];
        return equal * 10 >= a.size() * 7;
    }
    /// Where the number of the newest line with this band stands, counted from 1.
    std::uint32_t* place(const signature& s, std::size_t band) noexcept {
        const auto width = places_.size() / bands;
        const auto hash = token::mix(load_le<std::uint32_t>(s.data() + rows * band) + (std::uint64_t{band} << 32));
        return places_.data() + width * band + (static_cast<std::size_t>(hash >> 20) & (width - 1));
    }
    void remember(std::size_t line) noexcept {
        for (std::size_t b = 0; b < bands; ++b) *place(lines_[line], b) = static_cast<std::uint32_t>(line + 1);
    }

    std::size_t most_, next_ = 0;
    std::vector<signature> lines_;
    std::vector<std::uint32_t> places_;
};

}  // namespace narae::inline NARAE_ABI::corpus

#endif
