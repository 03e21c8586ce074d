// SPDX-License-Identifier: MIT
#include "narae/store/format.hpp"

#include "catch.hpp"

using namespace narae::store;

TEST_CASE("store/format: every name that narae adds to a file begins with its own") {
    for (const auto name : {narae_version_key, narae_config_key, narae_history_key, narae_source_key, narae_tokenizer})
        CHECK(name.starts_with("narae."));
    CHECK(narae_version == "1");
    CHECK(q4_suffix == ".q4");
    CHECK(q8_suffix == ".q8");
}
