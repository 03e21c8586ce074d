// SPDX-License-Identifier: MIT
// narae-train: what learns. Each verb has a file beside this one.
#include <cstdio>

#include "command_line.hpp"

namespace command {

int train_corpus(const std::vector<std::string>& words);
int train_tokenizer(const std::vector<std::string>& words);

}  // namespace command

int main(int count, char** values) {
    command::catch_signals();
    const std::vector<std::string> words(values + (count > 0), values + count);
    const std::string verb = words.empty() ? "" : words.front();
    if (verb == "tokenizer") return command::train_tokenizer({words.begin() + 1, words.end()});
    if (verb == "corpus") return command::train_corpus({words.begin() + 1, words.end()});
    const bool asked = verb == "-h" || verb == "--help";
    std::fputs(asked ? "narae-train tokenizer TEXT... -o tokenizer.json    (-h after each)\n"
                       "narae-train corpus < raw.txt > clean.txt\n"
                     : "narae-train: the first word is not 'tokenizer' or 'corpus' (-h shows how)\n",
               asked ? stdout : stderr);
    return asked ? 0 : 2;
}
