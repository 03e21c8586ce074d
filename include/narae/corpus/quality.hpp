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

/// Phrases that tell what a line is: left over from web pages, adverts, questions, explanations. A small list of our
/// own, in letters only: text is compared without blanks and marks, so that spacing makes no difference.
enum class phrase : std::uint8_t { boilerplate, menu, advert, question, request, explanation };
inline constexpr std::size_t phrase_kinds = 6;

/// By kind, apart by blanks; each has two letters at least.
inline constexpr std::u32string_view phrases[phrase_kinds] = {
    // mudanjeonjae, jaebaepogeumji, jaebaeporeulgeumji, allrightsreserved, gisajebomitbodojaryo,
    // jeboneunkakaotok, neibeoeseogudok, gudokgwajotayo, jotayowagudok, muryosusingeobu, susingeobureulwonha,
    // balsinjeonyongmeil, tongsinpanmaeeopsingo, hoseutingjegongja, jabaseukeuripteureulhwalseonghwa,
    // beuraujeoreuleopgeureideu, peijireulchateulsueopseupnida
    U"\uBB34\uB2E8\uC804\uC7AC \uC7AC\uBC30\uD3EC\uAE08\uC9C0 \uC7AC\uBC30\uD3EC\uB97C\uAE08\uC9C0 "
    U"allrightsreserved \uAE30\uC0AC\uC81C\uBCF4\uBC0F\uBCF4\uB3C4\uC790\uB8CC "
    U"\uC81C\uBCF4\uB294\uCE74\uCE74\uC624\uD1A1 \uB124\uC774\uBC84\uC5D0\uC11C\uAD6C\uB3C5 "
    U"\uAD6C\uB3C5\uACFC\uC88B\uC544\uC694 \uC88B\uC544\uC694\uC640\uAD6C\uB3C5 "
    U"\uBB34\uB8CC\uC218\uC2E0\uAC70\uBD80 \uC218\uC2E0\uAC70\uBD80\uB97C\uC6D0\uD558 "
    U"\uBC1C\uC2E0\uC804\uC6A9\uBA54\uC77C \uD1B5\uC2E0\uD310\uB9E4\uC5C5\uC2E0\uACE0 "
    U"\uD638\uC2A4\uD305\uC81C\uACF5\uC790 \uC790\uBC14\uC2A4\uD06C\uB9BD\uD2B8\uB97C\uD65C\uC131\uD654 "
    U"\uBE0C\uB77C\uC6B0\uC800\uB97C\uC5C5\uADF8\uB808\uC774\uB4DC "
    U"\uD398\uC774\uC9C0\uB97C\uCC3E\uC744\uC218\uC5C6\uC2B5\uB2C8\uB2E4",
    // rogeuin, rogeuaut, hoewongaip, maipeiji, jangbaguni, gogaeksenteo, saiteumaep, iyongyakgwan,
    // gaeinjeongbocheoribangchim, gaeinjeongbochwigeupbangchim, jumunjohoe, gongjisahang, bonmunbarogagi,
    // menyubarogagi, jeonchemenyu, aidichatgi, bimilbeonhochatgi, jeulgyeochatgi, geulsseugi, ijeongeul,
    // daeumgeul, inswaehagi, gongyuhagi, seukeuraep, daetgeulsseugi, maenwiro, deobogi, jeonchebogi,
    // mokrokbogi, menyu, geomsaek, mokrok, homeuro
    U"\uB85C\uADF8\uC778 \uB85C\uADF8\uC544\uC6C3 \uD68C\uC6D0\uAC00\uC785 \uB9C8\uC774\uD398\uC774\uC9C0 "
    U"\uC7A5\uBC14\uAD6C\uB2C8 \uACE0\uAC1D\uC13C\uD130 \uC0AC\uC774\uD2B8\uB9F5 \uC774\uC6A9\uC57D\uAD00 "
    U"\uAC1C\uC778\uC815\uBCF4\uCC98\uB9AC\uBC29\uCE68 \uAC1C\uC778\uC815\uBCF4\uCDE8\uAE09\uBC29\uCE68 "
    U"\uC8FC\uBB38\uC870\uD68C \uACF5\uC9C0\uC0AC\uD56D \uBCF8\uBB38\uBC14\uB85C\uAC00\uAE30 "
    U"\uBA54\uB274\uBC14\uB85C\uAC00\uAE30 \uC804\uCCB4\uBA54\uB274 \uC544\uC774\uB514\uCC3E\uAE30 "
    U"\uBE44\uBC00\uBC88\uD638\uCC3E\uAE30 \uC990\uACA8\uCC3E\uAE30 \uAE00\uC4F0\uAE30 \uC774\uC804\uAE00 "
    U"\uB2E4\uC74C\uAE00 \uC778\uC1C4\uD558\uAE30 \uACF5\uC720\uD558\uAE30 \uC2A4\uD06C\uB7A9 "
    U"\uB313\uAE00\uC4F0\uAE30 \uB9E8\uC704\uB85C \uB354\uBCF4\uAE30 \uC804\uCCB4\uBCF4\uAE30 "
    U"\uBAA9\uB85D\uBCF4\uAE30 \uBA54\uB274 \uAC80\uC0C9 \uBAA9\uB85D \uD648\uC73C\uB85C",
    // dangildaechul, mujikjadaechul, daechulsangdam, sinyongbulryangja, totosaiteu, saseoltoto, kajinosaiteu,
    // bakarasaiteu, meoktwi, chuljanganma, chuljangmasaji, katokmunui, katoksangdam, telregeuraemmunui,
    // muryosangdam, muryocheheom, muryobaesong, choejeoga, halinkupon, gaipkupon, singyugaip, jigeumkeulrik,
    // ringkeukeulrik, barogagikeulrik, dangcheomjabalpyo, gosuik, jaetaekalba, bueopmunui, sangdamhwanyeong,
    // munuihwanyeong
    U"\uB2F9\uC77C\uB300\uCD9C \uBB34\uC9C1\uC790\uB300\uCD9C \uB300\uCD9C\uC0C1\uB2F4 "
    U"\uC2E0\uC6A9\uBD88\uB7C9\uC790 \uD1A0\uD1A0\uC0AC\uC774\uD2B8 \uC0AC\uC124\uD1A0\uD1A0 "
    U"\uCE74\uC9C0\uB178\uC0AC\uC774\uD2B8 \uBC14\uCE74\uB77C\uC0AC\uC774\uD2B8 \uBA39\uD280 "
    U"\uCD9C\uC7A5\uC548\uB9C8 \uCD9C\uC7A5\uB9C8\uC0AC\uC9C0 \uCE74\uD1A1\uBB38\uC758 "
    U"\uCE74\uD1A1\uC0C1\uB2F4 \uD154\uB808\uADF8\uB7A8\uBB38\uC758 \uBB34\uB8CC\uC0C1\uB2F4 "
    U"\uBB34\uB8CC\uCCB4\uD5D8 \uBB34\uB8CC\uBC30\uC1A1 \uCD5C\uC800\uAC00 \uD560\uC778\uCFE0\uD3F0 "
    U"\uAC00\uC785\uCFE0\uD3F0 \uC2E0\uADDC\uAC00\uC785 \uC9C0\uAE08\uD074\uB9AD \uB9C1\uD06C\uD074\uB9AD "
    U"\uBC14\uB85C\uAC00\uAE30\uD074\uB9AD \uB2F9\uCCA8\uC790\uBC1C\uD45C \uACE0\uC218\uC775 "
    U"\uC7AC\uD0DD\uC54C\uBC14 \uBD80\uC5C5\uBB38\uC758 \uC0C1\uB2F4\uD658\uC601 \uBB38\uC758\uD658\uC601",
    // mueot, museun, eotteotge, eojjaeseo, waegeureon, waeireon, eonje, eodi, nugu, nuga, eoneu, eolma,
    // eotteon, eotteohan, mwoga, mwonga, mwoya, mwoyeyo, mwoeyo, mwonji, myeotgae, myeotmyeong, myeotsi,
    // myeotnyeon, chai
    U"\uBB34\uC5C7 \uBB34\uC2A8 \uC5B4\uB5BB\uAC8C \uC5B4\uC9F8\uC11C \uC65C\uADF8\uB7F0 \uC65C\uC774\uB7F0 "
    U"\uC5B8\uC81C \uC5B4\uB514 \uB204\uAD6C \uB204\uAC00 \uC5B4\uB290 \uC5BC\uB9C8 \uC5B4\uB5A4 "
    U"\uC5B4\uB5A0\uD55C \uBB50\uAC00 \uBB54\uAC00 \uBB50\uC57C \uBB50\uC608\uC694 \uBB50\uC5D0\uC694 "
    U"\uBB54\uC9C0 \uBA87\uAC1C \uBA87\uBA85 \uBA87\uC2DC \uBA87\uB144 \uCC28\uC774",
    // alryeojwo, alryeoju, alryeodal, seolmyeonghaejwo, seolmyeonghaeju, seolmyeonghaedal, gareuchyeojwo,
    // gareuchyeoju, chatajwo, chataju, geomsaekhae, gunggeumha, gunggeumhae, gunggeumhap
    U"\uC54C\uB824\uC918 \uC54C\uB824\uC8FC \uC54C\uB824\uB2EC \uC124\uBA85\uD574\uC918 "
    U"\uC124\uBA85\uD574\uC8FC \uC124\uBA85\uD574\uB2EC \uAC00\uB974\uCCD0\uC918 \uAC00\uB974\uCCD0\uC8FC "
    U"\uCC3E\uC544\uC918 \uCC3E\uC544\uC8FC \uAC80\uC0C9\uD574 \uAD81\uAE08\uD558 \uAD81\uAE08\uD574 "
    U"\uAD81\uAE08\uD569",
    // malhanda, tteuthanda, uimihanda, garikinda, ilkeotneunda, malhapnida, tteuthapnida, uimihapnida,
    // garikipnida, bangbeopeun, haneunbangbeop, haryeomyeon, ttaemunida, ttaemunipnida, daeumgwagat,
    // yereuldeul, jeonguidoenda, jeonguidoepnida
    U"\uB9D0\uD55C\uB2E4 \uB73B\uD55C\uB2E4 \uC758\uBBF8\uD55C\uB2E4 \uAC00\uB9AC\uD0A8\uB2E4 "
    U"\uC77C\uCEEB\uB294\uB2E4 \uB9D0\uD569\uB2C8\uB2E4 \uB73B\uD569\uB2C8\uB2E4 "
    U"\uC758\uBBF8\uD569\uB2C8\uB2E4 \uAC00\uB9AC\uD0B5\uB2C8\uB2E4 \uBC29\uBC95\uC740 "
    U"\uD558\uB294\uBC29\uBC95 \uD558\uB824\uBA74 \uB54C\uBB38\uC774\uB2E4 \uB54C\uBB38\uC785\uB2C8\uB2E4 "
    U"\uB2E4\uC74C\uACFC\uAC19 \uC608\uB97C\uB4E4 \uC815\uC758\uB41C\uB2E4 \uC815\uC758\uB429\uB2C8\uB2E4",
};

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
    template <class F>
    void operator()(std::u32string_view s, F&& f) const {
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
template <class F>
void for_each_shingle(std::u32string_view text, F&& f) {
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
        const auto mask = 2 * std::bit_ceil((std::min)(l.text.size(), piece)) - 1;
        std::size_t again = 0, n = 0;
        for_each_shingle(l.text, [&](std::uint64_t hash) {
            if (n++ % piece == 0 && ++piece_ == 0) {
                seen_.fill(0);
                piece_ = 1;
            }
            const auto mark = std::uint64_t{piece_} << 32 | hash >> 32;
            auto at = static_cast<std::size_t>(hash) & mask;
            while (seen_[at] >> 32 == piece_ && seen_[at] != mark) at = (at + 1) & mask;
            again += seen_[at] == mark;
            seen_[at] = mark;
        });
        return again * 2 > l.text.size();
    }

private:
    std::array<std::uint64_t, 8192> seen_{};  // a piece's number, then half a hash: nothing is cleared between pieces
    std::uint32_t piece_ = 0;
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
    constexpr std::u32string_view sure = U"\uC694\uC8E0\uAE4C\uB2C8\uB0D0\uB124";  // yo jyo kka ni nya ne
    constexpr std::u32string_view casual =                                         // ji ja ya eo hae rae a jwo ra
        U"\uC9C0\uC790\uC57C\uC5B4\uD574\uB798\uC544\uC918\uB77C";
    const bool brief = l.text.size() < 30;
    std::size_t sentences = 0, spoken = 0;
    bool asks = false, turns = false;
    char32_t last = 0, mark = 0;  // the last syllable of the sentence, the mark after it
    const auto finish = [&](char32_t end) {
        if (last == 0) return;
        ++sentences;
        asks = asks || end == '?' || last == 0xAE4C /* kka */;
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
