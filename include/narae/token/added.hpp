// SPDX-License-Identifier: MIT
// Added tokens: strings such as <|endoftext|> that become one id wherever they stand, before any other cutting.
// Where several match, the leftmost wins, then the longest. The corner cases are the reference's own.
#ifndef NARAE_TOKEN_ADDED_HPP
#define NARAE_TOKEN_ADDED_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/callback.hpp"
#include "narae/text/unicode.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

struct added_token {
    std::string content;
    token_id id = no_token;
    bool special = false;      ///< decoding may leave it out, encoding may be told not to see it
    bool single_word = false;  ///< matches only where no letter, digit or mark touches it
    bool lstrip = false;       ///< takes the white space before it along
    bool rstrip = false;       ///< and the white space after it
    bool normalized = false;   ///< looked for in normalised text, in normalised spelling
};

/// The one with this content among tokens sorted by content, or a null pointer.
inline const added_token* find_added(const std::vector<added_token>& sorted, std::string_view content) noexcept {
    const auto less = [](const added_token& t, std::string_view c) { return t.content < c; };
    const auto found = std::lower_bound(sorted.begin(), sorted.end(), content, less);
    return found != sorted.end() && found->content == content ? &*found : nullptr;
}

/// Finds the added tokens of one kind (normalised or not) in text.
class added_matcher {
public:
    /// `pattern` is what to look for; `token` is borrowed by index. False if the pattern is already there.
    bool add(std::string pattern, std::size_t token, bool special) {
        const auto place = std::upper_bound(entries_.begin(), entries_.end(), pattern, before);
        if (place != entries_.begin() && std::prev(place)->pattern == pattern) return false;
        begins_[static_cast<unsigned char>(pattern[0])] = true;
        all_special_ = all_special_ && special;
        entries_.insert(place, {std::move(pattern), token});
        return true;
    }

    bool empty() const noexcept { return entries_.empty(); }

    /// Cuts s into plain text, never empty, and tokens: on_text(piece) and on_token(token) in order; what they return
    /// says nothing. skip_special leaves special tokens in the text, and yet nothing is found inside them.
    void split(std::string_view s, const std::vector<added_token>& tokens, bool skip_special,
               callback<std::string_view> on_text, callback<const added_token&> on_token) const {
        std::size_t done = 0;
        for (std::size_t at = 0; !entries_.empty() && !(skip_special && all_special_) && at < s.size();) {
            const auto* found = begins_[static_cast<unsigned char>(s[at])] ? longest(s.substr(at)) : nullptr;
            if (found == nullptr) {
                ++at;
                continue;
            }
            const auto& token = tokens[found->token];
            auto begin = at, end = at += found->pattern.size();
            if (skip_special && token.special) continue;
            if (token.single_word && (is_word(last_character(s.substr(0, begin))) || is_word(s.substr(end)))) continue;
            if (token.lstrip) begin = (std::max)(begin, done);
            while (token.lstrip && begin > done && is_space(last_character(s.substr(0, begin))))
                begin -= last_character(s.substr(0, begin)).size();
            while (token.rstrip && is_space(s.substr(end))) end += text::utf8_front(s.substr(end)).length;
            if (done < begin) on_text(s.substr(done, begin - done));
            if (begin < end) on_token(token);  // not if an rstrip before it has taken all of it
            done = end;
        }
        if (done < s.size()) on_text(s.substr(done));
    }

private:
    struct entry {
        std::string pattern;
        std::size_t token;
    };
    static bool before(std::string_view s, const entry& e) noexcept { return s < e.pattern; }

    /// The longest pattern that s begins with: the sorted entries are narrowed byte by byte.
    const entry* longest(std::string_view s) const noexcept {
        const entry* best = nullptr;
        auto low = entries_.begin(), high = entries_.end();
        for (std::size_t n = 0; low != high && n < s.size(); ++n) {
            const auto octet = [](char c) { return 1 + static_cast<unsigned char>(c); };
            const auto byte = [&](const entry& e) { return n < e.pattern.size() ? octet(e.pattern[n]) : 0; };
            low = std::lower_bound(low, high, octet(s[n]), [&](const entry& e, int x) { return byte(e) < x; });
            high = std::upper_bound(low, high, octet(s[n]), [&](int x, const entry& e) { return x < byte(e); });
            if (low != high && low->pattern.size() == n + 1) best = &*low;
        }
        return best;
    }

    /// Is the character at the front of s of one of these classes? Where there is none: no.
    static bool is(std::string_view s, std::initializer_list<text::char_class> classes) noexcept {
        const auto c = s.empty() ? text::utf8_step{} : text::utf8_front(s);
        return c.valid && std::find(classes.begin(), classes.end(), text::class_of(c.code_point)) != classes.end();
    }
    static bool is_word(std::string_view s) noexcept {
        return is(s, {text::char_class::letter, text::char_class::number, text::char_class::mark});
    }
    static bool is_space(std::string_view s) noexcept { return is(s, {text::char_class::space}); }

    /// What stands from the last byte on that is no continuation byte; one byte where that is not a whole character.
    static std::string_view last_character(std::string_view s) noexcept {
        for (std::size_t back = 1; back <= 4 && back <= s.size(); ++back) {
            if ((s[s.size() - back] & 0xC0) == 0x80) continue;
            const auto tail = s.substr(s.size() - back);
            if (text::utf8_front(tail).length == back) return tail;
            break;
        }
        return s.substr(s.size() - (s.empty() ? 0 : 1));
    }

    std::vector<entry> entries_;  // sorted by pattern
    std::array<bool, 256> begins_{};
    bool all_special_ = true;
};

}  // namespace narae::inline NARAE_ABI::token

#endif
