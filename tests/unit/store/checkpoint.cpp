// SPDX-License-Identifier: MIT
#include "narae/store/checkpoint.hpp"

#include <cmath>
#include <initializer_list>

#include "catch.hpp"
#include "narae/store/safetensors_writer.hpp"
#include "store/build.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using namespace narae::store;
using namespace tests;

namespace {

std::string entry(const std::string& name, std::uint64_t begin, std::uint64_t bytes) {
    return "\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[" + std::to_string(bytes) + "],\"data_offsets\":[" +
           std::to_string(begin) + "," + std::to_string(begin + bytes) + "]}";
}

/// A safetensors file of U8 tensors with one byte each.
std::string shard(const std::vector<std::string>& names, const std::string& first = {}) {
    std::string json = "{" + first;
    for (std::size_t i = 0; i < names.size(); ++i) json += (json.size() > 1 ? "," : "") + entry(names[i], i, 1);
    return safetensors_bytes(json + "}", std::string(names.size(), 'x'));
}

std::string narae_file(const std::string& version = "1") {
    const auto header = safetensors_header({{"a.q4", dtype::u8, {64}}, {"narae.tokenizer", dtype::u8, {2}}},
                                           {{"narae.version", version}, {"narae.config", "{\"k\":1}"}});
    return *header + std::string(64, 'q') + "{}";
}

/// The failure's message, which must name `path`; "" if the checkpoint opens.
std::string refusal(const std::string& path, errc code) {
    const auto r = checkpoint::open(path);
    if (r) return "";
    const auto message = r.error().message();
    CAPTURE(message);
    CHECK(r.error().code == code);
    CHECK(message.find(path) != message.npos);
    CHECK(message.find('\n') == message.npos);
    return message;
}

bool has(const std::string& message, const std::string& part) {
    UNSCOPED_INFO(message);
    return message.find(part) != message.npos;
}

/// A folder with config.json and the given files.
struct model_folder : scratch {
    explicit model_folder(std::initializer_list<std::pair<std::string, std::string>> files) {
        write_file(path("config.json"), "{}");
        for (const auto& [name, bytes] : files) write_file(path(name), bytes);
    }
};

const std::string index_name = "model.safetensors.index.json";

/// What the reference states of a checkpoint: layers, width, vocabulary, weights' dtype, and if there is a head.
struct stated {
    const char* name;
    std::uint64_t layers, width, ffn, vocab;
    dtype type;
    bool head, legacy;
};

void check_model(const std::string& folder, const stated& s) {
    CAPTURE(folder);
    const auto c = checkpoint::open(folder);
    if (!c) FAIL(c.error().message());
    CHECK_FALSE(c->is_narae());
    CHECK(as_text(c->tokenizer_json()) == read_file(folder + "/tokenizer.json"));
    CHECK(c->config_text() == read_file(folder + "/config.json"));
    const auto shape = [&](const std::string& name, std::vector<std::uint64_t> expected) {
        const auto* t = c->find(name);
        CAPTURE(name);
        REQUIRE(t != nullptr);
        CHECK(t->name == name);
        CHECK(t->shape == expected);
        CHECK(t->type == s.type);
        CHECK(t->file.find(folder) == 0);
        double sum = 0;
        for (std::uint64_t i = 0; i < expected[0]; ++i)
            for (std::uint64_t j = 0; j < (expected.size() > 1 ? expected[1] : 1); ++j) {
                const auto v = element(*t, expected.size() > 1 ? std::vector{i, j} : std::vector{i});
                if (!std::isfinite(v)) FAIL("not finite");
                sum += std::abs(v);
            }
        CHECK(sum > 0);  // no tensor of the reference is trivial
        c->let_go(*t);
    };
    shape("gpt_neox.embed_in.weight", {s.vocab, s.width});
    shape("gpt_neox.final_layer_norm.weight", {s.width});
    if (s.head) shape("embed_out.weight", {s.vocab, s.width});
    CHECK((c->find("embed_out.weight") != nullptr) == s.head);
    for (std::uint64_t i = 0; i < s.layers; ++i) {
        const auto layer = "gpt_neox.layers." + std::to_string(i) + ".";
        for (const std::string norm : {"input_layernorm", "post_attention_layernorm"})
            shape(layer + norm + ".weight", {s.width}), shape(layer + norm + ".bias", {s.width});
        shape(layer + "attention.query_key_value.weight", {3 * s.width, s.width});
        shape(layer + "attention.query_key_value.bias", {3 * s.width});
        shape(layer + "attention.dense.weight", {s.width, s.width});
        shape(layer + "attention.dense.bias", {s.width});
        shape(layer + "mlp.dense_h_to_4h.weight", {s.ffn, s.width});
        shape(layer + "mlp.dense_h_to_4h.bias", {s.ffn});
        shape(layer + "mlp.dense_4h_to_h.weight", {s.width, s.ffn});
        shape(layer + "mlp.dense_4h_to_h.bias", {s.width});
        CHECK((c->find(layer + "attention.masked_bias") != nullptr) == s.legacy);
    }
    CHECK(c->tensors().size() == 3 + (s.head ? 1 : 0) + s.layers * (s.legacy ? 15 : 12));
    CHECK(c->find("gpt_neox.layers." + std::to_string(s.layers) + ".mlp.dense_h_to_4h.bias") == nullptr);
    CHECK(c->find("") == nullptr);
}

const stated golden_models[] = {{"tiny-neox-parallel", 3, 64, 256, 512, dtype::f32, true, false},
                                {"tiny-neox-serial", 3, 64, 256, 512, dtype::f16, true, false},
                                {"tiny-neox-legacy-pt", 2, 64, 256, 512, dtype::f16, true, true}};
const stated shared_models[] = {{"tiny-neox-sharded-bf16", 3, 64, 256, 512, dtype::bf16, true, false},
                                {"tiny-neox-bin-sharded", 3, 64, 256, 512, dtype::f16, true, true},
                                {"tiny-neox-tied", 3, 64, 256, 512, dtype::f16, false, false},
                                {"mid-neox", 6, 256, 1024, 2048, dtype::f16, true, false}};

}  // namespace

TEST_CASE("store/checkpoint: the golden models open with the right tensors") {
    for (const auto& s : golden_models) check_model(NARAE_TESTS_DIR "/golden/models/" + std::string(s.name), s);
}

TEST_CASE("store/checkpoint: all reference models open with the right tensors") {
    const std::string models = NARAE_SHARED_DIR "/oracle/models/";
    if (!exists(models)) {
        WARN("no " + models + ": only the golden models were opened");
        return;
    }
    for (const auto& s : golden_models) check_model(models + s.name, s);
    for (const auto& s : shared_models) check_model(models + s.name, s);
    const auto by_index = checkpoint::open(models + "tiny-neox-sharded-bf16/" + index_name);
    REQUIRE(by_index);
    CHECK(by_index->tensors().size() == 40);
    CHECK(by_index->sources().size() == 2);
    CHECK(by_index->sources()[0].name == "model-00001-of-00002.safetensors");
    CHECK(by_index->config_text().find("gpt_neox") != std::string_view::npos);
}

TEST_CASE("store/checkpoint: the legacy golden model has a transposed weight and biases in one storage") {
    const auto c = checkpoint::open(NARAE_TESTS_DIR "/golden/models/tiny-neox-legacy-pt");
    REQUIRE(c);
    const auto* turned = c->find("gpt_neox.layers.1.attention.dense.weight");
    REQUIRE(turned != nullptr);
    CHECK_FALSE(turned->contiguous());
    CHECK(turned->strides == std::vector<std::uint64_t>{1, 64});
    // Its element (r, q) stands where a row-major one would have (q, r).
    for (const std::uint64_t r : {0u, 1u, 63u})
        for (const std::uint64_t q : {0u, 2u, 63u})
            CHECK(element(*turned, {r, q}) == static_cast<double>(num::f16_to_f32(
                                                  load_le<std::uint16_t>(turned->bytes.data() + (q * 64 + r) * 2))));
    CHECK(c->find("gpt_neox.layers.0.attention.dense.weight")->contiguous());

    std::size_t shared = 0;
    for (const auto& a : c->tensors())
        for (const auto& b : c->tensors())
            if (a.bytes.data() + a.bytes.size() == b.bytes.data() && a.name.ends_with("bias")) ++shared;
    CHECK(shared >= 1);  // two windows side by side, without a length between them
    const auto* mask = c->find("gpt_neox.layers.0.attention.bias");
    REQUIRE(mask != nullptr);
    CHECK(mask->type == dtype::boolean);
    CHECK(mask->shape == std::vector<std::uint64_t>{1, 1, 128, 128});
    CHECK(element(*mask, {0, 0, 5, 5}) == 1);
    CHECK(element(*mask, {0, 0, 5, 6}) == 0);
}

TEST_CASE("store/checkpoint: a narae file opens from a path and from memory") {
    const auto bytes = narae_file();
    const scratch folder;
    write_file(folder.path("m.safetensors"), bytes);
    const auto mapped = checkpoint::open(folder.path("m.safetensors"));
    auto in_memory = checkpoint::from_bytes(as_bytes(bytes));
    REQUIRE(mapped);
    REQUIRE(in_memory);
    CHECK(mapped->sources()[0].name == "m.safetensors");
    CHECK(mapped->sources()[0].bytes.size() == bytes.size());
    const checkpoint moved = std::move(*in_memory);
    for (const auto* c : {&*mapped, &moved}) {
        CHECK(c->is_narae());
        CHECK(c->config_text() == "{\"k\":1}");
        CHECK(as_text(c->tokenizer_json()) == "{}");
        CHECK(c->metadata("narae.version") == "1");
        CHECK(c->metadata("none").empty());
        REQUIRE(c->find("a.q4") != nullptr);
        CHECK(as_text(c->find("a.q4")->bytes) == std::string(64, 'q'));
        c->let_go(*c->find("a.q4"));
        CHECK(as_text(c->find("a.q4")->bytes) == std::string(64, 'q'));
    }
}

TEST_CASE("store/checkpoint: a narae file in shards opens by its index") {
    const scratch folder;
    write_file(folder.path("m-1.safetensors"), narae_file());
    write_file(folder.path("m-2.safetensors"), shard({"b"}));
    write_file(folder.path("m.safetensors.index.json"),
               "{\"weight_map\":{\"a.q4\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}");
    const auto c = checkpoint::open(folder.path("m.safetensors.index.json"));
    REQUIRE(c);
    CHECK(c->is_narae());
    CHECK(c->tensors().size() == 3);
    CHECK(c->config_text() == "{\"k\":1}");
}

TEST_CASE("store/checkpoint: what is no narae file is refused") {
    const scratch folder;
    const auto path = folder.path("m.safetensors");
    write_file(path, shard({"a"}));
    CHECK(has(refusal(path, errc::unsupported), "not a narae file"));
    write_file(path, narae_file("2"));
    CHECK(has(refusal(path, errc::unsupported), "version 2"));
    write_file(path, shard({"a"}, "\"__metadata__\":{\"narae.version\":\"1\"}"));
    CHECK(has(refusal(path, errc::bad_value), "narae.config: empty"));
    write_file(path, "");
    CHECK(has(refusal(path, errc::truncated), "cut short"));
    write_file(path, narae_file().substr(0, 300));
    CHECK_FALSE(refusal(path, errc::truncated).empty());
    CHECK_FALSE(refusal(folder.path("none"), errc::not_found).empty());
    CHECK_FALSE(checkpoint::open(""));
    CHECK_FALSE(checkpoint::from_bytes({}));
    CHECK_FALSE(checkpoint::from_bytes(as_bytes(shard({"a"}))));
}

TEST_CASE("store/checkpoint: a folder that is no checkpoint is refused in one line") {
    const scratch empty;
    CHECK(refusal(empty.path(), errc::not_found) ==
          empty.path() + ": no config.json: not a Hugging Face checkpoint folder");
    const model_folder bare{};
    CHECK(has(refusal(bare.path(), errc::not_found), "no model.safetensors and no pytorch_model.bin"));
    const model_folder weights{{"model.safetensors", shard({"a"})}};
    CHECK(refusal(weights.path(), errc::not_found).empty());
    CHECK(checkpoint::open(weights.path())->tokenizer_json().empty());
    write_file(weights.path("config.json"), "");
    CHECK(has(refusal(weights.path(), errc::bad_value), "config.json: empty"));
    for (const char* name : {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"}) {
        const model_folder zero{{name, ""}};
        CHECK(has(refusal(zero.path(), std::string(name).ends_with("json") ? errc::bad_value : errc::truncated), name));
    }
    const model_folder nothing{{"model.safetensors", shard({})}};
    CHECK(has(refusal(nothing.path(), errc::bad_value), "holds no tensors"));
    const model_folder broken{{"pytorch_model.bin", zip_bytes({{"a/data.pkl", p_pickle("cos\nsystem\n")}})}};
    CHECK(has(refusal(broken.path(), errc::unsupported), "pytorch_model.bin: data.pkl: pickle: calls os.system"));
}

TEST_CASE("store/checkpoint: shards are opened once each and must hold what the index says") {
    const std::string map =
        "{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":\"s2.safetensors\",\"c\":\"s1.safetensors\"}}";
    const model_folder good{{index_name, map}, {"s1.safetensors", shard({"a", "c"})}, {"s2.safetensors", shard({"b"})}};
    const auto c = checkpoint::open(good.path());
    if (!c) FAIL(c.error().message());
    CHECK(c->sources().size() == 2);
    CHECK(c->tensors().size() == 3);
    CHECK(c->find("c")->file == good.path() + "/s1.safetensors");

    const model_folder missing{{index_name, map}, {"s1.safetensors", shard({"a", "c"})}};
    CHECK(has(refusal(missing.path(), errc::not_found), "s2.safetensors: cannot open"));
    const model_folder lacking{{index_name, map}, {"s1.safetensors", shard({"a"})}, {"s2.safetensors", shard({"b"})}};
    CHECK(has(refusal(lacking.path(), errc::not_found), "s1.safetensors: c: not in this file"));
    const model_folder elsewhere{
        {index_name, map}, {"s1.safetensors", shard({"a"})}, {"s2.safetensors", shard({"b", "c"})}};
    CHECK(has(refusal(elsewhere.path(), errc::not_found), "s1.safetensors: c: not in this file"));
    const model_folder doubled{
        {index_name, map}, {"s1.safetensors", shard({"a", "c"})}, {"s2.safetensors", shard({"b", "a"})}};
    CHECK(has(refusal(doubled.path(), errc::bad_value),
              "s2.safetensors: a: also in " + doubled.path() + "/s1.safetensors"));
    const model_folder cut{
        {index_name, map}, {"s1.safetensors", shard({"a", "c"})}, {"s2.safetensors", shard({"b"}).substr(0, 30)}};
    CHECK(has(refusal(cut.path(), errc::truncated), "s2.safetensors: "));
    const model_folder mixed{
        {"pytorch_model.bin.index.json", map}, {"s1.safetensors", shard({"a", "c"})}, {"s2.safetensors", shard({"b"})}};
    CHECK(refusal(mixed.path(), errc::bad_value).empty());
}

TEST_CASE("store/checkpoint: an index cannot lead out of its folder") {
    for (const char* name : {"../s.safetensors", "/etc/s.safetensors", "x/s.safetensors", "x\\\\s.safetensors",
                             "C:s.safetensors", "..", ".", "", "s.txt", "s\\u0000.safetensors"}) {
        const model_folder folder{{index_name, "{\"weight_map\":{\"a\":\"" + std::string(name) + "\"}}"}};
        CAPTURE(name);
        CHECK(has(refusal(folder.path(), errc::bad_value), "a: '"));
    }
    for (const char* json :
         {"{}", "[]", "{\"weight_map\":{}}", "{\"weight_map\":[\"a\"]}", "{\"weight_map\":", "\xFF"}) {
        const model_folder folder{{index_name, json}};
        CHECK(has(refusal(folder.path(), errc::bad_value), index_name + ": "));
    }
    const model_folder number{{index_name, "{\"weight_map\":{\"a\":1}}"}};
    CHECK(has(refusal(number.path(), errc::bad_value), "a: ''"));
}

TEST_CASE("store/checkpoint: safetensors go before torch files, whole files before shards") {
    const model_folder both{
        {"model.safetensors", shard({"from_safetensors"})},
        {index_name, "broken"},
        {"pytorch_model.bin", torch_zip({{"from_torch", "ByteStorage", "0", 1, 0, {1}, {1}}}, {{"0", "x"}})}};
    CHECK(checkpoint::open(both.path())->find("from_safetensors") != nullptr);
    std::filesystem::remove(both.path("model.safetensors"));
    CHECK_FALSE(checkpoint::open(both.path()));
    std::filesystem::remove(both.path(index_name));
    CHECK(checkpoint::open(both.path())->find("from_torch") != nullptr);
}

TEST_CASE("store/checkpoint: every truncation and change of a narae file in memory is answered") {
    const auto file = narae_file();
    shorten(file, [](std::size_t n, byte_view part) {
        if (checkpoint::from_bytes(part)) FAIL("valid at " << n << " bytes");
    });
    change(file, [](std::size_t, byte_view changed) {
        if (const auto c = checkpoint::from_bytes(changed)) touch(c->tensors());
    });
}
