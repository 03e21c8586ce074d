// SPDX-License-Identifier: MIT
// narae-train tokenizer: text and gold analyses become a tokenizer.json.
#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

namespace {

constexpr std::string_view help =
    "narae-train tokenizer TEXT... -o tokenizer.json [options]\n"
    "\n"
    "Learns a Korean tokenizer from lines of text: byte pair encoding inside morphemes, then frequent expressions\n"
    "across them. Other tools load the file as a plain byte-level BPE. A text that is named twice counts twice.\n"
    "\n"
    "  -o FILE                 the file to write; it appears only when it is whole\n"
    "  --boundaries FILE...    gold analyses to learn morpheme boundaries from: CoNLL-U with morphemes in LEMMA and\n"
    "                          tags in XPOS, or lines of form, morphemes and tags apart by tabs. Without them\n"
    "                          words are cut nowhere but between Hangul and other letters\n"
    "  --vocab N               tokens in all, a multiple of 64; 32000 if not given. Too little text makes fewer\n"
    "  --expressions N         of these, expressions across morphemes; 1000 for each 32000 if not given\n"
    "  --attribution TEXT      whose analyses and texts these are, to be kept in the file\n"
    "  --threads N             if not given, one per processor; the file is the same for any number\n"
    "\n"
    "example:  narae-train tokenizer wiki.txt reviews.txt --boundaries ko_kaist-ud-train.conllu -o tokenizer.json\n";

}  // namespace

int train_tokenizer(const std::vector<std::string>& words) {
    line args("narae-train tokenizer", help,
              {{"-o", "FILE", true},
               {"--boundaries", "FILE..."},
               {"--vocab", "N"},
               {"--expressions", "N"},
               {"--attribution", "TEXT"},
               {"--threads", "N"}},
              "TEXT", 1, 10000);
    args.read(words);
    narae::learn::tokenizer_options options;
    options.vocab = static_cast<std::size_t>(args.number("--vocab", options.vocab, 64, 1u << 20));
    options.expressions = static_cast<std::size_t>(args.number("--expressions", options.vocab / 32, 0, 1u << 20));
    options.threads = static_cast<std::size_t>(args.number("--threads", 0, 1, 256));
    options.attribution = args.text("--attribution");
    if (const auto fit = options.check(); !fit) args.wrong(fit.error().what);
    const auto to = args.text("-o");

    const stopwatch clock;
    auto sink = narae::sys::file_sink::create(to);  // now, not after the work
    if (!sink) return args.failed(sink.error());
    std::vector<narae::learn::gold_word> gold;
    for (const auto& path : args.all("--boundaries")) {
        const auto file = narae::sys::file_view::open(std::string(path));
        if (!file) return args.failed(file.error());
        const auto read = narae::learn::read_gold(file->bytes());
        if (!read) return args.failed(read.error().in(std::string(path)));
        gold.insert(gold.end(), read->begin(), read->end());
    }
    std::vector<narae::sys::file_view> files;
    std::vector<std::string_view> texts;
    for (const auto& path : args.arguments()) {
        auto file = narae::sys::file_view::open(path);
        if (!file) return args.failed(file.error());
        files.push_back(std::move(*file));
        texts.push_back(narae::as_text(files.back().bytes()));
    }
    const auto made = [&]() -> narae::result<std::string> {
        narae::token::boundary_model boundaries;  // without gold analyses nothing is cut
        if (!gold.empty()) {
            progress bar("learning boundaries");
            auto learned = narae::learn::train_boundaries(gold, bar);
            if (!learned) return learned.error();
            boundaries = std::move(*learned);
        }
        progress bar("learning tokens");
        return narae::learn::tokenizer_trainer::train(texts, boundaries, options, bar);
    }();
    if (!made) return args.failed(made.error());
    const auto tokenizer = narae::token::tokenizer::parse(narae::as_bytes(*made));
    if (!tokenizer) return args.failed(tokenizer.error());
    auto written = sink->write(narae::as_bytes(*made));
    if (written) written = sink->commit();
    if (!written) return args.failed(written.error());
    std::printf("%s: %zu tokens, %zu gold words, %s", to.c_str(), tokenizer->count(), gold.size(),
                closing(made->size(), clock).c_str());
    return 0;
}

}  // namespace command
