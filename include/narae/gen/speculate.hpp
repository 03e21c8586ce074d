// SPDX-License-Identifier: MIT
// Guesses the next tokens, so that one forward pass checks several for little more than the price of one. A guess is
// kept only where it is what is drawn anyway (Leviathan et al. 2022, arXiv:2211.17192). Here it comes from the
// conversation itself: what followed the last time these tokens stood there (Yang et al. 2023, arXiv:2304.04487).
#ifndef NARAE_GEN_SPECULATE_HPP
#define NARAE_GEN_SPECULATE_HPP

#include <algorithm>
#include <span>
#include <vector>

#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI {

class drafter {
public:
    /// No more than this is guessed at once; a pass of one more must fit into model::chunk_len.
    static constexpr std::size_t longest = 6;

    /// `next`, and at most `room` guesses what comes after it, where `before` are the ids that came before it.
    /// Looks for its last three ids, else two, in what was said. Valid until the next call.
    std::span<const token::token_id> draft(std::span<const token::token_id> before, token::token_id next,
                                           std::size_t room) {
        ids_.assign(before.begin(), before.end());
        ids_.push_back(next);
        const auto last = ids_.size() - 1;
        trust_ = (std::min)(trust_ + 1.0 / 32, static_cast<double>(longest));
        room = (std::min)(room, static_cast<std::size_t>(trust_));
        std::size_t from = 0, alike = 1;
        for (auto i = room != 0 ? last : 0; i > 0 && alike < 3; --i) {
            std::size_t n = 0;
            while (n < 3 && n < i && ids_[i - 1 - n] == ids_[last - n]) ++n;
            if (n > alike) from = i, alike = n;
        }
        // Where that place reaches into the guesses themselves, they go on as they began: a list, a refrain.
        for (std::size_t i = 0; alike > 1 && i < room; ++i) ids_.push_back(ids_[from + i]);
        return std::span(ids_).subspan(last);
    }

    /// Of the last draft so many guesses were right. A wrong one costs a third of a token or so, where the model fills
    /// no memory more: after wrong ones fewer are made, down to one in 32 tokens, which no clock notices.
    void judge(std::size_t drafted, std::size_t right) noexcept {
        trust_ += 1.5 * static_cast<double>(right) - static_cast<double>(drafted);
    }

private:
    std::vector<token::token_id> ids_;
    double trust_ = 2;  // how many guesses are worth it
};

}  // namespace narae::inline NARAE_ABI

#endif
