// SPDX-License-Identifier: MIT
// The loss curve of a training run: as CSV, which a resumed run reads and goes on with, and as an SVG picture (W3C SVG
// 1.1) that stands alone, on light and on dark pages. Numbers are written and read without the locale.
#ifndef NARAE_LEARN_CURVE_HPP
#define NARAE_LEARN_CURVE_HPP

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/num/decimal.hpp"
#include "narae/text/json.hpp"
#include "narae/text/lines.hpp"

namespace narae::inline NARAE_ABI::learn {

/// A moment of a training run.
struct curve_point {
    std::uint64_t step = 0, tokens = 0;                       ///< since the run began
    double loss = 0;                                          ///< nats per token
    double valid = std::numeric_limits<double>::quiet_NaN();  ///< the same on held-out text; NaN: not taken here
    double rate = 0;                                          ///< the learning rate
    double seconds = 0;                                       ///< since the run began
};

namespace detail {

inline constexpr std::string_view curve_header = "step,tokens,loss,valid,rate,seconds";

// Compilers told to hurry take for granted that no number is NaN or infinite: size is compared by bits.
inline std::uint64_t size_bits(double x) noexcept { return std::bit_cast<std::uint64_t>(x) << 1 >> 1; }
inline constexpr std::uint64_t infinite_bits = 0x7FF0000000000000;

/// x with nine significant digits; nothing for NaN. Sizes beyond 1e300 are infinite, those below 1e-300 are 0.
inline std::string csv_number(double x) {
    if (size_bits(x) > infinite_bits) return {};
    if (std::bit_cast<std::uint64_t>(x) >> 63 != 0) return std::string("-").append(csv_number(-x));
    if (size_bits(x) > size_bits(1e300)) return "inf";
    if (x < 1e-300) return "0";
    int e = static_cast<int>(std::floor(std::log10(x)));
    if (x / std::pow(10.0, e) >= 10 - 5e-9) ++e;  // it rounds up to a digit more
    if (e >= -5 && e < 9) return num::short_decimal(x, 8 - e);
    return num::short_decimal(x / std::pow(10.0, e), 8).append("e").append(std::to_string(e));
}

/// Decimal digits and nothing else.
inline bool read_whole(std::string_view s, std::uint64_t& out) noexcept {
    const auto [at, failed] = std::from_chars(s.data(), s.data() + s.size(), out);
    return failed == std::errc{} && at == s.data() + s.size();
}

/// What csv_number writes; false if it is anything else.
inline bool read_csv_number(std::string_view s, double& out) {
    const bool minus = s.starts_with('-');
    out = std::numeric_limits<double>::quiet_NaN();
    if (s.empty()) return true;
    out = std::numeric_limits<double>::infinity() * (minus ? -1 : 1);
    if (s.substr(minus) == "inf") return true;
    const auto number = text::json::parse(s);
    return number && number->root().real(out);
}

}  // namespace detail

/// A line of names, then a line for each point; no valid is an empty field. Numbers keep nine significant digits.
inline std::string curve_csv(std::span<const curve_point> points) {
    using detail::csv_number;
    auto out = concat({detail::curve_header, "\n"});
    for (const auto& p : points)
        out += concat({p.step, ",", p.tokens, ",", csv_number(p.loss), ",", csv_number(p.valid), ",",
                       csv_number(p.rate), ",", csv_number(p.seconds), "\n"});
    return out;
}

/// Reads what curve_csv writes. Errors: bad_value, with the line.
inline result<std::vector<curve_point>> read_curve_csv(std::string_view csv) {
    return guarded([&]() -> result<std::vector<curve_point>> {
        std::vector<curve_point> points;
        const auto names = text::split(detail::curve_header, ',');
        for (std::size_t number = 1; number == 1 || !csv.empty(); ++number) {
            const auto line = text::take_line(csv);
            const auto bad = [&](std::string_view what, std::string_view why) {
                return error{errc::bad_value, {"line ", number, ": ", what, why}};
            };
            if (number == 1) {
                if (line != detail::curve_header) return bad("not ", detail::curve_header);
                continue;
            }
            const auto field = text::split(line, ',');
            if (field.size() != 6) return bad("not six fields", "");
            curve_point p;
            std::size_t k = 0;
            for (auto* whole : {&p.step, &p.tokens})
                if (!detail::read_whole(field[k++], *whole)) return bad(names[k - 1], " is no number");
            for (auto* real : {&p.loss, &p.valid, &p.rate, &p.seconds})
                if (!detail::read_csv_number(field[k++], *real)) return bad(names[k - 1], " is no number");
            points.push_back(p);
        }
        return points;
    });
}

namespace detail {

/// One axis of the picture: what it spans, and the distance of its ticks, 1, 2 or 5 times a power of ten.
struct axis {
    double low, high, tick;

    /// Spans the values and at least `least`, in n distances of ticks or fewer.
    axis(const std::vector<double>& values, double least, double n)
        : low(*std::min_element(values.begin(), values.end())),
          high((std::max)(*std::max_element(values.begin(), values.end()), low + least)),
          tick(std::pow(10.0, std::floor(std::log10((high - low) / n)))) {
        for (const double by : {2.0, 2.5, 2.0})
            if (tick * n < high - low) tick *= by;
    }
    /// f(value, its label) for each tick.
    template <class F> void for_each_tick(F&& f) const {
        const auto decimals = static_cast<int>((std::max)(0.0, std::ceil(-std::log10(tick) - 1e-9)));
        for (auto k = std::ceil(low / tick - 1e-6); k * tick <= high + 1e-6 * tick; k += 1)
            f(k * tick, num::decimal(k == 0 ? 0 : k * tick, decimals));
    }
};

inline std::string xml_text(std::string_view s) {
    std::string out;
    for (const auto c : text::code_points(s))
        if (c == '&' || c == '<' || c == '>')
            out += concat({"&#", c, ";"});
        else
            text::utf8_append(out, c < 0x20 ? U' ' : c == 0xFFFE || c == 0xFFFF ? 0xFFFD : c);
    return out;
}

}  // namespace detail

/// A picture of the loss over the steps: as measured and smoothed, with dots for held-out text. It draws about a
/// thousand points, evenly chosen, and leaves out losses that are not finite or beyond a million.
inline std::string curve_svg(std::span<const curve_point> points, std::string_view title) {
    constexpr double left = 52, right = 704, top = 60, bottom = 318;
    std::vector<std::pair<double, double>> loss, valid;  // step, value
    std::vector<double> steps, values;
    for (const auto& p : points)
        for (auto* to : {&loss, &valid}) {
            const auto step = static_cast<double>(p.step), value = to == &loss ? p.loss : p.valid;
            if (detail::size_bits(value) > detail::size_bits(1e6) || step > 1e12) continue;
            to->push_back({step, value});
            steps.push_back(step), values.push_back(value);
        }
    if (steps.empty()) steps = values = {0};
    const detail::axis x(steps, 8, 8);  // whole steps
    detail::axis y(values, 0.1 * (std::max)(1.0, std::fabs(values.back())), 6);
    y.low = std::floor(y.low / y.tick + 1e-6) * y.tick, y.high = std::ceil(y.high / y.tick - 1e-6) * y.tick;
    const auto across = [&](double v) {
        return num::short_decimal(left + (v - x.low) / (x.high - x.low) * (right - left), 1);
    };
    const auto up = [&](double v) {
        return num::short_decimal(bottom - (v - y.low) / (y.high - y.low) * (bottom - top), 1);
    };

    // A mean over a fortieth of the run, half of it before and half after, does not lag; where the run begins, and the
    // loss falls fast, over no more after than before.
    std::vector<double> sums(loss.size() + 1);
    for (std::size_t i = 0; i < loss.size(); ++i) sums[i + 1] = sums[i] + loss[i].second;
    const auto smooth = [&](std::size_t i) {
        const auto before = (std::min)(loss.size() / 80, i), end = (std::min)(i + before + 1, loss.size());
        return (sums[end] - sums[i - before]) / static_cast<double>(end + before - i);
    };
    // f(index) for about n of them, with the last.
    const auto some = [](std::size_t size, std::size_t n, auto&& f) {
        for (std::size_t i = 0; i < size; i = i + 1 == size ? size : (std::min)(i + size / n + 1, size - 1)) f(i);
    };

    const auto text = detail::xml_text(title);
    auto out = concat({R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" role="img")",
                       R"( font-family="system-ui,sans-serif" font-size="12" fill="#7d848e"><title>)", text,
                       "</title>\n<text x=\"16\" y=\"24\" font-size=\"16\">", text, "</text>"});
    y.for_each_tick([&](double v, const std::string& label) {
        out += concat({"\n<path d=\"M52 ", up(v), R"(H704" stroke="#7d848e" stroke-opacity=".3"/><text x="46" y=")",
                       up(v), R"(" dy=".35em" text-anchor="end">)", label, "</text>"});
    });
    x.for_each_tick([&](double v, const std::string& label) {
        out += concat({"\n<path d=\"M", across(v), R"( 318v5" stroke="#7d848e"/><text x=")", across(v),
                       R"(" y="337" text-anchor="middle">)", label, "</text>"});
    });
    out += "\n<text x=\"378\" y=\"354\" text-anchor=\"middle\">step</text>";
    const auto line = [&](std::string_view style, auto&& value) {
        out += concat({"\n<path fill=\"none\" stroke=\"#3d8bfd\" stroke-linecap=\"round\" stroke-linejoin=\"round\" ",
                       style, " d=\"M"});
        some(loss.size(), 1000, [&](std::size_t i) { out += concat({across(loss[i].first), " ", up(value(i)), " "}); });
        out += "h0\"/>";  // a line of no length, so that a single point is seen, too
    };
    const auto caption = [&](std::string_view place, std::string_view name, double value) {
        out += concat({"\n<text y=\"44\" ", place, "\">", name, num::short_decimal(value, 3), "</text>"});
    };
    if (!loss.empty()) {
        line(R"(stroke-opacity=".35")", [&](std::size_t i) { return loss[i].second; });
        line(R"(stroke-width="2")", smooth);
        caption(R"(x="16" fill="#3d8bfd)", "loss ", smooth(loss.size() - 1));
    }
    some(valid.size(), 200, [&](std::size_t i) {
        out += concat({"\n<circle r=\"3\" fill=\"#e8702a\" cx=\"", across(valid[i].first), "\" cy=\"",
                       up(valid[i].second), "\"/>"});
    });
    if (!valid.empty()) caption(R"(x="110" fill="#e8702a)", "held out ", valid.back().second);
    return out + "\n</svg>\n";
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
