// SPDX-License-Identifier: MIT
// What a line is worth: how Korean, how long, how repetitive, how much of it is links and menus; and what kind of text
// it is. A line is read once into its letters and counts, and the rules look at these.
#ifndef NARAE_CORPUS_QUALITY_HPP
#define NARAE_CORPUS_QUALITY_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "narae/corpus/clean.hpp"
#include "narae/text/unicode.hpp"
#include "narae/token/vocab.hpp"

namespace narae::inline NARAE_ABI::corpus {

/// Phrases that tell what a line is, apart by blanks. A small list of our own, in letters only: text is compared
/// without blanks and marks, so that spacing makes no difference. Each has two letters at least.
enum class phrase : std::uint8_t { boilerplate, menu, advert, question, request, explanation };
inline constexpr std::size_t phrase_kinds = 6;
inline constexpr std::u32string_view phrases[phrase_kinds] = {
    "mu-dan-jeon-jae jae-bae-po-geum-ji jae-bae-po-reul-geum-ji allrightsreserved gi-sa-je-bo-mich-bo-do-ja-ryo "
    "je-bo-neun-ka-ka-o-tog ne-i-beo-e-seo-gu-dog gu-dog-gwa-joh-a-yo joh-a-yo-wa-gu-dog mu-ryo-su-sin-geo-bu "
    "su-sin-geo-bu-reul-won-ha bal-sin-jeon-yong-me-il tong-sin-pan-mae-eob-sin-go ho-seu-ting-je-gong-ja "
    "ja-ba-seu-keu-rib-teu-reul-hwal-seong-hwa beu-ra-u-jeo-reul-eob-geu-re-i-deu "
    "pe-i-ji-reul-chaj-eul-su-eobs-seub-ni-da"_ko,
    "ro-geu-in ro-geu-a-us hoe-won-ga-ib ma-i-pe-i-ji jang-ba-gu-ni go-gaeg-sen-teo sa-i-teu-maeb "
    "i-yong-yag-gwan gae-in-jeong-bo-cheo-ri-bang-chim gae-in-jeong-bo-chwi-geub-bang-chim ju-mun-jo-hoe "
    "gong-ji-sa-hang bon-mun-ba-ro-ga-gi me-nyu-ba-ro-ga-gi jeon-che-me-nyu a-i-di-chaj-gi "
    "bi-mil-beon-ho-chaj-gi jeul-gyeo-chaj-gi geul-sseu-gi i-jeon-geul da-eum-geul in-swae-ha-gi gong-yu-ha-gi "
    "seu-keu-raeb daes-geul-sseu-gi maen-wi-ro deo-bo-gi jeon-che-bo-gi mog-rog-bo-gi me-nyu geom-saeg mog-rog "
    "hom-eu-ro"_ko,
    "dang-il-dae-chul mu-jig-ja-dae-chul dae-chul-sang-dam sin-yong-bul-ryang-ja to-to-sa-i-teu sa-seol-to-to "
    "ka-ji-no-sa-i-teu ba-ka-ra-sa-i-teu meog-twi chul-jang-an-ma chul-jang-ma-sa-ji ka-tog-mun-ui "
    "ka-tog-sang-dam tel-re-geu-raem-mun-ui mu-ryo-sang-dam mu-ryo-che-heom mu-ryo-bae-song choe-jeo-ga "
    "hal-in-ku-pon ga-ib-ku-pon sin-gyu-ga-ib ji-geum-keul-rig ring-keu-keul-rig ba-ro-ga-gi-keul-rig "
    "dang-cheom-ja-bal-pyo go-su-ig jae-taeg-al-ba bu-eob-mun-ui sang-dam-hwan-yeong mun-ui-hwan-yeong"_ko,
    "mu-eos mu-seun eo-tteoh-ge eo-jjae-seo wae-geu-reon wae-i-reon eon-je eo-di nu-gu nu-ga eo-neu eol-ma "
    "eo-tteon eo-tteo-han mwo-ga mwon-ga mwo-ya mwo-ye-yo mwo-e-yo mwon-ji myeoch-gae myeoch-myeong myeoch-si "
    "myeoch-nyeon cha-i"_ko,
    "al-ryeo-jwo al-ryeo-ju al-ryeo-dal seol-myeong-hae-jwo seol-myeong-hae-ju seol-myeong-hae-dal "
    "ga-reu-chyeo-jwo ga-reu-chyeo-ju chaj-a-jwo chaj-a-ju geom-saeg-hae gung-geum-ha gung-geum-hae "
    "gung-geum-hab"_ko,
    "mal-han-da tteus-han-da ui-mi-han-da ga-ri-kin-da il-keod-neun-da mal-hab-ni-da tteus-hab-ni-da "
    "ui-mi-hab-ni-da ga-ri-kib-ni-da bang-beob-eun ha-neun-bang-beob ha-ryeo-myeon ttae-mun-i-da "
    "ttae-mun-ib-ni-da da-eum-gwa-gat ye-reul-deul jeong-ui-doen-da jeong-ui-doeb-ni-da"_ko};

/// Finds phrases. Two letters and one bit say for nearly every place that none begins there.
class phrase_finder {
public:
    phrase_finder() {
        for (std::size_t kind = 0; kind < phrase_kinds; ++kind)
            any_listed(phrases[kind], [&](std::u32string_view w) {
                known_.push_back({w, static_cast<phrase>(kind)});
                fronts_[slot(w[0], w[1]) / 64] |= std::uint64_t{1} << slot(w[0], w[1]) % 64;
                return false;
            });
    }

    /// f(kind, begin, length) for every phrase in `s`.
    template <class F> void operator()(std::u32string_view s, F&& f) const {
        for (std::size_t i = 0; i + 1 < s.size(); ++i) {
            const auto at = slot(s[i], s[i + 1]);
            if ((fronts_[at / 64] >> at % 64 & 1) == 0) continue;
            for (const auto& k : known_)
                if (s.substr(i).starts_with(k.text)) f(k.kind, i, k.text.size());
        }
    }

private:
    struct entry {
        std::u32string_view text;
        phrase kind;
    };
    static std::size_t slot(char32_t a, char32_t b) noexcept { return (a * 181 + b) % 8192; }

    std::vector<entry> known_;
    std::array<std::uint64_t, 8192 / 64> fronts_{};
};

/// The letters and digits of a line without anything between them, Latin ones in lower case, and what was counted on
/// the way. Masks of personal data are no letters.
struct letters {
    std::u32string text;
    std::vector<std::uint32_t> at;                      ///< where each stands in the line
    std::size_t syllables = 0, foreign = 0, marks = 0;  ///< Hangul syllables; other letters but jamo; symbols
    std::size_t words = 0, contacts = 0;                ///< telephone and e-mail masks and hashtags
    std::array<std::size_t, phrase_kinds> phrases{};    ///< how many of each kind; menus as whole words
    std::vector<std::uint32_t> boilerplate;             ///< where in the line such phrases begin

    void read(std::u32string_view s, const phrase_finder& find) {
        text.resize(s.size()), at.resize(s.size()), boilerplate.clear();
        syllables = foreign = marks = words = contacts = 0;
        phrases = {};
        std::size_t n = 0;
        bool word = false;
        const auto put = [&](char32_t c, std::size_t i) {
            words += !word;
            word = true;
            text[n] = c;
            at[n++] = static_cast<std::uint32_t>(i);
        };
        for (std::size_t i = 0; i < s.size(); ++i) {
            const auto c = s[i];
            if (c == ' ' || c == '\t') {
                word = false;
                continue;
            }
            if (text::is_syllable(c)) {
                ++syllables, put(c, i);
            } else if (is_digit(c)) {
                put(c, i);
            } else if (is_latin(c)) {
                ++foreign, put(lower(c), i);
            } else if (const auto mask = c == '<' ? mask_at(s, i) : 0; mask != 0) {
                contacts += one_of(s[i + 2], U"te");  // <|tel|>, <|email|>
                i += mask - 1;
            } else if (c >= 0x80 && text::class_of(c) == text::char_class::letter) {
                const bool jamo = c - 0x3131 <= 0x318E - 0x3131;
                foreign += !jamo, put(c, i);
            } else {
                marks += !one_of(c, U".,?!'\"()");
                contacts += c == '#' && !word && i + 1 < s.size() && is_word(s[i + 1]);
            }
        }
        text.resize(n), at.resize(n);
        const auto parted = [&](std::size_t k) { return k == 0 || k == at.size() || at[k] != at[k - 1] + 1; };
        find(text, [&](phrase kind, std::size_t begin, std::size_t length) {
            const bool whole = parted(begin) && parted(begin + length);
            if (kind == phrase::boilerplate) boilerplate.push_back(at[begin]);
            phrases[static_cast<std::size_t>(kind)] += kind != phrase::menu || whole;
        });
    }

    std::size_t count(phrase kind) const noexcept { return phrases[static_cast<std::size_t>(kind)]; }
};

/// Removes the sentences in which boilerplate stands; true if there were any. The line goes on without them: an article
/// is not lost for the copyright notice at its end.
inline bool cut_boilerplate(std::u32string& s, const letters& l) {
    const auto ends = [&](std::size_t i) {
        return s[i] == '\t' || ((s[i] == '.' || s[i] == '?' || s[i] == '!') && (i + 1 == s.size() || s[i + 1] == ' '));
    };
    std::size_t done = 0;
    std::u32string kept;
    for (const auto found : l.boilerplate) {
        if (found < done) continue;
        std::size_t begin = found, end = found;
        while (begin > done && !ends(begin - 1)) --begin;
        while (end < s.size() && !ends(end)) ++end;
        if (end < s.size() && s[end] != '\t') ++end;
        kept.append(s, done, begin - done);
        done = end;
    }
    if (l.boilerplate.empty()) return false;
    s.erase(0, done).insert(0, kept);
    squeeze(s);
    return true;
}

/// Fewer than 5 syllables: an interjection, a heading, nothing.
inline bool too_short(const letters& l) noexcept { return l.syllables < 5; }

/// Less than 3 in 10 letters are Hangul.
inline bool not_korean(const letters& l) noexcept { return l.syllables * 7 < l.foreign * 3; }

/// Few words between links: three or more web addresses, telephone numbers, e-mail addresses and hashtags, one in ten
/// words; more symbols than letters; half of it menu; an advert and a contact, or two adverts, in 60 letters each.
inline bool spam(const letters& l, std::size_t addresses) noexcept {
    const auto links = l.contacts + addresses, menu = l.count(phrase::menu), adverts = l.count(phrase::advert);
    const auto selling = adverts == 0 ? 0 : adverts + links;
    return (links >= 3 && links * 10 > l.words) || l.marks > l.text.size() || (menu >= 2 && menu * 2 >= l.words) ||
           (selling >= 2 && selling * 60 > l.text.size());
}

/// f(hash) for each five letters in a row, also those that reach beyond an end: every letter stands in five.
template <class F> void for_each_shingle(std::u32string_view text, F&& f) {
    constexpr std::size_t size = 5;
    constexpr std::uint64_t base = 0x9E3779B97F4A7C15;
    std::uint64_t hash = 0, top = 1;
    for (std::size_t i = 0; i < size; ++i) top *= base;
    for (std::size_t i = 0; i + 1 < text.size() + size; ++i) {
        hash = hash * base + (i < text.size() ? text[i] : 0);
        if (i >= size) hash -= top * text[i - size];
        f(token::mix(hash ^ hash >> 29));
    }
}

/// Tells lines that say one thing again and again.
class repetition {
public:
    /// More than half of the runs of five letters stood in the 4,000 letters before, or fewer: long lines are judged in
    /// pieces. Lines under 12 letters are not judged.
    bool operator()(const letters& l) {
        constexpr std::size_t piece = 4096;
        if (l.text.size() < 12) return false;
        const auto slots = 2 * std::bit_ceil((std::min)(l.text.size(), piece));
        std::size_t again = 0, n = 0;
        for_each_shingle(l.text, [&](std::uint64_t hash) {
            if (n++ % piece == 0) seen_.assign(slots, 0);
            auto at = static_cast<std::size_t>(hash) & (slots - 1);
            while (seen_[at] != 0 && seen_[at] != (hash | 1)) at = (at + 1) & (slots - 1);
            again += seen_[at] != 0;
            seen_[at] = hash | 1;
        });
        return again * 2 > l.text.size();
    }

private:
    std::vector<std::uint64_t> seen_;  // hashes, by their last bits; 0: none
};

/// What a line is good for; it may be both, or neither.
struct domains {
    bool conversation = false;  ///< turns apart by TAB, or half of the sentences end as people speak
    bool information = false;   ///< asks for a fact, or explains one
};

/// Judged by endings: -yo, -jyo, -kka, -ni, -nya, -ne at the end of a sentence; -ji, -ja, -ya, -eo, -hae, -rae, -a,
/// -jwo, -ra where a mark follows or the line is short; "?". What asks with a word such as "what", requests to be told,
/// or explains ("is called", "because") informs, if it does so once in 200 letters.
inline domains domains_of(std::u32string_view s, const letters& l) {
    constexpr auto sure = "yo-jyo-kka-ni-nya-ne"_ko, casual = "ji-ja-ya-eo-hae-rae-a-jwo-ra"_ko;
    const bool brief = l.text.size() < 30;
    std::size_t sentences = 0, spoken = 0;
    bool asks = false, turns = false;
    char32_t last = 0, mark = 0;  // the last syllable of the sentence, the mark after it
    const auto finish = [&](char32_t end) {
        if (last == 0) return;
        ++sentences;
        asks = asks || end == '?' || last == "kka"_ko[0];
        spoken += one_of(last, sure) || end == '?' || ((end != 0 || brief) && one_of(last, casual));
        last = 0;
    };
    for (const auto c : s) {
        if (text::is_syllable(c)) {
            if (mark != 0) finish(mark);
            mark = 0, last = c;
        } else if (c == '.' || c == '?' || c == '!' || c == '~' || c == 0x2026) {
            if (mark != '?') mark = c;
        } else if (c == '\t') {
            finish(mark == 0 ? c : mark);
            mark = 0, turns = true;
        } else if (is_latin(c) || is_digit(c)) {
            if (mark == 0) last = 0;
        }
    }
    finish(mark);
    const auto facts = (asks ? l.count(phrase::question) : 0) + l.count(phrase::request) + l.count(phrase::explanation);
    return {turns || (spoken != 0 && spoken * 2 >= sentences), facts != 0 && facts * 200 >= l.text.size()};
}

}  // namespace narae::inline NARAE_ABI::corpus

#endif
