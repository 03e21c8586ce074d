// SPDX-License-Identifier: MIT
#include "narae/learn/tasks.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "narae/sys/file_view.hpp"
#include "narae/token/tokenizer.hpp"

using namespace narae;
using learn::make_task;
using learn::task;

namespace {

const token::boundary_model& shipped() {
    static const auto model = [] {
        const auto file = sys::file_view::open(NARAE_TOP_DIR "/examples/models/tokenizer.json");
        REQUIRE(file);
        const auto t = token::tokenizer::parse(file->bytes());
        REQUIRE(t);
        return t->boundaries();
    }();
    return model;
}

const std::string passage =
    "할머니는 새벽마다 마당을 쓸었다. 그러고 나면 작은 부엌에서 국을 끓였다. 우리는 국 냄새에 잠이 깼다! "
    "언제부터 그랬는지 아무도 모른다.";

/// The text between the instruction and the mark of the answer.
std::string body(const learn::prompted& p) {
    const auto begin = p.prompt.find('\n') + 1, end = p.prompt.rfind("\n답:");
    REQUIRE(begin > 1);
    REQUIRE(end == p.prompt.size() - std::string("\n답:").size());
    return p.prompt.substr(begin, end - begin);
}

/// Every exercise that a line gives: text -> answer.
std::map<std::string, std::string> all_of(task what, const std::string& line) {
    std::map<std::string, std::string> found;
    for (std::uint64_t random = 0; random < 400; ++random)
        if (const auto p = make_task(what, line, shipped(), random)) found[body(*p)] = p->answer;
    return found;
}

std::map<std::string, int> answers(task what, const std::string& line) {
    std::map<std::string, int> found;
    for (const auto& [text, answer] : all_of(what, line)) ++found[answer];
    return found;
}

}  // namespace

TEST_CASE("learn/tasks: a gap is where a particle closed a word, and nowhere else") {
    const auto found = all_of(task::josa, "작은 나비가 넓은 마당에서 꽃을 찾는 동안 개는 자고 있다.");
    CHECK(found ==
          std::map<std::string, std::string>{{"작은 나비__ 넓은 마당에서 꽃을 찾는 동안 개는 자고 있다.", "가"},
                                             {"작은 나비가 넓은 마당__ 꽃을 찾는 동안 개는 자고 있다.", "에서"},
                                             {"작은 나비가 넓은 마당에서 꽃__ 찾는 동안 개는 자고 있다.", "을"},
                                             {"작은 나비가 넓은 마당에서 꽃을 찾는 동안 개__ 자고 있다.", "는"}});
    using counts = std::map<std::string, int>;
    CHECK(answers(task::josa, "많은 사람이 좋은 책을 읽는다") == counts{{"이", 1}, {"을", 1}});
    CHECK(answers(task::josa, "친구와 강으로, 산으로 놀러 갔다.") == counts{{"와", 1}, {"으로", 2}});
    CHECK(answers(task::josa, "나래(narae)는 3만 원도 ABC를 주지 않는다.") == counts{{"는", 1}, {"도", 1}, {"를", 1}});
    CHECK(answers(task::josa, "늦게 일어나 빨리 씻고 나갔다.").empty());
}

TEST_CASE("learn/tasks: a gap is where an ending closed a verb") {
    using counts = std::map<std::string, int>;
    const auto found = all_of(task::eomi, "밥을 먹고 학교에 갔지만 문이 닫혀 있었습니다.");
    CHECK(found == std::map<std::string, std::string>{{"밥을 먹__ 학교에 갔지만 문이 닫혀 있었습니다.", "고"},
                                                      {"밥을 먹고 학교에 갔__ 문이 닫혀 있었습니다.", "지만"},
                                                      {"밥을 먹고 학교에 갔지만 문이 닫혀 있었__.", "습니다"}});
    CHECK(answers(task::eomi, "비가 오는데 우산이 없어서 뛰었다") == counts{{"는데", 1}, {"어서", 1}, {"다", 1}});
    CHECK(answers(task::eomi, "그리고 하지만 아침에 읽던 책") == counts{{"던", 1}});
}

TEST_CASE("learn/tasks: blanks are taken out, and the sentence is the answer") {
    const auto p = make_task(task::spacing, "  오늘은\t날씨가  참 좋다. ", shipped(), 1);
    REQUIRE(p);
    CHECK(body(*p) == "오늘은날씨가참좋다.");
    CHECK(p->answer == "오늘은 날씨가 참 좋다.");
    for (const auto& [text, answer] : all_of(task::spacing, passage)) {
        auto joined = answer;
        joined.erase(std::remove(joined.begin(), joined.end(), ' '), joined.end());
        CHECK(text == joined);
        CHECK(passage.find(answer) != passage.npos);
    }
    CHECK(all_of(task::spacing, passage).size() == 4);
}

TEST_CASE("learn/tasks: shuffled sentences come back in order by their numbers") {
    std::set<std::string> seen;
    std::set<std::size_t> sizes;
    for (const auto& [text, answer] : all_of(task::order, passage)) {
        std::vector<std::string> shown;
        for (const auto line : text::split(text, '\n')) {
            CHECK(line.substr(0, 3) == std::to_string(shown.size() + 1) + ". ");
            shown.emplace_back(line.substr(3));
        }
        std::string whole;
        for (const auto number : text::split(answer, ' ')) {
            REQUIRE(number.size() == 1);
            whole += (whole.empty() ? "" : " ") + shown.at(static_cast<std::size_t>(number[0] - '1'));
        }
        CHECK(passage.find(whole) != passage.npos);
        seen.insert(answer), sizes.insert(shown.size());
    }
    CHECK(sizes == std::set<std::size_t>{3, 4});
    CHECK(seen.size() == 6 + 24);
    CHECK(!make_task(task::order, "하늘이 참 맑다. 바람이 참 차다.", shipped(), 0));
    CHECK(!make_task(task::order, "하늘이 참 맑다. 하늘이 참 맑다. 바람이 참 차다.", shipped(), 0));
    CHECK(make_task(task::order, "하늘이 참 맑다. 구름이 참 희다. 바람이 참 차다.", shipped(), 0));
}

TEST_CASE("learn/tasks: sentences end at a mark, but not at the dot of a number or a foreign word") {
    std::set<std::string> found;
    for (const auto& [text, answer] :
         all_of(task::spacing, "그는 3. 5. 에 U.S. 공항에서 돌아왔다! 값은 1.5 배가 되었다 (정말로?). 끝이 좋다"))
        found.insert(answer);
    CHECK(found == std::set<std::string>{"그는 3. 5. 에 U.S. 공항에서 돌아왔다!", "값은 1.5 배가 되었다 (정말로?)."});
}

TEST_CASE("learn/tasks: the same random gives the same exercise, another one another") {
    for (const auto what : {task::josa, task::eomi, task::spacing, task::order}) {
        std::set<std::string> prompts, instructions;
        for (std::uint64_t random = 0; random < 200; ++random) {
            const auto a = make_task(what, passage, shipped(), random), b = make_task(what, passage, shipped(), random);
            REQUIRE(a);
            REQUIRE(b);
            CHECK(a->prompt == b->prompt);
            CHECK(a->answer == b->answer);
            CHECK(text::utf8_first_invalid(a->prompt) == a->prompt.size());
            prompts.insert(a->prompt);
            instructions.insert(a->prompt.substr(0, a->prompt.find('\n')));
        }
        CHECK(instructions.size() == 1);
        CHECK(prompts.size() >= 3);
    }
    // Training is repeatable only while these stay as they are.
    CHECK(make_task(task::josa, passage, shipped(), 7)->answer == "을");
    CHECK(make_task(task::order, passage, shipped(), 8)->answer == "2 3 4 1");
}

TEST_CASE("learn/tasks: lines that make no exercise give nothing") {
    std::string endless = "강아지가";
    for (int i = 0; i < 100; ++i) endless += " 멀리 멀리";
    for (const auto what : {task::josa, task::eomi, task::spacing, task::order})
        for (const std::string& line :
             {std::string(), std::string(" . ? !"), std::string("밥은 먹었다."),
              std::string("the cat sat 에서 the mat."), std::string("빈칸은 __ 로 쓴다고 한다."),
              std::string("나는 깨진 글\xEA\xB0 을 읽는다."), endless})
            CHECK(!make_task(what, line, shipped(), 3));
    token::boundary_model none;
    CHECK(!make_task(task::josa, passage, none, 3));  // it cuts nowhere
    none.weights.clear();
    CHECK(!make_task(task::josa, passage, none, 3));
}
