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
#include "narae/base/callback.hpp"
#include "narae/base/result.hpp"
#include "narae/base/sorted.hpp"
#include "narae/text/json.hpp"
#include "narae/text/normalize.hpp"
#include "narae/token/added.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/packed.hpp"
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
    std::vector<char> skipped;  // by id: what decode leaves out on request
    // Of narae's own tokenizers, from the section "narae" of the model:
    bool morphemes = false;            // the file has that section
    std::uint32_t digits = 0;          // the longest group of digits in one piece, 1 to 9
    token_id decomposed = no_token;    // the added token that stands before decomposed Hangul
    std::uint32_t expressions = 0;     // so many merges, the last ones, may cross a boundary
    std::int32_t cut = 0;              // what the sum of weights at a gap is held against
    std::vector<std::int8_t> weights;  // boundary_model::slots of them
    std::string attribution;           // what the weights were learned from
};

/// Appends the bytes that base64 text (RFC 4648) stands for; false if it is none.
inline bool base64_bytes(std::string_view s, std::vector<std::int8_t>& out) {
    if (s.size() % 4 != 0) return false;
    for (int i = 0; i < 2 && s.ends_with('='); ++i) s.remove_suffix(1);
    std::uint32_t bits = 0, waiting = 0;
    for (const char c : s) {
        const auto digit = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").find(c);
        if (digit == s.npos) return false;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if ((waiting += 6) >= 8) out.push_back(static_cast<std::int8_t>(bits >> (waiting -= 8) & 0xFF));
    }
    return true;
}

/// The keys of a merge, which is written "a b" or ["a", "b"]; false if it is neither.
inline bool merge_keys(const text::json_value& m, std::string& left, std::string& right) {
    left = m.string();
    if (const auto blank = left.find(' '); blank != left.npos) {
        right = left.substr(blank + 1);
        left.resize(blank);
        return right.find(' ') == right.npos;
    }
    bool first = true;
    const auto take = [&](const text::json_value& v) {
        (std::exchange(first, false) ? left : right) = v.string();
        return v.is(text::json_kind::string);
    };
    return m.is(text::json_kind::array) && m.size() == 2 && m.for_each(take);
}

/// The reader; its one entry is read().
class tokenizer_json {
public:
    /// Needs nothing of `file` afterwards. Errors name the key and, where it helps, the byte.
    static result<tokenizer_parts> read(byte_view file) {
        const auto lists = packed_lists::find(file);
        if (!lists) return lists.error().in("packed tokenizer");
        const auto doc = text::json::parse(as_text(lists->settings));
        if (!doc) return doc.error().in(name);
        tokenizer_json reader(*lists);
        if (!reader.read_root(doc->root())) return std::move(reader.failed_);
        return std::move(reader.parts_);
    }

private:
    using value = text::json_value;
    using kind = text::json_kind;
    using pieces = std::initializer_list<piece>;
    static constexpr std::string_view name = "tokenizer.json";

    explicit tokenizer_json(const packed_lists& lists) : lists_(lists) {}

    // Every step returns true to go on; or else false, and failed_ says why.
    bool fail(errc code, pieces what, const value& v) {
        failed_ = error{code, what, v.is(kind::none) ? nowhere : std::uint64_t{v.at()}}.in(name);
        return false;
    }
    bool bad(pieces what, const value& v) { return fail(errc::bad_value, what, v); }
    bool refuse(pieces what, const value& v) { return fail(errc::unsupported, {concat(what), " is not supported"}, v); }

    /// For messages: a short line, whatever the file holds.
    static std::string quoted(std::string_view s) {
        auto shown = text::json_quote(s.substr(0, 60));
        shown.front() = shown.back() = '\'';
        return s.size() > 60 ? shown.append("...") : shown;
    }

    /// An object, whose members (but for those that are null) are all among `known`.
    bool only(const value& object, std::string_view place, std::initializer_list<std::string_view> known) {
        if (!object.is(kind::object)) return bad({place, " is not an object"}, object);
        return object.for_each_member([&](const value& k, const value& v) {
            return v.is(kind::null) || std::find(known.begin(), known.end(), k.string()) != known.end() ||
                   refuse({place, ": key ", quoted(k.string())}, k);
        });
    }

    bool only_byte_level(const value& part, std::string_view place) {
        return only(part, place, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    }

    bool wrong(const value& object, std::string_view place, std::string_view key, std::string_view what) {
        const auto v = object[key];
        return bad({place, ": ", quoted(key), " is not ", what}, v.is(kind::none) ? object : v);
    }
    bool boolean(const value& object, std::string_view place, std::string_view key, bool& out, bool needed = true) {
        const auto v = object[key];
        if (!needed && v.missing_or_null()) return true;
        out = v.truth();
        return v.is(kind::boolean) || wrong(object, place, key, "true or false");
    }

    /// f(type, part) for this part ("normalizer", ...); for a Sequence, f of every part in its member `list`.
    bool each_part(const value& part, std::string_view place, std::string_view list,
                   callback<std::string_view, const value&> f) {
        if (!part.is(kind::object)) return bad({place, " is not an object"}, part);
        if (!part["type"].is(kind::string)) return bad({place, ": 'type' is missing"}, part);
        const auto type = part["type"].string();
        if (list.empty() || type != "Sequence") return f(type, part);
        if (!only(part, place, {"type", list})) return false;
        if (!part[list].is(kind::array)) return wrong(part, place, list, "an array");
        return part[list].for_each([&](const value& v) { return each_part(v, place, list, f); });
    }

    bool read_root(const value& root) {
        if (!only(root, "the file",
                  {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                   "decoder", "model"}))
            return false;
        if (const auto v = root["version"]; !v.missing_or_null() && v.string() != "1.0")
            return refuse({"version ", quoted(v.raw())}, v);
        for (const auto* key : {"truncation", "padding"})  // both would change the ids of a text
            if (!root[key].missing_or_null()) return refuse({key}, root[key]);
        return read_normalizer(root["normalizer"]) && read_pre_tokenizer(root["pre_tokenizer"]) &&
               check_post_processor(root["post_processor"]) && check_decoder(root["decoder"]) &&
               read_model(root["model"], root["added_tokens"].size()) && read_added(root["added_tokens"]) &&
               read_narae(root["model"]["narae"]);
    }

    /// In a sequence the last form decides: both forms keep what is canonically equivalent.
    bool read_normalizer(const value& normalizer) {
        if (normalizer.missing_or_null()) return true;
        return each_part(normalizer, "normalizer", "normalizers", [&](std::string_view type, const value& part) {
            if (type != "NFC" && type != "NFD") return refuse({"normalizer ", quoted(type)}, part);
            parts_.form = type == "NFC" ? text::normal_form::nfc : text::normal_form::nfd;
            return only(part, "normalizer", {"type"});
        });
    }

    bool read_pre_tokenizer(const value& all) {
        constexpr std::string_view place = "pre_tokenizer";
        if (all.missing_or_null()) return refuse({place, " null (a BPE that is not byte-level)"}, all);
        int byte_levels = 0;
        const auto read_one = [&](std::string_view type, const value& part) {
            if (type != "ByteLevel") return refuse({place, " ", quoted(type)}, part);
            ++byte_levels;
            return only_byte_level(part, place) && boolean(part, place, "add_prefix_space", parts_.add_prefix_space) &&
                   (part["use_regex"].is(kind::none) ||  // files from before that key: true
                    boolean(part, place, "use_regex", parts_.use_pattern));
        };
        return each_part(all, place, "pretokenizers", read_one) &&
               (byte_levels == 1 || refuse({place, " with other than one 'ByteLevel'"}, all));
    }

    /// Accepts what adds no token: ByteLevel moves offsets only, a template may consist of the text alone.
    bool check_post_processor(const value& all) {
        constexpr std::string_view place = "post_processor";
        if (all.missing_or_null()) return true;
        return each_part(all, place, "processors", [&](std::string_view type, const value& part) {
            if (type == "ByteLevel") return only_byte_level(part, place);
            if (type != "TemplateProcessing") return refuse({place, " ", quoted(type)}, part);
            const auto is_text = [](const value& v) { return v["Sequence"]["id"].raw() == "A"; };
            if (part["single"].size() != 1 || !part["single"].for_each(is_text))
                return refuse({place, " 'TemplateProcessing' that adds tokens"}, part);
            return only(part, place, {"type", "single", "pair", "special_tokens"});
        });
    }

    bool check_decoder(const value& decoder) {
        if (decoder.missing_or_null()) return refuse({"decoder null"}, decoder);
        return each_part(decoder, "decoder", {}, [&](std::string_view type, const value& part) {
            return type == "ByteLevel" ? only_byte_level(part, "decoder") : refuse({"decoder ", quoted(type)}, part);
        });
    }

    bool read_model(const value& model, std::size_t added) {
        if (model.missing_or_null()) return bad({"model is missing"}, model);
        if (model.is(kind::object) && !model["type"].is(kind::none) && model["type"].string() != "BPE")
            return refuse({"model ", quoted(model["type"].string())}, model);
        if (!only(model, "model",
                  {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                   "byte_fallback", "ignore_merges", "vocab", "merges", "narae"}))
            return false;
        const auto tokens = model["vocab"], merges = model["merges"];
        if (!tokens.is(kind::object)) return wrong(model, "model", "vocab", "an object");
        if (!merges.is(kind::array)) return wrong(model, "model", "merges", "an array");
        parts_.words.reserve(tokens.size() + lists_.count(lists_.ids) + added,
                             tokens.raw().size() + lists_.bytes.size(), merges.size() + lists_.count(lists_.merges));
        if (!read_vocab(tokens) || !read_merges(merges) || !read_lists()) return false;

        double dropout = 0;
        if (const auto v = model["dropout"]; !v.missing_or_null() && (!v.real(dropout) || dropout != 0))
            return refuse({"model: 'dropout' other than 0"}, v);
        for (const auto* key : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (const auto v = model[key]; !v.missing_or_null() && (!v.is(kind::string) || !v.raw().empty()))
                return refuse({"model: ", quoted(key), " that is not empty"}, v);
        bool fuse = false, fallback = false;
        if (!boolean(model, "model", "fuse_unk", fuse, false) ||
            !boolean(model, "model", "byte_fallback", fallback, false) ||
            !boolean(model, "model", "ignore_merges", parts_.ignore_merges, false))
            return false;
        // With a token for every byte nothing is unknown, and these say nothing.
        int bytes = 0;
        for (int b = 0; b < 256; ++b) bytes += parts_.words.of_byte(static_cast<unsigned char>(b)) != no_token;
        if (bytes == 256 || (!fallback && model["unk_token"].missing_or_null())) return true;
        const auto* key = fallback ? "byte_fallback" : "unk_token";
        return refuse({"model: ", quoted(key), " with a vocabulary that lacks bytes"}, model[key]);
    }

    /// Ids may leave gaps, but none may reach the file's size in bytes: tables by id stay in proportion to the file.
    bool read_id(const value& v, std::string_view place, token_id& out) {
        std::uint64_t id = 0;
        if (!v.whole(id)) return bad({place, ": the id is not a whole number"}, v);
        if (id >= lists_.settings.size() + lists_.ids.size())
            return bad({place, ": id ", id, " is too large for a file of this size"}, v);
        return out = static_cast<token_id>(id), true;
    }

    /// spelled_ becomes the bytes of a key; true if it is literal.
    bool spell(std::string_view key) {
        spelled_.clear();
        return !spell_bytes(key, spelled_);
    }
    token_id find_key(std::string_view key) {
        const bool literal = spell(key);
        return parts_.words.find(spelled_, literal);
    }

    bool read_vocab(const value& tokens) {
        return tokens.for_each_member([&](const value& k, const value& v) {
            const auto key = k.string();
            token_id id = no_token;
            const bool literal = spell(key);
            return read_id(v, "model.vocab", id) &&
                   (parts_.words.add(id, spelled_, literal) ||
                    bad({"model.vocab: token ", quoted(key), " or id ", id, " is there twice"}, k));
        });
    }

    /// The place of a merge in the list is its rank.
    bool read_merges(const value& merges) {
        std::string left, right;
        return merges.for_each([&](const value& m) {
            if (merges_ == 0 && m.raw().starts_with("#version")) return true;
            if (!merge_keys(m, left, right)) return bad({"model.merges[", merges_, "]: not a pair of tokens"}, m);
            const auto both = left + right;
            const merge found{find_key(left), find_key(right), merges_, find_key(both)};
            for (const auto& [id, key] :
                 {std::pair<token_id, std::string_view>{found.left, left}, {found.right, right}, {found.whole, both}})
                if (id == no_token)
                    return bad({"model.merges[", merges_, "]: token ", quoted(key), " is not in the vocabulary"}, m);
            parts_.words.add_merge(found);
            return ++merges_, true;
        });
    }

    /// What a packed tokenizer has beside its settings.
    bool read_lists() {
        const auto& p = lists_;
        auto& words = parts_.words;
        const char* next = as_text(p.bytes).data();
        const auto ids = p.count(p.ids), numbers = p.count(p.merges);
        for (std::size_t id = 0; id < ids; ++id) {
            const auto n = p.number(p.ids, id);
            if (n != 0 && !words.add(static_cast<token_id>(id), {next, p.length(n)}, p.literal(n)))
                return bad({"packed token ", id, " is there twice"}, {});
            next += p.length(n);
        }
        const auto entry = [&](token_id id) { return id < ids ? p.number(p.ids, id) : 0; };
        for (std::size_t i = 0; i < numbers; i += 3) {
            const merge m{p.number(p.merges, i), p.number(p.merges, i + 1), merges_++, p.number(p.merges, i + 2)};
            const auto left = entry(m.left), right = entry(m.right), whole = entry(m.whole);
            const bool plain = !p.literal(left) && !p.literal(right);  // literals are joined as keys, not as bytes
            spelled_.assign(words.bytes_of(m.left)).append(words.bytes_of(m.right));
            if (left == 0 || right == 0 || whole == 0 || p.literal(whole) == plain ||
                (plain && spelled_ != words.bytes_of(m.whole)))
                return bad({"packed merge ", m.rank, " does not join two tokens to a third"}, {});
            words.add_merge(m);
        }
        return true;
    }

    /// What makes a tokenizer narae's own. Other software passes over keys of the model that it does not know.
    bool read_narae(const value& part) {
        constexpr std::string_view place = "model.narae", bounds = "model.narae.boundaries";
        const auto table = part["boundaries"], weights = table["weights"];
        if (part.missing_or_null()) return true;
        if (!only(part, place, {"version", "digits", "decomposed", "expressions", "boundaries", "attribution"}) ||
            !only(table, bounds, {"cut", "weights"}))
            return false;
        std::uint64_t version = 0, digits = 0, expressions = 0;
        double cut = 0;
        if (!part["version"].whole(version) || version != 1) return refuse({place, ": 'version' other than 1"}, part);
        if (!part["digits"].whole(digits) || digits < 1 || digits > 9)
            return wrong(part, place, "digits", "a whole number from 1 to 9");
        if (!part["expressions"].whole(expressions) || expressions > merges_)
            return wrong(part, place, "expressions", concat({"a whole number from 0 to ", merges_}));
        if (!table["cut"].real(cut) || !(cut >= -1e9 && cut <= 1e9) || cut != static_cast<std::int32_t>(cut))
            return wrong(table, bounds, "cut", "a whole number below a billion");
        const auto* mark = find_added(parts_.added, part["decomposed"].string());
        if (mark == nullptr) return wrong(part, place, "decomposed", "an added token");
        if (!part["attribution"].is(kind::string)) return wrong(part, place, "attribution", "a string");
        if (!weights.is(kind::string) || !base64_bytes(weights.string(), parts_.weights))
            return wrong(table, bounds, "weights", "base64");
        for (const auto b : lists_.weights) parts_.weights.push_back(static_cast<std::int8_t>(b));
        if (const auto n = parts_.weights.size(); n != boundary_model::slots)
            return bad({bounds, ": 'weights' has ", n, " bytes, not ", boundary_model::slots}, table);
        parts_.digits = static_cast<std::uint32_t>(digits);
        parts_.expressions = static_cast<std::uint32_t>(expressions);
        parts_.cut = static_cast<std::int32_t>(cut);
        parts_.decomposed = mark->id;
        parts_.attribution = part["attribution"].string();
        return parts_.morphemes = true;
    }

    /// The reference gives an added token the id of the vocabulary entry with its content, and else the next free one:
    /// it does not look at the id in the file. A file whose ids differ from these is refused.
    bool read_added(const value& tokens) {
        if (tokens.missing_or_null()) return true;
        if (!tokens.is(kind::array)) return bad({"added_tokens is not an array"}, tokens);
        auto next_id = static_cast<token_id>(parts_.words.count());
        std::size_t index = 0;
        std::vector<added_token> read;
        const auto add_next = [&](const value& v) {
            return add(v, concat({"added_tokens[", index++, "]"}), next_id, read);
        };
        if (!tokens.for_each(add_next)) return false;
        auto& added = parts_.added;
        parts_.skipped.resize(parts_.words.size());
        for (const auto i : sorted(read.size(), [&](auto a, auto b) { return read[a].content < read[b].content; }))
            added.push_back(std::move(read[i]));
        for (std::size_t i = 0; i < added.size(); ++i) {
            const auto& t = added[i];
            if (i > 0 && added[i - 1].content == t.content)
                return bad({"added token ", quoted(t.content), " is there twice"}, tokens);
            auto pattern = written(t);
            const auto* same = find_added(added, pattern);  // the reference asks by what it would write
            parts_.skipped[t.id] = same != nullptr && same->special;
            if (!(t.normalized ? parts_.normalized : parts_.raw).add(std::move(pattern), i, t.special))
                return bad({"added token ", quoted(t.content), " is spelled as another one"}, tokens);
        }
        return true;
    }

    std::string written(const added_token& t) const {
        return text::normalize(t.content, t.normalized ? parts_.form : text::normal_form::none);
    }

    bool add(const value& v, std::string_view place, token_id& next_id, std::vector<added_token>& read) {
        if (!only(v, place, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}))
            return false;
        if (!v["content"].is(kind::string)) return wrong(v, place, "content", "a string");
        added_token t{v["content"].string()};
        token_id id = no_token;
        if (!boolean(v, place, "single_word", t.single_word) || !boolean(v, place, "lstrip", t.lstrip) ||
            !boolean(v, place, "rstrip", t.rstrip) || !boolean(v, place, "normalized", t.normalized) ||
            !boolean(v, place, "special", t.special) || !read_id(v["id"], place, id))
            return false;
        if (t.content.empty()) return true;  // the reference leaves it out
        const auto known = find_key(t.content);
        t.id = known != no_token ? known : next_id++;
        if (t.id != id) return bad({place, ": id ", id, " where ", t.id, " is expected"}, v);
        const auto content = written(t);
        if (known != no_token && content != t.content)
            return refuse({place, ": a token of the vocabulary that the normalizer changes"}, v);
        const bool literal = spell(content);
        if (known == no_token && !parts_.words.add_unnamed(t.id, spelled_, literal))
            return bad({place, ": id ", t.id, " is there twice"}, v);
        read.push_back(std::move(t));
        return true;
    }

    packed_lists lists_;
    tokenizer_parts parts_;
    error failed_;
    std::uint32_t merges_ = 0;  // read so far
    std::string spelled_;
};

}  // namespace narae::inline NARAE_ABI::token

#endif
