// SPDX-License-Identifier: MIT
// Writes the config.json that config.hpp reads; read that before. Running a model needs no part of this.
#ifndef NARAE_STORE_CONFIG_JSON_HPP
#define NARAE_STORE_CONFIG_JSON_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "narae/base/result.hpp"
#include "narae/num/decimal.hpp"
#include "narae/store/config.hpp"

namespace narae::inline NARAE_ABI::store {

/// x as a JSON number that json_value::real reads back to the same double, for the short decimals of configs.
inline std::string json_number(double x) {
    double power = 1;
    int digits = 0;
    while (digits < 22 && std::fabs(x) * power < 1e15 && std::floor(x * power + 0.5) / power != x)
        power = std::pow(10.0, ++digits);
    return num::decimal(x, digits);
}

/// The text of a config.json that parse_config reads back to the same config. `more` is put in as it is: further
/// members, each with a comma at its end.
inline std::string config_json(const config& c, std::string_view more = {}) {
    const auto truth = [](bool b) { return b ? "true" : "false"; };
    const auto head_width = (std::max)(c.head_width, std::uint32_t{1});
    // rotary / head_width in millionths, rounded up until int(head_width * rotary_pct) is rotary again.
    std::uint64_t share = (std::uint64_t{c.rotary} * 1000000 + head_width - 1) / head_width;
    const auto pct = [&] { return static_cast<double>(share) / 1e6; };
    if (static_cast<std::uint32_t>(head_width * pct()) < c.rotary) ++share;
    std::string s =
        concat({"{\n  \"architectures\": [\"GPTNeoXForCausalLM\"],\n  \"model_type\": \"gpt_neox\",\n", more});
    const auto whole = [&](std::string_view key, std::uint32_t n) { s += concat({"  \"", key, "\": ", n, ",\n"}); };
    whole("num_hidden_layers", c.layers);
    whole("hidden_size", c.width);
    whole("num_attention_heads", c.heads);
    if (c.kv_heads != c.heads) whole("num_key_value_heads", c.kv_heads);
    if (c.head_width * c.heads != c.width) whole("head_dim", c.head_width);
    whole("intermediate_size", c.ffn);
    whole("vocab_size", c.vocab);
    whole("max_position_embeddings", c.positions);
    return s + concat({"  \"hidden_act\": \"gelu\",\n  \"layer_norm_eps\": ", json_number(c.norm_eps),
                       ",\n  \"rotary_pct\": ", json_number(pct()), ",\n  \"rotary_emb_base\": ",
                       json_number(c.rotary_base), ",\n  \"use_parallel_residual\": ", truth(c.parallel_residual),
                       ",\n  \"tie_word_embeddings\": ", truth(c.tied), "\n}\n"});
}

}  // namespace narae::inline NARAE_ABI::store

#endif
