// SPDX-License-Identifier: MIT
// Models for tests: the golden checkpoints with their reference logits, and small random ones of any shape.
#ifndef NARAE_TESTS_UNIT_MODELS_HPP
#define NARAE_TESTS_UNIT_MODELS_HPP

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "catch.hpp"
#include "narae/gen/session.hpp"
#include "narae/store/safetensors_writer.hpp"

#ifndef NARAE_TESTS_DIR
#define NARAE_TESTS_DIR "tests"
#endif
#ifndef NARAE_SHARED_DIR
#define NARAE_SHARED_DIR "../shared"
#endif

namespace models {

/// The folders of all reference checkpoints at hand: three golden ones, and the full set where it is.
inline std::vector<std::string> folders() {
    const std::string golden = NARAE_TESTS_DIR "/golden/models/", shared = NARAE_SHARED_DIR "/oracle/models/";
    std::vector<std::string> all;
    for (const auto* name : {"tiny-neox-legacy-pt", "tiny-neox-parallel", "tiny-neox-serial"})
        all.push_back(golden + name);
    for (const auto* name : {"tiny-neox-bin-sharded", "tiny-neox-sharded-bf16", "tiny-neox-tied", "mid-neox"})
        if (narae::sys::is_folder(shared + name)) all.push_back(shared + name);
    if (all.size() == 3) WARN("only the three golden checkpoints: the full reference set is not beside this checkout");
    return all;
}

/// A reference sequence: ids, and the logits of the reference software after each.
struct sequence {
    std::vector<std::uint32_t> ids;
    std::vector<float> logits;  // [T, V]
};
struct continuation {
    std::vector<std::uint32_t> prompt, ids;
};
struct reference {
    std::vector<sequence> sequences;
    std::vector<continuation> greedy;
};

inline std::vector<std::uint32_t> ids_of(const narae::text::json_value& list) {
    std::vector<std::uint32_t> ids;
    list.for_each([&](const narae::text::json_value& v) {
        std::uint64_t n = 0;
        REQUIRE(v.whole(n));
        ids.push_back(static_cast<std::uint32_t>(n));
        return true;
    });
    return ids;
}

inline reference load_reference(const std::string& folder) {
    const auto text = narae::sys::file_view::open(folder + "/ref/ref.json");
    const auto data = narae::sys::file_view::open(folder + "/ref/logits.f32");
    REQUIRE(text);
    REQUIRE(data);
    const auto doc = narae::text::json::parse(narae::as_text(text->bytes()));
    REQUIRE(doc);
    reference all;
    doc->root()["sequences"].for_each([&](const narae::text::json_value& s) {
        sequence one{ids_of(s["ids"]), {}};
        std::uint64_t at = 0, T = 0, V = 0;
        REQUIRE(s["logits"]["offset_bytes"].whole(at));
        const auto shape = ids_of(s["logits"]["shape"]);
        T = shape.at(0), V = shape.at(1);
        REQUIRE(at + T * V * 4 <= data->bytes().size());
        for (std::size_t i = 0; i < T * V; ++i)
            one.logits.push_back(narae::load_le<float>(data->bytes().data() + at + i * 4));
        all.sequences.push_back(std::move(one));
        return true;
    });
    doc->root()["greedy"].for_each([&](const narae::text::json_value& g) {
        all.greedy.push_back({ids_of(g["prompt_ids"]), ids_of(g["continuation_ids"])});
        return true;
    });
    REQUIRE(!all.sequences.empty());
    REQUIRE(!all.greedy.empty());
    return all;
}

/// A narae file in memory with random f32 weights of the shape that `config` (a config.json) names, and a tokenizer.
inline std::string random_file(const std::string& config, std::uint64_t seed = 1, std::string_view tokenizer = {}) {
    const auto parsed = narae::store::parse_config(config);
    REQUIRE(parsed);
    const narae::model::shape s(*parsed);
    std::vector<narae::store::tensor_plan> plan;
    for (const auto& m : narae::model::matrix_names(s)) plan.push_back({m.name, narae::store::dtype::f32, {m.N, m.K}});
    for (const auto& [name, n] : narae::model::vector_names(s)) plan.push_back({name, narae::store::dtype::f32, {n}});
    const auto weights = plan;
    if (!tokenizer.empty())
        plan.push_back({std::string(narae::store::narae_tokenizer), narae::store::dtype::u8, {tokenizer.size()}});
    auto file = *narae::store::safetensors_header(
        plan, {{std::string(narae::store::narae_version_key), std::string(narae::store::narae_version)},
               {std::string(narae::store::narae_config_key), config}});
    std::uint64_t state = seed;
    for (const auto& t : weights)
        for (std::uint64_t i = 0; i < narae::store::planned_bytes(t) / 4; ++i) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const double unit = static_cast<double>(state >> 11) * 0x1p-53 * 2 - 1;
            const bool gain = t.name.ends_with("layernorm.weight") || t.name.ends_with("layer_norm.weight");
            char bytes[4];
            narae::store_le(bytes, static_cast<float>(gain ? 1 + 0.2 * unit : 0.25 * unit));
            file.append(bytes, 4);
        }
    return file.append(tokenizer);
}

inline std::string config(std::size_t layers, std::size_t width, std::size_t heads, std::size_t kv_heads,
                          std::size_t ffn, std::size_t vocab, double rotary_pct, bool parallel = true,
                          bool tied = false) {
    return "{\"model_type\":\"gpt_neox\",\"num_hidden_layers\":" + std::to_string(layers) +
           ",\"hidden_size\":" + std::to_string(width) + ",\"num_attention_heads\":" + std::to_string(heads) +
           ",\"num_key_value_heads\":" + std::to_string(kv_heads) + ",\"intermediate_size\":" + std::to_string(ffn) +
           ",\"vocab_size\":" + std::to_string(vocab) + ",\"rotary_pct\":" + std::to_string(rotary_pct) +
           ",\"max_position_embeddings\":512" + ",\"use_parallel_residual\":" + (parallel ? "true" : "false") +
           ",\"tie_word_embeddings\":" + (tied ? "true}" : "false}");
}

inline std::size_t arg_max(std::span<const float> logits) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < logits.size(); ++i)
        if (logits[i] > logits[best]) best = i;
    return best;
}

}  // namespace models

#endif
