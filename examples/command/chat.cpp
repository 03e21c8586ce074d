// SPDX-License-Identifier: MIT
// Questions and answers in the form that Korean fine-tunes of Polyglot-Ko know (KoAlpaca): "### 질문: ... ### 답변:".
#include <iostream>

#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae chat -m MODEL [--system TEXT] [options]: reads a question a line, streams the answer\n"
    "\n"
    "  --system TEXT           stands before the first question\n"
    "  -n N                    at most N tokens an answer (default 256)\n"
    "  --temperature T, --top-k K, --top-p P, --seed S, --threads N, --memory-limit BYTES: as in narae generate\n"
    "\n"
    "Ctrl-C stops an answer, the end of input (Ctrl-D) ends the chat.\n"
    "  narae chat -m model.safetensors --system \"너는 친절한 도우미다.\"\n";

}  // namespace

int chat(const std::vector<std::string>& words) {
    command::line line("narae chat", help,
                       {{"-m", "MODEL", true},
                        {"--system", "TEXT"},
                        {"-n", "N"},
                        {"--temperature", "T"},
                        {"--top-k", "K"},
                        {"--top-p", "P"},
                        {"--seed", "S"},
                        {"--threads", "N"},
                        {"--memory-limit", "BYTES"}});
    line.read(words);
    auto how = generate_options_of(line, 256);
    how.stop = {"###"};

    const auto model = narae::open(line.text("-m"), open_options_of(line));
    if (!model) return line.failed(model.error());
    narae::session talk(*model);
    std::string before = line.text("--system");
    if (!before.empty()) before += "\n\n";
    for (std::string question; std::fputs("> ", stderr), std::getline(std::cin, question);) {
        command::catch_signals();
        command::stopped = 0;
        if (question.empty()) continue;
        const auto answer = talk.generate(before + "### 질문: " + question + "\n\n### 답변:", how,
                                          [](std::string_view piece) { return put(piece) && command::stopped == 0; });
        if (!answer) return line.failed(answer.error());
        if (!put("\n")) return line.failed({narae::errc::io, "cannot write to standard output"});
        before = "\n\n";
    }
    std::fputs("\n", stderr);
    return 0;
}
