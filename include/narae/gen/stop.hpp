// SPDX-License-Identifier: MIT
// Watches a growing text for stop strings, which may come in pieces: what could be the beginning of one is held back.
#ifndef NARAE_GEN_STOP_HPP
#define NARAE_GEN_STOP_HPP

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI {

class stop_watch {
public:
    explicit stop_watch(const std::vector<std::string>& stops) : stops_(stops) {}

    /// Adds text. True once a stop string is complete: the text then ends before it.
    bool push(std::string_view piece) {
        text_ += piece;
        auto found = text_.npos;
        for (const auto& s : stops_)
            if (!s.empty()) found = (std::min)(found, text_.find(s, given_));
        if (found != text_.npos) text_.resize(found);
        sure_ = text_.size();
        if (found == text_.npos)
            for (const auto& s : stops_) sure_ = (std::min)(sure_, text_.size() - beginning_at_end(s));
        return found != text_.npos;
    }

    /// No more text will come: nothing is held back any longer.
    void end() noexcept { sure_ = text_.size(); }

    /// The text that is certain and was not taken yet; valid until the next push.
    std::string_view take() noexcept {
        const auto from = given_;
        given_ = (std::max)(given_, sure_);
        return std::string_view(text_).substr(from, given_ - from);
    }

    const std::string& all() const noexcept { return text_; }

private:
    /// How many bytes at the end of the text, not yet given, are the beginning of `stop`.
    std::size_t beginning_at_end(std::string_view stop) const noexcept {
        const auto held = std::string_view(text_).substr(given_);
        for (auto n = (std::min)(held.size(), stop.empty() ? 0 : stop.size() - 1); n > 0; --n)
            if (held.ends_with(stop.substr(0, n))) return n;
        return 0;
    }

    const std::vector<std::string>& stops_;
    std::string text_;
    std::size_t given_ = 0, sure_ = 0;
};

}  // namespace narae::inline NARAE_ABI

#endif
