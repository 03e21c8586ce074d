// SPDX-License-Identifier: MIT
// Learns the merges of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909) from counted segments. Pairs are
// counted once; every merge then mends the counts of the words that it changes and of no others.
#ifndef NARAE_LEARN_BPE_HPP
#define NARAE_LEARN_BPE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "narae/base/callback.hpp"
#include "narae/base/result.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::learn {

/// A segment as the ids of its symbols, and how often it stands in the text.
struct counted_word {
    std::vector<token::token_id> ids;
    std::uint64_t count = 0;
};

/// The pair of ids that a merge joins; its product gets the next free id.
using id_pair = std::pair<token::token_id, token::token_id>;
constexpr std::uint64_t key_of(id_pair p) noexcept { return std::uint64_t{p.first} << 32 | p.second; }
constexpr id_pair pair_of(std::uint64_t key) noexcept {
    return {static_cast<token::token_id>(key >> 32), static_cast<token::token_id>(key)};
}

/// Up to `most` merges, the most frequent pair first; of equally frequent pairs the one of the lower ids. The products
/// get the ids first_id, first_id + 1 ... `words` is used up. allowed(pair) says whether two symbols may be joined.
/// Stops early where no pair is left that stands twice. Progress counts merges.
template <class Allowed>
result<std::vector<id_pair>> learn_merges(std::vector<counted_word>& words, token::token_id first_id, std::size_t most,
                                          Allowed&& allowed, callback<std::uint64_t, std::uint64_t> progress) {
    struct tally {
        std::uint64_t count = 0;
        std::vector<std::uint32_t> words;  // those that have held the pair; some no longer do
    };
    struct spread {
        std::size_t operator()(std::uint64_t k) const noexcept { return static_cast<std::size_t>(token::mix(k)); }
    };
    std::unordered_map<std::uint64_t, tally, spread> pairs;
    for (std::uint32_t w = 0; w < words.size(); ++w)
        for (std::size_t i = 0; i + 1 < words[w].ids.size(); ++i) {
            auto& t = pairs[key_of({words[w].ids[i], words[w].ids[i + 1]})];
            t.count += words[w].count;
            if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
        }

    struct candidate {
        std::uint64_t count;
        id_pair pair;
        bool operator<(const candidate& b) const noexcept { return count != b.count ? count < b.count : pair > b.pair; }
    };
    std::priority_queue<candidate> queue;
    const auto offer = [&](std::uint64_t k, std::uint64_t count) {
        if (count > 1 && allowed(pair_of(k))) queue.push({count, pair_of(k)});
    };
    for (const auto& [k, t] : pairs) offer(k, t.count);

    std::vector<id_pair> merges;
    std::vector<std::uint64_t> touched;
    while (merges.size() < most && !queue.empty()) {
        const auto best = queue.top();
        queue.pop();
        const auto found = pairs.find(key_of(best.pair));
        if (found == pairs.end()) continue;
        if (found->second.count != best.count) {  // it was counted before other merges took some of it away
            offer(found->first, found->second.count);
            continue;
        }
        if (merges.size() % 64 == 0 && !progress(merges.size(), most)) return error{errc::cancelled, "cancelled"};
        const auto whole = first_id + static_cast<token::token_id>(merges.size());
        merges.push_back(best.pair);
        touched.clear();
        const auto holders = std::move(found->second.words);
        pairs.erase(found);
        for (const auto w : holders) {
            auto& ids = words[w].ids;
            const auto count = words[w].count;
            const auto less = [&](token::token_id a, token::token_id b) {
                const auto it = pairs.find(key_of({a, b}));
                if (it != pairs.end()) it->second.count -= count;
            };
            const auto more = [&](token::token_id a, token::token_id b) {
                auto& t = pairs[key_of({a, b})];
                t.count += count;
                if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
                touched.push_back(key_of({a, b}));
            };
            std::size_t to = 0;
            for (std::size_t i = 0; i < ids.size(); ++to) {
                if (i + 1 < ids.size() && ids[i] == best.pair.first && ids[i + 1] == best.pair.second) {
                    if (to > 0) less(ids[to - 1], best.pair.first), more(ids[to - 1], whole);
                    if (i + 2 < ids.size()) less(best.pair.second, ids[i + 2]), more(whole, ids[i + 2]);
                    ids[to] = whole;
                    i += 2;
                } else {
                    ids[to] = ids[i++];
                }
            }
            ids.resize(to);
        }
        std::sort(touched.begin(), touched.end());
        touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
        for (const auto k : touched) offer(k, pairs[k].count);
    }
    return merges;
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
