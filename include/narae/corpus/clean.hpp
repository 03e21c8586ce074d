// SPDX-License-Identifier: MIT
// A line of text made plain: bytes to characters, what is not seen removed, one blank between words, syllables whole.
// The rules of this room work on code points in buffers that are used again: no memory is asked for per character.
#ifndef NARAE_CORPUS_CLEAN_HPP
#define NARAE_CORPUS_CLEAN_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "narae/base/config.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/normalize.hpp"
#include "narae/text/romanised.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::corpus {

using text::operator""_ko;

constexpr bool is_digit(char32_t c) noexcept { return c - '0' < 10; }
constexpr char32_t lower(char32_t c) noexcept { return c - 'A' < 26 ? c + ('a' - 'A') : c; }
constexpr bool is_latin(char32_t c) noexcept { return lower(c) - 'a' < 26; }
constexpr bool is_word(char32_t c) noexcept { return is_digit(c) || is_latin(c) || text::is_syllable(c); }

constexpr bool one_of(char32_t c, std::u32string_view list) noexcept { return list.find(c) != list.npos; }

/// A part of a text; begin == end: none.
struct bounds {
    std::size_t begin = 0, end = 0;
};

/// Does `ascii` (in lower case) stand at s[i]?
constexpr bool stands_at(std::u32string_view s, std::size_t i, std::string_view ascii) noexcept {
    if (s.size() - i < ascii.size()) return false;
    for (std::size_t k = 0; k < ascii.size(); ++k)
        if (lower(s[i + k]) != static_cast<char32_t>(ascii[k])) return false;
    return true;
}

/// The first c in s[from, from + most), or npos.
inline std::size_t find_near(std::u32string_view s, char32_t c, std::size_t from, std::size_t most) noexcept {
    const auto at = s.substr((std::min)(from, s.size()), most).find(c);
    return at == s.npos ? s.npos : from + at;
}

/// Does `is` hold for one of the words of a list in which blanks part them?
template <class Is> bool any_listed(std::u32string_view words, Is&& is) {
    for (std::size_t end; !words.empty(); words.remove_prefix((std::min)(end + 1, words.size()))) {
        end = (std::min)(words.find(U' '), words.size());
        if (is(words.substr(0, end))) return true;
    }
    return false;
}

/// The special tokens of the tokenizer that stand for personal data; the only ones that a clean text holds.
inline constexpr std::array<std::u32string_view, 5> masks = {U"<|tel|>", U"<|rrn|>", U"<|acc|>", U"<|email|>",
                                                             U"<|addr|>"};

/// The length of the mask at s[i], or 0.
inline std::size_t mask_at(std::u32string_view s, std::size_t i) noexcept {
    for (const auto m : masks)
        if (s.substr(i).starts_with(m)) return m.size();
    return 0;
}

/// What becomes of a character: itself; a blank, for every space but TAB; or 0, nothing: controls, zero-width and
/// direction marks, variation selectors, private use, the replacement character.
inline char32_t plain(char32_t c) noexcept {
    if (c < 0x7F) return c >= ' ' || c == '\t' ? c : c >= '\n' && c <= '\r' ? U' ' : 0;
    if (text::is_syllable(c)) return c;
    struct range {
        char32_t first, last, becomes;
    };
    constexpr range ranges[] = {
        {0x7F, 0x84, 0},        {0x85, 0x85, ' '},     {0x86, 0x9F, 0},       {0xA0, 0xA0, ' '},
        {0xAD, 0xAD, 0},        {0x115F, 0x1160, 0},   {0x1680, 0x1680, ' '}, {0x180B, 0x180F, 0},
        {0x2000, 0x200A, ' '},  {0x200B, 0x200F, 0},   {0x2028, 0x2029, ' '}, {0x202A, 0x202E, 0},
        {0x202F, 0x202F, ' '},  {0x205F, 0x205F, ' '}, {0x2060, 0x206F, 0},   {0x2800, 0x2800, ' '},
        {0x3000, 0x3000, ' '},  {0x3164, 0x3164, ' '}, {0xE000, 0xF8FF, 0},   {0xFDD0, 0xFDEF, 0},
        {0xFE00, 0xFE0F, 0},    {0xFEFF, 0xFEFF, 0},   {0xFFA0, 0xFFA0, ' '}, {0xFFF0, 0xFFFF, 0},
        {0xE0000, 0x10FFFF, 0},
    };
    for (const auto& r : ranges)
        if (c <= r.last) return c >= r.first ? r.becomes : c;
    return c;
}

struct decoded {
    bool invalid = false;  ///< bytes were no UTF-8
    bool cleaned = false;  ///< plain() changed something
};

/// `out` becomes the plain characters of `line`. Bytes that are no UTF-8 are left out: most often they are one
/// character cut in two at a limit, and the line is worth keeping. Text in another encoding loses its Hangul in this
/// way, and is then dropped as what is left of it: not Korean.
inline decoded decode(std::string_view line, std::u32string& out) {
    decoded found;
    out.resize(line.size());
    auto* to = out.data();
    for (std::size_t i = 0; i < line.size();) {
        if (line.size() - i >= 3 && text::is_syllable_at(line.data() + i)) {
            *to++ = text::syllable_at(line.data() + i);
            i += 3;
            continue;
        }
        const auto step = text::utf8_front(line.substr(i));
        i += step.length;
        if (!step.valid) {
            found.invalid = true;
            continue;
        }
        const auto c = plain(step.code_point);
        found.cleaned = found.cleaned || c != step.code_point;
        if (c != 0) *to++ = c;
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
    return found;
}

/// Appends the UTF-8 of `s`.
inline void encode(std::u32string_view s, std::string& out) {
    for (const auto c : s) {
        if (text::is_syllable(c)) {  // most of them are
            const auto byte = [](char32_t b) { return static_cast<char>(static_cast<unsigned char>(b)); };
            const char three[] = {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
            out.append(three, 3);
        } else {
            text::utf8_append(out, c);
        }
    }
}

/// NFC; true if that changed s. Most characters are known to stay as they are, and then so is the text.
inline bool compose(std::u32string& s) {
    const auto may_change = [](char32_t c) {
        const auto within = [&](char32_t first, char32_t last) { return c >= first && c <= last; };
        return c >= 0x300 && !text::is_syllable(c) && !within(0x4E00, 0x9FFF) && !within(0x2010, 0x205F) &&
               !within(0x2400, 0x27FF) && !within(0x3001, 0x3029) && !within(0x3130, 0x318F) && !within(0xFF01, 0xFFEF);
    };
    if (std::none_of(s.begin(), s.end(), may_change)) return false;
    std::string bytes;
    text::normalizer nfc(text::normal_form::nfc, bytes);
    for (const auto c : s) nfc.put(c);
    nfc.flush();
    std::u32string composed;
    decode(bytes, composed);
    if (composed == s) return false;
    s.swap(composed);
    return true;
}

/// One blank between words, none around a TAB, which parts turns, nor at the ends; true if that changed s. And "<|"
/// becomes "|" but in masks: no text can hold what the tokenizer takes for another special token.
inline bool squeeze(std::u32string& s) {
    auto* to = s.data();
    char32_t waiting = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto c = s[i];
        if (c == ' ' || c == '\t') {
            if (waiting != '\t') waiting = c;
            continue;
        }
        if (waiting != 0 && to != s.data()) *to++ = waiting;
        waiting = 0;
        while (c == '|' && to != s.data() && to[-1] == '<' && mask_at(s, i - 1) == 0) --to;
        *to++ = c;
    }
    const auto before = s.size();
    s.resize(static_cast<std::size_t>(to - s.data()));
    return s.size() != before;
}

/// A character that stands more than three times in a row stands three times, digits excepted; true if that changed s.
/// It is meant for laughter (U+314B, kieuk, without end), "!!!!!!" and "-------".
inline bool cut_runs(std::u32string& s) {
    constexpr std::size_t most = 3;
    auto* to = s.data();
    std::size_t run = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        run = i != 0 && s[i] == s[i - 1] ? run + 1 : 1;
        if (run <= most || (s[i] >= '0' && s[i] <= '9')) *to++ = s[i];
    }
    const auto before = s.size();
    s.resize(static_cast<std::size_t>(to - s.data()));
    return s.size() != before;
}

}  // namespace narae::inline NARAE_ABI::corpus

#endif
