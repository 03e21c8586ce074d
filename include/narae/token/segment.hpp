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

/// Linear in the piece, however long it is.
class segmenter {
public:
    /// Borrows the weights of a boundary_model. At most `digits` digits stand in one segment.
    segmenter(std::span<const std::int8_t> weights, std::int32_t cut, std::size_t digits)
        : weights_(weights), cut_(cut), digits_(digits) {}

    /// f(segment) for every segment of a piece, in order; together they are the piece.
    void operator()(std::string_view piece, auto&& f) const {
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
            while (at < piece.size()) {
                if (const auto end = pretoken::syllables_end(piece, at); end > at) {
                    hangul(piece, at, end, cut);
                    at = end;
                } else {  // other letters, up to the next syllable
                    while (at < piece.size() && pretoken::syllables_end(piece, at) == at)
                        at += pretoken::front(piece.substr(at)).length;
                }
                cut(at);
            }
        }
        cut(piece.size());
    }

private:
    /// Syllables as their bytes.
    struct run {
        std::string_view bytes;
        std::size_t size() const noexcept { return bytes.size() / 3; }
        char32_t operator[](std::size_t i) const noexcept { return text::syllable_at(bytes.data() + 3 * i); }
    };

    /// cut(i) where a morpheme begins among the syllables in bytes [begin, end) of the piece.
    void hangul(std::string_view piece, std::size_t begin, std::size_t end, auto&& cut) const {
        for_each_gap(run{piece.substr(begin, end - begin)}, [&](std::size_t i, const gap& g) {
            std::int32_t sum = 0;
            for_each_feature(g, [&](std::uint32_t slot) { sum += weights_[slot]; });
            if (sum > cut_) cut(begin + 3 * i);
        });
    }

    std::span<const std::int8_t> weights_;
    std::int32_t cut_;
    std::size_t digits_;
};

}  // namespace narae::inline NARAE_ABI::token

#endif
