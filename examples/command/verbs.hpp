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

/// The options that open a model, as every verb reads them.
inline narae::open_options open_options_of(const command::line& line) {
    return {.threads = static_cast<std::size_t>(line.number("--threads", 0, 1, 256)),
            .memory_limit = line.bytes("--memory-limit", 0)};
}

inline narae::cache_type cache_of(const command::line& line) {
    return line.choice("--cache", "q8", {"q8", "f32"}) == 0 ? narae::cache_type::q8 : narae::cache_type::f32;
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
