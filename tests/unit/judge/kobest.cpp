// SPDX-License-Identifier: MIT
#include "narae/judge/kobest.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "models.hpp"

using namespace narae;
using judge::item;

namespace {

std::vector<item> read(std::size_t task, std::string_view tsv) {
    auto items = judge::read_kobest(judge::kobest[task], tsv);
    if (!items) FAIL(items.error().message());
    return *std::move(items);
}

std::string why(std::size_t task, std::string_view tsv) {
    return judge::read_kobest(judge::kobest[task], tsv).error().message();
}

language_model tiny() {
    auto m = open(NARAE_TESTS_DIR "/golden/models/tiny-neox-parallel");
    if (!m) FAIL(m.error().message());
    return *m;
}

}  // namespace

TEST_CASE("questions are asked as the harness asks them") {
    const auto boolq =
        read(0, "ID\tText\tQuestion\tAnswer\n1\t비가 온다.\t맑은가?\tTRUE\n2\t눈이 온다.\t추운가?\tFalse\n");
    REQUIRE(boolq.size() == 2);
    CHECK(boolq[0].context == "비가 온다. 질문: 맑은가? 답변: ");
    CHECK(boolq[0].choices == std::vector<std::string>{"아니오", "예"});
    CHECK(boolq[0].with(1) == "비가 온다. 질문: 맑은가? 답변:  예");
    CHECK(boolq[0].gold == 1);
    CHECK(boolq[1].gold == 0);

    const auto copa = read(1,
                           "ID\tsentence\tquestion\t1\t2\tAnswer\n1\t잠을 잤다.\t원인\t졸렸다.\t깼다.\t1\n"
                           "2\t잠을 잤다.\t결과\t졸렸다.\t깼다.\t2\n");
    CHECK(copa[0].context == "잠을 잤다.  왜냐하면");
    CHECK(copa[1].context == "잠을 잤다.  그래서");
    CHECK(copa[1].choices == std::vector<std::string>{"졸렸다.", "깼다."});
    CHECK(copa[0].gold == 0);
    CHECK(copa[1].gold == 1);

    const auto hellaswag =
        read(2, "context\tchoice1\tchoice2\tchoice3\tchoice4\tlabel\nABC 물을 끓인다.\t가\t나\t다\t라\t3\n");
    CHECK(hellaswag[0].context == "문장: ABC 물을 끓인다.");
    CHECK(hellaswag[0].choices == std::vector<std::string>{"가", "나", "다", "라"});
    CHECK(hellaswag[0].gold == 3);

    const auto sentineg = read(3, "ID\tLabel\tText\n1\t1\t참 좋다\n");
    CHECK(sentineg[0].context == "문장: 참 좋다 긍부정:");
    CHECK(sentineg[0].choices == std::vector<std::string>{"부정", "긍정"});
    CHECK(sentineg[0].gold == 1);

    const auto wic = read(4,
                          "ID\tTarget\tSENTENCE1\tDictionary 1\tSENTENCE2\tDictionary 2\tANSWER\n"
                          "1\t배\t[배]를 탔다.\t1\t[배]가 달다.\t2\tFalse\n");
    CHECK(wic[0].context == "문장1: [배]를 탔다. 문장2: [배]가 달다. 두 문장에서 배가 같은 뜻으로 쓰였나?");
    CHECK(wic[0].choices == std::vector<std::string>{"아니오", "예"});
    CHECK(wic[0].gold == 0);
}

TEST_CASE("what is wrong with a task's file is said with its line") {
    CHECK(why(3, "ID\tText\n1\t좋다\n") == "line 1: no column Label");
    CHECK(why(3, "Text\tLabel\n좋다\t1\n나쁘다\t2\n") == "line 3: Label is '2', not one of 0|1");
    CHECK(why(0, "Text\tQuestion\tAnswer\n가\t나\t\n") == "line 2: Answer is '', not one of False|True");
    CHECK(why(1, "sentence\tquestion\t1\t2\tAnswer\n가\t이유\t나\t다\t1\n") ==
          "line 2: question is '이유', not one of 원인|결과");
}

TEST_CASE("examples are drawn by the seed, in the order of the file, and an empty line is behind each") {
    const auto m = tiny();
    session talk(m, {.window = 256});
    std::vector<item> train, asked(20, {"문제", {"가", "나"}, 0});
    for (unsigned i = 0; i < 30; ++i) train.push_back({"예 " + std::to_string(10 + i), {"가", "나"}, i % 2});
    auto two = asked;
    REQUIRE(judge::add_examples(two, {train.begin(), train.begin() + 2}, 2, 1, talk));
    for (const auto& i : two) CHECK(i.context == "예 10 가\n\n예 11 나\n\n문제");

    auto some = asked, same = asked, other = asked;
    REQUIRE(judge::add_examples(some, train, 3, 1, talk));
    REQUIRE(judge::add_examples(same, train, 3, 1, talk));
    REQUIRE(judge::add_examples(other, train, 3, 2, talk));
    std::set<std::string> contexts;
    std::size_t differ = 0;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        std::vector<std::string> rows;
        std::string rest = some[i].context;
        for (auto at = rest.find("예 "); at != rest.npos; at = rest.find("예 ", at + 1))
            rows.push_back(rest.substr(at, 6));
        CHECK(rows.size() == 3);
        CHECK(std::is_sorted(rows.begin(), rows.end()));
        CHECK(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
        CHECK(some[i].context == same[i].context);
        differ += some[i].context != other[i].context;
        contexts.insert(some[i].context);
    }
    CHECK(differ > 15);
    CHECK(contexts.size() > 15);
}

TEST_CASE("more examples than there are, or than fit, are refused, and those said to fit do") {
    const auto m = tiny();
    const session talk(m, {.window = 64});
    const std::vector<item> train(12, {"짧은 보기", {"가", "나"}, 0});
    std::vector<item> asked(5, {"짧은 문제", {"가", "나"}, 0});
    CHECK(judge::add_examples(asked, train, 13, 1, talk).error().what == "13 examples asked for, there are 12");
    const auto tried = judge::add_examples(asked, train, 12, 1, talk);
    REQUIRE(!tried);
    CHECK(tried.error().what.find("12 examples do not fit the window of 64 tokens before half of the questions; ") ==
          0);
    const auto fit = std::stoul(tried.error().what.substr(tried.error().what.find(';') + 2));
    // The first of them may lose its beginning, not all of it.
    const auto tokens = [&](std::string_view s) { return m.tokenizer()->encode(s).size(); };
    const auto question = (std::max)(tokens("짧은 문제 가"), tokens("짧은 문제 나")), one = tokens("짧은 보기 가\n\n");
    CHECK(fit == (64 - question + one) / one);
    CHECK(fit > 1);
    for (const auto shots : {fit, fit + 1}) {
        std::vector<item> again(5, {"짧은 문제", {"가", "나"}, 0});
        CHECK(judge::add_examples(again, train, shots, 1, talk).has_value() == (shots == fit));
    }
    // One question without room for an example is no reason, and nothing was changed where it is one.
    std::vector<item> mixed(3, {"짧은 문제", {"가", "나"}, 0});
    mixed[0].context.insert(0, std::string(1000, 'x'));
    CHECK(!judge::add_examples(mixed, train, fit + 1, 1, talk));
    CHECK(mixed[1].context == "짧은 문제");
    CHECK(judge::add_examples(mixed, train, fit, 1, talk));
    CHECK(mixed[0].context.starts_with("짧은 보기 가\n\n짧은 보기 가\n\n"));
    std::vector<item> long_one(1, {std::string(1000, 'x'), {"가", "나"}, 0});
    CHECK(judge::add_examples(long_one, train, 1, 1, talk).error().what.ends_with("; 0 do"));
}

TEST_CASE("the likeliest choice is the answer, by its sum and by its sum per character") {
    const auto m = tiny();
    session talk(m);
    const item asked{"문장: 좋아요 긍부정:", {"부정", "긍정입니다 그럼요", "글쎄"}, 0};
    const auto said = judge::decide(talk, asked);
    REQUIRE(said);
    const auto scores = *talk.score(asked.context, {" 부정", " 긍정입니다 그럼요", " 글쎄"});
    std::size_t best = 0, best_by_length = 0;
    const std::size_t characters[] = {2, 9, 2};
    const auto each = [&](std::size_t c) { return scores[c].log_likelihood / static_cast<double>(characters[c]); };
    for (std::size_t c = 0; c < 3; ++c) {
        CHECK(said->scores[c] == scores[c].log_likelihood);
        if (scores[c].log_likelihood > scores[best].log_likelihood) best = c;
        if (each(c) > each(best_by_length)) best_by_length = c;
    }
    CHECK(said->pred == best);
    CHECK(said->pred_by_length == best_by_length);
    CHECK(best != best_by_length);  // else nothing is tested
    CHECK(!said->cut);
    session narrow(m, {.window = 8});
    const auto cut = judge::decide(narrow, {"문장: 좋아요 긍부정:", {"예", "응"}, 0});
    REQUIRE(cut);
    CHECK(cut->cut);
    CHECK(judge::decide(narrow, {"가", {"아주 길고 긴 대답입니다"}, 0}).error().what ==
          "a choice longer than the window");
}

TEST_CASE("KoBEST by the reference framework: prompts, scores and choices of a random model") {
    const std::string shared = NARAE_SHARED_DIR;
    const auto file = sys::file_view::open(shared + "/oracle/kobest/scores.dev.jsonl");
    if (!file) {
        WARN("no oracle/kobest beside this checkout: nothing compared");
        return;
    }
    const auto m = open(shared + "/oracle/models/mid-neox");
    REQUIRE(m);
    session talk(*m, {.cache = cache_type::f32, .window = 512});
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr std::size_t every_row = 12;  // they take their time
#else
    constexpr std::size_t every_row = 1;
#endif
    std::size_t lines = 0, cut = 0;
    double worst = 0;
    for (const auto& t : judge::kobest) {
        const auto tsv = sys::file_view::open(shared + "/data/kobest/" + std::string(t.name) + ".dev.tsv");
        REQUIRE(tsv);
        const auto items = judge::read_kobest(t, as_text(tsv->bytes()));
        if (!items) FAIL(items.error().message());
        for (auto rest = as_text(file->bytes()); !rest.empty();) {
            const auto doc = text::json::parse(text::take_line(rest));
            REQUIRE(doc);
            const auto line = doc->root();
            if (line["task"].raw() != t.name) continue;
            std::uint64_t row = 0, shots = 0, gold = 0, pred = 0, by_length = 0;
            REQUIRE((line["row"].whole(row) && line["shots"].whole(shots) && line["gold"].whole(gold)));
            REQUIRE((line["pred"].whole(pred) && line["pred_norm"].whole(by_length)));
            if (row % every_row != 0) continue;
            CAPTURE(t.name, row, shots);
            auto asked = items->at(row - 1);
            const auto context = line["context"].string();
            if (shots != 0) {  // the examples, taken out of the text and put before the question again
                std::vector<item> train;
                const auto head = context.substr(0, context.size() - asked.context.size());
                for (std::size_t from = 0, to = 0; (to = head.find("\n\n", from)) != head.npos; from = to + 2) {
                    const auto example = head.substr(from, to - from);
                    for (std::size_t c = 0; c < asked.choices.size(); ++c)
                        if (const auto end = " " + asked.choices[c]; example.ends_with(end))
                            train.push_back({example.substr(0, example.size() - end.size()), asked.choices, c});
                }
                std::vector<item> one{asked};
                REQUIRE(judge::add_examples(one, train, static_cast<std::size_t>(shots), 1, talk));
                asked = one[0];
            }
            CHECK(asked.context == context);
            CHECK(asked.gold == gold);
            const auto said = judge::decide(talk, asked);
            if (!said) FAIL(said.error().message());
            std::size_t c = 0;
            line["scores"].for_each([&](const text::json_value& v) {
                double score = 0;
                REQUIRE(v.real(score));
                CHECK(line["choices"].size() == asked.choices.size());
                worst = (std::max)(worst, std::abs(said->scores.at(c++) - score));
                return true;
            });
            CHECK(c == asked.choices.size());
            CHECK(said->pred == pred);
            CHECK(said->pred_by_length == by_length);
            std::uint64_t dropped = 0;
            line["dropped"].for_each([&](const text::json_value& v) {
                std::uint64_t n = 0;
                REQUIRE(v.whole(n));
                return dropped += n, true;
            });
            CHECK(said->cut == (dropped != 0));
            cut += said->cut;
            ++lines;
        }
    }
    CHECK(lines == 7 * (25 / every_row));
    if (every_row == 1) CHECK(cut == 23);
    CAPTURE(worst);
    CHECK(worst <= 2e-4);  // ten times what double and float differ by; 9e-5 when written
}
