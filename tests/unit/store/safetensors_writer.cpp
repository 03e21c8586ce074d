// SPDX-License-Identifier: MIT
#include "narae/store/safetensors_writer.hpp"

#include "catch.hpp"
#include "store/build.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using namespace narae::store;
using namespace tests;

TEST_CASE("store/safetensors_writer: what is written is read back") {
    const std::vector<tensor_plan> plan = {
        {"w.q4", dtype::u8, {3, 64}}, {"empty", dtype::f32, {0}}, {"v", dtype::f32, {3}}, {"이름", dtype::f16, {}}};
    const metadata_list metadata = {{"narae.version", "1"}, {"text", "\"나래\"\n\t\\"}};
    const auto header = safetensors_header(plan, metadata);
    REQUIRE(header);
    CHECK(header->size() % 64 == 0);
    const std::string tiles(192, 'x'), data = tiles + floats({1, 2, 3}) + le(0x3C00, 2);
    const auto whole = *header + data;
    const auto r = parse_safetensors(as_bytes(whole));
    REQUIRE(r);
    CHECK(r->metadata == metadata);
    REQUIRE(r->tensors.size() == 4);
    for (std::size_t i = 0; i < plan.size(); ++i) {
        CHECK(r->tensors[i].name == plan[i].name);
        CHECK(r->tensors[i].type == plan[i].type);
        CHECK(r->tensors[i].shape == plan[i].shape);
    }
    CHECK(element(r->tensors[2], {2}) == 3);
    CHECK(static_cast<std::size_t>(as_text(r->tensors[2].bytes).data() - whole.data()) % 64 == 0);

    const scratch folder;
    auto writer = safetensors_writer::create(folder.path("out.safetensors"), plan, metadata);
    REQUIRE(writer);
    for (std::size_t i = 0; i < 192; i += 50)
        REQUIRE(writer->append("w.q4", as_bytes(std::string_view(tiles).substr(i, 50))));
    CHECK(writer->append("이름", as_bytes("xx")).error().message().find("the turn of v") != std::string::npos);
    REQUIRE(writer->append("empty", {}));
    REQUIRE(writer->append("v", as_bytes(floats({1, 2, 3}))));
    CHECK(writer->append("이름", as_bytes("xxx")).error().message().find("more bytes than planned") !=
          std::string::npos);
    REQUIRE(writer->append("이름", as_bytes(le(0x3C00, 2))));
    CHECK(writer->append("이름", as_bytes("x")).error().code == errc::bad_argument);
    REQUIRE(writer->commit());
    CHECK(folder.files() == 1);
    CHECK(read_file(folder.path("out.safetensors")) == whole);
}

TEST_CASE("store/safetensors_writer: every header length is padded to 64 bytes") {
    for (std::size_t n = 1; n < 130; ++n) {
        const auto header = safetensors_header({{std::string(n, 'n'), dtype::u8, {0}}}, {});
        REQUIRE(header);
        CHECK(header->size() % 64 == 0);
        CHECK(parse_safetensors(as_bytes(*header)));
    }
}

TEST_CASE("store/safetensors_writer: an unfinished or impossible file is not written") {
    const scratch folder;
    const auto path = folder.path("out.safetensors");
    {
        auto writer = safetensors_writer::create(path, {{"a", dtype::u8, {4}}}, {});
        REQUIRE(writer);
        REQUIRE(writer->append("a", as_bytes("abc")));
        const auto early = writer->commit();
        REQUIRE_FALSE(early);
        CHECK(early.error().message().find("out.safetensors: a: bytes are missing") != std::string::npos);
    }
    CHECK(folder.files() == 0);
    const auto huge = std::uint64_t{1} << 40;
    CHECK_FALSE(safetensors_writer::create(path, {{"a", dtype::u8, {huge, huge}}}, {}));
    CHECK_FALSE(safetensors_writer::create(path, {{"a", dtype::u8, {1}}, {"a", dtype::u8, {1}}}, {}));
    CHECK_FALSE(safetensors_writer::create(path, {{"", dtype::u8, {1}}}, {}));
    CHECK_FALSE(safetensors_writer::create(path, {{"__metadata__", dtype::u8, {1}}}, {}));
    CHECK_FALSE(safetensors_writer::create(folder.path("no/such/folder"), {}, {}));
    CHECK_FALSE(safetensors_writer::create(folder.path(), {}, {}));
    CHECK(folder.files() == 0);
}

TEST_CASE("store/safetensors_writer: metadata of the same length may come last") {
    const scratch folder;
    const auto path = folder.path("out.safetensors");
    auto writer = safetensors_writer::create(path, {{"a", dtype::u8, {3}}}, {{"figure", "0.000"}});
    REQUIRE(writer);
    REQUIRE(writer->append("a", as_bytes("abc")));
    CHECK_FALSE(writer->rewrite_metadata({{"figure", std::string(100, '1')}}));
    REQUIRE(writer->rewrite_metadata({{"figure", "0.125"}}));
    const auto planned = writer->bytes();
    REQUIRE(writer->commit());
    const auto file = read_file(path);
    CHECK(file.size() == planned);
    const auto read = parse_safetensors(as_bytes(file));
    REQUIRE(read);
    CHECK(read->metadata[0].second == "0.125");
    CHECK(as_text(read->tensors[0].bytes) == "abc");
}
