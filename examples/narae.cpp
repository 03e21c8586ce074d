// SPDX-License-Identifier: MIT
// The `narae` command: runs a model from the shell. One file per verb in examples/command/.
#include <cstdio>
#include <string>
#include <vector>

#include "command/verbs.hpp"

namespace {

constexpr const char* help =
    "narae: runs a Korean language model\n"
    "\n"
    "  narae generate [-m MODEL] -p PROMPT   text that goes on from the prompt\n"
    "  narae chat     [-m MODEL]             questions and answers, line by line\n"
    "  narae tokenize -m MODEL               stdin lines to token ids\n"
    "  narae logits   -m MODEL --ids F -o O  logits of token sequences, as raw float32\n"
    "  narae bench    -m MODEL               how fast it is here\n"
    "  narae evaluate kobest D -m MODEL      how good it is: KoBEST, or perplexity of a text\n"
    "\n"
    "MODEL is a narae file (see narae-convert) or an original Hugging Face GPT-NeoX folder; without one, the demo "
    "model.\n"
    "narae VERB -h tells more. For example:\n"
    "  narae generate -p \"옛날 옛적에\" -n 64\n";

struct verb {
    const char* name;
    int (*run)(const std::vector<std::string>& words);
};
constexpr verb verbs[] = {{"generate", generate}, {"chat", chat},   {"tokenize", tokenize},
                          {"logits", logits},     {"bench", bench}, {"evaluate", evaluate}};

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + (argc > 0), argv + argc);
    if (words.empty()) return std::fputs(help, stderr), 2;
    if (words[0] == "-h" || words[0] == "--help") return std::fputs(help, stdout), 0;
    if (words[0] == "--version") return std::printf("narae %s\n", narae::version_text), 0;
    command::catch_signals();
    for (const auto& v : verbs)
        if (words[0] == v.name) return v.run({words.begin() + 1, words.end()});
    std::fprintf(stderr, "narae: unknown verb '%s' (-h shows all)\n", words[0].c_str());
    return 2;
}
