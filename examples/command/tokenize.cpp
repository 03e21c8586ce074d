// SPDX-License-Identifier: MIT
#include <algorithm>

#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae tokenize -m MODEL|tokenizer.json [options]: stdin lines to lines of token ids\n"
    "\n"
    "  --pieces          LINE <TAB> pieces apart by one space; a space inside a piece is U+2581,\n"
    "                    a byte that is no whole character <0xHH>\n"
    "  --morphemes       the same with the morphemes that narae's own tokenizers cut words into\n"
    "  --decode          ids to text, byte for byte\n"
    "  --jsonl           a JSON string per line in, a JSON array of ids out (with --decode the reverse;\n"
    "                    bytes that are no character become U+FFFD)\n"
    "  --special         special tokens in the text are recognised\n"
    "  --no-expressions  no token for several morphemes: boundaries of morphemes are boundaries of tokens\n"
    "  --threads N       default: one per processor, at most 16\n"
    "\n"
    "  echo \"나래를 펴다\" | narae tokenize -m tokenizer.json --pieces\n";

struct task {
    const narae::token::tokenizer& tokenizer;
    bool pieces, morphemes, decode, jsonl;
    narae::token::encode_options how;
    std::vector<std::string> numbers;  // of each id, as it is written
};

/// What one thread holds while it answers.
struct worker {
    narae::token::encoder encoder;
    std::vector<narae::token_id> ids;
    std::string out;
    const char* wrong = nullptr;  // with the line at hand
    std::size_t bad_line = 0;
};

void append_piece(std::string& out, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto step = narae::text::utf8_front(bytes);
        if (!step.valid) {
            for (std::size_t i = 0; i < step.length; ++i) {
                char hex[8];
                std::snprintf(hex, sizeof hex, "<0x%02X>", static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
                out += hex;
            }
        } else {
            out += bytes.front() == ' ' ? "\xE2\x96\x81" : bytes.substr(0, step.length);
        }
        bytes.remove_prefix(step.length);
    }
}

/// Reads the ids of a line into `ids`, all of them ids of the tokenizer; or says what is wrong.
const char* read_line_of_ids(const task& t, std::string_view line, std::vector<narae::token_id>& ids) {
    ids.clear();
    if (t.jsonl) {
        const auto doc = narae::text::json::parse(line);
        const bool fine = doc && doc->root().is(narae::text::json_kind::array) &&
                          doc->root().for_each([&](const narae::text::json_value& v) {
                              return v.is(narae::text::json_kind::number) && read_ids(v.raw(), ids);
                          });
        if (!fine) return "not a JSON array of ids";
    } else if (!read_ids(line, ids)) {
        return "not a list of ids";
    }
    for (const auto id : ids)
        if (id >= t.tokenizer.size()) return "an id past the end of the vocabulary";
    return nullptr;
}

/// Appends the answer to one line; or gives the reason why the line is not what the options promise.
const char* answer(const task& t, std::string_view line, worker& w) {
    auto& out = w.out;
    if (t.decode) {
        if (const char* wrong = read_line_of_ids(t, line, w.ids)) return wrong;
        out += t.jsonl ? narae::text::json_quote(t.tokenizer.decode(w.ids)) : t.tokenizer.decode_bytes(w.ids);
        out += '\n';
        return nullptr;
    }
    std::string unquoted;
    if (t.jsonl) {
        const auto doc = narae::text::json::parse(line);
        if (!doc || !doc->root().is(narae::text::json_kind::string)) return "not a JSON string";
        line = unquoted = doc->root().string();
    }
    if (t.pieces) out.append(line) += '\t';
    if (t.morphemes) {
        const auto begin = out.size();
        w.encoder.for_each_segment(line, [&](std::string_view s) {
            if (out.size() != begin) out += ' ';
            append_piece(out, s);
        });
        out += '\n';
        return nullptr;
    }
    w.ids.clear();
    w.encoder.encode(line, t.how, w.ids);
    if (t.jsonl) out += '[';
    for (std::size_t i = 0; i < w.ids.size(); ++i) {
        if (i != 0) out += t.jsonl ? ',' : ' ';
        if (t.pieces)
            append_piece(out, t.tokenizer.bytes_of(w.ids[i]));
        else
            out += t.numbers[w.ids[i]];
    }
    if (t.jsonl) out += ']';
    out += '\n';
    return nullptr;
}

}  // namespace

int tokenize(const std::vector<std::string>& words) {
    command::line line("narae tokenize", help,
                       {{"-m", "MODEL", true},
                        {"--pieces"},
                        {"--morphemes"},
                        {"--decode"},
                        {"--jsonl"},
                        {"--special"},
                        {"--no-expressions"},
                        {"--threads", "N"}});
    line.read(words);
    const bool morphemes = line.has("--morphemes"), pieces = morphemes || line.has("--pieces");
    if (pieces && (line.has("--decode") || line.has("--jsonl")))
        line.wrong("--pieces and --morphemes go with neither --decode nor --jsonl");
    auto team = narae::sys::team::make(static_cast<std::size_t>(line.number("--threads", 0, 1, 256)));
    if (!team) return line.failed(team.error());

    const auto path = line.text("-m");
    auto parsed = [&]() -> narae::result<narae::token::tokenizer> {
        if (path.ends_with(".json") && !path.ends_with(".index.json")) {
            const auto file = narae::sys::file_view::open(path);
            if (!file) return file.error();
            auto t = narae::token::tokenizer::parse(file->bytes());
            if (!t) return t.error().in(path);
            return t;
        }
        const auto model = narae::store::checkpoint::open(path);
        if (!model) return model.error();
        if (model->tokenizer_json().empty()) return narae::error{narae::errc::not_found, path + ": has no tokenizer"};
        auto t = narae::token::tokenizer::parse(model->tokenizer_json());
        if (!t) return t.error().in(path);
        return t;
    }();
    if (!parsed) return line.failed(parsed.error());
    if (morphemes && !parsed->cuts_morphemes())
        return line.failed({narae::errc::unsupported, path + ": this tokenizer knows no morphemes"});
    task what{*parsed,
              pieces,
              morphemes,
              line.has("--decode"),
              line.has("--jsonl"),
              {.special = line.has("--special"), .expressions = !line.has("--no-expressions")},
              {}};
    for (std::size_t id = 0; id < parsed->size(); ++id) what.numbers.push_back(std::to_string(id));
    std::vector<worker> workers;
    for (std::size_t i = 0; i < (*team)->size(); ++i) workers.push_back({parsed->make_encoder(), {}, {}});

    constexpr std::size_t block = std::size_t{4} << 20;
    std::string text, rest;
    std::vector<std::string_view> lines;
    std::size_t number = 0;
    for (bool more = true; more;) {
        text = std::move(rest);
        const auto had = text.size();
        const auto wanted = (std::max)(block, had);  // a line without end is read by doubling, not block by block
        text.resize(had + wanted);
        const auto got = std::fread(text.data() + had, 1, wanted, stdin);
        more = got == wanted;
        text.resize(had + got);
        const auto last = text.rfind('\n');  // a line that is not whole yet waits for the next block
        const auto whole = !more ? text.size() : last == text.npos ? 0 : last + 1;
        rest = text.substr(whole);

        lines.clear();
        for (std::size_t from = 0; from < whole;) {
            const auto to = (std::min)(text.find('\n', from), whole);
            lines.push_back(std::string_view(text).substr(from, to - from));
            from = to + 1;
        }
        (*team)->run([&](std::size_t part, std::size_t parts) {
            auto& w = workers[part];
            w.out.clear();
            const auto mine = narae::sys::slice_of(lines.size(), 1, part, parts);
            for (auto i = mine.begin; i < mine.end && w.wrong == nullptr; ++i)
                if ((w.wrong = answer(what, lines[i], w)) != nullptr) w.bad_line = number + i + 1;
        });
        for (const auto& w : workers) {
            if (!put(w.out)) return line.failed({narae::errc::io, "cannot write to standard output"});
            if (w.wrong != nullptr)
                return line.failed(
                    {narae::errc::bad_value, "standard input: line " + std::to_string(w.bad_line) + ": " + w.wrong});
        }
        number += lines.size();
        if (command::stopped != 0) return 130;
    }
    return 0;
}
