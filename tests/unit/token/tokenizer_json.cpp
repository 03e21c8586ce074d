// SPDX-License-Identifier: MIT
#include "narae/token/tokenizer_json.hpp"

#include <random>

#include "cases.hpp"
#include "file.hpp"

using namespace narae;

namespace {

using file = tokenizer_file;

/// The one line with which this file is refused.
error refusal(const std::string& json) {
    const auto t = token::tokenizer_json::read(as_bytes(json));
    CAPTURE(json.substr(0, 300));
    CHECK_FALSE(t);
    return t ? error{} : t.error();
}
std::string line(const std::string& json, errc code) {
    const auto e = refusal(json);
    CHECK(e.code == code);
    CHECK(e.message().find('\n') == std::string::npos);
    return e.what;
}
/// The same for files that are sound but ask for something else.
std::string unsupported(const std::string& json) { return line(json, errc::unsupported); }
std::string bad(const std::string& json) { return line(json, errc::bad_value); }

bool accepted(const file& f) {
    const auto t = token::tokenizer_json::read(as_bytes(f.text()));
    INFO(t.error().message());
    CHECK(t);
    return t.has_value();
}

template <class Change> file with(Change change) {
    file f;
    change(f);
    return f;
}

const std::string byte_level = R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true})";

}  // namespace

TEST_CASE("the parts of files in the wild are read", "[tokenizer_json]") {
    CHECK(accepted({}));
    CHECK(accepted(with([](file& f) { f.model = ""; })));  // no "type"
    CHECK(accepted(with([](file& f) {
        f.model = R"("dropout":null,"unk_token":null,"continuing_subword_prefix":null,)"
                  R"("end_of_word_suffix":null,"fuse_unk":false,)";
    })));
    CHECK(accepted(with([](file& f) {  // neutral: every byte is known, nothing is dropped, nothing is put before or
                                       // after
        f.model = R"("dropout":0.0,"unk_token":"a","continuing_subword_prefix":"",)"
                  R"("end_of_word_suffix":"","fuse_unk":true,"byte_fallback":true,)";
    })));
    for (const char* n :
         {R"({"type":"NFC"})", R"({"type":"NFD"})", R"({"type":"Sequence","normalizers":[]})",
          R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Sequence","normalizers":[{"type":"NFD"}]}]})"})
        CHECK(accepted(with([&](file& f) { f.normalizer = n; })));
    CHECK(accepted(
        with([](file& f) { f.pre_tokenizer = R"({"type":"Sequence","pretokenizers":[)" + byte_level + "]}"; })));
    const std::string plain =
        R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[]})";
    for (const auto& p : {byte_level, plain, R"({"type":"Sequence","processors":[)" + byte_level + "]}"})
        CHECK(accepted(with([&](file& f) { f.post_processor = p; })));
    CHECK(accepted(with([](file& f) { f.root = R"(,"note":null)"; })));
    CHECK(accepted(with([](file& f) { f.added = "null"; })));
    CHECK(accepted(with([](file& f) { f.added = "[" + file::token(256, "") + "," + file::token(256, "x y") + "]"; })));
    CHECK(accepted(with([](file& f) { f.first_byte = 32; })));  // bytes may be missing
}

TEST_CASE("both spellings of merges mean the same", "[tokenizer_json]") {
    file a, b;
    a.words = b.words = {"ab", "abc"};
    a.merges = R"(["#version: 0.2","a b","ab c"])";
    b.merges = R"([["a","b"],["ab","c"]])";
    for (const auto& f : {a, b}) {
        const auto t = token::tokenizer_json::read(as_bytes(f.text()));
        REQUIRE(t);
        REQUIRE(t->words.merge_of('a', 'b') != nullptr);
        CHECK(t->words.merge_of('a', 'b')->rank == 0);
        CHECK(t->words.merge_of('a', 'b')->whole == 256);
        REQUIRE(t->words.merge_of(256, 'c') != nullptr);
        CHECK(t->words.merge_of(256, 'c')->rank == 1);
        CHECK(t->words.count() == 258);
    }
}

TEST_CASE("what is not carried out is refused by name", "[tokenizer_json]") {
    const auto part = [](std::string file::*which, const std::string& json) {
        return unsupported(with([&](file& f) { f.*which = json; }).text());
    };
    for (const std::string type : {"NFKC", "Lowercase", "Replace", "Prepend", "BertNormalizer", "Precompiled", "Strip"})
        CHECK(part(&file::normalizer, "{\"type\":\"" + type + "\"}") ==
              "tokenizer.json: normalizer '" + type + "' is not supported");
    CHECK(part(&file::normalizer, R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]})") ==
          "tokenizer.json: normalizer 'Nmt' is not supported");
    CHECK(part(&file::normalizer, R"({"type":"NFC","fast":true})") ==
          "tokenizer.json: normalizer: key 'fast' is not supported");
    for (const std::string type : {"Metaspace", "Split", "Digits", "Whitespace", "Punctuation"})
        CHECK(part(&file::pre_tokenizer, "{\"type\":\"" + type + "\"}") ==
              "tokenizer.json: pre_tokenizer '" + type + "' is not supported");
    CHECK(part(&file::pre_tokenizer, "null") ==
          "tokenizer.json: pre_tokenizer null (a BPE that is not byte-level) is not supported");
    CHECK(part(&file::pre_tokenizer, R"({"type":"Sequence","pretokenizers":[]})") ==
          "tokenizer.json: pre_tokenizer with other than one 'ByteLevel' is not supported");
    CHECK(
        part(&file::pre_tokenizer, R"({"type":"Sequence","pretokenizers":[)" + byte_level + "," + byte_level + "]}") ==
        "tokenizer.json: pre_tokenizer with other than one 'ByteLevel' is not supported");
    for (const std::string type : {"RobertaProcessing", "BertProcessing"})
        CHECK(part(&file::post_processor, "{\"type\":\"" + type + "\"}") ==
              "tokenizer.json: post_processor '" + type + "' is not supported");
    CHECK(part(&file::post_processor,
               R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},)"
               R"({"Sequence":{"id":"A","type_id":0}}]})") ==
          "tokenizer.json: post_processor 'TemplateProcessing' that adds tokens is not supported");
    for (const std::string type : {"Metaspace", "WordPiece", "Sequence", "ByteFallback"})
        CHECK(part(&file::decoder, "{\"type\":\"" + type + "\"}") ==
              "tokenizer.json: decoder '" + type + "' is not supported");
    CHECK(part(&file::decoder, "null") == "tokenizer.json: decoder null is not supported");

    CHECK(part(&file::model, R"("type":"Unigram",)") == "tokenizer.json: model 'Unigram' is not supported");
    CHECK(part(&file::model, R"("dropout":0.1,)") == "tokenizer.json: model: 'dropout' other than 0 is not supported");
    CHECK(part(&file::model, R"("continuing_subword_prefix":"##",)") ==
          "tokenizer.json: model: 'continuing_subword_prefix' that is not empty is not supported");
    CHECK(part(&file::model, R"("end_of_word_suffix":"</w>",)") ==
          "tokenizer.json: model: 'end_of_word_suffix' that is not empty is not supported");
    CHECK(part(&file::model, R"("novelty":1,)") == "tokenizer.json: model: key 'novelty' is not supported");
    for (const std::string key : {"unk_token\":\"a\"", "byte_fallback\":true"})
        CHECK(unsupported(with([&](file& f) { f.first_byte = 1, f.model = "\"" + key + ","; }).text()) ==
              "tokenizer.json: model: '" + key.substr(0, key.find('"')) +
                  "' with a vocabulary that lacks bytes is not supported");

    for (const std::string key : {"truncation", "padding"})
        CHECK(part(&file::root, ",\"" + key + "\":{\"max_length\":8}") ==
              "tokenizer.json: " + key + " is not supported");
    CHECK(part(&file::root, R"(,"version":"2.0")") == "tokenizer.json: version '2.0' is not supported");
    CHECK(part(&file::root, R"(,"novelty":true)") == "tokenizer.json: the file: key 'novelty' is not supported");
    auto token = file::token(256, "x y");
    token.back() = ',';
    CHECK(part(&file::added, "[" + token + "\"novelty\":1}]") ==
          "tokenizer.json: added_tokens[0]: key 'novelty' is not supported");
    CHECK(unsupported(with([](file& f) {
                          f.normalizer = R"({"type":"NFC"})";
                          f.words = {"e\xCC\x81"};
                          f.added = "[" + file::token(256, "e\xCC\x81", "normalized") + "]";
                      }).text()) ==
          "tokenizer.json: added_tokens[0]: a token of the vocabulary that the normalizer changes is not supported");
}

TEST_CASE("broken files give one line with the place", "[tokenizer_json]") {
    const auto part = [](std::string file::*which, const std::string& json) {
        return bad(with([&](file& f) { f.*which = json; }).text());
    };
    CHECK(bad("") == "tokenizer.json: JSON: expected a value");
    CHECK(bad("not json") == "tokenizer.json: JSON: expected a value");
    CHECK(bad("\"\xFF\"") == "tokenizer.json: JSON is not UTF-8");
    CHECK(bad("[]") == "tokenizer.json: the file is not an object");
    CHECK(bad(R"({"version":"1.0","pre_tokenizer":)" + byte_level + ",\"decoder\":" + byte_level + "}") ==
          "tokenizer.json: model is missing");
    CHECK(bad(R"({"pre_tokenizer":)" + byte_level + ",\"decoder\":" + byte_level + ",\"model\":7}") ==
          "tokenizer.json: model is not an object");
    CHECK(bad(R"({"pre_tokenizer":)" + byte_level + ",\"decoder\":" + byte_level + ",\"model\":{\"merges\":[]}}") ==
          "tokenizer.json: model: 'vocab' is not an object");
    CHECK(bad(R"({"pre_tokenizer":)" + byte_level + ",\"decoder\":" + byte_level + ",\"model\":{\"vocab\":{}}}") ==
          "tokenizer.json: model: 'merges' is not an array");
    CHECK(part(&file::normalizer, "7") == "tokenizer.json: normalizer is not an object");
    CHECK(part(&file::normalizer, "{}") == "tokenizer.json: normalizer: 'type' is missing");
    CHECK(part(&file::normalizer, R"({"type":"Sequence"})") ==
          "tokenizer.json: normalizer: 'normalizers' is not an array");
    CHECK(part(&file::pre_tokenizer, R"({"type":"ByteLevel"})") ==
          "tokenizer.json: pre_tokenizer: 'add_prefix_space' is not true or false");
    for (const std::string value : {"1", "null"})
        CHECK(part(&file::pre_tokenizer, R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":)" + value +
                                             "}") == "tokenizer.json: pre_tokenizer: 'use_regex' is not true or false");
    CHECK(part(&file::model, R"("ignore_merges":"yes",)") ==
          "tokenizer.json: model: 'ignore_merges' is not true or false");

    const auto merges = [&](const std::string& m) { return part(&file::merges, m); };
    CHECK(merges(R"(["ab"])") == "tokenizer.json: model.merges[0]: not a pair of tokens");
    CHECK(merges(R"(["a b c"])") == "tokenizer.json: model.merges[0]: not a pair of tokens");
    CHECK(merges(R"(["a b"])") == "tokenizer.json: model.merges[0]: token 'ab' is not in the vocabulary");
    CHECK(merges(R"(["a zz"])") == "tokenizer.json: model.merges[0]: token 'zz' is not in the vocabulary");
    CHECK(merges(R"(["a\nb a"])") == "tokenizer.json: model.merges[0]: token 'a\\nb' is not in the vocabulary");
    CHECK(merges("[\"" + std::string(500, 'z') + " a\"]") ==
          "tokenizer.json: model.merges[0]: token '" + std::string(60, 'z') + "'... is not in the vocabulary");
    CHECK(merges(R"(["zz a"])") == "tokenizer.json: model.merges[0]: token 'zz' is not in the vocabulary");
    for (const char* m : {"[7]", R"([["a"]])", R"([["a","b","c"]])", R"([["a",1]])", "[null]"})
        CHECK(merges(m) == "tokenizer.json: model.merges[0]: not a pair of tokens");

    const auto added = [&](const std::string& t) { return part(&file::added, t); };
    CHECK(added("{}") == "tokenizer.json: added_tokens is not an array");
    CHECK(added("[7]") == "tokenizer.json: added_tokens[0] is not an object");
    CHECK(added(R"([{"id":256}])") == "tokenizer.json: added_tokens[0]: 'content' is not a string");
    CHECK(added(R"([{"id":256,"content":"x y"}])") ==
          "tokenizer.json: added_tokens[0]: 'single_word' is not true or false");
    CHECK(added("[" + file::token(300, "x y") + "]") ==
          "tokenizer.json: added_tokens[0]: id 300 where 256 is expected");
    CHECK(added("[" + file::token(256, "a") + "]") == "tokenizer.json: added_tokens[0]: id 256 where 97 is expected");
    CHECK(added("[" + file::token(97, "a") + "," + file::token(97, "a") + "]") ==
          "tokenizer.json: added token 'a' is there twice");
    CHECK(added("[" + file::token(-1, "x y") + "]") == "tokenizer.json: added_tokens[0]: the id is not a whole number");
    CHECK(bad(with([](file& f) {
                  f.normalizer = R"({"type":"NFC"})";
                  f.added = "[" + file::token(256, "e\xCC\x81 ", "normalized") + "," +
                            file::token(257, "\xC3\xA9 ", "normalized") + "]";
              }).text()) == "tokenizer.json: added token '\xC3\xA9 ' is spelled as another one");
}

TEST_CASE("ids are bounded by the file, and none is given twice", "[tokenizer_json]") {
    const auto vocab = [](const std::string& v) {
        return R"({"pre_tokenizer":)" + byte_level + ",\"decoder\":" + byte_level +
               ",\"model\":{\"merges\":[],\"vocab\":{" + v + "}}}";
    };
    CHECK(bad(vocab(R"("a":4000000000)")) ==
          "tokenizer.json: model.vocab: id 4000000000 is too large for a file of this size");
    CHECK(bad(vocab(R"("a":18446744073709551616)")) == "tokenizer.json: model.vocab: the id is not a whole number");
    CHECK(bad(vocab(R"("a":"1")")) == "tokenizer.json: model.vocab: the id is not a whole number");
    CHECK(bad(vocab(R"("a":-1)")) == "tokenizer.json: model.vocab: the id is not a whole number");
    CHECK(bad(vocab(R"("a":1,"b":1)")) == "tokenizer.json: model.vocab: token 'b' or id 1 is there twice");
    CHECK(bad(vocab(R"("a":1,"a":2)")) == "tokenizer.json: model.vocab: token 'a' or id 2 is there twice");
    CHECK(refusal(vocab(R"("a":1,"a":2)")).at == vocab(R"("a":1,"a":2)").find("a\":2"));
    CHECK(bad(R"({"added_tokens":[)" + tokenizer_file::token(2, "x") + "]," + vocab(R"("a":0,"b":2)").substr(1)) ==
          "tokenizer.json: added_tokens[0]: id 2 is there twice");
}

TEST_CASE("what makes a tokenizer narae's own is read", "[tokenizer_json]") {
    const auto t = token::tokenizer_json::read(as_bytes(file::narae().text()));
    INFO(t.error().message());
    REQUIRE(t);
    CHECK(t->morphemes);
    CHECK(t->digits == 3);
    CHECK(t->decomposed == 258);
    CHECK(t->expressions == 1);
    CHECK(t->cut == -12);
    CHECK(t->attribution == "made \"here\"");
    REQUIRE(t->weights.size() == token::boundary_model::slots);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < t->weights.size(); ++i) wrong += t->weights[i] != file::weight(i);
    CHECK(wrong == 0);

    const auto other = token::tokenizer_json::read(as_bytes(file().text()));
    REQUIRE(other);
    CHECK_FALSE(other->morphemes);
    CHECK(other->weights.empty());
    CHECK(other->decomposed == token::no_token);
}

TEST_CASE("base64 is what RFC 4648 says", "[tokenizer_json]") {
    const auto bytes = [](std::string_view s) {
        std::vector<std::int8_t> out;
        return token::base64_bytes(s, out) ? std::string(out.begin(), out.end()) : "none";
    };
    for (const auto& [text, meant] : std::initializer_list<std::pair<const char*, const char*>>{
             {"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}})
        CHECK(bytes(text) == meant);
    CHECK(bytes("+/+/") == "\xFB\xFF\xBF");
    for (const char* text : {"Z", "Zg=", "Zg", "Z===", "====", "Zm=v", "Zm9v Zm8=", "Zm9\n", "Zm-_", "\xEA\xB0\x80="})
        CHECK(bytes(text) == "none");
}

TEST_CASE("a narae section that is not as it should be is refused by key", "[tokenizer_json]") {
    const auto with_section = [](const std::string& old_part, const std::string& new_part) {
        auto f = file::narae();
        const auto at = f.model.find(old_part);
        REQUIRE(at != f.model.npos);
        f.model.replace(at, old_part.size(), new_part);
        return f.text();
    };
    const auto wrong = [&](const std::string& a, const std::string& b) {
        const auto line = bad(with_section(a, b));
        CHECK(line.starts_with("tokenizer.json: model.narae"));
        return line.substr(line.find(':') + 2);
    };
    const auto refused = [&](const std::string& a, const std::string& b) {
        const auto line = unsupported(with_section(a, b));
        return line.substr(line.find(':') + 2);
    };
    CHECK(refused("\"version\":1", "\"version\":2") == "model.narae: 'version' other than 1 is not supported");
    CHECK(refused("\"version\":1", "\"version\":\"1\"") == "model.narae: 'version' other than 1 is not supported");
    CHECK(refused("\"version\":1,", "") == "model.narae: 'version' other than 1 is not supported");
    CHECK(refused("\"version\":1", "\"version\":1,\"new\":1") == "model.narae: key 'new' is not supported");
    CHECK(refused("\"cut\":-12", "\"cut\":-12,\"new\":1") == "model.narae.boundaries: key 'new' is not supported");
    for (const char* n : {"0", "10", "-1", "1.5", "\"3\"", "null"})
        CHECK(wrong("\"digits\":3", "\"digits\":" + std::string(n)) ==
              "model.narae: 'digits' is not a whole number from 1 to 9");
    for (const char* n : {"3", "-1", "4294967296"})
        CHECK(wrong("\"expressions\":1", "\"expressions\":" + std::string(n)) ==
              "model.narae: 'expressions' is not a whole number from 0 to 2");
    CHECK(wrong("<|nfd|>", "<|none|>") == "model.narae: 'decomposed' is not an added token");
    CHECK(wrong("<|nfd|>", "ab") == "model.narae: 'decomposed' is not an added token");
    CHECK(wrong("\"<|nfd|>\"", "7") == "model.narae: 'decomposed' is not an added token");
    CHECK(wrong(R"(,"attribution":"made \"here\"")", "") == "model.narae: 'attribution' is not a string");
    for (const char* n : {"1.5", "1e999", "-3000000000", "\"1\"", "null"})
        CHECK(wrong("\"cut\":-12", "\"cut\":" + std::string(n)) ==
              "model.narae.boundaries: 'cut' is not a whole number below a billion");
    CHECK(wrong("\"weights\":\"", "\"weights\":\"!") == "model.narae.boundaries: 'weights' is not base64");
    CHECK(wrong("\"weights\":\"", "\"weights\":\"AAAA") ==
          "model.narae.boundaries: 'weights' has 131075 bytes, not 131072");
    auto f = file::narae();
    f.model = R"("narae":7,)";
    CHECK(bad(f.text()) == "tokenizer.json: model.narae is not an object");
    f.model = R"("narae":null,)";
    CHECK(accepted(f));
}

TEST_CASE("any change of any byte gives a tokenizer or an error", "[tokenizer_json]") {
    file f;
    f.first_byte = 200;
    f.words = {"ab"};
    f.normalizer = R"({"type":"NFC"})";
    f.added = "[" + file::token(57, "<|e|>", "special") + "]";
    const auto good = f.text();
    REQUIRE(token::tokenizer_json::read(as_bytes(good)));
    std::mt19937 random(1);
    int read = 0;
    for (int i = 0; i < 20000; ++i) {
        auto s = good;
        for (auto k = random() % 2; k < 2; ++k) s[random() % s.size()] = static_cast<char>(32 + random() % 95);
        if (random() % 8 == 0) s.resize(random() % s.size());
        const auto t = token::tokenizer::parse(as_bytes(s));
        if (!t) continue;
        ++read;
        t->decode(t->encode("나래 <|e|> ab\xFF", {.special = true}));
    }
    CHECK(read > 100);
}
