// SPDX-License-Identifier: MIT
#include "narae/gen/session.hpp"

#include "../models.hpp"

using namespace narae;

namespace {

const std::string golden = NARAE_TESTS_DIR "/golden/models/tiny-neox-parallel";

language_model tiny(const open_options& options = {.threads = 1}) {
    auto m = open(golden, options);
    if (!m) FAIL(m.error().message());
    return *m;
}

}  // namespace

TEST_CASE("generated text arrives in whole characters and is what the call returns") {
    const auto m = tiny();
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
        session talk(m);
        std::string streamed;
        const auto text = talk.generate("가을 하늘은", {.max_tokens = 40, .seed = seed}, [&](std::string_view piece) {
            CHECK(text::utf8_first_invalid(piece) == piece.size());
            streamed += piece;
            return true;
        });
        REQUIRE(text);
        CHECK(*text == streamed);
        CHECK(talk.last().tokens <= 40);
        CHECK(talk.last().prompt_tokens == m.tokenizer()->encode("가을 하늘은").size());
    }
}

TEST_CASE("greedy text is what feeding the arg-max back gives") {
    const auto m = tiny();
    session talk(m), by_hand(m);
    const auto text = talk.generate("옛날에", {.max_tokens = 20, .temperature = 0});
    REQUIRE(text);
    auto logits = by_hand.feed(m.tokenizer()->encode("옛날에"));
    std::vector<token_id> ids;
    while (ids.size() < talk.last().tokens) {
        auto row = std::vector<float>(logits->begin(), logits->end());
        for (token_id id = 0; id < row.size(); ++id)
            if (!m.is_token(id)) row[id] = -1e30f;
        ids.push_back(static_cast<token_id>(models::arg_max(row)));
        logits = by_hand.feed({&ids.back(), 1});
    }
    CHECK(m.tokenizer()->decode(ids, true) == *text);
}

TEST_CASE("a conversation goes on where it stopped") {
    const auto m = tiny();
    session whole(m), halves(m);
    const auto all = whole.generate("나비가", {.max_tokens = 24, .temperature = 0});
    REQUIRE(all);
    REQUIRE(whole.last().tokens == 24);
    const auto first = halves.generate("나비가", {.max_tokens = 10, .temperature = 0});
    REQUIRE(first);
    const auto ids = m.tokenizer()->encode("나비가");
    CHECK(halves.length() == ids.size() + 9);  // the tenth is drawn, not yet fed
    const auto next = m.tokenizer()->encode(" 날아");
    session again(m);
    REQUIRE(again.generate("나비가", {.max_tokens = 10, .temperature = 0}));
    const auto a = halves.feed(next);
    REQUIRE(a);
    const std::vector<float> kept(a->begin(), a->end());
    const auto b = again.feed(next);
    REQUIRE(b);
    CHECK(std::equal(kept.begin(), kept.end(), b->begin()));
    CHECK(halves.length() == ids.size() + 10 + next.size());
    halves.reset();
    CHECK(halves.length() == 0);
    CHECK(*halves.generate("나비가", {.max_tokens = 24, .temperature = 0}) == *all);
}

TEST_CASE("a stop string cuts the text across token borders") {
    const auto m = tiny();
    const generate_options plain{.max_tokens = 30, .temperature = 0};
    const auto full = *session(m).generate("봄", plain);
    REQUIRE(full.size() > 12);
    for (std::size_t from = 3; from + 6 < full.size(); from += 5) {
        auto stop = full.substr(from, 4);
        auto with = plain;
        with.stop = {stop};
        session talk(m);
        std::string streamed;
        const auto text = talk.generate("봄", with, [&](std::string_view piece) { return streamed += piece, true; });
        REQUIRE(text);
        CHECK(*text == full.substr(0, full.find(stop)));
        CHECK(streamed == *text);
        CHECK(talk.last().reason == finish::stop_string);
    }
}

TEST_CASE("ids serve as a prompt, and a token can end the answer") {
    const auto m = tiny();
    session talk(m), by_ids(m), stopped(m);
    const auto text = talk.generate("가을 하늘은", {.max_tokens = 20, .seed = 3});
    const auto ids = m.tokenizer()->encode("가을 하늘은");
    const auto same = by_ids.generate(ids, {.max_tokens = 20, .seed = 3});
    REQUIRE((text && same));
    CHECK(*text == *same);

    const auto logits = stopped.feed(ids);
    REQUIRE(logits);
    const auto first = static_cast<token_id>(models::arg_max(*logits));
    stopped.reset();
    const auto none = stopped.generate(ids, {.max_tokens = 20, .temperature = 0, .stop_tokens = {7, first}});
    REQUIRE(none);
    CHECK(none->empty());
    CHECK(stopped.last().reason == finish::end_of_text);
    stopped.reset();
    const auto some = stopped.generate(ids, {.max_tokens = 20, .temperature = 0});
    REQUIRE(some);
    CHECK(!some->empty());

    CHECK(!talk.generate(std::span<const token_id>{}));
    const token_id beyond[] = {static_cast<token_id>(m.shape().V)};
    CHECK(!talk.generate(beyond));
}

TEST_CASE("a callback that returns false stops, in the prompt and in the answer") {
    const auto m = tiny();
    std::string prompt;
    for (int i = 0; i < 60; ++i) prompt += "긴 이야기가 이어진다 ";
    session talk(m);
    std::size_t polled = 0;
    const auto none = talk.generate(prompt, {}, [&](std::string_view) { return ++polled < 3; });
    REQUIRE(none);
    CHECK(none->empty());
    CHECK(talk.last().reason == finish::cancelled);
    CHECK(talk.length() == 3 * model::chunk_len);

    session other(m);
    std::size_t pieces = 0;
    const auto some = other.generate("바다", {.max_tokens = 50},
                                     [&](std::string_view piece) { return piece.empty() || ++pieces < 5; });
    REQUIRE(some);
    CHECK(other.last().reason == finish::cancelled);
    CHECK(other.last().tokens < 50);

    std::size_t steps = 0;
    const auto fed = session(m).feed(m.tokenizer()->encode(prompt), [&](std::size_t done, std::size_t all) {
        CHECK(done <= all);
        return ++steps < 2;
    });
    REQUIRE(!fed);
    CHECK(fed.error().code == errc::cancelled);
}

TEST_CASE("scores are the summed log-probabilities of the choice's tokens, and leave the conversation alone") {
    const auto m = tiny();
    session talk(m);
    REQUIRE(talk.generate("안녕", {.max_tokens = 5}));
    const auto length = talk.length();
    const std::string context = "문장: 참 좋은 하루였다 긍부정:";
    const std::vector<std::string> choices{" 긍정", " 부정", " 긍정적인 느낌이다"};
    const auto scores = talk.score(context, choices);
    if (!scores) FAIL(scores.error().message());
    CHECK(talk.length() == length);
    REQUIRE(scores->size() == 3);
    for (std::size_t c = 0; c < choices.size(); ++c) {
        const auto head = m.tokenizer()->encode(context), ids = m.tokenizer()->encode(context + choices[c]);
        double expected = 0;
        session direct(m);
        REQUIRE(
            direct.feed_each(std::span(ids).first(ids.size() - 1), [&](std::size_t t, std::span<const float> logits) {
                if (t + 1 < head.size()) return true;
                double sum = 0;
                for (const double l : logits) sum += std::exp(l);
                expected += static_cast<double>(logits[ids[t + 1]]) - std::log(sum);
                return true;
            }));
        CHECK(std::abs((*scores)[c].log_likelihood - expected) <= 1e-9 * std::abs(expected));
        CHECK((*scores)[c].tokens == ids.size() - head.size());
    }
    CHECK((*scores)[0].characters == 3);
    // Blanks at the end of the context belong to the choice; an empty context is the end-of-text token.
    const auto moved = talk.score(context + " ", {"긍정"});
    REQUIRE(moved);
    CHECK((*moved)[0].log_likelihood == (*scores)[0].log_likelihood);
    CHECK(talk.score("", {"가"}));
}

TEST_CASE("a context longer than the window is cut from the left") {
    const auto m = tiny();
    std::string context;
    for (int i = 0; i < 200; ++i) context += "길다 ";
    const auto scores = session(m).score(context, {"끝", "아주 끝"});
    REQUIRE(scores);
    CHECK((*scores)[0].log_likelihood < 0);
}

TEST_CASE("what a session cannot do is an error that says so") {
    const auto m = tiny();
    const std::vector<token_id> beyond{1, static_cast<token_id>(m.shape().V)};
    CHECK(session(m).feed(beyond).error().what == "token id 512 is not below 512");
    CHECK(session(m).feed({}).error().code == errc::bad_argument);
    CHECK(session(m).generate("가", {.temperature = -1}).error().what == "temperature must be from 0 to 100");
    CHECK(session(m, {.window = 4}).generate("가").error().what ==
          "a window of 4 positions has no room beside 4 sinks");
    CHECK(!session(m, {.window = ~std::size_t{0}}).generate("가"));
    CHECK(session(m).score("가", {""}).error().code == errc::bad_argument);
    CHECK(session(m).generate("", {.max_tokens = 1}));  // starts from the end-of-text token
    CHECK(session(m).generate("가", {.max_tokens = 0})->empty());
}

TEST_CASE("a memory limit is checked before memory is taken") {
    const auto m = tiny();
    const auto need = estimate(m).total();
    CHECK(estimate(m, {.cache = cache_type::f32}).cache > 3 * estimate(m).cache);
    CHECK(session(tiny({.threads = 1, .memory_limit = need})).generate("가", {.max_tokens = 1}));
    const auto refused = session(tiny({.threads = 1, .memory_limit = need - 1})).generate("가");
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::out_of_memory);
    CHECK(open(golden, {.memory_limit = 1000}).error().what.find("the weights alone are") != std::string::npos);
}

TEST_CASE("sessions on one model do not disturb each other", "[threads]") {
    const auto m = tiny({.threads = 2});
    const auto alone = *session(m).generate("겨울", {.max_tokens = 16, .temperature = 0});
    std::vector<std::string> texts(3);
    auto team = sys::team::make(3);
    REQUIRE(team);
    (*team)->run([&](std::size_t part, std::size_t) {
        auto text = session(m).generate("겨울", {.max_tokens = 16, .temperature = 0});
        texts[part] = text ? *text : text.error().message();
    });
    if ((*team)->size() == 3)
        for (const auto& t : texts) CHECK(t == alone);
}
