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
    // In the order of char_class: other, mark, letter, number, numeral, space.
    constexpr kind kinds[] = {kind::other, kind::other, kind::letter, kind::number, kind::number, kind::space};
    return kinds[static_cast<std::size_t>(c)];
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

/// Where the Hangul syllables end that begin at s[at]: most of a Korean text, told apart without looking them up.
inline std::size_t syllables_end(std::string_view s, std::size_t at) noexcept {
    while (at + 3 <= s.size() && text::is_syllable_at(s.data() + at)) at += 3;
    return at;
}

/// Where the run of one kind ends that begins at s[at].
inline std::size_t run_end(std::string_view s, std::size_t at, kind what) noexcept {
    while (at < s.size()) {
        if (what == kind::letter && (at = syllables_end(s, at)) == s.size()) break;
        const auto c = front({s.data() + at, s.size() - at});
        if (c.what != what) break;
        at += c.length;
    }
    return at;
}

}  // namespace pretoken

/// Bytes of the first piece of s, which must not be empty.
inline std::size_t first_piece(std::string_view s) noexcept {
    using namespace pretoken;
    if (const auto n = contraction(s)) return n;
    const std::size_t blank = s[0] == ' ' && s.size() > 1 ? 1 : 0;
    if (const auto n = syllables_end(s, blank); n > blank)
        return n == s.size() || s[n] == ' ' ? n : run_end(s, n, kind::letter);
    const auto c = front(s.substr(blank));
    if (c.what != kind::space) return run_end(s, blank, c.what);
    // White space. Before a word its last character is left over: a blank goes with the word, others stand alone.
    std::size_t n = 0, last = 0;
    for (step w; n < s.size(); last = n, n += w.length)
        if ((w = front(s.substr(n))).what != kind::space) return last == 0 ? n : last;
    return n;
}

/// f(piece) for every piece of s, in order.
void for_each_piece(std::string_view s, auto&& f) {
    while (!s.empty()) {
        const auto n = first_piece(s);
        f(s.substr(0, n));
        s.remove_prefix(n);
    }
}

}  // namespace narae::inline NARAE_ABI::token

#endif
