// SPDX-License-Identifier: MIT
#include "narae/learn/parameters.hpp"

#include "catch.hpp"
#include "models.hpp"

using namespace narae;

TEST_CASE("parts lie side by side and fill the row") {
    for (const bool tied : {false, true}) {
        const model::shape s(*store::parse_config(models::config(3, 24, 4, 2, 40, 53, 1.0, true, tied)));
        const auto n = learn::count_parameters(s);
        std::vector<float> row(n.all);
        const auto p = learn::parts_of(row.data(), s);
        CHECK(p.embedding == row.data());
        CHECK((p.head == p.embedding) == tied);
        if (!tied) CHECK(p.head + s.V * s.D == row.data() + n.matrices);
        CHECK(p.layers.size() == 3);
        CHECK(p.layers[0].qkv.w == p.embedding + s.V * s.D);
        CHECK(p.layers[1].qkv.w - p.layers[0].ffn_down.w == static_cast<std::ptrdiff_t>(s.D * s.F));
        CHECK(p.layers[0].before_attention.gain == row.data() + n.matrices);
        CHECK(p.last.bias + s.D == row.data() + n.all);
    }
}

TEST_CASE("weights to start from are spread as they should be, and follow from the seed") {
    const model::shape s(*store::parse_config(models::config(2, 64, 4, 4, 256, 300, 0.5)));
    std::vector<float> row(learn::count_parameters(s).all), again(row.size()), other(row.size());
    learn::fill_random(row, s, 5);
    learn::fill_random(again, s, 5);
    learn::fill_random(other, s, 6);
    CHECK(row == again);
    CHECK(row != other);
    const auto p = learn::parts_of(row.data(), s);
    const auto deviation = [](const float* x, std::size_t n) {
        double squares = 0;
        for (std::size_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        return std::sqrt(squares / static_cast<double>(n));
    };
    CHECK(deviation(p.embedding, s.V * s.D) == Approx(0.02).epsilon(0.05));
    CHECK(deviation(p.layers[1].ffn_down.w, s.D * s.F) == Approx(0.01).epsilon(0.05));
    CHECK(p.layers[1].before_ffn.gain[7] == 1.0f);
    CHECK(p.layers[1].ffn_up.bias[7] == 0.0f);
}

TEST_CASE("weights of a checkpoint arrive where the network reads them") {
    const auto config = models::config(2, 24, 4, 2, 40, 53, 1.0);
    const auto file = models::random_file(config);
    const auto from = store::checkpoint::from_bytes(as_bytes(file));
    REQUIRE(from);
    const model::shape s(*store::parse_config(config));
    std::vector<float> row(learn::count_parameters(s).all);
    REQUIRE(learn::fill_from(row, *from, s));
    const auto p = learn::parts_of(row.data(), s);
    const auto is = [&](const float* part, const std::string& name, std::uint64_t i) {
        CHECK(part[i] == model::element(*from->find(name), i));
    };
    is(p.embedding, "gpt_neox.embed_in.weight", 100);
    is(p.head, "embed_out.weight", 777);
    is(p.layers[1].qkv.w, "gpt_neox.layers.1.attention.query_key_value.weight", 50);
    is(p.layers[1].ffn_down.bias, "gpt_neox.layers.1.mlp.dense_4h_to_h.bias", 3);
    is(p.layers[0].before_ffn.gain, "gpt_neox.layers.0.post_attention_layernorm.weight", 9);
    is(p.last.bias, "gpt_neox.final_layer_norm.bias", 23);
    const model::shape larger(*store::parse_config(models::config(3, 24, 4, 2, 40, 53, 1.0)));
    CHECK(!learn::fill_from(row, *from, larger));
}
