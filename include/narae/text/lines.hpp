// SPDX-License-Identifier: MIT
// Text taken apart and put together: lines, fields, characters. Running a model needs no part of this.
#ifndef NARAE_TEXT_LINES_HPP
#define NARAE_TEXT_LINES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::text {

/// Takes the first line from `rest` and gives it back without its end, LF or CR LF, which the last one may lack.
inline std::string_view take_line(std::string_view& rest) noexcept {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix((std::min)(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// Share `part` of `parts` of the lines of a text, dealt out by bytes: which one a line is in only says who works on
/// it.
inline std::string_view share_of_lines(std::string_view text, std::size_t part, std::size_t parts) noexcept {
    const auto edge = [&](std::size_t i) {
        const auto newline = i == 0 ? 0 : text.find('\n', text.size() / parts * i);
        return i == 0 ? 0 : i == parts ? text.size() : (std::min)(newline, text.size() - 1) + 1;
    };
    return text.substr(edge(part), edge(part + 1) - edge(part));
}

/// Is all of it UTF-8? The error names the line of the first byte that is not, and the byte.
inline result<void> check_utf8(std::string_view text) {
    const auto bad = utf8_first_invalid(text);
    if (bad == text.size()) return {};
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    return error{errc::bad_value, {"line ", static_cast<std::uint64_t>(line), ": not UTF-8"}, bad};
}

/// The fields between the marks; one more than there are marks.
inline std::vector<std::string_view> split(std::string_view s, char at) {
    std::vector<std::string_view> parts;
    for (auto end = s.find(at); end != s.npos; end = s.find(at)) {
        parts.push_back(s.substr(0, end));
        s.remove_prefix(end + 1);
    }
    parts.push_back(s);
    return parts;
}

/// The characters of UTF-8, U+FFFD for what is none.
inline std::u32string code_points(std::string_view s) {
    std::u32string out;
    while (!s.empty()) {
        const auto step = utf8_front(s);
        out.push_back(step.code_point);
        s.remove_prefix(step.length);
    }
    return out;
}

inline std::string utf8(std::u32string_view s) {
    std::string out;
    for (const auto c : s) utf8_append(out, c);
    return out;
}

}  // namespace narae::inline NARAE_ABI::text

#endif
