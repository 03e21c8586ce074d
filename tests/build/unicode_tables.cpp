// SPDX-License-Identifier: MIT
// Makes include/narae/text/unicode_tables.hpp out of the Unicode Character Database. From the top folder:
//   g++ -std=c++20 tests/build/unicode_tables.cpp -o /tmp/unicode_tables
//   /tmp/unicode_tables FOLDER > include/narae/text/unicode_tables.hpp
// FOLDER holds UnicodeData.txt (its version is the version of the classes), PropList.txt, CompositionExclusions.txt and
// DerivedAge.txt: https://www.unicode.org/Public/16.0.0/ucd/. Why two versions: see the header's opening comment.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t code_points = 0x110000;
constexpr double normal_form_age = 9.0;  // the reference composes and decomposes as Unicode 9 did

using fields = std::vector<std::string>;

/// The lines of one file, cut at semicolons, blanks and comments removed.
std::vector<fields> lines(const std::string& path) {
    std::ifstream in(path);
    if (!in) {
        std::cerr << "cannot read " << path << "\n";
        std::exit(1);
    }
    std::vector<fields> all;
    for (std::string line; std::getline(in, line);) {
        line = line.substr(0, line.find('#'));
        fields cut(1);
        for (const char c : line) {
            if (c == ';') {
                cut.emplace_back();
            } else if ((c != ' ' && c != '\r') || !cut.back().empty()) {
                cut.back() += c;
            }
        }
        for (auto& f : cut) f.erase(f.find_last_not_of(" \r") + 1);
        if (!cut[0].empty()) all.push_back(cut);
    }
    return all;
}

std::uint32_t hex(const std::string& s) { return static_cast<std::uint32_t>(std::stoul(s, nullptr, 16)); }

/// Every code point of "0041..005A" or "00AA".
template <class F> void each(const std::string& range, F f) {
    const auto dots = range.find("..");
    const auto last = hex(dots == std::string::npos ? range : range.substr(dots + 2));
    for (auto c = hex(range); c <= last; ++c) f(c);
}

/// Numbers as characters, see unpack() in text/unicode.hpp: of the 90 from '#' to '~' that mean nothing else in a C++
/// string (as '?' and '\\' do), the first 20 go on and the other 70 end a number.
class packed {
public:
    void put(std::uint32_t n) {
        std::string digits(1, character(20 + n % 70));
        for (n /= 70; n != 0; n /= 20) digits.insert(digits.begin(), character(n % 20));
        text_ += digits;
    }
    /// A number that may be less than the one of its kind before it.
    void put(std::uint32_t n, std::uint32_t& last) {
        put(n < last ? (last - n) * 2 - 1 : (n - last) * 2);
        last = n;
    }
    void print(const char* comment, const char* name) const {
        std::cout << comment << "inline constexpr char " << name << "[] =\n";
        for (std::size_t at = 0; at < text_.size(); at += 114)
            std::cout << "    \"" << text_.substr(at, 114) << (at + 114 < text_.size() ? "\"\n" : "\";\n");
    }

private:
    static char character(std::uint32_t digit) {
        auto c = static_cast<char>('#' + digit);
        for (const char left_out : {'?', '\\'}) c = static_cast<char>(c + (c >= left_out));
        return c;
    }
    std::string text_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: unicode_tables FOLDER > unicode_tables.hpp\n";
        return 2;
    }
    const std::string folder = std::string(argv[1]) + "/";

    std::vector<double> age(code_points, 99);
    for (const auto& f : lines(folder + "DerivedAge.txt"))
        each(f[0], [&](std::uint32_t c) { age[c] = std::stod(f[1]); });
    std::set<std::uint32_t> excluded;
    for (const auto& f : lines(folder + "CompositionExclusions.txt")) excluded.insert(hex(f[0]));

    // Classes, in the order of text::char_class: other, mark, letter, number, numeral, space.
    enum : std::uint8_t { other, mark, letter, number, numeral, space };
    std::vector<std::uint8_t> kind(code_points, other), order(code_points, 0), assigned(code_points, 0);
    std::map<std::uint32_t, std::vector<std::uint32_t>> parts;
    std::uint32_t first = 0;
    for (const auto& f : lines(folder + "UnicodeData.txt")) {
        const auto c = hex(f[0]);
        if (f[1].find(", First>") != std::string::npos) {
            first = c;
            continue;
        }
        const auto& g = f[2];
        const std::uint8_t k = g[0] == 'L'                ? letter
                               : g == "Nd" || g == "Nl"   ? number
                               : g == "No"                ? numeral
                               : g[0] == 'M' || g == "Pc" ? mark
                                                          : other;
        for (auto x = f[1].find(", Last>") != std::string::npos ? first : c; x <= c; ++x) kind[x] = k, assigned[x] = 1;
        if (age[c] > normal_form_age) continue;
        order[c] = static_cast<std::uint8_t>(std::stoi(f[3]));
        if (f[5].empty() || f[5][0] == '<') continue;
        std::uint32_t a = hex(f[5]), b = 0;
        if (const auto blank = f[5].find(' '); blank != std::string::npos) b = hex(f[5].substr(blank + 1));
        parts[c] = {a, b};
    }
    for (const auto& f : lines(folder + "PropList.txt"))
        each(f[0], [&](std::uint32_t c) {
            if (f[1] == "White_Space") kind[c] = space;
            if ((f[1] == "Other_Alphabetic" || f[1] == "Join_Control") && kind[c] == other && assigned[c])
                kind[c] = mark;
        });

    packed classes, orders, decompositions;
    const auto put_runs = [](const std::vector<std::uint8_t>& value, std::uint32_t values, packed& out) {
        std::uint32_t runs = 0, from = 0;
        for (std::uint32_t c = 1; c <= code_points; ++c) {
            if (c < code_points && value[c] == value[from]) continue;
            out.put((c - from) * values + value[from]);
            from = c;
            ++runs;
        }
        return runs;
    };
    const auto class_runs = put_runs(kind, 6, classes), order_runs = put_runs(order, 256, orders);
    // 0: one part; 1: two parts; 2: two parts that compose again.
    const auto kind_of = [&](std::uint32_t c) -> std::uint32_t {
        const auto& p = parts.at(c);
        return p[1] == 0 ? 0 : order[c] == 0 && order[p[0]] == 0 && excluded.count(c) == 0 ? 2 : 1;
    };
    std::uint32_t composed = 0, after = 0, a = 0, b = 0;
    for (auto it = parts.begin(); it != parts.end();) {
        const auto begin = it->first, what = kind_of(begin);
        std::uint32_t n = 1;
        while (parts.count(begin + n) != 0 && kind_of(begin + n) == what) ++n;
        decompositions.put((begin - after) * 3 + what);
        decompositions.put(n);
        for (after = begin + n; it != parts.end() && it->first < after; ++it) {
            decompositions.put(it->second[0], a);
            if (what != 0) decompositions.put(it->second[1], b);
            composed += what == 2;
        }
    }

    std::cout << R"(// SPDX-License-Identifier: MIT
// GENERATED by tests/build/unicode_tables.cpp; read text/unicode.hpp, which unpacks it. Classes are those of Unicode
// 16.0, decompositions those of Unicode 9.0, because the reference tokenizer library (0.23) was built with these.
// The data are from the Unicode Character Database, Copyright (c) 1991-2024 Unicode, Inc., under the Unicode License
// v3, https://www.unicode.org/license.txt
#ifndef NARAE_TEXT_UNICODE_TABLES_HPP
#define NARAE_TEXT_UNICODE_TABLES_HPP

#include <cstddef>

#include "narae/base/config.hpp"

// clang-format off
namespace narae::inline NARAE_ABI::text::tables {

)";
    std::cout << "inline constexpr std::size_t class_runs = " << class_runs << ", order_runs = " << order_runs
              << ", decomposed = " << parts.size() << ", composed = " << composed << ";\n\n";
    classes.print("// Runs of one class from U+0000 on: length * 6 + class.\n", "packed_classes");
    orders.print("// Runs of one combining class, likewise: length * 256 + class.\n", "packed_orders");
    decompositions.print(
        "// One step of canonical decomposition, in runs of neighbours: distance from the end of the last run * 3 + "
        "(0: "
        "one\n// part; 1: two parts; 2: two parts that compose again), how many, then the parts of each, as steps from "
        "the last.\n",
        "packed_decompositions");
    std::cout << "\n}  // namespace narae::inline NARAE_ABI::text::tables\n// clang-format on\n\n#endif\n";
}
