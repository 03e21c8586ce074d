// SPDX-License-Identifier: MIT
// Cuts text into the pieces that BPE never merges across. The cut is the GPT-2 pattern, tried in this order:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// written as a scanner over Unicode classes: every byte ends up in one piece. A byte that is not UTF-8 is of no class.
#ifndef NARAE_TOKEN_PRETOKEN_HPP
#define NARAE_TOKEN_PRETOKEN_HPP

#include <cstddef>
#include <string_view>

#include "narae/text/unicode.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::token {

namespace pretoken {

enum class kind { letter, number, space, other };

constexpr kind kind_of(text::char_class c) noexcept {
    switch (c) {
        case text::char_class::letter: return kind::letter;
        case text::char_class::number:
        case text::char_class::numeral: return kind::number;
        case text::char_class::space: return kind::space;
        default: return kind::other;
    }
}

struct step {
    kind what;
    std::size_t length;  // bytes
};

/// The character at the front of s, which must not be empty.
inline step front(std::string_view s) noexcept {
    if (const auto b = static_cast<unsigned char>(s[0]); b < 0x80) return {kind_of(text::class_of(b)), 1};
    const auto c = text::utf8_front(s);
    return {c.valid ? kind_of(text::class_of(c.code_point)) : kind::other, c.length};
}

/// Bytes of an English contraction at the front of s, or 0.
inline std::size_t contraction(std::string_view s) noexcept {
    if (s.size() < 2 || s[0] != '\'') return 0;
    if (s[1] == 's' || s[1] == 't' || s[1] == 'm' || s[1] == 'd') return 2;
    const auto two = s.substr(1, 2);
    return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}

/// Bytes of the Hangul syllables at the front of s: most of a Korean text, told apart without looking them up.
inline std::size_t syllables(std::string_view s) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    std::size_t n = 0;
    // U+AC00 to U+D7A3 are EA B0 80 to ED 9E A3.
    while (n + 3 <= s.size() && byte(n) >= 0xEA && byte(n) <= 0xED) {
        if ((byte(n + 1) & 0xC0) != 0x80 || (byte(n + 2) & 0xC0) != 0x80) break;
        const char32_t c = (byte(n) & 0x0Fu) << 12 | (byte(n + 1) & 0x3Fu) << 6 | (byte(n + 2) & 0x3Fu);
        if (!text::is_syllable(c)) break;
        n += 3;
    }
    return n;
}

/// Bytes of the run of one kind at the front of s.
inline std::size_t run(std::string_view s, kind what) noexcept {
    std::size_t n = 0;
    while (n < s.size()) {
        if (what == kind::letter) n += syllables(s.substr(n));
        if (n == s.size()) break;
        const auto c = front(s.substr(n));
        if (c.what != what) break;
        n += c.length;
    }
    return n;
}

}  // namespace pretoken

/// Bytes of the first piece of s, which must not be empty.
inline std::size_t first_piece(std::string_view s) noexcept {
    using namespace pretoken;
    if (const auto n = contraction(s)) return n;
    const std::size_t blank = s[0] == ' ' && s.size() > 1 ? 1 : 0;
    if (const auto n = blank + syllables(s.substr(blank)); n > blank) return n + run(s.substr(n), kind::letter);
    const auto c = front(s.substr(blank));
    if (c.what != kind::space) return blank + run(s.substr(blank), c.what);
    // White space. Before a word its last character is left over: a blank goes with the word, others stand alone.
    std::size_t n = 0, last = 0;
    while (n < s.size()) {
        const auto w = front(s.substr(n));
        if (w.what != kind::space) return last == 0 ? n : last;
        last = n;
        n += w.length;
    }
    return n;
}

/// f(piece) for every piece of s, in order.
template <class F>
void for_each_piece(std::string_view s, F&& f) {
    while (!s.empty()) {
        const auto n = first_piece(s);
        f(s.substr(0, n));
        s.remove_prefix(n);
    }
}

}  // namespace narae::inline NARAE_ABI::token

#endif
