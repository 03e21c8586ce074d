// SPDX-License-Identifier: MIT
// The network against the reference software, and against a plain double-precision one where that has no answer:
// grouped heads, odd widths, a window that slides.
#include "narae/model/forward.hpp"

#include "../../oracle/neox.hpp"
#include "../models.hpp"

using namespace narae;

namespace {

/// The largest |logit - reference| over a sequence as a share of the largest |reference|, fed in chunks of `chunk`.
double error_of(const language_model& m, const models::sequence& s, cache_type cache, std::size_t chunk) {
    session talk(m, {.cache = cache});
    double worst = 0, largest = 0;
    const std::size_t V = m.shape().V;
    for (std::size_t at = 0; at < s.ids.size(); at += chunk) {
        const auto ids = std::span(s.ids).subspan(at, std::min(chunk, s.ids.size() - at));
        REQUIRE(talk.feed_each(ids, [&](std::size_t t, std::span<const float> logits) {
            for (std::size_t v = 0; v < V; ++v) {
                const double expected = s.logits[(at + t) * V + v];
                worst = std::max(worst, std::abs(logits[v] - expected));
                largest = std::max(largest, std::abs(expected));
            }
            return true;
        }));
    }
    return worst / largest;
}

}  // namespace

TEST_CASE("logits and greedy text are the reference's, at every position") {
    for (const auto& folder : models::folders()) {
        CAPTURE(folder);
        const auto m = open(folder, {.threads = 1});
        if (!m) FAIL(m.error().message());
        const auto reference = models::load_reference(folder);
        for (const auto& s : reference.sequences) {
            CHECK(error_of(*m, s, cache_type::f32, 512) <= 2e-5);  // the goal is 2e-4
            CHECK(error_of(*m, s, cache_type::q8, 512) <= 0.08);
        }
        for (const auto& g : reference.greedy) {
            session talk(*m, {.cache = cache_type::f32});
            std::vector<token_id> ids;
            auto logits = talk.feed(g.prompt);
            while (logits && ids.size() < g.ids.size()) {
                ids.push_back(static_cast<token_id>(models::arg_max(*logits)));
                logits = talk.feed({&ids.back(), 1});
            }
            CHECK(ids == g.ids);
        }
    }
}

TEST_CASE("grouped heads, serial and parallel, any rotary share: the plain double version agrees") {
    struct {
        std::size_t layers, width, heads, kv, ffn, vocab;
        double rotary;
        bool parallel, tied;
    } const shapes[] = {
        {2, 64, 8, 2, 128, 48, 0.5, true, false},  {2, 48, 6, 1, 100, 33, 0.25, false, false},
        {1, 40, 4, 4, 72, 20, 1.0, true, true},    {2, 96, 2, 2, 64, 40, 0.0, false, true},
        {1, 72, 3, 3, 200, 17, 0.75, true, false},
    };
    for (const auto& c : shapes) {
        CAPTURE(c.width, c.heads, c.kv, c.rotary, c.parallel, c.tied);
        const auto file = models::random_file(
            models::config(c.layers, c.width, c.heads, c.kv, c.ffn, c.vocab, c.rotary, c.parallel, c.tied));
        const auto m = open(as_bytes(file), {.threads = 2});
        if (!m) FAIL(m.error().message());
        models::sequence s;
        for (std::size_t i = 0; i < 70; ++i) s.ids.push_back(static_cast<std::uint32_t>((i * i + 3 * i) % c.vocab));
        for (const auto& row : oracle::neox(m->checkpoint(), m->shape()).logits(s.ids, 512, 4))
            for (const auto v : row) s.logits.push_back(static_cast<float>(v));
        CHECK(error_of(*m, s, cache_type::f32, 512) <= 5e-6);
        CHECK(error_of(*m, s, cache_type::q8, 7) <= 0.05);
    }
}

TEST_CASE("a window that slides keeps its sinks at their distance") {
    const auto file = models::random_file(models::config(2, 64, 4, 2, 96, 40, 0.5));
    const auto m = open(as_bytes(file), {.threads = 1});
    REQUIRE(m);
    std::vector<token_id> ids;
    for (std::size_t i = 0; i < 200; ++i) ids.push_back(static_cast<token_id>((7 * i * i + i) % 40));
    for (const auto& [window, sinks] :
         {std::pair<std::size_t, std::size_t>{24, 4}, {24, 0}, {100, 1}, {8, 7}, {150, 70}}) {
        CAPTURE(window, sinks);
        const auto expected = oracle::neox(m->checkpoint(), m->shape()).logits(ids, window, sinks);
        session talk(*m, {.cache = cache_type::f32, .window = window, .sinks = sinks});
        double worst = 0;
        const auto fed = talk.feed_each(ids, [&](std::size_t t, std::span<const float> logits) {
            for (std::size_t v = 0; v < logits.size(); ++v)
                worst = std::max(worst, std::abs(logits[v] - expected[t][v]));
            return true;
        });
        if (!fed) FAIL(fed.error().message());
        CHECK(worst <= 2e-5);
    }
}

TEST_CASE("the same bits for every thread count, prompt split and kernel table", "[threads]") {
    const auto folder = models::folders()[1];
    const auto ids = models::load_reference(folder).sequences.back().ids;
    for (const auto cache : {cache_type::q8, cache_type::f32}) {
        std::vector<float> first;
        const auto same = [&](const open_options& options, std::size_t chunk) {
            const auto m = open(folder, options);
            REQUIRE(m);
            session talk(*m, {.cache = cache, .window = 40});
            std::vector<float> last;
            for (std::size_t at = 0; at < ids.size(); at += chunk) {
                const auto logits = talk.feed(std::span(ids).subspan(at, std::min(chunk, ids.size() - at)));
                REQUIRE(logits);
                last.assign(logits->begin(), logits->end());
            }
            if (first.empty()) first = last;
            return std::memcmp(first.data(), last.data(), first.size() * sizeof(float)) == 0;
        };
        for (const std::size_t threads : {1u, 2u, 3u, 8u}) CHECK(same({.threads = threads}, 512));
        for (const std::size_t chunk : {1u, 7u, 32u, 33u}) CHECK(same({.threads = 2}, chunk));
        for (const auto& table : kernel::runnable()) {
            CAPTURE(table.name);
            CHECK(same({.threads = 1, .kernels = table}, 512));
        }
    }
}
