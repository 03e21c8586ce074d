// SPDX-License-Identifier: MIT
// A tokenizer.json becomes the packed tokenizer of a model file, and the other way round. Read packed.hpp before.
// Running a model needs no part of this.
#ifndef NARAE_TOKEN_PACKED_WRITER_HPP
#define NARAE_TOKEN_PACKED_WRITER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/result.hpp"
#include "narae/text/json.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/packed.hpp"
#include "narae/token/tokenizer_json.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

/// The key that spells these bytes in a vocabulary: the other direction of spell_bytes().
inline std::string spelled_key(std::string_view bytes, bool literal) {
    static constexpr auto letters = [] {
        std::array<char16_t, 256> all{};
        for (char16_t c = 0; c < 0x144; ++c)
            if (const int b = alphabet_byte(c); b >= 0) all[static_cast<std::size_t>(b)] = c;
        return all;
    }();
    if (literal) return std::string(bytes);
    std::string key;
    for (const char b : bytes) text::utf8_append(key, letters[static_cast<unsigned char>(b)]);
    return key;
}

/// The base64 text (RFC 4648) of these bytes.
inline std::string base64_text(byte_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t k = i; k < i + 3; ++k)
            three = three << 8 | (k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[k]) : 0);
        for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
    return out;
}

namespace packing {

/// The text with vocabulary, merges and boundary weights (if it has any) exchanged for these.
inline std::string exchanged(std::string_view json, const text::json_value& model, std::string vocab,
                             std::string merges, std::string weights) {
    std::map<std::size_t, std::pair<std::size_t, std::string>> all;  // where, how much, by what
    const auto exchange = [&](const text::json_value& v, std::string with) {
        all[v.at()] = {v.raw().size(), std::move(with)};
    };
    exchange(model["vocab"], std::move(vocab));
    exchange(model["merges"], std::move(merges));
    if (const auto w = model["narae"]["boundaries"]["weights"]; w.is(text::json_kind::string))
        exchange(w, std::move(weights));
    std::string out;
    std::size_t done = 0;
    for (const auto& [at, what] : all) {
        out.append(json.substr(done, at - done)).append(what.second);
        done = at + what.first;
    }
    return out.append(json.substr(done));
}

inline void append_numbers(std::string& out, std::span<const std::uint32_t> numbers, std::size_t width) {
    for (const auto n : numbers)
        for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(n >> 8 * i & 0xFF);
}

}  // namespace packing

/// The packed form of a tokenizer.json that narae understands; a packed one comes back as it is.
inline result<std::string> pack_tokenizer(byte_view file) {
    const auto parts = tokenizer_json::read(file);
    if (!parts) return parts.error();
    if (as_text(file).starts_with(packed_magic)) return std::string(as_text(file));
    const auto doc = text::json::parse(as_text(file));
    if (!doc) return doc.error();
    const auto& words = parts->words;
    const auto model = doc->root()["model"];
    std::vector<std::uint32_t> ids, merges;
    std::string bytes, left, right, spelled;
    std::uint64_t longest = 0;
    model["vocab"].for_each_member([&](const text::json_value& k, const text::json_value& v) {
        std::uint64_t id = 0;
        v.whole(id);
        spelled.clear();
        const bool literal = !spell_bytes(k.string(), spelled);
        if (id >= ids.size()) ids.resize(static_cast<std::size_t>(id) + 1);
        const std::uint64_t kept = 1 + 2 * spelled.size() + literal;
        longest = (std::max)(longest, kept);
        ids[static_cast<std::size_t>(id)] = static_cast<std::uint32_t>(kept);
        return true;
    });
    for (std::size_t id = 0; id < ids.size(); ++id)
        if (ids[id] != 0) bytes += words.bytes_of(static_cast<token_id>(id));
    const auto id_of = [&](const std::string& key) {
        spelled.clear();
        const bool literal = !spell_bytes(key, spelled);
        return words.find(spelled, literal);
    };
    model["merges"].for_each([&](const text::json_value& m) {
        if (merges.empty() && m.raw().starts_with("#version")) return true;
        merge_keys(m, left, right);
        for (const auto& key : {left, right, left + right}) merges.push_back(id_of(key));
        return true;
    });

    const std::size_t width = longest <= 0xFFFF && ids.size() <= 0x10000 ? 2 : 4;
    if (longest > 0xFFFFFFFF) return error{errc::unsupported, "a token of 2 GiB"};
    std::string out(packed_magic);
    const std::uint32_t head[] = {packed_version, static_cast<std::uint32_t>(width),
                                  static_cast<std::uint32_t>(ids.size()), static_cast<std::uint32_t>(merges.size() / 3),
                                  static_cast<std::uint32_t>(parts->weights.size())};
    packing::append_numbers(out, head, 4);
    packing::append_numbers(out, ids, width);
    packing::append_numbers(out, merges, width);
    out += bytes;
    for (const auto w : parts->weights) out += static_cast<char>(w);
    return out + packing::exchanged(as_text(file), model, "{}", "[]", "");
}

/// A tokenizer.json that means the same as a packed one; a tokenizer.json comes back as it is.
inline result<std::string> unpack_tokenizer(byte_view file) {
    const auto parts = tokenizer_json::read(file);
    if (!parts) return parts.error();
    if (!as_text(file).starts_with(packed_magic)) return std::string(as_text(file));
    const auto p = packed_lists::find(file);
    if (!p) return p.error();
    const auto doc = text::json::parse(as_text(p->settings));
    if (!doc) return doc.error();
    const auto key_of = [&](token_id id) {
        return spelled_key(parts->words.bytes_of(id), p->literal(p->number(p->ids, id)));
    };
    std::string vocab, merges;
    bool blanks = false;  // then merges are pairs; else "a b", which every version of other software reads
    for (token_id id = 0; id < p->count(p->ids); ++id) {
        if (p->number(p->ids, id) == 0) continue;
        const auto key = key_of(id);
        blanks = blanks || key.find(' ') != key.npos || key.starts_with("#version");
        vocab += concat({vocab.empty() ? "\n      " : ",\n      ", text::json_quote(key), ": ", id});
    }
    for (std::size_t i = 0; i < p->count(p->merges); i += 3) {
        const auto left = key_of(p->number(p->merges, i)), right = key_of(p->number(p->merges, i + 1));
        merges += merges.empty() ? "\n      " : ",\n      ";
        merges += blanks ? concat({"[", text::json_quote(left), ", ", text::json_quote(right), "]"})
                         : text::json_quote(concat({left, " ", right}));
    }
    auto json = packing::exchanged(as_text(p->settings), doc->root()["model"], "{" + vocab + "\n    }",
                                   "[" + merges + "\n    ]", base64_text(p->weights));
    const auto again = tokenizer_json::read(as_bytes(json));  // a made-up file may hold what no tokenizer.json can
    if (!again) return again.error();
    return json;
}

}  // namespace narae::inline NARAE_ABI::token

#endif
