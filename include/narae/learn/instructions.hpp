// SPDX-License-Identifier: MIT
// Instructions with their answers: read from JSON lines, and made into token ids with the place where the answer
// begins. Roles are marked by special tokens, <|user|> text <|/user|> and <|assistant|> text <|/assistant|>, which are
// put in as ids: text that only looks like them stays text.
#ifndef NARAE_LEARN_INSTRUCTIONS_HPP
#define NARAE_LEARN_INSTRUCTIONS_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/learn/tasks.hpp"
#include "narae/text/json.hpp"
#include "narae/token/tokenizer.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::learn {

/// The records {"instruction", "input", "output"} of a file, one a line; "input" may be missing, other keys do not
/// matter. The prompt is the instruction and, on lines of its own, the input. Errors name the line: bad_value, also
/// where there is no record at all.
inline result<std::vector<prompted>> read_instructions(std::string_view jsonl) {
    return guarded([&]() -> result<std::vector<prompted>> {
        std::vector<prompted> all;
        if (jsonl.starts_with("\xEF\xBB\xBF")) jsonl.remove_prefix(3);  // a byte order mark
        for (std::size_t number = 1; !jsonl.empty(); ++number) {
            const auto line = text::take_line(jsonl);
            if (line.find_first_not_of(" \t\r") == line.npos) continue;
            const auto bad = [&](std::string_view what, std::string_view why) {
                return error{errc::bad_value, {"line ", number, ": ", what, why}};
            };
            const auto doc = text::json::parse(line);
            if (!doc) return doc.error().in(concat({"line ", number}));
            const auto record = doc->root();
            if (!record.is(text::json_kind::object)) return bad("not an object", "");
            for (const char* key : {"instruction", "output", "input"}) {
                const auto value = record[key];
                const bool needed = key != std::string_view("input");
                if (needed && value.missing_or_null()) return bad(key, " is missing");
                if (!value.missing_or_null() && !value.is(text::json_kind::string)) return bad(key, " is no string");
                if (needed && value.raw().empty()) return bad(key, " is empty");
            }
            prompted p{record["instruction"].string(), record["output"].string()};
            if (const auto input = record["input"].string(); !input.empty()) p.prompt += "\n" + input;
            all.push_back(std::move(p));
        }
        if (all.empty()) return error{errc::bad_value, "no instructions"};
        return all;
    });
}

/// What a model is trained on: the loss is taken on ids[answer_at] and all that follow.
struct example {
    std::vector<token::token_id> ids;
    std::size_t answer_at = 0;
};

/// The ids of a prompt and its answer, then the token that ends a text. With `chat` they stand in the marks of the user
/// and of the assistant; else a blank is between them. The ids before answer_at are what a model that answers is given.
/// Errors: unsupported where the tokenizer lacks one of the special tokens, which is named.
inline result<example> encode_example(const token::tokenizer& t, const prompted& text, bool chat) {
    return guarded([&]() -> result<example> {
        example e;
        std::string_view missing;
        const auto mark = [&](std::string_view name) {
            const auto id = t.find(name);
            if (id && t.is_special(*id))
                e.ids.push_back(*id);
            else if (missing.empty())
                missing = name;
        };
        auto encode = t.make_encoder();
        if (chat) mark("<|user|>");
        encode.encode(text.prompt, {}, e.ids);
        if (chat) mark("<|/user|>"), mark("<|assistant|>");
        e.answer_at = e.ids.size();
        encode.encode(chat ? text.answer : " " + text.answer, {}, e.ids);
        if (chat) mark("<|/assistant|>");
        const auto end = t.end_of_text();
        end ? e.ids.push_back(*end) : mark("<|endoftext|>");
        if (!missing.empty()) return error{errc::unsupported, {"the tokenizer has no special token ", missing}};
        return e;
    });
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
