// SPDX-License-Identifier: MIT
#include "narae/learn/bpe.hpp"

#include <map>
#include <random>

#include "catch.hpp"

using namespace narae;
using learn::counted_word;
using learn::id_pair;
using token::token_id;
using merges = std::vector<id_pair>;
using corpus = std::vector<counted_word>;

namespace {

constexpr token_id first_id = 100;

const auto anything = [](id_pair) { return true; };

/// The definition: count all pairs anew, join the most frequent one from left to right, and again.
template <class Allowed> merges oracle(corpus words, std::size_t most, Allowed&& allowed) {
    merges made;
    while (made.size() < most) {
        std::map<id_pair, std::uint64_t> counts;
        for (const auto& w : words)
            for (std::size_t i = 0; i + 1 < w.ids.size(); ++i) counts[{w.ids[i], w.ids[i + 1]}] += w.count;
        std::uint64_t best = 1;
        id_pair chosen;
        for (const auto& [pair, n] : counts)  // from the lowest ids on
            if (n > best && allowed(pair)) best = n, chosen = pair;
        if (best == 1) break;
        const auto whole = first_id + static_cast<token_id>(made.size());
        made.push_back(chosen);
        for (auto& w : words)
            for (std::size_t i = 0; i + 1 < w.ids.size(); ++i)
                if (w.ids[i] == chosen.first && w.ids[i + 1] == chosen.second) {
                    w.ids[i] = whole;
                    w.ids.erase(w.ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                }
    }
    return made;
}

template <class Allowed> merges learned(corpus words, std::size_t most, Allowed&& allowed) {
    const auto made = learn::learn_merges(words, first_id, most, allowed, {});
    REQUIRE(made);
    return *made;
}

merges learned(corpus words, std::size_t most = 1000) { return learned(std::move(words), most, anything); }

}  // namespace

TEST_CASE("learn/bpe: merges are those of counting everything anew") {
    std::mt19937 random(5);
    for (int round = 0; round < 400; ++round) {
        const auto letters = 1 + random() % 6, longest = 1 + random() % 16, most = random() % 80, odd = random() % 4;
        corpus words(1 + random() % 30);
        for (auto& w : words) {
            w.count = random() % 5;
            for (auto n = random() % longest + 1; n > 0; --n)
                w.ids.push_back(static_cast<token_id>(random() % letters));
        }
        const auto some = [&](id_pair p) { return odd == 0 || (p.first * 7 + p.second * 3 + odd) % 5 != 0; };
        CAPTURE(round, letters, longest, most, odd);
        CHECK(learned(words, most, some) == oracle(words, most, some));
    }
}

TEST_CASE("learn/bpe: the most frequent pair first, then the lowest ids") {
    CHECK(learned({{{5, 6}, 3}, {{1, 2}, 2}, {{3, 4}, 9}}) == merges{{3, 4}, {5, 6}, {1, 2}});
    CHECK(learned({{{5, 6}, 3}, {{1, 9}, 3}, {{1, 2}, 3}, {{0, 7}, 2}, {{0, 7}, 1}}) ==
          merges{{0, 7}, {1, 2}, {1, 9}, {5, 6}});
    CHECK(learned({{{5, 6}, 3}, {{1, 2}, 2}, {{3, 4}, 9}}, 1) == merges{{3, 4}});
    CHECK(learned({{{5, 6}, 3}}, 0).empty());
}

TEST_CASE("learn/bpe: a symbol beside itself is joined from the left") {
    // Of aaa the pair aa stands there twice; one of the two is joined.
    CHECK(learned({{{7, 7, 7}, 1}}) == merges{{7, 7}});
    CHECK(learned({{{7, 7, 7}, 2}}) == merges{{7, 7}, {100, 7}});
    CHECK(learned({{{7, 7, 7, 7}, 2}}) == merges{{7, 7}, {100, 100}});
    CHECK(learned({{{7, 7, 7, 7, 7}, 2}}) == merges{{7, 7}, {100, 7}, {100, 101}});
    CHECK(learned({{{7, 8, 7, 8, 7}, 3}}) == merges{{7, 8}, {100, 7}, {100, 101}});
}

TEST_CASE("learn/bpe: joins nothing that stands once, nothing that is not allowed") {
    CHECK(learned({}).empty());
    CHECK(learned({{{1, 2, 3}, 1}, {{3, 2, 1}, 1}}).empty());
    CHECK(learned({{{1, 2}, 1}, {{4}, 9}, {{}, 9}, {{1, 2}, 1}}) == merges{{1, 2}});
    CHECK(learned({{{1, 2, 3}, 0}}).empty());
    const auto not_two = [](id_pair p) { return p.first != 2 && p.second != 2; };
    CHECK(learned({{{1, 2, 3, 4}, 5}}, 9, not_two) == merges{{3, 4}});
}

TEST_CASE("learn/bpe: progress goes up, and false stops the work") {
    corpus words;
    for (token_id id = 0; id < 400; id += 2) words.push_back({{id + 1000, id + 1001}, 2});
    auto copy = words;
    std::vector<std::uint64_t> seen;
    const auto all = learn::learn_merges(copy, 5000, 300, anything, [&](std::uint64_t done, std::uint64_t total) {
        seen.push_back(done);
        return total == 300;
    });
    REQUIRE(all);
    CHECK(all->size() == 200);
    CHECK(seen == std::vector<std::uint64_t>{0, 64, 128, 192});
    for (const std::uint64_t last : {0u, 128u}) {
        copy = words;
        const auto none = learn::learn_merges(copy, 5000, 300, anything,
                                              [&](std::uint64_t done, std::uint64_t) { return done < last; });
        REQUIRE(!none);
        CHECK(none.error().code == errc::cancelled);
    }
}
