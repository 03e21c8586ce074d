// SPDX-License-Identifier: MIT
// Questions and answers: in the marks of the tokenizer's role tokens where it has them, as the demo model was taught;
// else in the form that Korean fine-tunes of Polyglot-Ko know (KoAlpaca): "### 질문: ... ### 답변:".
#include <iostream>
#include <optional>

#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae chat [options]: reads a question a line, streams the answer\n"
    "\n"
    "  -m MODEL                default: the demo model that comes with narae\n"
    "  --system TEXT           stands before the first question\n"
    "  -n N                    at most N tokens an answer (default 256)\n"
    "  --temperature T, --top-k K, --top-p P, --repetition-penalty R, --seed S, --threads N, --memory-limit BYTES:\n"
    "                          as in narae generate\n"
    "\n"
    "Ctrl-C stops an answer, the end of input (Ctrl-D) ends the chat.\n"
    "  echo \"오늘 너무 피곤해\" | narae chat\n";

/// The marks of a chat, if the tokenizer has them all.
struct marks {
    narae::token_id system, system_end, user, user_end, assistant, assistant_end;

    static std::optional<marks> of(const narae::token::tokenizer& t) {
        const auto id = [&](const char* name) {
            const auto found = t.find(name);
            return found && t.is_special(*found) ? found : std::nullopt;
        };
        const auto s = id("<|system|>"), se = id("<|/system|>"), u = id("<|user|>"), ue = id("<|/user|>"),
                   a = id("<|assistant|>"), ae = id("<|/assistant|>");
        if (!s || !se || !u || !ue || !a || !ae || !t.end_of_text()) return {};
        return marks{*s, *se, *u, *ue, *a, *ae};
    }
};

/// Does a person type the questions, so that they are on the screen already?
bool typed() noexcept {
#if COMMAND_POSIX
    return ::isatty(::fileno(stdin)) != 0;
#else
    return true;
#endif
}

}  // namespace

int chat(const std::vector<std::string>& words) {
    command::line line("narae chat", help,
                       {{"-m", "MODEL"},
                        {"--system", "TEXT"},
                        {"-n", "N"},
                        {"--temperature", "T"},
                        {"--top-k", "K"},
                        {"--repetition-penalty", "R"},
                        {"--top-p", "P"},
                        {"--seed", "S"},
                        {"--threads", "N"},
                        {"--memory-limit", "BYTES"}});
    line.read(words);
    auto how = generate_options_of(line, 256);

    const auto model = narae::open(model_of(line), open_options_of(line));
    if (!model) return line.failed(model.error());
    const auto* tokenizer = model->tokenizer();
    if (tokenizer == nullptr) return line.failed({narae::errc::unsupported, "the model came without a tokenizer"});
    const auto roles = marks::of(*tokenizer);
    if (roles)
        how.stop_tokens = {roles->assistant_end};
    else
        how.stop = {"###"};
    narae::session talk(*model);
    const auto system = line.text("--system");
    const auto prompt = [&](const std::string& question) {
        const bool first = talk.length() == 0;
        if (!roles)
            return tokenizer->encode((!first           ? "\n\n"
                                      : system.empty() ? ""
                                                       : system + "\n\n") +
                                     "### 질문: " + question + "\n\n### 답변:");
        std::vector<narae::token_id> ids;
        const auto add = [&](narae::token_id begin, const std::string& text, narae::token_id end) {
            ids.push_back(begin);
            const auto inside = tokenizer->encode(text);
            ids.insert(ids.end(), inside.begin(), inside.end());
            ids.push_back(end);
        };
        if (!first) ids.push_back(roles->assistant_end);
        ids.push_back(*tokenizer->end_of_text());
        if (first && !system.empty()) add(roles->system, system, roles->system_end);
        add(roles->user, question, roles->user_end);
        ids.push_back(roles->assistant);
        return ids;
    };
    for (std::string question; std::fputs("> ", stderr), std::getline(std::cin, question);) {
        command::catch_signals();
        command::stopped = 0;
        if (question.empty()) continue;
        if (!typed()) std::fprintf(stderr, "%s\n", question.c_str());
        const auto answer = talk.generate(prompt(question), how,
                                          [](std::string_view piece) { return put(piece) && command::stopped == 0; });
        if (!answer) return line.failed(answer.error());
        if (!put("\n")) return line.failed({narae::errc::io, "cannot write to standard output"});
    }
    std::fputs("\n", stderr);
    return 0;
}
