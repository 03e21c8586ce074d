// SPDX-License-Identifier: MIT
// The little JSON that model files need (RFC 8259), read into one flat array of nodes over the source text.
// Bounded in depth; its memory is bounded by the source's size. The source must outlive the document.
#ifndef NARAE_TEXT_JSON_HPP
#define NARAE_TEXT_JSON_HPP

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/callback.hpp"
#include "narae/base/result.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::text {

enum class json_kind : std::uint8_t { none, null, boolean, number, string, array, object };

/// A node: a slice of the source, and for containers where their subtree ends. Keys stand before their values.
struct json_node {
    json_kind kind = json_kind::none;
    bool escaped = false;     ///< a string with backslashes in it
    std::uint32_t end = 0;    ///< index past this node's subtree
    std::uint32_t count = 0;  ///< children of an array, members of an object
    std::size_t begin = 0, length = 0;
};
inline constexpr json_node no_json_node{};

/// Appends what the escape at s[at], past its backslash, means. Returns what should have stood there, or nullptr.
inline const char* read_escape(std::string_view s, std::size_t& at, std::string& out) {
    constexpr std::string_view written = "\"\\/bfnrtu", meant = "\"\\/\b\f\n\r\t";
    const auto which = at < s.size() ? written.find(s[at++]) : s.npos;
    if (which == s.npos) return "an escape";
    if (which < meant.size()) return out.push_back(meant[which]), nullptr;
    const auto hex4 = [&](std::uint32_t& unit) {
        const auto digits = s.substr(at, 4);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16).ptr - digits.data();
        at += static_cast<std::size_t>(read);
        return read == 4;
    };
    std::uint32_t c = 0, low = 0;
    if (!hex4(c)) return "four hexadecimal digits";
    if (c >= 0xDC00 && c < 0xE000) return "no lone surrogate";
    if (c >= 0xD800 && c < 0xDC00) {
        const bool pair = s.substr(at, 2) == "\\u" && (at += 2, hex4(low)) && low >= 0xDC00 && low < 0xE000;
        if (!pair) return "a low surrogate";
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    utf8_append(out, c);
    return nullptr;
}

/// A borrowed view of one value. A value that is not there has kind none, so look-ups can be chained.
class json_value {
public:
    json_value() = default;
    json_value(std::string_view source, const std::vector<json_node>& nodes, std::uint32_t index)
        : source_(source), nodes_(&nodes), index_(index) {}

    json_kind kind() const noexcept { return node().kind; }
    bool is(json_kind k) const noexcept { return kind() == k; }
    bool missing_or_null() const noexcept { return is(json_kind::none) || is(json_kind::null); }
    std::uint32_t size() const noexcept { return node().count; }

    /// Where this value stands in the source, in bytes.
    std::size_t at() const noexcept { return node().begin; }

    /// The source text of a scalar; of a string what stands between the quotes, escapes not yet undone.
    std::string_view raw() const noexcept { return source_.substr(node().begin, node().length); }

    bool truth() const noexcept { return is(json_kind::boolean) && raw() == "true"; }

    /// A string's text; empty for anything else.
    std::string string() const {
        if (!is(json_kind::string)) return {};
        std::string out;
        const auto s = raw();
        if (!node().escaped) return std::string(s);
        for (std::size_t i = 0; i < s.size();)
            if (const char c = s[i++]; c != '\\' || read_escape(s, i, out) != nullptr) out.push_back(c);
        return out;
    }

    /// A whole number from 0 to 2^64 - 1, written without sign, fraction or exponent; else false.
    bool whole(std::uint64_t& out) const noexcept {
        if (!is(json_kind::number)) return false;
        const auto s = raw();
        const auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), out);
        return failed == std::errc{} && end == s.data() + s.size();
    }

    /// Any number as a double, exact where up to 15 digits and a small exponent allow it; else false.
    bool real(double& out) const noexcept {
        if (!is(json_kind::number)) return false;
        const auto s = raw();
        const auto end = (std::min)(s.find_first_of("eE"), s.size()), point = (std::min)(s.find('.'), end);
        double digits = 0;
        for (const char c : s.substr(0, end))
            if (c >= '0' && c <= '9') digits = digits * 10 + (c - '0');
        int exponent = 0;
        if (end < s.size()) {
            const auto* from = s.data() + end + (s[end + 1] == '+' ? 2 : 1);
            if (std::from_chars(from, s.data() + s.size(), exponent).ec != std::errc{} || std::abs(exponent) > 100000)
                exponent = *from == '-' ? -100000 : 100000;
        }
        if (point < end) exponent -= static_cast<int>(end - point - 1);
        if (digits == 0) exponent = 0;  // 0e999 is 0, not 0 * infinity
        out = exponent < 0 ? digits / std::pow(10.0, -exponent) : digits * std::pow(10.0, exponent);
        if (s[0] == '-') out = -out;
        return true;
    }

    /// The member with this key, or a value of kind none. With equal keys the last one counts, as elsewhere.
    json_value operator[](std::string_view key) const {
        json_value found;
        for_each_member([&](const json_value& k, const json_value& v) {
            if (k.node().escaped ? k.string() == key : k.raw() == key) found = v;
        });
        return found;
    }

    /// f(value) for every element of an array, in order, until f returns false, which is then given back.
    bool for_each(callback<const json_value&> f) const {
        const auto end = is(json_kind::array) ? node().end : 0;
        for (auto i = index_ + 1; i < end; i = (*nodes_)[i].end)
            if (!f(json_value(source_, *nodes_, i))) return false;
        return true;
    }

    /// f(key, value) for every member of an object, in the same way.
    bool for_each_member(callback<const json_value&, const json_value&> f) const {
        const auto end = is(json_kind::object) ? node().end : 0;
        for (auto i = index_ + 1; i < end; i = (*nodes_)[i + 1].end)
            if (!f(json_value(source_, *nodes_, i), json_value(source_, *nodes_, i + 1))) return false;
        return true;
    }

private:
    const json_node& node() const noexcept { return nodes_ == nullptr ? no_json_node : (*nodes_)[index_]; }

    std::string_view source_;
    const std::vector<json_node>* nodes_ = nullptr;
    std::uint32_t index_ = 0;
};

class json {
public:
    static constexpr int max_depth = 64;

    /// Parses all of `source`, which is borrowed. Errors say what was expected, and at which byte.
    static result<json> parse(std::string_view source) {
        json doc;
        doc.source_ = source;
        if (source.size() >= 0xFFFFFFFF) return error{errc::unsupported, "JSON of 4 GiB or more"};
        if (const auto bad = utf8_first_invalid(source); bad != source.size())
            return error{errc::bad_value, "JSON is not UTF-8", bad};
        parser p{source, doc.nodes_, 0, {}};
        p.space();
        if (!p.value(0)) return p.failed;
        p.space();
        if (p.at != source.size()) return p.fail("end of the document"), p.failed;
        return doc;
    }

    json_value root() const noexcept { return {source_, nodes_, 0}; }

private:
    struct parser {
        std::string_view s;
        std::vector<json_node>& nodes;
        std::size_t at;
        error failed;

        bool fail(const char* expected) {
            failed = {errc::bad_value, {"JSON: expected ", expected}, at};
            return false;
        }
        bool next_is(char c) const noexcept { return at < s.size() && s[at] == c; }
        /// Passes over digits; false if there is none.
        bool digits() noexcept {
            const auto begin = at;
            while (at < s.size() && s[at] >= '0' && s[at] <= '9') ++at;
            return at != begin;
        }
        void space() noexcept {
            while (at < s.size() && (s[at] == ' ' || s[at] == '\n' || s[at] == '\r' || s[at] == '\t')) ++at;
        }
        /// Passes over c and the blanks around it, if it is next.
        bool pass(char c) noexcept {
            space();
            return next_is(c) && (++at, space(), true);
        }
        void leaf(json_kind kind, std::size_t begin, std::size_t length, bool escaped = false) {
            nodes.push_back({kind, escaped, static_cast<std::uint32_t>(nodes.size() + 1), 0, begin, length});
        }

        bool value(int depth) {
            if (depth > max_depth) return fail("less nesting");
            if (next_is('"')) return string();
            if (next_is('{')) return container(depth, json_kind::object, '}');
            if (next_is('[')) return container(depth, json_kind::array, ']');
            for (const std::string_view word : {"true", "false", "null"})
                if (next_is(word[0]) && s.substr(at, word.size()) == word) {
                    leaf(word == "null" ? json_kind::null : json_kind::boolean, at, word.size());
                    return at += word.size(), true;
                }
            return number();
        }

        bool number() {
            const auto begin = at;
            if (next_is('-')) ++at;
            const bool zero = next_is('0');
            if (!digits()) return fail("a value");
            if (zero) at = begin + 1 + (s[begin] == '-');  // nothing else belongs to a number that begins with 0
            if (next_is('.') && (++at, !digits())) return fail("a digit");
            if (next_is('e') || next_is('E')) {
                ++at;
                if (next_is('+') || next_is('-')) ++at;
                if (!digits()) return fail("a digit");
            }
            leaf(json_kind::number, begin, at - begin);
            return true;
        }

        bool string() {
            const auto begin = ++at;
            std::string unescaped;
            while (at < s.size() && s[at] != '"') {
                if (static_cast<unsigned char>(s[at]) < 0x20) return fail("no control character in a string");
                if (s[at++] != '\\') continue;
                if (const auto* expected = read_escape(s, at, unescaped)) return fail(expected);
            }
            if (at >= s.size()) return fail("a closing quote");
            leaf(json_kind::string, begin, at++ - begin, !unescaped.empty());
            return true;
        }

        bool container(int depth, json_kind kind, char close) {
            const auto self = nodes.size();
            leaf(kind, at++, 0);
            for (space(); !next_is(close); space()) {
                if (nodes[self].count > 0 && !pass(',')) return fail(close == '}' ? "',' or '}'" : "',' or ']'");
                if (close == '}') {
                    if (!next_is('"')) return fail("a key");
                    if (!string()) return false;
                    if (!pass(':')) return fail("':'");
                }
                if (!value(depth + 1)) return false;
                ++nodes[self].count;
            }
            nodes[self].length = ++at - nodes[self].begin;
            nodes[self].end = static_cast<std::uint32_t>(nodes.size());
            return true;
        }
    };

    std::string_view source_;
    std::vector<json_node> nodes_;
};

/// `s` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
inline std::string json_quote(std::string_view s) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "\"";
    for (utf8_step step; !s.empty(); s.remove_prefix(step.length)) {
        step = utf8_front(s);
        const char32_t c = step.code_point;
        if (c == '"' || c == '\\')
            out += {'\\', static_cast<char>(c)};
        else if (c == '\n')
            out += "\\n";
        else if (c < 0x20)
            out += concat({"\\u00", hex.substr(c >> 4, 1), hex.substr(c & 15, 1)});
        else
            utf8_append(out, c);
    }
    return out + "\"";
}

}  // namespace narae::inline NARAE_ABI::text

#endif
