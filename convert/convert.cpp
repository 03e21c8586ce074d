// SPDX-License-Identifier: MIT
// narae-convert: an original checkpoint becomes a narae file. The other verbs have a file each beside this one.
#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

int inspect(const std::vector<std::string>& words);
int export_model(const std::vector<std::string>& words);
int synthesize(const std::vector<std::string>& words);

namespace {

constexpr std::string_view help =
    "narae-convert CHECKPOINT -o MODEL [--type q4|q8|f16|f32] [--calibrate TEXT [--sparsity S]] [--tokenizer FILE]\n"
    "narae-convert inspect MODEL | export MODEL -o FOLDER | synthesize --shape NAME -o MODEL    (-h after each)\n"
    "\n"
    "Turns an original GPT-NeoX checkpoint (a Hugging Face folder: config.json, safetensors or torch .bin files,\n"
    "tokenizer.json) into one narae model file. A narae file of type f16 or f32 will do as CHECKPOINT, too.\n"
    "\n"
    "  -o MODEL      the file to write; it appears only when it is whole\n"
    "  --type TYPE   what weights become: q4 (4 bits; if not given), q8 (8 bits), f16 or f32\n"
    "  --calibrate TEXT\n"
    "                a text like those that the model will meet (32 times 512 tokens are read, from all over it), by\n"
    "                which q4 rounds such that the layers' outputs change least: GPTQ\n"
    "  --sparsity S  makes a share S of the layers' weights zero, such as 0.5, or 2 of every 4 neighbours (2:4), or 4\n"
    "                of 8 (4:8), by the calibration text: SparseGPT\n"
    "  --tokenizer FILE\n"
    "                a tokenizer.json with a new vocabulary; each new token starts as the mean of the old ones that\n"
    "                spell it, and the model needs training after that\n"
    "  --threads N   if not given, one per processor; the file is the same for any number\n"
    "\n"
    "example:  narae-convert polyglot-ko-1.3b -o polyglot.safetensors --type q4\n";

int convert(const std::vector<std::string>& words) {
    line args("narae-convert", help,
              {{"-o", "MODEL", true},
               {"--type", "TYPE"},
               {"--calibrate", "TEXT"},
               {"--sparsity", "S"},
               {"--tokenizer", "FILE"},
               {"--threads", "N"}},
              "CHECKPOINT", 1, 1);
    args.read(words);
    using narae::model::format;
    constexpr format types[] = {format::q4, format::q8, format::f16, format::f32};
    narae::quant::convert_options options;
    options.type = types[args.choice("--type", "q4", {"q4", "q8", "f16", "f32"})];
    options.threads = static_cast<std::size_t>(args.number("--threads", 0, 1, 256));
    const auto to = args.text("-o");
    options.tokenizer = args.text("--tokenizer");
    options.calibrate = args.text("--calibrate");
    if (args.has("--calibrate") && options.calibrate.empty()) args.wrong("--calibrate is empty");
    if (args.has("--sparsity")) {
        using narae::quant::mask;
        const auto given = args.text("--sparsity");
        if (options.calibrate.empty()) args.wrong("--sparsity needs --calibrate");
        char* end = nullptr;
        options.slim.share = std::strtod(given.c_str(), &end);
        options.slim.zeros = given == "2:4" ? mask::two_of_four : given == "4:8" ? mask::four_of_eight : mask::share;
        if (options.slim.zeros == mask::share && (*end != '\0' || !(options.slim.share > 0 && options.slim.share < 1)))
            args.wrong("--sparsity is '" + given + "', not a share between 0 and 1 such as 0.5, nor 2:4 nor 4:8");
    }
    if (!options.calibrate.empty() && options.slim.zeros == narae::quant::mask::none && options.type != format::q4)
        args.wrong("--calibrate without --sparsity is for --type q4");
    if (!options.calibrate.empty() && !options.tokenizer.empty())
        args.wrong("--calibrate and --tokenizer exclude each other: a new vocabulary needs training first");
    if (args.has("--tokenizer") && options.tokenizer.empty()) args.wrong("--tokenizer is empty");

    const stopwatch clock;
    const auto done = [&] {
        progress bar("converting");
        return narae::quant::convert(args.arguments()[0], to, options, bar);
    }();
    if (!done) return args.failed(done.error());
    for (const auto& name : done->ignored)
        std::printf("ignored: %s (no part of a GPT-NeoX model)\n", narae::store::printable(name).c_str());
    if (done->tokens != 0)
        std::printf("new vocabulary: %llu tokens, %.1f %% copied, %.2f old tokens each on average\n",
                    static_cast<unsigned long long>(done->tokens), 100 * done->tokens_copied, done->tokens_pieces);
    if (done->calibration_tokens != 0)
        std::printf(
            "calibrated by %llu tokens: %.2f %% of the layers' outputs lost, at most %.2f %% (%s); %.1f %% zeros\n",
            static_cast<unsigned long long>(done->calibration_tokens), 100 * done->output_error,
            100 * done->worst_error, narae::store::printable(done->worst).c_str(), 100 * done->zeros);
    std::printf("%s: %llu weights, %.3f bits each, weight error %.4g, %s", to.c_str(),
                static_cast<unsigned long long>(done->weights), done->bits_per_weight(), done->weight_error,
                closing(done->file_bytes, clock).c_str());
    return 0;
}

}  // namespace
}  // namespace command

int main(int count, char** values) {
    command::catch_signals();
    std::vector<std::string> words(values + (count > 0), values + count);
    const std::string verb = words.empty() ? "" : words.front();
    const auto rest = [&] { return std::vector<std::string>(words.begin() + 1, words.end()); };
    if (verb == "inspect") return command::inspect(rest());
    if (verb == "export") return command::export_model(rest());
    if (verb == "synthesize") return command::synthesize(rest());
    return command::convert(words);
}
