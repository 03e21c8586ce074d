// SPDX-License-Identifier: MIT
// Personal data masked by the tokenizer's special tokens: telephone, resident registration and account numbers, e-mail
// and street addresses. Each rule asks for a form that dates, prices, ISBNs and versions do not have, or for a word
// beside it that says what the number is.
#ifndef NARAE_CORPUS_PERSONAL_HPP
#define NARAE_CORPUS_PERSONAL_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "narae/corpus/markup.hpp"

namespace narae::inline NARAE_ABI::corpus {

enum class personal : std::uint8_t { telephone, registration, account, email, address };

/// A number as people write it: groups of digits, each with what parts it from the next one: '-', '.', ' ', ')' or 0.
struct number {
    struct group {
        std::size_t begin, end;
        char32_t gap;
        std::size_t size() const noexcept { return end - begin; }
    };
    std::array<group, 5> groups{};
    std::size_t count = 0;

    /// The number at s[i], which is a digit.
    number(std::u32string_view s, std::size_t i) noexcept {
        const auto at = [&](std::size_t k) { return k < s.size() ? s[k] : U'\0'; };
        while (count < groups.size()) {
            auto& g = groups[count++];
            g = {i, i, 0};
            while (is_digit(at(g.end))) ++g.end;
            i = g.end;
            if (at(i) == ' ') g.gap = at(i++);
            const bool hyphen = at(i) == '-' || at(i) - 0x2010 < 4;
            if (hyphen || (g.gap == 0 && (at(i) == '.' || at(i) == ')'))) {
                g.gap = hyphen ? U'-' : at(i);
                if (at(++i) == ' ') ++i;
            }
            if (!is_digit(at(i))) g.gap = 0;
            if (g.gap == 0) break;
        }
    }
};

/// Can a number begin at s[i], or is it the rest of a longer one?
inline bool number_opens(std::u32string_view s, std::size_t i) noexcept {
    if (i == 0) return true;
    const auto before = s[i - 1];
    if (before == '-' || before == '.' || before == ',') return i < 2 || !is_digit(s[i - 2]);
    return !is_digit(before) && before != '_' && before != '=' && before != '@';
}

/// Can a number end before s[i]?
inline bool number_closes(std::u32string_view s, std::size_t i) noexcept {
    if (i >= s.size()) return true;
    if (s[i] == '-' || s[i] == '.' || s[i] == ',') return i + 1 >= s.size() || !is_digit(s[i + 1]);
    return !is_digit(s[i]) && !is_latin(s[i]) && s[i] != '_' && s[i] != '@';
}

/// Does one of `words` (apart by blanks) stand among the 20 characters before s[begin] or the 8 from s[end] on?
inline bool near_word(std::u32string_view s, std::size_t begin, std::size_t end, std::u32string_view words) noexcept {
    const auto from = begin - (std::min<std::size_t>)(begin, 20);
    const auto before = s.substr(from, begin - from), after = s.substr((std::min)(end, s.size()), 8);
    return any_listed(words, [&](auto w) { return before.find(w) != before.npos || after.find(w) != after.npos; });
}

/// How many groups at the front of n are a telephone number; 0 if they are none.
///   010-1234-5678, 01012345678, 010-12345678   mobile: 01x and 7 or 8 digits
///   02-123-4567, (031)123-4567, 070.1234.5678  area and service codes, in three groups
///   +82-10-1234-5678, 82-2-123-4567            the same from abroad, the 0 left out or not
///   1588-1234                                  numbers for a whole country; what may be years needs a word beside it
inline std::size_t telephone(std::u32string_view s, const number& n) {
    constexpr auto words = "jeon-hwa mun-ui sang-dam sen-teo yeon-rag go-gaeg dae-pyo ye-yag"_ko;
    constexpr std::u32string_view country_wide =
        U"1522 1533 1544 1551 1555 1566 1577 1588 1599 1600 1604 1644 "
        U"1660 1661 1666 1668 1670 1688 1800 1811 1833 1855 1877 1899";
    const auto& g = n.groups;
    const bool plus = g[0].begin != 0 && s[g[0].begin - 1] == '+';
    const auto digits_of = [&](std::size_t k) {
        return s.substr(g[k].begin, (std::min<std::size_t>)(g[k].size(), 20));
    };
    auto code = std::u32string(digits_of(0));  // the first group, with its 0
    const bool abroad = stands_at(code, 0, "82") && (code.size() == 2 ? n.count > 1 : plus);
    const std::size_t first = abroad && code.size() == 2;
    if (abroad) code = first != 0 ? digits_of(1) : code.substr(2);
    if (abroad && code[0] != '0') code.insert(0, 1, '0');
    const auto is = [&](std::size_t k, std::u32string_view list) { return k < code.size() && one_of(code[k], list); };
    const bool mobile = stands_at(code, 0, "01") && is(2, U"016789");
    const std::size_t area = stands_at(code, 0, "02")                         ? 2
                             : stands_at(code, 0, "050") && is(3, U"2345678") ? 4
                             : mobile || stands_at(code, 0, "070") || stands_at(code, 0, "080") ||
                                     (is(0, U"0") && is(1, U"3456") && is(2, U"12345"))
                                 ? 3
                                 : 0;
    const auto size = [&](std::size_t k) { return first + k < n.count ? g[first + k].size() : 0; };
    if (area != 0) {
        const std::size_t least = stands_at(code, 0, "010") ? 8 : 7;
        const auto fits = [&](std::size_t all) { return all == area + least || all == area + 8; };
        if (code.size() == area && size(2) == 4 && fits(area + size(1) + 4)) return first + 3;
        if (mobile && (code.size() == area || size(1) == 4) && fits(code.size() + size(1))) return first + 2;
        if ((mobile || plus) && fits(code.size())) return first + 1;
    } else if (!abroad && g[0].size() == 4 && g[0].gap == '-' && g[1].size() == 4) {
        const auto front = s.substr(g[0].begin, 4), back = s.substr(g[1].begin, 4);
        const bool years = back > front && back < U"2100";
        if (any_listed(country_wide, [&](auto known) { return known == front; }) &&
            (!years || near_word(s, g[0].begin, g[1].end, words) ||
             near_word(s, g[0].begin, g[1].end, U"\u260E \u260F Tel TEL tel")))
            return 2;
    }
    return 0;
}

/// Where the resident or foreigner registration number at the front of n ends, or 0: a date of birth, a digit for
/// century and sex (1 to 8), six more. With a hyphen between, the date is enough: since October 2020 the last digits
/// are random. Without one the checksum must hold as well. "900101-1******" is masked, too.
inline std::size_t registration(std::u32string_view s, const number& n) noexcept {
    const auto& g = n.groups;
    const bool whole = g[0].size() == 13;
    if (!whole && (g[0].size() != 6 || n.count < 2)) return 0;
    const auto digit = [&](std::size_t k) {
        return static_cast<unsigned>(s[(k < 6 || whole ? g[0].begin : g[1].begin - 6) + k] - '0');
    };
    constexpr unsigned days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const auto month = digit(2) * 10 + digit(3), day = digit(4) * 10 + digit(5), kind = digit(6);
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] || kind < 1 || kind > 8) return 0;
    if (!whole && g[0].gap == '-' && g[1].size() == 1) {
        auto end = g[1].end;
        while (end < s.size() && one_of(s[end], U"*\u25CFXx")) ++end;
        return end - g[1].end >= 3 ? end : 0;  // a run is cut to three before
    }
    if (!whole && g[1].size() != 7) return 0;
    if (whole || g[0].gap != '-') {
        unsigned sum = 0;
        for (std::size_t k = 0; k < 12; ++k) sum += digit(k) * static_cast<unsigned>(k % 8 + 2);
        if ((kind < 5 ? 11 - sum % 11 : 13 - sum % 11) % 10 != digit(12)) return 0;
    }
    return whole ? g[0].end : g[1].end;
}

/// How many groups at the front of n are the number of a bank account or card: 10 to 16 digits in one, three or four
/// groups with hyphens between, beside a word such as account, bank or deposit; no date, and no sum of money.
inline std::size_t account(std::u32string_view s, const number& n) noexcept {
    constexpr auto words =
        "gye-jwa eun-haeng ib-geum song-geum i-che ye-geum tong-jang baeng-keu nong-hyeob "
        "sin-hyeob su-hyeob geum-go ka-deu"_ko;
    const auto& g = n.groups;
    std::size_t count = 0, digits = 0;
    do digits += g[count++].size();
    while (count < n.count && g[count - 1].gap == '-');
    if ((count != 1 && count != 3 && count != 4) || (count == 4 && g[3].size() == 1)) return 0;  // 4 and 1: an ISBN
    const auto end = g[count - 1].end;
    const bool date = count > 1 && g[0].size() == 4 && g[1].size() == 2 && g[2].size() == 2 && s[g[1].begin] < '2' &&
                      s[g[2].begin] < '4';
    const bool sum = count == 1 && end < s.size() && one_of(s[end], "won-dal-en"_ko);
    return digits >= 10 && digits <= 16 && !date && !sum && near_word(s, g[0].begin, end, words) ? count : 0;
}

/// The street address whose number begins at s[i]: province, district, further parts, road or quarter, number, and
/// what follows of a building's parts. Its bounds; begin == end if it is none.
inline bounds street_address(std::u32string_view s, std::size_t i) noexcept {
    constexpr auto provinces =
        "seo-ul bu-san dae-gu in-cheon gwang-ju dae-jeon ul-san se-jong gyeong-gi gang-won je-ju chung-bug chung-nam "
        "jeon-bug jeon-nam gyeong-bug gyeong-nam chung-cheong jeon-ra gyeong-sang"_ko;
    constexpr auto rests =
        "si do teug-byeol-si gwang-yeog-si teug-byeol-ja-chi-si teug-byeol-ja-chi-do bug-do nam-do"_ko;
    constexpr auto roads = "ro-gil-dong-ri-ga"_ko, districts = "si-gun-gu"_ko, rooms = "dong-ho-cheung"_ko,
                   parts = "si-gun-gu-eub-myeon-dong-ri-ga-ro"_ko,
                   particles = "e-ui-ro-eu-i-eun-neun-eul-reul-wa-gwa-yeoss"_ko;
    const auto at = [&](std::size_t k) { return k < s.size() ? s[k] : U'\0'; };
    const auto digits = [&](std::size_t k) {
        while (is_digit(at(k))) ++k;
        return k;
    };
    if (i < 2 || s[i - 1] != ' ' || !one_of(s[i - 2], roads)) return {};
    bool district = false, found = false;
    auto begin = i - 1;  // the blank after a word
    for (int word = 0; word < 6 && !found; ++word) {
        const auto last = begin;
        while (begin > 0 && is_word(s[begin - 1])) --begin;
        const auto w = s.substr(begin, last - begin);
        if (w.size() < 2) return {};
        district = district || (word > 0 && one_of(w.back(), districts));
        found = district && any_listed(provinces, [&](auto p) {
                    const auto rest = w.substr((std::min)(w.size(), p.size()));
                    return w.starts_with(p) && (rest.empty() || any_listed(rests, [&](auto r) { return r == rest; }));
                });
        if (found) break;
        if ((word > 0 && !one_of(w.back(), parts)) || begin == 0 || s[begin - 1] != ' ') return {};
        --begin;
    }
    if (!found) return {};
    const auto part = [&](std::size_t k) {  // 12, 12-3
        k = digits(k);
        return at(k) == '-' && is_digit(at(k + 1)) ? digits(k + 1) : k;
    };
    auto end = part(i);
    const auto beon = at(end) == "beon"_ko[0];
    if (at(end + beon) == "gil"_ko[0] && at(end + beon + 1) == ' ' && is_digit(at(end + beon + 2)))
        end = part(end + beon + 2);
    else if (beon && at(end + 1) == "ji"_ko[0])
        end += 2;
    if (text::is_syllable(at(end)) ? !one_of(at(end), particles) : !number_closes(s, end)) return {};
    for (auto k = end; k < s.size();) {
        while (at(k) == ' ' || at(k) == ',') ++k;
        const auto next = digits(k);
        if (next == k || !one_of(at(next), rooms)) break;
        k = end = next + 1;
    }
    return {begin, end};
}

/// The e-mail address around s[i] == '@', not before s[from]; begin == end if it is none.
inline bounds email(std::u32string_view s, std::size_t i, std::size_t from) noexcept {
    const auto is_part = [](char32_t c) { return is_latin(c) || is_digit(c) || c == '-' || c == '.'; };
    auto begin = i, end = i + 1;
    while (begin > from && (is_part(s[begin - 1]) || one_of(s[begin - 1], U"_%+"))) --begin;
    while (begin < i && one_of(s[begin], U".-")) ++begin;
    while (end < s.size() && is_part(s[end])) ++end;
    while (end > i + 1 && !is_latin(s[end - 1])) --end;
    const auto domain = s.substr(i + 1, end - i - 1);
    const auto dot = domain.rfind('.');
    const bool fine = begin < i && dot != domain.npos && dot > 0 && domain.size() - dot > 2 &&
                      std::all_of(domain.begin() + static_cast<std::ptrdiff_t>(dot) + 1, domain.end(), is_latin);
    return fine ? bounds{begin, end} : bounds{};
}

/// `out` becomes s with personal data masked. Returns how many of each kind were found.
inline std::array<std::uint32_t, masks.size()> mask_personal(std::u32string_view s, std::u32string& out) {
    std::array<std::uint32_t, masks.size()> found{};
    std::size_t done = 0;
    out.clear();
    for (std::size_t i = 0; i < s.size();) {
        if (s[i] != '@' && !is_digit(s[i])) {
            ++i;
            continue;
        }
        bounds b;
        auto kind = personal::email;
        auto next = i + 1;
        if (s[i] == '@') {
            b = email(s, i, done);
        } else {
            const number n(s, i);
            next = n.groups[0].end;
            const auto before = i == 0 ? U' ' : s[i - 1];
            const bool glued = (is_latin(before) || before == '-') && n.count == 1;
            const auto is = [&](personal k, std::size_t end) {
                if (end == 0 || !number_closes(s, end)) return false;
                kind = k;
                b = {i, end};
                return true;
            };
            const auto end_of = [&](std::size_t count) { return count == 0 ? 0 : n.groups[count - 1].end; };
            if (number_opens(s, i) && !glued &&
                (is(personal::registration, registration(s, n)) || is(personal::telephone, end_of(telephone(s, n))) ||
                 is(personal::account, end_of(account(s, n))))) {
                if (kind == personal::telephone && (before == '+' || (before == '(' && n.groups[0].gap == ')')))
                    --b.begin;
            } else if (b = street_address(s, i); b.begin != b.end) {
                kind = personal::address;
            }
        }
        if (b.begin != b.end && b.begin >= done) {
            out.append(s.substr(done, b.begin - done)) += masks[static_cast<std::size_t>(kind)];
            ++found[static_cast<std::size_t>(kind)];
            next = done = b.end;
        }
        i = next;
    }
    out.append(s.substr(done));
    return found;
}

}  // namespace narae::inline NARAE_ABI::corpus

#endif
