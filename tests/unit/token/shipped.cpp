// SPDX-License-Identifier: MIT
// The tokenizer under examples/models keeps its word: a change of code that changes its ids turns this red.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cases.hpp"
#include "narae/learn/common_syllables.hpp"
#include "narae/sys/file_view.hpp"
#include "narae/text/normalize.hpp"
#include "narae/token/packed_writer.hpp"
#include "narae/token/tokenizer.hpp"

using namespace narae;

namespace {

const token::tokenizer& shipped() {
    static const auto t = [] {
        const auto file = sys::file_view::open(NARAE_TOP_DIR "/examples/models/tokenizer.json");
        REQUIRE(file);
        auto parsed = token::tokenizer::parse(file->bytes());
        REQUIRE(parsed);
        return *std::move(parsed);
    }();
    return t;
}

std::string pieces(std::string_view text, bool expressions) {
    std::string out;
    for (const auto id : shipped().encode(text, {.expressions = expressions}))
        out.append(out.empty() ? "" : "/").append(shipped().bytes_of(id));
    return out;
}

}  // namespace

TEST_CASE("the shipped tokenizer cuts words into morphemes", "[shipped]") {
    CHECK(shipped().count() == 32000);
    CHECK(shipped().cuts_morphemes());
    CHECK(pieces("오늘은 날씨가 좋아서 산에 올라갔다.", false) == "오늘/은/ 날씨/가/ 좋/아서/ 산/에/ 올라갔/다/.");
    CHECK(pieces("오늘은 날씨가 좋아서 산에 올라갔다.", true) == "오늘/은/ 날씨/가 좋/아서/ 산/에/ 올라갔/다.");
    CHECK(pieces("한국어를 아는 작은 모델이 있다.", false) == "한국어/를/ 아/는/ 작/은/ 모델/이/ 있/다/.");
    CHECK(shipped().encode("오늘은 날씨가 좋아서") == shipped().encode("오늘은 날씨가 좋아서"));
}

TEST_CASE("the shipped tokenizer gives these texts these ids", "[shipped]") {
    std::uint64_t hash = 0;
    for (const char* s :
         {"봄이 오면 마당에 심은 매화나무에서 꽃이 피기 시작합니다.",
          "할머니께서는 손주들에게 옛날이야기를 들려주시곤 했다.",
          "지하철역까지 걸어가려면 십오 분쯤 걸릴 것 같은데요?",
          "연구진은 새로운 배터리의 수명을 두 배로 늘렸다고 밝혔다.", "ㅋㅋㅋ 진짜 재밌었어요ㅠㅠ 또 보고 싶네요!!",
          "부산시립미술관의 특별전시회는 내년 3월 15일까지 열린다.",
          "컴퓨터프로그래밍을 배우는 데 지름길이란 없습니다.", "삼계탕집앞에서 줄서있는사람들이 많더라",
          "그럼에도 불구하고 우리는 포기하지 않을 것이다.",
          "『구운몽』은 김만중이 1687년경에 지은 한글소설(小說)이다."})
        for (const bool expressions : {false, true})
            for (const auto id : shipped().encode(s, {.expressions = expressions})) hash = token::mix(hash ^ id);
    CHECK(hash == 0xe9a1ce8b2a90e432);
}

TEST_CASE("the shipped tokenizer has the special tokens where models expect them", "[shipped]") {
    token::token_id id = 0;
    for (const char* content :
         {"<|endoftext|>", "<|pad|>", "<|sep|>", "<|acc|>", "<|tel|>", "<|rrn|>", "<|email|>", "<|addr|>", "<|system|>",
          "<|/system|>", "<|user|>", "<|/user|>", "<|assistant|>", "<|/assistant|>", "<|polite|>", "<|casual|>"}) {
        CAPTURE(content);
        CHECK(shipped().find(content) == id);
        CHECK(shipped().is_special(id));
        CHECK(shipped().encode(content, {.special = true}) == cases::ids{id});
        CHECK(shipped().encode(content).size() > 1);
        ++id;
    }
    CHECK(shipped().end_of_text() == token::token_id{0});
}

TEST_CASE("every common syllable is one token, and no other token ends inside a character", "[shipped]") {
    for (const auto c : learn::common_syllables()) {
        std::string s;
        text::utf8_append(s, c);
        if (shipped().encode(s).size() != 1) FAIL_CHECK(s);
    }
    // What other tools need to put characters together from bytes has at most three bytes.
    for (token::token_id id = 0; id < shipped().size(); ++id) {
        const auto bytes = shipped().bytes_of(id);
        if (text::utf8_first_invalid(bytes) != bytes.size() &&
            (bytes.size() > 3 || text::utf8_first_invalid(bytes) != 0))
            FAIL_CHECK(id);
    }
}

TEST_CASE("the shipped tokenizer is small in a model file, and the same there", "[shipped]") {
    const auto file = sys::file_view::open(NARAE_TOP_DIR "/examples/models/tokenizer.json");
    REQUIRE(file);
    const auto packed = token::pack_tokenizer(file->bytes());
    REQUIRE(packed);
    CHECK(packed->size() <= std::size_t{1} << 20);
    const auto t = token::tokenizer::parse(as_bytes(*packed));
    REQUIRE(t);
    for (const char* s : {"오늘은 날씨가 좋아서 산에 올라갔다.", "ㅋㅋㅋ 12345 abc 漢字 \xF0\x9F\x99\x82\xFF"})
        CHECK(t->encode(s) == shipped().encode(s));
}

TEST_CASE("a megabyte of Korean comes back whole, in syllables and in letters", "[shipped]") {
    const auto file = sys::file_view::open(NARAE_SHARED_DIR "/data/corpus/sample_ko_1mb.txt");
    if (!file) {
        WARN("no corpus beside the checkout");
        return;
    }
    std::size_t whole = 0, letters = 0, broken = 0;
    for (auto rest = as_text(file->bytes()); !rest.empty();) {
        const auto end = (std::min)(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix((std::min)(end + 1, rest.size()));
        const auto apart = text::normalize(line, text::normal_form::nfd);
        const auto ids = shipped().encode(line), ids_apart = shipped().encode(apart);
        if (shipped().decode_bytes(ids) != line || shipped().decode_bytes(ids_apart) != apart) FAIL_CHECK(line);
        whole += ids.size(), letters += ids_apart.size();
        for (const auto id : ids) {
            const auto bytes = shipped().bytes_of(id);
            broken += bytes.size() > 1 && static_cast<unsigned char>(bytes[0]) >= 0xEA &&
                      static_cast<unsigned char>(bytes[0]) <= 0xED && text::utf8_first_invalid(bytes) != bytes.size();
        }
    }
    CHECK(static_cast<double>(letters) <= 1.2 * static_cast<double>(whole));
    CHECK(broken == 0);
}
