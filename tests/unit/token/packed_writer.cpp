// SPDX-License-Identifier: MIT
#include "narae/token/packed_writer.hpp"

#include <filesystem>

#include "cases.hpp"
#include "file.hpp"

using namespace narae;
using file = tokenizer_file;

namespace {

std::string packed(const std::string& json) {
    auto p = token::pack_tokenizer(as_bytes(json));
    INFO(p.error().message());
    REQUIRE(p);
    return *p;
}
std::string unpacked(const std::string& p) {
    auto json = token::unpack_tokenizer(as_bytes(p));
    INFO(json.error().message());
    REQUIRE(json);
    return *json;
}

/// A value without its spelling: no white space, no escapes, merges as pairs, the vocabulary in the order of ids.
std::string meaning(const text::json_value& v, const std::string& key = {}) {
    std::string out;
    if (v.is(text::json_kind::object)) {
        std::vector<std::pair<std::uint64_t, std::string>> members;
        v.for_each_member([&](const text::json_value& k, const text::json_value& m) {
            std::uint64_t id = 0;
            if (key == "vocab") m.whole(id);
            members.emplace_back(id, text::json_quote(k.string()) + ":" + meaning(m, k.string()));
            return true;
        });
        if (key == "vocab") std::sort(members.begin(), members.end());
        for (const auto& m : members) out += m.second + ",";
        return "{" + out + "}";
    }
    if (v.is(text::json_kind::array)) {
        std::string left, right;
        v.for_each([&](const text::json_value& m) {
            if (key == "merges" && m.raw().starts_with("#version")) return true;
            if (key == "merges" && token::merge_keys(m, left, right))
                out += text::json_quote(left) + " " + text::json_quote(right) + ",";
            else
                out += meaning(m) + ",";
            return true;
        });
        return "[" + out + "]";
    }
    return v.is(text::json_kind::string) ? text::json_quote(v.string()) : std::string(v.raw());
}
std::string meaning(const std::string& json) {
    const auto doc = text::json::parse(json);
    REQUIRE(doc);
    return meaning(doc->root());
}

void there_and_back(const std::string& json) {
    const auto p = packed(json);
    CHECK(p.size() < json.size());
    const auto back = unpacked(p);
    const bool same = meaning(back) == meaning(json);
    CHECK(same);
    CHECK(packed(p) == p);
    CHECK(unpacked(json) == json);
    CHECK(packed(back).size() <= p.size());
    const auto a = cases::parsed(json), b = cases::parsed(p);
    CHECK(a.size() == b.size());
    CHECK(a.count() == b.count());
    std::size_t wrong = 0;
    for (token::token_id id = 0; id < a.size(); ++id)
        wrong += a.bytes_of(id) != b.bytes_of(id) || a.is_special(id) != b.is_special(id);
    CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("token/packed_writer: bytes and keys go there and back") {
    std::string all;
    for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
    std::string spelled;
    CHECK(token::spelled_key(all, false) == file::key(all));
    REQUIRE(token::spell_bytes(token::spelled_key(all, false), spelled));
    CHECK(spelled == all);
    CHECK(token::spelled_key("나 a", true) == "나 a");
    for (std::size_t n = 0; n < 9; ++n) {
        const auto bytes = all.substr(250 - n, n);
        std::vector<std::int8_t> back;
        CHECK(token::base64_text(as_bytes(bytes)) == file::base64(bytes));
        REQUIRE(token::base64_bytes(token::base64_text(as_bytes(bytes)), back));
        CHECK(std::string(back.begin(), back.end()) == bytes);
    }
}

TEST_CASE("token/packed_writer: tokenizers come back with the same meaning") {
    const std::string golden = NARAE_TESTS_DIR "/golden/tokenizers/";
    for (const char* name : {"tiny.json", "mid.json"}) there_and_back(cases::slurp(golden + name));
    there_and_back(file().text());
    there_and_back(file::narae().text());
    auto f = file::narae();
    f.words = {"ab", "a b", "나래", "나래b", "abc"};  // two literals, and the key of a blank is none of them
    f.merges = R"(["#version: 0.2",["a","b"],["나래","b"],["ab","c"],["a","b"]])";
    f.added = "[" + file::token(261, "<|nfd|>", "special") + "," + file::token(257, "a b") + "]";
    f.normalizer = R"({ "type" : "NFC" })";
    there_and_back(f.text());
    f.words[3] = "a bb";
    f.merges = R"([["a b","b"]])";
    f.model.replace(f.model.find("\"expressions\":1"), 15, "\"expressions\":0");
    there_and_back(f.text());
}

TEST_CASE("token/packed_writer: a token of any length, ids of any size") {
    file f;
    f.words = {std::string(40000, 'x')};
    there_and_back(f.text());
    CHECK(packed(f.text())[12] == 4);
    CHECK(packed(file().text())[12] == 2);
    f.words.assign(70000, {});
    for (std::size_t i = 0; i < f.words.size(); ++i) f.words[i] = "w" + std::to_string(i);
    there_and_back(f.text());
    CHECK(packed(f.text())[12] == 4);
}

TEST_CASE("token/packed_writer: the reference's tokenizers and cases", "[oracle]") {
    const auto folder = std::filesystem::path(NARAE_SHARED_DIR) / "oracle" / "tokenizers";
    if (!std::filesystem::exists(folder)) {
        WARN("no " << folder.string() << " here: the reference cases were not run");
        return;
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        const auto json = cases::slurp((entry.path() / "tokenizer.json").string());
        there_and_back(json);
        const auto t = cases::parsed(packed(json)), u = cases::parsed(unpacked(packed(json)));
        for (const char* name : {"cases.jsonl", "decode.jsonl"})
            cases::each_line((entry.path() / name).string(), [&](const text::json_value& c) {
                cases::check(t, c);
                cases::check(u, c);
            });
    }
}

TEST_CASE("token/packed_writer: what is no tokenizer is refused") {
    CHECK_FALSE(token::pack_tokenizer(as_bytes("{}")));
    CHECK_FALSE(token::unpack_tokenizer(as_bytes("{}")));
    CHECK_FALSE(token::pack_tokenizer(as_bytes("NARAETOK")));
    CHECK_FALSE(token::unpack_tokenizer(as_bytes("NARAETOK")));
}
