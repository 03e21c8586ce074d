// SPDX-License-Identifier: MIT
// One conversation with a model: its cache, its position, and the text in and out. Read gen/open.hpp before.
// Not for two threads at once; any number of sessions may share one model.
#ifndef NARAE_GEN_SESSION_HPP
#define NARAE_GEN_SESSION_HPP

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/callback.hpp"
#include "narae/gen/open.hpp"
#include "narae/gen/sampler.hpp"
#include "narae/gen/speculate.hpp"
#include "narae/gen/stop.hpp"
#include "narae/model/forward.hpp"

namespace narae::inline NARAE_ABI {

using model::cache_type;
using token::token_id;

struct session_options {
    cache_type cache = cache_type::q8;
    std::size_t window = 0;  ///< positions that attention sees; 0: 512, or less where the model was trained for less
    std::size_t sinks = 4;   ///< of those, how many are always the very first
};

struct generate_options {
    std::size_t max_tokens = 128;
    float temperature = sampling{}.temperature;
    std::size_t top_k = sampling{}.top_k;
    float top_p = sampling{}.top_p;
    float repetition_penalty = sampling{}.repetition_penalty;
    std::uint64_t seed = sampling{}.seed;
    std::vector<std::string> stop{};      ///< text that ends the answer, and is not part of it
    std::vector<token_id> stop_tokens{};  ///< tokens that do, beside the end of text
    bool speculate = true;                ///< checks guessed tokens many at once: never another text, only faster
};

/// Why generation ended.
enum class finish { max_tokens, end_of_text, stop_string, cancelled };

/// What the last generate() did.
struct generation {
    std::size_t prompt_tokens = 0, tokens = 0;
    std::size_t drafted = 0, accepted = 0;  ///< tokens guessed ahead, and those of them that were right
    double prompt_seconds = 0, seconds = 0;
    finish reason = finish::max_tokens;
};

/// How likely a text is after its context.
struct choice_score {
    double log_likelihood = 0;   ///< natural logarithm, summed over its tokens
    std::size_t tokens = 0;      ///< how many were summed
    std::size_t characters = 0;  ///< code points of the choice, for length-normalised comparison
};

/// Bytes that a session needs, all told.
struct memory_estimate {
    std::uint64_t weights, cache, workspace;
    std::uint64_t total() const noexcept { return weights + cache + workspace; }
};

namespace detail {
inline std::size_t window_of(const model::shape& s, const session_options& o) noexcept {
    return o.window != 0 ? o.window : (std::min<std::size_t>)(512, s.positions);
}
}  // namespace detail

inline memory_estimate estimate(const language_model& m, const session_options& o = {}) noexcept {
    return {m.weights().bytes, model::cache::bytes(m.shape(), o.cache, detail::window_of(m.shape(), o)),
            model::workspace::bytes(m.shape())};
}

/// ln of the sum of e^logits, in double: a logit less this is a log-probability.
inline double log_sum(std::span<const float> logits) noexcept {
    double largest = logits[0], sum = 0;
    for (const double l : logits) largest = l > largest ? l : largest;
    for (const double l : logits) sum += std::exp(l - largest);
    return largest + std::log(sum);
}

class session {
public:
    /// Never fails by itself: what went wrong (no memory, no threads, a bad window) is the error of every later call.
    explicit session(const language_model& m, const session_options& options = {}) : model_(m), options_(options) {
        ready_ = guarded([&] { return prepare(); });
    }

    const language_model& model() const noexcept { return model_; }

    /// The window in use, and how many tokens have passed.
    std::size_t window() const noexcept { return options_.window; }
    std::uint64_t length() const noexcept { return cache_ ? cache_->length : 0; }

    /// Forgets the conversation.
    void reset() noexcept {
        if (cache_) cache_->length = 0;
        pending_.reset();
        recent_.clear();
    }

    /// Goes on from `prompt` and returns the text that follows it. `on_text` gets it piece by piece as it comes, always
    /// whole UTF-8 characters; it is also polled with an empty piece while the prompt is read. Returning false stops:
    /// what came so far is then the result.
    result<std::string> generate(std::string_view prompt, const generate_options& options = {},
                                 callback<std::string_view> on_text = {}) {
        return guarded([&]() -> result<std::string> {
            const auto* tokenizer = model_.tokenizer();
            auto ids = tokenizer != nullptr ? tokenizer->encode(prompt) : std::vector<token_id>();
            if (tokenizer != nullptr && ids.empty()) {
                if (!tokenizer->end_of_text())
                    return error{errc::bad_argument, "an empty prompt, and no end-of-text token to start from"};
                ids.push_back(*tokenizer->end_of_text());
            }
            return generate_text(ids, options, on_text);
        });
    }

    /// The same from ids, which may be special tokens, too: the marks of a chat. At least one, each below V.
    result<std::string> generate(std::span<const token_id> prompt, const generate_options& options = {},
                                 callback<std::string_view> on_text = {}) {
        return guarded([&] { return generate_text(prompt, options, on_text); });
    }

    /// What the last generate() did, and how long it took.
    const generation& last() const noexcept { return last_; }

    /// Takes ids into the conversation; returns the logits [V] after the last one, valid until the next call.
    /// Needs at least one id, each below V. `on_progress(done, total)` returning false leaves errc::cancelled.
    result<std::span<const float>> feed(std::span<const token_id> ids,
                                        callback<std::size_t, std::size_t> on_progress = {}) {
        return guarded([&]() -> result<std::span<const float>> {
            if (const auto fed = run(ids, model::want::last, {}, on_progress); !fed) return fed.error();
            return std::span<const float>(work_->logits[0], model_.shape().V);
        });
    }

    /// The same, with the logits after each id: on_logits(index, logits[V]). Returning false leaves errc::cancelled.
    result<void> feed_each(std::span<const token_id> ids, callback<std::size_t, std::span<const float>> on_logits) {
        return guarded([&] { return run(ids, model::want::each, on_logits, {}); });
    }

    /// How likely each choice is as the continuation of `context`, which is cut from the left where the window is too
    /// short. Apart from the conversation, which stays as it is. Blanks at the end of the context count as the
    /// beginning of the choice, as evaluation harnesses do it; an empty context is the end-of-text token.
    result<std::vector<choice_score>> score(std::string_view context, const std::vector<std::string>& choices) {
        return guarded([&] { return score_choices(context, choices); });
    }

private:
    result<void> prepare() {
        const auto& s = model_.shape();
        options_.window = detail::window_of(s, options_);
        if (options_.window > (std::size_t{1} << 20))
            return error{errc::bad_argument, "a window of more than 2^20 positions"};
        if (options_.sinks >= options_.window)
            return error{errc::bad_argument,
                         {"a window of ", options_.window, " positions has no room beside ", options_.sinks, " sinks"}};
        const auto need = estimate(model_, options_).total();
        if (const auto limit = model_.options().memory_limit; limit != 0 && need > limit)
            return error{errc::out_of_memory, {"needs ", need, " bytes, the limit is ", limit}};
        error why;
        if (!model::cache::make(s, options_.cache, options_.window, options_.sinks).into(cache_, why) ||
            !model::workspace::make(s, *model_.options().kernels, model_.options().threads).into(work_, why))
            return why;
        return {};
    }

    /// Runs ids through the model, after the token that the last generate() drew but did not yet feed.
    result<void> run(std::span<const token_id> ids, model::want logits,
                     callback<std::size_t, std::span<const float>> on_logits,
                     callback<std::size_t, std::size_t> on_progress) {
        if (!ready_) return ready_.error();
        if (ids.empty()) return error{errc::bad_argument, "no tokens to feed"};
        for (const auto id : ids)
            if (id >= model_.shape().V)
                return error{errc::bad_argument, {"token id ", id, " is not below ", model_.shape().V}};
        if (pending_) {  // was drawn and given out, but is not yet in the cache
            const token_id drawn = *std::exchange(pending_, std::nullopt);
            forward({&drawn, 1}, *cache_, model::want::nothing);
            remember(drawn);
        }
        std::size_t remembered = 0;
        const bool going = forward(ids, *cache_, logits, on_logits, [&](std::size_t done) {
            while (remembered < done) remember(ids[remembered++]);
            return on_progress(done, ids.size());
        });
        if (!going) return error{errc::cancelled, "cancelled"};
        return {};
    }

    /// Runs ids through the model, a chunk at a time; false if on_chunk, which hears how many are done, stopped it.
    bool forward(std::span<const token_id> ids, model::cache& cache, model::want logits,
                 callback<std::size_t, std::span<const float>> on_logits = {}, callback<std::size_t> on_chunk = {}) {
        for (std::size_t done = 0; done < ids.size();) {
            const auto chunk = ids.subspan(done, (std::min)(model::chunk_len, ids.size() - done));
            const bool final = done + chunk.size() == ids.size();
            model::forward(*work_, cache, model_.weights(), model_.shape(), chunk,
                           logits == model::want::last && !final ? model::want::nothing : logits,
                           [&](std::size_t t, std::span<const float> row) { return on_logits(done + t, row); });
            done += chunk.size();
            if (!on_chunk(done)) return false;
        }
        return true;
    }

    /// Keeps the ids of the window, for the repetition penalty.
    void remember(token_id id) {
        if (recent_.size() == options_.window) recent_.erase(recent_.begin());
        recent_.push_back(id);
    }

    result<std::string> generate_text(std::span<const token_id> ids, const generate_options& o,
                                      callback<std::string_view> on_text) {
        using clock = std::chrono::steady_clock;
        const auto seconds_since = [](clock::time_point t) {
            return std::chrono::duration<double>(clock::now() - t).count();
        };
        const auto* tokenizer = model_.tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        last_ = {};
        if (!ready_) return ready_.error();
        const sampling how{o.temperature, o.top_k, o.top_p, o.repetition_penalty, o.seed};
        if (const auto fine = check(how); !fine) return fine.error();

        const auto start = clock::now();
        last_.prompt_tokens = ids.size();
        const auto fed = run(ids, model::want::last, {}, [&](std::size_t, std::size_t) { return on_text({}); });
        last_.prompt_seconds = seconds_since(start);
        if (!fed && fed.error().code != errc::cancelled) return fed.error();
        last_.reason = fed ? finish::max_tokens : finish::cancelled;

        const auto first = clock::now();
        sampler draw(how);
        token::stream_decoder decoder(*tokenizer);
        stop_watch text(o.stop);
        const auto draw_next = [&](std::span<const float> logits) {  // false: the answer is over
            const auto id = draw.pick(logits, recent_, [&](token_id t) { return model_.is_token(t); });
            if (id == tokenizer->end_of_text() ||
                std::find(o.stop_tokens.begin(), o.stop_tokens.end(), id) != o.stop_tokens.end()) {
                last_.reason = finish::end_of_text;
                return false;
            }
            pending_ = id;
            ++last_.tokens;
            const bool stopped = text.push(decoder.push(id)), going = on_text(text.take());
            if (stopped || !going) last_.reason = stopped ? finish::stop_string : finish::cancelled;
            return !stopped && going && last_.tokens < o.max_tokens;
        };
        bool going = fed && o.max_tokens != 0 && draw_next({work_->logits[0], model_.shape().V});
        drafter guess;
        while (going) {
            // The drawn token and guesses of what follows in one pass: as long as a guess is what is drawn, the next
            // row of logits counts, too. The cache then drops the keys of the others.
            const auto next = guess.draft(recent_, *pending_, o.speculate ? o.max_tokens - last_.tokens - 1 : 0);
            const auto length = cache_->length;
            std::size_t right = 0;  // of next that were drawn, the first one by then
            forward(next, *cache_, model::want::each, [&](std::size_t t, std::span<const float> logits) {
                if (!going || t != right || pending_ != next[t]) return;
                ++right;
                pending_.reset();
                remember(next[t]);
                going = draw_next(logits);
            });
            cache_->length = length + right;
            guess.judge(next.size() - 1, right - 1);
            last_.drafted += next.size() - 1;
            last_.accepted += right - 1;
        }
        last_.seconds = seconds_since(first);
        if (last_.reason != finish::stop_string && text.push(decoder.finish())) last_.reason = finish::stop_string;
        text.end();
        if (const auto rest = text.take(); !rest.empty()) on_text(rest);
        return text.all();
    }

    result<std::vector<choice_score>> score_choices(std::string_view context, const std::vector<std::string>& choices) {
        if (!ready_) return ready_.error();
        const auto* tokenizer = model_.tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        auto scratch = model::cache::make(model_.shape(), options_.cache, options_.window, options_.sinks);
        if (!scratch) return scratch.error();
        const auto kept = context.substr(0, context.find_last_not_of(' ') + 1);
        const auto blanks = context.substr(kept.size());

        std::vector<choice_score> scores;
        std::vector<token_id> before;  // what the scratch cache holds
        for (const auto& choice : choices) {
            auto head = tokenizer->encode(kept);
            auto ids = tokenizer->encode(std::string(kept) + std::string(blanks) + choice);
            if (kept.empty()) {
                if (!tokenizer->end_of_text())
                    return error{errc::bad_argument, "an empty context, and no end-of-text token"};
                head.insert(head.begin(), *tokenizer->end_of_text());
                ids.insert(ids.begin(), head.front());
            }
            if (ids.size() <= head.size())
                return error{errc::bad_argument, {"choice \"", choice, "\" adds no token to its context"}};
            std::size_t scored = ids.size() - head.size();  // at the end of ids
            if (scored > options_.window) return error{errc::bad_argument, "a choice longer than the window"};
            const auto cut = ids.size() > options_.window + 1 ? ids.size() - (options_.window + 1) : 0;
            ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut));

            // What this choice shares with the last one is still in the cache, but the logits before its first token
            // are not: the token that gives them is run again.
            const std::size_t first = ids.size() - scored - 1;
            std::size_t shared = 0;
            while (shared < first && shared < before.size() && before[shared] == ids[shared]) ++shared;
            scratch->length = shared;
            choice_score s{0, scored, count_characters(choice)};
            const std::span<const token_id> all(ids);
            forward(all.subspan(shared, first - shared), *scratch, model::want::nothing);
            forward(all.subspan(first, scored), *scratch, model::want::each,
                    [&](std::size_t t, std::span<const float> row) {
                        s.log_likelihood += static_cast<double>(row[ids[first + t + 1]]) - log_sum(row);
                    });
            before.assign(ids.begin(), ids.end() - 1);
            scores.push_back(s);
        }
        return scores;
    }

    static std::size_t count_characters(std::string_view s) noexcept {
        std::size_t n = 0;
        for (; !s.empty(); ++n) s.remove_prefix(text::utf8_front(s).length);
        return n;
    }

    language_model model_;
    session_options options_;
    result<void> ready_;
    std::optional<model::cache> cache_;
    std::optional<model::workspace> work_;
    std::optional<token_id> pending_;
    std::vector<token_id> recent_;
    generation last_;
};

}  // namespace narae::inline NARAE_ABI

#endif
