// SPDX-License-Identifier: MIT
// Cuts a piece of text (token/pretoken.hpp) into the segments that merges stay inside of: Hangul at morpheme boundaries
// (token/morph.hpp), digits in groups, Hangul apart from other letters. A leading blank goes with the first segment.
#ifndef NARAE_TOKEN_SEGMENT_HPP
#define NARAE_TOKEN_SEGMENT_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "narae/text/hangul.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/pretoken.hpp"

namespace narae::inline NARAE_ABI::token {

/// Holds the working memory of one thread. Linear in the piece, however long it is.
class segmenter {
public:
    /// Borrows the weights of a boundary_model. At most `digits` digits stand in one segment.
    segmenter(std::span<const std::int8_t> weights, std::int32_t cut, std::size_t digits)
        : weights_(weights), cut_(cut), digits_(digits) {}

    /// f(segment) for every segment of a piece, in order; together they are the piece.
    template <class F>
    void operator()(std::string_view piece, F&& f) {
        std::size_t begin = 0, at = piece[0] == ' ' ? 1 : 0;
        const auto cut = [&](std::size_t here) {
            if (here > begin) f(piece.substr(begin, here - begin));
            begin = here;
        };
        if (at == piece.size()) return cut(at);
        const auto what = pretoken::front(piece.substr(at)).what;
        if (what == pretoken::kind::number) {
            for (std::size_t n = 0; at < piece.size(); ++n) {
                if (n > 0 && n % digits_ == 0) cut(at);
                at += text::utf8_front(piece.substr(at)).length;
            }
        } else if (what == pretoken::kind::letter) {
            while (at < piece.size()) {  // other letters, if any, then syllables
                const auto from = at;
                run_.clear();
                for (; at < piece.size(); at += text::utf8_front(piece.substr(at)).length) {
                    const auto c = text::utf8_front(piece.substr(at)).code_point;
                    if (text::is_syllable(c))
                        run_.push_back(c);
                    else if (!run_.empty())
                        break;
                }
                const auto hangul = at - 3 * run_.size();  // a syllable is three bytes long
                if (hangul > from) cut(hangul);
                for_each_gap(run_, [&](std::size_t i, const gap_slots& slots) {
                    std::int32_t sum = 0;
                    for (const auto s : slots) sum += weights_[s];
                    if (sum > cut_) cut(hangul + 3 * i);
                });
                cut(at);
            }
        }
        cut(piece.size());
    }

private:
    std::span<const std::int8_t> weights_;
    std::int32_t cut_;
    std::size_t digits_;
    std::u32string run_;
};

}  // namespace narae::inline NARAE_ABI::token

#endif
