// SPDX-License-Identifier: MIT
#include "narae/learn/curve.hpp"

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace narae;
using learn::curve_csv;
using learn::curve_point;
using learn::curve_svg;
using learn::read_curve_csv;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();

std::vector<curve_point> falling(std::size_t n) {
    std::vector<curve_point> points;
    for (std::size_t i = 0; i < n; ++i) {
        const auto x = static_cast<double>(i);
        const double loss = 3 + 7 * std::exp(-x / 300) + 0.3 * std::sin(x * 12.9898);
        points.push_back({i, i * 4096, loss, i % 100 == 99 ? loss + 0.1 : none, 3e-4, x * 1.25});
    }
    return points;
}

std::size_t count(const std::string& s, std::string_view what) {
    std::size_t n = 0;
    for (auto at = s.find(what); at != s.npos; at = s.find(what, at + 1)) ++n;
    return n;
}

/// The coordinates of all lines and dots, and whether they are inside the picture.
std::size_t drawn(const std::string& svg) {
    std::size_t n = 0;
    for (const std::string_view begin : {" d=\"M", "cx=\"", "cy=\""})
        for (auto at = svg.find(begin); at != svg.npos; at = svg.find(begin, at + 1)) {
            const char* p = svg.c_str() + at + begin.size();
            for (char* end = nullptr; *p != '"'; p = end) {
                while (*p == ' ' || *p == 'h' || *p == 'H' || *p == 'v') ++p;
                if (*p == '"') break;
                const double v = std::strtod(p, &end);
                if (end == p || !(v >= 0 && v <= 720)) {
                    FAIL_CHECK(std::string(p, 20));
                    return n;
                }
                ++n;
            }
        }
    return n;
}

/// Tags closed in order, no stray '<' or '&': enough to catch a broken picture.
bool well_formed(const std::string& svg) {
    std::vector<std::string> open;
    for (std::size_t at = 0; (at = svg.find('<', at)) != svg.npos;) {
        const auto end = svg.find('>', at);
        if (end == svg.npos || svg.find('<', at + 1) < end || count(svg.substr(at, end - at), "\"") % 2 != 0)
            return false;
        const auto name = svg.substr(at + 1, svg.find_first_of(" >", at) - at - 1);
        if (name[0] == '/') {
            if (open.empty() || "/" + open.back() != name) return false;
            open.pop_back();
        } else if (svg[end - 1] != '/') {
            open.push_back(name);
        }
        at = end;
    }
    return open.empty() && text::utf8_first_invalid(svg) == svg.size() && svg.starts_with("<svg ");
}

std::string message(const std::string& csv) {
    const auto read = read_curve_csv(csv);
    REQUIRE(!read);
    CHECK(read.error().code == errc::bad_value);
    return read.error().message();
}

const std::string header = "step,tokens,loss,valid,rate,seconds\n";

}  // namespace

TEST_CASE("learn/curve: a curve is written as lines of numbers") {
    CHECK(curve_csv({}) == header);
    const std::vector<curve_point> points = {{0, 4096, 10.375, none, 0, 0.5},
                                             {~std::uint64_t{0}, 8192, -0.000123456789123, 3.25, 3e-4, 123456.789},
                                             {2, 3, infinite, -1.7e308, 2.5e-7, 1e12}};
    CHECK(curve_csv(points) == header +
                                   "0,4096,10.375,,0,0.5\n"
                                   "18446744073709551615,8192,-0.000123456789,3.25,0.0003,123456.789\n"
                                   "2,3,inf,-inf,2.5e-7,1e12\n");
}

TEST_CASE("learn/curve: what is read is what was written, to nine digits") {
    auto points = falling(500);
    for (const double odd : {0.0, -1.0, 9.99999999951, 1e-5, 1e-250, 1e250, 5e-324, 1e8, 1e9, -2.5e-12, infinite})
        points.push_back({points.size(), 1, odd, odd / 3, odd / 7, 2});
    const auto csv = curve_csv(points);
    const auto read = read_curve_csv(csv);
    REQUIRE(read);
    REQUIRE(read->size() == points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
        CAPTURE(i);
        const auto &a = points[i], &b = (*read)[i];
        CHECK(a.step == b.step);
        CHECK(a.tokens == b.tokens);
        for (const auto& [x, y] : {std::pair(a.loss, b.loss), {a.valid, b.valid}, {a.rate, b.rate}}) {
            using learn::detail::size_bits, learn::detail::infinite_bits;  // -ffast-math knows no NaN
            if (size_bits(x) >= infinite_bits)
                CHECK((size_bits(x) > infinite_bits) == (size_bits(y) > infinite_bits));
            else
                CHECK(std::fabs(x - y) <= 5.1e-9 * std::fabs(x) + 1e-300);
        }
    }
    CHECK(curve_csv(*read) == csv);
    CHECK(read_curve_csv("step,tokens,loss,valid,rate,seconds\r\n1,2,3,,4,5\r\n")->size() == 1);
    CHECK(read_curve_csv("step,tokens,loss,valid,rate,seconds")->empty());
}

TEST_CASE("learn/curve: a line that cannot be read is named") {
    CHECK(message("") == "line 1: not step,tokens,loss,valid,rate,seconds");
    CHECK(message("step,loss\n1,2\n") == "line 1: not step,tokens,loss,valid,rate,seconds");
    CHECK(message(header + "1,2,3,,4,5\n1,2,3,,4\n") == "line 3: not six fields");
    CHECK(message(header + "1,2,3,,4,5\n\n") == "line 3: not six fields");
    CHECK(message(header + "-1,2,3,,4,5") == "line 2: step is no number");
    CHECK(message(header + "1,2.5,3,,4,5") == "line 2: tokens is no number");
    CHECK(message(header + "1,2,3x,,4,5") == "line 2: loss is no number");
    CHECK(message(header + "1,2,3,[4],4,5") == "line 2: valid is no number");
    CHECK(message(header + "1,2,3,,0,\"5\"") == "line 2: seconds is no number");
}

TEST_CASE("learn/curve: the picture holds the lines, the dots and round ticks") {
    const auto svg = curve_svg(falling(600), "위키 <8 x 768> & \"한국어\"\n\xFF\x01");
    CHECK(well_formed(svg));
    CHECK(drawn(svg) > 2 * 2 * 600);
    CHECK(count(svg, "<circle") == 6);
    CHECK(count(svg, "위키 &#60;8 x 768&#62; &#38; \"한국어\" \xEF\xBF\xBD ") == 2);
    CHECK(count(svg, "<script") == 0);
    for (const char* tick : {">0<", ">100<", ">500<", ">4<", ">10<"}) CHECK(count(svg, tick) >= 1);
    CHECK(count(svg, "text-anchor=\"end\"") >= 4);
    CHECK(count(svg, "text-anchor=\"end\"") <= 9);
}

TEST_CASE("learn/curve: a long run is thinned out, and drawn to its end") {
    for (const std::size_t n : {999u, 1000u, 1001u, 50000u}) {
        CAPTURE(n);
        auto points = falling(n);
        for (auto& p : points) p.valid = p.loss;
        const auto svg = curve_svg(points, "");
        CHECK(well_formed(svg));
        CHECK(drawn(svg) <= 2 * (2 * 1001 + 201) + 40);
        CHECK(drawn(svg) >= 2 * (2 * 500 + 100));
        CHECK(count(svg, " h0\"") == 2);
        CHECK(count(svg, "704 ") >= 2);
        CHECK(svg.size() < 60000);
    }
}

TEST_CASE("learn/curve: smoothing takes out noise but does not lag") {
    auto points = falling(8000);
    const auto svg = curve_svg(points, "");
    // At the end the loss is 3 but for noise of 0.3; the caption gives what is left of that.
    const auto at = svg.find(">loss ") + 6;
    CHECK(std::fabs(std::strtod(svg.c_str() + at, nullptr) - 3) < 0.02);
    for (auto& p : points) p.loss = 4;
    CHECK(count(curve_svg(points, ""), ">loss 4<") == 1);
}

TEST_CASE("learn/curve: few points, none, and numbers that cannot be drawn leave a whole picture") {
    std::vector<std::vector<curve_point>> runs(3);
    runs[1] = {{5, 6, 10.4, none, 0, 0}};
    runs[2] = {{5, 6, 10.4, 10.4, 0, 0}, {6, 7, 10.4, none, 0, 0}};
    for (const double odd : {none, infinite, -infinite, 1e308, -1e308, 1e9, -1e9, 0.0, 5e-324, -3.0}) {
        runs.push_back({{0, 0, odd, odd, 0, 0}});
        runs.push_back({{0, 0, 3, none, 0, 0}, {1, 1, odd, odd, 0, 0}, {~std::uint64_t{0}, 2, 2, 3, 0, 0}});
    }
    runs.push_back({{7, 0, 3, 3, 0, 0}, {3, 0, 2, 2, 0, 0}, {3, 0, 2.5, 2, 0, 0}});  // a run that went back
    for (std::size_t i = 0; i < runs.size(); ++i) {
        CAPTURE(i);
        const auto svg = curve_svg(runs[i], "t");
        CHECK(well_formed(svg));
        CHECK(svg.find("nan") == svg.npos);
        CHECK(svg.find("inf") == svg.npos);
        CHECK(drawn(svg) >= 2);
        CHECK(svg.size() < 6000);
    }
    CHECK(count(curve_svg(runs[0], "t"), "h0") == 0);
    CHECK(count(curve_svg(runs[1], "t"), "h0") == 2);
}

TEST_CASE("learn/curve: the locale does not matter") {
    const auto points = falling(50);
    const auto csv = curve_csv(points), svg = curve_svg(points, "t");
    const std::string before = std::setlocale(LC_ALL, nullptr);
    for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ko_KR.UTF-8"}) std::setlocale(LC_ALL, name);
    CHECK(curve_csv(points) == csv);
    CHECK(curve_svg(points, "t") == svg);
    CHECK(read_curve_csv(csv)->size() == 50);
    std::setlocale(LC_ALL, before.c_str());
}
