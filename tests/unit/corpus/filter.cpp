// SPDX-License-Identifier: MIT
#include "narae/corpus/filter.hpp"

#include "catch.hpp"
#include "narae/text/json.hpp"

using namespace narae;
using corpus::filter;
using corpus::filter_options;
using corpus::rule;

namespace {

filter made(const filter_options& options = {}) {
    auto f = filter::make(options);
    REQUIRE(f);
    return std::move(*f);
}

/// The text that comes out when `text` goes in by pieces of `piece` bytes.
std::string fed(filter& f, std::string_view text, std::size_t piece = std::string_view::npos) {
    std::string out;
    for (; !text.empty(); text.remove_prefix((std::min)(piece, text.size())))
        REQUIRE(f.feed(text.substr(0, piece), out));
    REQUIRE(f.finish(out));
    return out;
}

std::string kept(filter& f, std::string_view line) {
    auto out = fed(f, line.empty() ? "\n" : line);
    if (!out.empty()) out.pop_back();
    return out;
}

rule dropped(filter& f, std::string_view line) {
    const auto before = f.counts();
    CHECK(kept(f, line).empty());
    auto by = rule::none;
    for (std::size_t r = 0; r < corpus::rule_names.size(); ++r)
        if (corpus::drops(static_cast<rule>(r)) && f.counts().by_rule[r] != before.by_rule[r])
            by = static_cast<rule>(r);
    return by;
}

/// Lines of all kinds, clean and not, many of them more than once.
std::string sample(std::size_t lines) {
    const char* const kinds[] = {"바람이 %번째 나무를 흔들고 지나갔다. 잎이 진다.",
                                 "<p>%번 문의는 010-1234-5678로 하세요.</p>",
                                 "안녕하세요? %\t네, 안녕하세요!",
                                 "English line % only",
                                 "ㅋㅋㅋㅋㅋㅋㅋ 정말 재미있는 %편이었어요!!!!!!",
                                 "로그인 회원가입 장바구니 고객센터",
                                 "\xEB\x8B 잘린 글자가 있는 % 줄입니다",
                                 "네 %",
                                 "좋아요 좋아요 좋아요 좋아요 좋아요 좋아요 %",
                                 ""};
    std::string out;
    for (std::size_t i = 0; i < lines; ++i) {
        std::string line = kinds[i % 10];
        if (const auto at = line.find('%'); at != line.npos) line.replace(at, 1, std::to_string(i * i % 1009));
        out += line + '\n';
    }
    return out;
}

}  // namespace

TEST_CASE("corpus/filter: a line goes through the rules in their order") {
    auto f = made();
    CHECK(kept(f, "바람이 분다.") == "바람이 분다.");
    CHECK(kept(f, " <b>나래</b>를  펴다\u200B &amp; 010-1234-5678 ㅋㅋㅋㅋㅋ\r") == "나래를 펴다 & <|tel|> ㅋㅋㅋ");
    CHECK(kept(f, "한 사람이 말했다\t다른 사람이 답했다") == "한 사람이 말했다\t다른 사람이 답했다");
    CHECK(kept(f, "한글 <|pad|> 토큰은 글이 아니다") == "한글 토큰은 글이 아니다");
    CHECK(kept(f, "한글 &lt;|pad|&gt; 토큰도 글이 아니다") == "한글 |pad|> 토큰도 글이 아니다");
    CHECK(kept(f, "긴 글의 끝에 남은 것이다. 무단 전재 및 재배포 금지") == "긴 글의 끝에 남은 것이다.");
    CHECK(dropped(f, "") == rule::too_short);
    CHECK(dropped(f, "무단 전재 및 재배포 금지") == rule::too_short);
    CHECK(dropped(f, "This is English.") == rule::not_korean);
    CHECK(dropped(f, "\xB9\xD9\xB6\xF7\xC0\xCC abc") == rule::not_korean);  // EUC-KR
    CHECK(dropped(f, "좋아요 좋아요 좋아요 좋아요 좋아요") == rule::repetitive);
    CHECK(dropped(f, "로그인 회원가입 장바구니") == rule::spam);
    CHECK(dropped(f, "<i>바람이</i> 분다.") == rule::duplicate);
    CHECK(dropped(f, std::string(filter::longest + 1, 'a')) == rule::too_long);
    const auto& c = f.counts();
    CHECK(c.lines == 14);
    CHECK(c.kept == 6);
    CHECK(c.bytes_out < c.bytes_in);
    const std::pair<rule, std::uint64_t> expected[] = {
        {rule::too_long, 1},   {rule::invalid_utf8, 1},  {rule::characters, 1},  {rule::markup, 4},
        {rule::runs, 1},       {rule::telephone, 1},     {rule::boilerplate, 2}, {rule::too_short, 2},
        {rule::not_korean, 2}, {rule::repetitive, 1},    {rule::spam, 1},        {rule::duplicate, 1},
        {rule::email, 0},      {rule::near_duplicate, 0}};
    for (const auto& [r, n] : expected) {
        CAPTURE(corpus::rule_names[static_cast<std::size_t>(r)]);
        CHECK(c[r] == n);
    }
}

TEST_CASE("corpus/filter: near duplicates, if they are wanted") {
    const std::string line =
        "어느 날 아침 바람이 나무를 흔들고 지나가자 마당에는 노란 잎이 가득 쌓였고 아이들은 웃으며 뛰어다녔다";
    auto drops = made(), keeps = made({.near_duplicates = false});
    for (auto* f : {&drops, &keeps}) CHECK(kept(*f, line) == line);
    CHECK(dropped(drops, line + "!!") == rule::near_duplicate);
    CHECK(kept(keeps, line + "!!") == line + "!!");
    for (auto* f : {&drops, &keeps}) CHECK(dropped(*f, line) == rule::duplicate);
    CHECK(kept(drops, "어느 날 저녁 비가 내리자 강물이 불어났고 사람들은 높은 곳으로 올라갔다") != "");
}

TEST_CASE("corpus/filter: one domain, if it is asked for") {
    auto talk = made({.domain = corpus::domain::conversation}), facts = made({.domain = corpus::domain::information});
    CHECK(kept(talk, "오늘 같이 갈까?") != "");
    CHECK(dropped(talk, "회의는 세 시에 열렸다.") == rule::other_domain);
    CHECK(dropped(facts, "오늘 같이 갈까?") == rule::other_domain);
    CHECK(kept(facts, "하늘이 파란 것은 빛이 흩어지기 때문이다.") != "");
    CHECK(talk.counts().conversation == 1);
    CHECK(facts.counts().information == 1);
    CHECK(facts.counts().conversation == 0);
}

TEST_CASE("corpus/filter: the same text for any number of threads and any pieces", "[threads]") {
    const auto text = sample(6000);
    auto one = made();
    const auto expected = fed(one, text);
    CHECK(one.counts().lines == 6000);
    CHECK(one.counts().bytes_in == text.size());
    CHECK(one.counts().bytes_out == expected.size());
    CHECK(static_cast<std::uint64_t>(std::count(expected.begin(), expected.end(), '\n')) == one.counts().kept);
    for (const std::size_t threads : {1u, 2u, 3u, 7u})
        for (const std::size_t piece : {std::size_t{17}, std::size_t{70000}, text.size()}) {
            CAPTURE(threads, piece);
            auto f = made({.threads = threads});
            CHECK(fed(f, text, piece) == expected);
            CHECK(f.counts().json() == one.counts().json());
        }
}

TEST_CASE("corpus/filter: clean text comes out as it went in") {
    auto first = made();
    const auto clean = fed(first, sample(6000));
    auto second = made();
    CHECK(fed(second, clean) == clean);
    for (const auto n : second.counts().by_rule) CHECK(n == 0);
}

TEST_CASE("corpus/filter: the end of a text, and lines without end") {
    auto f = made();
    CHECK(fed(f, "").empty());
    CHECK(f.counts().lines == 0);
    CHECK(fed(f, "바람이 분다.\n비가 내린다.") == "바람이 분다.\n비가 내린다.\n");
    CHECK(f.counts().lines == 2);
    CHECK(fed(f, "\n\n").empty());
    CHECK(f.counts().lines == 4);
    const std::string endless(3 * filter::longest, 'a');
    CHECK(fed(f, endless + "\n잎이 떨어진다.\n" + endless, 100000) == "잎이 떨어진다.\n");
    CHECK(f.counts()[rule::too_long] == 2);
    CHECK(f.counts().lines == 7);
    std::string longest;
    for (std::uint64_t x = 1; longest.size() + 3 <= filter::longest;)
        text::utf8_append(longest, text::first_syllable + static_cast<char32_t>((x = token::mix(x + 99)) >> 30 & 4095));
    CHECK(fed(f, longest + "\n" + longest + "가\n") == longest + "\n");
    CHECK(f.counts()[rule::too_long] == 3);
}

TEST_CASE("corpus/filter: any bytes give a text of whole lines and characters") {
    std::string noise;
    std::uint64_t x = 1;
    const char* const pieces[] = {"<",  "&",    "#", "*",  "[",  "](", ")",        "010-", "1234", "@",
                                  "가", "나\t", " ", "\n", "<|", "|>", "\xED\xA0", "://",  "www."};
    for (int i = 0; i < 60000; ++i) {
        x = token::mix(x + 12345);
        if (x % 3 == 0)
            noise += static_cast<char>(x >> 40);
        else
            noise += pieces[(x >> 20) % 19];
    }
    auto f = made({.threads = 2});
    const auto out = fed(f, noise, 5000);
    CHECK(text::utf8_first_invalid(out) == out.size());
    CHECK((out.empty() || out.back() == '\n'));
    CHECK(f.counts().bytes_in == noise.size());
}

TEST_CASE("corpus/filter: the report is JSON, and reports add up") {
    auto f = made();
    fed(f, sample(100));
    const auto json = f.counts().json();
    const auto doc = text::json::parse(json);
    REQUIRE(doc);
    const auto number = [&](std::string_view group, std::string_view name) {
        return std::string((group.empty() ? doc->root() : doc->root()[group])[name].raw());
    };
    CHECK(number("", "lines") == "100");
    CHECK(number("", "kept") == std::to_string(f.counts().kept));
    CHECK(number("domains", "conversation") == std::to_string(f.counts().conversation));
    std::uint64_t all = f.counts().kept;
    for (std::size_t r = 0; r < corpus::rule_names.size(); ++r) {
        const bool drops = corpus::drops(static_cast<rule>(r));
        CHECK(number(drops ? "dropped" : "changed", corpus::rule_names[r]) == std::to_string(f.counts().by_rule[r]));
        if (drops) all += f.counts().by_rule[r];
    }
    CHECK(all == 100);
    auto twice = f.counts();
    twice += f.counts();
    CHECK(twice.lines == 200);
    CHECK(twice[rule::markup] == 2 * f.counts()[rule::markup]);
}
