// SPDX-License-Identifier: MIT
// Tables as test sets are published: tab-separated values with a header line. A quote is a character like any other.
#ifndef NARAE_JUDGE_TSV_HPP
#define NARAE_JUDGE_TSV_HPP

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/text/lines.hpp"

namespace narae::inline NARAE_ABI::judge {

/// The fields of a row that were asked for, in that order; they borrow the text. `line` counts from 1.
struct tsv_row {
    std::size_t line;
    std::vector<std::string_view> fields;
};

/// The columns of these names, row by row. Lines end in LF or CR LF; a byte order mark and empty lines do not matter.
/// Errors name the line: bytes that are not UTF-8, a column that is not there, a row too short or too long, no row.
inline result<std::vector<tsv_row>> read_tsv(std::string_view tsv, const std::vector<std::string_view>& columns) {
    return guarded([&]() -> result<std::vector<tsv_row>> {
        if (tsv.starts_with("\xEF\xBB\xBF")) tsv.remove_prefix(3);
        std::vector<std::size_t> places;
        std::vector<tsv_row> rows;
        std::size_t width = 0;
        for (std::size_t number = 1; !tsv.empty(); ++number) {
            const auto line = text::take_line(tsv);
            const auto bad = [&](std::initializer_list<piece> why) {
                return error{errc::bad_value, concat({"line ", number, ": ", concat(why)})};
            };
            if (text::utf8_first_invalid(line) != line.size()) return bad({"not UTF-8"});
            if (line.empty()) continue;
            const auto fields = text::split(line, '\t');
            if (width == 0) {
                width = fields.size();
                for (const auto name : columns) {
                    const auto found = std::find(fields.begin(), fields.end(), name);
                    if (found == fields.end()) return bad({"no column ", name});
                    places.push_back(static_cast<std::size_t>(found - fields.begin()));
                }
                continue;
            }
            if (fields.size() != width) return bad({fields.size(), " fields under ", width, " columns"});
            rows.push_back({number, {}});
            for (const auto at : places) rows.back().fields.push_back(fields[at]);
        }
        if (rows.empty()) return error{errc::bad_value, "no rows"};
        return rows;
    });
}

}  // namespace narae::inline NARAE_ABI::judge

#endif
