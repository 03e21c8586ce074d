// SPDX-License-Identifier: MIT
// Every tokenizer case that the reference library answered, in ../shared/oracle: ids and texts must be equal, all of
// them. Where that folder is not, the run says so and checks nothing.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catch.hpp"
#include "narae/token/tokenizer.hpp"

#ifndef NARAE_SHARED_DIR
#define NARAE_SHARED_DIR "../shared"
#endif

namespace {

namespace fs = std::filesystem;
using namespace narae;

std::string slurp(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<token::token_id> ids_of(const text::json_value& array) {
    std::vector<token::token_id> ids;
    array.for_each([&](const text::json_value& v) {
        std::uint64_t id = 0;
        REQUIRE(v.whole(id));
        ids.push_back(static_cast<token::token_id>(id));
        return true;
    });
    return ids;
}

/// f(object) for every line of a JSON lines file; gives back how many there were.
template <class F>
std::size_t each_line(const fs::path& path, F f) {
    std::ifstream in(path, std::ios::binary);
    std::size_t n = 0;
    for (std::string line; std::getline(in, line); ++n) {
        const auto doc = text::json::parse(line);
        REQUIRE(doc);
        f(doc->root());
    }
    return n;
}

/// decode(), and the same piece by piece.
void check_text(const token::tokenizer& t, const std::vector<token::token_id>& ids, const text::json_value& c) {
    for (const bool skip : {false, true}) {
        const auto skipping = c["decoded_skip_special"];
        const auto want = skip && !skipping.missing_or_null() ? skipping.string() : c["decoded"].string();
        if (t.decode(ids, skip) != want) CHECK(t.decode(ids, skip) == want);
        token::stream_decoder stream(t, skip);
        std::string joined;
        for (const auto id : ids) joined += stream.push(id);
        joined += stream.finish();
        if (joined != want) CHECK(joined == want);
    }
}

}  // namespace

TEST_CASE("every reference case is met, ids and text", "[token][oracle]") {
    const fs::path folder = fs::path(NARAE_SHARED_DIR) / "oracle" / "tokenizers";
    if (!fs::exists(folder)) {
        WARN("no " << folder.string() << " here: the reference cases were not run");
        return;
    }
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        const auto json = slurp(entry.path() / "tokenizer.json");
        const auto t = token::tokenizer::parse(as_bytes(json));
        INFO(t.error().message());
        REQUIRE(t);
        const auto cases = each_line(entry.path() / "cases.jsonl", [&](const text::json_value& c) {
            CAPTURE(c["id"].raw(), c["kind"].raw());
            const auto want = ids_of(c["ids"]);
            const auto got = t->encode(c["text"].string(), true);
            if (got != want) CHECK(got == want);
            check_text(*t, want, c);
        });
        CHECK(cases >= 800);
        CHECK(each_line(entry.path() / "decode.jsonl", [&](const text::json_value& c) {
                  check_text(*t, ids_of(c["ids"]), c);
              }) > 100);
        ++files;
    }
    CHECK(files == 4);
}

TEST_CASE("the tokenizers of the reference checkpoints encode what their references say", "[token][oracle]") {
    const fs::path folder = fs::path(NARAE_SHARED_DIR) / "oracle" / "models";
    if (!fs::exists(folder)) {
        WARN("no " << folder.string() << " here: the checkpoints' tokenizers were not run");
        return;
    }
    std::size_t prompts = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        const auto json = slurp(entry.path() / "tokenizer.json");
        const auto t = token::tokenizer::parse(as_bytes(json));
        INFO(t.error().message());
        REQUIRE(t);
        const auto ref = slurp(entry.path() / "ref" / "ref.json");
        const auto doc = text::json::parse(ref);
        REQUIRE(doc);
        doc->root()["greedy"].for_each([&](const text::json_value& g) {
            if (g["prompt_text"].missing_or_null()) return true;
            CHECK(t->encode(g["prompt_text"].string(), true) == ids_of(g["prompt_ids"]));
            CHECK(t->decode(ids_of(g["prompt_ids"])) == g["prompt_text"].string());
            ++prompts;
            return true;
        });
    }
    CHECK(prompts > 0);
}
