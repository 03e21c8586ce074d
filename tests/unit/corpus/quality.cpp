// SPDX-License-Identifier: MIT
#include "narae/corpus/quality.hpp"

#include <random>
#include <set>

#include "catch.hpp"
#include "corpus/text.hpp"

using namespace narae;
using corpus::letters;
using corpus::phrase;

namespace {

std::string found(std::string_view letters) {
    static const corpus::phrase_finder find;
    std::string all;
    find(tests::points(letters), [&](phrase kind, std::size_t begin, std::size_t length) {
        all +=
            std::to_string(static_cast<int>(kind)) + ":" + std::to_string(begin) + "+" + std::to_string(length) + " ";
    });
    return all;
}

letters read(std::string_view line) {
    static const corpus::phrase_finder find;
    letters l;
    l.read(tests::points(line), find);
    return l;
}

std::string without_boilerplate(std::string_view line) {
    auto s = tests::points(line);
    return corpus::cut_boilerplate(s, read(line)) ? tests::utf8(s) : "=" + tests::utf8(s);
}

bool repeats(std::string_view line) {
    static corpus::repetition again;
    return again(read(line));
}

bool is_spam(std::string_view line, std::size_t addresses = 0) { return corpus::spam(read(line), addresses); }

/// "c", "i", "ci" or "".
std::string kind(std::string_view line) {
    const auto d = corpus::domains_of(tests::points(line), read(line));
    return std::string(d.conversation ? "c" : "") + (d.information ? "i" : "");
}

std::string sentences(std::size_t n) {
    static const char* const words[] = {"바람이", "나무가", "사람은", "하늘에", "노래를", "천천히",
                                        "부른다", "멀리서", "들려온", "이야기", "조용한", "저녁의"};
    std::mt19937 random(7);
    std::string out;
    for (std::size_t i = 0; i < n; ++i)
        out.append(words[random() % 12]).append(std::to_string(random() % 1000000)).append(" ");
    return out;
}

}  // namespace

TEST_CASE("corpus/quality: a line is read into its letters and counts") {
    const auto l = read("나래, API 2판을\tㅋㅋ 漢字★ #태그 <|tel|>!");
    CHECK(tests::utf8(l.text) == "나래api2판을ㅋㅋ漢字태그");
    REQUIRE(l.at.size() == l.text.size());
    CHECK(l.at[2] == 4);
    CHECK(l.syllables == 6);
    CHECK(l.foreign == 5);
    CHECK(l.marks == 2);
    CHECK(l.words == 6);  // masks are none
    CHECK(l.contacts == 2);
    auto again = l;
    static const corpus::phrase_finder find;
    again.read(U"", find);
    CHECK(again.text.empty());
    CHECK(again.at.empty());
    CHECK(again.words + again.syllables + again.foreign + again.marks + again.contacts == 0);
    CHECK(read("<|email|> <|addr|> <|rrn|>").contacts == 1);
    for (const char* line : {"<|", "<|tel", "<", "<|>"}) CHECK(read(line).syllables == 0);
    CHECK(read("로그인 로그인하세요").count(phrase::menu) == 1);  // whole words only
    CHECK(read("무단 전재").boilerplate == std::vector<std::uint32_t>{0});
}

TEST_CASE("corpus/quality: boilerplate goes by the sentence") {
    CHECK(without_boilerplate("바람이 분다. 저작권자 나래신문, 무단 전재 및 재배포 금지") == "바람이 분다.");
    CHECK(without_boilerplate("무단전재 금지. 바람이 분다. All rights reserved. 비가 온다.") ==
          "바람이 분다. 비가 온다.");
    CHECK(without_boilerplate("바람이 분다.\t무단전재-재배포 금지\t비가 온다.") == "바람이 분다.\t비가 온다.");
    CHECK(without_boilerplate("무단 전재 및 재배포 금지").empty());
    CHECK(without_boilerplate("바람이 분다.") == "=바람이 분다.");
}

TEST_CASE("corpus/quality: short lines, and lines in other languages") {
    for (const char* line : {"", "네", "바람이분", "바람 !!!!!! 12345 abc", "ㅋㅋㅋㅋㅋㅋ"})
        CHECK(corpus::too_short(read(line)));
    CHECK(!corpus::too_short(read("바람이 분다")));
    for (const char* line : {"This is English.", "風が吹く", "I love 나래 and everything about it", "Это по-русски"})
        CHECK(corpus::not_korean(read(line)));
    for (const char* line :
         {"Windows에서 API를 부른다", "국제 민간 항공 기구(國際民間航空機構)", "", "12345 !!!", "ㅋㅋㅋㅋ 재밌다"})
        CHECK(!corpus::not_korean(read(line)));
}

TEST_CASE("corpus/quality: lines that say one thing again and again") {
    for (const char* line :
         {"좋아요 좋아요 좋아요 좋아요 좋아요 좋아요", "바람이 분다. 바람이 분다! 바람이 분다? 바람이 분다.",
          "ㅋㅎㅋㅎㅋㅎㅋㅎㅋㅎㅋㅎㅋㅎ", "1212121212121212121212"})
        CHECK(repeats(line));
    for (const char* line : {"", "좋아요 좋아요 좋아요", "바람이 분다. 비가 온다. 바람이 분다.",
                             "간장 공장 공장장은 강 공장장이고 된장 공장 공장장은 공 공장장이다"})
        CHECK(!repeats(line));
    CHECK(
        !repeats("바람이 불고 나무가 흔들리던 저녁. 멀리 산이 보였다. 바람이 불고 나무가 흔들리던 "
                 "저녁."));  // a third
    CHECK(!repeats(sentences(20000)));
    CHECK(repeats(sentences(150) + sentences(150) + sentences(150)));
    CHECK(!repeats(sentences(2000) + sentences(2000)));  // far apart
    // The numbers of lines begin anew at some time, and nothing of old lines is taken for this one's.
    corpus::repetition again;
    const auto line = read("바람이 불고 나무가 흔들리고 잎이 진다");
    for (int i = 0; i < 1000; ++i) REQUIRE(!again(line));
}

TEST_CASE("corpus/quality: shingles hold every letter five times") {
    std::multiset<std::uint64_t> all;
    corpus::for_each_shingle(U"가나다라마바사아자차", [&](std::uint64_t h) { all.insert(h); });
    CHECK(all.size() == 14);
    for (const auto* other : {U"나나다라마바사아자차", U"가나다라마바사아자가", U"가나다라다바사아자차"}) {
        std::size_t same = 0;
        corpus::for_each_shingle(other, [&](std::uint64_t h) { same += all.count(h); });
        CHECK(same == 9);
    }
    std::size_t none = 0;
    corpus::for_each_shingle(U"", [&](std::uint64_t) { ++none; });
    CHECK(none <= 4);
}

TEST_CASE("corpus/quality: spam") {
    for (const char* line : {"로그인 회원가입 장바구니", "로그인 | 회원가입 | 고객센터 | 나래", "★★★◆◆◆ 특가 ♥♥♥",
                             "당일대출 무직자대출 환영", "#바람 #하늘 #나무 좋은 날", "대출상담 <|tel|>",
                             "문의 <|tel|> <|tel|> <|email|> 오세요"})
        CHECK(is_spam(line));
    CHECK(is_spam("여기를 보세요", 3));
    for (const char* line : {"로그인을 하면 메일을 볼 수 있다.", "로그아웃 해줘", "무료배송이라 좋다",
                             "문의는 <|tel|>로 하세요", "바람이 분다!!!", "#바람 좋은 날", ""})
        CHECK(!is_spam(line));
    CHECK(!is_spam(sentences(60), 3));
    CHECK(!is_spam(sentences(100) + "무료배송 " + sentences(100) + "최저가"));
}

TEST_CASE("corpus/quality: conversation and information") {
    for (const char* line : {"오늘 뭐 했어?\t집에 있었어.", "정말 재미있어요", "같이 갈까?", "배고파. 밥 먹자.",
                             "너 지금 어디야", "그건 좀 그렇네", "창문 좀 닫아줘"})
        CHECK(kind(line) == "c");
    for (const char* line :
         {"광합성이란 식물이 빛으로 양분을 만드는 것을 말한다.", "하늘이 파란 것은 빛이 흩어지기 때문이다."})
        CHECK(kind(line) == "i");
    for (const char* line :
         {"고려의 수도는 어디인가요?", "날씨를 알려줘", "비행기는 어떻게 날아?\t날개가 공기를 밀어내요."})
        CHECK(kind(line) == "ci");
    for (const char* line : {"그는 조용히 문을 닫았다.", "회의는 세 시에 열렸다. 모두 참석하였다.", "", "..."})
        CHECK(kind(line).empty());
    CHECK(kind(sentences(300) + "때문이다.").empty());  // once in a long text is nothing
}

TEST_CASE("corpus/quality: phrases are found by kind and place") {
    CHECK(found("이기사의무단전재와재배포금지") == "0:4+4 0:9+5 ");
    CHECK(found("로그인회원가입") == "1:0+3 1:3+4 ");
    CHECK(found("당일대출") == "2:0+4 ");
    CHECK(found("이것은무엇인가") == "3:3+2 ");
    CHECK(found("좀알려줘") == "4:1+3 ");
    CHECK(found("그것을말한다") == "5:3+3 ");
    CHECK(found("아무것도아닌글").empty());
    CHECK(found("로").empty());
    CHECK(found("").empty());
}

TEST_CASE("corpus/quality: the lists hold letters only, two at least, each phrase once and found") {
    std::set<std::u32string_view> seen;
    for (const auto list : corpus::phrases)
        corpus::any_listed(list, [&](std::u32string_view w) {
            CAPTURE(tests::utf8(w));
            CHECK(w.size() >= 2);
            CHECK(std::all_of(w.begin(), w.end(),
                              [](char32_t c) { return text::is_syllable(c) || (c >= 'a' && c <= 'z'); }));
            CHECK(seen.insert(w).second);
            CHECK(!found(tests::utf8(w)).empty());
            return false;
        });
    CHECK(seen.size() > 100);
}
