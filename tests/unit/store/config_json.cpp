// SPDX-License-Identifier: MIT
#include "narae/store/config_json.hpp"

#include "catch.hpp"

using namespace narae;

TEST_CASE("store/config_json: a config written is read back the same") {
    const auto same = [](const store::config& a, const store::config& b) {
        return a.layers == b.layers && a.width == b.width && a.heads == b.heads && a.kv_heads == b.kv_heads &&
               a.head_width == b.head_width && a.ffn == b.ffn && a.vocab == b.vocab && a.positions == b.positions &&
               a.rotary == b.rotary && a.rotary_base == b.rotary_base && a.norm_eps == b.norm_eps &&
               a.parallel_residual == b.parallel_residual && a.tied == b.tied;
    };
    const store::config plain{24, 2048, 16, 16, 128, 8192, 30080, 2048, 64};
    const store::config odd{3, 100, 6, 2, 20, 7, 11, 13, 6, 1234567.5, 1.25e-12, false, true};
    for (const auto& c : {plain, odd}) {
        const auto text = store::config_json(c, "  \"eos_token_id\": 2,\n");
        const auto back = store::parse_config(text);
        INFO(text);
        REQUIRE(back);
        CHECK(same(c, *back));
        CHECK(text.find("\"eos_token_id\": 2") != std::string::npos);
    }
    CHECK(store::config_json(plain).find("key_value") == std::string::npos);
    CHECK(store::config_json(plain).find("\"rotary_pct\": 0.5,") != std::string::npos);
    CHECK(store::config_json(plain).find("\"layer_norm_eps\": 0.00001,") != std::string::npos);
    for (std::uint32_t width = 1; width <= 1024; width += width < 130 ? 1 : 37)  // every share of a head
        for (std::uint32_t rotary = 0; rotary <= width; rotary += 2) {
            auto c = plain;
            c.head_width = width;
            c.rotary = rotary;
            const auto back = store::parse_config(store::config_json(c));
            REQUIRE(back);
            if (!same(c, *back)) FAIL_CHECK(rotary << " of " << width << " became " << back->rotary);
        }
}
