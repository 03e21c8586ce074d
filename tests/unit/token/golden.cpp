// SPDX-License-Identifier: MIT
// The cases under tests/golden/tokenizers, see the README there.
#include <map>

#include "cases.hpp"

TEST_CASE("sentences of our own encode and decode as the reference says", "[token][golden]") {
    const std::string folder = NARAE_TESTS_DIR "/golden/tokenizers/";
    std::map<std::string, narae::token::tokenizer> tokenizers;
    for (const std::string name : {"tiny.json", "mid.json"})
        tokenizers.emplace(name, cases::parsed(cases::slurp(folder + name)));
    const auto lines = cases::each_line(folder + "cases.jsonl", [&](const narae::text::json_value& c) {
        CAPTURE(c["text"].raw());
        cases::check(tokenizers.at(c["tokenizer"].string()), c);
    });
    CHECK(lines == 166);
}
