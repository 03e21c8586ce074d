// SPDX-License-Identifier: MIT
// The merge loop of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909): a piece of text starts as its bytes,
// or as those of its characters that are tokens and the bytes of the others, and again and again the pair that was
// learned first is merged, the leftmost one where it stands more than once. Read token/vocab.hpp before.
// Short pieces are scanned; long ones use a heap, so that no text takes quadratic time.
#ifndef NARAE_TOKEN_BPE_HPP
#define NARAE_TOKEN_BPE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::token {

/// Merges with the vocabulary's ranks and appends ids to `out`. Holds the working memory of one thread.
class bpe {
public:
    explicit bpe(const vocab& v, bool from_characters = false) : vocab_(v), from_characters_(from_characters) {}

    /// Bytes that the vocabulary lacks are left out, as the reference does where there is no unknown token.
    void encode(std::string_view piece, std::vector<token_id>& out) {
        if (piece.size() <= scan_limit) return scan(piece, out);
        // Positions are 32-bit numbers; a piece of 4 GiB would be cut.
        for (constexpr std::size_t most = 0xFFFFFFF0; !piece.empty();
             piece.remove_prefix((std::min)(most, piece.size())))
            queue(piece.substr(0, most), out);
    }

private:
    static constexpr std::size_t scan_limit = 48;  // bytes
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    /// f(id) for every symbol that the piece starts as.
    void start(std::string_view piece, auto&& f) const {
        while (!piece.empty()) {
            std::size_t n = 1;
            auto whole = no_token;
            if (from_characters_ && static_cast<unsigned char>(piece[0]) >= 0x80) {
                const bool syllable = piece.size() >= 3 && text::is_syllable_at(piece.data());
                const auto step = syllable ? text::utf8_step{0, 3, true, false} : text::utf8_front(piece);
                n = step.length;
                if (step.valid) whole = vocab_.of_character(piece.substr(0, n));
            }
            if (whole != no_token)
                f(whole);
            else
                for (const char c : piece.substr(0, n))
                    if (const auto id = vocab_.of_byte(static_cast<unsigned char>(c)); id != no_token) f(id);
            piece.remove_prefix(n);
        }
    }

    /// Keeps the rank of each neighbouring pair, and looks through all of them for every merge.
    void scan(std::string_view piece, std::vector<token_id>& out) {
        token_id ids[scan_limit];
        const merge* next[scan_limit];  // next[i] merges ids[i] and ids[i + 1]
        std::size_t n = 0;
        start(piece, [&](token_id id) { ids[n++] = id; });
        for (std::size_t i = 0; i + 1 < n; ++i) next[i] = vocab_.merge_of(ids[i], ids[i + 1]);
        while (n > 1) {
            std::size_t best = n;
            for (std::size_t i = 0; i + 1 < n; ++i)
                if (next[i] != nullptr && (best == n || next[i]->rank < next[best]->rank)) best = i;
            if (best == n) break;
            ids[best] = next[best]->whole;
            --n;
            for (auto i = best + 1; i < n; ++i) ids[i] = ids[i + 1], next[i - 1] = next[i];
            if (best + 1 < n) next[best] = vocab_.merge_of(ids[best], ids[best + 1]);
            if (best > 0) next[best - 1] = vocab_.merge_of(ids[best - 1], ids[best]);
        }
        out.insert(out.end(), ids, ids + n);
    }

    /// A linked list of symbols and a heap of the merges that they offer, by rank, then position: n log n.
    void queue(std::string_view piece, std::vector<token_id>& out) {
        symbols_.clear(), heap_.clear();
        start(piece, [&](token_id id) {
            const auto at = static_cast<std::uint32_t>(symbols_.size());
            symbols_.push_back({id, at == 0 ? none : at - 1, at + 1});
        });
        if (symbols_.empty()) return;
        symbols_.back().next = none;
        for (std::uint32_t i = 0; i + 1 < symbols_.size(); ++i) offer(i);
        std::make_heap(heap_.begin(), heap_.end(), later);
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            const auto c = heap_.back();
            heap_.pop_back();
            auto& left = symbols_[c.at];
            if (left.id == no_token || left.next == none) continue;
            const auto* m = vocab_.merge_of(left.id, symbols_[left.next].id);
            if (m == nullptr || m->rank != c.rank) continue;  // one of the two has been merged since
            auto& right = symbols_[left.next];
            left.id = m->whole;
            left.next = right.next;
            right.id = no_token;
            if (left.next != none) symbols_[left.next].previous = c.at;
            if (left.previous != none && offer(left.previous)) std::push_heap(heap_.begin(), heap_.end(), later);
            if (offer(c.at)) std::push_heap(heap_.begin(), heap_.end(), later);
        }
        for (const auto& s : symbols_)
            if (s.id != no_token) out.push_back(s.id);
    }

    struct symbol {
        token_id id;  // no_token: merged into the symbol before
        std::uint32_t previous, next;
    };
    struct candidate {
        std::uint32_t rank, at;
    };

    static bool later(const candidate& a, const candidate& b) noexcept {
        return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
    }

    /// Puts the merge of symbol `at` and its right neighbour at the end of heap_, if there is one.
    bool offer(std::uint32_t at) {
        const auto next = symbols_[at].next;
        const auto* m = next == none ? nullptr : vocab_.merge_of(symbols_[at].id, symbols_[next].id);
        if (m != nullptr) heap_.push_back({m->rank, at});
        return m != nullptr;
    }

    const vocab& vocab_;
    bool from_characters_;
    std::vector<symbol> symbols_;
    std::vector<candidate> heap_;
};

}  // namespace narae::inline NARAE_ABI::token

#endif
