// SPDX-License-Identifier: MIT
// narae-train: what learns, and what it learns from. Each verb has a file beside this one.
#include <cstdio>

#include "command_line.hpp"

namespace command {

int train_corpus(const std::vector<std::string>& words);
int train_model(const std::vector<std::string>& words);
int train_tokenizer(const std::vector<std::string>& words);

}  // namespace command

int main(int count, char** values) {
    command::catch_signals();
    const std::vector<std::string> words(values + (count > 0), values + count);
    const std::string verb = words.empty() ? "" : words.front();
    if (verb == "corpus") return command::train_corpus({words.begin() + 1, words.end()});
    if (verb == "model") return command::train_model({words.begin() + 1, words.end()});
    if (verb == "tokenizer") return command::train_tokenizer({words.begin() + 1, words.end()});
    const bool asked = verb == "-h" || verb == "--help";
    std::fputs(asked ? "narae-train corpus < raw.txt > clean.txt    (-h after each)\n"
                       "narae-train tokenizer TEXT... -o tokenizer.json\n"
                       "narae-train model --corpus TEXT... | --instruct JSONL... -o MODEL\n"
                     : "narae-train: the first word is none of 'corpus', 'tokenizer' and 'model' (-h shows how)\n",
               asked ? stdout : stderr);
    return asked ? 0 : 2;
}
