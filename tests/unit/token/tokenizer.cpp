// SPDX-License-Identifier: MIT
#include "narae/token/tokenizer.hpp"

#include <random>

#include "cases.hpp"
#include "file.hpp"

using namespace narae;
using cases::ids;
using file = tokenizer_file;

namespace {

token::tokenizer make(const file& f) { return cases::parsed(f.text()); }

ids bytes(std::string_view s) {
    ids all;
    for (const char c : s) all.push_back(static_cast<unsigned char>(c));
    return all;
}

file with_tokens() {
    file f;
    f.words = {"ab", file::key(" a"), file::key(" ab"), file::key("가"), "나"};  // the last one is literal
    f.merges = R"([["a","b"],[")" + file::key(" ") + R"(","ab"]])";
    f.added = "[" + file::token(261, "<|endoftext|>", "special") + "," + file::token(262, "<|말|>") + "," +
              file::token(263, "  ", "normalized") + "]";
    return f;
}

}  // namespace

TEST_CASE("sizes, look-ups and views of a small tokenizer", "[tokenizer]") {
    const auto t = make(with_tokens());
    CHECK(t.size() == 264);
    CHECK(t.count() == 264);
    CHECK(t.bytes_of('a') == "a");
    CHECK(t.bytes_of(258) == " ab");
    CHECK(t.bytes_of(259) == "가");
    CHECK(t.bytes_of(260) == "나");
    CHECK(t.bytes_of(261) == "<|endoftext|>");
    CHECK(t.bytes_of(263) == "  ");
    CHECK(t.bytes_of(264).empty());
    CHECK(t.bytes_of(~token::token_id{0}).empty());
    CHECK(t.find(" ab") == token::token_id{258});
    CHECK(t.find("나") == token::token_id{260});
    CHECK(t.find("<|말|>") == token::token_id{262});
    CHECK_FALSE(t.find("없음"));
    CHECK_FALSE(t.find(""));
    CHECK(t.is_special(261));
    CHECK_FALSE(t.is_special(262));
    CHECK_FALSE(t.is_special(9999));
    CHECK(t.end_of_text() == token::token_id{261});
    CHECK_FALSE(make({}).end_of_text());
}

TEST_CASE("special tokens in a text count only where asked for", "[tokenizer]") {
    const auto t = make(with_tokens());
    CHECK(t.encode("<|endoftext|>", {.special = true}) == ids{261});
    CHECK(t.encode("<|endoftext|>") == bytes("<|endoftext|>"));
    CHECK(t.encode("<|말|>") == ids{262});
    CHECK(t.encode("ab ab<|말|>  ab") == ids{256, 258, 262, 263, 256});
    CHECK(t.encode("") == ids{});
    auto f = with_tokens();
    f.added.insert(f.added.size() - 1, "," + file::token(264, "endo"));
    CHECK(make(f).encode("<|endoftext|>") == bytes("<|endoftext|>"));  // nothing is found inside a special token
}

TEST_CASE("a piece that is a token needs no merges where ignore_merges says so", "[tokenizer]") {
    auto f = with_tokens();
    CHECK(make(f).encode("가 a") == ids{0xEA, 0xB0, 0x80, ' ', 'a'});
    f.model += R"("ignore_merges":true,)";
    CHECK(make(f).encode("가 a") == ids{259, 257});
    CHECK(make(f).encode("나") == bytes("나"));  // a literal key is no bytes
}

TEST_CASE("a blank is put before each piece of text that has none", "[tokenizer]") {
    auto f = with_tokens();
    f.pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true})";
    const auto t = make(f);
    CHECK(t.encode("ab") == ids{258});
    CHECK(t.encode(" ab") == ids{258});
    CHECK(t.encode("ab<|말|>ab") == ids{258, 262, 258});
    CHECK(t.encode("\nab") == ids{' ', '\n', 256});
    CHECK(t.encode("") == ids{});
}

TEST_CASE("without the pattern the text is one piece", "[tokenizer]") {
    file f;
    f.words = {"!a"};
    f.merges = R"(["! a"])";
    CHECK(make(f).encode("!a") == bytes("!a"));
    f.pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false})";
    CHECK(make(f).encode("!a") == ids{256});
}

TEST_CASE("bytes without a token are left out", "[tokenizer]") {
    file f;
    f.first_byte = 'b';
    CHECK(make(f).encode("abcab") == bytes("bcb"));
    CHECK(make(f).size() == 256);
    CHECK(make(f).count() == 256 - 'b');
}

TEST_CASE("added tokens that are normalised match in normalised text", "[tokenizer]") {
    file f;
    f.normalizer = R"({"type":"NFC"})";
    f.added = "[" + file::token(256, "\xE1\x84\x80\xE1\x85\xA1", "normalized") + "," +  // ga, in two letters
              file::token(257, "\xE1\x84\x82\xE1\x85\xA1") + "]";                       // na, not normalised
    const auto t = make(f);
    CHECK(t.encode("가") == ids{256});
    CHECK(t.encode("\xE1\x84\x80\xE1\x85\xA1") == ids{256});
    CHECK(t.encode("나") == bytes("나"));
    CHECK(t.encode("\xE1\x84\x82\xE1\x85\xA1") == ids{257});
    CHECK(t.decode(ids{256, 257}) == "가\xE1\x84\x82\xE1\x85\xA1");  // as the reference writes them
    CHECK(t.find("\xE1\x84\x80\xE1\x85\xA1") == token::token_id{256});
}

TEST_CASE("any bytes survive where there is no normaliser", "[tokenizer]") {
    const auto t = make(with_tokens());
    std::mt19937 random(2);
    for (int i = 0; i < 3000; ++i) {
        std::string s;
        for (auto n = random() % 60; n > 0; --n)
            s += random() % 2 ? std::string(1, static_cast<char>(random() % 256)) : std::string(" ab가");
        std::string joined;
        for (const auto id : t.encode(s, {.special = random() % 2 != 0})) joined += t.bytes_of(id);
        if (joined != s) FAIL(s);
    }
    CHECK(t.encode("\xEA\xB0") == ids{0xEA, 0xB0});
    CHECK(t.encode(std::string_view("\0\xFF", 2)) == ids{0, 0xFF});
    // In a long text pieces are remembered; one that ends in zeros is another piece than the one without them.
    std::string text;
    for (int i = 0; i < 1000; ++i) text += ", ab";
    text += std::string(",\0 ab, ,\0\0 ab\0", 14) + ", ab";
    CHECK((t.decode_bytes(t.encode(text)) == text));
}

TEST_CASE("decoding makes one U+FFFD of each maximal part of a character", "[tokenizer]") {
    const auto t = make(with_tokens());
    CHECK(t.decode(ids{}) == "");
    CHECK(t.decode(ids{259, 'a', 0xEA, 0xB0, 0x80}) == "가a가");
    CHECK(t.decode(ids{0xEA, 0xB0, 'a'}) ==
          "\xEF\xBF\xBD"
          "a");
    CHECK(t.decode(ids{0xEA, 0xEA, 0xB0}) == "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(t.decode(ids{0x80, 0xC0, 0xFF}) == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(t.decode(ids{0xED, 0xA0, 0x80}) == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(t.decode(ids{'a', 261, 262}) == "a<|endoftext|><|말|>");
    CHECK(t.decode(ids{'a', 261, 262}, true) == "a<|말|>");
    CHECK(t.decode(ids{'a', 264, ~token::token_id{0}, 'b'}) == "ab");  // ids without a token give nothing
    CHECK(t.decode(ids{0xEA, 261, 0xB0, 0x80}, true) == "가");         // what is left out does not break a character
    CHECK(t.decode(ids{0xEA, 264, 0xB0, 0x80}) == "가");
}

TEST_CASE("a stream gives whole characters, and joined what decode gives", "[tokenizer]") {
    const auto t = make(with_tokens());
    token::stream_decoder stream(t);
    CHECK(stream.push('a') == "a");
    CHECK(stream.push(0xEA) == "");
    CHECK(stream.push(0xB0) == "");
    CHECK(stream.push(261) == "");  // special
    CHECK(stream.push(0x80) == "가");
    CHECK(stream.push(0xEA) == "");
    CHECK(stream.push('b') ==
          "\xEF\xBF\xBD"
          "b");
    CHECK(stream.push(0xF0) == "");
    CHECK(stream.push(0x9F) == "");
    CHECK(stream.finish() == "\xEF\xBF\xBD");
    CHECK(stream.finish() == "");
    CHECK(stream.push(259) == "가");
    std::mt19937 random(4);
    for (int i = 0; i < 3000; ++i) {
        const bool skip = random() % 2;
        token::stream_decoder s(t, skip);
        ids all;
        std::string joined;
        for (auto n = random() % 30; n > 0; --n) {
            all.push_back(random() % 3 ? 0x80 + random() % 0x80 : random() % 300);
            const auto piece = s.push(all.back());
            if (text::utf8_first_invalid(piece) != piece.size()) FAIL("not UTF-8");
            joined += piece;
        }
        if (joined + s.finish() != t.decode(all, skip)) FAIL("differs");
    }
}

TEST_CASE("long text without a space is encoded in time", "[tokenizer]") {
    const auto json = cases::slurp(NARAE_TESTS_DIR "/golden/tokenizers/mid.json");
    const auto t = cases::parsed(json);
    std::string s;
    while (s.size() < 1000000) s += "나래를펴고바람을타며";
    CHECK(t.decode(t.encode(s)) == s);
    const std::string blanks(1000000, ' ');
    CHECK(t.decode(t.encode(blanks)) == blanks);
}
