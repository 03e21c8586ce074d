// SPDX-License-Identifier: MIT
#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae generate -p PROMPT [options]: text that goes on from the prompt, on stdout as it comes\n"
    "\n"
    "  -m MODEL                  default: the demo model that comes with narae\n"
    "  -n N                      at most N tokens (default 128)\n"
    "  --temperature T           0 always takes the likeliest token (default 0.8)\n"
    "  --top-k K                 draw from the K likeliest tokens, 0: all (default 40)\n"
    "  --top-p P                 of those the fewest that reach probability P (default 0.95)\n"
    "  --repetition-penalty R    above 1 makes what was said less likely (default 1)\n"
    "  --seed S                  another seed, another text (default 1)\n"
    "  --stop STR                end before this text; may be given several times\n"
    "  --cache q8|f32            the key-value cache (default q8)\n"
    "  --threads N               default: one per processor, at most 16\n"
    "  --memory-limit BYTES      refuse to run in more, such as 800M or 2G\n"
    "\n"
    "  narae generate -p \"옛날 옛적에\" -n 64 --temperature 0.7\n";

}  // namespace

int generate(const std::vector<std::string>& words) {
    command::line line("narae generate", help,
                       {{"-m", "MODEL"},
                        {"-p", "PROMPT", true},
                        {"-n", "N"},
                        {"--temperature", "T"},
                        {"--top-k", "K"},
                        {"--top-p", "P"},
                        {"--repetition-penalty", "R"},
                        {"--seed", "S"},
                        {"--stop", "STR"},
                        {"--cache", "TYPE"},
                        {"--threads", "N"},
                        {"--memory-limit", "BYTES"}});
    line.read(words);
    auto how = generate_options_of(line, narae::generate_options{}.max_tokens);
    for (const auto stop : line.all("--stop")) how.stop.emplace_back(stop);
    const narae::session_options talk_how{.cache = cache_of(line)};

    const auto model = narae::open(model_of(line), open_options_of(line));
    if (!model) return line.failed(model.error());
    narae::session talk(*model, talk_how);
    if (command::watched()) std::fprintf(stderr, "%s", line.text("-p").c_str());
    const auto text =
        talk.generate(line.text("-p"), how, [](std::string_view piece) { return put(piece) && command::stopped == 0; });
    if (!text) return line.failed(text.error());
    const bool written = put("\n");
    tell_speed(talk.last());
    if (!written && command::stopped == 0) return line.failed({narae::errc::io, "cannot write to standard output"});
    return command::stopped != 0 ? 130 : 0;
}
