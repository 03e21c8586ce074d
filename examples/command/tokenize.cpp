// SPDX-License-Identifier: MIT
#include <algorithm>

#include "verbs.hpp"

namespace {

constexpr const char* help =
    "narae tokenize -m MODEL|tokenizer.json [options]: stdin lines to lines of token ids\n"
    "\n"
    "  --pieces       LINE <TAB> pieces apart by one space; a space inside a piece is U+2581,\n"
    "                 a byte that is no whole character <0xHH>\n"
    "  --decode       ids to text\n"
    "  --jsonl        a JSON string per line in, a JSON array of ids out (with --decode the reverse)\n"
    "  --special      special tokens in the text are recognised\n"
    "  --threads N    default: one per processor, at most 16\n"
    "\n"
    "  echo \"나래를 펴다\" | narae tokenize -m tokenizer.json --pieces\n";

struct task {
    const narae::token::tokenizer& tokenizer;
    bool pieces, decode, jsonl, special;
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

/// Appends the answer to one line; false, with the reason in `out`, if the line is not what the options promise.
bool answer(const task& t, std::string_view line, std::string& out) {
    if (t.decode) {
        std::vector<narae::token_id> ids;
        if (t.jsonl) {
            const auto doc = narae::text::json::parse(line);
            bool fine = doc && doc->root().is(narae::text::json_kind::array);
            if (fine)
                doc->root().for_each([&](const narae::text::json_value& v) {
                    return fine = v.is(narae::text::json_kind::number) && read_ids(v.raw(), ids);
                });
            if (!fine) return out = "not a JSON array of ids", false;
            out += narae::text::json_quote(t.tokenizer.decode(ids));
        } else {
            if (!read_ids(line, ids)) return out = "not a list of ids", false;
            out += t.tokenizer.decode(ids);
        }
    } else {
        std::string unquoted;
        if (t.jsonl) {
            const auto doc = narae::text::json::parse(line);
            if (!doc || !doc->root().is(narae::text::json_kind::string)) return out = "not a JSON string", false;
            unquoted = doc->root().string();
            line = unquoted;
        }
        const auto ids = t.tokenizer.encode(line, t.special);
        if (t.pieces) {
            out += line;
            out += '\t';
        } else if (t.jsonl) {
            out += '[';
        }
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (i != 0) out += t.jsonl ? "," : " ";
            if (t.pieces)
                append_piece(out, t.tokenizer.bytes_of(ids[i]));
            else
                out += std::to_string(ids[i]);
        }
        if (t.jsonl) out += ']';
    }
    out += '\n';
    return true;
}

}  // namespace

int tokenize(const std::vector<std::string>& words) {
    command::line line(
        "narae tokenize", help,
        {{"-m", "MODEL", true}, {"--pieces"}, {"--decode"}, {"--jsonl"}, {"--special"}, {"--threads", "N"}});
    line.read(words);
    if (line.has("--pieces") && (line.has("--decode") || line.has("--jsonl")))
        line.wrong("--pieces goes with neither --decode nor --jsonl");
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
    const task what{*parsed, line.has("--pieces"), line.has("--decode"), line.has("--jsonl"), line.has("--special")};

    constexpr std::size_t block = std::size_t{4} << 20;
    std::string text, rest;
    std::vector<std::string_view> lines;
    std::size_t number = 0;
    for (bool more = true; more;) {
        text = std::move(rest);
        const auto had = text.size();
        text.resize(had + block);
        const auto got = std::fread(text.data() + had, 1, block, stdin);
        more = got == block;
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
        struct share {
            std::string out;
            std::size_t bad_line = 0;
        };
        std::vector<share> shares((*team)->size());
        (*team)->run([&](std::size_t part, std::size_t parts) {
            const auto mine = narae::sys::slice_of(lines.size(), 1, part, parts);
            std::string one;
            for (auto i = mine.begin; i < mine.end && shares[part].bad_line == 0; ++i) {
                one.clear();
                if (!answer(what, lines[i], one)) shares[part].bad_line = number + i + 1;
                shares[part].out += one;
            }
        });
        for (auto& s : shares) {
            if (s.bad_line == 0) {
                if (!put(s.out)) return line.failed({narae::errc::io, "cannot write to standard output"});
                continue;
            }
            const auto reason = s.out.rfind('\n') == s.out.npos ? s.out : s.out.substr(s.out.rfind('\n') + 1);
            put(std::string_view(s.out).substr(0, s.out.size() - reason.size()));
            return line.failed(
                {narae::errc::bad_value, "standard input: line " + std::to_string(s.bad_line) + ": " + reason});
        }
        number += lines.size();
        if (command::stopped != 0) return 130;
    }
    return 0;
}
