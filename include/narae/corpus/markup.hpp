// SPDX-License-Identifier: MIT
// Markup removed, text kept: HTML tags and entities, Markdown marks, links, web addresses. Only what is surely markup
// goes: a tag has a name that HTML knows (Vec<T> stays), emphasis closes again, snake_case and 2 * 3 * 4 are text.
#ifndef NARAE_CORPUS_MARKUP_HPP
#define NARAE_CORPUS_MARKUP_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "narae/corpus/clean.hpp"

namespace narae::inline NARAE_ABI::corpus {

/// Where the tag, comment, script or special token at s[i] == '<' ends, or i if it is none. `blank` says whether it
/// parts words: <br> does, <b> does not.
inline std::size_t end_of_tag(std::u32string_view s, std::size_t i, bool& blank) noexcept {
    constexpr std::string_view within =
        " a abbr acronym b bdi bdo big cite code del em font i ins kbd mark nobr q rb rp ruby s samp small span strike "
        "strong sub sup tt u var wbr ";
    constexpr std::string_view apart =
        " address article aside audio blockquote body br button canvas caption center col colgroup dd details div dl "
        "doctype dt embed fieldset figcaption figure footer form frame h1 h2 h3 h4 h5 h6 head header hr html iframe "
        "img input label legend li link main map math meta nav noscript object ol option p param picture pre ref "
        "section select source style script summary svg table tbody td textarea tfoot th thead title tr ul video ";
    constexpr std::size_t longest = 2000, longest_script = 20000;  // a line full of fronts stays cheap
    blank = true;
    const auto past = [&](std::string_view closing, std::size_t from, std::size_t most) {
        const auto within_reach = s.substr(0, from + (std::min)(most, s.size() - from));
        for (auto at = from; (at = within_reach.find(static_cast<char32_t>(closing[0]), at)) != s.npos; ++at)
            if (stands_at(s, at, closing)) return at + closing.size();
        return i;
    };
    if (mask_at(s, i) != 0) return i;
    if (stands_at(s, i, "<|")) return past("|>", i + 2, 32);
    if (stands_at(s, i, "<!--")) return past("-->", i + 4, longest);
    auto at = i + 1;
    if (at < s.size() && (s[at] == '/' || s[at] == '!')) ++at;
    std::string wanted(1, ' ');  // short enough to need no memory
    while (at < s.size() && wanted.size() < 12 && (is_latin(s[at]) || (wanted.size() > 1 && is_digit(s[at]))))
        wanted += static_cast<char>(lower(s[at++]));
    wanted += ' ';
    if (wanted.size() == 2 || at == s.size() || !one_of(s[at], U">/ ")) return i;
    blank = within.find(wanted) == within.npos;
    if (blank && apart.find(wanted) == apart.npos) return i;
    const auto close = find_near(s, '>', at, longest);
    if (close == s.npos) return i;
    if (s[i + 1] != '/' && (wanted == " script " || wanted == " style ")) {
        const auto end = past(wanted == " script " ? "</script>" : "</style>", close, longest_script);
        if (end != i) return end;
    }
    return close + 1;
}

/// Where the entity at s[i] == '&' ends, or i if it is none; c becomes what it stands for. "&amp;lt;" is "<", too.
inline std::size_t end_of_entity(std::u32string_view s, std::size_t i, char32_t& c) noexcept {
    constexpr std::string_view names[] = {"lt;",    "gt;",    "quot;",  "apos;",  "nbsp;",  "middot;", "hellip;",
                                          "ldquo;", "rdquo;", "lsquo;", "rsquo;", "ndash;", "mdash;",  "bull;",
                                          "copy;",  "reg;",   "deg;",   "times;", "laquo;", "raquo;"};
    constexpr std::u32string_view characters =
        U"<>\"' \u00B7\u2026\u201C\u201D\u2018\u2019\u2013\u2014\u2022\u00A9\u00AE\u00B0\u00D7\u00AB\u00BB";
    auto at = i + 1;
    while (stands_at(s, at, "amp;")) at += 4;
    for (std::size_t k = 0; k < std::size(names); ++k)
        if (stands_at(s, at, names[k])) return c = characters[k], at + names[k].size();
    if (at < s.size() && s[at] == '#') {
        const bool hex = stands_at(s, at, "#x");
        const auto first = at + 1 + hex;
        auto digit = first;
        for (c = 0; digit < s.size() && c < 0x110000 && (is_digit(s[digit]) || (hex && lower(s[digit]) - 'a' < 6));
             ++digit)
            c = c * (hex ? 16 : 10) + (is_digit(s[digit]) ? s[digit] - '0' : lower(s[digit]) - 'a' + 10);
        if (digit != first && digit < s.size() && s[digit] == ';' && c < 0x110000 && c - 0xD800 >= 0x800) {
            c = c == '\t' ? U' ' : plain(c);
            return digit + 1;
        }
    }
    if (at == i + 1) return i;
    return c = '&', at;
}

/// Where the web address that begins at s[i] ends, or i if none does.
inline std::size_t end_of_address(std::u32string_view s, std::size_t i) noexcept {
    if ((i != 0 && (is_latin(s[i - 1]) || is_digit(s[i - 1]))) ||
        (!stands_at(s, i, "http://") && !stands_at(s, i, "https://") && !stands_at(s, i, "www.")))
        return i;
    auto end = i;
    while (end < s.size() && s[end] > ' ' && s[end] < 0x7F && !one_of(s[end], U"<>\")]")) ++end;
    while (one_of(s[end - 1], U".,;:!?*'")) --end;
    return end - i > (s[i] == 'w' ? 4 : 8) ? end : i;
}

/// Where the marks stand that end what the n marks at s[i] emphasise, at most 200 characters on; npos if nowhere. Marks
/// open where no word ends. ~ comes in pairs only; names in snake_case and quotes like `this' are text.
inline std::size_t closing_marks(std::u32string_view s, std::size_t i, std::size_t n) noexcept {
    const auto c = s[i];
    const auto open = i + n;
    if (n > 3 || (c == '~' && n != 2) || (i != 0 && is_word(s[i - 1])) || open == s.size() ||
        one_of(s[open], U" \t.,;:!?)]}"))
        return s.npos;
    bool plain_name = c == '_';
    for (auto k = open; k < s.size() && k < open + 200 && s[k] != '\t' && !(c == '`' && s[k] == '\''); ++k) {
        plain_name = plain_name && s[k] < 0x80;
        if (s[k] != c) continue;
        auto end = k;
        while (end < s.size() && s[end] == c) ++end;
        if (end - k == n && !plain_name && !one_of(s[k - 1], U" ([{") &&
            !(end < s.size() && (is_latin(s[end]) || is_digit(s[end]))))
            return k;
        k = end - 1;
    }
    return s.npos;
}

/// Of the link [text](target) at s[open]: what stands from its "]" to its ")"; begin == end if it is none.
inline bounds link_end(std::u32string_view s, std::size_t open) noexcept {
    if (open >= s.size() || s[open] != '[') return {};
    const auto close = find_near(s, ']', open + 1, 400);
    if (close == s.npos || close + 1 == s.size() || s[close + 1] != '(') return {};
    const auto last = find_near(s, ')', close + 2, 1000);
    if (last == s.npos) return {};
    const auto target = s.substr(close + 2, last - close - 2);
    const bool ascii = std::all_of(target.begin(), target.end(), [](char32_t t) { return t < 0x7F; });
    return ascii && target.find_first_of(U"/.#") != target.npos ? bounds{close, last + 1} : bounds{};
}

/// `out` becomes s without markup; s is used up. Returns how many web addresses were removed.
///   [text](target), ![text](target)   text, nothing
///   # heading, > quote, - item        at the front of a line or turn; "##" in front of any word
///   *text* **text** _text_ ~~text~~ `text`   text
inline std::size_t strip_markup(std::u32string& s, std::u32string& out) {
    constexpr char32_t gone = 0;  // what the end of a pair becomes when its front is removed
    const std::u32string_view view = s;
    const auto at = [&](std::size_t i) { return i < s.size() ? s[i] : U' '; };
    const auto erase = [&](std::size_t begin, std::size_t end) {
        std::fill(s.begin() + static_cast<std::ptrdiff_t>(begin), s.begin() + static_cast<std::ptrdiff_t>(end), gone);
    };
    std::size_t addresses = 0;
    out.clear();
    for (std::size_t i = 0; i < s.size();) {
        const auto c = s[i];
        if (c == gone || c >= 0x80) {
            if (c != gone) out.push_back(c);
            ++i;
            continue;
        }
        const bool front = out.empty() || out.back() == '\t';
        auto end = i;  // of what is removed
        if (c == '<') {
            bool blank = false;
            if ((end = end_of_tag(view, i, blank)) != i) {
                if (blank) out.push_back(' ');
            } else if (const auto close = end_of_address(view, i + 1); close != i + 1 && at(close) == '>') {
                ++addresses;
                end = close + 1;
            }
        } else if (c == '&') {
            char32_t is = 0;
            if ((end = end_of_entity(view, i, is)) != i && is != 0) out.push_back(is);
        } else if (one_of(c, U"hHwW")) {
            end = end_of_address(view, i);
            addresses += end != i;
        } else if (c == '!' || c == '[') {
            if (const auto link = link_end(view, i + (c == '!')); link.begin != link.end) {
                addresses += stands_at(view, link.begin + 2, "http");
                erase(c == '!' ? i : link.begin, link.end);
                end = i + 1;
            }
        } else if (c == '#') {
            while (at(end) == '#') ++end;
            const bool word_front = front || out.back() == ' ';
            if (!word_front || at(end) != ' ' || end == s.size() || end - i > 6 || (!front && end - i < 2)) end = i;
        } else if (one_of(c, U">-*") && front && at(i + 1) == ' ') {
            end = i + 2;
        } else if (one_of(c, U"*_~`")) {
            while (at(end) == c) ++end;
            const auto n = end - i, close = closing_marks(view, i, n);
            if (close == view.npos)
                out.append(view.substr(i, n));
            else
                erase(close, close + n);
        }
        if (end == i) out.push_back(s[end++]);
        i = end;
    }
    return addresses;
}

}  // namespace narae::inline NARAE_ABI::corpus

#endif
