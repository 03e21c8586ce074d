// SPDX-License-Identifier: MIT
// What a line is worth: how Korean, how long, how repetitive, how much of it is links and menus; and what kind of text
// it is. A line is read once into its letters and counts, and the rules look at these.
#ifndef NARAE_CORPUS_QUALITY_HPP
#define NARAE_CORPUS_QUALITY_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "narae/corpus/clean.hpp"
#include "narae/corpus/phrases.hpp"
#include "narae/text/unicode.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::corpus {

/// The letters and digits of a line without anything between them, Latin ones in lower case, and what was counted on
/// the way. Masks of personal data are no letters.
struct letters {
    std::u32string text;
    std::vector<std::uint32_t> at;                      ///< where each stands in the line
    std::size_t syllables = 0, foreign = 0, marks = 0;  ///< Hangul syllables; other letters but jamo; symbols
    std::size_t words = 0, contacts = 0;                ///< telephone and e-mail masks and hashtags
    std::array<std::size_t, phrase_kinds> phrases{};    ///< how many of each kind; menus as whole words
    std::vector<std::uint32_t> boilerplate;             ///< where in the line such phrases begin

    void read(std::u32string_view s, const phrase_finder& find) {
        text.resize(s.size()), at.resize(s.size()), boilerplate.clear();
        syllables = foreign = marks = words = contacts = 0;
        phrases = {};
        std::size_t n = 0;
        bool word = false;
        const auto put = [&](char32_t c, std::size_t i) {
            words += !word;
            word = true;
            text[n] = c;
            at[n++] = static_cast<std::uint32_t>(i);
        };
        for (std::size_t i = 0; i < s.size(); ++i) {
            const auto c = s[i];
            if (c == ' ' || c == '\t') {
                word = false;
                continue;
            }
            if (text::is_syllable(c)) {
                ++syllables, put(c, i);
            } else if (is_digit(c)) {
                put(c, i);
            } else if (is_latin(c)) {
                ++foreign, put(lower(c), i);
            } else if (const auto mask = c == '<' ? mask_at(s, i) : 0; mask != 0) {
                contacts += one_of(s[i + 2], U"te");  // <|tel|>, <|email|>
                i += mask - 1;
            } else if (c >= 0x80 && text::class_of(c) == text::char_class::letter) {
                const bool jamo = c - 0x3131 <= 0x318E - 0x3131;
                foreign += !jamo, put(c, i);
            } else {
                marks += !one_of(c, U".,?!'\"()");
                contacts += c == '#' && !word && i + 1 < s.size() && is_word(s[i + 1]);
            }
        }
        text.resize(n), at.resize(n);
        const auto parted = [&](std::size_t k) { return k == 0 || k == at.size() || at[k] != at[k - 1] + 1; };
        find(text, [&](phrase kind, std::size_t begin, std::size_t length) {
            const bool whole = parted(begin) && parted(begin + length);
            if (kind == phrase::boilerplate) boilerplate.push_back(at[begin]);
            phrases[static_cast<std::size_t>(kind)] += kind != phrase::menu || whole;
        });
    }

    std::size_t count(phrase kind) const noexcept { return phrases[static_cast<std::size_t>(kind)]; }
};

/// Removes the sentences in which boilerplate stands; true if there were any. The line goes on without them: an article
/// is not lost for the copyright notice at its end.
inline bool cut_boilerplate(std::u32string& s, const letters& l) {
    const auto ends = [&](std::size_t i) {
        return s[i] == '\t' || ((s[i] == '.' || s[i] == '?' || s[i] == '!') && (i + 1 == s.size() || s[i + 1] == ' '));
    };
    std::size_t done = 0;
    std::u32string kept;
    for (const auto found : l.boilerplate) {
        if (found < done) continue;
        std::size_t begin = found, end = found;
        while (begin > done && !ends(begin - 1)) --begin;
        while (end < s.size() && !ends(end)) ++end;
        if (end < s.size() && s[end] != '\t') ++end;
        kept.append(s, done, begin - done);
        done = end;
    }
    if (l.boilerplate.empty()) return false;
    s.erase(0, done).insert(0, kept);
    squeeze(s);
    return true;
}

/// Fewer than 5 syllables: an interjection, a heading, nothing.
inline bool too_short(const letters& l) noexcept { return l.syllables < 5; }

/// Less than 3 in 10 letters are Hangul.
inline bool not_korean(const letters& l) noexcept { return l.syllables * 7 < l.foreign * 3; }

/// Few words between links: three or more web addresses, telephone numbers, e-mail addresses and hashtags, one in ten
/// words; more symbols than letters; half of it menu; an advert and a contact, or two adverts, in 60 letters each.
inline bool spam(const letters& l, std::size_t addresses) noexcept {
    const auto links = l.contacts + addresses, menu = l.count(phrase::menu), adverts = l.count(phrase::advert);
    const auto selling = adverts == 0 ? 0 : adverts + links;
    return (links >= 3 && links * 10 > l.words) || l.marks > l.text.size() || (menu >= 2 && menu * 2 >= l.words) ||
           (selling >= 2 && selling * 60 > l.text.size());
}

/// f(hash) for each six letters in a row, those at both ends included that reach beyond the text: every letter is in
/// six.
template <class F>
void for_each_shingle(std::u32string_view text, F&& f) {
    constexpr std::size_t size = 5;
    constexpr std::uint64_t base = 0x9E3779B97F4A7C15;
    std::uint64_t hash = 0, top = 1;
    for (std::size_t i = 0; i < size; ++i) top *= base;
    for (std::size_t i = 0; i + 1 < text.size() + size; ++i) {
        hash = hash * base + (i < text.size() ? text[i] : 0);
        if (i >= size) hash -= top * text[i - size];
        f(token::mix(hash ^ hash >> 29));
    }
}

/// Tells lines that say one thing again and again.
class repetition {
public:
    /// More than half of the runs of five letters stood in the 4,000 letters before, or fewer: long lines are judged in
    /// pieces. Lines under 12 letters are not judged.
    bool operator()(const letters& l) {
        constexpr std::size_t piece = 4096;
        if (l.text.size() < 12) return false;
        const auto mask = 2 * std::bit_ceil((std::min)(l.text.size(), piece)) - 1;
        std::size_t again = 0, n = 0;
        for_each_shingle(l.text, [&](std::uint64_t hash) {
            if (n++ % piece == 0 && ++piece_ == 0) {
                seen_.fill(0);
                piece_ = 1;
            }
            const auto mark = std::uint64_t{piece_} << 32 | hash >> 32;
            auto at = static_cast<std::size_t>(hash) & mask;
            while (seen_[at] >> 32 == piece_ && seen_[at] != mark) at = (at + 1) & mask;
            again += seen_[at] == mark;
            seen_[at] = mark;
        });
        return again * 2 > l.text.size();
    }

private:
    std::array<std::uint64_t, 8192> seen_{};  // a piece's number, then half a hash: nothing is cleared between pieces
    std::uint32_t piece_ = 0;
};

/// What a line is good for; it may be both, or neither.
struct domains {
    bool conversation = false;  ///< turns apart by TAB, or half of the sentences end as people speak
    bool information = false;   ///< asks for a fact, or explains one
};

/// Judged by endings: -yo, -jyo, -kka, -ni, -nya, -ne at the end of a sentence; -ji, -ja, -ya, -eo, -hae, -rae, -a,
/// -jwo, -ra where a mark follows or the line is short; "?". What asks with a word such as "what", requests to be told,
/// or explains ("is called", "because") informs, if it does so once in 200 letters.
inline domains domains_of(std::u32string_view s, const letters& l) {
    constexpr std::u32string_view sure = U"\uC694\uC8E0\uAE4C\uB2C8\uB0D0\uB124";  // yo jyo kka ni nya ne
    constexpr std::u32string_view casual =                                         // ji ja ya eo hae rae a jwo ra
        U"\uC9C0\uC790\uC57C\uC5B4\uD574\uB798\uC544\uC918\uB77C";
    const bool brief = l.text.size() < 30;
    std::size_t sentences = 0, spoken = 0;
    bool asks = false, turns = false;
    char32_t last = 0, mark = 0;  // the last syllable of the sentence, the mark after it
    const auto finish = [&](char32_t end) {
        if (last == 0) return;
        ++sentences;
        asks = asks || end == '?' || last == 0xAE4C /* kka */;
        spoken += one_of(last, sure) || end == '?' || ((end != 0 || brief) && one_of(last, casual));
        last = 0;
    };
    for (const auto c : s) {
        if (text::is_syllable(c)) {
            if (mark != 0) finish(mark);
            mark = 0, last = c;
        } else if (c == '.' || c == '?' || c == '!' || c == '~' || c == 0x2026) {
            if (mark != '?') mark = c;
        } else if (c == '\t') {
            finish(mark == 0 ? c : mark);
            mark = 0, turns = true;
        } else if (is_latin(c) || is_digit(c)) {
            if (mark == 0) last = 0;
        }
    }
    finish(mark);
    const auto facts = (asks ? l.count(phrase::question) : 0) + l.count(phrase::request) + l.count(phrase::explanation);
    return {turns || (spoken != 0 && spoken * 2 >= sentences), facts != 0 && facts * 200 >= l.text.size()};
}

}  // namespace narae::inline NARAE_ABI::corpus

#endif
