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
    const auto path = folder.path("out.safetensors");
    auto writer = safetensors_writer::create(path, plan, metadata);
    REQUIRE(writer);
    for (std::size_t i = 0; i < 192; i += 50) writer->append(as_bytes(std::string_view(tiles).substr(i, 50)));
    writer->append({});
    const std::vector<float> numbers{1, 2, 3};
    writer->append_floats(numbers);
    writer->append(as_bytes(le(0x3C00, 2)));
    CHECK(*writer);
    CHECK(*writer->commit() == whole.size());
    CHECK(folder.files() == 1);
    CHECK(read_file(path) == whole);
}

TEST_CASE("store/safetensors_writer: the first failure is the one that is told, and nothing follows it") {
    const scratch folder;
    auto writer = safetensors_writer::create(folder.path("out"), {{"a", dtype::u8, {4}}}, {});
    REQUIRE(writer);
    writer->append(as_bytes("abcde"));
    CHECK_FALSE(*writer);
    writer->append(as_bytes("abcd"));
    writer->fail({errc::cancelled, "cancelled"});
    CHECK(writer->commit().error().what == folder.path("out") + ": more bytes than planned");
    CHECK(folder.files() <= 1);
}

TEST_CASE("store/safetensors_writer: numbers of more than one piece") {
    const scratch folder;
    std::vector<float> numbers((1 << 18) + 5);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
    auto writer = safetensors_writer::create(folder.path("out"), {{"a", dtype::f32, {numbers.size()}}}, {});
    REQUIRE(writer);
    writer->append_floats(numbers);
    REQUIRE(writer->commit());
    const auto file = read_file(folder.path("out"));
    const auto read = parse_safetensors(as_bytes(file));
    REQUIRE(read);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        wrong += element(read->tensors[0], {i}) != static_cast<double>(numbers[i]);
    CHECK(wrong == 0);
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
        writer->append(as_bytes("abc"));
        const auto early = writer->commit();
        REQUIRE_FALSE(early);
        CHECK(early.error().message().find("out.safetensors: 1 bytes are missing") != std::string::npos);
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
    writer->append(as_bytes("abc"));
    writer->rewrite_metadata({{"figure", "0.125"}});
    const auto size = writer->commit();
    REQUIRE(size);
    const auto file = read_file(path);
    CHECK(file.size() == *size);
    const auto read = parse_safetensors(as_bytes(file));
    REQUIRE(read);
    CHECK(read->metadata[0].second == "0.125");
    CHECK(as_text(read->tensors[0].bytes) == "abc");

    auto other = safetensors_writer::create(path, {{"a", dtype::u8, {0}}}, {{"figure", "0.000"}});
    REQUIRE(other);
    other->rewrite_metadata({{"figure", std::string(100, '1')}});
    CHECK(other->commit().error().what == path + ": metadata of another length than planned");
    CHECK(read_file(path) == file);
}
