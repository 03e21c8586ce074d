// SPDX-License-Identifier: MIT
#include "narae/token/vocab.hpp"

#include <set>

#include "catch.hpp"

using namespace narae;
using namespace narae::token;

TEST_CASE("the byte alphabet names each byte once", "[vocab]") {
    std::set<int> bytes;
    for (char32_t c = 0; c < 0x3000; ++c)
        if (const int b = alphabet_byte(c); b >= 0) CHECK(bytes.insert(b).second);
    CHECK(bytes.size() == 256);
    CHECK(*bytes.begin() == 0);
    CHECK(*bytes.rbegin() == 255);
    CHECK(alphabet_byte(0x120) == ' ');
    CHECK(alphabet_byte(0x10A) == '\n');
    CHECK(alphabet_byte('a') == 'a');
    CHECK(alphabet_byte(0xEA) == 0xEA);
    CHECK(alphabet_byte(0x121) == 0x7F);
    CHECK(alphabet_byte(0x142) == 0xA0);
    CHECK(alphabet_byte(0x143) == 0xAD);
    CHECK(alphabet_byte(' ') == -1);
    CHECK(alphabet_byte(0xAD) == -1);
    CHECK(alphabet_byte(0x144) == -1);
}

TEST_CASE("a key spells bytes, or stands for itself", "[vocab]") {
    std::string out = "x";
    CHECK(spell_bytes("\xC4\xA0\xC3\xAA\xC2\xB0\xC4\xA2", out));  // a blank and U+AC00's three bytes, spelled
    CHECK(out == "x \xEA\xB0\x80");
    CHECK_FALSE(spell_bytes("a b", out));  // a blank is not in the alphabet
    CHECK(out ==
          "x \xEA\xB0\x80"
          "a b");
    out.clear();
    CHECK_FALSE(spell_bytes("나래", out));
    CHECK(out == "나래");
}

TEST_CASE("tokens are found by their bytes, and ids may leave gaps", "[vocab]") {
    vocab v;
    CHECK(v.find("a") == no_token);
    CHECK(v.merge_of(0, 1) == nullptr);
    v.reserve(1000, 4000, 10);
    for (token_id id = 0; id < 900; ++id) CHECK(v.add(3 * id, "t" + std::to_string(id), false));
    CHECK(v.size() == 3 * 899 + 1);
    CHECK(v.count() == 900);
    for (token_id id = 0; id < 900; ++id) {
        CHECK(v.find("t" + std::to_string(id)) == 3 * id);
        CHECK(v.bytes_of(3 * id) == "t" + std::to_string(id));
        CHECK(v.bytes_of(3 * id + 1).empty());
    }
    CHECK(v.bytes_of(no_token).empty());
    CHECK_FALSE(v.add(1, "t5", false));   // the bytes are there
    CHECK_FALSE(v.add(3, "new", false));  // the id is taken
    CHECK(v.add(1, "t5", true));          // literally
    CHECK(v.find("t5") == 15);
    CHECK(v.find("t5", true) == 1);
    CHECK(v.add_unnamed(4, "hidden", true));
    CHECK(v.find("hidden", true) == no_token);
    CHECK(v.bytes_of(4) == "hidden");
    CHECK(v.of_byte('q') == no_token);
    CHECK(v.add(5, "q", false));
    CHECK(v.of_byte('q') == 5);
}

TEST_CASE("a literal and the bytes of the same spelling are kept apart where they share a slot", "[vocab]") {
    for (int i = 0; i < 100; ++i) {
        const auto word = std::to_string(i);
        vocab v;
        v.reserve(2, 10, 0);  // four slots
        CHECK(v.add(0, word, false));
        CHECK(v.add(1, word, true));
        CHECK(v.find(word) == 0);
        CHECK(v.find(word, true) == 1);
    }
}

TEST_CASE("merges are found by both sides, in order", "[vocab]") {
    vocab v;
    v.reserve(0, 0, 500);
    for (token_id i = 0; i < 500; ++i) v.add_merge({i, 7 * i, i, 1000 + i});
    for (token_id i = 0; i < 500; ++i) {
        REQUIRE(v.merge_of(i, 7 * i) != nullptr);
        CHECK(v.merge_of(i, 7 * i)->whole == 1000 + i);
        CHECK(v.merge_of(i, 7 * i + 1) == nullptr);
    }
    CHECK(v.merge_of(7, 1) == nullptr);
    v.add_merge({1, 7, 900, 5});
    CHECK(v.merge_of(1, 7)->rank == 900);
}

TEST_CASE("the last merges may be expressions, which join finished tokens and nothing else", "[vocab]") {
    vocab v;
    v.reserve(400, 4000, 101);
    for (token_id id = 0; id < 400; ++id) v.add(id, "t" + std::to_string(id), false);
    for (token_id i = 0; i < 100; ++i) v.add_merge({i, i + 1, i, 200 + i});
    v.add_merge({99, 50, 10, 399});  // no expression, but its left side begins one
    CHECK(v.expression_of(99, 100) == no_token);
    CHECK(v.merge_of(99, 100) != nullptr);
    v.set_expressions(30);
    for (token_id i = 0; i < 100; ++i) {
        CAPTURE(i);
        CHECK((v.merge_of(i, i + 1) != nullptr) == (i < 70));
        CHECK(v.expression_of(i, i + 1) == (i < 70 ? no_token : 200 + i));
        CHECK(v.expression_of(i, i) == no_token);
        CHECK(v.expression_of(i + 1, i) == no_token);
    }
    CHECK(v.merge_of(99, 50) != nullptr);
    CHECK(v.expression_of(99, 50) == no_token);
    CHECK(v.expression_of(99, no_token) == no_token);
    CHECK(v.expression_of(no_token, 100) == no_token);
    CHECK(v.expression_of(400, 100) == no_token);
    v.set_expressions(1);
    CHECK(v.expression_of(98, 99) == no_token);
    CHECK(v.merge_of(98, 99) != nullptr);
    CHECK(v.expression_of(99, 100) == 299);
    v.set_expressions(1000);  // no more than there are
    for (token_id i = 0; i < 100; ++i) CHECK(v.expression_of(i, i + 1) == 200 + i);
    CHECK(v.expression_of(7, 9) == no_token);
    CHECK(v.merge_of(0, 1) == nullptr);
    v.set_expressions(0);
    CHECK(v.expression_of(99, 100) == no_token);
    CHECK(v.merge_of(99, 100) != nullptr);

    vocab none;
    none.reserve(0, 0, 0);
    none.set_expressions(3);
    CHECK(none.expression_of(0, 0) == no_token);
}

TEST_CASE("a character's token is the one of its bytes", "[vocab]") {
    const auto of = [](const vocab& v, char32_t c) {
        std::string bytes;
        text::utf8_append(bytes, c);
        return v.of_character(bytes);
    };
    vocab v;
    v.reserve(text::syllables + 100, 40000, 0);
    CHECK(of(v, U'가') == no_token);
    CHECK(v.add(0, "가", true));  // a literal is no character
    CHECK(v.add_unnamed(1, "나", false));
    CHECK(v.add(2, "가나", false));
    CHECK(of(v, U'가') == no_token);
    CHECK(of(v, U'나') == no_token);
    CHECK(of(v, U'é') == no_token);
    CHECK(v.add(3, "é", false));
    CHECK(v.add(4, "中", false));
    CHECK(v.add(5, "\xEA\xB0", false));
    CHECK(of(v, U'é') == 3);
    CHECK(of(v, U'中') == 4);
    CHECK(of(v, U'文') == no_token);
    CHECK(of(v, text::first_syllable - 1) == no_token);
    for (char32_t i = 0; i < text::syllables; i += 3) {
        std::string bytes;
        text::utf8_append(bytes, text::first_syllable + i);
        if (!v.add(10 + i, bytes, false)) FAIL(bytes);
    }
    for (char32_t i = 0; i < text::syllables; ++i) {
        std::string bytes;
        text::utf8_append(bytes, text::first_syllable + i);
        if (of(v, text::first_syllable + i) != (i % 3 == 0 ? 10 + i : no_token)) FAIL(bytes);
        if (v.find(bytes) != of(v, text::first_syllable + i)) FAIL(bytes);
    }
    CHECK(of(v, text::first_syllable + text::syllables) == no_token);
}
