// SPDX-License-Identifier: MIT
// Every tokenizer case that the reference library answered, in ../shared/oracle: ids and texts must be equal, all of
// them. Where that folder is not, the run says so and checks nothing.
#include <filesystem>

#include "cases.hpp"

TEST_CASE("every reference case is met, ids and text", "[token][oracle]") {
    const auto folder = std::filesystem::path(NARAE_SHARED_DIR) / "oracle" / "tokenizers";
    if (!std::filesystem::exists(folder)) {
        WARN("no " << folder.string() << " here: the reference cases were not run");
        return;
    }
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        const auto t = cases::parsed(cases::slurp((entry.path() / "tokenizer.json").string()));
        const auto ask = [&](const narae::text::json_value& c) {
            CAPTURE(c["id"].raw(), c["kind"].raw());
            cases::check(t, c);
        };
        CHECK(cases::each_line((entry.path() / "cases.jsonl").string(), ask) >= 800);
        CHECK(cases::each_line((entry.path() / "decode.jsonl").string(), ask) > 100);
        ++files;
    }
    CHECK(files == 4);
}

TEST_CASE("the reference checkpoints' tokenizers encode what their references say", "[token][oracle]") {
    const auto folder = std::filesystem::path(NARAE_SHARED_DIR) / "oracle" / "models";
    if (!std::filesystem::exists(folder)) {
        WARN("no " << folder.string() << " here: the checkpoints' tokenizers were not run");
        return;
    }
    std::size_t prompts = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        const auto t = cases::parsed(cases::slurp((entry.path() / "tokenizer.json").string()));
        const auto ref = cases::slurp((entry.path() / "ref" / "ref.json").string());
        const auto doc = narae::text::json::parse(ref);
        REQUIRE(doc);
        doc->root()["greedy"].for_each([&](const narae::text::json_value& g) {
            if (g["prompt_text"].missing_or_null()) return true;
            CHECK(t.encode(g["prompt_text"].string(), {.special = true}) == cases::ids_of(g["prompt_ids"]));
            ++prompts;
            return true;
        });
    }
    CHECK(prompts > 0);
}
