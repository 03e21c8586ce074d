// SPDX-License-Identifier: MIT
// The vocabulary of a byte-level BPE: which bytes a token id stands for, and which pair of ids merges into which.
// Both directions are flat tables. Vocabulary files spell bytes as printable characters; that alphabet is here, too.
#ifndef NARAE_TOKEN_VOCAB_HPP
#define NARAE_TOKEN_VOCAB_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "narae/text/hangul.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::token {

using token_id = std::uint32_t;
inline constexpr token_id no_token = ~token_id{0};

/// The byte that a character of the byte alphabet stands for, or -1. Bytes that are visible characters in Latin-1 stand
/// for themselves; the other 68, in order, are written as U+0100, U+0101 ... (a blank is U+0120).
constexpr int alphabet_byte(char32_t c) noexcept {
    const auto visible = [](char32_t b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xFF && b != 0xAD); };
    if (c < 0x100) return visible(c) ? static_cast<int>(c) : -1;
    if (c < 0x121) return static_cast<int>(c - 0x100);
    if (c < 0x143) return static_cast<int>(c - 0x121 + 0x7F);
    return c == 0x143 ? 0xAD : -1;
}

/// Appends the bytes that `key` spells to `out`. A key with any character outside the byte alphabet is literal: it
/// stands for its own bytes, and false is returned. No merge of byte tokens ever gives a literal.
inline bool spell_bytes(std::string_view key, std::string& out) {
    const auto begin = out.size();
    for (auto rest = key; !rest.empty();) {
        const auto step = text::utf8_front(rest);
        const int byte = step.valid ? alphabet_byte(step.code_point) : -1;
        if (byte < 0) {
            out.resize(begin);
            out += key;
            return false;
        }
        out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
        rest.remove_prefix(step.length);
    }
    return true;
}

/// Multiplies and folds: every bit of x reaches the low bits that index a table.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x *= 0x9E3779B97F4A7C15;
    return x ^ (x >> 32);
}

/// What two neighbours become, and how early that merge was learned: the lowest rank goes first.
struct merge {
    token_id left = no_token, right = no_token;
    std::uint32_t rank = 0;
    token_id whole = no_token;
};

class vocab {
public:
    /// Room for `tokens` ids of `bytes` bytes in all, and for `merges`. Call it once, before anything is added.
    void reserve(std::size_t tokens, std::size_t bytes, std::size_t merges) {
        bytes_.reserve(bytes);
        ids_.assign(table_size(tokens), no_token);
        merges_.assign(table_size(merges), {});
        seen_.assign((merges_.size() + 7) / 8, 0);
    }

    /// Adds a token; false if its bytes are already there (as the same kind) or its id is taken.
    bool add(token_id id, std::string_view bytes, bool literal) {
        auto& slot = ids_[slot_of(bytes, literal)];
        if (slot != no_token || !add_unnamed(id, bytes, literal)) return false;
        slot = id;
        if (!literal && bytes.size() == 1) of_byte_[static_cast<unsigned char>(bytes[0])] = id;
        if (!literal && bytes.size() == 3 && text::is_syllable_at(bytes.data())) {
            if (of_syllable_.empty()) of_syllable_.assign(text::syllables, no_token);
            of_syllable_[text::syllable_at(bytes.data()) - text::first_syllable] = id;
        }
        return true;
    }

    /// Adds a token that find() does not see: an added token, which has a list of its own. False if its id is taken.
    bool add_unnamed(token_id id, std::string_view bytes, bool literal) {
        if (id >= entries_.size()) entries_.resize(std::size_t{id} + 1);
        auto& e = entries_[id];
        const auto begin = bytes_.size(), length = bytes.size();
        if (e.used || begin + length > longest) return false;
        e = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length) & longest, true, literal};
        bytes_ += bytes;
        ++count_;
        return true;
    }

    /// A pair that is added again gets the later rank.
    void add_merge(const merge& m) {
        merges_[slot_of(m.left, m.right)] = m;
        const auto bit = bit_of(m.left, m.right);
        seen_[bit / 64] |= std::uint64_t{1} << bit % 64;
        ranks_ = (std::max)(ranks_, m.rank + 1);
    }

    std::size_t size() const noexcept { return entries_.size(); }
    std::size_t count() const noexcept { return count_; }

    /// The bytes of a token; empty for an id without one.
    std::string_view bytes_of(token_id id) const noexcept {
        if (id >= entries_.size()) return {};
        return std::string_view(bytes_).substr(entries_[id].begin, entries_[id].length);
    }

    /// The token of these bytes, or no_token.
    token_id find(std::string_view bytes, bool literal = false) const noexcept { return ids_[slot_of(bytes, literal)]; }
    token_id of_byte(unsigned char b) const noexcept { return of_byte_[b]; }

    /// The token of the bytes of one character, or no_token.
    token_id of_character(std::string_view bytes) const noexcept {
        if (bytes.size() != 3 || !text::is_syllable_at(bytes.data())) return find(bytes);
        return of_syllable_.empty() ? no_token : of_syllable_[text::syllable_at(bytes.data()) - text::first_syllable];
    }

    /// The merge of two neighbours, or a null pointer.
    const merge* merge_of(token_id left, token_id right) const noexcept {
        const auto* m = pair_of(left, right);
        return m == nullptr || m->rank >= first_expression_ ? nullptr : m;
    }

    /// From now on the last `count` merges are no merges but expressions: they join finished tokens.
    void set_expressions(std::uint32_t count) { first_expression_ = ranks_ - (std::min)(ranks_, count); }

    /// What a finished token and the next one become together, or no_token.
    token_id expression_of(token_id left, token_id right) const noexcept {
        const auto* m = pair_of(left, right);
        return m == nullptr || m->rank < first_expression_ ? no_token : m->whole;
    }

private:
    static constexpr std::uint32_t longest = (std::uint32_t{1} << 30) - 1;  // bytes of all tokens together
    struct entry {
        std::uint32_t begin;
        std::uint32_t length : 30, used : 1, literal : 1;
    };

    /// Tables are powers of two, at most half full, and probed from slot to slot.
    static std::size_t table_size(std::size_t entries) {
        std::size_t size = 2;
        while (size < 2 * entries) size *= 2;
        return size;
    }

    std::size_t slot_of(std::string_view bytes, bool literal) const noexcept {
        // Eight bytes at a time; the last eight may overlap those before.
        std::uint64_t hash = 2 * bytes.size() + literal, word = 0;
        const auto n = bytes.size();
        for (std::size_t i = 0; i + 8 < n; i += 8) {
            std::memcpy(&word, bytes.data() + i, 8);
            hash = mix(hash ^ word);
        }
        if (n >= 8)
            std::memcpy(&word, bytes.data() + n - 8, 8);
        else
            for (const char c : bytes) word = word << 8 | static_cast<unsigned char>(c);
        hash = mix(hash ^ word);
        const auto mask = ids_.size() - 1;
        auto at = static_cast<std::size_t>(hash) & mask;
        while (ids_[at] != no_token && (entries_[ids_[at]].literal != literal || bytes_of(ids_[at]) != bytes))
            at = (at + 1) & mask;
        return at;
    }

    const merge* pair_of(token_id left, token_id right) const noexcept {
        const auto bit = bit_of(left, right);
        if ((seen_[bit / 64] >> bit % 64 & 1) == 0) return nullptr;  // as with most pairs
        const auto& m = merges_[slot_of(left, right)];
        return m.whole == no_token ? nullptr : &m;
    }

    std::size_t bit_of(token_id left, token_id right) const noexcept {
        return static_cast<std::size_t>(pair_hash(left, right) >> 40) & (8 * merges_.size() - 1);
    }
    static std::uint64_t pair_hash(token_id left, token_id right) noexcept {
        return mix(std::uint64_t{left} << 32 | right);
    }

    std::size_t slot_of(token_id left, token_id right) const noexcept {
        const auto mask = merges_.size() - 1;
        auto at = static_cast<std::size_t>(pair_hash(left, right)) & mask;
        while (merges_[at].whole != no_token && (merges_[at].left != left || merges_[at].right != right))
            at = (at + 1) & mask;
        return at;
    }

    std::string bytes_;
    std::vector<entry> entries_;  // by id
    std::size_t count_ = 0;
    std::vector<token_id> ids_ = {no_token, no_token};
    std::vector<merge> merges_ = {merge{}, merge{}};
    std::vector<std::uint64_t> seen_ = {0};  // a bit for each pair, by another part of its hash (Bloom 1970)
    std::uint32_t ranks_ = 0;                // one past the last
    std::uint32_t first_expression_ = ~std::uint32_t{0};
    std::vector<token_id> of_syllable_;  // by code point, from the first syllable on
    std::vector<token_id> of_byte_ = std::vector<token_id>(256, no_token);
};

}  // namespace narae::inline NARAE_ABI::token

#endif
