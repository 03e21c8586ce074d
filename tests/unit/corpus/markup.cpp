// SPDX-License-Identifier: MIT
#include "narae/corpus/markup.hpp"

#include "catch.hpp"
#include "corpus/text.hpp"

using namespace narae;

namespace {

std::string stripped(std::string_view line, std::size_t addresses = 0) {
    auto s = tests::points(line);
    std::u32string out;
    CHECK(corpus::strip_markup(s, out) == addresses);
    return tests::utf8(out);
}

}  // namespace

TEST_CASE("corpus/markup: tags go, those of blocks part words") {
    CHECK(stripped("<p class=\"a\">나래를</p><br/>펴다") == " 나래를  펴다");
    CHECK(stripped("<b>나라</b>를 <A HREF='x'>사랑</a>한다") == "나라를 사랑한다");
    CHECK(stripped("가<!-- 나 > 다 -->라") == "가 라");
    CHECK(stripped("가<script src=a>if (a < b) x();</script>나<style>p{}</style>다") == "가 나 다");
    CHECK(stripped("<!DOCTYPE html>가") == " 가");
    CHECK(stripped("<h2>제목</h2>") == " 제목 ");
}

TEST_CASE("corpus/markup: what only looks like a tag stays") {
    for (const char* text : {"a < b > c", "Vec<T>와 vector<string>", "#include <stdio.h>", "<무한도전>을 보다", "1<2",
                             "<", "<p", "x <y", "</", "<b 나", "<!--", "<script"})
        CHECK(stripped(text) == text);
}

TEST_CASE("corpus/markup: special tokens in raw text go") {
    CHECK(stripped("가<|endoftext|>나<|pad|>") == "가 나 ");
    CHECK(stripped("가<|tel|>나<|email|>") == "가<|tel|>나<|email|>");  // but those that stand for personal data
    CHECK(stripped("가<|나") == "가<|나");                              // squeeze takes the rest
}

TEST_CASE("corpus/markup: entities become their character, and are no markup then") {
    CHECK(stripped("A&amp;B &lt;b&gt; &quot;가&quot;&nbsp;나") == "A&B <b> \"가\" 나");
    CHECK(stripped("&#44032;&#xAC01;&#x1F44D;") == "가각👍");
    CHECK(stripped("&amp;amp;lt; &amp;nbsp;") == "<  ");
    CHECK(stripped("가&#8203;나&#9;다&#0;라") == "가나 다라");
    for (const char* text :
         {"R&D", "&", "&가;", "&#;", "&#xD800;", "&#1114112;", "&#99999999999999999999;", "&unknown;", "AT&T"})
        CHECK(stripped(text) == text);
}

TEST_CASE("corpus/markup: web addresses go") {
    CHECK(stripped("자세한 것은 https://example.com/a?b=c&d=e#f 에서.", 1) == "자세한 것은  에서.");
    CHECK(stripped("www.example.co.kr에서, http://a.kr/가", 2) == "에서, 가");
    CHECK(stripped("(http://a.kr/b). <https://c.kr>", 2) == "(). ");
    CHECK(stripped("http://a.kr.", 1) == ".");
    for (const char* text : {"www.슬기로운.한국", "http://", "xhttp://", "www", "http는 규약이다"})
        CHECK(stripped(text) == text);
}

TEST_CASE("corpus/markup: Markdown links keep their text, images go") {
    CHECK(stripped("[나래](https://a.kr/b)를 [**펴다**](../c.md)", 1) == "나래를 펴다");
    CHECK(stripped("가![그림](a.png)나") == "가나");
    for (const char* text : {"[1](참고)", "[가] (나)", "[가", "[가](", "[가](b", "배열[0](1)", "![가]"})
        CHECK(stripped(text) == text);
}

TEST_CASE("corpus/markup: emphasis goes where it opens and closes") {
    CHECK(stripped("**나래**를 *펴다*, ***모두*** ~~취소~~ `코드`를 _강조_하다") ==
          "나래를 펴다, 모두 취소 코드를 강조하다");
    CHECK(stripped("*bold **both** bold*") == "bold both bold");
    CHECK(stripped("(*Tensor*라는)") == "(Tensor라는)");
    for (const char* text :
         {"2*3*4", "2 * 3 * 4", "snake_case_name", "__init__ 함수", "*args", "좋아요~~ 정말~~", "*.*", "f**k",
          "[*], 비스무트[*]", "`버블'과 `거품'", "가* 나*", "**가", "~가~", "*가\t나*"})
        CHECK(stripped(text) == text);
    CHECK(stripped("*" + std::string(300, 'a') + "*") == "*" + std::string(300, 'a') + "*");
}

TEST_CASE("corpus/markup: marks in front of a line or turn") {
    CHECK(stripped("# 제목") == " 제목");
    CHECK(stripped("> > 인용") == "인용");
    CHECK(stripped("- 항목\t* 항목\t### 머리") == "항목\t항목\t 머리");
    CHECK(stripped("본문 ## 제목 본문") == "본문  제목 본문");
    for (const char* text : {"C # 3", "#해시태그", "-5도", "가 - 나", "####### 가", "#"}) CHECK(stripped(text) == text);
}

TEST_CASE("corpus/markup: a line of nothing but fronts takes no longer than its length asks for") {
    for (const char* front : {"<!--", "<script>", "[a](", "*a ", "&amp;", "<a ", "**"}) {
        std::string line;
        while (line.size() < 200000) line += front;
        auto s = tests::points(line);
        std::u32string out;
        corpus::strip_markup(s, out);
        CHECK(out.size() <= line.size());
    }
}
