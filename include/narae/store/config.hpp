// SPDX-License-Identifier: MIT
// What a checkpoint's config.json says about a GPT-NeoX model, and nothing that narae could not run.
// Key names: Hugging Face transformers, GPTNeoXConfig. An unknown architecture or option is refused by name.
#ifndef NARAE_STORE_CONFIG_HPP
#define NARAE_STORE_CONFIG_HPP

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

#include "narae/base/result.hpp"
#include "narae/text/json.hpp"

namespace narae::inline NARAE_ABI::store {

struct config {
    std::uint32_t layers = 0;        ///< num_hidden_layers
    std::uint32_t width = 0;         ///< hidden_size
    std::uint32_t heads = 0;         ///< num_attention_heads
    std::uint32_t kv_heads = 0;      ///< num_key_value_heads; heads where it is missing
    std::uint32_t head_width = 0;    ///< head_dim; width / heads where it is missing
    std::uint32_t ffn = 0;           ///< intermediate_size
    std::uint32_t vocab = 0;         ///< vocab_size, padding rows included
    std::uint32_t positions = 2048;  ///< max_position_embeddings
    std::uint32_t rotary = 0;        ///< rotated dimensions of a head: int(head_width * rotary_pct)
    double rotary_base = 10000;      ///< rotary_emb_base or rope_theta
    double norm_eps = 1e-5;          ///< layer_norm_eps
    bool parallel_residual = true;   ///< use_parallel_residual; a missing key means true
    bool tied = false;               ///< tie_word_embeddings: the head is the embedding
};

namespace detail {

/// Reads members of JSON objects and remembers the first thing that is wrong. What is not needed may be missing.
struct config_reader {
    error failed{};
    bool ok = true;

    void refuse(errc code, std::initializer_list<piece> why, std::uint64_t at = nowhere) {
        if (ok) failed = {code, why, at};
        ok = false;
    }
    /// Refuses another value of `key` than the one that narae can do.
    void only(const text::json_value& object, std::string_view key, std::string_view can, bool needed = false) {
        const auto v = object[key];
        if ((needed || !v.missing_or_null()) && v.string() != can)
            refuse(errc::unsupported, {key, " \"", v.string(), "\" is not supported, only \"", can, "\" is"}, v.at());
    }
    /// A number from `least` to `most`, which is whole where N is.
    template <class N>
    void number(const text::json_value& object, std::string_view key, N& out, std::uint64_t least, std::uint64_t most,
                bool needed = false) {
        const auto v = object[key];
        double x = 0;
        if (v.missing_or_null()) return needed ? refuse(errc::bad_value, {key, " is missing"}) : void();
        const bool fits = v.real(x) && x >= static_cast<double>(least) && x <= static_cast<double>(most);
        if (!fits || static_cast<double>(static_cast<N>(x)) != x)
            return refuse(errc::bad_value,
                          {key, " is ", v.raw().substr(0, 40), ", not a ", std::is_integral_v<N> ? "whole " : "",
                           "number from ", least, " to ", most},
                          v.at());
        out = static_cast<N>(x);
    }
    void truth(const text::json_value& object, std::string_view key, bool& out) {
        const auto v = object[key];
        if (v.missing_or_null()) return;
        if (!v.is(text::json_kind::boolean)) refuse(errc::bad_value, {key, " is not true or false"}, v.at());
        out = v.truth();
    }
};

}  // namespace detail

/// Parses config.json (or a narae file's copy of it). Numbers are bounded, so that products of them fit 64 bits.
inline result<config> parse_config(std::string_view source) {
    const auto doc = text::json::parse(source);
    if (!doc) return doc.error();
    detail::config_reader in;
    const auto root = doc->root();
    if (!root.is(text::json_kind::object)) return error{errc::bad_value, "not a JSON object", 0};
    in.only(root, "model_type", "gpt_neox", true);
    in.only(root, "hidden_act", "gelu");

    config c;
    in.number(root, "num_hidden_layers", c.layers, 1, 1024, true);
    in.number(root, "hidden_size", c.width, 1, 1 << 17, true);
    in.number(root, "num_attention_heads", c.heads, 1, 1 << 12, true);
    c.kv_heads = c.heads;
    in.number(root, "num_key_value_heads", c.kv_heads, 1, 1 << 12);
    in.number(root, "head_dim", c.head_width, 1, 1 << 10);
    in.number(root, "intermediate_size", c.ffn, 1, 1 << 19, true);
    in.number(root, "vocab_size", c.vocab, 1, 1 << 22, true);
    in.number(root, "max_position_embeddings", c.positions, 1, 1 << 24);
    in.number(root, "layer_norm_eps", c.norm_eps, 0, 1);
    in.truth(root, "use_parallel_residual", c.parallel_residual);
    in.truth(root, "tie_word_embeddings", c.tied);
    bool bias = true;
    in.truth(root, "attention_bias", bias);
    if (!bias) in.refuse(errc::unsupported, {"attention_bias false is not supported"}, root["attention_bias"].at());

    // Rotary settings have moved between versions: flat keys, then rope_theta, then one rope_parameters object.
    const auto scaling = root["rope_scaling"], rope = root["rope_parameters"];
    if (!scaling.missing_or_null()) in.refuse(errc::unsupported, {"rope_scaling is not supported"}, scaling.at());
    in.only(rope, "rope_type", "default");
    double share = 0.25;
    constexpr std::uint64_t largest_base = 1'000'000'000'000;
    in.number(root, "rotary_emb_base", c.rotary_base, 1, largest_base);
    in.number(root, "rotary_pct", share, 0, 1);
    for (const auto& place : {root, rope}) {
        in.number(place, "rope_theta", c.rotary_base, 1, largest_base);
        in.number(place, "partial_rotary_factor", share, 0, 1);
    }
    if (!in.ok) return in.failed;

    const auto wrong = [](std::initializer_list<piece> why) { return error{errc::bad_value, why}; };
    if (c.heads % c.kv_heads != 0)
        return wrong({c.heads, " heads cannot share ", c.kv_heads, " key-value heads evenly"});
    if (c.head_width == 0 && c.width % c.heads != 0)
        return wrong({"hidden_size ", c.width, " does not divide into ", c.heads, " heads"});
    if (c.head_width == 0) c.head_width = c.width / c.heads;
    if (c.head_width > 1024) return wrong({"heads of ", c.head_width, " dimensions, more than 1024"});
    c.rotary = static_cast<std::uint32_t>(c.head_width * share);
    if (c.rotary % 2 != 0) return wrong({"rotary_pct leaves ", c.rotary, " rotated dimensions, an odd number"});
    return c;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
