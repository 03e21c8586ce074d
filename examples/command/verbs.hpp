// SPDX-License-Identifier: MIT
// The verbs of the narae command, and what they share.
#ifndef NARAE_EXAMPLES_VERBS_HPP
#define NARAE_EXAMPLES_VERBS_HPP

#include <cstdio>
#include <string>
#include <vector>

#include "../../convert/command_line.hpp"
#include "narae/narae.hpp"

int generate(const std::vector<std::string>& words);
int chat(const std::vector<std::string>& words);
int tokenize(const std::vector<std::string>& words);
int logits(const std::vector<std::string>& words);
int bench(const std::vector<std::string>& words);
int evaluate(const std::vector<std::string>& words);

/// The model that was asked for, or the demo model that comes with narae.
inline std::string model_of(const command::line& line) {
#ifndef NARAE_DEMO_MODEL
#define NARAE_DEMO_MODEL "examples/models/demo.safetensors"
#endif
    return line.text("-m", NARAE_DEMO_MODEL);
}

/// The options that open a model, as every verb reads them.
inline narae::open_options open_options_of(const command::line& line) {
    return {.threads = static_cast<std::size_t>(line.number("--threads", 0, 1, 256)),
            .memory_limit = line.bytes("--memory-limit", 0)};
}

/// The options that say how tokens are drawn, as generate and chat read them.
inline narae::generate_options generate_options_of(const command::line& line, std::size_t max_tokens) {
    narae::generate_options how;
    how.max_tokens = static_cast<std::size_t>(line.number("-n", max_tokens, 0, 1u << 30));
    how.temperature = static_cast<float>(line.real("--temperature", static_cast<double>(how.temperature), 0, 100));
    how.top_k = static_cast<std::size_t>(line.number("--top-k", how.top_k, 0, 1u << 30));
    how.top_p = static_cast<float>(line.real("--top-p", static_cast<double>(how.top_p), 1e-6, 1));
    how.repetition_penalty =
        static_cast<float>(line.real("--repetition-penalty", static_cast<double>(how.repetition_penalty), 0.01, 100));
    how.seed = line.number("--seed", how.seed, 0, ~std::uint64_t{0});
    return how;
}

inline narae::cache_type cache_of(const command::line& line) {
    return line.choice("--cache", "q8", {"q8", "f32"}) == 0 ? narae::cache_type::q8 : narae::cache_type::f32;
}

/// Appends the ids of one line, apart by blanks; false if there is something else in it, or no vocabulary is so large.
inline bool read_ids(std::string_view text, std::vector<narae::token_id>& ids) {
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r') {
            ++i;
            continue;
        }
        std::uint64_t id = 0;
        const auto begin = i;
        for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && id < (1u << 30); ++i)
            id = id * 10 + static_cast<std::uint64_t>(text[i] - '0');
        if (i == begin || id >= (1u << 30)) return false;
        ids.push_back(static_cast<narae::token_id>(id));
    }
    return true;
}

/// What to say on stderr after an answer: how much, how fast, in how much memory.
inline void tell_speed(const narae::generation& g) {
    const auto rate = [](std::size_t n, double s) { return s > 0 ? static_cast<double>(n) / s : 0.0; };
    std::fprintf(stderr, "prompt: %zu tokens, %.1f per second; answer: %zu tokens, %.1f per second; peak memory %s\n",
                 g.prompt_tokens, rate(g.prompt_tokens, g.prompt_seconds), g.tokens, rate(g.tokens, g.seconds),
                 command::size_text(command::peak_rss()).c_str());
}

/// Writes all of `text` to stdout at once; false if nobody takes it any more.
inline bool put(std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

#endif
