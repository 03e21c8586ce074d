// SPDX-License-Identifier: MIT
// narae-train model: text and instructions become a model, or make one better.
#include <chrono>
#include <cinttypes>

#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

namespace {

constexpr std::string_view help =
    "narae-train model --corpus TEXT... | --instruct JSONL...  --tokenizer FILE --shape SHAPE -o MODEL [options]\n"
    "\n"
    "Trains a model on lines of text (next token) and on instructions (JSON lines with instruction, input and output, "
    "of\n"
    "which the output is taught). A file that is named twice counts twice. Writes MODEL (f32, for narae-convert), its\n"
    "loss curve as MODEL.csv and MODEL.svg, and while it works MODEL.state, from which --resume goes on bit by bit.\n"
    "Ctrl-C saves first.\n"
    "\n"
    "  --shape SHAPE           slim, polyglot-ko-1.3b, ..., or LAYERSxWIDTHxHEADS, such as 12x256x8\n"
    "  --init MODEL            start from these weights instead of random ones; brings shape and tokenizer\n"
    "  --teacher MODEL         learn from its distributions, too; --teacher-share S is their part of the loss (0.5)\n"
    "  --steps N               of the optimizer; if not given, one pass over everything\n"
    "  --batch N --length N    sequences of a step and their tokens (16 and 256); --accumulate N such batches a step\n"
    "  --rate R --warmup N     the learning rate (1e-3) after N steps (a fiftieth of all); then a cosine to a tenth\n"
    "  --decay D --clip C      weight decay (0.1), largest gradient (1)\n"
    "  --tasks SHARE           of the lines that also become Korean exercises: particles, endings, spacing, order (0)\n"
    "  --q4                    see the weights as q4 rounds them, so that they suit it\n"
    "  --bf16                  multiply in bfloat16 where the processor can\n"
    "  --valid TEXT            text to measure the loss on now and then\n"
    "  --save-every N          steps between two states (a tenth of all, at most 500)\n"
    "  --resume                go on from MODEL.state\n"
    "  --checkpoint-layers N   keep what N layers leave for the backward, compute the rest twice: less memory\n"
    "  --state-on-disk         keep weights, gradients and moments in a mapped file beside MODEL\n"
    "  --memory-limit BYTES    refuse to start if more would be needed\n"
    "  --seed N, --threads N   1, and one per processor\n"
    "  --attribution TEXT      whose texts these are, to be kept in the file\n"
    "\n"
    "example:  narae-train model --corpus talk.txt --tokenizer tokenizer.json --shape 8x256x8 -o base.safetensors\n";

/// A shape by name or by numbers: LAYERSxWIDTHxHEADS.
bool read_shape(const std::string& text, std::size_t vocab, std::size_t length, narae::store::config& out) {
    if (const auto* named = narae::quant::find_shape(text)) {
        out = *named;
    } else {
        unsigned layers = 0, width = 0, heads = 0;
        int end = 0;
        if (std::sscanf(text.c_str(), "%4ux%6ux%4u%n", &layers, &width, &heads, &end) != 3 ||
            end != static_cast<int>(text.size()) || layers == 0 || heads == 0 || width == 0 || width % heads != 0 ||
            width / heads % 4 != 0)
            return false;
        out = {.layers = layers,
               .width = width,
               .heads = heads,
               .kv_heads = heads,
               .head_width = width / heads,
               .ffn = 4 * width,
               .positions = static_cast<std::uint32_t>(length),
               .rotary = width / heads / 2,
               .tied = true};
    }
    out.vocab = static_cast<std::uint32_t>((vocab + 15) / 16 * 16);
    return true;
}

std::string number(double x, const char* form = "%.4f") {
    char text[40];
    std::snprintf(text, sizeof text, form, x);
    return text;
}

/// The mean of the latest losses.
double recent_loss(const std::vector<narae::learn::curve_point>& curve) {
    const auto n = std::min<std::size_t>(curve.size(), 20);
    double sum = 0;
    for (auto i = curve.size() - n; i < curve.size(); ++i) sum += curve[i].loss;
    return n == 0 ? 0 : sum / static_cast<double>(n);
}

/// Writes a whole small file, or nothing.
narae::result<void> write_file(const std::string& path, std::string_view text) {
    auto sink = narae::sys::file_sink::create(path);
    if (!sink) return sink.error();
    const auto written = sink->write(narae::as_bytes(text));
    return written ? sink->commit() : written;
}

}  // namespace

int train_model(const std::vector<std::string>& words) {
    namespace learn = narae::learn;
    line args("narae-train model", help,
              {{"--corpus", "TEXT..."},
               {"--instruct", "JSONL..."},
               {"--tokenizer", "FILE"},
               {"--shape", "SHAPE"},
               {"-o", "MODEL", true},
               {"--init", "MODEL"},
               {"--teacher", "MODEL"},
               {"--teacher-share", "S"},
               {"--steps", "N"},
               {"--batch", "N"},
               {"--length", "N"},
               {"--accumulate", "N"},
               {"--rate", "R"},
               {"--warmup", "N"},
               {"--decay", "D"},
               {"--clip", "C"},
               {"--tasks", "SHARE"},
               {"--q4"},
               {"--bf16"},
               {"--valid", "TEXT"},
               {"--save-every", "N"},
               {"--resume"},
               {"--checkpoint-layers", "N"},
               {"--state-on-disk"},
               {"--memory-limit", "BYTES"},
               {"--seed", "N"},
               {"--threads", "N"},
               {"--attribution", "TEXT"}});
    args.read(words);
    learn::train_options o;
    const auto whole = [&](std::string_view name, std::uint64_t otherwise, std::uint64_t most) {
        return static_cast<std::size_t>(args.number(name, otherwise, 1, most));
    };
    o.sequences = whole("--batch", 16, 1 << 14);
    o.length = whole("--length", 256, 1 << 14);
    o.accumulate = whole("--accumulate", 1, 1 << 14);
    o.checkpoint_layers = args.has("--checkpoint-layers") ? whole("--checkpoint-layers", 1, 1024) : 0;
    o.rate = static_cast<float>(args.real("--rate", 1e-3, 0, 10));
    o.decay = static_cast<float>(args.real("--decay", 0.1, 0, 10));
    o.clip = static_cast<float>(args.real("--clip", 1, 1e-6, 1e6));
    const auto share = static_cast<float>(args.real("--teacher-share", 0.5, 0, 1));
    o.teacher_share = args.has("--teacher") ? share : 0;
    o.steps = args.number("--steps", 0, 1, 1u << 30);
    const bool resume = args.has("--resume"), warmed = args.has("--warmup");
    o.warmup = args.number("--warmup", 0, 0, 1u << 30);
    auto save_every = args.number("--save-every", 0, 1, 1u << 30);
    const auto limit = args.bytes("--memory-limit", 0);
    o.grid = args.has("--q4");
    o.seed = args.number("--seed", 1, 0, ~std::uint64_t{0});
    const auto tasks = args.real("--tasks", 0, 0, 1);
    const auto threads = static_cast<std::size_t>(args.number("--threads", 0, 1, 256));
    const auto to = args.text("-o"), state_path = to + ".state", init = args.text("--init");
    if (!args.has("--corpus") && !args.has("--instruct")) args.wrong("--corpus TEXT or --instruct JSONL is missing");
    if (init.empty() && !args.has("--shape")) args.wrong("--shape SHAPE or --init MODEL is missing");
    if (!init.empty() && args.has("--shape")) args.wrong("--shape comes with --init: give one of them");
    if (init.empty() && !args.has("--tokenizer")) args.wrong("--tokenizer FILE is missing");

    const auto failed = [&](const narae::error& e) { return args.failed(e); };
    auto team = narae::sys::team::make(threads);
    if (!team) return failed(team.error());
    auto gemm = narae::kernel::runnable_gemm().best();
    if (args.has("--bf16"))
        for (const auto& k : narae::kernel::runnable_gemm())
            if (!k.exact) gemm = k;

    if (const auto probe = narae::sys::file_sink::create(to); !probe) return failed(probe.error());  // now, not later
    if (!resume && narae::sys::file_view::open(state_path))
        return failed({narae::errc::bad_argument, state_path + ": the state of a run: --resume goes on from it, and " +
                                                      "once it is removed a new one can begin"});

    // The tokenizer, the shape and the weights to start from.
    std::vector<narae::store::checkpoint> sources;  // --init, --teacher
    const auto open = [&](const std::string& path, narae::store::config& config) -> narae::result<void> {
        auto from = narae::store::checkpoint::open(path);
        if (!from) return from.error();
        const auto read = narae::store::parse_config(from->config_text());
        if (!read) return read.error().in(from->config_name());
        config = *read;
        sources.push_back(std::move(*from));
        return {};
    };
    sources.reserve(2);
    narae::store::config config;
    if (!init.empty())
        if (const auto opened = open(init, config); !opened) return failed(opened.error());
    narae::sys::file_view tokenizer_file;
    auto tokenizer_bytes = sources.empty() ? narae::byte_view{} : sources[0].tokenizer_json();
    if (args.has("--tokenizer")) {
        auto file = narae::sys::file_view::open(args.text("--tokenizer"));
        if (!file) return failed(file.error());
        tokenizer_file = std::move(*file);
        tokenizer_bytes = tokenizer_file.bytes();
    }
    const auto tokenizer_name = args.text("--tokenizer", init);
    const auto tokenizer = narae::token::tokenizer::parse(tokenizer_bytes);
    if (!tokenizer) return failed(tokenizer.error().in(tokenizer_name));
    if (!tokenizer->end_of_text())
        return failed({narae::errc::unsupported, tokenizer_name + ": has no end-of-text token"});
    if (init.empty() && !read_shape(args.text("--shape"), tokenizer->size(), o.length, config))
        args.wrong("--shape is '" + args.text("--shape") + "', neither a name nor LAYERSxWIDTHxHEADS such as 12x256x8");
    if (tokenizer->size() > config.vocab)
        return failed({narae::errc::bad_value, init + ": has " + std::to_string(config.vocab) +
                                                   " rows, the tokenizer " + tokenizer_name + " " +
                                                   std::to_string(tokenizer->size()) + " ids"});

    // What is learned from.
    const stopwatch clock;
    learn::documents corpus(*tokenizer), valid(*tokenizer);
    std::vector<narae::sys::file_view> files;
    const auto read = [&](std::string_view path) -> narae::result<std::string_view> {
        auto file = narae::sys::file_view::open(std::string(path));
        if (!file) return file.error();
        files.push_back(std::move(*file));
        return narae::as_text(files.back().bytes());
    };
    std::string named;  // for the history
    for (const auto* option : {"--corpus", "--instruct", "--valid"})
        for (const auto path : args.all(option)) {
            const auto text = read(path);
            if (!text) return failed(text.error());
            const bool instruct = option == std::string_view("--instruct");
            auto& into = option == std::string_view("--valid") ? valid : corpus;
            const auto added = instruct ? into.add_instructions(*text)
                                        : into.add_text(*text, **team, &into == &corpus ? tasks : 0, o.seed);
            if (!added) return failed(added.error().in(std::string(path)));
            if (&into == &corpus)
                named += (named.empty() ? "" : ",") + narae::text::json_quote(path.substr(path.find_last_of('/') + 1));
        }
    files.clear();
    if (corpus.sequences(o.length) == 0)
        return failed({narae::errc::bad_value, "the corpus has " + std::to_string(corpus.tokens()) +
                                                   " tokens, fewer than one sequence of " + std::to_string(o.length)});
    const auto per_step = o.sequences * o.accumulate;
    if (args.has("--valid") && valid.sequences(o.length) == 0)
        return failed({narae::errc::bad_value, args.text("--valid") + ": has " + std::to_string(valid.tokens()) +
                                                   " tokens, fewer than one sequence of " + std::to_string(o.length)});
    if (o.steps == 0) o.steps = (corpus.sequences(o.length) + per_step - 1) / per_step;
    if (!warmed) o.warmup = o.steps / 50 + 1;
    if (save_every == 0) save_every = std::clamp<std::uint64_t>(o.steps / 10, 1, 500);
    if (args.has("--state-on-disk")) o.state_on_disk = to + ".numbers";

    // Memory: said first, then kept to.
    const narae::model::shape shape(config);
    const auto need = learn::trainer::bytes(shape, o, **team, gemm);
    std::uint64_t teacher_bytes = 0;
    narae::store::config teacher_config;
    const learn::network_options teacher_options{o.sequences, o.length, 0, false};
    if (args.has("--teacher")) {
        if (const auto opened = open(args.text("--teacher"), teacher_config); !opened) return failed(opened.error());
        if (teacher_config.vocab != config.vocab)
            return failed({narae::errc::bad_value, args.text("--teacher") + ": has " +
                                                       std::to_string(teacher_config.vocab) + " rows, the student " +
                                                       std::to_string(config.vocab) + ": not the same vocabulary"});
        const narae::model::shape s(teacher_config);
        teacher_bytes =
            learn::network::bytes(s, teacher_options, **team, gemm) + learn::count_parameters(s).all * sizeof(float);
    }
    const auto text_bytes = (corpus.tokens() + valid.tokens()) * 4 + 24 * (corpus.count() + valid.count()) +
                            (std::uint64_t{24} << 20);  // the tokenizer and this program
    const auto total = need.network + (o.state_on_disk.empty() ? need.state : 0) + teacher_bytes + text_bytes;
    if (limit != 0 && total > limit)
        return failed({narae::errc::out_of_memory,
                       "training needs " + std::to_string(total) + " bytes, the limit is " + std::to_string(limit) +
                           " (--batch, --checkpoint-layers and --state-on-disk need less)"});

    auto made = learn::trainer::make(config, o, **team, gemm);
    if (!made) return failed(made.error());
    auto& run = *made;
    std::vector<learn::curve_point> curve;
    if (resume) {
        if (const auto fine = run.resume(state_path, corpus); !fine) return failed(fine.error());
        if (const auto text = read(to + ".csv"))
            if (auto before = learn::read_curve_csv(*text)) curve = std::move(*before);
        while (!curve.empty() && curve.back().step > run.step()) curve.pop_back();
        files.clear();
    } else if (!init.empty()) {
        if (const auto fine = learn::fill_from(run.weights(), sources[0], shape); !fine) return failed(fine.error());
        for (const auto& t : sources[0].tensors()) sources[0].let_go(t);
    } else {
        learn::fill_random(run.weights(), shape, o.seed);
    }
    std::vector<float> teacher_weights;
    std::optional<learn::network> teacher_net;
    learn::teacher teacher;
    if (teacher_bytes != 0) {
        const narae::model::shape s(teacher_config);
        teacher_weights.resize(learn::count_parameters(s).all);
        if (const auto fine = learn::fill_from(teacher_weights, sources.back(), s); !fine) return failed(fine.error());
        auto net = learn::network::make(s, teacher_options, **team, gemm);
        if (!net) return failed(net.error());
        teacher_net = std::move(*net);
        teacher = {&*teacher_net, teacher_weights.data(), 0};
    }

    std::fprintf(stderr,
                 "%s parameters; %s tokens in %zu documents, %" PRIu64
                 " steps of %zu; %s kernels\n"
                 "memory: %s (network %s, weights and optimizer %s%s, text and program %s%s)\n",
                 number(static_cast<double>(learn::count_parameters(shape).all) / 1e6, "%.1f million").c_str(),
                 number(static_cast<double>(corpus.tokens()) / 1e6, "%.2f million").c_str(), corpus.count(), o.steps,
                 per_step * o.length, gemm.name, size_text(total).c_str(), size_text(need.network).c_str(),
                 size_text(need.state).c_str(), o.state_on_disk.empty() ? "" : " on disk",
                 size_text(text_bytes).c_str(),
                 teacher_bytes == 0 ? "" : (", teacher " + size_text(teacher_bytes)).c_str());

    // The run.
    const double before = curve.empty() ? 0 : curve.back().seconds;
    const auto save = [&]() -> narae::result<void> {
        for (const auto& [name, text] :
             {std::pair(to + ".csv", learn::curve_csv(curve)), std::pair(to + ".svg", learn::curve_svg(curve, to))})
            if (const auto fine = write_file(name, text); !fine) return fine;
        return run.save(state_path, corpus);
    };
    double loss = recent_loss(curve), last_valid = 0;
    for (const auto& p : curve)
        if (p.valid > 0) last_valid = p.valid;
    const std::uint64_t first_step = run.step();
    bool saved = resume;
    stopwatch going;
    const bool watched = command::watched();
    while (run.step() < o.steps) {
        const auto report = run.advance(corpus, teacher);
        if (!report) {
            auto e = report.error();
            e.what += saved ? "; the last good state is in " + state_path : "; no state had been saved yet";
            return failed(e);
        }
        const auto step = run.step();
        curve.push_back({.step = step,
                         .tokens = run.tokens(),
                         .loss = report->loss,
                         .rate = static_cast<double>(report->rate),
                         .seconds = before + going.seconds()});
        loss = recent_loss(curve);
        const double rate = static_cast<double>((step - first_step) * per_step * o.length) / going.seconds();
        const bool due = step % save_every == 0 || step == o.steps || stopped != 0;
        if (due && valid.sequences(o.length) != 0 && stopped == 0) {
            const auto v = run.validate(valid);
            last_valid = curve.back().valid = v.mean();
        }
        if (watched || due) {
            const double left = static_cast<double>((o.steps - step) * per_step * o.length) / rate;
            std::fprintf(stderr, "%sstep %" PRIu64 "/%" PRIu64 "  loss %.4f  %.0f tokens/s  %d:%02d left",
                         watched ? "\r" : "", step, o.steps, loss, rate, static_cast<int>(left / 3600),
                         static_cast<int>(left / 60) % 60);
            if (due && last_valid > 0)
                std::fprintf(stderr, "  held out %.4f, %.3f bits per character", last_valid,
                             last_valid * static_cast<double>(valid.tokens()) /
                                 static_cast<double>(valid.characters()) / std::log(2.0));
            std::fputs(watched && !due ? "\033[K" : "\n", stderr);
        }
        if (!due) continue;
        if (const auto fine = save(); !fine) return failed(fine.error());
        saved = true;
        if (stopped != 0 && step < o.steps)
            return failed({narae::errc::cancelled, "stopped; --resume goes on from " + state_path});
    }

    std::string history = "{\"step\":\"train\",\"narae\":\"" + std::string(narae::version_text) +
                          "\",\"steps\":" + std::to_string(run.step()) + ",\"tokens\":" + std::to_string(run.tokens()) +
                          ",\"loss\":" + number(loss) + (last_valid > 0 ? ",\"held_out\":" + number(last_valid) : "") +
                          (o.grid ? ",\"seen_as\":\"q4\"" : "") + ",\"texts\":[" + named + "]";
    if (args.has("--attribution")) history += ",\"attribution\":" + narae::text::json_quote(args.text("--attribution"));
    history += "}";
    const auto earlier = init.empty() ? std::string_view() : sources[0].metadata(narae::store::narae_history_key);
    const auto whole_history = narae::quant::detail::appended(earlier, history, init + ": history");
    if (!whole_history) return failed(whole_history.error());
    const auto written = run.write_model(to, tokenizer_bytes, *whole_history);
    if (!written) return failed(written.error());
    std::remove(state_path.c_str());
    std::printf("%s: %" PRIu64 " steps, loss %.4f, %s", to.c_str(), run.step(), loss, closing(*written, clock).c_str());
    return 0;
}

}  // namespace command
