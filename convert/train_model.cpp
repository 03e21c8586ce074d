// SPDX-License-Identifier: MIT
// narae-train model: text and instructions become a model, or make one better.
#include <chrono>
#include <cinttypes>

#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

namespace {

namespace learn = narae::learn;
using narae::result;

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
double recent_loss(const std::vector<learn::curve_point>& curve) {
    const auto n = std::min<std::size_t>(curve.size(), 20);
    double sum = 0;
    for (auto i = curve.size() - n; i < curve.size(); ++i) sum += curve[i].loss;
    return n == 0 ? 0 : sum / static_cast<double>(n);
}

/// Writes a whole small file, or nothing.
result<void> write_file(const std::string& path, std::string_view text) {
    auto sink = narae::sys::file_sink::create(path);
    if (!sink) return sink.error();
    const auto written = sink->write(narae::as_bytes(text));
    return written ? sink->commit() : written;
}

/// What is asked for, as far as the options alone say it.
struct settings {
    learn::train_options train;  // steps 0: one pass
    std::string to, state, init;
    bool resume = false, warmed = false;
    std::uint64_t save_every = 0, memory_limit = 0;
    std::size_t threads = 0;
    double tasks = 0;
};

settings read_settings(const line& args) {
    settings s;
    auto& o = s.train;
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
    s.resume = args.has("--resume"), s.warmed = args.has("--warmup");
    o.warmup = args.number("--warmup", 0, 0, 1u << 30);
    s.save_every = args.number("--save-every", 0, 1, 1u << 30);
    s.memory_limit = args.bytes("--memory-limit", 0);
    o.grid = args.has("--q4");
    o.seed = args.number("--seed", 1, 0, ~std::uint64_t{0});
    s.tasks = args.real("--tasks", 0, 0, 1);
    s.threads = static_cast<std::size_t>(args.number("--threads", 0, 1, 256));
    s.to = args.text("-o"), s.state = s.to + ".state", s.init = args.text("--init");
    if (args.has("--state-on-disk")) o.state_on_disk = s.to + ".numbers";
    if (!args.has("--corpus") && !args.has("--instruct")) args.wrong("--corpus TEXT or --instruct JSONL is missing");
    if (s.init.empty() && !args.has("--shape")) args.wrong("--shape SHAPE or --init MODEL is missing");
    if (!s.init.empty() && args.has("--shape")) args.wrong("--shape comes with --init: give one of them");
    if (s.init.empty() && !args.has("--tokenizer")) args.wrong("--tokenizer FILE is missing");
    return s;
}

/// A model that is started from or learned from.
struct source {
    narae::store::checkpoint from;
    narae::store::config config;

    static result<source> open(const std::string& path) {
        auto from = narae::store::checkpoint::open(path);
        if (!from) return from.error();
        const auto config = narae::store::parse_config(from->config_text());
        if (!config) return config.error().in(from->config_name());
        return source{std::move(*from), *config};
    }
};

/// One training run; its steps are called in the order in which they stand.
class job {
public:
    explicit job(const line& args) : args_(args), asked_(read_settings(args)) {}

    /// The machine, the places to write to, the tokenizer and the shape.
    result<void> open() {
        narae::error why;
        if (!narae::sys::team::make(asked_.threads).into(team_, why)) return why;
        gemm_ = narae::kernel::runnable_gemm().best();
        if (args_.has("--bf16"))
            for (const auto& k : narae::kernel::runnable_gemm())
                if (!k.exact) gemm_ = k;
        if (const auto probe = narae::sys::file_sink::create(asked_.to); !probe)
            return probe.error();  // now, not later
        if (!asked_.resume && narae::sys::file_view::open(asked_.state))
            return narae::error{narae::errc::bad_argument, asked_.state +
                                                               ": the state of a run: --resume goes on from it, and " +
                                                               "once it is removed a new one can begin"};

        if (!asked_.init.empty()) {
            if (!source::open(asked_.init).into(init_, why)) return why;
            config_ = init_->config;
            tokenizer_bytes_ = init_->from.tokenizer_json();
        }
        if (args_.has("--tokenizer")) {
            if (!narae::sys::file_view::open(args_.text("--tokenizer")).into(tokenizer_file_, why)) return why;
            tokenizer_bytes_ = tokenizer_file_.bytes();
        }
        const auto name = args_.text("--tokenizer", asked_.init);
        if (!narae::token::tokenizer::parse(tokenizer_bytes_).into(tokenizer_, why)) return why.in(name);
        if (!tokenizer_->end_of_text())
            return narae::error{narae::errc::unsupported, name + ": has no end-of-text token"};
        if (!init_ && !read_shape(args_.text("--shape"), tokenizer_->size(), asked_.train.length, config_))
            args_.wrong("--shape is '" + args_.text("--shape") +
                        "', neither a name nor LAYERSxWIDTHxHEADS such as 12x256x8");
        if (tokenizer_->size() > config_.vocab)
            return narae::error{narae::errc::bad_value, asked_.init + ": has " + std::to_string(config_.vocab) +
                                                            " rows, the tokenizer " + name + " " +
                                                            std::to_string(tokenizer_->size()) + " ids"};
        return {};
    }

    /// What is learned from, and how many steps that makes.
    result<void> read_texts() {
        corpus_.emplace(*tokenizer_), valid_.emplace(*tokenizer_);
        auto& o = asked_.train;
        for (const std::string_view option : {"--corpus", "--instruct", "--valid"})
            for (const auto path : args_.all(option)) {
                const auto file = narae::sys::file_view::open(std::string(path));
                if (!file) return file.error();
                const auto text = narae::as_text(file->bytes());
                const bool valid = option == "--valid";
                const auto added = valid                    ? valid_->add_text(text, *team_)
                                   : option == "--instruct" ? corpus_->add_instructions(text)
                                                            : corpus_->add_text(text, *team_, asked_.tasks, o.seed);
                if (!added) return added.error().in(path);
                if (valid) continue;
                texts_ += texts_.empty() ? "" : ",";
                texts_ += narae::text::json_quote(path.substr(path.find_last_of('/') + 1));
            }
        const auto too_short = [&](const std::string& what, const learn::documents& text) {
            return narae::error{narae::errc::bad_value, what + std::to_string(text.tokens()) +
                                                            " tokens, fewer than one sequence of " +
                                                            std::to_string(o.length)};
        };
        if (corpus_->sequences(o.length) == 0) return too_short("the corpus has ", *corpus_);
        if (args_.has("--valid") && valid_->sequences(o.length) == 0)
            return too_short(args_.text("--valid") + ": has ", *valid_);
        per_step_ = o.sequences * o.accumulate;
        if (o.steps == 0) o.steps = (corpus_->sequences(o.length) + per_step_ - 1) / per_step_;
        if (!asked_.warmed) o.warmup = o.steps / 50 + 1;
        if (asked_.save_every == 0) asked_.save_every = std::clamp<std::uint64_t>(o.steps / 10, 1, 500);
        return {};
    }

    /// Memory: said first, then kept to.
    result<void> plan() {
        const auto& o = asked_.train;
        const narae::model::shape shape(config_);
        const auto need = learn::trainer::bytes(shape, o, *team_, gemm_);
        std::uint64_t teacher_bytes = 0;
        if (args_.has("--teacher")) {
            narae::error why;
            if (!source::open(args_.text("--teacher")).into(teacher_, why)) return why;
            if (teacher_->config.vocab != config_.vocab)
                return narae::error{narae::errc::bad_value, args_.text("--teacher") + ": has " +
                                                                std::to_string(teacher_->config.vocab) +
                                                                " rows, the student " + std::to_string(config_.vocab) +
                                                                ": not the same vocabulary"};
            const narae::model::shape s(teacher_->config);
            teacher_bytes = learn::network::bytes(s, teacher_options(), *team_, gemm_) +
                            learn::count_parameters(s).all * sizeof(float);
        }
        const auto text_bytes = (corpus_->tokens() + valid_->tokens()) * 4 + 24 * (corpus_->count() + valid_->count()) +
                                (std::uint64_t{24} << 20);  // the tokenizer and this program
        const auto total = need.network + (o.state_on_disk.empty() ? need.state : 0) + teacher_bytes + text_bytes;
        if (asked_.memory_limit != 0 && total > asked_.memory_limit)
            return narae::error{narae::errc::out_of_memory,
                                "training needs " + std::to_string(total) + " bytes, the limit is " +
                                    std::to_string(asked_.memory_limit) +
                                    " (--batch, --checkpoint-layers and --state-on-disk need less)"};
        told_ = number(static_cast<double>(learn::count_parameters(shape).all) / 1e6, "%.1f million") +
                " parameters; " + number(static_cast<double>(corpus_->tokens()) / 1e6, "%.2f million") + " tokens in " +
                std::to_string(corpus_->count()) + " documents, " + std::to_string(o.steps) + " steps of " +
                std::to_string(per_step_ * o.length) + "; " + gemm_.name + " kernels\nmemory: " + size_text(total) +
                " (network " + size_text(need.network) + ", weights and optimizer " + size_text(need.state) +
                (o.state_on_disk.empty() ? "" : " on disk") + ", text and program " + size_text(text_bytes) +
                (teacher_bytes == 0 ? "" : ", teacher " + size_text(teacher_bytes)) + ")\n";
        return {};
    }

    /// The weights to begin with: of a state, of a model, or random ones. And the teacher's.
    result<void> begin() {
        narae::error why;
        const narae::model::shape shape(config_);
        if (!learn::trainer::make(config_, asked_.train, *team_, gemm_).into(run_, why)) return why;
        if (asked_.resume) {
            if (const auto fine = run_->resume(asked_.state, *corpus_); !fine) return fine;
            if (const auto file = narae::sys::file_view::open(asked_.to + ".csv"))
                if (auto before = learn::read_curve_csv(narae::as_text(file->bytes()))) curve_ = std::move(*before);
            while (!curve_.empty() && curve_.back().step > run_->step()) curve_.pop_back();
        } else if (init_) {
            if (const auto fine = learn::fill_from(run_->weights(), init_->from, shape); !fine) return fine;
            for (const auto& t : init_->from.tensors()) init_->from.let_go(t);
        } else {
            learn::fill_random(run_->weights(), shape, asked_.train.seed);
        }
        if (teacher_) {
            const narae::model::shape s(teacher_->config);
            teacher_weights_.resize(learn::count_parameters(s).all);
            if (const auto fine = learn::fill_from(teacher_weights_, teacher_->from, s); !fine) return fine;
            if (!learn::network::make(s, teacher_options(), *team_, gemm_).into(teacher_net_, why)) return why;
        }
        std::fputs(told_.c_str(), stderr);
        return {};
    }

    /// The steps.
    result<void> run() {
        const auto& o = asked_.train;
        const double before = curve_.empty() ? 0 : curve_.back().seconds;
        loss_ = recent_loss(curve_);
        for (const auto& p : curve_)
            if (p.valid > 0) held_out_ = p.valid;
        const std::uint64_t first_step = run_->step();
        const learn::teacher teacher =
            teacher_ ? learn::teacher{&*teacher_net_, teacher_weights_.data(), 0} : learn::teacher{};
        bool saved = asked_.resume;
        const stopwatch going;
        while (run_->step() < o.steps) {
            const auto report = run_->advance(*corpus_, teacher);
            if (!report) {
                auto e = report.error();
                e.what += saved ? "; the last good state is in " + asked_.state : "; no state had been saved yet";
                return e;
            }
            const auto step = run_->step();
            curve_.push_back({.step = step,
                              .tokens = run_->tokens(),
                              .loss = report->loss,
                              .rate = static_cast<double>(report->rate),
                              .seconds = before + going.seconds()});
            loss_ = recent_loss(curve_);
            const bool due = step % asked_.save_every == 0 || step == o.steps || stopped != 0;
            if (due && valid_->sequences(o.length) != 0 && stopped == 0)
                held_out_ = curve_.back().valid = run_->validate(*valid_).mean();
            tell(due, static_cast<double>((step - first_step) * per_step_ * o.length) / going.seconds());
            if (!due) continue;
            if (const auto fine = save(); !fine) return fine;
            saved = true;
            if (stopped != 0 && step < o.steps)
                return narae::error{narae::errc::cancelled, "stopped; --resume goes on from " + asked_.state};
        }
        return {};
    }

    /// The model, with its history.
    result<void> write() {
        std::string history = "{\"step\":\"train\",\"narae\":\"" + std::string(narae::version_text) +
                              "\",\"steps\":" + std::to_string(run_->step()) +
                              ",\"tokens\":" + std::to_string(run_->tokens()) + ",\"loss\":" + number(loss_) +
                              (held_out_ > 0 ? ",\"held_out\":" + number(held_out_) : "") +
                              (asked_.train.grid ? ",\"seen_as\":\"q4\"" : "") + ",\"texts\":[" + texts_ + "]";
        if (args_.has("--attribution"))
            history += ",\"attribution\":" + narae::text::json_quote(args_.text("--attribution"));
        history += "}";
        const auto earlier = init_ ? init_->from.metadata(narae::store::narae_history_key) : std::string_view();
        const auto all = narae::quant::detail::appended(earlier, history, asked_.init + ": history");
        if (!all) return all.error();
        const auto written = run_->write_model(asked_.to, tokenizer_bytes_, *all);
        if (!written) return written.error();
        std::remove(asked_.state.c_str());
        std::printf("%s: %" PRIu64 " steps, loss %.4f, %s", asked_.to.c_str(), run_->step(), loss_,
                    closing(*written, clock_).c_str());
        return {};
    }

private:
    learn::network_options teacher_options() const { return {asked_.train.sequences, asked_.train.length, 0, false}; }

    result<void> save() {
        for (const auto& [name, text] : {std::pair(asked_.to + ".csv", learn::curve_csv(curve_)),
                                         std::pair(asked_.to + ".svg", learn::curve_svg(curve_, asked_.to))})
            if (const auto fine = write_file(name, text); !fine) return fine;
        return run_->save(asked_.state, *corpus_);
    }

    /// Where the run stands, at so many tokens a second: a line when a state is due, else over the line before.
    void tell(bool due, double rate) const {
        if (!watched_ && !due) return;
        const auto& o = asked_.train;
        const double left = static_cast<double>((o.steps - run_->step()) * per_step_ * o.length) / rate;
        std::fprintf(stderr, "%sstep %" PRIu64 "/%" PRIu64 "  loss %.4f  %.0f tokens/s  %d:%02d left",
                     watched_ ? "\r" : "", run_->step(), o.steps, loss_, rate, static_cast<int>(left / 3600),
                     static_cast<int>(left / 60) % 60);
        if (due && held_out_ > 0)
            std::fprintf(stderr, "  held out %.4f, %.3f bits per character", held_out_,
                         held_out_ * static_cast<double>(valid_->tokens()) / static_cast<double>(valid_->characters()) /
                             std::log(2.0));
        std::fputs(watched_ && !due ? "\033[K" : "\n", stderr);
    }

    const line& args_;
    settings asked_;
    const stopwatch clock_;
    const bool watched_ = command::watched();
    std::unique_ptr<narae::sys::team> team_;
    narae::kernel::gemm_kernel gemm_;
    std::optional<source> init_, teacher_;
    narae::store::config config_;
    narae::sys::file_view tokenizer_file_;
    narae::byte_view tokenizer_bytes_;
    std::optional<narae::token::tokenizer> tokenizer_;
    std::optional<learn::documents> corpus_, valid_;
    std::string texts_;  // names, for the history
    std::size_t per_step_ = 0;
    std::string told_;  // before the first step
    std::optional<learn::trainer> run_;
    std::vector<float> teacher_weights_;
    std::optional<learn::network> teacher_net_;
    std::vector<learn::curve_point> curve_;
    double loss_ = 0, held_out_ = 0;
};

}  // namespace

int train_model(const std::vector<std::string>& words) {
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
    job j(args);
    for (const auto step : {&job::open, &job::read_texts, &job::plan, &job::begin, &job::run, &job::write})
        if (const auto done = (j.*step)(); !done) return args.failed(done.error());
    return 0;
}

}  // namespace command
