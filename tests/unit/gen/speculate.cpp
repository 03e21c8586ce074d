// SPDX-License-Identifier: MIT
#include "narae/gen/speculate.hpp"

#include "../models.hpp"

using namespace narae;

namespace {

std::vector<token_id> guesses(drafter& d, std::vector<token_id> said, std::size_t room = 9) {
    const auto next = said.back();
    said.pop_back();
    const auto ids = d.draft(said, next, room);
    REQUIRE(ids.front() == next);
    return {ids.begin() + 1, ids.end()};
}
std::vector<token_id> guesses(std::vector<token_id> said, std::size_t room = 9) {
    drafter d;
    d.judge(8, 8);  // trusted fully
    return guesses(d, std::move(said), room);
}
using ids = std::vector<token_id>;

/// A random model with the golden tokenizer. Its greedy text falls into loops, with a penalty it wanders.
language_model random_model(std::uint64_t seed, std::string& file) {
    const auto tokenizer = sys::file_view::open(NARAE_TESTS_DIR "/golden/models/tiny-neox-parallel/tokenizer.json");
    REQUIRE(tokenizer);
    file = models::random_file(models::config(2, 48, 4, 2, 96, 512, 0.5), seed, as_text(tokenizer->bytes()));
    auto m = open(as_bytes(file), {.threads = 1});
    if (!m) FAIL(m.error().message());
    return *m;
}

/// All that one call shows and leaves behind: text, pieces, counts, and the logits of what is fed next.
struct outcome {
    std::string text;
    std::vector<std::string> pieces;
    std::size_t tokens;
    std::uint64_t length;
    finish reason;
    std::vector<float> next;
    bool operator==(const outcome&) const = default;
};
outcome say(session& talk, std::string_view prompt, generate_options how, bool speculate, std::size_t cancel_at) {
    outcome o{};
    how.speculate = speculate;
    const auto text = talk.generate(prompt, how, [&](std::string_view piece) {
        o.pieces.emplace_back(piece);
        return o.pieces.size() < cancel_at;
    });
    REQUIRE(text);
    o = {*text, std::move(o.pieces), talk.last().tokens, talk.length(), talk.last().reason, {}};
    if (!speculate) CHECK(talk.last().drafted == 0);
    CHECK(talk.last().accepted <= talk.last().drafted);
    const auto logits = talk.feed(talk.model().tokenizer()->encode(" 그리고"));
    REQUIRE(logits);
    o.next.assign(logits->begin(), logits->end());
    return o;
}

}  // namespace

TEST_CASE("a guess is what followed the latest three ids, else two, the last time") {
    CHECK(guesses({1, 2, 3, 4, 5, 9, 1, 2, 3}) == ids{4, 5, 9, 1, 2, 3});
    CHECK(guesses({1, 2, 3, 4, 2, 3, 5, 7, 7, 1, 2, 3}, 2) == ids{4, 2});  // three before two, though two is later
    CHECK(guesses({8, 2, 3, 4, 8, 2, 3, 5, 9, 2, 3}, 1) == ids{5});        // the latest of equals
    CHECK(guesses({6, 6, 1, 6, 6}, 5) == ids{1, 6, 6, 1, 6});              // goes on into itself
    CHECK(guesses({4, 4, 4}) == ids{4, 4, 4, 4, 4, 4});
    CHECK(guesses({1, 2, 3, 4, 5}).empty());
    CHECK(guesses({1, 2, 3, 9, 3}).empty());  // one alone says nothing
    CHECK(guesses({7}).empty());
    CHECK(guesses({4, 4, 4}, 0).empty());
}

TEST_CASE("guesses that were wrong make guesses rarer, right ones longer") {
    drafter d;
    std::size_t tried = 0, n = 0;
    for (int i = 0; i < 1600; ++i, tried += n) d.judge(n = guesses(d, {4, 4, 4}).size(), 0);
    CHECK(tried <= 2 + 1600 / 32);
    CHECK(tried >= 1600 / 32 - 1);
    while (n = guesses(d, {4, 4, 4}).size(), n < drafter::longest) d.judge(n, n);
    CHECK(guesses(d, {4, 4, 4}).size() == drafter::longest);
}

TEST_CASE("text, pieces, counts and what follows are those of one token after another") {
    const std::vector<std::string> prompts{"가을 하늘은 높고 가을 하늘은 높고 가을 하늘은", "봄", ""};
    std::size_t drafted = 0, accepted = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        std::string file;
        const auto m = random_model(seed, file);
        for (const auto& [window, sinks] : {std::pair<std::size_t, std::size_t>{512, 4}, {16, 4}, {17, 0}, {12, 11}})
            for (const auto cache : {cache_type::q8, cache_type::f32})
                for (const float penalty : {1.0f, 1.05f, 1.4f})
                    for (const float temperature : {0.0f, 0.7f}) {
                        CAPTURE(seed, window, sinks, penalty, temperature);
                        const session_options kind{cache, window, sinks};
                        session plain(m, kind), ahead(m, kind);
                        for (const auto& prompt : prompts) {  // one conversation: the second goes on from the first
                            const generate_options how{.max_tokens = 40 + seed,
                                                       .temperature = temperature,
                                                       .repetition_penalty = penalty,
                                                       .seed = seed};
                            const auto a = say(plain, prompt, how, false, 1000),
                                       b = say(ahead, prompt, how, true, 1000);
                            CHECK((a == b));
                            drafted += ahead.last().drafted, accepted += ahead.last().accepted;
                        }
                    }
    }
    CHECK(accepted > 500);            // the test would say nothing if nothing was ever guessed,
    CHECK(drafted > accepted + 100);  // or nothing ever wrong
}

TEST_CASE("an answer may end anywhere in a draft: by its length, its text, its tokens or its reader") {
    std::string file;
    const auto m = random_model(17, file);
    const std::string prompt = "나비가 날아 나비가 날아 나비가";
    const generate_options plain{.max_tokens = 48, .temperature = 0};
    session talk(m);
    const auto full = say(talk, prompt, plain, true, 1000);
    REQUIRE(talk.last().accepted > 15);
    const auto both = [&](const generate_options& how, std::size_t cancel_at) {
        session a(m), b(m);
        const auto one = say(a, prompt, how, false, cancel_at);
        CHECK((one == say(b, prompt, how, true, cancel_at)));
        return one.reason;
    };
    for (std::size_t n = 0; n < 24; ++n) {
        CAPTURE(n);
        auto how = plain;
        how.max_tokens = n;
        CHECK(both(how, 1000) == finish::max_tokens);
        CHECK(both(plain, 3 + n) == finish::cancelled);
        how = plain;
        if (full.text.size() > 2 * n + 3) how.stop = {full.text.substr(2 * n, 3)};
        if (!how.stop.empty()) CHECK(both(how, 1000) == finish::stop_string);
    }
    // Each token of the text, as the one that ends it.
    auto said = m.tokenizer()->encode(full.text);
    std::sort(said.begin(), said.end());
    said.erase(std::unique(said.begin(), said.end()), said.end());
    for (const auto id : said) {
        auto how = plain;
        how.stop_tokens = {id};
        both(how, 1000);
    }
}
