// SPDX-License-Identifier: MIT
#include "narae/text/json.hpp"

#include <random>
#include <vector>

#include "catch.hpp"

using namespace narae;
using text::json;
using text::json_kind;

namespace {

/// The error of a text that must not parse.
error refused(const std::string& source) {
    const auto doc = json::parse(source);
    CAPTURE(source);
    CHECK_FALSE(doc);
    return doc ? error{} : doc.error();
}

bool parses(const std::string& source) { return json::parse(source).has_value(); }

std::string string_of(const std::string& source) {
    const auto doc = json::parse(source);
    REQUIRE(doc);
    return doc->root().string();
}

}  // namespace

TEST_CASE("values of every kind", "[json]") {
    const std::string source = R"( { "null" : null, "yes":true,"no":false, "n": [0, -1, 2.5, 1e3, 12E-1, -0.0],
        "s":"가나", "o":{"a":{}},"e":[] } )";
    const auto doc = json::parse(source);
    REQUIRE(doc);
    const auto root = doc->root();
    CHECK(root.is(json_kind::object));
    CHECK(root.size() == 7);
    CHECK(root["null"].is(json_kind::null));
    CHECK(root["null"].missing_or_null());
    CHECK(root["absent"].missing_or_null());
    CHECK(root["absent"]["deeper"]["still"].is(json_kind::none));
    CHECK(root["yes"].truth());
    CHECK_FALSE(root["no"].truth());
    CHECK(root["no"].is(json_kind::boolean));
    CHECK(root["s"].string() == "가나");
    CHECK(root["s"].raw() == "가나");
    CHECK(root["e"].size() == 0);
    CHECK(root["o"]["a"].is(json_kind::object));
    CHECK(root["n"].raw() == "[0, -1, 2.5, 1e3, 12E-1, -0.0]");
    CHECK(source.substr(root["yes"].at(), 4) == "true");
    std::vector<double> numbers;
    const bool all = root["n"].for_each([&](const text::json_value& v) {
        double x = 0;
        CHECK(v.real(x));
        numbers.push_back(x);
        return true;
    });
    CHECK(all);
    CHECK(numbers == std::vector<double>{0, -1, 2.5, 1000, 1.2, 0});
    std::string keys;
    const bool to_the_end = root.for_each_member([&](const text::json_value& k, const text::json_value&) {
        keys += k.string() + " ";
        return k.raw() != "n";  // stops there
    });
    CHECK_FALSE(to_the_end);
    CHECK(keys == "null yes no n ");
}

TEST_CASE("whole numbers keep all 64 bits", "[json]") {
    const auto whole = [](const std::string& s, std::uint64_t& out) {
        const auto doc = json::parse(s);
        REQUIRE(doc);
        return doc->root().whole(out);
    };
    std::uint64_t n = 1;
    CHECK((whole("0", n) && n == 0));
    CHECK((whole("18446744073709551615", n) && n == 18446744073709551615u));
    CHECK((whole("9007199254740993", n) && n == 9007199254740993u));
    for (const char* s : {"18446744073709551616", "99999999999999999999", "-1", "1.0", "1e2", "\"1\"", "null", "[]"})
        CHECK_FALSE(whole(s, n));
}

TEST_CASE("real numbers are exact where a config writes them", "[json]") {
    const auto real = [](const std::string& s) {
        const auto doc = json::parse(s);
        double x = -1;
        REQUIRE(doc);
        REQUIRE(doc->root().real(x));
        return x;
    };
    CHECK(real("1e-05") == 1e-5);
    CHECK(real("0.25") == 0.25);
    CHECK(real("10000.0") == 10000.0);
    CHECK(real("-3.5E+2") == -350);
    CHECK(real("1e400") > 1e300);
    CHECK(real("1e-400") == 0);
    CHECK(real("0e999") == 0);
    CHECK(real("1e99999999999999999999") > 1e300);
    double x = 0;
    CHECK_FALSE(json::parse("true")->root().real(x));
}

TEST_CASE("strings: escapes are undone", "[json]") {
    CHECK(string_of(R"("")") == "");
    CHECK(string_of(R"("a\"b\\c\/d\b\f\n\r\t")") == "a\"b\\c/d\b\f\n\r\t");
    CHECK(string_of(R"("\u0041\uAC00\ud83d\uDE00")") == "A가😀");
    CHECK(string_of(R"("\u0000x")") == std::string("\0x", 2));
    CHECK(string_of("\"\x7F\"") == "\x7F");
    CHECK(json::parse("1")->root().string() == "");
    const auto doc = json::parse(R"({"\u0061":1, "a":2})");  // equal keys, however written: the last one counts
    REQUIRE(doc);
    CHECK(doc->root()["a"].raw() == "2");
}

TEST_CASE("what is not JSON is refused, with the place", "[json]") {
    struct bad {
        std::string source, what;
        std::uint64_t at;
    };
    const std::vector<bad> all = {
        {"", "a value", 0},
        {"  ", "a value", 2},
        {"{", "a key", 1},
        {"[", "a value", 1},
        {"[1", "',' or ']'", 2},
        {"[1,", "a value", 3},
        {"[1,]", "a value", 3},
        {"[,1]", "a value", 1},
        {"{\"a\"}", "':'", 4},
        {"{\"a\":}", "a value", 5},
        {"{\"a\":1,}", "a key", 7},
        {"{\"a\":1 \"b\":2}", "',' or '}'", 7},
        {"{a:1}", "a key", 1},
        {"{1:1}", "a key", 1},
        {"nul", "a value", 0},
        {"nulll", "end of the document", 4},
        {"1 2", "end of the document", 2},
        {"01", "end of the document", 1},
        {"+1", "a value", 0},
        {"-", "a value", 1},
        {"1.", "a digit", 2},
        {".5", "a value", 0},
        {"1e", "a digit", 2},
        {"1e+", "a digit", 3},
        {"NaN", "a value", 0},
        {"\"abc", "a closing quote", 4},
        {"\"a\nb\"", "no control character in a string", 2},
        {"\"\\x\"", "an escape", 3},
        {"\"\\", "an escape", 2},
        {"\"\\u12", "four hexadecimal digits", 5},
        {"\"\\u12G4\"", "four hexadecimal digits", 5},
        {"\"\\udc00\"", "no lone surrogate", 7},
        {"\"\\ud800\"", "a low surrogate", 7},
        {"\"\\ud800\\u0041\"", "a low surrogate", 13},
        {"'a'", "a value", 0},
        {"[1}", "',' or ']'", 2},
        {"\xEF\xBB\xBF{}", "a value", 0},
    };
    for (const auto& b : all) {
        const auto e = refused(b.source);
        CHECK(e.code == errc::bad_value);
        CHECK(e.what == "JSON: expected " + b.what);
        CHECK(e.at == b.at);
    }
    const auto e = refused("\"a\xFF\"");
    CHECK(e.what == "JSON is not UTF-8");
    CHECK(e.at == 2);
}

TEST_CASE("nesting is bounded", "[json]") {
    const auto nested = [](int n) {
        return std::string(static_cast<std::size_t>(n), '[') + std::string(static_cast<std::size_t>(n), ']');
    };
    CHECK(parses(nested(json::max_depth)));
    CHECK_FALSE(parses(nested(json::max_depth + 2)));
    CHECK_FALSE(parses(nested(1000000)));
    CHECK_FALSE(parses(std::string(1000000, '[')));
}

TEST_CASE("every prefix and every changed byte gives a document or an error", "[json]") {
    const std::string source = R"({"a":[1,-2.5e3,"x\u00e9\ud83d\ude00"],"b":{"c":null,"d":[true,false]},"e":"가"})";
    CHECK(parses(source));
    for (std::size_t n = 0; n < source.size(); ++n) CHECK_FALSE(parses(source.substr(0, n)));
    std::mt19937 random(7);
    for (int i = 0; i < 20000; ++i) {
        auto s = source;
        for (auto k = random() % 3 + 1; k > 0; --k) s[random() % s.size()] = static_cast<char>(random() % 256);
        const auto doc = json::parse(s);
        if (!doc) continue;
        doc->root()["a"].for_each([](const text::json_value& v) { return v.string().size() < 100; });
        double x = 0;
        doc->root()["b"]["c"].real(x);
    }
}

TEST_CASE("quoting and parsing give the same text back", "[json]") {
    std::string all;
    for (char32_t c = 0; c < 0x500; ++c) text::utf8_append(all, c);
    all += "한글 😀";
    CHECK(string_of(text::json_quote(all)) == all);
    CHECK(text::json_quote("a\"\\\n\x01") == R"("a\"\\\n\u0001")");
    CHECK(text::json_quote("\xFF") == "\"\xEF\xBF\xBD\"");
}
