// SPDX-License-Identifier: MIT
#include "narae/store/config.hpp"

#include "../models.hpp"

using namespace narae;

namespace {

/// The golden config with one more member, which wins over an earlier one of the same name.
result<store::config> with(const std::string& member) {
    auto text = models::config(3, 64, 4, 4, 256, 512, 0.5);
    text.insert(text.size() - 1, "," + member);
    return store::parse_config(text);
}

std::string refusal(const std::string& member) {
    const auto c = with(member);
    return c ? "accepted" : c.error().what;
}

}  // namespace

TEST_CASE("a config is read by its published names, with its published defaults") {
    const auto c = store::parse_config(
        "{\"model_type\":\"gpt_neox\",\"num_hidden_layers\":24,\"hidden_size\":2048,\"num_attention_heads\":16,"
        "\"intermediate_size\":8192,\"vocab_size\":30080,\"rotary_pct\":0.5}");
    REQUIRE(c);
    CHECK(c->layers == 24);
    CHECK(c->kv_heads == 16);
    CHECK(c->head_width == 128);
    CHECK(c->rotary == 64);
    CHECK(c->positions == 2048);
    CHECK(c->rotary_base == 10000);
    CHECK(c->norm_eps == 1e-5);
    CHECK(c->parallel_residual);
    CHECK(!c->tied);
    CHECK(with("\"use_parallel_residual\":false")->parallel_residual == false);
    CHECK(with("\"tie_word_embeddings\":true")->tied);
    CHECK(with("\"rotary_pct\":0.25")->rotary == 4);
    CHECK(with("\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":500.0,\"partial_rotary_factor\":1.0}")
              ->rotary == 16);
    CHECK(with("\"rope_theta\":500.0")->rotary_base == 500);
    CHECK(with("\"head_dim\":32")->head_width == 32);
}

TEST_CASE("what narae could not run is refused by name") {
    CHECK(refusal("\"model_type\":\"llama\"") == "model_type \"llama\" is not supported, only \"gpt_neox\" is");
    CHECK(refusal("\"hidden_act\":\"relu\"") == "hidden_act \"relu\" is not supported, only \"gelu\" is");
    CHECK(refusal("\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.0}") == "rope_scaling is not supported");
    CHECK(refusal("\"rope_parameters\":{\"rope_type\":\"yarn\"}") ==
          "rope_type \"yarn\" is not supported, only \"default\" is");
    CHECK(refusal("\"attention_bias\":false") == "attention_bias false is not supported");
    CHECK(refusal("\"num_key_value_heads\":3") == "4 heads cannot share 3 key-value heads evenly");
    CHECK(refusal("\"num_attention_heads\":5,\"num_key_value_heads\":5") ==
          "hidden_size 64 does not divide into 5 heads");
    CHECK(refusal("\"num_hidden_layers\":0").starts_with("num_hidden_layers is 0, not a whole number"));
    CHECK(refusal("\"vocab_size\":-1").starts_with("vocab_size is -1, not a whole number"));
    CHECK(refusal("\"hidden_size\":18446744073709551616").starts_with("hidden_size is 18446744073709551616, not"));
    CHECK(refusal("\"rotary_pct\":1.5").starts_with("rotary_pct is 1.5, not a number from 0 to 1"));
    CHECK(refusal("\"rotary_pct\":0.4") == "accepted");
    CHECK(refusal("\"rotary_pct\":0.2").find("odd number") != std::string::npos);
    CHECK(refusal("\"hidden_size\":8192,\"num_attention_heads\":4,\"num_key_value_heads\":4").find("more than 1024") !=
          std::string::npos);
    CHECK(refusal("\"tie_word_embeddings\":1") == "tie_word_embeddings is not true or false");
    CHECK(!store::parse_config("[]"));
    CHECK(!store::parse_config(""));
    CHECK(store::parse_config("{\"model_type\":\"gpt_neox\"}").error().what == "num_hidden_layers is missing");
}
