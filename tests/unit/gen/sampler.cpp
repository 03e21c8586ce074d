// SPDX-License-Identifier: MIT
#include "narae/gen/sampler.hpp"

#include <limits>

#include "../catch.hpp"

using namespace narae;

namespace {

const auto every = [](std::uint32_t) { return true; };

/// How often each id is drawn, of `draws`.
std::vector<double> shares(const sampling& how, const std::vector<float>& logits, std::size_t draws = 20000) {
    sampler s(how);
    std::vector<double> count(logits.size());
    for (std::size_t i = 0; i < draws; ++i) count[s.pick(logits, {}, every)] += 1.0 / static_cast<double>(draws);
    return count;
}

}  // namespace

TEST_CASE("greedy takes the largest logit, the first of equals, and never a row that is no token") {
    sampler s({.temperature = 0});
    CHECK(s.pick(std::vector<float>{1, 5, 3, 5}, {}, every) == 1);
    CHECK(s.pick(std::vector<float>{1, 5, 3, 9}, {}, [](std::uint32_t id) { return id < 3; }) == 1);
    CHECK(s.pick(std::vector<float>{-3, -2}, {}, [](std::uint32_t id) { return id == 0; }) == 0);
}

TEST_CASE("draws follow the softmax at every temperature") {
    const std::vector<float> logits{0.0f, 1.0f, 2.0f, -1.0f};
    for (const float temperature : {0.5f, 1.0f, 2.0f}) {
        CAPTURE(temperature);
        const auto seen = shares({.temperature = temperature, .top_k = 0, .top_p = 1}, logits);
        double sum = 0;
        for (const auto l : logits) sum += std::exp(static_cast<double>(l) / static_cast<double>(temperature));
        for (std::size_t i = 0; i < logits.size(); ++i)
            CHECK(std::abs(seen[i] -
                           std::exp(static_cast<double>(logits[i]) / static_cast<double>(temperature)) / sum) < 0.012);
    }
}

TEST_CASE("top-k keeps the k likeliest, top-p the fewest that reach its share") {
    const std::vector<float> logits{std::log(0.1f), std::log(0.5f), std::log(0.15f), std::log(0.25f)};
    auto seen = shares({.temperature = 1, .top_k = 2, .top_p = 1}, logits);
    CHECK(seen[0] + seen[2] == 0);
    CHECK(std::abs(seen[1] - 2.0 / 3) < 0.012);
    seen = shares({.temperature = 1, .top_k = 0, .top_p = 0.8f}, logits);
    CHECK(seen[0] == 0);
    CHECK(std::abs(seen[1] - 0.5 / 0.9) < 0.012);
    CHECK(shares({.temperature = 1, .top_k = 0, .top_p = 0.4f}, logits, 200)[1] > 0.999);
    CHECK(shares({.temperature = 1, .top_k = 1, .top_p = 1}, logits, 200)[1] > 0.999);
}

TEST_CASE("the repetition penalty makes what was said less likely, whatever its sign") {
    sampler s({.temperature = 0, .repetition_penalty = 2.0f});
    CHECK(s.pick(std::vector<float>{3, 2, 1}, std::vector<std::uint32_t>{0, 0}, every) == 1);
    CHECK(s.pick(std::vector<float>{-1, -1.5f, -3}, std::vector<std::uint32_t>{0}, every) == 1);
    CHECK(s.pick(std::vector<float>{3, 2, 1}, std::vector<std::uint32_t>{7}, every) == 0);
}

TEST_CASE("a seed repeats its draws and another seed does not") {
    const std::vector<float> logits(100, 0.0f);
    const auto draw = [&](std::uint64_t seed) {
        sampler s({.temperature = 1, .seed = seed});
        std::vector<std::uint32_t> ids;
        for (int i = 0; i < 50; ++i) ids.push_back(s.pick(logits, {}, every));
        return ids;
    };
    CHECK(draw(7) == draw(7));
    CHECK(draw(7) != draw(8));
}

TEST_CASE("logits that are no numbers never crash a draw") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    for (const float temperature : {0.0f, 1.0f}) {
        sampler s({.temperature = temperature, .top_k = 2});
        CHECK(s.pick(std::vector<float>{nan, 1, nan}, {}, every) < 3);
        CHECK(s.pick(std::vector<float>{nan, nan, nan}, {}, every) < 3);
        CHECK(s.pick(std::vector<float>{-inf, -inf}, {}, every) < 2);
        CHECK(s.pick(std::vector<float>{inf, 0}, {}, every) < 2);
        CHECK(s.pick(std::vector<float>{}, {}, every) == 0);
    }
}

TEST_CASE("options that cannot be are refused with the reason") {
    CHECK(check({}));
    CHECK(check({.temperature = -1}).error().what == "temperature must be from 0 to 100");
    CHECK(!check({.temperature = std::numeric_limits<float>::quiet_NaN()}));
    CHECK(check({.top_p = 0}).error().what == "top-p must be above 0 and at most 1");
    CHECK(!check({.top_p = 1.5f}));
    CHECK(!check({.repetition_penalty = 0}));
}
