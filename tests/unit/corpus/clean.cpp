// SPDX-License-Identifier: MIT
#include "narae/corpus/clean.hpp"

#include "catch.hpp"
#include "corpus/text.hpp"
#include "narae/text/normalize.hpp"

using namespace narae;
using tests::points;
using tests::utf8;

namespace {

/// The line after a rule that works in place, with a stroke in front if the rule says that nothing changed.
template <class Rule> std::string after(Rule&& rule, std::string_view line) {
    auto s = points(line);
    return rule(s) ? utf8(s) : "=" + utf8(s);
}

std::string squeezed(std::string_view line) { return after(corpus::squeeze, line); }
std::string cut(std::string_view line) { return after(corpus::cut_runs, line); }
std::string composed(std::string_view line) { return after(corpus::compose, line); }

}  // namespace

TEST_CASE("corpus/clean: characters that nobody sees go, every kind of space is a blank") {
    CHECK(utf8(points("나래를 펴다")) == "나래를 펴다");
    CHECK(utf8(points("가\u200B나\uFEFF다\u00AD라\u200E마\u200F\u2060")) == "가나다라마");
    CHECK(utf8(points("가\u00A0나\u3000다\u2003라\u2028마\r")) == "가 나 다 라 마 ");
    CHECK(utf8(points(std::string("가\0\x01\x7F\u0085\u009F나", 13))) == "가 나");
    CHECK(utf8(points("가\t나")) == "가\t나");
    CHECK(utf8(points("✏\uFE0F 👍 漢字 ㅋㅋ é")) == "✏ 👍 漢字 ㅋㅋ é");
    CHECK(utf8(points("\uE000\uFFFD가\U000F0000")) == "가");
}

TEST_CASE("corpus/clean: bytes that are no UTF-8 are left out, and said to be") {
    std::u32string s;
    const auto valid = corpus::decode("가나", s);
    CHECK(!valid.invalid);
    CHECK(!valid.cleaned);
    CHECK(corpus::decode("가\u200B", s).cleaned);
    CHECK(corpus::decode("가나\xEB\x8B", s).invalid);
    CHECK(utf8(s) == "가나");
    CHECK(corpus::decode("\xFF가\xC0\xAF나\xED\xA0\x80", s).invalid);
    CHECK(utf8(s) == "가나");
    CHECK(!corpus::decode("", s).invalid);
    CHECK(s.empty());
    CHECK(corpus::decode("\xB3\xAA\xB7\xA1", s).invalid);  // EUC-KR
    CHECK(utf8(s).find("나") == std::string::npos);
}

TEST_CASE("corpus/clean: encode is the way back, for every length of a character") {
    for (const char* text : {"", "a", "é", "가", "👍", "aé가👍 z"}) CHECK(utf8(points(text)) == text);
    std::string out = "a";
    corpus::encode(U"가", out);
    CHECK(out == "a가");
}

TEST_CASE("corpus/clean: compose gives NFC") {
    const auto apart = text::normalize("한글을 café", text::normal_form::nfd);
    CHECK(composed(apart) == "한글을 café");
    for (const char* same : {"=한글을 쓴다, 漢字 ㅋㅋ…「가」", "=café", "=", "=ᄒᆞᆫ글"})
        CHECK(composed(same + 1) == same);
    CHECK(composed("\u212B 가") == "Å 가");
    // What is said to stay as it is does so.
    for (char32_t c = 0x20; c < 0x30000; ++c) {
        if (c - 0xD800 < 0x800) continue;
        std::string one;
        text::utf8_append(one, c);
        std::u32string s(1, c);
        corpus::compose(s);
        const auto nfc = text::normalize(one, text::normal_form::nfc);
        if (corpus::plain(c) == c && utf8(s) != nfc) FAIL("U+" << std::hex << static_cast<unsigned>(c));
    }
}

TEST_CASE("corpus/clean: one blank between words, none around turns") {
    CHECK(squeezed("  가   나 ") == "가 나");
    CHECK(squeezed(" \t가 \t\t 나\t ") == "가\t나");
    CHECK(squeezed("가 나\t다") == "=가 나\t다");
    CHECK(squeezed("   ").empty());
    CHECK(squeezed("") == "=");
}

TEST_CASE("corpus/clean: nothing looks like a special token") {
    CHECK(squeezed("가<|pad|>나") == "가|pad|>나");
    CHECK(squeezed("<<|") == "|");
    CHECK(squeezed("<|tel") == "|tel");
    CHECK(squeezed("<|tel|") == "|tel|");
    CHECK(squeezed(" 가<<|tel|><|addr|>나") == "가<<|tel|><|addr|>나");  // but what stands for personal data
    CHECK(squeezed("a < |b") == "=a < |b");
}

TEST_CASE("corpus/clean: runs are cut to three, but digits") {
    CHECK(cut("ㅋㅋㅋㅋㅋㅋ 재밌다!!!!! ㅠㅠㅠㅠ.....") == "ㅋㅋㅋ 재밌다!!! ㅠㅠㅠ...");
    CHECK(cut("가가가가나나나") == "가가가나나나");
    CHECK(cut("1000000원 ㅋㅋㅋ") == "=1000000원 ㅋㅋㅋ");
    CHECK(cut("") == "=");
}

TEST_CASE("corpus/clean: words of a list") {
    std::string seen;
    CHECK(!corpus::any_listed(U"ab c def", [&](std::u32string_view w) { return seen += utf8(w) + '/', false; }));
    CHECK(seen == "ab/c/def/");
    CHECK(corpus::any_listed(U"ab c def", [](std::u32string_view w) { return w == U"c"; }));
    CHECK(!corpus::any_listed(U"", [](std::u32string_view) { return true; }));
    CHECK(corpus::stands_at(U"aHTTP:", 1, "http:"));
    CHECK(!corpus::stands_at(U"aHTT", 1, "http"));
}
