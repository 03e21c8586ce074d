// SPDX-License-Identifier: MIT
// Text to token ids and back. Encoding is token/encoder.hpp's; decoding joins the bytes of the ids.
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
#include "narae/text/hangul.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/added.hpp"
#include "narae/token/encoder.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/tokenizer_json.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

/// Immutable once parsed, so that threads may share one.
class tokenizer {
public:
    /// Reads a Hugging Face tokenizer.json (byte-level BPE) and keeps nothing of it. What is not understood is refused.
    static result<tokenizer> parse(byte_view tokenizer_json) {
        return guarded([&] {
            auto parts = token::tokenizer_json::read(tokenizer_json);
            return parts ? result<tokenizer>(tokenizer(*std::move(parts))) : parts.error();
        });
    }

    /// The ids of `text`, which may be any bytes. For much text, or many texts, keep an encoder.
    std::vector<token_id> encode(std::string_view text, encode_options how = {}) const {
        std::vector<token_id> ids;
        make_encoder().encode(text, how, ids);
        return ids;
    }

    /// An encoder for one thread, which borrows this tokenizer.
    encoder make_encoder() const { return encoder(parts_); }

    /// The text of `ids`. Bytes that do not make a character become U+FFFD, one for each maximal part of a character.
    /// Ids without a token give nothing. skip_special leaves out special tokens.
    std::string decode(std::span<const token_id> ids, bool skip_special = false) const;

    /// The same, but bytes that do not make a character stay as they are: what was encoded comes back whole.
    std::string decode_bytes(std::span<const token_id> ids) const;

    /// A token's bytes, or an added token's content, as decoding writes it; empty for an id without a token.
    std::string_view bytes_of(token_id id) const noexcept { return parts_.words.bytes_of(id); }

    /// One past the largest id that has a token; and how many ids have one.
    std::size_t size() const noexcept { return parts_.words.size(); }
    std::size_t count() const noexcept { return parts_.words.count(); }

    /// The added token with this content, or else the token of these bytes.
    std::optional<token_id> find(std::string_view content) const {
        if (const auto* added = find_added(parts_.added, content)) return added->id;
        for (const bool literal : {false, true})
            if (const auto id = parts_.words.find(content, literal); id != no_token) return id;
        return std::nullopt;
    }

    /// Does it cut words into morphemes? And with what; a model that cuts nowhere where it does not.
    bool cuts_morphemes() const noexcept { return parts_.morphemes; }
    boundary_model boundaries() const {
        return cuts_morphemes() ? boundary_model{parts_.weights, parts_.cut} : boundary_model();
    }

    bool is_special(token_id id) const noexcept { return id < parts_.skipped.size() && parts_.skipped[id] != 0; }

    /// The special token that ends a text: the first of these that there is.
    std::optional<token_id> end_of_text() const {
        for (const char* name : {"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]", "<|im_end|>"})
            if (const auto id = find(name); id && is_special(*id)) return id;
        return std::nullopt;
    }

private:
    explicit tokenizer(tokenizer_parts&& parts) : parts_(std::move(parts)) {
        if (parts_.expressions != 0) parts_.words.set_expressions(parts_.expressions);
    }
    friend class stream_decoder;

    tokenizer_parts parts_;
};

/// Decodes ids as they come: gives out whole characters only. What it gives out, joined, is what decode() gives.
class stream_decoder {
public:
    /// What becomes of bytes that can never become a character.
    enum class broken { replaced, kept };

    /// Borrows the tokenizer. Special tokens give nothing unless skip_special is false.
    explicit stream_decoder(const tokenizer& t, bool skip_special = true, broken b = broken::replaced)
        : tokenizer_(t), skip_special_(skip_special), broken_(b) {}

    /// The text that this id completes, often empty. Broken bytes turn into U+FFFD, or else are kept.
    std::string push(token_id id) {
        if (id == tokenizer_.parts_.decomposed && id != no_token) return apart_ = !apart_, std::string();
        if (skip_special_ && tokenizer_.is_special(id)) return {};
        waiting_ += tokenizer_.bytes_of(id);
        return take(text::utf8_unfinished(waiting_));
    }

    /// What waits for bytes that did not come. The decoder may be used again afterwards.
    std::string finish() { return take(0); }

private:
    /// All that waits but for the last `keep` bytes.
    std::string take(std::size_t keep) {
        std::string out;
        std::string_view rest(waiting_);
        while (rest.size() > keep) {
            const auto step = text::utf8_front(rest);
            if (!step.valid && broken_ == broken::kept) {
                out += rest.substr(0, step.length);
            } else if (apart_ && text::is_syllable(step.code_point)) {
                const auto j = text::split_syllable(step.code_point);
                text::utf8_append(out, j.initial), text::utf8_append(out, j.vowel);
                if (j.last != 0) text::utf8_append(out, j.last);
            } else {
                text::utf8_append(out, step.code_point);
            }
            rest.remove_prefix(step.length);
        }
        waiting_.erase(0, waiting_.size() - rest.size());
        return out;
    }

    const tokenizer& tokenizer_;
    bool skip_special_;
    broken broken_;
    bool apart_ = false;   // syllables are written letter by letter
    std::string waiting_;  // between calls the beginning of a character, at most 3 bytes
};

inline std::string tokenizer::decode(std::span<const token_id> ids, bool skip_special) const {
    stream_decoder decoder(*this, skip_special);
    std::string out;
    for (const auto id : ids) out += decoder.push(id);
    return out + decoder.finish();
}

inline std::string tokenizer::decode_bytes(std::span<const token_id> ids) const {
    stream_decoder decoder(*this, false, stream_decoder::broken::kept);
    std::string out;
    std::size_t i = 0;  // up to the first mark the bytes only need joining
    for (; i < ids.size() && (ids[i] != parts_.decomposed || parts_.decomposed == no_token); ++i)
        out += bytes_of(ids[i]);
    for (; i < ids.size(); ++i) out += decoder.push(ids[i]);
    return out + decoder.finish();
}

}  // namespace narae::inline NARAE_ABI::token

#endif
