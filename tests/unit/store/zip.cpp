// SPDX-License-Identifier: MIT
#include "narae/store/zip.hpp"

#include "catch.hpp"
#include "store/build.hpp"

using namespace narae;
using namespace narae::store;
using namespace tests;

namespace {
const std::vector<zip_entry> two = {{"a/one", "first"}, {"a/two", ""}};

std::string refusal(const std::string& file, errc code) {
    const auto r = parse_zip(as_bytes(file));
    if (r) return "";
    CHECK(r.error().code == code);
    return r.error().message();
}
}  // namespace

TEST_CASE("store/zip: lists stored entries, with and without zip64, under a comment too") {
    auto wide = two;
    wide[0].wide = true;
    for (const auto& file : {zip_bytes(two), zip_bytes(wide), zip_bytes(wide, true), zip_bytes(two, true),
                             zip_bytes(two, false, "a comment"), zip_bytes(two, true, "PK\5\6")}) {
        const auto r = parse_zip(as_bytes(file));
        REQUIRE(r);
        REQUIRE(r->size() == 2);
        CHECK(as_text(r->at("a/one")) == "first");
        CHECK(r->at("a/two").empty());
    }
    CHECK(parse_zip(as_bytes(zip_bytes({})))->empty());
}

TEST_CASE("store/zip: what torch does not write is refused by name") {
    CHECK(refusal(zip_bytes({{"a/x", "d", 0, 8}}), errc::unsupported).find("a/x: compressed") == 0);
    CHECK(refusal(zip_bytes({{"a/x", "d", 1, 0}}), errc::unsupported).find("a/x: encrypted") == 0);
    CHECK(refusal(zip_bytes({{"a/x", "1"}, {"a/x", "2"}}), errc::bad_value).find("a/x: occurs twice") == 0);
    CHECK(refusal("", errc::truncated).find("no end record") != std::string::npos);
    CHECK_FALSE(refusal(std::string(100, 'P'), errc::truncated).empty());
}

TEST_CASE("store/zip: sizes and offsets that lie are errors") {
    const auto file = zip_bytes({{"a/x", "data"}});
    const auto directory = file.find("PK\1\2"), end = file.find("PK\5\6");
    const auto with = [&](std::size_t at, const std::string& bytes) {
        auto copy = file;
        return copy.replace(at, bytes.size(), bytes);
    };
    CHECK_FALSE(refusal(with(directory + 20, le(5, 4)), errc::bad_value).empty());                 // two sizes
    CHECK_FALSE(refusal(with(directory + 20, le(500, 4) + le(500, 4)), errc::truncated).empty());  // past the entries
    CHECK_FALSE(refusal(with(directory + 20, le(0xFFFFFFFF, 4)), errc::bad_value).empty());        // no zip64 field
    CHECK_FALSE(refusal(with(directory + 42, le(1, 4)), errc::bad_value).empty());                 // no entry there
    CHECK_FALSE(refusal(with(directory + 42, le(0xFFFFFFF0, 4)), errc::bad_value).empty());
    CHECK_FALSE(refusal(with(directory + 46, "b"), errc::bad_value).empty());  // another name
    CHECK_FALSE(refusal(with(directory, "XX"), errc::bad_value).empty());
    CHECK_FALSE(refusal(with(end + 10, le(2, 2)), errc::bad_value).empty());  // more than fit
    CHECK_FALSE(refusal(with(end + 12, le(1000, 4)), errc::bad_value).empty());
    CHECK_FALSE(refusal(with(end + 16, le(0xFFFFFFF0, 4)), errc::bad_value).empty());
    CHECK_FALSE(refusal(with(end + 16, le(0xFFFFFFFF, 4)), errc::bad_value).empty());  // no zip64 record
    auto wide = zip_bytes({{"a/x", "data"}}, true);
    const auto locator = wide.find("PK\6\7");
    for (const auto at : {std::uint64_t{0}, std::uint64_t{locator}, std::uint64_t{0} - 8, std::uint64_t{wide.size()}})
        CHECK_FALSE(refusal(wide.replace(locator + 8, 8, le(at, 8)), errc::bad_value).empty());
}

TEST_CASE("store/zip: every truncation is an error, no changed byte is a crash") {
    for (const bool wide : {false, true}) {
        const auto file = zip_bytes({{"a/one", "first", 0, 0, wide}, {"a/two", "2"}}, wide);
        REQUIRE(parse_zip(as_bytes(file)));
        shorten(file, [](std::size_t n, byte_view part) {
            if (parse_zip(part)) FAIL("valid at " << n << " bytes");
        });
        change(file, [](std::size_t, byte_view changed) {
            unsigned sum = 0;
            if (const auto r = parse_zip(changed))
                for (const auto& [name, data] : *r)
                    for (const auto b : data) sum += static_cast<unsigned>(b);
            CHECK(sum < 0xFFFFFF);
        });
    }
}
