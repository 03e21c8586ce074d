// SPDX-License-Identifier: MIT
#include "narae/judge/perplexity.hpp"

#include <algorithm>
#include <cmath>

#include "models.hpp"

using namespace narae;
using judge::foresee;

namespace {

language_model golden(const std::string& name) {
    auto m = open(NARAE_TESTS_DIR "/golden/models/" + name);
    if (!m) FAIL(m.error().message());
    return *m;
}

const std::string_view story =
    "옛날 어느 마을에 소금을 파는 사람이 살았다. 그는 날마다 산을 넘어 장에 갔다.\n비가 오면 소금이 녹을까 걱정이었다.";

/// -ln p of each token after the first, `seen(p)` being where the window of token p begins; plainly, token by token.
template <class Begin> double nats_of(const language_model& m, const std::vector<token_id>& ids, Begin begin) {
    double sum = 0;
    for (std::size_t p = 1; p < ids.size(); ++p) {
        session talk(m);
        const auto logits = talk.feed(std::span(ids).subspan(begin(p), p - begin(p)));
        REQUIRE(logits);
        double all = 0;
        for (const double l : *logits) all += std::exp(l);
        sum += std::log(all) - static_cast<double>((*logits)[ids[p]]);
    }
    return sum;
}

std::vector<token_id> ids_of(const language_model& m, std::string_view text) {
    auto ids = m.tokenizer()->encode(text);
    ids.insert(ids.begin(), *m.tokenizer()->end_of_text());
    return ids;
}

}  // namespace

TEST_CASE("a text within the window: each token given all before it, the first the end-of-text token") {
    const auto m = golden("tiny-neox-parallel");
    session talk(m);
    const auto ids = ids_of(m, story);
    const auto f = foresee(talk, {&story, 1});
    if (!f) FAIL(f.error().message());
    CHECK(f->tokens == ids.size() - 1);
    CHECK(f->bytes == story.size());
    CHECK(f->characters ==
          static_cast<std::size_t>(std::ranges::count_if(story, [](char c) { return (c & 0xC0) != 0x80; })));
    const double nats = nats_of(m, ids, [](std::size_t) { return std::size_t{0}; });
    CHECK(std::abs(f->nats - nats) <= 1e-9 * nats);
    CHECK(std::abs(f->per_token() - nats / static_cast<double>(f->tokens)) <= 1e-9);
    CHECK(std::abs(std::log(f->perplexity()) - f->per_token()) <= 1e-9);
    CHECK(std::abs(f->bits_per_char() * std::log(2.0) * static_cast<double>(f->characters) - nats) <= 1e-9 * nats);
    CHECK(std::abs(f->bits_per_byte() * static_cast<double>(f->bytes) -
                   f->bits_per_char() * static_cast<double>(f->characters)) <= 1e-9 * nats);
}

TEST_CASE("windows move by the stride, and every token counts once") {
    const auto m = golden("tiny-neox-parallel");
    const auto ids = ids_of(m, story);
    session talk(m, {.window = 16});
    REQUIRE(ids.size() > 50);
    for (const std::size_t stride : {1u, 5u, 8u, 16u}) {
        CAPTURE(stride);
        const double nats = nats_of(m, ids, [&](std::size_t p) {
            return p <= 16 ? 0 : (p - 16 + stride - 1) / stride * stride;  // the first window that reaches p
        });
        const auto f = foresee(talk, {&story, 1}, stride);
        REQUIRE(f);
        CHECK(std::abs(f->nats - nats) <= 1e-9 * nats);
    }
    CHECK(foresee(talk, {&story, 1})->nats == foresee(talk, {&story, 1}, 8)->nats);
}

TEST_CASE("texts are read each for itself, and add up") {
    const auto m = golden("tiny-neox-parallel");
    session talk(m);
    const std::string_view parts[] = {story.substr(0, story.find('\n')), "", story.substr(story.find('\n') + 1)};
    const auto one = foresee(talk, {parts, 1}), other = foresee(talk, {parts + 2, 1}), both = foresee(talk, parts);
    REQUIRE((one && other && both));
    CHECK(std::abs(one->nats + other->nats - both->nats) <= 1e-9);
    CHECK(one->tokens + other->tokens == both->tokens);
    CHECK(one->characters + other->characters == both->characters);
}

TEST_CASE("another model on the same tokens: its figures, and how far apart they are") {
    const auto m = golden("tiny-neox-parallel"), n = golden("tiny-neox-serial");
    session talk(m), other(n), again(m);
    const auto itself = foresee(talk, {&story, 1}, 0, &again);
    REQUIRE(itself);
    CHECK(itself->divergence == 0);
    CHECK(itself->same_top == itself->tokens);
    CHECK(itself->nats == itself->against_nats);

    const auto f = foresee(talk, {&story, 1}, 0, &other), back = foresee(other, {&story, 1}, 0, &talk);
    REQUIRE((f && back));
    CHECK(f->nats == itself->nats);
    CHECK(f->against_nats == back->nats);
    CHECK(f->divergence > 0);
    CHECK(f->divergence != back->divergence);
    CHECK(f->same_top == back->same_top);
    // By the definition: sum of q ln(q / p), q the other's.
    const auto ids = ids_of(m, story);
    double divergence = 0;
    for (std::size_t p = 1; p < ids.size(); ++p) {
        session a(m), b(n);
        const auto x = *a.feed(std::span(ids).first(p)), y = *b.feed(std::span(ids).first(p));
        double all_x = 0, all_y = 0;
        for (const double l : x) all_x += std::exp(l);
        for (const double l : y) all_y += std::exp(l);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double prob_x = std::exp(static_cast<double>(x[i])) / all_x;
            const double prob_y = std::exp(static_cast<double>(y[i])) / all_y;
            divergence += prob_y * std::log(prob_y / prob_x);
        }
    }
    CHECK(std::abs(f->divergence - divergence) <= 1e-9 * divergence);
}

TEST_CASE("what cannot be read is an error that says so") {
    const auto m = golden("tiny-neox-parallel");
    session talk(m, {.window = 16});
    const std::string_view none[] = {"", ""};
    CHECK(foresee(talk, none).error().what == "no text");
    CHECK(foresee(talk, {}).error().what == "no text");
    CHECK(foresee(talk, {&story, 1}, 17).error().what == "a stride of 17 leaves gaps between windows of 16");
    CHECK(foresee(talk, {&story, 1}, 0, nullptr, [](auto, auto) { return false; }).error().code == errc::cancelled);
    const auto other = models::random_file(models::config(1, 64, 4, 4, 64, 512, 0.25));
    const auto bare = open(as_bytes(other));
    REQUIRE(bare);
    session mute(*bare);
    CHECK(foresee(mute, {&story, 1}).error().code == errc::unsupported);
    CHECK(foresee(talk, {&story, 1}, 0, &mute).error().what == "the models have different tokens");
    std::uint64_t last = 0;
    REQUIRE(foresee(talk, {&story, 1}, 0, nullptr, [&](std::uint64_t done, std::uint64_t total) {
        CHECK(done > last);
        last = done;
        return total == ids_of(m, story).size() - 1;
    }));
    CHECK(last == ids_of(m, story).size() - 1);
}
