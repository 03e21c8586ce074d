// SPDX-License-Identifier: MIT
// What a code point is: its class for cutting text, its combining class, what it is composed of. The tables are
// unpacked by the compiler and searched by halving. Hangul syllables are computed, see text/hangul.hpp.
#ifndef NARAE_TEXT_UNICODE_HPP
#define NARAE_TEXT_UNICODE_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "narae/base/config.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/unicode_tables.hpp"

namespace narae::inline NARAE_ABI::text {

/// Classes as the patterns of tokenizers know them: \p{L} is letter; \p{N} is number and numeral; \s is space;
/// \w is mark, letter and number.
enum class char_class : std::uint8_t {
    other,    ///< punctuation, symbols, controls, unassigned
    mark,     ///< combining marks, connectors such as '_', joiners, circled letters
    letter,   ///< general category L
    number,   ///< Nd and Nl
    numeral,  ///< No: superscripts, fractions, circled numbers
    space,    ///< White_Space
};

/// One step of canonical decomposition; second is 0 where one code point stands for another.
struct decomposition {
    char32_t whole, first, second;
};

namespace tables {

struct run {
    char32_t begin;
    std::uint8_t value;
};

/// The next number of a packed table. Of the 90 characters from '#' to '~' (but for '?' and '\\') the first 20 are
/// digits with more to come, in base 20; the others are a number's last digit, in base 70.
constexpr char32_t unpack(const char*& p) noexcept {
    for (char32_t n = 0;; ++p) {
        const auto digit = static_cast<char32_t>(*p - '#' - (*p > '?') - (*p > '\\'));
        if (digit >= 20) return ++p, n * 70 + digit - 20;
        n = n * 20 + digit;
    }
}

/// The next number where each is written as a step from the last one: twice the step, or less one if it goes down.
constexpr char32_t unpack(const char*& p, char32_t& last) noexcept {
    const auto step = unpack(p);
    return last = step % 2 == 0 ? last + step / 2 : last - (step + 1) / 2;
}

/// Runs from U+0000 on, each packed as its length * values + its value.
template <std::size_t Count> constexpr std::array<run, Count> unpack_runs(const char* p, char32_t values) noexcept {
    std::array<run, Count> runs{};
    char32_t begin = 0;
    for (auto& r : runs) {
        const auto n = unpack(p);
        r = {begin, static_cast<std::uint8_t>(n % values)};
        begin += n / values;
    }
    return runs;
}
inline constexpr auto classes = unpack_runs<class_runs>(packed_classes, 6);
inline constexpr auto orders = unpack_runs<order_runs>(packed_orders, 256);

constexpr bool by_parts(const decomposition& a, const decomposition& b) noexcept {
    return a.first != b.first ? a.first < b.first : a.second < b.second;
}

/// What decomposes, by code point; and what of that composes again, by its parts.
struct canonical_tables {
    std::array<decomposition, decomposed> apart{};
    std::array<decomposition, composed> together{};
};
inline constexpr auto canonical = [] {
    canonical_tables t;
    const char* p = packed_decompositions;
    char32_t whole = 0, first = 0, second = 0;
    auto next = t.together.begin();
    for (auto d = t.apart.begin(); d != t.apart.end();) {
        const char32_t run = unpack(p), kind = run % 3;
        whole += run / 3;
        for (auto n = unpack(p); n > 0; --n) {
            *d = {whole++, unpack(p, first), kind == 0 ? 0 : unpack(p, second)};
            if (kind == 2) *next++ = *d;
            ++d;
        }
    }
    std::sort(t.together.begin(), t.together.end(), by_parts);
    return t;
}();

/// The value of the run that c stands in.
inline std::uint8_t value_at(const auto& runs, char32_t c) noexcept {
    const auto after =
        std::upper_bound(runs.begin(), runs.end(), c, [](char32_t x, const run& r) { return x < r.begin; });
    return std::prev(after)->value;
}

/// The classes of U+0000 to U+007F once more, by index.
inline constexpr auto ascii = [] {
    std::array<std::uint8_t, 128> t{};
    for (std::size_t r = 0; r + 1 < classes.size() && classes[r].begin < 128; ++r)
        for (auto c = classes[r].begin; c < 128; ++c) t[c] = classes[r].value;
    return t;
}();

}  // namespace tables

/// The class of a code point; other for anything past U+10FFFF.
inline char_class class_of(char32_t c) noexcept {
    if (c < 128) return static_cast<char_class>(tables::ascii[c]);
    if (is_syllable(c)) return char_class::letter;
    return c < 0x110000 ? static_cast<char_class>(tables::value_at(tables::classes, c)) : char_class::other;
}

/// The canonical combining class; 0 is a starter, others are marks that order themselves by it.
inline std::uint8_t combining_class(char32_t c) noexcept { return c < 0x300 ? 0 : tables::value_at(tables::orders, c); }

/// How c decomposes in one step, or a null pointer. Hangul syllables are not in the table.
inline const decomposition* decomposition_of(char32_t c) noexcept {
    if (c < 0xC0) return nullptr;
    const auto& t = tables::canonical.apart;
    const auto d = std::lower_bound(t.begin(), t.end(), c, [](const auto& x, char32_t y) { return x.whole < y; });
    return d != t.end() && d->whole == c ? &*d : nullptr;
}

/// The one code point that a followed by b composes to, or 0.
inline char32_t composition_of(char32_t a, char32_t b) noexcept {
    if (b < 0x300) return 0;
    if (const auto syllable = join_jamo(a, b)) return syllable;
    const auto& t = tables::canonical.together;
    const auto d = std::lower_bound(t.begin(), t.end(), decomposition{0, a, b}, tables::by_parts);
    return d != t.end() && d->first == a && d->second == b ? d->whole : 0;
}

}  // namespace narae::inline NARAE_ABI::text

#endif
