// SPDX-License-Identifier: MIT
// How good a model is: KoBEST's five tasks, or how well it foresees a text; alone, or beside another model.
#include <optional>

#include "narae/toolkit.hpp"
#include "verbs.hpp"

namespace {

namespace judge = narae::judge;

constexpr const char* help =
    "narae evaluate kobest DIR | perplexity FILE  -m MODEL [options]: how good a model is\n"
    "\n"
    "kobest: each task of which DIR holds <task>.test.tsv or else <task>.dev.tsv, as published (boolq, copa, "
    "hellaswag,\n"
    "sentineg, wic), scored as lm-evaluation-harness does\n"
    "  --shots K               examples before each question, drawn from DIR/<task>.train.tsv (default 0)\n"
    "  --seed S                other examples (default 1)\n"
    "  --protocol harness|card card: HellaSwag's F1 is that of scores per character, as model cards print it\n"
    "  --items OUT.jsonl       task, row, scores and answer of every item\n"
    "perplexity: FILE is one text, read through windows that move by a stride\n"
    "  --stride N              tokens (default half the window)\n"
    "  --lines                 every line is a text of its own\n"
    "both:\n"
    "  --against MODEL         another model on the same items (McNemar's test) or tokens (divergence)\n"
    "  --window N              tokens that the model sees at once (default 512, or what it was trained for, if less)\n"
    "  --json                  for programs\n"
    "  --cache q8|f32          the key-value cache (default q8)\n"
    "  --threads N, --memory-limit BYTES: as in narae generate\n"
    "\n"
    "  narae evaluate kobest data/kobest -m model.safetensors --shots 5 --items answers.jsonl\n";

/// Figures by name: an object for programs, or a line for people.
class figures {
public:
    explicit figures(bool json) : json_(json) {}
    void add(const std::string& name, std::string value) { list_.emplace_back(name, std::move(value)); }
    void add(const std::string& name, std::uint64_t value) { add(name, std::to_string(value)); }
    void add(const std::string& name, double value) {
        char text[40];
        std::snprintf(text, sizeof text, value != 0 && value < 1e-3 ? "%.3g" : json_ ? "%.8f" : "%.4f", value);
        add(name, std::string(text));
    }
    std::string text() const {
        std::string out;
        for (const auto& [name, value] : list_) {
            if (!out.empty()) out += json_ ? "," : "  ";
            out += json_ ? narae::text::json_quote(name) + ":" + value : name + " " + value;
        }
        return json_ ? "{" + out + "}" : out + "\n";
    }

private:
    bool json_;
    std::vector<std::pair<std::string, std::string>> list_;
};

/// The model that is asked for and, where there is one to compare it with, the other; a conversation with each.
struct seats {
    std::vector<std::string> names;
    std::vector<narae::session> talks;

    static narae::result<seats> make(const command::line& line, narae::session_options how) {
        seats s;
        for (const char* option : {"-m", "--against"}) {
            if (!line.has(option)) continue;
            s.names.push_back(line.text(option));
            const auto model = narae::open(s.names.back(), open_options_of(line));
            if (!model) return model.error();
            s.talks.emplace_back(*model, how);
        }
        return s;
    }
};

struct exam {
    const judge::task* task;
    std::vector<judge::item> items;
    std::vector<std::vector<judge::verdict>> verdicts;  // of each model
};

narae::result<std::vector<judge::item>> read_items(const judge::task& t, const std::string& path) {
    const auto file = narae::sys::file_view::open(path);
    if (!file) return file.error();
    auto items = judge::read_kobest(t, narae::as_text(file->bytes()));
    return items ? items : items.error().in(path);
}

/// The tasks that the folder holds; not a task without examples, where they are asked for.
narae::result<std::vector<exam>> read_exams(const std::string& folder, std::size_t shots, std::uint64_t seed,
                                            const narae::session& talk) {
    std::vector<exam> exams;
    for (const auto& t : judge::kobest) {
        const auto path = folder + "/" + std::string(t.name);
        auto items = read_items(t, path + ".test.tsv");
        if (!items && items.error().code == narae::errc::not_found) items = read_items(t, path + ".dev.tsv");
        if (!items && items.error().code == narae::errc::not_found) continue;
        if (!items) return items.error();
        if (shots != 0) {
            const auto train = read_items(t, path + ".train.tsv");
            if (!train) return train.error();
            const auto added = judge::add_examples(*items, *train, shots, seed, talk);
            if (!added) return added.error().in(t.name);
        }
        exams.push_back({&t, std::move(*items), {}});
    }
    if (exams.empty())
        return narae::error{narae::errc::not_found, folder + ": no <task>.test.tsv or <task>.dev.tsv of KoBEST in it"};
    return exams;
}

/// One model's answers to a task, as F1 and a comparison count them.
std::vector<judge::answer> answers_of(const exam& e, std::size_t model, bool by_length) {
    std::vector<judge::answer> all;
    for (std::size_t i = 0; i < e.items.size(); ++i) {
        const auto& v = e.verdicts[model][i];
        all.push_back({e.items[i].gold, by_length ? v.pred_by_length : v.pred});
    }
    return all;
}

/// One line for each item of the first model.
std::string jsonl(const exam& e, bool by_length) {
    std::string out;
    for (std::size_t i = 0; i < e.items.size(); ++i) {
        const auto& v = e.verdicts[0][i];
        std::string scores;
        for (const double s : v.scores) scores += narae::concat({scores.empty() ? "" : ",", narae::num::decimal(s, 6)});
        figures f(true);
        f.add("task", narae::text::json_quote(e.task->name));
        f.add("row", std::uint64_t{i + 1});
        f.add("scores", narae::concat({"[", scores, "]"}));
        f.add("pred", std::uint64_t{by_length ? v.pred_by_length : v.pred});
        f.add("gold", std::uint64_t{e.items[i].gold});
        out += f.text() + "\n";
    }
    return out;
}

std::string report(const exam& e, std::size_t shots, bool card, bool json) {
    figures f(json);
    const auto n = e.items.size();
    const bool by_length = card && e.task->by_length;
    const auto grade = [&](const std::string& whose, std::size_t m) {
        const auto share = [&](const std::string& name, double p) {
            f.add(whose + name, p);
            f.add(whose + name + "_stderr", judge::share_error(p, n));
        };
        share("acc", judge::accuracy(answers_of(e, m, false)));
        f.add(whose + "macro_f1", judge::macro_f1(answers_of(e, m, by_length)));
        if (e.task->by_length) share("acc_norm", judge::accuracy(answers_of(e, m, true)));
    };
    f.add("task", json ? narae::text::json_quote(e.task->name) : std::string(e.task->name));
    f.add("shots", std::uint64_t{shots});
    f.add("n", std::uint64_t{n});
    f.add("items_truncated",
          static_cast<std::uint64_t>(std::ranges::count_if(e.verdicts[0], [](const auto& v) { return v.cut; })));
    grade("", 0);
    if (e.verdicts.size() == 2) {
        const auto ours = answers_of(e, 0, by_length), theirs = answers_of(e, 1, by_length);
        std::size_t alone[2] = {};
        for (std::size_t i = 0; i < n; ++i) {
            const bool a = ours[i].gold == ours[i].pred, b = theirs[i].gold == theirs[i].pred;
            alone[0] += a && !b;
            alone[1] += b && !a;
        }
        grade("against_", 1);
        f.add("right_alone", std::uint64_t{alone[0]});
        f.add("against_right_alone", std::uint64_t{alone[1]});
        f.add("mcnemar_p", judge::mcnemar(alone[0], alone[1]));
    }
    return f.text();
}

int kobest(const command::line& line, narae::session_options how) {
    const auto shots = static_cast<std::size_t>(line.number("--shots", 0, 0, 1000));
    const auto seed = line.number("--seed", 1, 0, ~std::uint64_t{0});
    const bool card = line.choice("--protocol", "harness", {"harness", "card"}) == 1, json = line.has("--json");
    auto seats = seats::make(line, how);
    if (!seats) return line.failed(seats.error());
    auto exams = read_exams(line.arguments()[1], shots, seed, seats->talks[0]);
    if (!exams) return line.failed(exams.error());
    std::optional<narae::sys::file_sink> items;
    if (line.has("--items")) {
        auto sink = narae::sys::file_sink::create(line.text("--items"));  // now, not after the work
        if (!sink) return line.failed(sink.error());
        items.emplace(std::move(*sink));
    }

    const auto size_of = [](const judge::item& i) {  // what it costs, nearly
        std::uint64_t size = i.context.size();
        for (const auto& c : i.choices) size += c.size() + 20;
        return size;
    };
    std::uint64_t done = 0, total = 0;
    for (const auto& e : *exams)
        for (const auto& i : e.items) total += size_of(i) * seats->talks.size();
    std::string reports;
    {
        command::progress progress("answering");
        for (auto& e : *exams) {
            for (auto& talk : seats->talks) {
                auto& verdicts = e.verdicts.emplace_back();
                for (const auto& i : e.items) {
                    auto v = judge::decide(talk, i);
                    if (!v)
                        return line.failed(
                            v.error().in(std::string(e.task->name) + ": item " + std::to_string(verdicts.size() + 1)));
                    verdicts.push_back(std::move(*v));
                    if (!progress(done += size_of(i), total)) return 130;
                }
            }
            reports += (json && !reports.empty() ? ",\n" : "") + report(e, shots, card, json);
            if (!items) continue;
            const auto written = items->write(narae::as_bytes(jsonl(e, card && e.task->by_length)));
            if (!written) return line.failed(written.error());
        }
    }
    if (items)
        if (const auto written = items->commit(); !written) return line.failed(written.error());
    if (json) reports = "{\"model\":" + narae::text::json_quote(seats->names[0]) + ",\"tasks\":[\n" + reports + "]}\n";
    return put(reports) ? 0 : line.failed({narae::errc::io, "cannot write to standard output"});
}

int perplexity(const command::line& line, narae::session_options how) {
    const auto stride = static_cast<std::size_t>(line.number("--stride", 0, 1, 1 << 20));
    const auto& path = line.arguments()[1];
    auto seats = seats::make(line, how);
    if (!seats) return line.failed(seats.error());
    const auto file = narae::sys::file_view::open(path);
    if (!file) return line.failed(file.error());
    auto text = narae::as_text(file->bytes());
    if (const auto fine = narae::text::check_utf8(text); !fine) return line.failed(fine.error().in(path));
    std::vector<std::string_view> texts{text};
    if (line.has("--lines"))
        for (texts.clear(); !text.empty();) texts.push_back(narae::text::take_line(text));

    auto& talks = seats->talks;
    const bool json = line.has("--json");
    const bool two = talks.size() == 2, alike = two && judge::same_tokens(talks[0].model(), talks[1].model());
    figures f(json);
    for (std::size_t m = 0; m < (alike ? 1 : talks.size()); ++m) {
        narae::result<judge::foresight> seen = narae::error{};
        {
            command::progress progress("reading");
            seen = judge::foresee(talks[m], texts, stride, alike ? &talks[1] : nullptr, progress);
        }
        if (!seen) return line.failed(seen.error().in(path));
        const std::string whose = m == 0 ? "" : "against_";
        const auto add = [&](const char* name, auto value) { f.add(whose + name, value); };
        add("bits_per_char", seen->bits_per_char());
        add("bits_per_byte", seen->bits_per_byte());
        add("perplexity", seen->perplexity());
        add("nats_per_token", seen->per_token());
        add("tokens", seen->tokens);
        if (m == 0) {
            f.add("characters", seen->characters);
            f.add("bytes", seen->bytes);
            const auto window = alike ? (std::min)(talks[0].window(), talks[1].window()) : talks[0].window();
            f.add("window", std::uint64_t{window});
            f.add("stride", std::uint64_t{stride != 0 ? stride : (window + 1) / 2});
        }
        if (alike) {
            const auto tokens = static_cast<double>(seen->tokens);
            f.add("against_bits_per_char", seen->bits_per_char() * seen->against_nats / seen->nats);
            f.add("against_perplexity", std::exp(seen->against_nats / tokens));
            f.add("kl_per_token", seen->divergence / tokens);
            f.add("same_top", static_cast<double>(seen->same_top) / tokens);
        }
    }
    return put(f.text() + (json ? "\n" : "")) ? 0 : line.failed({narae::errc::io, "cannot write to standard output"});
}

}  // namespace

int evaluate(const std::vector<std::string>& words) {
    command::line line("narae evaluate", help,
                       {{"-m", "MODEL", true},
                        {"--shots", "K"},
                        {"--seed", "S"},
                        {"--protocol", "NAME"},
                        {"--items", "OUT.jsonl"},
                        {"--stride", "N"},
                        {"--lines"},
                        {"--against", "MODEL"},
                        {"--window", "N"},
                        {"--json"},
                        {"--cache", "TYPE"},
                        {"--threads", "N"},
                        {"--memory-limit", "BYTES"}},
                       "kobest DIR or perplexity FILE", 2, 2);
    line.read(words);
    const auto& what = line.arguments()[0];
    if (what != "kobest" && what != "perplexity") line.wrong("'" + what + "' is neither kobest nor perplexity");
    for (const char* option : {"--shots", "--seed", "--protocol", "--items"})
        if (what != "kobest" && line.has(option)) line.wrong(std::string(option) + " goes with kobest");
    for (const char* option : {"--stride", "--lines"})
        if (what != "perplexity" && line.has(option)) line.wrong(std::string(option) + " goes with perplexity");
    const narae::session_options how{.cache = cache_of(line),
                                     .window = static_cast<std::size_t>(line.number("--window", 0, 8, 1 << 20))};
    return what == "kobest" ? kobest(line, how) : perplexity(line, how);
}
