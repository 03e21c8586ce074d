// SPDX-License-Identifier: MIT
#include "narae/gen/open.hpp"

#include "../models.hpp"

using namespace narae;

TEST_CASE("what cannot be opened is one line that names the place and the reason") {
    const auto why = [](const std::string& path) { return open(path).error().message(); };
    CHECK(why("no/such/file.safetensors").starts_with("no/such/file.safetensors: cannot open: "));
    CHECK(why(NARAE_TESTS_DIR).find("config.json") != std::string::npos);
    CHECK(why(NARAE_TESTS_DIR "/run.sh").starts_with(NARAE_TESTS_DIR "/run.sh"));
    for (const auto* path : {"no/such/file", NARAE_TESTS_DIR, NARAE_TESTS_DIR "/run.sh"})
        CHECK(why(path).find('\n') == std::string::npos);
}

TEST_CASE("a tensor of the wrong shape, or none, is named") {
    const auto good = models::random_file(models::config(1, 32, 2, 2, 64, 16, 0.5));
    REQUIRE(open(as_bytes(good)));
    auto other = good;  // the same bytes, but a config that promises another shape
    const auto at = other.find("\\\"intermediate_size\\\":64");
    REQUIRE(at != other.npos);
    other[at + 23] = '5';
    const auto refused = open(as_bytes(other));
    REQUIRE(!refused);
    CHECK(refused.error().message().find(
              "gpt_neox.layers.0.mlp.dense_h_to_4h.weight: shape is [64, 32], not [65, 32]") != std::string::npos);
    auto missing = good;
    const auto name = missing.find("embed_out.weight");
    missing.replace(name, 16, "embed_oot.weight");
    CHECK(open(as_bytes(missing)).error().message().find("no tensor embed_out.weight") != std::string::npos);
}

TEST_CASE("a model without a tokenizer takes ids, but no text") {
    const auto file = models::random_file(models::config(1, 32, 2, 1, 64, 16, 0.5));
    const auto m = open(as_bytes(file));
    REQUIRE(m);
    CHECK(m->tokenizer() == nullptr);
    session talk(*m);
    const std::vector<token_id> ids{1, 2, 3};
    CHECK(talk.feed(ids)->size() == 16);
    CHECK(talk.generate("가").error().code == errc::unsupported);
}
