// SPDX-License-Identifier: MIT
#include "narae/quant/export.hpp"

#include "models.hpp"
#include "narae/quant/synthesize.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using model::format;

namespace {

/// The logits after each of a few ids, with a cache that loses nothing.
std::vector<float> logits_of(const std::string& path) {
    const auto m = open(path, {.threads = 1});
    INFO((m ? "" : m.error().message()));
    REQUIRE(m);
    session talk(*m, {.cache = cache_type::f32});
    const std::vector<token_id> ids{3, 14, 15, 9, 26, 5, 35};
    std::vector<float> all;
    REQUIRE(talk.feed_each(ids, [&](std::size_t, std::span<const float> logits) {
        all.insert(all.end(), logits.begin(), logits.end());
        return true;
    }));
    return all;
}

std::string config_of(const tests::scratch& folder) { return tests::read_file(folder.path("config.json")); }

}  // namespace

TEST_CASE("quant/export: a converted checkpoint comes back as it was") {
    for (const auto& path : models::folders()) {
        INFO(path);
        const tests::scratch folder, files;
        REQUIRE(quant::convert(path, files.path("m"), {format::f32, 1}));
        const auto bytes = quant::export_checkpoint(files.path("m"), folder.path(), format::f32);
        REQUIRE(bytes);
        CHECK(*bytes == tests::read_file(folder.path("model.safetensors")).size());
        const auto before = store::checkpoint::open(path), after = store::checkpoint::open(folder.path());
        REQUIRE(before);
        REQUIRE(after);
        CHECK_FALSE(after->is_narae());
        CHECK(after->metadata("format") == "pt");
        const auto a = store::parse_config(before->config_text()), b = store::parse_config(after->config_text());
        REQUIRE(a);
        REQUIRE(b);
        CHECK(store::config_json(*a) == store::config_json(*b));
        const auto old = token::pack_tokenizer(before->tokenizer_json());
        const auto made = token::pack_tokenizer(after->tokenizer_json());
        REQUIRE(old);
        REQUIRE(made);
        CHECK(*old == *made);
        CHECK(after->tokenizer_json().front() == std::byte{'{'});
        std::size_t wrong = 0;
        for (const auto& t : after->tensors()) {
            const auto* original = before->find(t.name);
            REQUIRE(original != nullptr);
            CHECK(t.shape == original->shape);
            CHECK(t.type == store::dtype::f32);
            for (std::uint64_t i = 0; i < t.elements(); ++i)
                wrong += model::element(t, i) != model::element(*original, i);
        }
        CHECK(wrong == 0);
        CHECK(config_of(folder).find("\"eos_token_id\": 2,") != std::string::npos);
        CHECK(config_of(folder).find("\"torch_dtype\": \"float32\"") != std::string::npos);
        CHECK(logits_of(folder.path()) == logits_of(path));
    }
}

TEST_CASE("quant/export: shared keys and values become plain heads that say the same") {
    for (const std::size_t kv_heads : {1u, 2u, 3u, 6u}) {
        const tests::scratch folder, files;
        tests::write_file(files.path("m"), models::random_file(models::config(2, 96, 6, kv_heads, 128, 80, 0.5)));
        REQUIRE(quant::export_checkpoint(files.path("m"), folder.path(), format::f32));
        CHECK(config_of(folder).find("num_key_value_heads") == std::string::npos);
        const auto made = store::checkpoint::open(folder.path());
        REQUIRE(made);
        CHECK(made->find("gpt_neox.layers.1.attention.query_key_value.weight")->shape[0] == 3 * 96);
        CHECK(logits_of(folder.path()) == logits_of(files.path("m")));
    }
}

TEST_CASE("quant/export: packed weights are unpacked to what the kernels meant") {
    const store::config small{2, 64, 4, 2, 16, 128, 80, 64, 8};
    for (const auto type : {format::q4, format::q8, format::f16}) {
        const tests::scratch folder, files;
        REQUIRE(quant::synthesize(small, type, files.path("m")));
        REQUIRE(quant::export_checkpoint(files.path("m"), folder.path(), format::f32));
        const auto before = store::checkpoint::open(files.path("m")), after = store::checkpoint::open(folder.path());
        REQUIRE(before);
        REQUIRE(after);
        const model::matrix_name m{"gpt_neox.layers.1.mlp.dense_4h_to_h.weight", 64, 128};
        const auto a = model::find_matrix(*before, m), b = model::find_matrix(*after, m);
        REQUIRE(a);
        REQUIRE(b);
        std::vector<float> row_a(128), row_b(128);
        for (std::size_t r = 0; r < 64; ++r) {
            a->read_row(row_a.data(), r);
            b->read_row(row_b.data(), r);
            CHECK(row_a == row_b);
        }
        const tests::scratch half;
        REQUIRE(quant::export_checkpoint(files.path("m"), half.path(), format::f16));
        const auto halved = store::checkpoint::open(half.path());
        REQUIRE(halved);
        for (const auto& t : halved->tensors()) CHECK(t.type == store::dtype::f16);
        CHECK(config_of(half).find("\"torch_dtype\": \"float16\"") != std::string::npos);
        CHECK_FALSE(tests::exists(half.path("tokenizer.json")));
    }
}

TEST_CASE("quant/export: what other engines could not load is refused") {
    const tests::scratch folder, files;
    const store::config narrow{1, 64, 2, 2, 16, 64, 32, 64, 8};
    REQUIRE(quant::synthesize(narrow, format::f16, files.path("m")));
    const auto refused = quant::export_checkpoint(files.path("m"), folder.path(), format::f16);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("2 heads of 16 do not fill the width 64") != std::string::npos);
    CHECK_FALSE(quant::export_checkpoint(files.path("m"), folder.path(), format::q4));
    CHECK_FALSE(quant::export_checkpoint(files.path("none"), folder.path(), format::f16));
    CHECK(folder.files() == 0);
    const store::config wide{1, 64, 4, 4, 16, 64, 32, 64, 8};
    REQUIRE(quant::synthesize(wide, format::f16, files.path("m")));
    CHECK_FALSE(quant::export_checkpoint(files.path("m"), folder.path("none"), format::f16));
}
