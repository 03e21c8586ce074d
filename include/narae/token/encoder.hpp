// SPDX-License-Identifier: MIT
// Text to token ids: takes out added tokens, normalises what is between them, cuts that into pieces and gives each
// piece its ids. What became of a piece is remembered, since most of a text is words that were there before: the ids of
// a piece depend on the piece alone. Read token/pretoken.hpp, token/segment.hpp and token/bpe.hpp before.
#ifndef NARAE_TOKEN_ENCODER_HPP
#define NARAE_TOKEN_ENCODER_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/text/normalize.hpp"
#include "narae/token/added.hpp"
#include "narae/token/bpe.hpp"
#include "narae/token/pretoken.hpp"
#include "narae/token/segment.hpp"
#include "narae/token/tokenizer_json.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

struct encode_options {
    bool special = false;     ///< a special token written in the text becomes its id; else it is text like any other
    bool expressions = true;  ///< frequent expressions of several morphemes may become one token
};

/// Encodes for one thread. The more it has seen, the faster it is.
class encoder {
public:
    /// Borrows the parts.
    explicit encoder(const tokenizer_parts& parts)
        : parts_(parts), merger_(parts.words, parts.morphemes), cutter_(parts.weights, parts.cut, parts.digits) {}

    /// Appends the ids of `text`, which may be any bytes: those that are not UTF-8 are encoded as they are.
    void encode(std::string_view text, encode_options how, std::vector<token_id>& out) {
        how_ = how;
        out_ = &out;
        held_ = no_token;
        decomposed_ = false;
        if (cache_.empty() && (seen_ += text.size()) > 2048) cache_.resize(first_entries);
        const auto on_token = [&](const added_token& t) {  // the mark of decomposed Hangul stands for no text
            t.id == parts_.decomposed ? plain(t.content) : put_alone(t.id);
        };
        const auto on_plain = [&](std::string_view s) { plain(s); };
        const auto on_text = [&](std::string_view s) {
            if (parts_.form == text::normal_form::none && parts_.normalized.empty()) return plain(s);
            parts_.normalized.split(text::normalize(s, parts_.form), parts_.added, !how.special, on_plain, on_token);
        };
        parts_.raw.split(text, parts_.added, !how.special, on_text, on_token);
        if (held_ != no_token) out.push_back(held_);
    }

    /// f(segment) for the morphemes of plain text, its Hangul composed, and what is between them; or for whole pieces.
    void for_each_segment(std::string_view text, auto&& f) {
        for_each_piece(text, [&](std::string_view piece) {
            if (!parts_.morphemes) return void(f(piece));
            cutter_(composed(piece), f);
        });
    }

    /// Appends the ids of one segment.
    void encode_segment(std::string_view s, std::vector<token_id>& ids) {
        const auto whole = parts_.ignore_merges ? parts_.words.find(s) : no_token;
        if (whole == no_token) return merger_.encode(s, ids);
        ids.push_back(whole);
    }

private:
    // The cache grows while much is new to it, from 128 KiB to 8 MiB; short texts do without. More room at once would
    // cost a text of a megabyte more than it saves: new memory is slow the first time.
    static constexpr std::size_t first_entries = std::size_t{1} << 12, most_entries = std::size_t{1} << 18;
    static constexpr std::size_t longest_text = 23, most_ids = 4;

    /// The text of a piece, of at most longest_text bytes, filled up with zeros.
    struct key {
        std::uint64_t words[3] = {};

        key() = default;
        unsigned char& last() noexcept { return reinterpret_cast<unsigned char*>(words)[longest_text]; }
        /// `end` is where the text ends that the piece is in.
        key(std::string_view piece, const char* end) noexcept {
            static constexpr std::array<unsigned char, 48> ones = [] {
                std::array<unsigned char, 48> m{};
                for (std::size_t i = 0; i < 24; ++i) m[i] = 0xFF;
                return m;
            }();
            if (end - piece.data() < 24) {
                std::memcpy(words, piece.data(), piece.size());
                return;
            }
            std::uint64_t mask[3];
            std::memcpy(mask, ones.data() + 24 - piece.size(), 24);
            std::memcpy(words, piece.data(), 24);
            for (int i = 0; i < 3; ++i) words[i] &= mask[i];
        }
        std::size_t hash() const noexcept { return static_cast<std::size_t>(mix(mix(words[0] + words[2]) ^ words[1])); }
        /// Is k, of an entry, the same but for its last byte?
        bool matches(const key& k) const noexcept {
            constexpr auto count =
                std::bit_cast<std::uint64_t>(std::array<unsigned char, 8>{0, 0, 0, 0, 0, 0, 0, 0xFF});
            // One condition, not three: a branch would wait for the memory.
            return ((words[0] ^ k.words[0]) | (words[1] ^ k.words[1]) | ((words[2] ^ k.words[2]) & ~count)) == 0;
        }
    };

    /// What a piece became, in half a cache line: its text, in whose last byte stands how many ids.
    struct entry {
        key text;
        std::uint16_t ids[most_ids];

        unsigned char& count() noexcept { return text.last(); }
    };
    static_assert(sizeof(entry) == 32);

    /// May the cache hold this piece? A zero at its end would be taken for filling.
    static bool fits(std::string_view piece) noexcept { return piece.size() <= longest_text && piece.back() != '\0'; }

    struct looked_up {
        std::string_view piece;
        key text;
        std::size_t hash;
    };

    /// The piece with its Hangul letters joined to syllables, if some join and that can be undone.
    std::string_view composed(std::string_view piece) {
        if (piece.find('\xE1') == piece.npos || !text::compose_hangul(piece, composed_)) return piece;
        return composed_;
    }

    /// Text without added tokens, normalised, not empty.
    void plain(std::string_view s) {
        std::string prefixed;
        if (parts_.add_prefix_space && s[0] != ' ') s = (prefixed = " ").append(s);
        if (!parts_.use_pattern) return void(whole_piece(s));
        if (cache_.empty()) return for_each_piece(s, [&](std::string_view piece) { whole_piece(piece); });
        // Some pieces at a time: all are looked up before the first is written, so that the waits for memory overlap.
        const char* const end = s.data() + s.size();
        while (!s.empty()) {
            std::size_t n = 0;
            for (; n < batch_.size() && !s.empty(); ++n) {
                auto& b = batch_[n];
                b.piece = s.substr(0, first_piece(s));
                s.remove_prefix(b.piece.size());
                if (!fits(b.piece)) continue;
                b.text = key(b.piece, end);
                b.hash = b.text.hash();
                misses_ += !b.text.matches(cache_[b.hash & (cache_.size() - 2)].text);
            }
            for (std::size_t i = 0; i < n; ++i) {
                const auto& b = batch_[i];
                if (!fits(b.piece) || decomposed_) {
                    whole_piece(b.piece);
                    continue;
                }
                // Two entries share a cache line; the one that was used last stands first.
                auto* e = &cache_[b.hash & (cache_.size() - 2)];
                if (!b.text.matches(e[0].text)) std::swap(e[0], e[1]);
                if (!b.text.matches(e[0].text)) {
                    remember(b.piece, b.text, e[0]);
                    continue;
                }
                for (unsigned char k = 0; k < e->count(); ++k) put(e->ids[k]);
            }
            if (misses_ > cache_.size() && cache_.size() < most_entries) grow();
        }
    }

    /// Puts out the ids of a piece and keeps them if they are few and small.
    void remember(std::string_view piece, const key& k, entry& e) {
        bool small = whole_piece(piece) && fresh_.size() <= most_ids;
        for (const auto id : fresh_) small = small && id <= 0xFFFF;
        if (!small) return;
        e.text = k;
        e.count() = static_cast<unsigned char>(fresh_.size());
        for (std::size_t i = 0; i < fresh_.size(); ++i) e.ids[i] = static_cast<std::uint16_t>(fresh_[i]);
    }

    void grow() {
        misses_ = 0;
        std::vector<entry> wider(4 * cache_.size());
        for (auto& e : cache_) {
            if (e.count() == 0) continue;
            auto text = e.text;
            text.last() = 0;
            auto* to = &wider[text.hash() & (wider.size() - 2)];
            to[to->count() != 0] = e;
        }
        cache_.swap(wider);
    }

    /// Puts out the ids of a piece, which fresh_ keeps, after a mark where text in Hangul letters begins or ends. False
    /// if they are those of its composed spelling.
    bool whole_piece(std::string_view piece) {
        fresh_.clear();
        const auto joined = parts_.decomposed == no_token ? piece : composed(piece);
        const bool changed = joined.data() != piece.data();
        parts_.morphemes ? cutter_(joined, [&](std::string_view s) { encode_segment(s, fresh_); })
                         : encode_segment(piece, fresh_);
        if (parts_.decomposed != no_token && changed != decomposed_ && (changed || text::has_syllable(piece))) {
            put_alone(parts_.decomposed);
            decomposed_ = changed;
        }
        for (const auto id : fresh_) put(id);
        return !changed;
    }

    /// Expressions are read from left to right: a token takes in the next one for as long as the two are one.
    void put(token_id id) {
        if (!how_.expressions) return out_->push_back(id);
        if (held_ != no_token) {
            if (const auto whole = parts_.words.expression_of(held_, id); whole != no_token) {
                held_ = whole;
                return;
            }
            out_->push_back(held_);
        }
        held_ = id;
    }

    /// An added token is part of no expression.
    void put_alone(token_id id) {
        if (held_ != no_token) out_->push_back(std::exchange(held_, no_token));
        out_->push_back(id);
    }

    const tokenizer_parts& parts_;
    bpe merger_;
    segmenter cutter_;
    std::vector<entry> cache_;
    std::array<looked_up, 16> batch_;
    std::size_t seen_ = 0, misses_ = 0;  // bytes; pieces since the cache last grew
    std::vector<token_id> fresh_;
    std::string composed_;

    // Of the text at hand:
    encode_options how_;
    std::vector<token_id>* out_ = nullptr;
    token_id held_ = no_token;  // may still take in the next one
    bool decomposed_ = false;   // the last Hangul stood in letters
};

}  // namespace narae::inline NARAE_ABI::token

#endif
