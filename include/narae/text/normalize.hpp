// SPDX-License-Identifier: MIT
// Canonical normal forms (Unicode Standard Annex 15): NFC writes a Hangul syllable as one code point, NFD as its
// letters. The text is worked through one combining sequence at a time: a starter and the marks after it.
#ifndef NARAE_TEXT_NORMALIZE_HPP
#define NARAE_TEXT_NORMALIZE_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/sorted.hpp"
#include "narae/text/unicode.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::text {

enum class normal_form { none, nfc, nfd };

/// Collects code points and writes them in a normal form to the end of `out`.
class normalizer {
public:
    normalizer(normal_form form, std::string& out) : compose_(form == normal_form::nfc), out_(out) {}

    void put(char32_t c) {
        if (c < 0xC0 || (compose_ && is_syllable(c))) {
            start(c);  // nothing to take apart, or it would only be put together again
        } else if (is_syllable(c)) {
            const auto j = split_syllable(c);
            start(j.initial), start(j.vowel);
            if (j.last != 0) start(j.last);
        } else if (const auto* d = decomposition_of(c)) {
            put(d->first);
            if (d->second != 0) put(d->second);
        } else if (const auto order = combining_class(c)) {
            marks_.push_back({order, c});
        } else {
            start(c);
        }
    }

    /// Writes what waits. Call it at the end, and before writing to `out` by other means.
    void flush() {
        order_marks();
        write();
    }

private:
    static constexpr char32_t none = 0x110000;

    void write() {
        if (starter_ != none) utf8_append(out_, std::exchange(starter_, none));
        for (const auto& m : marks_) utf8_append(out_, m.second);
        marks_.clear();
    }

    /// A character that begins a sequence, unless it composes with a starter right before it.
    void start(char32_t c) {
        order_marks();
        const bool beside = compose_ && starter_ != none && marks_.empty();
        if (const auto whole = beside ? composition_of(starter_, c) : 0) return void(starter_ = whole);
        write();
        starter_ = c;
    }

    /// Marks by combining class; those that compose go into the starter. A mark is blocked by one of its own class.
    void order_marks() {
        if (marks_.empty()) return;
        std::vector<mark> kept;
        for (const auto i : sorted(marks_.size(), [&](auto a, auto b) {
                 return marks_[a].first != marks_[b].first ? marks_[a].first < marks_[b].first : a < b;
             })) {
            const bool blocked =
                !compose_ || starter_ == none || (!kept.empty() && kept.back().first == marks_[i].first);
            const auto whole = blocked ? 0 : composition_of(starter_, marks_[i].second);
            whole != 0 ? void(starter_ = whole) : kept.push_back(marks_[i]);
        }
        marks_.swap(kept);
    }

    using mark = std::pair<std::uint8_t, char32_t>;  // {combining class, code point}

    bool compose_;
    std::string& out_;
    char32_t starter_ = none;
    std::vector<mark> marks_;
};

/// `s` in a normal form. Bytes that are not UTF-8 stay as they are; nothing moves or composes across them.
inline std::string normalize(std::string_view s, normal_form form) {
    if (form == normal_form::none) return std::string(s);
    std::string out;
    out.reserve(s.size());
    normalizer n(form, out);
    while (!s.empty()) {
        const auto step = utf8_front(s);
        if (step.valid)
            n.put(step.code_point);
        else
            n.flush(), out += s.substr(0, step.length);
        s.remove_prefix(step.length);
    }
    n.flush();
    return out;
}

inline bool has_syllable(std::string_view s) noexcept {
    for (; !s.empty(); s.remove_prefix(utf8_front(s).length))
        if (is_syllable(utf8_front(s).code_point)) return true;
    return false;
}

/// `out` becomes s with its Hangul letters joined to syllables; true if that is undone by taking all syllables apart:
/// some letters join, and s itself holds no syllable.
inline bool compose_hangul(std::string_view s, std::string& out) {
    constexpr char32_t none = 0x110000;
    out.clear();
    bool joined = false;
    char32_t waiting = none;
    for (utf8_step step; !s.empty(); s.remove_prefix(step.length)) {
        step = utf8_front(s);
        if (is_syllable(step.code_point)) return false;
        const auto whole = step.valid ? join_jamo(waiting, step.code_point) : 0;
        if (whole == 0 && waiting != none) utf8_append(out, waiting);
        if (!step.valid) out += s.substr(0, step.length);
        joined = joined || whole != 0;
        waiting = whole != 0 ? whole : step.valid ? step.code_point : none;
    }
    if (waiting != none) utf8_append(out, waiting);
    return joined;
}

}  // namespace narae::inline NARAE_ABI::text

#endif
