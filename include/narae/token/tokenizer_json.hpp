// SPDX-License-Identifier: MIT
// Reads a Hugging Face tokenizer.json whose model is a byte-level BPE. What would change ids or text and is not carried
// out here is refused by name; read token/vocab.hpp and token/added.hpp for what comes out.
#ifndef NARAE_TOKEN_TOKENIZER_JSON_HPP
#define NARAE_TOKEN_TOKENIZER_JSON_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/result.hpp"
#include "narae/text/json.hpp"
#include "narae/text/normalize.hpp"
#include "narae/token/added.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

/// All that encoding and decoding need, in the order in which encoding uses it.
struct tokenizer_parts {
    std::vector<added_token> added;  // sorted by content
    added_matcher raw, normalized;   // tokens are indices into `added`
    text::normal_form form = text::normal_form::none;
    bool add_prefix_space = false;  // each piece between added tokens begins with a blank
    bool use_pattern = true;        // pieces are cut by the GPT-2 pattern
    bool ignore_merges = false;     // a piece that is a token needs no merges
    vocab words;
    std::vector<token_id> skipped;  // what decode leaves out on request, sorted
};

/// The reader; its one entry is read().
class tokenizer_json {
public:
    /// Needs nothing of `file` afterwards. Errors name the key and, where it helps, the byte.
    static result<tokenizer_parts> read(byte_view file) {
        const auto source = as_text(file);
        auto doc = text::json::parse(source);
        if (!doc) return doc.error().in(name);
        tokenizer_json reader(source.size());
        if (auto done = reader.read_root(doc->root()); !done) return done.error();
        return std::move(reader.parts_);
    }

private:
    using value = text::json_value;
    using kind = text::json_kind;
    static constexpr std::string_view name = "tokenizer.json";

    explicit tokenizer_json(std::size_t file_size) : file_size_(file_size) {}

    static error fail(errc code, const std::string& what, const value& v) {
        return {code, std::string(name) + ": " + what, v.is(kind::none) ? nowhere : std::uint64_t{v.at()}};
    }
    static error refuse(const std::string& what, const value& v) {
        return fail(errc::unsupported, what + " is not supported", v);
    }

    /// For messages: a short line, whatever the file holds.
    static std::string quoted(std::string_view s) {
        auto shown = text::json_quote(s.substr(0, 60));
        shown.front() = shown.back() = '\'';
        return s.size() > 60 ? shown + "..." : shown;
    }

    /// An object, whose members (but for those that are null) are all among `known`.
    static result<void> only(const value& object, const std::string& place,
                             std::initializer_list<std::string_view> known) {
        if (!object.is(kind::object)) return fail(errc::bad_value, place + " is not an object", object);
        result<void> done;
        object.for_each_member([&](const value& k, const value& v) {
            const auto key = k.string();
            if (v.is(kind::null) || std::find(known.begin(), known.end(), key) != known.end()) return true;
            done = refuse(place + ": key " + quoted(key), k);
            return false;
        });
        return done;
    }

    static result<void> only_byte_level(const value& part, const std::string& place) {
        return only(part, place, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    }

    static result<bool> boolean(const value& object, const std::string& place, std::string_view key) {
        const auto v = object[key];
        if (!v.is(kind::boolean))
            return fail(errc::bad_value, place + ": " + quoted(key) + " is not true or false",
                        v.is(kind::none) ? object : v);
        return v.truth();
    }

    /// A part ("normalizer", ...) by its type; a part without one is refused.
    static result<std::string> type_of(const value& part, const std::string& place) {
        if (!part.is(kind::object)) return fail(errc::bad_value, place + " is not an object", part);
        const auto type = part["type"];
        if (!type.is(kind::string)) return fail(errc::bad_value, place + ": 'type' is missing", part);
        return type.string();
    }

    result<void> read_root(const value& root) {
        if (auto ok = only(root, "the file",
                           {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                            "post_processor", "decoder", "model"});
            !ok)
            return ok;
        const auto version = root["version"];
        if (!version.missing_or_null() && version.string() != "1.0")
            return refuse("version " + quoted(version.raw()), version);
        for (const auto* key : {"truncation", "padding"})  // both would change the ids of a text
            if (!root[key].missing_or_null()) return refuse(key, root[key]);
        if (auto ok = read_normalizer(root["normalizer"]); !ok) return ok;
        if (auto ok = read_pre_tokenizer(root["pre_tokenizer"]); !ok) return ok;
        if (auto ok = check_post_processor(root["post_processor"]); !ok) return ok;
        const auto decoder = root["decoder"];
        if (decoder.missing_or_null()) return refuse("decoder null", decoder);
        const auto type = type_of(decoder, "decoder");
        if (!type) return type.error();
        if (*type != "ByteLevel") return refuse("decoder " + quoted(*type), decoder);
        if (auto ok = only_byte_level(decoder, "decoder"); !ok) return ok;
        if (auto ok = read_model(root["model"], root["added_tokens"].size()); !ok) return ok;
        return read_added(root["added_tokens"]);
    }

    /// In a sequence the last form decides: both forms keep what is canonically equivalent.
    result<void> read_normalizer(const value& part) {
        if (part.missing_or_null()) return {};
        const auto type = type_of(part, "normalizer");
        if (!type) return type.error();
        if (*type == "Sequence")
            return each_of(part, "normalizer", "normalizers", [&](const value& v) { return read_normalizer(v); });
        if (*type != "NFC" && *type != "NFD") return refuse("normalizer " + quoted(*type), part);
        parts_.form = *type == "NFC" ? text::normal_form::nfc : text::normal_form::nfd;
        return only(part, "normalizer", {"type"});
    }

    result<void> read_pre_tokenizer(const value& part) {
        if (part.missing_or_null()) return refuse("pre_tokenizer null (a BPE that is not byte-level)", part);
        if (auto ok = add_pre_tokenizer(part); !ok) return ok;
        if (byte_levels_ != 1) return refuse("pre_tokenizer with other than one 'ByteLevel'", part);
        return {};
    }
    result<void> add_pre_tokenizer(const value& part) {
        const auto type = type_of(part, "pre_tokenizer");
        if (!type) return type.error();
        if (*type == "Sequence")
            return each_of(part, "pre_tokenizer", "pretokenizers",
                           [&](const value& v) { return add_pre_tokenizer(v); });
        if (*type != "ByteLevel") return refuse("pre_tokenizer " + quoted(*type), part);
        if (auto ok = only_byte_level(part, "pre_tokenizer"); !ok) return ok;
        const auto prefix = boolean(part, "pre_tokenizer", "add_prefix_space");
        if (!prefix) return prefix.error();
        parts_.add_prefix_space = *prefix;
        if (part["use_regex"].is(kind::none))
            return ++byte_levels_, result<void>{};  // files from before that key: true
        const auto pattern = boolean(part, "pre_tokenizer", "use_regex");
        if (!pattern) return pattern.error();
        parts_.use_pattern = *pattern;
        ++byte_levels_;
        return {};
    }

    /// Accepts what adds no token: ByteLevel moves offsets only, a template may consist of the text alone.
    static result<void> check_post_processor(const value& part) {
        if (part.missing_or_null()) return {};
        const auto type = type_of(part, "post_processor");
        if (!type) return type.error();
        if (*type == "Sequence") return each_of(part, "post_processor", "processors", check_post_processor);
        if (*type == "ByteLevel") return only_byte_level(part, "post_processor");
        if (*type != "TemplateProcessing") return refuse("post_processor " + quoted(*type), part);
        const auto single = part["single"];
        bool plain = single.size() == 1;
        single.for_each([&](const value& v) { return plain = plain && v["Sequence"]["id"].raw() == "A"; });
        if (!plain) return refuse("post_processor 'TemplateProcessing' that adds tokens", part);
        return only(part, "post_processor", {"type", "single", "pair", "special_tokens"});
    }

    /// f(part) for every part of a Sequence, until one is refused.
    template <class F>
    static result<void> each_of(const value& sequence, const std::string& place, std::string_view key, F&& f) {
        if (auto ok = only(sequence, place, {"type", key}); !ok) return ok;
        if (!sequence[key].is(kind::array))
            return fail(errc::bad_value, place + ": " + quoted(key) + " is not an array", sequence);
        result<void> done;
        sequence[key].for_each([&](const value& v) { return static_cast<bool>(done = f(v)); });
        return done;
    }

    result<void> read_model(const value& model, std::size_t added) {
        if (model.missing_or_null()) return fail(errc::bad_value, "model is missing", model);
        if (model.is(kind::object) && !model["type"].is(kind::none) && model["type"].string() != "BPE")
            return refuse("model " + quoted(model["type"].string()), model);
        if (auto ok = only(model, "model",
                           {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                            "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"});
            !ok)
            return ok;
        const auto tokens = model["vocab"], merges = model["merges"];
        if (!tokens.is(kind::object)) return fail(errc::bad_value, "model: 'vocab' is not an object", model);
        if (!merges.is(kind::array)) return fail(errc::bad_value, "model: 'merges' is not an array", model);
        parts_.words.reserve(tokens.size() + added, tokens.raw().size(), merges.size());
        if (auto ok = read_vocab(tokens); !ok) return ok;
        if (auto ok = read_merges(merges); !ok) return ok;

        double dropout = 0;
        if (!model["dropout"].missing_or_null() && (!model["dropout"].real(dropout) || dropout != 0))
            return refuse("model: 'dropout' other than 0", model["dropout"]);
        for (const auto* key : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (const auto v = model[key]; !v.missing_or_null() && (!v.is(kind::string) || !v.raw().empty()))
                return refuse("model: " + quoted(key) + " that is not empty", v);
        for (const auto* key : {"fuse_unk", "byte_fallback", "ignore_merges"})
            if (const auto v = model[key]; !v.missing_or_null() && !v.is(kind::boolean))
                return fail(errc::bad_value, "model: " + quoted(key) + " is not true or false", v);
        parts_.ignore_merges = model["ignore_merges"].truth();
        // With a token for every byte nothing is unknown, and these say nothing.
        bool all_bytes = true;
        for (int b = 0; b < 256; ++b)
            all_bytes = all_bytes && parts_.words.of_byte(static_cast<unsigned char>(b)) != no_token;
        if (all_bytes) return {};
        if (!model["unk_token"].missing_or_null())
            return refuse("model: 'unk_token' with a vocabulary that lacks bytes", model["unk_token"]);
        if (model["byte_fallback"].truth())
            return refuse("model: 'byte_fallback' with a vocabulary that lacks bytes", model["byte_fallback"]);
        return {};
    }

    /// Ids may leave gaps, but none may reach the file's size in bytes: tables by id stay in proportion to the file.
    result<token_id> read_id(const value& v, const std::string& place) const {
        std::uint64_t id = 0;
        if (!v.whole(id)) return fail(errc::bad_value, place + ": the id is not a whole number", v);
        if (id >= file_size_)
            return fail(errc::bad_value, place + ": id " + std::to_string(id) + " is too large for a file of this size",
                        v);
        return static_cast<token_id>(id);
    }

    result<void> read_vocab(const value& tokens) {
        result<void> done;
        std::string bytes;
        tokens.for_each_member([&](const value& k, const value& v) {
            const auto key = k.string();
            auto id = read_id(v, "model.vocab");
            if (!id) {
                done = id.error();
                return false;
            }
            bytes.clear();
            const bool alphabet = spell_bytes(key, bytes);
            if (parts_.words.add(*id, bytes, !alphabet)) return true;
            done = fail(errc::bad_value,
                        "model.vocab: token " + quoted(key) + " or id " + std::to_string(*id) + " is there twice", k);
            return false;
        });
        return done;
    }

    token_id find_key(std::string_view key) {
        scratch_.clear();
        const bool alphabet = spell_bytes(key, scratch_);
        return parts_.words.find(scratch_, !alphabet);
    }

    /// Each merge is "a b" or ["a", "b"]; its place in the list is its rank.
    result<void> read_merges(const value& merges) {
        result<void> done;
        std::uint32_t rank = 0;
        merges.for_each([&](const value& m) {
            std::string both, left, right;
            const auto bad = [&](const std::string& what) {
                done = fail(errc::bad_value, "model.merges[" + std::to_string(rank) + "]: " + what, m);
                return false;
            };
            if (m.is(kind::string)) {
                both = m.string();
                if (rank == 0 && both.starts_with("#version")) return true;
                const auto blank = both.find(' ');
                if (blank == std::string::npos || both.find(' ', blank + 1) != std::string::npos)
                    return bad("not two tokens with one space between");
                left = both.substr(0, blank), right = both.substr(blank + 1);
            } else {
                std::size_t n = 0;
                m.for_each([&](const value& v) {
                    return n += v.is(kind::string), (n == 1 ? left : right) = v.string(), true;
                });
                if (n != 2 || m.size() != 2) return bad("not a pair of tokens");
            }
            merge found{find_key(left), find_key(right), rank, find_key(left + right)};
            for (const auto& [id, key] :
                 {std::pair{found.left, left}, {found.right, right}, {found.whole, left + right}})
                if (id == no_token) return bad("token " + quoted(key) + " is not in the vocabulary");
            parts_.words.add_merge(found);
            ++rank;
            return true;
        });
        return done;
    }

    /// The reference gives an added token the id of the vocabulary entry with its content, and else the next free one:
    /// it does not look at the id in the file. A file whose ids differ from these is refused.
    result<void> read_added(const value& tokens) {
        if (tokens.missing_or_null()) return {};
        if (!tokens.is(kind::array)) return fail(errc::bad_value, "added_tokens is not an array", tokens);
        auto next_id = static_cast<token_id>(parts_.words.count());
        std::size_t index = 0;
        result<void> done;
        tokens.for_each([&](const value& v) {
            return static_cast<bool>(done = add(v, "added_tokens[" + std::to_string(index++) + "]", next_id));
        });
        if (!done) return done;
        auto& added = parts_.added;
        std::sort(added.begin(), added.end(), [](auto& a, auto& b) { return a.content < b.content; });
        for (std::size_t i = 0; i < added.size(); ++i) {
            const auto& t = added[i];
            auto pattern = text::normalize(t.content, t.normalized ? parts_.form : text::normal_form::none);
            const auto shown = "added token " + quoted(t.content);
            if (i > 0 && added[i - 1].content == t.content)
                return fail(errc::bad_value, shown + " is there twice", tokens);
            const auto* same = find_added(added, pattern);  // the reference asks by what it would write
            if (same != nullptr && same->special) parts_.skipped.push_back(t.id);
            if (!(t.normalized ? parts_.normalized : parts_.raw).add(std::move(pattern), i))
                return fail(errc::bad_value, shown + " is spelled as another one", tokens);
        }
        std::sort(parts_.skipped.begin(), parts_.skipped.end());
        return {};
    }

    result<void> add(const value& v, const std::string& place, token_id& next_id) {
        if (auto ok = only(v, place, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
            !ok)
            return ok;
        if (!v["content"].is(kind::string)) return fail(errc::bad_value, place + ": 'content' is not a string", v);
        added_token t;
        t.content = v["content"].string();
        for (auto& [key, flag] : {std::pair<const char*, bool*>{"single_word", &t.single_word},
                                  {"lstrip", &t.lstrip},
                                  {"rstrip", &t.rstrip},
                                  {"normalized", &t.normalized},
                                  {"special", &t.special}}) {
            const auto set = boolean(v, place, key);
            if (!set) return set.error();
            *flag = *set;
        }
        const auto id = read_id(v["id"], place);
        if (!id) return id.error();
        if (t.content.empty()) return {};  // the reference leaves it out
        const auto known = find_key(t.content);
        t.id = known != no_token ? known : next_id++;
        if (t.id != *id)
            return fail(errc::bad_value,
                        place + ": id " + std::to_string(*id) + " where " + std::to_string(t.id) + " is expected", v);
        const auto written = text::normalize(t.content, t.normalized ? parts_.form : text::normal_form::none);
        if (known == no_token) {
            scratch_.clear();
            const bool alphabet = spell_bytes(written, scratch_);
            if (!parts_.words.add_unnamed(t.id, scratch_, !alphabet))
                return fail(errc::bad_value, place + ": id " + std::to_string(t.id) + " is there twice", v);
        } else if (written != t.content) {
            return refuse(place + ": a token of the vocabulary that the normalizer changes", v);
        }
        parts_.added.push_back(std::move(t));
        return {};
    }

    std::size_t file_size_;
    tokenizer_parts parts_;
    int byte_levels_ = 0;
    std::string scratch_;
};

}  // namespace narae::inline NARAE_ABI::token

#endif
