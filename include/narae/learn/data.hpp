// SPDX-License-Identifier: MIT
// What a model learns from: documents as token ids, dealt out as batches in an order that is a function of the seed and
// of the number of the batch alone, so that a resumed run sees just what an unbroken one sees.
// A document is <end of text>, its tokens; what follows is the next document, in the same row of tokens but unseen. Of
// two chats in a row the second sees the first every other time: so a model learns to answer after other questions.
#ifndef NARAE_LEARN_DATA_HPP
#define NARAE_LEARN_DATA_HPP

#include <algorithm>
#include <string>
#include <vector>

#include "narae/learn/instructions.hpp"
#include "narae/learn/network.hpp"
#include "narae/learn/tasks.hpp"
#include "narae/store/fnv.hpp"

namespace narae::inline NARAE_ABI::learn {

/// A batch that owns its numbers.
struct owned_batch {
    std::size_t T = 0;
    std::vector<std::uint32_t> ids, targets, first;
    batch view() const noexcept { return {T, ids, targets, first}; }
};

class documents {
public:
    /// For texts of this tokenizer, which must have an end-of-text token and is borrowed.
    explicit documents(const token::tokenizer& t) : tokenizer_(&t), end_(*t.end_of_text()) {}

    std::size_t count() const noexcept { return places_.size(); }
    std::uint64_t tokens() const noexcept { return ids_.size(); }
    std::uint64_t characters() const noexcept { return characters_; }

    /// Tells collections of documents apart: a hash of all ids in order.
    std::uint64_t hash() const noexcept { return store::fnv1a64(std::as_bytes(std::span(ids_))); }

    /// Every line of `text` that is not empty is a document. Special tokens written in it are special tokens.
    /// Of each line, with probability `tasks`, an exercise is made, too (tasks.hpp).
    /// Errors name the line: bytes that are not UTF-8. Or the whole text: nothing in it, or hardly any Hangul.
    result<void> add_text(std::string_view text, sys::team& team, double tasks = 0, std::uint64_t seed = 1) {
        if (const auto fine = text::check_utf8(text); !fine) return fine.error();
        std::vector<std::string_view> lines;
        for (auto rest = text; !rest.empty();)
            if (const auto line = text::take_line(rest); line.find_first_not_of(" \t") != line.npos)
                lines.push_back(line);
        if (lines.empty()) return error{errc::bad_value, "no text in it"};
        if (const auto share = hangul_share(text); share < 0.2)
            return error{
                errc::bad_value,
                {"only ", static_cast<std::uint64_t>(share * 100), " % of its letters are Hangul: not a Korean text"}};
        std::vector<documents> found(team.size(), documents(*tokenizer_));
        const auto boundaries = tokenizer_->boundaries();
        team.run([&](std::size_t part, std::size_t parts) {
            auto encode = tokenizer_->make_encoder();
            auto& mine = found[part];
            const auto range = sys::slice_of(lines.size(), 1, part, parts);
            for (auto i = range.begin; i < range.end; ++i) {
                mine.begin_document();
                encode.encode(lines[i], {.special = true}, mine.ids_);
                mine.end_document(1, lines[i]);
                num::random random{seed + i * 0x9E3779B97F4A7C15};
                if (static_cast<double>(random.next() >> 11) * 0x1p-53 >= tasks) continue;
                const auto made = make_task(static_cast<task>(random.below(4)), lines[i], boundaries, random.next());
                if (!made) continue;
                if (const auto e = encode_example(*tokenizer_, *made, false)) mine.add_example(*e);
            }
        });
        for (const auto& f : found) append(f);
        return {};
    }

    /// Every record of JSON lines (instructions.hpp) is a document, of which the answer is taught, in the marks of a
    /// chat. Errors name the line, or the special token that the tokenizer lacks.
    result<void> add_instructions(std::string_view jsonl) {
        const auto all = read_instructions(jsonl);
        if (!all) return all.error();
        for (const auto& one : *all) {
            const auto e = encode_example(*tokenizer_, one, true);
            if (!e) return e.error();
            add_example(*e);
        }
        return {};
    }

    /// How many sequences of T tokens one pass has.
    std::uint64_t sequences(std::size_t T) const noexcept { return ids_.size() / T; }

    /// Batch `number` of `sequences` sequences of T tokens. Passes follow each other, each in an order of its own.
    /// Needs sequences(T) != 0.
    void fill(owned_batch& out, std::uint64_t number, std::size_t sequences, std::size_t T, std::uint64_t seed) {
        out.T = T;
        out.ids.clear(), out.targets.clear(), out.first.clear();
        for (std::size_t i = 0; i < sequences; ++i) {
            const auto index = number * sequences + i, pass = index / this->sequences(T);
            arrange(pass, seed);
            std::uint64_t at = index % this->sequences(T) * T;
            auto d =
                static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), at) - starts_.begin()) - 1;
            std::uint32_t first = 0;
            for (std::size_t t = 0; t < T; ++d) {
                const auto& doc = places_[order_[d]];
                for (auto k = static_cast<std::size_t>(at - starts_[d]); k < doc.length && t < T; ++k, ++t, ++at) {
                    if (k == 0 &&
                        !(t > 0 && doc.answer_at > 1 && places_[order_[d - 1]].answer_at > 1 && order_[d] % 2 == 0))
                        first = static_cast<std::uint32_t>(t);
                    out.ids.push_back(ids_[doc.begin + k]);
                    out.targets.push_back(k + 1 < doc.answer_at ? no_target
                                          : k + 1 < doc.length  ? ids_[doc.begin + k + 1]
                                                                : end_);
                    out.first.push_back(first);
                }
            }
        }
    }

private:
    struct place {
        std::size_t begin;
        std::uint32_t length, answer_at;  ///< with the token that begins it
    };

    static double hangul_share(std::string_view text) noexcept {
        std::size_t hangul = 0, letters = 0;  // every 64th kilobyte tells enough
        for (std::size_t at = 0; at < text.size(); at += std::size_t{1} << 16)
            for (std::size_t i = at; i < (std::min)(text.size(), at + 1024); ++i) {
                const auto byte = static_cast<unsigned char>(text[i]);
                if (byte < 0x80 ? (byte | 32) >= 'a' && (byte | 32) <= 'z' : byte >= 0xC0) ++letters;
                // U+1100 to U+11FF, U+3131 to U+318F and U+AC00 to U+D7A3 by their first bytes, nearly.
                if ((byte >= 0xEA && byte <= 0xED) || byte == 0xE1) ++hangul;
            }
        return letters == 0 ? 0 : static_cast<double>(hangul) / static_cast<double>(letters);
    }

    void begin_document() {
        places_.push_back({ids_.size(), 0, 0});
        ids_.push_back(end_);
    }
    void end_document(std::size_t answer_at, std::string_view line) {
        places_.back().length = static_cast<std::uint32_t>(ids_.size() - places_.back().begin);
        places_.back().answer_at = static_cast<std::uint32_t>(answer_at);
        for (const char c : line) characters_ += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        ++characters_;  // its end
    }
    void add_example(const example& e) {
        begin_document();
        ids_.insert(ids_.end(), e.ids.begin(), e.ids.end() - 1);  // its end is the beginning of the next
        end_document(e.answer_at + 1, {});
    }
    void append(const documents& other) {
        for (auto p : other.places_) places_.push_back({p.begin + ids_.size(), p.length, p.answer_at});
        ids_.insert(ids_.end(), other.ids_.begin(), other.ids_.end());
        characters_ += other.characters_;
    }

    /// The order of the documents in a pass, and where each begins.
    void arrange(std::uint64_t pass, std::uint64_t seed) {
        if (order_.size() == places_.size() && pass == pass_ && seed == seed_) return;
        pass_ = pass, seed_ = seed;
        order_.resize(places_.size());
        for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
        num::random random{seed * 0x2545F4914F6CDD1D + pass};
        random.shuffle(order_);
        starts_.clear();
        std::uint64_t at = 0;
        for (const auto d : order_) starts_.push_back(at), at += places_[d].length;
    }

    const token::tokenizer* tokenizer_;
    std::uint32_t end_;
    std::vector<std::uint32_t> ids_;
    std::vector<place> places_;
    std::uint64_t characters_ = 0;
    std::vector<std::uint32_t> order_;
    std::vector<std::uint64_t> starts_;
    std::uint64_t pass_ = 0, seed_ = 0;
};

}  // namespace narae::inline NARAE_ABI::learn

#endif
