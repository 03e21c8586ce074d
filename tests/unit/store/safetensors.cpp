// SPDX-License-Identifier: MIT
#include "narae/store/safetensors.hpp"

#include <initializer_list>

#include "catch.hpp"
#include "store/build.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using namespace narae::store;
using namespace tests;

namespace {

result<safetensors> parse(const std::string& file) { return parse_safetensors(as_bytes(file)); }

/// Parses a header and this many zero bytes; the failure's message, or "" if there is none.
std::string refusal(const std::string& json, std::size_t data = 0, errc code = errc::bad_value) {
    const auto r = parse(safetensors_bytes(json, std::string(data, '\0')));
    if (r) return "";
    CAPTURE(json, r.error().message());
    CHECK(r.error().code == code);
    return r.error().message();
}

bool says(const std::string& message, std::initializer_list<const char*> parts) {
    for (const auto* part : parts)
        if (message.find(part) == message.npos) {
            UNSCOPED_INFO("'" << message << "' lacks '" << part << "'");
            return false;
        }
    return !message.empty() && message.find('\n') == message.npos;
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}";
}

const std::string small_file = safetensors_bytes(
    "{" + entry("b", "F16", "2", "24,28") + "," + entry("a", "F32", "2,3", "0,24") +
        ",\"__metadata__\":{\"format\":\"pt\",\"k\":\"\\uac00\\n\"}," + entry("c", "BOOL", "", "28,29") + "}   ",
    floats({1, 2, 3, 4, 5, 6}) + le(0x3C00, 2) + le(0xC000, 2) + "\1");

}  // namespace

TEST_CASE("store/safetensors: reads names, shapes, dtypes, values and metadata") {
    const auto r = parse(small_file);
    REQUIRE(r);
    REQUIRE(r->tensors.size() == 3);
    const auto &a = r->tensors[0], &b = r->tensors[1], &c = r->tensors[2];
    CHECK(a.name == "a");
    CHECK(a.type == dtype::f32);
    CHECK(a.shape == std::vector<std::uint64_t>{2, 3});
    CHECK(a.strides == std::vector<std::uint64_t>{3, 1});
    CHECK(a.contiguous());
    CHECK(element(a, {0, 0}) == 1);
    CHECK(element(a, {1, 2}) == 6);
    CHECK(b.name == "b");
    CHECK(element(b, {0}) == 1);
    CHECK(element(b, {1}) == -2);
    CHECK(c.shape.empty());
    CHECK(c.elements() == 1);
    CHECK(element(c, {}) == 1);
    REQUIRE(r->metadata.size() == 2);
    CHECK(r->metadata[0] == std::pair<std::string, std::string>("format", "pt"));
    CHECK(r->metadata[1].second == "가\n");
}

TEST_CASE("store/safetensors: empty tensors and empty files are files") {
    const auto none = parse(safetensors_bytes("{}", ""));
    REQUIRE(none);
    CHECK(none->tensors.empty());
    const auto r = parse(safetensors_bytes("{" + entry("z", "F32", "0,7", "4,4") + "," + entry("a", "F32", "1", "0,4") +
                                               "," + entry("y", "F32", "0", "0,0") + "}",
                                           le(0, 4)));
    REQUIRE(r);
    CHECK(r->tensors.size() == 3);
    CHECK(r->tensors[2].name == "z");
}

TEST_CASE("store/safetensors: a header that cannot be is refused") {
    CHECK(parse("").error().code == errc::truncated);
    CHECK(parse(le(2, 7)).error().code == errc::truncated);
    CHECK(parse(le(3, 8) + "{}").error().code == errc::truncated);
    CHECK(says(parse(le(100'000'001, 8) + "{}").error().message(), {"100000001 bytes"}));
    CHECK(parse(le(~std::uint64_t{0}, 8) + "{}").error().code == errc::bad_value);
    CHECK(says(refusal(""), {"not a JSON object"}));
    CHECK(says(refusal(" {}"), {"not a JSON object"}));
    CHECK(says(refusal("[]"), {"not a JSON object"}));
    CHECK(says(refusal("{} x"), {"safetensors header", "end of the document", "byte 11"}));
    CHECK(says(refusal("{\"a\":}"), {"safetensors header", "byte 13"}));
    CHECK(says(refusal("{\"\xFF\":1}"), {"not UTF-8"}));
    CHECK(refusal("{}   \n").empty());
}

TEST_CASE("store/safetensors: every entry is checked") {
    CHECK(refusal("{" + entry("a", "F32", "1", "0,4") + "}", 4).empty());
    CHECK(says(refusal("{" + entry("", "F32", "1", "0,4") + "}", 4), {"without a name"}));
    CHECK(says(refusal("{\"a\":1}"), {"a: needs dtype, shape and two data_offsets"}));
    CHECK(says(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4), {"a: needs"}));
    CHECK(says(refusal("{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,4]}}", 4), {"a: needs"}));
    CHECK(says(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4), {"a: needs"}));
    CHECK(says(refusal("{" + entry("a", "F32", "1", "0,4,4") + "}", 4), {"a: needs"}));
    CHECK(
        says(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":0}}", 4), {"nothing else"}));
    CHECK(says(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"shape\":[1]}}", 4),
               {"a: needs"}));
    CHECK(says(refusal("{" + entry("x.w", "F8_E4M3", "4", "0,4") + "}", 4, errc::unsupported),
               {"x.w: unknown dtype F8_E4M3"}));
    CHECK(says(refusal("{" + entry("a", "f32", "1", "0,4") + "}", 4, errc::unsupported), {"unknown dtype f32"}));
    for (const char* shape : {"-1", "1.0", "1e0", "\"1\"", "null", "[1]", "18446744073709551616"})
        CHECK(says(refusal("{" + entry("a", "F32", shape, "0,4") + "}", 4), {"a: shape is not made of whole numbers"}));
    CHECK(says(refusal("{" + entry("a", "F32", "4294967296,4294967296", "0,4") + "}", 4), {"a: shape is too large"}));
    CHECK(says(refusal("{" + entry("a", "F32", "4611686018427387904", "0,0") + "}", 0), {"a: shape is too large"}));
    for (const char* offsets : {"-4,0", "0,4.0", "4,0", "true,4"})
        CHECK(says(refusal("{" + entry("a", "F32", "1", offsets) + "}", 4), {"a: data_offsets are not a range"}));
    CHECK(says(refusal("{" + entry("a", "F32", "2", "0,8") + "}", 4, errc::truncated), {"a: ", "end of the file"}));
    CHECK(says(
        refusal("{" + entry("a", "F32", "1", "18446744073709551608,18446744073709551612") + "}", 4, errc::truncated),
        {"end of the file"}));
    CHECK(says(refusal("{" + entry("a", "F32", "1", "0,8") + "}", 8), {"a: shape needs 4 bytes, data_offsets give 8"}));
    CHECK(says(refusal("{" + entry("a", "F32", "3", "0,8") + "}", 8), {"a: shape needs 12 bytes"}));
}

TEST_CASE("store/safetensors: tensors fill the data without holes, overlap or a tail") {
    CHECK(says(refusal("{" + entry("a", "U8", "4", "0,4") + "," + entry("b", "U8", "4", "5,9") + "}", 9),
               {"b: ", "hole"}));
    CHECK(says(refusal("{" + entry("a", "U8", "4", "1,5") + "}", 5), {"a: ", "hole"}));
    CHECK(says(refusal("{" + entry("a", "U8", "4", "0,4") + "," + entry("b", "U8", "4", "3,7") + "}", 7),
               {"b: overlaps"}));
    CHECK(
        says(refusal("{" + entry("a", "U8", "4", "0,4") + "," + entry("b", "U8", "4", "0,4") + "}", 4), {"overlaps"}));
    CHECK(says(refusal("{" + entry("a", "U8", "4", "0,4") + "," + entry("b", "U8", "0", "2,2") + "}", 4),
               {"b: overlaps"}));
    CHECK(says(refusal("{" + entry("a", "U8", "4", "0,4") + "}", 5), {"bytes after the last tensor"}));
    CHECK(says(refusal("{}", 1), {"bytes after the last tensor"}));
}

TEST_CASE("store/safetensors: nothing may occur twice") {
    CHECK(says(refusal("{" + entry("a", "U8", "1", "0,1") + "," + entry("a", "U8", "1", "1,2") + "}", 2),
               {"a: occurs twice"}));
    CHECK(says(refusal("{" + entry("a", "U8", "1", "0,1") + "," + entry("\\u0061", "U8", "1", "1,2") + "}", 2),
               {"a: occurs twice"}));
    CHECK(says(refusal("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"), {"metadata k occurs twice"}));
    CHECK(says(refusal("{\"__metadata__\":{},\"__metadata__\":{}}"), {"__metadata__: occurs twice"}));
    CHECK(says(refusal("{\"__metadata__\":{\"k\":1}}"), {"__metadata__ may hold strings only"}));
    CHECK(says(refusal("{\"__metadata__\":[]}"), {"__metadata__ may hold strings only"}));
}

TEST_CASE("store/safetensors: a name cannot break the message's line") {
    CHECK(says(refusal("{" + entry("a\\nb\\u001b", "F9", "1", "0,4") + "}", 4, errc::unsupported),
               {"a?b?: unknown dtype"}));
}

TEST_CASE("store/safetensors: every truncation is an error, no changed byte is a crash") {
    REQUIRE(parse(small_file));
    shorten(small_file, [](std::size_t n, byte_view file) {
        const auto r = parse_safetensors(file);
        if (r) FAIL("valid at " << n << " bytes");
    });
    std::size_t valid = 0;
    change(small_file, [&](std::size_t, byte_view file) {
        const auto r = parse_safetensors(file);
        if (r) ++valid, touch(r->tensors);
    });
    CHECK(valid > 29 * 4);  // at least a changed weight is still a weight
}
