// SPDX-License-Identifier: MIT
#include "narae/base/bytes.hpp"

#include <cmath>

#include "catch.hpp"

using namespace narae;

TEST_CASE("base/bytes: loads and stores are little-endian at any address") {
    const unsigned char raw[] = {0xFF, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};
    CHECK(load_le<std::uint8_t>(raw + 1) == 0x01);
    CHECK(load_le<std::uint16_t>(raw + 1) == 0x0201);
    CHECK(load_le<std::uint32_t>(raw + 1) == 0x04030201);
    CHECK(load_le<std::uint64_t>(raw + 1) == 0x8807060504030201);
    CHECK(load_le<std::int64_t>(raw + 1) < 0);
    const unsigned char one[] = {0, 0, 0x80, 0x3F};
    CHECK(load_le<float>(one) == 1.0f);

    unsigned char out[9] = {};
    store_le(out + 1, std::uint32_t{0x04030201});
    CHECK(out[0] == 0);
    CHECK(out[1] == 1);
    CHECK(out[4] == 4);
    CHECK(out[5] == 0);
    store_le(out + 1, -2.5);
    CHECK(load_le<double>(out + 1) == -2.5);
    CHECK(out[8] == 0xC0);
}

TEST_CASE("base/bytes: checked products and round_up") {
    const auto most = ~std::uint64_t{0};
    std::uint64_t p = 0;
    CHECK(checked_mul(0, most, p));
    CHECK(p == 0);
    CHECK(checked_mul(most, 0, p));
    CHECK(checked_mul(most, 1, p));
    CHECK(p == most);
    CHECK(checked_mul(std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1, p));
    CHECK_FALSE(checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 32, p));
    CHECK_FALSE(checked_mul(most, 2, p));
    CHECK(round_up(0, 64) == 0);
    CHECK(round_up(1, 64) == 64);
    CHECK(round_up(64, 64) == 64);
    CHECK(round_up(65, 64) == 128);
}

TEST_CASE("base/bytes: text and bytes are views of each other") {
    const std::string_view text = "abc";
    CHECK(as_bytes(text).size() == 3);
    CHECK(as_text(as_bytes(text)) == text);
    CHECK(as_text(byte_view{}).empty());
}

TEST_CASE("base/bytes: the cursor never passes the end") {
    const std::string_view text = "\x01\x02\x03\x04\x05";
    cursor in(as_bytes(text));
    CHECK(in.read<std::uint16_t>("a") == 0x0201);
    CHECK(in.at() == 2);
    CHECK(in.left() == 3);
    CHECK(as_text(in.take(0, "nothing")).empty());
    REQUIRE(in);
    cursor rest = in;
    CHECK(in.read<std::uint32_t>("length") == 0);
    REQUIRE_FALSE(in);
    CHECK(in.error().code == errc::truncated);
    CHECK(in.error().message() == "length is cut short (byte 2)");
    CHECK(in.at() == 2);  // a failed read takes nothing
    CHECK(in.take(1, "byte").empty());
    CHECK(in.error().message() == "length is cut short (byte 2)");  // the first failure counts
    CHECK(in.read<std::uint8_t>("byte") == 0);
    CHECK(as_text(rest.take(3, "rest")) == "\x03\x04\x05");
    CHECK(rest.left() == 0);
    CHECK(rest);
    CHECK(rest.take(~std::uint64_t{0}, "all").empty());
    CHECK_FALSE(rest);

    cursor beyond(as_bytes(text), ~std::uint64_t{0});
    CHECK(beyond.left() == 0);
    CHECK(beyond.take(1, "x").empty());
    CHECK_FALSE(beyond);
    cursor middle(as_bytes(text), 4);
    CHECK(middle.read<std::uint8_t>("last") == 5);
    CHECK(middle);
}
