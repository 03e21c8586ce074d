// SPDX-License-Identifier: MIT
// How well a model foresees text that it has not learned, every line for itself from the end-of-text token on:
//   held_out MODEL TEXT [MODEL...]: bits per character and perplexity per token; of further models the change, too
// "with ends" counts the end of every line as one more character, and its token, as a compressor of the file would.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

#include "narae/narae.hpp"

namespace {

struct sums {
    double nats = 0, end_nats = 0;
    std::size_t tokens = 0, characters = 0, lines = 0;
};

double surprise(std::span<const float> logits, std::uint32_t id) {
    double largest = -1e30, sum = 0;
    for (const float l : logits) largest = std::max(largest, static_cast<double>(l));
    for (const float l : logits) sum += std::exp(static_cast<double>(l) - largest);
    return largest + std::log(sum) - static_cast<double>(logits[id]);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return std::puts("held_out MODEL TEXT [MODEL...]"), 2;
    double first = 0;
    for (int m = 1; m < argc; m += m == 1 ? 2 : 1) {
        const auto model = narae::open(argv[m]);
        if (!model) return std::puts(model.error().message().c_str()), 1;
        narae::session talk(*model);
        const auto end = model->tokenizer()->end_of_text();
        if (!end) return std::puts("no end-of-text token"), 1;
        sums s;
        std::ifstream text(argv[2]);
        for (std::string line; std::getline(text, line);) {
            auto ids = model->tokenizer()->encode(line);
            if (ids.empty()) continue;
            ids.insert(ids.begin(), *end);
            talk.reset();
            const auto fed = talk.feed_each(ids, [&](std::size_t t, std::span<const float> logits) {
                if (t + 1 < ids.size())
                    s.nats += surprise(logits, ids[t + 1]);
                else
                    s.end_nats += surprise(logits, *end);
                return true;
            });
            if (!fed) return std::puts(fed.error().message().c_str()), 1;
            s.tokens += ids.size() - 1;
            for (const char c : line) s.characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            ++s.lines;
        }
        const double ppl = std::exp(s.nats / static_cast<double>(s.tokens));
        std::printf("%s: %.4f bits per character (with ends %.4f), perplexity %.3f", argv[m],
                    s.nats / std::log(2.0) / static_cast<double>(s.characters),
                    (s.nats + s.end_nats) / std::log(2.0) / static_cast<double>(s.characters + s.lines), ppl);
        if (m == 1)
            first = ppl;
        else
            std::printf(" (%+.2f %%)", 100 * (ppl / first - 1));
        std::printf("; %zu lines, %zu tokens, %zu characters\n", s.lines, s.tokens, s.characters);
    }
}
