// SPDX-License-Identifier: MIT
// How well a model foresees a text: nats per token, and bits per character and per byte, which models with different
// tokenizers can be compared by. Windows move by a stride, so that every token but the first has a context.
#ifndef NARAE_JUDGE_PERPLEXITY_HPP
#define NARAE_JUDGE_PERPLEXITY_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "narae/gen/session.hpp"

namespace narae::inline NARAE_ABI::judge {

/// Sums over texts, and what they come to.
struct foresight {
    std::uint64_t tokens = 0, characters = 0, bytes = 0;
    double nats = 0;             ///< -ln of the probability of every token, given those before it
    double against_nats = 0;     ///< the same for the other model
    double divergence = 0;       ///< KL from the other model's distribution to this one's, nats
    std::uint64_t same_top = 0;  ///< tokens for which both find the same one likeliest

    double per_token() const noexcept { return nats / static_cast<double>(tokens); }
    double perplexity() const noexcept { return std::exp(per_token()); }
    double bits_per_char() const noexcept { return nats / std::log(2.0) / static_cast<double>(characters); }
    double bits_per_byte() const noexcept { return nats / std::log(2.0) / static_cast<double>(bytes); }
};

/// Do the ids of two models mean the same?
inline bool same_tokens(const language_model& a, const language_model& b) noexcept {
    const auto *x = a.tokenizer(), *y = b.tokenizer();
    bool same = x != nullptr && y != nullptr && a.shape().V == b.shape().V;
    for (token_id id = 0; same && id < a.shape().V; ++id) same = x->bytes_of(id) == y->bytes_of(id);
    return same;
}

/// Reads each text for itself, from the end-of-text token on, through windows that move by `stride` tokens; 0: by half
/// of the session's window. A token so has at least window - stride before it, or all that there are. `against`, which
/// needs the same tokens, is compared with. Sessions forget what they held. Errors: no tokenizer, or no end-of-text
/// token in it; no text; a stride past the window; other tokens; cancelled.
inline result<foresight> foresee(session& talk, std::span<const std::string_view> texts, std::size_t stride = 0,
                                 session* against = nullptr, callback<std::uint64_t, std::uint64_t> on_progress = {}) {
    return guarded([&]() -> result<foresight> {
        const auto* tokenizer = talk.model().tokenizer();
        const auto start = tokenizer == nullptr ? std::nullopt : tokenizer->end_of_text();
        if (!start) return error{errc::unsupported, "no tokenizer with an end-of-text token, from which texts start"};
        if (against != nullptr && !same_tokens(talk.model(), against->model()))
            return error{errc::bad_argument, "the models have different tokens"};
        const auto window = against == nullptr ? talk.window() : (std::min)(talk.window(), against->window());
        if (stride == 0) stride = (window + 1) / 2;
        if (stride > window)
            return error{errc::bad_argument,
                         concat({"a stride of ", stride, " leaves gaps between windows of ", window})};
        foresight f;
        std::vector<std::vector<token_id>> all;
        for (auto t : texts) {
            all.push_back({*start});
            tokenizer->make_encoder().encode(t, {}, all.back());
            f.tokens += all.back().size() - 1;
            f.bytes += t.size();
            for (; !t.empty(); ++f.characters) t.remove_prefix(text::utf8_front(t).length);
        }
        if (f.tokens == 0) return error{errc::bad_value, "no text"};

        const std::size_t V = talk.model().shape().V;
        std::vector<float> rows(against == nullptr ? 0 : model::chunk_len * V);  // the other's logits of a chunk
        const auto count = [&](std::span<const float> ours, std::size_t t, token_id next) {
            const double sum = log_sum(ours);
            f.nats += sum - static_cast<double>(ours[next]);
            if (against == nullptr) return;
            const auto theirs = std::span<const float>(rows).subspan(t * V, V);
            const double other = log_sum(theirs);
            f.against_nats += other - static_cast<double>(theirs[next]);
            for (std::size_t i = 0; i < V; ++i) {
                const double p = static_cast<double>(theirs[i]) - other, q = static_cast<double>(ours[i]) - sum;
                f.divergence += std::exp(p) * (p - q);
            }
            f.same_top +=
                std::ranges::max_element(ours) - ours.begin() == std::ranges::max_element(theirs) - theirs.begin();
        };
        std::uint64_t done = 0;
        for (const std::span<const token_id> ids : all)
            // Inputs from `begin` on; those from `at` on give the logits of tokens that no window has come to yet.
            for (std::size_t begin = 0, at = 0; at + 1 < ids.size(); begin += stride) {
                for (auto* s : {&talk, against}) {
                    if (s == nullptr) continue;
                    s->reset();
                    if (at == begin) continue;
                    if (const auto fed = s->feed(ids.subspan(begin, at - begin)); !fed) return fed.error();
                }
                for (const auto end = (std::min)(begin + window, ids.size() - 1); at < end;) {
                    const auto chunk = ids.subspan(at, (std::min)(model::chunk_len, end - at));
                    result<void> fed;
                    if (against != nullptr)
                        fed = against->feed_each(chunk, [&](std::size_t t, std::span<const float> row) {
                            return std::ranges::copy(row, rows.data() + t * V), true;
                        });
                    if (fed)
                        fed = talk.feed_each(chunk, [&](std::size_t t, std::span<const float> row) {
                            return count(row, t, ids[at + t + 1]), true;
                        });
                    if (!fed) return fed.error();
                    at += chunk.size();
                    if (!on_progress(done += chunk.size(), f.tokens)) return error{errc::cancelled, "cancelled"};
                }
            }
        return f;
    });
}

}  // namespace narae::inline NARAE_ABI::judge

#endif
