// SPDX-License-Identifier: MIT
// UTF-8 in both directions (Unicode 15, section 3.9, table 3-7): overlong forms, surrogates and values past
// U+10FFFF are not characters.
#ifndef NARAE_TEXT_UTF8_HPP
#define NARAE_TEXT_UTF8_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI::text {

/// One step through UTF-8 text.
struct utf8_step {
    char32_t code_point;  ///< U+FFFD where !valid
    std::size_t length;   ///< bytes consumed, at least 1; of an invalid sequence its maximal well-formed prefix
    bool valid;
    bool cut;  ///< invalid only because the text ends too early: more bytes could still make it a character
};

/// The character at the front of `s`, which must not be empty.
inline utf8_step utf8_front(std::string_view s) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {lead, 1, true, false};
    if (lead < 0xC2 || lead > 0xF4) return {0xFFFD, 1, false, false};
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t c = lead & (0x7Fu >> length);
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  // bounds of the second byte
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        if (i >= s.size()) return {0xFFFD, i, false, true};
        const unsigned b = byte(i);
        if (b < low || b > high) return {0xFFFD, i, false, false};
        c = (c << 6) | (b & 0x3F);
        low = 0x80, high = 0xBF;
    }
    return {c, length, true, false};
}

/// Do three bytes spell a Hangul syllable, U+AC00 (EA B0 80) to U+D7A3 (ED 9E A3)?
inline bool is_syllable_at(const char* p) noexcept {
    const auto byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
    const auto three = byte(0) << 16 | byte(1) << 8 | byte(2);  // in the order of code points
    return three - 0xEAB080 <= 0xED9EA3 - 0xEAB080 && (three & 0xC0C0) == 0x8080;
}

/// That syllable, if they do.
inline char32_t syllable_at(const char* p) noexcept {
    const auto six_bits = [&](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i]) & 0x3F); };
    return (six_bits(0) & 0xF) << 12 | six_bits(1) << 6 | six_bits(2);
}

/// Appends the UTF-8 bytes of c, which must be a Unicode scalar value.
inline void utf8_append(std::string& out, char32_t c) {
    const auto put = [&](char32_t b) { out.push_back(static_cast<char>(static_cast<unsigned char>(b))); };
    constexpr char32_t first[] = {0, 0xC0, 0xE0, 0xF0};
    if (c < 0x80) return put(c);
    const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;  // bytes after the first, 6 bits each
    put(first[more] | c >> 6 * more);
    for (auto i = more; i-- > 0;) put(0x80 | (c >> 6 * i & 0x3F));
}

/// How many bytes at the end of s begin a character that s does not finish (0 to 3).
inline std::size_t utf8_unfinished(std::string_view s) noexcept {
    for (std::size_t back = 1; back <= 3 && back <= s.size(); ++back) {
        const auto b = static_cast<unsigned char>(s[s.size() - back]);
        if ((b & 0xC0) == 0x80) continue;
        return utf8_front(s.substr(s.size() - back)).cut ? back : 0;
    }
    return 0;
}

/// The offset of the first byte of s that is not UTF-8, or s.size().
inline std::size_t utf8_first_invalid(std::string_view s) noexcept {
    std::size_t at = 0;
    while (at < s.size()) {
        const auto step = utf8_front(s.substr(at));
        if (!step.valid) break;
        at += step.length;
    }
    return at;
}

}  // namespace narae::inline NARAE_ABI::text

#endif
