// SPDX-License-Identifier: MIT
// From logits to the next token. Equal logits, options and seed give equal tokens on every machine.
#ifndef NARAE_GEN_SAMPLER_HPP
#define NARAE_GEN_SAMPLER_HPP

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/kernel/rows/contract.hpp"  // num::exp, the same on every machine

namespace narae::inline NARAE_ABI {

/// How a token is drawn: first the repetition penalty, then temperature, then top-k, then top-p.
struct sampling {
    float temperature = 0.8f;         ///< 0: always the likeliest token (greedy)
    std::size_t top_k = 40;           ///< only the k likeliest tokens; 0: all. Fan et al. 2018, arXiv:1805.04833
    float top_p = 0.95f;              ///< of those the fewest that reach this share. Holtzman et al., arXiv:1904.09751
    float repetition_penalty = 1.0f;  ///< divides positive logits of recent tokens. Keskar et al., arXiv:1909.05858
    std::uint64_t seed = 1;
};

/// Says which option cannot be, if one cannot.
inline result<void> check(const sampling& s) {
    const auto refuse = [](const char* why) { return error{errc::bad_argument, why}; };
    if (!(s.temperature >= 0 && s.temperature <= 100)) return refuse("temperature must be from 0 to 100");
    if (!(s.top_p > 0 && s.top_p <= 1)) return refuse("top-p must be above 0 and at most 1");
    if (!(s.repetition_penalty > 0 && s.repetition_penalty <= 100))
        return refuse("repetition penalty must be above 0 and at most 100");
    return {};
}

class sampler {
public:
    explicit sampler(const sampling& options) : options_(options), state_(options.seed) {}

    /// The next token. `recent` are the ids that the repetition penalty looks at; allowed(id) says which rows of the
    /// logits are tokens at all. If no logit is a number, the first allowed id.
    template <class Allowed>
    std::uint32_t pick(std::span<const float> logits, std::span<const std::uint32_t> recent, Allowed&& allowed) {
        all_.clear();
        for (std::uint32_t id = 0; id < logits.size(); ++id)
            if (allowed(id)) all_.push_back({logits[id], id});
        penalise(recent);
        const auto likelier = [](const candidate& a, const candidate& b) {
            return a.weight > b.weight || (a.weight == b.weight && a.id < b.id);
        };
        if (all_.empty()) return 0;
        auto best = all_.front();
        for (const auto& c : all_)
            if (!(best.weight >= c.weight)) best = c;
        if (options_.temperature == 0) return best.id;

        if (options_.top_k != 0 && options_.top_k < all_.size()) {
            const auto kth = all_.begin() + static_cast<std::ptrdiff_t>(options_.top_k);
            std::nth_element(all_.begin(), kth, all_.end(), likelier);
            all_.erase(kth, all_.end());
        }
        std::sort(all_.begin(), all_.end(), likelier);
        double sum = 0;
        for (auto& c : all_) sum += c.weight = num::exp((c.weight - best.weight) / options_.temperature);
        double kept = 0;
        std::size_t count = 0;
        while (count < all_.size() && kept < sum * static_cast<double>(options_.top_p)) kept += all_[count++].weight;
        double draw = uniform() * kept;
        for (std::size_t i = 0; i < count; ++i)
            if ((draw -= all_[i].weight) < 0) return all_[i].id;
        return best.id;
    }

private:
    struct candidate {
        float weight;
        std::uint32_t id;
    };

    void penalise(std::span<const std::uint32_t> recent) {
        if (options_.repetition_penalty == 1.0f) return;
        seen_.assign(recent.begin(), recent.end());
        std::sort(seen_.begin(), seen_.end());
        for (auto& c : all_)
            if (std::binary_search(seen_.begin(), seen_.end(), c.id))
                c.weight =
                    c.weight > 0 ? c.weight / options_.repetition_penalty : c.weight * options_.repetition_penalty;
    }

    /// SplitMix64 (Steele et al. 2014), its upper 53 bits as a number from 0 up to 1.
    double uniform() noexcept {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
    }

    sampling options_;
    std::uint64_t state_;
    std::vector<candidate> all_;
    std::vector<std::uint32_t> seen_;
};

}  // namespace narae::inline NARAE_ABI

#endif
