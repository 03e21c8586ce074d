// SPDX-License-Identifier: MIT
// narae-train corpus: raw text becomes text to train on.
#include <memory>

#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

namespace {

constexpr std::string_view help =
    "narae-train corpus < raw.txt > clean.txt [options]\n"
    "\n"
    "Keeps the lines of standard input that are worth training on: Korean prose, cleaned of markup and noise,\n"
    "personal data masked by <|tel|>, <|rrn|>, <|acc|>, <|email|> and <|addr|>, each text once. A line is a passage;\n"
    "TAB parts the turns of a dialogue. Lines are judged one by one and keep their order; memory does not grow with\n"
    "the text.\n"
    "\n"
    "  --report FILE                      what each rule did, in JSON; the file appears only when it is whole\n"
    "  --near-duplicates on|off           drop lines that nearly equal an earlier one, too; on if not given\n"
    "  --domain conversation|information  only lines of this kind: speech, or questions and explanations\n"
    "  --threads N                        if not given, one per processor; the text is the same for any number\n"
    "\n"
    "example:  narae-train corpus --report report.json < raw.txt > clean.txt\n";

}  // namespace

int train_corpus(const std::vector<std::string>& words) {
    line args("narae-train corpus", help,
              {{"--report", "FILE"}, {"--near-duplicates", "on|off"}, {"--domain", "NAME"}, {"--threads", "N"}});
    args.read(words);
    narae::corpus::filter_options options;
    options.near_duplicates = args.choice("--near-duplicates", "on", {"off", "on"}) == 1;
    if (args.has("--domain"))
        options.domain =
            static_cast<narae::corpus::domain>(1 + args.choice("--domain", "", {"conversation", "information"}));
    options.threads = static_cast<std::size_t>(args.number("--threads", 0, 1, 256));

    const stopwatch clock;
    std::unique_ptr<narae::sys::file_sink> report;
    if (args.has("--report")) {
        auto sink = narae::sys::file_sink::create(args.text("--report"));  // now, not after the work
        if (!sink) return args.failed(sink.error());
        report = std::make_unique<narae::sys::file_sink>(std::move(*sink));
    }
    auto filter = narae::corpus::filter::make(options);
    if (!filter) return args.failed(filter.error());
    std::string block(std::size_t{4} << 20, '\0'), out;
    for (bool more = true; more;) {
        const auto got = std::fread(block.data(), 1, block.size(), stdin);
        more = got == block.size();
        if (!more && std::ferror(stdin) != 0) return args.failed({narae::errc::io, "cannot read standard input"});
        out.clear();
        auto done = filter->feed(std::string_view(block).substr(0, got), out);
        if (done && !more) done = filter->finish(out);
        if (!done) return args.failed(done.error());
        if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0)
            return args.failed({narae::errc::io, "cannot write to standard output"});
        if (stopped != 0) return args.failed({narae::errc::cancelled, "cancelled"});
    }
    const auto& counts = filter->counts();
    if (report) {
        auto written = report->write(narae::as_bytes(counts.json()));
        if (written) written = report->commit();
        if (!written) return args.failed(written.error());
    }
    std::fprintf(stderr, "narae-train corpus: %llu of %llu lines kept, %s",
                 static_cast<unsigned long long>(counts.kept), static_cast<unsigned long long>(counts.lines),
                 closing(counts.bytes_out, clock).c_str());
    return 0;
}

}  // namespace command
