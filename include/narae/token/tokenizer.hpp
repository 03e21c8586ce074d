// SPDX-License-Identifier: MIT
// Text to token ids and back. Encoding takes out added tokens, normalises what is between them, cuts that into pieces
// (token/pretoken.hpp) and merges the bytes of each piece (token/bpe.hpp). Decoding joins the bytes of the ids.
#ifndef NARAE_TOKEN_TOKENIZER_HPP
#define NARAE_TOKEN_TOKENIZER_HPP

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/result.hpp"
#include "narae/text/normalize.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/added.hpp"
#include "narae/token/bpe.hpp"
#include "narae/token/pretoken.hpp"
#include "narae/token/tokenizer_json.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

/// Immutable once parsed, so that threads may share one.
class tokenizer {
public:
    /// Reads a Hugging Face tokenizer.json (byte-level BPE) and keeps nothing of it. What is not understood is refused.
    static result<tokenizer> parse(byte_view tokenizer_json) {
        return guarded([&]() -> result<tokenizer> {
            auto parts = token::tokenizer_json::read(tokenizer_json);
            if (!parts) return parts.error();
            return tokenizer(*std::move(parts));
        });
    }

    /// The ids of `text`, which may be any bytes: those that are not UTF-8 are encoded as they are, as characters that
    /// are neither letter, digit nor space. With recognise_special a special token written in the text becomes its id,
    /// as the reference does by default; without it, it is text like any other (the safe choice for users' text).
    std::vector<token_id> encode(std::string_view text, bool recognise_special = false) const {
        std::vector<token_id> ids;
        bpe merger(parts_.words);
        const auto on_token = [&](const added_token& t) { return ids.push_back(t.id), true; };
        const auto on_plain = [&](std::string_view plain) { return encode_plain(plain, merger, ids), true; };
        const auto on_text = [&](std::string_view between) {
            parts_.normalized.split(text::normalize(between, parts_.form), parts_.added, !recognise_special, on_plain,
                                    on_token);
            return true;
        };
        parts_.raw.split(text, parts_.added, !recognise_special, on_text, on_token);
        return ids;
    }

    /// The text of `ids`. Bytes that do not make a character become U+FFFD, one for each maximal part of a character.
    /// Ids without a token give nothing. skip_special leaves out special tokens.
    std::string decode(std::span<const token_id> ids, bool skip_special = false) const;

    /// What decoding writes for a token, before characters are made of it: its bytes, or an added token's content.
    /// Empty for an id without a token. The view lives as long as the tokenizer.
    std::string_view bytes_of(token_id id) const noexcept { return parts_.words.bytes_of(id); }

    /// One past the largest id that has a token.
    std::size_t size() const noexcept { return parts_.words.size(); }

    /// How many ids have a token.
    std::size_t count() const noexcept { return parts_.words.count(); }

    /// The added token with this content, or else the token of these bytes.
    std::optional<token_id> find(std::string_view content) const {
        if (const auto* added = find_added(parts_.added, content)) return added->id;
        for (const bool literal : {false, true})
            if (const auto id = parts_.words.find(content, literal); id != no_token) return id;
        return std::nullopt;
    }

    bool is_special(token_id id) const noexcept { return id < parts_.skipped.size() && parts_.skipped[id] != 0; }

    /// The special token that ends a text: the first of <|endoftext|>, <|end_of_text|>, </s>, <eos>, [EOS], <|im_end|>.
    std::optional<token_id> end_of_text() const {
        for (const char* name : {"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]", "<|im_end|>"})
            if (const auto id = find(name); id && is_special(*id)) return id;
        return std::nullopt;
    }

private:
    explicit tokenizer(tokenizer_parts&& parts) : parts_(std::move(parts)) {}

    /// Text without added tokens, normalised, not empty.
    void encode_plain(std::string_view plain, bpe& merger, std::vector<token_id>& ids) const {
        std::string prefixed;
        if (parts_.add_prefix_space && plain[0] != ' ') plain = (prefixed = " ").append(plain);
        const auto encode_piece = [&](std::string_view piece) {
            const auto whole = parts_.ignore_merges ? parts_.words.find(piece) : no_token;
            if (whole == no_token) return merger.encode(piece, ids);
            ids.push_back(whole);
        };
        if (!parts_.use_pattern) return encode_piece(plain);
        for_each_piece(plain, encode_piece);
    }

    tokenizer_parts parts_;
};

/// Decodes ids as they come: gives out whole characters only. What it gives out, joined, is what decode() gives.
class stream_decoder {
public:
    /// Borrows the tokenizer. Special tokens give nothing unless skip_special is false.
    explicit stream_decoder(const tokenizer& t, bool skip_special = true)
        : tokenizer_(t), skip_special_(skip_special) {}

    /// The text that this id completes, often empty. Bytes that can never become a character turn into U+FFFD.
    std::string push(token_id id) {
        if (skip_special_ && tokenizer_.is_special(id)) return {};
        waiting_ += tokenizer_.bytes_of(id);
        return take(text::utf8_unfinished(waiting_));
    }

    /// What waits for bytes that did not come, as U+FFFD. The decoder may be used again afterwards.
    std::string finish() { return take(0); }

private:
    /// All that waits but for the last `keep` bytes.
    std::string take(std::size_t keep) {
        std::string out;
        std::string_view rest(waiting_);
        while (rest.size() > keep) {
            const auto step = text::utf8_front(rest);
            text::utf8_append(out, step.code_point);
            rest.remove_prefix(step.length);
        }
        waiting_.erase(0, waiting_.size() - rest.size());
        return out;
    }

    const tokenizer& tokenizer_;
    bool skip_special_;
    std::string waiting_;  // between calls the beginning of a character, at most 3 bytes
};

inline std::string tokenizer::decode(std::span<const token_id> ids, bool skip_special) const {
    stream_decoder decoder(*this, skip_special);
    std::string out;
    for (const auto id : ids) out += decoder.push(id);
    return out + decoder.finish();
}

}  // namespace narae::inline NARAE_ABI::token

#endif
