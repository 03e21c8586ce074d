// SPDX-License-Identifier: MIT
// narae 0.1.0: narae/toolkit.hpp and all that it includes, in one file. Made by single_include/amalgamate.cpp; do not edit.
// FNV-1a hash of all that follows this line: 340b4e5b5c47fe52
//
// The toolkit: makes, shrinks, teaches and judges models. Running one needs only narae.hpp, which never reaches here.
//
//   corpus/  raw text to text worth training on
//   learn/   training: a tokenizer from text and treebanks; a model from text, exercises and instructions
//   quant/   weights to fewer bits, and the report of what that cost
//   judge/   how good a model is: KoBEST, perplexity, two models compared
#ifndef NARAE_TOOLKIT_HPP
#define NARAE_TOOLKIT_HPP

#include "narae.hpp"

#include <limits>
#include <queue>
#include <unordered_map>

// == narae/base/config.hpp: Every macro and every user switch of narae, each with its line
// --- switches for users ---------------------------------------------------------------------------------
// NARAE_NO_FILES    no operating system files: models come from byte spans
// NARAE_NO_THREADS  no <thread>: everything runs on the caller's thread
// NARAE_NO_SIMD     scalar kernels only
// --- what the compiler and the target offer ---------------------------------------------------------------
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define NARAE_EXCEPTIONS 1  // result::value() exists and throws; allocation failures become errors
#define NARAE_ABI_X v0
#else
#define NARAE_EXCEPTIONS 0
#define NARAE_ABI_X v0_noexcept
#endif
#if !defined(NARAE_NO_SIMD) && (defined(__x86_64__) || defined(__i386__) || defined(_M_X64))
#define NARAE_X86 1  // AVX2 kernels are compiled in, chosen at run time
#else
#define NARAE_X86 0
#endif
#if !defined(NARAE_NO_SIMD) && (defined(__aarch64__) || defined(_M_ARM64)) && \
    !(defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define NARAE_NEON 1  // 64-bit ARM: NEON is part of the architecture
#else
#define NARAE_NEON 0
#endif
#if defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
#define NARAE_POSIX 1  // files are mapped through the POSIX calls
#else
#define NARAE_POSIX 0
#endif
#if defined(__GNUC__) || defined(__clang__)
#define NARAE_TARGET(isa) __attribute__((target(isa)))  // one function may use more than the user's flags allow
#else
#define NARAE_TARGET(isa)
#endif
#define NARAE_AVX2 NARAE_TARGET("avx2,fma,f16c")
#define NARAE_AVX_VNNI NARAE_TARGET("avx2,fma,f16c,avxvnni")
#define NARAE_AVX512 NARAE_TARGET("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define NARAE_AVX512_VNNI NARAE_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#define NARAE_AVX512_BF16 NARAE_TARGET("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#if NARAE_NEON && defined(__clang__)
#define NARAE_NEON_DOT NARAE_TARGET("dotprod")  // left out for MSVC, which does not always know the instruction
#elif NARAE_NEON && defined(__GNUC__)
#define NARAE_NEON_DOT NARAE_TARGET("arch=armv8.2-a+dotprod")
#endif
// --- the namespace tag ------------------------------------------------------------------------------------
#if defined(NARAE_NO_FILES)
#define NARAE_ABI_F _nofiles
#else
#define NARAE_ABI_F
#endif
#if defined(NARAE_NO_THREADS)
#define NARAE_ABI_T _nothreads
#else
#define NARAE_ABI_T
#endif
#if defined(NARAE_NO_SIMD)
#define NARAE_ABI_S _nosimd
#else
#define NARAE_ABI_S
#endif
#define NARAE_JOIN2(a, b, c, d) a##b##c##d
#define NARAE_JOIN(a, b, c, d) NARAE_JOIN2(a, b, c, d)
#define NARAE_ABI NARAE_JOIN(NARAE_ABI_X, NARAE_ABI_F, NARAE_ABI_T, NARAE_ABI_S)
// == narae/text/romanised.hpp: Hangul in source text that is ASCII: "na-rae"_ko is U+B098 U+B798
namespace narae::inline NARAE_ABI::text {
/// The index of the longest entry that `s` begins with; of an entry of no letters, if there is no other.
template <std::size_t N>
constexpr std::size_t longest_front(std::string_view s, const std::string_view (&list)[N]) noexcept {
    std::size_t best = N;
    for (std::size_t i = 0; i < N; ++i)
        if (s.starts_with(list[i]) && (best == N || list[i].size() > list[best].size())) best = i;
    return best;
}
/// The syllable of these letters, or 0.
constexpr char32_t romanised_syllable(std::string_view s) noexcept {
    constexpr std::string_view first[] = {"g",  "kk", "n", "d",  "tt", "r", "m", "b", "pp", "s",
                                          "ss", "",   "j", "jj", "ch", "k", "t", "p", "h"};
    constexpr std::string_view middle[] = {"a",  "ae", "ya", "yae", "eo", "e",  "yeo", "ye", "o",  "wa", "wae",
                                           "oe", "yo", "u",  "wo",  "we", "wi", "yu",  "eu", "ui", "i"};
    constexpr std::string_view last[] = {"",   "g",  "kk", "gs", "n",  "nj", "nh", "d", "l",  "lg",
                                         "lm", "lb", "ls", "lt", "lp", "lh", "m",  "b", "bs", "s",
                                         "ss", "ng", "j",  "ch", "k",  "t",  "p",  "h"};
    const auto a = longest_front(s, first);
    s.remove_prefix(first[a].size());
    const auto b = longest_front(s, middle);
    if (b == vowels) return 0;
    s.remove_prefix(middle[b].size());
    const auto c = longest_front(s, last);
    if (s != last[c]) return 0;
    return static_cast<char32_t>(first_syllable + (a * vowels + b) * finals + c);
}
/// A literal as a template argument, spelled in Hangul.
template <std::size_t N> struct hangul_literal {
    char32_t text[N] = {};
    std::size_t size = 0;
    constexpr hangul_literal(const char (&roman)[N]) noexcept {
        for (std::string_view rest(roman, N - 1); !rest.empty();) {
            std::size_t run = 0;
            while (run < rest.size() && rest[run] >= 'a' && rest[run] <= 'z') ++run;
            const auto syllable = romanised_syllable(rest.substr(0, run));
            if (run == 0) run = 1;
            if (syllable != 0)
                text[size++] = syllable;
            else if (rest[0] != '-')
                for (const char c : rest.substr(0, run)) text[size++] = static_cast<char32_t>(c);
            rest.remove_prefix(run);
        }
    }
};
template <hangul_literal Spelled> constexpr std::u32string_view operator""_ko() noexcept {
    return {Spelled.text, Spelled.size};
}
}  // namespace narae::inline NARAE_ABI::text
// == narae/corpus/clean.hpp: A line of text made plain: bytes to characters, what is not seen removed, one blank ...
namespace narae::inline NARAE_ABI::corpus {
using text::operator""_ko;
constexpr bool is_digit(char32_t c) noexcept { return c - '0' < 10; }
constexpr char32_t lower(char32_t c) noexcept { return c - 'A' < 26 ? c + ('a' - 'A') : c; }
constexpr bool is_latin(char32_t c) noexcept { return lower(c) - 'a' < 26; }
constexpr bool is_word(char32_t c) noexcept { return is_digit(c) || is_latin(c) || text::is_syllable(c); }
constexpr bool one_of(char32_t c, std::u32string_view list) noexcept { return list.find(c) != list.npos; }
/// A part of a text; begin == end: none.
struct bounds {
    std::size_t begin = 0, end = 0;
};
/// Does `ascii` (in lower case) stand at s[i]?
constexpr bool stands_at(std::u32string_view s, std::size_t i, std::string_view ascii) noexcept {
    if (s.size() - i < ascii.size()) return false;
    for (std::size_t k = 0; k < ascii.size(); ++k)
        if (lower(s[i + k]) != static_cast<char32_t>(ascii[k])) return false;
    return true;
}
/// The first c in s[from, from + most), or npos.
inline std::size_t find_near(std::u32string_view s, char32_t c, std::size_t from, std::size_t most) noexcept {
    const auto at = s.substr((std::min)(from, s.size()), most).find(c);
    return at == s.npos ? s.npos : from + at;
}
/// Does `is` hold for one of the words of a list in which blanks part them?
template <class Is> bool any_listed(std::u32string_view words, Is&& is) {
    for (std::size_t end; !words.empty(); words.remove_prefix((std::min)(end + 1, words.size()))) {
        end = (std::min)(words.find(U' '), words.size());
        if (is(words.substr(0, end))) return true;
    }
    return false;
}
/// The special tokens of the tokenizer that stand for personal data; the only ones that a clean text holds.
inline constexpr std::array<std::u32string_view, 5> masks = {U"<|tel|>", U"<|rrn|>", U"<|acc|>", U"<|email|>",
                                                             U"<|addr|>"};
/// The length of the mask at s[i], or 0.
inline std::size_t mask_at(std::u32string_view s, std::size_t i) noexcept {
    for (const auto m : masks)
        if (s.substr(i).starts_with(m)) return m.size();
    return 0;
}
/// What becomes of a character: itself; a blank, for every space but TAB; or 0, nothing: controls, zero-width and
/// direction marks, variation selectors, private use, the replacement character.
inline char32_t plain(char32_t c) noexcept {
    if (c < 0x7F) return c >= ' ' || c == '\t' ? c : c >= '\n' && c <= '\r' ? U' ' : 0;
    if (text::is_syllable(c)) return c;
    struct range {
        char32_t first, last, becomes;
    };
    constexpr range ranges[] = {
        {0x7F, 0x84, 0},        {0x85, 0x85, ' '},     {0x86, 0x9F, 0},       {0xA0, 0xA0, ' '},
        {0xAD, 0xAD, 0},        {0x115F, 0x1160, 0},   {0x1680, 0x1680, ' '}, {0x180B, 0x180F, 0},
        {0x2000, 0x200A, ' '},  {0x200B, 0x200F, 0},   {0x2028, 0x2029, ' '}, {0x202A, 0x202E, 0},
        {0x202F, 0x202F, ' '},  {0x205F, 0x205F, ' '}, {0x2060, 0x206F, 0},   {0x2800, 0x2800, ' '},
        {0x3000, 0x3000, ' '},  {0x3164, 0x3164, ' '}, {0xE000, 0xF8FF, 0},   {0xFDD0, 0xFDEF, 0},
        {0xFE00, 0xFE0F, 0},    {0xFEFF, 0xFEFF, 0},   {0xFFA0, 0xFFA0, ' '}, {0xFFF0, 0xFFFF, 0},
        {0xE0000, 0x10FFFF, 0},
    };
    for (const auto& r : ranges)
        if (c <= r.last) return c >= r.first ? r.becomes : c;
    return c;
}
struct decoded {
    bool invalid = false;  ///< bytes were no UTF-8
    bool cleaned = false;  ///< plain() changed something
};
/// `out` becomes the plain characters of `line`. Bytes that are no UTF-8 are left out: most often they are one
/// character cut in two at a limit, and the line is worth keeping. Text in another encoding loses its Hangul in this
/// way, and is then dropped as what is left of it: not Korean.
inline decoded decode(std::string_view line, std::u32string& out) {
    decoded found;
    out.resize(line.size());
    auto* to = out.data();
    for (std::size_t i = 0; i < line.size();) {
        if (line.size() - i >= 3 && text::is_syllable_at(line.data() + i)) {
            *to++ = text::syllable_at(line.data() + i);
            i += 3;
            continue;
        }
        const auto step = text::utf8_front(line.substr(i));
        i += step.length;
        if (!step.valid) {
            found.invalid = true;
            continue;
        }
        const auto c = plain(step.code_point);
        found.cleaned = found.cleaned || c != step.code_point;
        if (c != 0) *to++ = c;
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
    return found;
}
/// Appends the UTF-8 of `s`.
inline void encode(std::u32string_view s, std::string& out) {
    for (const auto c : s) {
        if (text::is_syllable(c)) {  // most of them are
            const auto byte = [](char32_t b) { return static_cast<char>(static_cast<unsigned char>(b)); };
            const char three[] = {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
            out.append(three, 3);
        } else {
            text::utf8_append(out, c);
        }
    }
}
/// NFC; true if that changed s. Most characters are known to stay as they are, and then so is the text.
inline bool compose(std::u32string& s) {
    const auto may_change = [](char32_t c) {
        const auto within = [&](char32_t first, char32_t last) { return c >= first && c <= last; };
        return c >= 0x300 && !text::is_syllable(c) && !within(0x4E00, 0x9FFF) && !within(0x2010, 0x205F) &&
               !within(0x2400, 0x27FF) && !within(0x3001, 0x3029) && !within(0x3130, 0x318F) && !within(0xFF01, 0xFFEF);
    };
    if (std::none_of(s.begin(), s.end(), may_change)) return false;
    std::string bytes;
    text::normalizer nfc(text::normal_form::nfc, bytes);
    for (const auto c : s) nfc.put(c);
    nfc.flush();
    std::u32string composed;
    decode(bytes, composed);
    if (composed == s) return false;
    s.swap(composed);
    return true;
}
/// One blank between words, none around a TAB, which parts turns, nor at the ends; true if that changed s. And "<|"
/// becomes "|" but in masks: no text can hold what the tokenizer takes for another special token.
inline bool squeeze(std::u32string& s) {
    auto* to = s.data();
    char32_t waiting = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto c = s[i];
        if (c == ' ' || c == '\t') {
            if (waiting != '\t') waiting = c;
            continue;
        }
        if (waiting != 0 && to != s.data()) *to++ = waiting;
        waiting = 0;
        while (c == '|' && to != s.data() && to[-1] == '<' && mask_at(s, i - 1) == 0) --to;
        *to++ = c;
    }
    const auto before = s.size();
    s.resize(static_cast<std::size_t>(to - s.data()));
    return s.size() != before;
}
/// A character that stands more than three times in a row stands three times, digits excepted; true if that changed s.
/// It is meant for laughter (U+314B, kieuk, without end), "!!!!!!" and "-------".
inline bool cut_runs(std::u32string& s) {
    constexpr std::size_t most = 3;
    auto* to = s.data();
    std::size_t run = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        run = i != 0 && s[i] == s[i - 1] ? run + 1 : 1;
        if (run <= most || (s[i] >= '0' && s[i] <= '9')) *to++ = s[i];
    }
    const auto before = s.size();
    s.resize(static_cast<std::size_t>(to - s.data()));
    return s.size() != before;
}
// == narae/corpus/quality.hpp: What a line is worth: how Korean, how long, how repetitive, how much of it is links ...
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
// == narae/corpus/duplicates.hpp: Lines that were there before: the same bytes, by a 64-bit hash, or nearly the ...
/// Never 0.
inline std::uint64_t hash_of(std::string_view bytes) noexcept {
    std::uint64_t hash = bytes.size() + 1;
    while (bytes.size() >= 8) {
        hash = token::mix(hash ^ load_le<std::uint64_t>(bytes.data()));
        bytes.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    for (const char c : bytes) rest = rest << 8 | static_cast<unsigned char>(c);
    return (std::max)(token::mix(token::mix(hash ^ rest)), std::uint64_t{1});
}
/// The last `most` hashes, 16 to 32 bytes each, or half as many: when one half is full the other one is forgotten.
class seen_hashes {
public:
    explicit seen_hashes(std::size_t most) : half_((std::max)(most / 2, std::size_t{1})) {}
    /// Adds `hash`, which is not 0; false if it was there.
    bool insert(std::uint64_t hash) {
        if (*place(old_, hash) == hash || *place(new_, hash) == hash) return false;
        if (count_ == half_) {
            old_ = std::exchange(new_, table(least));
            count_ = 0;
        } else if (2 * (count_ + 1) > new_.size()) {
            for (const auto h : std::exchange(new_, table(2 * new_.size())))
                if (h != 0) *place(new_, h) = h;
        }
        *place(new_, hash) = hash;
        ++count_;
        return true;
    }
private:
    using table = std::vector<std::uint64_t>;
    static constexpr std::size_t least = 64;
    static std::uint64_t* place(table& slots, std::uint64_t hash) noexcept {
        auto at = static_cast<std::size_t>(hash) & (slots.size() - 1);
        while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & (slots.size() - 1);
        return &slots[at];
    }
    std::size_t half_, count_ = 0;
    table new_ = table(least), old_ = new_;
};
/// 64 minima of hashed shingles, 8 bits of each: the share of equal ones estimates how much two lines have in common
/// (shingles of both over shingles of either), give or take 0.05.
using signature = std::array<std::uint8_t, 64>;
inline signature signature_of(const letters& l) {
    constexpr auto seeds = [] {
        std::array<std::uint32_t, std::tuple_size_v<signature>> f{};
        std::uint64_t x = 1;
        for (auto& y : f) y = static_cast<std::uint32_t>((x = token::mix(x + 0x5DEECE66D)) >> 24);
        return f;
    }();
    std::array<std::uint32_t, seeds.size()> minima;
    minima.fill(~std::uint32_t{0});
    for_each_shingle(l.text, [&](std::uint64_t hash) {
        const auto x = static_cast<std::uint32_t>(hash >> 16);
        for (std::size_t k = 0; k < minima.size(); ++k) {
            auto y = (x ^ seeds[k]) * 0x85EBCA6B;
            y = (y ^ y >> 13) * 0xC2B2AE35;
            minima[k] = y < minima[k] ? y : minima[k];
        }
    });
    signature s;
    for (std::size_t k = 0; k < s.size(); ++k) s[k] = static_cast<std::uint8_t>(minima[k] * 0x9E3779B1u >> 24);
    return s;
}
/// The last `most` lines that were new, 128 bytes each. A line is looked up by 16 bands of 4 bytes of its signature,
/// then compared with the line that was found: one that shares 7 of 10 shingles is found, surely enough.
class near_duplicates {
public:
    explicit near_duplicates(std::size_t most)
        : most_(std::bit_ceil((std::max)(most, least))), places_(bands * least) {}
    /// Adds the line; false if one like it was there.
    bool insert(const signature& s) {
        for (std::size_t b = 0; b < bands; ++b)
            if (const auto line = *place(s, b); line != 0 && alike(s, lines_[line - 1])) return false;
        if (lines_.size() < most_ && lines_.size() == places_.size() / bands) {  // more places than lines
            places_ = std::vector<std::uint32_t>(2 * places_.size());
            for (std::size_t i = 0; i < lines_.size(); ++i) remember(i);
        }
        if (lines_.size() < most_)
            lines_.push_back(s);
        else
            lines_[next_ % most_] = s;
        remember(next_++ % most_);
        return true;
    }
private:
    static constexpr std::size_t bands = 16, rows = 4, least = std::size_t{1} << 10;
    static bool alike(const signature& a, const signature& b) noexcept {
        unsigned equal = 0;
        for (std::size_t k = 0; k < a.size(); ++k) equal += a[k] == b[k];
        return equal * 10 >= a.size() * 7;
    }
    /// Where the number of the newest line with this band stands, counted from 1.
    std::uint32_t* place(const signature& s, std::size_t band) noexcept {
        const auto width = places_.size() / bands;
        const auto hash = token::mix(load_le<std::uint32_t>(s.data() + rows * band) + (std::uint64_t{band} << 32));
        return places_.data() + width * band + (static_cast<std::size_t>(hash >> 20) & (width - 1));
    }
    void remember(std::size_t line) noexcept {
        for (std::size_t b = 0; b < bands; ++b) *place(lines_[line], b) = static_cast<std::uint32_t>(line + 1);
    }
    std::size_t most_, next_ = 0;
    std::vector<signature> lines_;
    std::vector<std::uint32_t> places_;
};
// == narae/corpus/markup.hpp: Markup removed, text kept: HTML tags and entities, Markdown marks, links, web addresses
/// Where the tag, comment, script or special token at s[i] == '<' ends, or i if it is none. `blank` says whether it
/// parts words: <br> does, <b> does not.
inline std::size_t end_of_tag(std::u32string_view s, std::size_t i, bool& blank) noexcept {
    constexpr std::string_view within =
        " a abbr acronym b bdi bdo big cite code del em font i ins kbd mark nobr q rb rp ruby s samp small span strike "
        "strong sub sup tt u var wbr ";
    constexpr std::string_view apart =
        " address article aside audio blockquote body br button canvas caption center col colgroup dd details div dl "
        "doctype dt embed fieldset figcaption figure footer form frame h1 h2 h3 h4 h5 h6 head header hr html iframe "
        "img input label legend li link main map math meta nav noscript object ol option p param picture pre ref "
        "section select source style script summary svg table tbody td textarea tfoot th thead title tr ul video ";
    constexpr std::size_t longest = 2000, longest_script = 20000;  // a line full of fronts stays cheap
    blank = true;
    const auto past = [&](std::string_view closing, std::size_t from, std::size_t most) {
        const auto within_reach = s.substr(0, from + (std::min)(most, s.size() - from));
        for (auto at = from; (at = within_reach.find(static_cast<char32_t>(closing[0]), at)) != s.npos; ++at)
            if (stands_at(s, at, closing)) return at + closing.size();
        return i;
    };
    if (mask_at(s, i) != 0) return i;
    if (stands_at(s, i, "<|")) return past("|>", i + 2, 32);
    if (stands_at(s, i, "<!--")) return past("-->", i + 4, longest);
    auto at = i + 1;
    if (at < s.size() && (s[at] == '/' || s[at] == '!')) ++at;
    std::string wanted(1, ' ');  // short enough to need no memory
    while (at < s.size() && wanted.size() < 12 && (is_latin(s[at]) || (wanted.size() > 1 && is_digit(s[at]))))
        wanted += static_cast<char>(lower(s[at++]));
    wanted += ' ';
    if (wanted.size() == 2 || at == s.size() || !one_of(s[at], U">/ ")) return i;
    blank = within.find(wanted) == within.npos;
    if (blank && apart.find(wanted) == apart.npos) return i;
    const auto close = find_near(s, '>', at, longest);
    if (close == s.npos) return i;
    if (s[i + 1] != '/' && (wanted == " script " || wanted == " style ")) {
        const auto end = past(wanted == " script " ? "</script>" : "</style>", close, longest_script);
        if (end != i) return end;
    }
    return close + 1;
}
/// Where the entity at s[i] == '&' ends, or i if it is none; c becomes what it stands for. "&amp;lt;" is "<", too.
inline std::size_t end_of_entity(std::u32string_view s, std::size_t i, char32_t& c) noexcept {
    constexpr std::string_view names[] = {"lt;",    "gt;",    "quot;",  "apos;",  "nbsp;",  "middot;", "hellip;",
                                          "ldquo;", "rdquo;", "lsquo;", "rsquo;", "ndash;", "mdash;",  "bull;",
                                          "copy;",  "reg;",   "deg;",   "times;", "laquo;", "raquo;"};
    constexpr std::u32string_view characters =
        U"<>\"' \u00B7\u2026\u201C\u201D\u2018\u2019\u2013\u2014\u2022\u00A9\u00AE\u00B0\u00D7\u00AB\u00BB";
    auto at = i + 1;
    while (stands_at(s, at, "amp;")) at += 4;
    for (std::size_t k = 0; k < std::size(names); ++k)
        if (stands_at(s, at, names[k])) return c = characters[k], at + names[k].size();
    if (at < s.size() && s[at] == '#') {
        const bool hex = stands_at(s, at, "#x");
        const auto first = at + 1 + hex;
        auto digit = first;
        for (c = 0; digit < s.size() && c < 0x110000 && (is_digit(s[digit]) || (hex && lower(s[digit]) - 'a' < 6));
             ++digit)
            c = c * (hex ? 16 : 10) + (is_digit(s[digit]) ? s[digit] - '0' : lower(s[digit]) - 'a' + 10);
        if (digit != first && digit < s.size() && s[digit] == ';' && c < 0x110000 && c - 0xD800 >= 0x800) {
            c = c == '\t' ? U' ' : plain(c);
            return digit + 1;
        }
    }
    if (at == i + 1) return i;
    return c = '&', at;
}
/// Where the web address that begins at s[i] ends, or i if none does.
inline std::size_t end_of_address(std::u32string_view s, std::size_t i) noexcept {
    if ((i != 0 && (is_latin(s[i - 1]) || is_digit(s[i - 1]))) ||
        (!stands_at(s, i, "http://") && !stands_at(s, i, "https://") && !stands_at(s, i, "www.")))
        return i;
    auto end = i;
    while (end < s.size() && s[end] > ' ' && s[end] < 0x7F && !one_of(s[end], U"<>\")]")) ++end;
    while (one_of(s[end - 1], U".,;:!?*'")) --end;
    return end - i > (s[i] == 'w' ? 4 : 8) ? end : i;
}
/// Where the marks stand that end what the n marks at s[i] emphasise, at most 200 characters on; npos if nowhere. Marks
/// open where no word ends. ~ comes in pairs only; names in snake_case and quotes like `this' are text.
inline std::size_t closing_marks(std::u32string_view s, std::size_t i, std::size_t n) noexcept {
    const auto c = s[i];
    const auto open = i + n;
    if (n > 3 || (c == '~' && n != 2) || (i != 0 && is_word(s[i - 1])) || open == s.size() ||
        one_of(s[open], U" \t.,;:!?)]}"))
        return s.npos;
    bool plain_name = c == '_';
    for (auto k = open; k < s.size() && k < open + 200 && s[k] != '\t' && !(c == '`' && s[k] == '\''); ++k) {
        plain_name = plain_name && s[k] < 0x80;
        if (s[k] != c) continue;
        auto end = k;
        while (end < s.size() && s[end] == c) ++end;
        if (end - k == n && !plain_name && !one_of(s[k - 1], U" ([{") &&
            !(end < s.size() && (is_latin(s[end]) || is_digit(s[end]))))
            return k;
        k = end - 1;
    }
    return s.npos;
}
/// Of the link [text](target) at s[open]: what stands from its "]" to its ")"; begin == end if it is none.
inline bounds link_end(std::u32string_view s, std::size_t open) noexcept {
    if (open >= s.size() || s[open] != '[') return {};
    const auto close = find_near(s, ']', open + 1, 400);
    if (close == s.npos || close + 1 == s.size() || s[close + 1] != '(') return {};
    const auto last = find_near(s, ')', close + 2, 1000);
    if (last == s.npos) return {};
    const auto target = s.substr(close + 2, last - close - 2);
    const bool ascii = std::all_of(target.begin(), target.end(), [](char32_t t) { return t < 0x7F; });
    return ascii && target.find_first_of(U"/.#") != target.npos ? bounds{close, last + 1} : bounds{};
}
/// `out` becomes s without markup; s is used up. Returns how many web addresses were removed.
///   [text](target), ![text](target)   text, nothing
///   # heading, > quote, - item        at the front of a line or turn; "##" in front of any word
///   *text* **text** _text_ ~~text~~ `text`   text
inline std::size_t strip_markup(std::u32string& s, std::u32string& out) {
    constexpr char32_t gone = 0;  // what the end of a pair becomes when its front is removed
    const std::u32string_view view = s;
    const auto at = [&](std::size_t i) { return i < s.size() ? s[i] : U' '; };
    const auto erase = [&](std::size_t begin, std::size_t end) {
        std::fill(s.begin() + static_cast<std::ptrdiff_t>(begin), s.begin() + static_cast<std::ptrdiff_t>(end), gone);
    };
    std::size_t addresses = 0;
    out.clear();
    for (std::size_t i = 0; i < s.size();) {
        const auto c = s[i];
        if (c == gone || c >= 0x80) {
            if (c != gone) out.push_back(c);
            ++i;
            continue;
        }
        const bool front = out.empty() || out.back() == '\t';
        auto end = i;  // of what is removed
        if (c == '<') {
            bool blank = false;
            if ((end = end_of_tag(view, i, blank)) != i) {
                if (blank) out.push_back(' ');
            } else if (const auto close = end_of_address(view, i + 1); close != i + 1 && at(close) == '>') {
                ++addresses;
                end = close + 1;
            }
        } else if (c == '&') {
            char32_t is = 0;
            if ((end = end_of_entity(view, i, is)) != i && is != 0) out.push_back(is);
        } else if (one_of(c, U"hHwW")) {
            end = end_of_address(view, i);
            addresses += end != i;
        } else if (c == '!' || c == '[') {
            if (const auto link = link_end(view, i + (c == '!')); link.begin != link.end) {
                addresses += stands_at(view, link.begin + 2, "http");
                erase(c == '!' ? i : link.begin, link.end);
                end = i + 1;
            }
        } else if (c == '#') {
            while (at(end) == '#') ++end;
            const bool word_front = front || out.back() == ' ';
            if (!word_front || at(end) != ' ' || end == s.size() || end - i > 6 || (!front && end - i < 2)) end = i;
        } else if (one_of(c, U">-*") && front && at(i + 1) == ' ') {
            end = i + 2;
        } else if (one_of(c, U"*_~`")) {
            while (at(end) == c) ++end;
            const auto n = end - i, close = closing_marks(view, i, n);
            if (close == view.npos)
                out.append(view.substr(i, n));
            else
                erase(close, close + n);
        }
        if (end == i) out.push_back(s[end++]);
        i = end;
    }
    return addresses;
}
// == narae/corpus/personal.hpp: Personal data masked by the tokenizer's special tokens: telephone, resident ...
enum class personal : std::uint8_t { telephone, registration, account, email, address };
/// A number as people write it: groups of digits, each with what parts it from the next one: '-', '.', ' ', ')' or 0.
struct number {
    struct group {
        std::size_t begin, end;
        char32_t gap;
        std::size_t size() const noexcept { return end - begin; }
    };
    std::array<group, 5> groups{};
    std::size_t count = 0;
    /// The number at s[i], which is a digit.
    number(std::u32string_view s, std::size_t i) noexcept {
        const auto at = [&](std::size_t k) { return k < s.size() ? s[k] : U'\0'; };
        while (count < groups.size()) {
            auto& g = groups[count++];
            g = {i, i, 0};
            while (is_digit(at(g.end))) ++g.end;
            i = g.end;
            if (at(i) == ' ') g.gap = at(i++);
            const bool hyphen = at(i) == '-' || at(i) - 0x2010 < 4;
            if (hyphen || (g.gap == 0 && (at(i) == '.' || at(i) == ')'))) {
                g.gap = hyphen ? U'-' : at(i);
                if (at(++i) == ' ') ++i;
            }
            if (!is_digit(at(i))) g.gap = 0;
            if (g.gap == 0) break;
        }
    }
};
/// Can a number begin at s[i], or is it the rest of a longer one?
inline bool number_opens(std::u32string_view s, std::size_t i) noexcept {
    if (i == 0) return true;
    const auto before = s[i - 1];
    if (before == '-' || before == '.' || before == ',') return i < 2 || !is_digit(s[i - 2]);
    return !is_digit(before) && before != '_' && before != '=' && before != '@';
}
/// Can a number end before s[i]?
inline bool number_closes(std::u32string_view s, std::size_t i) noexcept {
    if (i >= s.size()) return true;
    if (s[i] == '-' || s[i] == '.' || s[i] == ',') return i + 1 >= s.size() || !is_digit(s[i + 1]);
    return !is_digit(s[i]) && !is_latin(s[i]) && s[i] != '_' && s[i] != '@';
}
/// Does one of `words` (apart by blanks) stand among the 20 characters before s[begin] or the 8 from s[end] on?
inline bool near_word(std::u32string_view s, std::size_t begin, std::size_t end, std::u32string_view words) noexcept {
    const auto from = begin - (std::min<std::size_t>)(begin, 20);
    const auto before = s.substr(from, begin - from), after = s.substr((std::min)(end, s.size()), 8);
    return any_listed(words, [&](auto w) { return before.find(w) != before.npos || after.find(w) != after.npos; });
}
/// How many groups at the front of n are a telephone number; 0 if they are none.
///   010-1234-5678, 01012345678, 010-12345678   mobile: 01x and 7 or 8 digits
///   02-123-4567, (031)123-4567, 070.1234.5678  area and service codes, in three groups
///   +82-10-1234-5678, 82-2-123-4567            the same from abroad, the 0 left out or not
///   1588-1234                                  numbers for a whole country; what may be years needs a word beside it
inline std::size_t telephone(std::u32string_view s, const number& n) {
    constexpr auto words = "jeon-hwa mun-ui sang-dam sen-teo yeon-rag go-gaeg dae-pyo ye-yag"_ko;
    constexpr std::u32string_view country_wide =
        U"1522 1533 1544 1551 1555 1566 1577 1588 1599 1600 1604 1644 "
        U"1660 1661 1666 1668 1670 1688 1800 1811 1833 1855 1877 1899";
    const auto& g = n.groups;
    const bool plus = g[0].begin != 0 && s[g[0].begin - 1] == '+';
    const auto digits_of = [&](std::size_t k) {
        return s.substr(g[k].begin, (std::min<std::size_t>)(g[k].size(), 20));
    };
    auto code = std::u32string(digits_of(0));  // the first group, with its 0
    const bool abroad = stands_at(code, 0, "82") && (code.size() == 2 ? n.count > 1 : plus);
    const std::size_t first = abroad && code.size() == 2;
    if (abroad) code = first != 0 ? digits_of(1) : code.substr(2);
    if (abroad && code[0] != '0') code.insert(0, 1, '0');
    const auto is = [&](std::size_t k, std::u32string_view list) { return k < code.size() && one_of(code[k], list); };
    const bool mobile = stands_at(code, 0, "01") && is(2, U"016789");
    const std::size_t area = stands_at(code, 0, "02")                         ? 2
                             : stands_at(code, 0, "050") && is(3, U"2345678") ? 4
                             : mobile || stands_at(code, 0, "070") || stands_at(code, 0, "080") ||
                                     (is(0, U"0") && is(1, U"3456") && is(2, U"12345"))
                                 ? 3
                                 : 0;
    const auto size = [&](std::size_t k) { return first + k < n.count ? g[first + k].size() : 0; };
    if (area != 0) {
        const std::size_t least = stands_at(code, 0, "010") ? 8 : 7;
        const auto fits = [&](std::size_t all) { return all == area + least || all == area + 8; };
        if (code.size() == area && size(2) == 4 && fits(area + size(1) + 4)) return first + 3;
        if (mobile && (code.size() == area || size(1) == 4) && fits(code.size() + size(1))) return first + 2;
        if ((mobile || plus) && fits(code.size())) return first + 1;
    } else if (!abroad && g[0].size() == 4 && g[0].gap == '-' && g[1].size() == 4) {
        const auto front = s.substr(g[0].begin, 4), back = s.substr(g[1].begin, 4);
        const bool years = back > front && back < U"2100";
        if (any_listed(country_wide, [&](auto known) { return known == front; }) &&
            (!years || near_word(s, g[0].begin, g[1].end, words) ||
             near_word(s, g[0].begin, g[1].end, U"\u260E \u260F Tel TEL tel")))
            return 2;
    }
    return 0;
}
/// Where the resident or foreigner registration number at the front of n ends, or 0: a date of birth, a digit for
/// century and sex (1 to 8), six more. With a hyphen between, the date is enough: since October 2020 the last digits
/// are random. Without one the checksum must hold as well. "900101-1******" is masked, too.
inline std::size_t registration(std::u32string_view s, const number& n) noexcept {
    const auto& g = n.groups;
    const bool whole = g[0].size() == 13;
    if (!whole && (g[0].size() != 6 || n.count < 2)) return 0;
    const auto digit = [&](std::size_t k) {
        return static_cast<unsigned>(s[(k < 6 || whole ? g[0].begin : g[1].begin - 6) + k] - '0');
    };
    constexpr unsigned days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const auto month = digit(2) * 10 + digit(3), day = digit(4) * 10 + digit(5), kind = digit(6);
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] || kind < 1 || kind > 8) return 0;
    if (!whole && g[0].gap == '-' && g[1].size() == 1) {
        auto end = g[1].end;
        while (end < s.size() && one_of(s[end], U"*\u25CFXx")) ++end;
        return end - g[1].end >= 3 ? end : 0;  // a run is cut to three before
    }
    if (!whole && g[1].size() != 7) return 0;
    if (whole || g[0].gap != '-') {
        unsigned sum = 0;
        for (std::size_t k = 0; k < 12; ++k) sum += digit(k) * static_cast<unsigned>(k % 8 + 2);
        if ((kind < 5 ? 11 - sum % 11 : 13 - sum % 11) % 10 != digit(12)) return 0;
    }
    return whole ? g[0].end : g[1].end;
}
/// How many groups at the front of n are the number of a bank account or card: 10 to 16 digits in one, three or four
/// groups with hyphens between, beside a word such as account, bank or deposit; no date, and no sum of money.
inline std::size_t account(std::u32string_view s, const number& n) noexcept {
    constexpr auto words =
        "gye-jwa eun-haeng ib-geum song-geum i-che ye-geum tong-jang baeng-keu nong-hyeob "
        "sin-hyeob su-hyeob geum-go ka-deu"_ko;
    const auto& g = n.groups;
    std::size_t count = 0, digits = 0;
    do digits += g[count++].size();
    while (count < n.count && g[count - 1].gap == '-');
    if ((count != 1 && count != 3 && count != 4) || (count == 4 && g[3].size() == 1)) return 0;  // 4 and 1: an ISBN
    const auto end = g[count - 1].end;
    const bool date = count > 1 && g[0].size() == 4 && g[1].size() == 2 && g[2].size() == 2 && s[g[1].begin] < '2' &&
                      s[g[2].begin] < '4';
    const bool sum = count == 1 && end < s.size() && one_of(s[end], "won-dal-en"_ko);
    return digits >= 10 && digits <= 16 && !date && !sum && near_word(s, g[0].begin, end, words) ? count : 0;
}
/// The street address whose number begins at s[i]: province, district, further parts, road or quarter, number, and
/// what follows of a building's parts. Its bounds; begin == end if it is none.
inline bounds street_address(std::u32string_view s, std::size_t i) noexcept {
    constexpr auto provinces =
        "seo-ul bu-san dae-gu in-cheon gwang-ju dae-jeon ul-san se-jong gyeong-gi gang-won je-ju chung-bug chung-nam "
        "jeon-bug jeon-nam gyeong-bug gyeong-nam chung-cheong jeon-ra gyeong-sang"_ko;
    constexpr auto rests =
        "si do teug-byeol-si gwang-yeog-si teug-byeol-ja-chi-si teug-byeol-ja-chi-do bug-do nam-do"_ko;
    constexpr auto roads = "ro-gil-dong-ri-ga"_ko, districts = "si-gun-gu"_ko, rooms = "dong-ho-cheung"_ko,
                   parts = "si-gun-gu-eub-myeon-dong-ri-ga-ro"_ko,
                   particles = "e-ui-ro-eu-i-eun-neun-eul-reul-wa-gwa-yeoss"_ko;
    const auto at = [&](std::size_t k) { return k < s.size() ? s[k] : U'\0'; };
    const auto digits = [&](std::size_t k) {
        while (is_digit(at(k))) ++k;
        return k;
    };
    if (i < 2 || s[i - 1] != ' ' || !one_of(s[i - 2], roads)) return {};
    bool district = false, found = false;
    auto begin = i - 1;  // the blank after a word
    for (int word = 0; word < 6 && !found; ++word) {
        const auto last = begin;
        while (begin > 0 && is_word(s[begin - 1])) --begin;
        const auto w = s.substr(begin, last - begin);
        if (w.size() < 2) return {};
        district = district || (word > 0 && one_of(w.back(), districts));
        found = district && any_listed(provinces, [&](auto p) {
                    const auto rest = w.substr((std::min)(w.size(), p.size()));
                    return w.starts_with(p) && (rest.empty() || any_listed(rests, [&](auto r) { return r == rest; }));
                });
        if (found) break;
        if ((word > 0 && !one_of(w.back(), parts)) || begin == 0 || s[begin - 1] != ' ') return {};
        --begin;
    }
    if (!found) return {};
    const auto part = [&](std::size_t k) {  // 12, 12-3
        k = digits(k);
        return at(k) == '-' && is_digit(at(k + 1)) ? digits(k + 1) : k;
    };
    auto end = part(i);
    const auto beon = at(end) == "beon"_ko[0];
    if (at(end + beon) == "gil"_ko[0] && at(end + beon + 1) == ' ' && is_digit(at(end + beon + 2)))
        end = part(end + beon + 2);
    else if (beon && at(end + 1) == "ji"_ko[0])
        end += 2;
    if (text::is_syllable(at(end)) ? !one_of(at(end), particles) : !number_closes(s, end)) return {};
    for (auto k = end; k < s.size();) {
        while (at(k) == ' ' || at(k) == ',') ++k;
        const auto next = digits(k);
        if (next == k || !one_of(at(next), rooms)) break;
        k = end = next + 1;
    }
    return {begin, end};
}
/// The e-mail address around s[i] == '@', not before s[from]; begin == end if it is none.
inline bounds email(std::u32string_view s, std::size_t i, std::size_t from) noexcept {
    const auto is_part = [](char32_t c) { return is_latin(c) || is_digit(c) || c == '-' || c == '.'; };
    auto begin = i, end = i + 1;
    while (begin > from && (is_part(s[begin - 1]) || one_of(s[begin - 1], U"_%+"))) --begin;
    while (begin < i && one_of(s[begin], U".-")) ++begin;
    while (end < s.size() && is_part(s[end])) ++end;
    while (end > i + 1 && !is_latin(s[end - 1])) --end;
    const auto domain = s.substr(i + 1, end - i - 1);
    const auto dot = domain.rfind('.');
    const bool fine = begin < i && dot != domain.npos && dot > 0 && domain.size() - dot > 2 &&
                      std::all_of(domain.begin() + static_cast<std::ptrdiff_t>(dot) + 1, domain.end(), is_latin);
    return fine ? bounds{begin, end} : bounds{};
}
/// `out` becomes s with personal data masked. Returns how many of each kind were found.
inline std::array<std::uint32_t, masks.size()> mask_personal(std::u32string_view s, std::u32string& out) {
    std::array<std::uint32_t, masks.size()> found{};
    std::size_t done = 0;
    out.clear();
    for (std::size_t i = 0; i < s.size();) {
        if (s[i] != '@' && !is_digit(s[i])) {
            ++i;
            continue;
        }
        bounds b;
        auto kind = personal::email;
        auto next = i + 1;
        if (s[i] == '@') {
            b = email(s, i, done);
        } else {
            const number n(s, i);
            next = n.groups[0].end;
            const auto before = i == 0 ? U' ' : s[i - 1];
            const bool glued = (is_latin(before) || before == '-') && n.count == 1;
            const auto is = [&](personal k, std::size_t end) {
                if (end == 0 || !number_closes(s, end)) return false;
                kind = k;
                b = {i, end};
                return true;
            };
            const auto end_of = [&](std::size_t count) { return count == 0 ? 0 : n.groups[count - 1].end; };
            if (number_opens(s, i) && !glued &&
                (is(personal::registration, registration(s, n)) || is(personal::telephone, end_of(telephone(s, n))) ||
                 is(personal::account, end_of(account(s, n))))) {
                if (kind == personal::telephone && (before == '+' || (before == '(' && n.groups[0].gap == ')')))
                    --b.begin;
            } else if (b = street_address(s, i); b.begin != b.end) {
                kind = personal::address;
            }
        }
        if (b.begin != b.end && b.begin >= done) {
            out.append(s.substr(done, b.begin - done)) += masks[static_cast<std::size_t>(kind)];
            ++found[static_cast<std::size_t>(kind)];
            next = done = b.end;
        }
        i = next;
    }
    out.append(s.substr(done));
    return found;
}
}  // namespace narae::inline NARAE_ABI::corpus
// == narae/text/lines.hpp: Text taken apart and put together: lines, fields, characters
namespace narae::inline NARAE_ABI::text {
/// Takes the first line from `rest` and gives it back without its end, LF or CR LF, which the last one may lack.
inline std::string_view take_line(std::string_view& rest) noexcept {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix((std::min)(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}
/// Share `part` of `parts` of the lines of a text, dealt out by bytes: which one a line is in only says who works on
/// it.
inline std::string_view share_of_lines(std::string_view text, std::size_t part, std::size_t parts) noexcept {
    const auto edge = [&](std::size_t i) {
        const auto newline = i == 0 ? 0 : text.find('\n', text.size() / parts * i);
        return i == 0 ? 0 : i == parts ? text.size() : (std::min)(newline, text.size() - 1) + 1;
    };
    return text.substr(edge(part), edge(part + 1) - edge(part));
}
/// Is all of it UTF-8? The error names the line of the first byte that is not, and the byte.
inline result<void> check_utf8(std::string_view text) {
    const auto bad = utf8_first_invalid(text);
    if (bad == text.size()) return {};
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    return error{errc::bad_value, {"line ", static_cast<std::uint64_t>(line), ": not UTF-8"}, bad};
}
/// The fields between the marks; one more than there are marks.
inline std::vector<std::string_view> split(std::string_view s, char at) {
    std::vector<std::string_view> parts;
    for (auto end = s.find(at); end != s.npos; end = s.find(at)) {
        parts.push_back(s.substr(0, end));
        s.remove_prefix(end + 1);
    }
    parts.push_back(s);
    return parts;
}
/// The characters of UTF-8, U+FFFD for what is none.
inline std::u32string code_points(std::string_view s) {
    std::u32string out;
    while (!s.empty()) {
        const auto step = utf8_front(s);
        out.push_back(step.code_point);
        s.remove_prefix(step.length);
    }
    return out;
}
inline std::string utf8(std::u32string_view s) {
    std::string out;
    for (const auto c : s) utf8_append(out, c);
    return out;
}
}  // namespace narae::inline NARAE_ABI::text
// == narae/corpus/filter.hpp: The corpus filter: lines of raw text in, lines to train on out, and a count of what ...
namespace narae::inline NARAE_ABI::corpus {
/// The rules in the order in which they work. The first that drops a line ends it; what others changed counts as well.
enum class rule : std::uint8_t {
    too_long,      ///< more than filter::longest bytes: dropped unread
    invalid_utf8,  ///< bytes that are no character removed
    characters,    ///< controls, zero-width characters and needless blanks removed, NFC
    markup,        ///< tags, entities, Markdown and web addresses removed
    runs,          ///< a character that is repeated without end cut to three
    telephone,     ///< masked, as are the next four; the order is that of `personal`
    registration,
    account,
    email,
    address,
    boilerplate,  ///< sentences of web pages removed
    not_korean,   ///< the first rule of content: dropped, as by all that follow
    too_short,
    repetitive,
    spam,
    other_domain,  ///< not what options.domain asks for
    duplicate,
    near_duplicate,
    none,  ///< the line is kept
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(rule::none)> rule_names = {
    "too_long",   "invalid_utf8", "characters", "markup", "runs",                         //
    "telephone",  "registration", "account",    "email",  "address",      "boilerplate",  //
    "not_korean", "too_short",    "repetitive", "spam",   "other_domain", "duplicate",   "near_duplicate"};
/// Does the rule drop lines, or change them?
constexpr bool drops(rule r) noexcept { return r == rule::too_long || r >= rule::not_korean; }
/// Lines and bytes, newlines included. Reports of parts of a corpus add up, but for duplicates between the parts.
struct report {
    std::uint64_t lines = 0, kept = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t conversation = 0, information = 0;         ///< of the lines kept; a line may be both
    std::array<std::uint64_t, rule_names.size()> by_rule{};  ///< lines that the rule dropped or changed
    std::uint64_t& operator[](rule r) noexcept { return by_rule[static_cast<std::size_t>(r)]; }
    std::uint64_t operator[](rule r) const noexcept { return by_rule[static_cast<std::size_t>(r)]; }
    report& operator+=(const report& other) noexcept {
        lines += other.lines, kept += other.kept, bytes_in += other.bytes_in, bytes_out += other.bytes_out;
        conversation += other.conversation, information += other.information;
        for (std::size_t r = 0; r < by_rule.size(); ++r) by_rule[r] += other.by_rule[r];
        return *this;
    }
    /// {"lines":...,"dropped":{"too_long":...},"changed":{...},"domains":{...}}, and a newline.
    std::string json() const {
        std::string parts[2];
        for (std::size_t r = 0; r < by_rule.size(); ++r) {
            auto& part = parts[drops(static_cast<rule>(r))];
            part += concat({part.empty() ? "" : ",", "\n    \"", rule_names[r], "\": ", by_rule[r]});
        }
        return concat({"{\n  \"lines\": ", lines, ",\n  \"kept\": ", kept, ",\n  \"bytes_in\": ", bytes_in,
                       ",\n  \"bytes_out\": ", bytes_out, ",\n  \"dropped\": {", parts[1], "\n  },\n  \"changed\": {",
                       parts[0], "\n  },\n  \"domains\": {\n    \"conversation\": ", conversation,
                       ",\n    \"information\": ", information, "\n  }\n}\n"});
    }
};
enum class domain : std::uint8_t { any, conversation, information };
struct filter_options {
    bool near_duplicates = true;
    corpus::domain domain = domain::any;     ///< what to keep
    std::size_t remembered = 1u << 24;       ///< lines compared for duplicates, 32 bytes each at most
    std::size_t remembered_near = 1u << 20;  ///< lines compared for near duplicates, 128 bytes each
    std::size_t threads = 1;                 ///< for feed(); 0: one per processor
};
class filter {
public:
    static constexpr std::size_t longest = std::size_t{1} << 20;  ///< bytes of a line
    /// Errors: io where a thread cannot be started, out_of_memory.
    static result<filter> make(const filter_options& options = {}) {
        return guarded([&]() -> result<filter> {
            auto team = sys::team::make(options.threads);
            if (!team) return team.error();
            return filter(options, *std::move(team));
        });
    }
    /// The next bytes of a text, cut anywhere; appends the lines that are kept, each with a newline. A line waits for
    /// its end in no more than `longest` bytes. Blocks of megabytes keep several threads busy. Errors: out_of_memory.
    result<void> feed(std::string_view bytes, std::string& out) {
        return guarded([&]() -> result<void> {
            counts_.bytes_in += bytes.size();
            if (const auto newline = bytes.find('\n'); !held_.empty() && newline != bytes.npos) {
                hold(bytes.substr(0, newline));
                bytes.remove_prefix(newline + 1);
                if (auto done = work(std::exchange(held_, {}), out); !done) return done;
            }
            const auto whole = bytes.rfind('\n') + 1;  // npos + 1 is 0
            if (auto done = work(bytes.substr(0, whole), out); !done) return done;
            hold(bytes.substr(whole));
            return {};
        });
    }
    /// The end of the text: its last line may lack the newline. Errors: out_of_memory.
    result<void> finish(std::string& out) {
        return guarded([&] { return work(std::exchange(held_, {}), out); });
    }
    const report& counts() const noexcept { return counts_; }
private:
    struct kept_line {
        std::size_t end;  // in the cleaner's text, past its newline
        std::uint64_t hash;
        signature sketch;
        domains is;
    };
    /// What one thread cleans, by all rules but the last two: what can be said of a line alone.
    struct cleaner {
        std::string text = {};  // of the lines kept
        std::vector<kept_line> lines = {};
        report counts = {};
        void take(std::string_view line, const filter_options& options) {
            ++counts.lines;
            const auto begin = text.size();
            const auto dropped_by = line.size() > longest ? rule::too_long : clean(line, options.domain);
            if (dropped_by != rule::none) {
                ++counts[dropped_by];
                return;
            }
            lines.push_back({text.size() + 1, hash_of(std::string_view(text).substr(begin)), {}, is_});
            if (options.near_duplicates) lines.back().sketch = signature_of(letters_);
            text += '\n';
        }
    private:
        rule clean(std::string_view line, domain wanted) {
            const auto changed = [&](rule r, bool yes) { counts[r] += yes; };
            const auto found = decode(line, text_);
            changed(rule::invalid_utf8, found.invalid);
            const auto size = text_.size();
            const auto addresses = strip_markup(text_, other_);
            const bool marked = other_.size() != size;
            changed(rule::markup, marked);
            const bool squeezed = squeeze(other_) && !marked, composed = compose(other_);
            changed(rule::characters, found.cleaned || squeezed || composed);
            changed(rule::runs, cut_runs(other_));
            const auto masked = mask_personal(other_, text_);
            for (std::size_t k = 0; k < masked.size(); ++k)
                changed(static_cast<rule>(static_cast<std::size_t>(rule::telephone) + k), masked[k] != 0);
            letters_.read(text_, find_);
            if (cut_boilerplate(text_, letters_)) {
                changed(rule::boilerplate, true);
                letters_.read(text_, find_);
            }
            if (not_korean(letters_)) return rule::not_korean;
            if (too_short(letters_)) return rule::too_short;
            if (repetitive_(letters_)) return rule::repetitive;
            if (spam(letters_, addresses)) return rule::spam;
            is_ = domains_of(text_, letters_);
            if ((wanted == domain::conversation && !is_.conversation) ||
                (wanted == domain::information && !is_.information))
                return rule::other_domain;
            encode(text_, text);
            return rule::none;
        }
        std::u32string text_ = {}, other_ = {};  // buffers that are used again
        phrase_finder find_ = {};
        letters letters_ = {};
        repetition repetitive_ = {};
        domains is_ = {};
    };
    filter(const filter_options& options, std::unique_ptr<sys::team> team)
        : options_(options), team_(std::move(team)), cleaners_(team_->size()), seen_(options.remembered),
          near_(options.remembered_near) {}
    void hold(std::string_view bytes) {  // one byte too many tells that the line is too long
        held_ += bytes.substr(0, longest + 1 - held_.size());
    }
    /// Cleans whole lines, then settles them in their order.
    result<void> work(std::string_view lines, std::string& out) {
        const auto clean = [&](std::size_t part, std::size_t parts) {
            for (auto rest = text::share_of_lines(lines, part, parts); !rest.empty();)
                cleaners_[part].take(text::take_line(rest), options_);
        };
        constexpr std::size_t worth_waking = std::size_t{1} << 16;
        std::vector<char> failed(team_->size());
        if (lines.size() < worth_waking)
            clean(0, 1);
        else
            team_->run([&](std::size_t part, std::size_t parts) {
                failed[part] = !guarded([&] { return clean(part, parts), result<void>(); });
            });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        for (auto& c : cleaners_) settle(c, out);
        return {};
    }
    /// Moves the lines that were not there before to `out`, and the counts to the report.
    void settle(cleaner& from, std::string& out) {
        auto& counts = from.counts;
        std::size_t begin = 0;
        for (const auto& l : from.lines) {
            const auto line = std::string_view(from.text).substr(begin, l.end - begin);
            begin = l.end;
            if (!seen_.insert(l.hash)) {
                ++counts[rule::duplicate];
            } else if (options_.near_duplicates && !near_.insert(l.sketch)) {
                ++counts[rule::near_duplicate];
            } else {
                out += line;
                ++counts.kept;
                counts.bytes_out += line.size();
                counts.conversation += l.is.conversation;
                counts.information += l.is.information;
            }
        }
        counts_ += std::exchange(counts, {});
        from.lines.clear();
        from.text.clear();
    }
    filter_options options_;
    std::unique_ptr<sys::team> team_;
    std::vector<cleaner> cleaners_;
    seen_hashes seen_;
    near_duplicates near_;
    std::string held_;
    report counts_;
};
}  // namespace narae::inline NARAE_ABI::corpus
// == narae/judge/tsv.hpp: Tables as test sets are published: tab-separated values with a header line
namespace narae::inline NARAE_ABI::judge {
/// The fields of a row that were asked for, in that order; they borrow the text. `line` counts from 1.
struct tsv_row {
    std::size_t line;
    std::vector<std::string_view> fields;
};
/// The columns of these names, row by row. Lines end in LF or CR LF; a byte order mark and empty lines do not matter.
/// Errors name the line: bytes that are not UTF-8, a column that is not there, a row too short or too long, no row.
inline result<std::vector<tsv_row>> read_tsv(std::string_view tsv, const std::vector<std::string_view>& columns) {
    return guarded([&]() -> result<std::vector<tsv_row>> {
        if (tsv.starts_with("\xEF\xBB\xBF")) tsv.remove_prefix(3);
        std::vector<std::size_t> places;
        std::vector<tsv_row> rows;
        std::size_t width = 0;
        for (std::size_t number = 1; !tsv.empty(); ++number) {
            const auto line = text::take_line(tsv);
            const auto bad = [&](std::initializer_list<piece> why) {
                return error{errc::bad_value, concat({"line ", number, ": ", concat(why)})};
            };
            if (text::utf8_first_invalid(line) != line.size()) return bad({"not UTF-8"});
            if (line.empty()) continue;
            const auto fields = text::split(line, '\t');
            if (width == 0) {
                width = fields.size();
                for (const auto name : columns) {
                    const auto found = std::find(fields.begin(), fields.end(), name);
                    if (found == fields.end()) return bad({"no column ", name});
                    places.push_back(static_cast<std::size_t>(found - fields.begin()));
                }
                continue;
            }
            if (fields.size() != width) return bad({fields.size(), " fields under ", width, " columns"});
            rows.push_back({number, {}});
            for (const auto at : places) rows.back().fields.push_back(fields[at]);
        }
        if (rows.empty()) return error{errc::bad_value, "no rows"};
        return rows;
    });
}
}  // namespace narae::inline NARAE_ABI::judge
// == narae/num/random.hpp: Random numbers that are the same everywhere: SplitMix64, Steele, Lea and Flood 2014
namespace narae::inline NARAE_ABI::num {
struct random {
    std::uint64_t state;
    std::uint64_t next() noexcept {
        std::uint64_t z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    /// A whole number below n, 1 <= n < 2^32. Its bias is below n / 2^32.
    std::uint64_t below(std::uint64_t n) noexcept { return (next() >> 32) * n >> 32; }
    /// Nearly normal, mean 0 and deviation 1: the sum of four uniform numbers, exact in any order.
    float normal() noexcept {
        std::int64_t sum = 0;
        for (auto bits = next(); bits != 0; bits >>= 16) sum += static_cast<std::int64_t>(bits & 0xFFFF);
        return static_cast<float>(sum - 2 * 0xFFFF) * (1.7320508f / 65536.0f);
    }
    /// Puts the elements of a list in random order.
    template <class List> void shuffle(List& list) noexcept {
        for (auto n = list.size(); n > 1; --n) std::swap(list[n - 1], list[static_cast<std::size_t>(below(n))]);
    }
};
}  // namespace narae::inline NARAE_ABI::num
// == narae/judge/kobest.hpp: KoBEST (Kim et al
namespace narae::inline NARAE_ABI::judge {
using text::operator""_ko;
/// One of the five tasks. Lists are apart by '|'.
struct task {
    std::string_view name;
    std::u32string_view context;  ///< the question: A, B, C stand for the fields behind the label
    std::string_view columns;     ///< of the label, then of the fields; choices of an item's own come last
    std::string_view labels;      ///< the label of each choice
    std::u32string_view choices;  ///< empty: each item has its own
    bool by_length = false;       ///< scores per character are reported, too
};
inline constexpr task kobest[] = {
    {"boolq", "A jil-mun: B dab-byeon: "_ko, "Answer|Text|Question", "False|True", "a-ni-o|ye"_ko},
    {"copa", "A  B"_ko, "Answer|sentence|question|1|2", "1|2", {}},
    {"hellaswag", "mun-jang: A"_ko, "label|context|choice1|choice2|choice3|choice4", "0|1|2|3", {}, true},
    {"sentineg", "mun-jang: A geung-bu-jeong:"_ko, "Label|Text", "0|1", "bu-jeong|geung-jeong"_ko},
    {"wic", "mun-jang1: A mun-jang2: B du mun-jang-e-seo Cga gat-eun tteus-eu-ro sseu-yeoss-na?"_ko,
     "ANSWER|SENTENCE1|SENTENCE2|Target", "False|True", "a-ni-o|ye"_ko}};
/// A question, examples before it included, and which of the choices is right.
struct item {
    std::string context;
    std::vector<std::string> choices;
    std::size_t gold = 0;
    /// With a blank between, and one of the choices behind it.
    std::string with(std::size_t choice) const { return context + " " + choices[choice]; }
};
/// The items of a file as published. Errors name the line.
inline result<std::vector<item>> read_kobest(const task& t, std::string_view tsv) {
    return guarded([&]() -> result<std::vector<item>> {
        const auto columns = text::split(t.columns, '|'), labels = text::split(t.labels, '|');
        const auto pattern = text::utf8(t.context), choices = text::utf8(t.choices);
        auto common = text::split(choices, '|');
        const auto cause = text::utf8("won-in"_ko), effect = text::utf8("gyeol-gwa"_ko);
        const auto because = text::utf8("wae-nya-ha-myeon"_ko), so = text::utf8("geu-rae-seo"_ko);
        auto rows = read_tsv(tsv, columns);
        if (!rows) return rows.error();
        std::vector<item> items;
        for (auto& row : *rows) {
            auto& fields = row.fields;
            const auto bad = [&](std::size_t column, std::string_view wanted) {
                return error{errc::bad_value, concat({"line ", row.line, ": ", columns[column], " is '", fields[column],
                                                      "', not one of ", wanted})};
            };
            item made;
            const auto same = [&](std::string_view label) {  // TRUE is True
                return std::ranges::equal(label, fields[0], [](char a, char b) { return (a | 32) == (b | 32); });
            };
            made.gold = static_cast<std::size_t>(std::ranges::find_if(labels, same) - labels.begin());
            if (made.gold == labels.size()) return bad(0, t.labels);
            if (t.name == "copa") {
                if (fields[2] != cause && fields[2] != effect) return bad(2, concat({cause, "|", effect}));
                fields[2] = fields[2] == cause ? because : so;
            }
            for (const char c : pattern)
                c >= 'A' && c <= 'C' ? made.context += fields[static_cast<std::size_t>(c - '@')] : made.context += c;
            for (const auto c : choices.empty() ? std::span(fields).last(labels.size()) : std::span(common))
                made.choices.emplace_back(c);
            items.push_back(std::move(made));
        }
        return items;
    });
}
/// Puts examples from `train`, rightly answered, before every item: `shots` of them, drawn anew for each item from the
/// seed and its place, in the order of the file, an empty line behind each. Errors: fewer than that in `train`; or so
/// many that with half of the items the window would cut one away whole, which says how many fit.
inline result<void> add_examples(std::vector<item>& items, const std::vector<item>& train, std::size_t shots,
                                 std::uint64_t seed, const session& talk) {
    return guarded([&]() -> result<void> {
        const auto* tokenizer = talk.model().tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        if (shots > train.size())
            return error{errc::bad_argument, concat({shots, " examples asked for, there are ", train.size()})};
        const auto example = [&](std::size_t row) { return train[row].with(train[row].gold) + "\n\n"; };
        std::vector<std::size_t> lengths(train.size()), fits;  // tokens of examples, 0: not counted; examples by item
        std::vector<std::vector<std::size_t>> drawn(items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            std::size_t tokens = 0, fit = 0;
            for (std::size_t c = 0; c < items[i].choices.size(); ++c)
                tokens = (std::max)(tokens, tokenizer->encode(items[i].with(c)).size());
            for (num::random random{num::random{seed + i}.next()}; drawn[i].size() < shots;) {
                const auto row = static_cast<std::size_t>(random.below(train.size()));
                const auto place = std::ranges::lower_bound(drawn[i], row);
                if (place != drawn[i].end() && *place == row) continue;
                drawn[i].insert(place, row);
                if (fit + 1 != drawn[i].size()) continue;
                if (lengths[row] == 0) lengths[row] = tokenizer->encode(example(row)).size();
                fit += (tokens += lengths[row]) <= talk.window() + lengths[drawn[i].front()];
            }
            fits.push_back(fit);
        }
        std::ranges::sort(fits);
        if (!fits.empty() && fits[fits.size() / 2] < shots)
            return error{errc::bad_argument,
                         concat({shots, " examples do not fit the window of ", talk.window(),
                                 " tokens before half of the questions; ", fits[fits.size() / 2], " do"})};
        for (std::size_t i = 0; i < items.size(); ++i) {
            std::string before;
            for (const auto row : drawn[i]) before += example(row);
            items[i].context.insert(0, before);
        }
        return {};
    });
}
/// What a model says to an item: the summed log-likelihood of each choice, and which is the highest.
struct verdict {
    std::vector<double> scores;
    std::size_t pred = 0, pred_by_length = 0;  ///< by the sum, and by the sum per character of the choice
    bool cut = false;                          ///< the window was too short: the question lost its beginning
};
/// Errors: those of session::score.
inline result<verdict> decide(session& talk, const item& asked) {
    return guarded([&]() -> result<verdict> {
        std::vector<std::string> choices;
        for (const auto& c : asked.choices) choices.push_back(" " + c);
        const auto scores = talk.score(asked.context, choices);
        if (!scores) return scores.error();
        verdict v;
        std::vector<double> each;
        for (std::size_t c = 0; c < choices.size(); ++c) {
            const auto& s = (*scores)[c];
            v.scores.push_back(s.log_likelihood);
            each.push_back(s.log_likelihood / static_cast<double>((std::max<std::size_t>)(s.characters, 2) - 1));
            const auto whole = asked.with(c);  // no token has less than a byte
            v.cut = v.cut || (whole.size() > talk.window() &&
                              talk.model().tokenizer()->encode(whole).size() > talk.window() + 1);
        }
        v.pred = static_cast<std::size_t>(std::ranges::max_element(v.scores) - v.scores.begin());
        v.pred_by_length = static_cast<std::size_t>(std::ranges::max_element(each) - each.begin());
        return v;
    });
}
// == narae/judge/perplexity.hpp: How well a model foresees a text: nats per token, and bits per character and per ...
/// Sums over texts, and what they come to.
struct foresight {
    std::uint64_t tokens = 0, characters = 0, bytes = 0;
    double nats = 0;             ///< -ln of the probability of every token, given those before it
    double against_nats = 0;     ///< the same for the other model
    double divergence = 0;       ///< KL from the other model's distribution to this one's, nats
    std::uint64_t same_top = 0;  ///< tokens for which both find the same one likeliest
    double per_token() const noexcept { return nats / static_cast<double>(tokens); }
    double perplexity() const noexcept { return std::exp(per_token()); }
    double bits_per_char() const noexcept { return nats / std::log(2.0) / static_cast<double>(characters); }
    double bits_per_byte() const noexcept { return nats / std::log(2.0) / static_cast<double>(bytes); }
};
/// Do the ids of two models mean the same?
inline bool same_tokens(const language_model& a, const language_model& b) noexcept {
    const auto *x = a.tokenizer(), *y = b.tokenizer();
    bool same = x != nullptr && y != nullptr && a.shape().V == b.shape().V;
    for (token_id id = 0; same && id < a.shape().V; ++id) same = x->bytes_of(id) == y->bytes_of(id);
    return same;
}
/// Reads each text for itself, from the end-of-text token on, through windows that move by `stride` tokens; 0: by half
/// of the session's window. A token so has at least window - stride before it, or all that there are. `against`, which
/// needs the same tokens, is compared with. Sessions forget what they held. Errors: no tokenizer, or no end-of-text
/// token in it; no text; a stride past the window; other tokens; cancelled.
inline result<foresight> foresee(session& talk, std::span<const std::string_view> texts, std::size_t stride = 0,
                                 session* against = nullptr, callback<std::uint64_t, std::uint64_t> on_progress = {}) {
    return guarded([&]() -> result<foresight> {
        const auto* tokenizer = talk.model().tokenizer();
        const auto start = tokenizer == nullptr ? std::nullopt : tokenizer->end_of_text();
        if (!start) return error{errc::unsupported, "no tokenizer with an end-of-text token, from which texts start"};
        if (against != nullptr && !same_tokens(talk.model(), against->model()))
            return error{errc::bad_argument, "the models have different tokens"};
        const auto window = against == nullptr ? talk.window() : (std::min)(talk.window(), against->window());
        if (stride == 0) stride = (window + 1) / 2;
        if (stride > window)
            return error{errc::bad_argument,
                         concat({"a stride of ", stride, " leaves gaps between windows of ", window})};
        foresight f;
        std::vector<std::vector<token_id>> all;
        for (auto t : texts) {
            all.push_back({*start});
            tokenizer->make_encoder().encode(t, {}, all.back());
            f.tokens += all.back().size() - 1;
            f.bytes += t.size();
            for (; !t.empty(); ++f.characters) t.remove_prefix(text::utf8_front(t).length);
        }
        if (f.tokens == 0) return error{errc::bad_value, "no text"};
        const std::size_t V = talk.model().shape().V;
        std::vector<float> rows(against == nullptr ? 0 : model::chunk_len * V);  // the other's logits of a chunk
        const auto count = [&](std::span<const float> ours, std::size_t t, token_id next) {
            const double sum = log_sum(ours);
            f.nats += sum - static_cast<double>(ours[next]);
            if (against == nullptr) return;
            const auto theirs = std::span<const float>(rows).subspan(t * V, V);
            const double other = log_sum(theirs);
            f.against_nats += other - static_cast<double>(theirs[next]);
            for (std::size_t i = 0; i < V; ++i) {
                const double p = static_cast<double>(theirs[i]) - other, q = static_cast<double>(ours[i]) - sum;
                f.divergence += std::exp(p) * (p - q);
            }
            f.same_top +=
                std::ranges::max_element(ours) - ours.begin() == std::ranges::max_element(theirs) - theirs.begin();
        };
        std::uint64_t done = 0;
        for (const std::span<const token_id> ids : all)
            // Inputs from `begin` on; those from `at` on give the logits of tokens that no window has come to yet.
            for (std::size_t begin = 0, at = 0; at + 1 < ids.size(); begin += stride) {
                for (auto* s : {&talk, against}) {
                    if (s == nullptr) continue;
                    s->reset();
                    if (at == begin) continue;
                    if (const auto fed = s->feed(ids.subspan(begin, at - begin)); !fed) return fed.error();
                }
                for (const auto end = (std::min)(begin + window, ids.size() - 1); at < end;) {
                    const auto chunk = ids.subspan(at, (std::min)(model::chunk_len, end - at));
                    result<void> fed;
                    if (against != nullptr)
                        fed = against->feed_each(chunk, [&](std::size_t t, std::span<const float> row) {
                            return std::ranges::copy(row, rows.data() + t * V), true;
                        });
                    if (fed)
                        fed = talk.feed_each(chunk, [&](std::size_t t, std::span<const float> row) {
                            return count(row, t, ids[at + t + 1]), true;
                        });
                    if (!fed) return fed.error();
                    at += chunk.size();
                    if (!on_progress(done += chunk.size(), f.tokens)) return error{errc::cancelled, "cancelled"};
                }
            }
        return f;
    });
}
// == narae/judge/statistics.hpp: What answers are worth: accuracy and its standard error, macro F1, and whether two ...
/// The label of an item and the one that was answered; small numbers.
struct answer {
    std::size_t gold, pred;
};
/// The share of right answers. Needs at least one.
inline double accuracy(std::span<const answer> answers) noexcept {
    const auto right = std::count_if(answers.begin(), answers.end(), [](answer a) { return a.gold == a.pred; });
    return static_cast<double>(right) / static_cast<double>(answers.size());
}
/// The standard error of a share p of n items.
inline double share_error(double p, std::size_t n) noexcept {
    return std::sqrt(p * (1 - p) / static_cast<double>((std::max<std::size_t>)(n, 2) - 1));
}
/// The mean of F1 over the labels that occur, in either place.
inline double macro_f1(std::span<const answer> answers) {
    std::vector<std::size_t> right, seen;  // by label; seen counts gold and answered together
    for (const auto a : answers) {
        const auto labels = (std::max)({a.gold + 1, a.pred + 1, seen.size()});
        right.resize(labels);
        seen.resize(labels);
        ++seen[a.gold];
        ++seen[a.pred];
        right[a.gold] += a.gold == a.pred;
    }
    double sum = 0;
    for (std::size_t l = 0; l < seen.size(); ++l)
        if (seen[l] != 0) sum += 2 * static_cast<double>(right[l]) / static_cast<double>(seen[l]);
    return sum / static_cast<double>(seen.size() - static_cast<std::size_t>(std::ranges::count(seen, std::size_t{0})));
}
/// McNemar's test, exact and two-sided: how likely at least so uneven a split is among the items that only one of two
/// models got right, `ours` and `theirs` of them, if the models are equally good.
inline double mcnemar(std::size_t ours, std::size_t theirs) noexcept {
    const auto n = ours + theirs;
    double log_share = -static_cast<double>(n) * std::log(2.0), sum = 0;  // of exactly i by chance
    for (std::size_t i = 0; i <= (std::min)(ours, theirs); ++i) {
        sum += std::exp(log_share);
        log_share += std::log(static_cast<double>(n - i) / static_cast<double>(i + 1));
    }
    return (std::min)(1.0, 2 * sum);
}
}  // namespace narae::inline NARAE_ABI::judge
// == narae/kernel/gemm/contract.hpp: The contract of gemm: C = A B, one tile of C at a time
namespace narae::inline NARAE_ABI::kernel {
/// A matrix in memory: element (i, j) is data[i * row + j * col]; row or col is 1. So a transposed view costs nothing.
struct strided {
    const float* data;
    std::size_t row, col;
    const float* at(std::size_t i, std::size_t j) const noexcept { return data + i * row + j * col; }
    strided from(std::size_t i, std::size_t j) const noexcept { return {at(i, j), row, col}; }
    strided transposed() const noexcept { return {data, col, row}; }
};
/// Lays lines[count, k] side by side: panel[p * cols + i] = lines(i, p), count <= cols of the tile, zero where a line
/// is missing. Columns of B are such lines. The panel is 64-byte aligned and cols * k floats long.
using gemm_pack_op = void(float* panel, strided lines, std::size_t count, std::size_t k) noexcept;
/// C[rows, cols] = A[rows, k] B[k, cols], or += where `add`; rows and cols at most the tile's. B is a panel, A lies
/// where it lies, and nothing else of C is touched. Exact order: c = fma(a, b, c) with k ascending, from C or from +0.
/// So all exact kernels give equal bits, wherever k is cut in two. Error at most (k + 1) * 2^-24 * (|c| + sum |a * b|),
/// to first order.
using gemm_tile_op = void(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows,
                          std::size_t cols, std::size_t k, bool add) noexcept;
/// One way to compute tiles of C. Each operation runs on one thread, allocates nothing, cannot fail.
/// A kernel that is not exact rounds to bf16 as it packs (2^-7 * sum |a * b| more error): A must be packed, too, its
/// rows as lines, and is then {panel, 1, cols of the tile}; k is cut at even places only.
struct gemm_kernel {
    const char* name;
    std::size_t rows, cols;  // of a tile of C
    bool exact;
    gemm_pack_op* pack;
    gemm_tile_op* tile;
};
}  // namespace narae::inline NARAE_ABI::kernel
// == narae/kernel/gemm/scalar.hpp: gemm by definition: one chain of fma for every element; then what the kernels of ...
namespace narae::inline NARAE_ABI::kernel::scalar {
template <std::size_t Cols>
inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    for (std::size_t p = 0; p < k; ++p)
        for (std::size_t i = 0; i < Cols; ++i) panel[p * Cols + i] = i < count ? *lines.at(i, p) : 0.0f;
}
template <std::size_t Cols>
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) {
            float sum = add ? c[i * c_row + j] : 0.0f;
            for (std::size_t p = 0; p < k; ++p) sum = std::fma(*a.at(i, p), panel[p * Cols + j], sum);
            c[i * c_row + j] = sum;
        }
}
inline constexpr gemm_kernel gemm = {"scalar", 4, 8, true, gemm_pack<8>, gemm_tile<8>};
/// gemm_pack<16> where Turn(panel, from, row) lays four steps of `Lines` lines side by side.
template <std::size_t Lines, auto Turn>
inline void gemm_pack_turned(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    std::size_t p = 0;
    if (count == 16 && lines.row == 1)
        for (; p < k; ++p) std::memcpy(panel + p * 16, lines.at(0, p), 16 * sizeof(float));
    else if (count == 16)
        for (; p + 4 <= k; p += 4)
            for (std::size_t i = 0; i < 16; i += Lines) Turn(panel + p * 16 + i, lines.at(i, p), lines.row);
    gemm_pack<16>(panel + p * 16, lines.from(0, p), count, k - p);
}
/// A tile of at most `Most` rows by Rows<0, 1, ... n - 1>::tile, which computes n rows: an expression over the numbers
/// of the rows is written out by the compiler, so that arrays of registers are registers.
template <template <std::size_t...> class Rows, std::size_t... R>
constexpr auto gemm_rows_of(std::index_sequence<R...>) noexcept {
    return Rows<R...>::tile;
}
template <template <std::size_t...> class Rows, std::size_t Most>
inline void gemm_tile_rows(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows,
                           std::size_t cols, std::size_t k, bool add) noexcept {
    if constexpr (Most > 1)
        if (rows < Most) return gemm_tile_rows<Rows, Most - 1>(c, c_row, a, panel, rows, cols, k, add);
    gemm_rows_of<Rows>(std::make_index_sequence<Most>())(c, c_row, a, panel, cols, k, add);
}
/// The same for `Rows` that know only tiles of 16 columns: a narrow tile is computed beside C.
template <template <std::size_t...> class Rows, std::size_t Most>
inline void gemm_tile_16(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                         std::size_t k, bool add) noexcept {
    if (cols == 16) return gemm_tile_rows<Rows, Most>(c, c_row, a, panel, rows, cols, k, add);
    float whole[Most * 16] = {};
    for (std::size_t i = 0; add && i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) whole[i * 16 + j] = c[i * c_row + j];
    gemm_tile_rows<Rows, Most>(whole, 16, a, panel, rows, 16, k, add);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) c[i * c_row + j] = whole[i * 16 + j];
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// == narae/kernel/gemm/avx2.hpp: gemm for AVX2: a tile of 6 x 16 is 12 of the 16 registers; the others hold a row ...
#if NARAE_X86
#include <immintrin.h>
namespace narae::inline NARAE_ABI::kernel::avx2 {
/// Four steps of lines 0 and 4.
NARAE_AVX2 inline __m256 two_lines(const float* from, std::size_t row) noexcept {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)), _mm_loadu_ps(from + 4 * row), 1);
}
/// Four steps of eight lines.
NARAE_AVX2 inline void pack_turned(float* panel, const float* from, std::size_t row) noexcept {
    const __m256 a = two_lines(from, row), b = two_lines(from + row, row);
    const __m256 c = two_lines(from + 2 * row, row), d = two_lines(from + 3 * row, row);
    const __m256 ab = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
    const __m256 cd = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
    _mm256_store_ps(panel, _mm256_shuffle_ps(ab, cd, 0x44));
    _mm256_store_ps(panel + 16, _mm256_shuffle_ps(ab, cd, 0xEE));
    _mm256_store_ps(panel + 32, _mm256_shuffle_ps(ab_high, cd_high, 0x44));
    _mm256_store_ps(panel + 48, _mm256_shuffle_ps(ab_high, cd_high, 0xEE));
}
template <std::size_t... R> struct gemm_rows {
    NARAE_AVX2 static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t, std::size_t k,
                                bool add) noexcept {
        __m256 low[sizeof...(R)], high[sizeof...(R)];
        ((low[R] = high[R] = _mm256_setzero_ps()), ...);
        if (add) ((low[R] = _mm256_loadu_ps(c + R * c_row), high[R] = _mm256_loadu_ps(c + R * c_row + 8)), ...);
        const std::size_t a_row = a.row, a_col = a.col;
        for (const float* x = a.data; k != 0; --k, x += a_col, panel += 16) {
            const __m256 b_low = _mm256_load_ps(panel), b_high = _mm256_load_ps(panel + 8);
            ((low[R] = _mm256_fmadd_ps(_mm256_set1_ps(x[R * a_row]), b_low, low[R]),
              high[R] = _mm256_fmadd_ps(_mm256_set1_ps(x[R * a_row]), b_high, high[R])),
             ...);
        }
        ((_mm256_storeu_ps(c + R * c_row, low[R]), _mm256_storeu_ps(c + R * c_row + 8, high[R])), ...);
    }
};
inline constexpr gemm_kernel gemm = {
    "avx2", 6, 16, true, scalar::gemm_pack_turned<8, pack_turned>, scalar::gemm_tile_16<gemm_rows, 6>};
}  // namespace narae::inline NARAE_ABI::kernel::avx2
// == narae/kernel/gemm/avx512.hpp: gemm for AVX-512: a tile of 14 x 32 is 28 of the 32 registers; the others hold a ...
#include <immintrin.h>
namespace narae::inline NARAE_ABI::kernel::avx512 {
/// The first n of 16 lanes; n may be more.
inline __mmask16 first(std::size_t n) noexcept { return static_cast<__mmask16>(n < 16 ? (1u << n) - 1 : 0xFFFFu); }
/// Swaps the blocks of D x D beside the diagonal in rows I and I + D: 1, 2, 4 and 8 in turn transpose 16 x 16.
template <std::size_t D, std::size_t I>
NARAE_AVX512 inline void swap_blocks(__m512* x, __m512i above, __m512i below) noexcept {
    if constexpr ((I & D) == 0) {
        const __m512 upper = x[I];
        x[I] = _mm512_permutex2var_ps(upper, above, x[I + D]);
        x[I + D] = _mm512_permutex2var_ps(upper, below, x[I + D]);
    }
}
template <std::size_t D, std::size_t... I> NARAE_AVX512 inline void swap_blocks(__m512* x) noexcept {
    static constexpr int above[] = {static_cast<int>(I & D ? (I ^ D) + 16 : I)...};
    static constexpr int below[] = {static_cast<int>(I & D ? I + 16 : I ^ D)...};
    const __m512i order[] = {_mm512_loadu_si512(above), _mm512_loadu_si512(below)};
    (swap_blocks<D, I>(x, order[0], order[1]), ...);
}
/// to[step] = sixteen lines, for sixteen steps; zero where `lines` or `steps` end.
template <std::size_t... I>
NARAE_AVX512 inline void turn(__m512* to, strided from, std::size_t lines, std::size_t steps,
                              std::index_sequence<I...>) noexcept {
    const __mmask16 in = first(steps), have = first(lines);
    ((to[I] = _mm512_maskz_loadu_ps(in, from.data + (I < lines ? I : 0) * from.row)), ...);
    swap_blocks<1, I...>(to), swap_blocks<2, I...>(to), swap_blocks<4, I...>(to), swap_blocks<8, I...>(to);
    if (lines < 16) ((to[I] = _mm512_maskz_mov_ps(have, to[I])), ...);
}
template <std::size_t... I>
NARAE_AVX512 inline void pack_turned(float* panel, strided from, std::size_t lines, std::size_t steps,
                                     std::index_sequence<I...> sixteen) noexcept {
    __m512 x[16];
    turn(x, from, lines, steps, sixteen);
    ((I < steps ? _mm512_store_ps(panel + I * 32, x[I]) : void()), ...);
}
NARAE_AVX512 inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    for (std::size_t i = 0; i < 32; i += 16) {
        const std::size_t have = i < count ? count - i : 0;
        if (lines.row == 1 || have == 0)
            for (std::size_t p = 0; p < k; ++p)
                _mm512_store_ps(panel + p * 32 + i,
                                _mm512_maskz_loadu_ps(first(have), lines.data + p * lines.col + (have == 0 ? 0 : i)));
        else
            for (std::size_t p = 0; p < k; p += 16)
                pack_turned(panel + p * 32 + i, lines.from(i, p), have, k - p, std::make_index_sequence<16>());
    }
}
template <std::size_t... R> struct gemm_rows {
    NARAE_AVX512 static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t cols,
                                  std::size_t k, bool add) noexcept {
        const __mmask16 low_cols = first(cols), high_cols = first(cols < 16 ? 0 : cols - 16);
        __m512 low[sizeof...(R)], high[sizeof...(R)];
        ((low[R] = high[R] = _mm512_setzero_ps()), ...);
        if (add)
            ((low[R] = _mm512_maskz_loadu_ps(low_cols, c + R * c_row),
              high[R] = _mm512_maskz_loadu_ps(high_cols, c + R * c_row + 16)),
             ...);
        const std::size_t a_row = a.row, a_col = a.col;
        for (const float* x = a.data; k != 0; --k, x += a_col, panel += 32) {
            const __m512 b_low = _mm512_load_ps(panel), b_high = _mm512_load_ps(panel + 16);
            ((low[R] = _mm512_fmadd_ps(_mm512_set1_ps(x[R * a_row]), b_low, low[R]),
              high[R] = _mm512_fmadd_ps(_mm512_set1_ps(x[R * a_row]), b_high, high[R])),
             ...);
        }
        ((_mm512_mask_storeu_ps(c + R * c_row, low_cols, low[R]),
          _mm512_mask_storeu_ps(c + R * c_row + 16, high_cols, high[R])),
         ...);
    }
};
inline constexpr gemm_kernel gemm = {"avx512", 14, 32, true, gemm_pack, scalar::gemm_tile_rows<gemm_rows, 14>};
}  // namespace narae::inline NARAE_ABI::kernel::avx512
// == narae/kernel/gemm/avx512_bf16.hpp: gemm for AVX-512 with bfloat16: as avx512.hpp, but a step takes two values ...
namespace narae::inline NARAE_ABI::kernel::avx512_bf16 {
using avx512::first;
/// Lane i: low[i] below, high[i] above.
NARAE_AVX512_BF16 inline void store_pairs(float* to, __m512 low, __m512 high) noexcept {
    alignas(64) static constexpr short order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i both = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(high, low));
    _mm512_store_si512(to, _mm512_permutexvar_epi16(_mm512_load_si512(order), both));
}
template <std::size_t... I>
NARAE_AVX512_BF16 inline void pack_turned(float* panel, strided from, std::size_t lines, std::size_t steps,
                                          std::index_sequence<I...>) noexcept {
    __m512 x[16];
    avx512::turn(x, from, lines, steps, std::make_index_sequence<16>());
    ((2 * I < steps ? store_pairs(panel + I * 32, x[2 * I], x[2 * I + 1]) : void()), ...);
}
NARAE_AVX512_BF16 inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    for (std::size_t i = 0; i < 32; i += 16) {
        const std::size_t have = i < count ? count - i : 0;
        if (lines.row == 1 || have == 0)
            for (std::size_t p = 0; p < k; p += 2) {
                const float* const from = lines.data + p * lines.col + (have == 0 ? 0 : i);
                store_pairs(panel + p * 16 + i, _mm512_maskz_loadu_ps(first(have), from),
                            p + 1 < k ? _mm512_maskz_loadu_ps(first(have), from + lines.col) : _mm512_setzero_ps());
            }
        else
            for (std::size_t p = 0; p < k; p += 16)
                pack_turned(panel + p * 16 + i, lines.from(i, p), have, k - p, std::make_index_sequence<8>());
    }
}
NARAE_AVX512_BF16 inline __m512 dot2(__m512 a, __m512 b, __m512 sum) noexcept {
    return _mm512_dpbf16_ps(sum, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b));
}
template <std::size_t... R> struct gemm_rows {
    NARAE_AVX512_BF16 static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t cols,
                                       std::size_t k, bool add) noexcept {
        const __mmask16 low_cols = first(cols), high_cols = first(cols < 16 ? 0 : cols - 16);
        __m512 low[sizeof...(R)], high[sizeof...(R)];
        ((low[R] = high[R] = _mm512_setzero_ps()), ...);
        if (add)
            ((low[R] = _mm512_maskz_loadu_ps(low_cols, c + R * c_row),
              high[R] = _mm512_maskz_loadu_ps(high_cols, c + R * c_row + 16)),
             ...);
        const float* x = a.data;
        for (std::size_t p = 0; p < k; p += 2, x += 32, panel += 32) {
            const __m512 b_low = _mm512_load_ps(panel), b_high = _mm512_load_ps(panel + 16);
            ((low[R] = dot2(_mm512_set1_ps(x[R]), b_low, low[R]),
              high[R] = dot2(_mm512_set1_ps(x[R]), b_high, high[R])),
             ...);
        }
        ((_mm512_mask_storeu_ps(c + R * c_row, low_cols, low[R]),
          _mm512_mask_storeu_ps(c + R * c_row + 16, high_cols, high[R])),
         ...);
    }
};
inline constexpr gemm_kernel gemm = {"avx512_bf16", 14, 32, false, gemm_pack, scalar::gemm_tile_rows<gemm_rows, 14>};
}  // namespace narae::inline NARAE_ABI::kernel::avx512_bf16
#endif
// == narae/kernel/gemm/neon.hpp: gemm for NEON: a tile of 6 x 16 is 24 of the 32 registers; the others hold a row ...
#if NARAE_NEON
#include <arm_neon.h>
namespace narae::inline NARAE_ABI::kernel::neon {
/// Four steps of four lines.
inline void pack_turned(float* panel, const float* from, std::size_t row) noexcept {
    const float32x4_t a = vld1q_f32(from), b = vld1q_f32(from + row);
    const float32x4_t c = vld1q_f32(from + 2 * row), d = vld1q_f32(from + 3 * row);
    const float64x2_t ab = vreinterpretq_f64_f32(vzip1q_f32(a, b)), ab_high = vreinterpretq_f64_f32(vzip2q_f32(a, b));
    const float64x2_t cd = vreinterpretq_f64_f32(vzip1q_f32(c, d)), cd_high = vreinterpretq_f64_f32(vzip2q_f32(c, d));
    vst1q_f32(panel, vreinterpretq_f32_f64(vzip1q_f64(ab, cd)));
    vst1q_f32(panel + 16, vreinterpretq_f32_f64(vzip2q_f64(ab, cd)));
    vst1q_f32(panel + 32, vreinterpretq_f32_f64(vzip1q_f64(ab_high, cd_high)));
    vst1q_f32(panel + 48, vreinterpretq_f32_f64(vzip2q_f64(ab_high, cd_high)));
}
/// Four registers are the sixteen columns of a row.
struct row16 {
    float32x4_t a, b, c, d;
};
inline row16 load16(const float* from) noexcept {
    return {vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12)};
}
inline void store16(float* to, row16 v) noexcept {
    vst1q_f32(to, v.a), vst1q_f32(to + 4, v.b), vst1q_f32(to + 8, v.c), vst1q_f32(to + 12, v.d);
}
inline row16 fma16(float x, row16 b, row16 sum) noexcept {
    return {vfmaq_n_f32(sum.a, b.a, x), vfmaq_n_f32(sum.b, b.b, x), vfmaq_n_f32(sum.c, b.c, x),
            vfmaq_n_f32(sum.d, b.d, x)};
}
template <std::size_t... R> struct gemm_rows {
    static void tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t, std::size_t k,
                     bool add) noexcept {
        const float32x4_t zero = vdupq_n_f32(0);
        row16 sum[sizeof...(R)];
        ((sum[R] = {zero, zero, zero, zero}), ...);
        if (add) ((sum[R] = load16(c + R * c_row)), ...);
        const std::size_t a_row = a.row, a_col = a.col;
        for (const float* x = a.data; k != 0; --k, x += a_col, panel += 16) {
            const row16 b = load16(panel);
            ((sum[R] = fma16(x[R * a_row], b, sum[R])), ...);
        }
        (store16(c + R * c_row, sum[R]), ...);
    }
};
inline constexpr gemm_kernel gemm = {
    "neon", 6, 16, true, scalar::gemm_pack_turned<4, pack_turned>, scalar::gemm_tile_16<gemm_rows, 6>};
}  // namespace narae::inline NARAE_ABI::kernel::neon
#endif
// == narae/kernel/gemm/select.hpp: Which matrix multiplications this machine can run
namespace narae::inline NARAE_ABI::kernel {
/// A short list of kernels: the exact ones, plainest first, then what is taken by name only.
struct gemm_list {
    static constexpr std::size_t capacity = 8;
    gemm_kernel item[capacity] = {scalar::gemm};
    std::size_t count = 1, exact = 1;
    void add(const gemm_kernel& k) noexcept {
        item[count++] = k;
        if (k.exact) exact = count;
    }
    const gemm_kernel* begin() const noexcept { return item; }
    const gemm_kernel* end() const noexcept { return item + count; }
    const gemm_kernel& best() const noexcept { return item[exact - 1]; }
};
/// Every kernel that this machine can run.
inline gemm_list runnable_gemm() noexcept {
    gemm_list all;
#if NARAE_X86
    if (sys::has_avx2()) all.add(avx2::gemm);
    if (sys::has_avx512()) all.add(avx512::gemm);
    if (sys::has_avx512_bf16()) all.add(avx512_bf16::gemm);
#endif
#if NARAE_NEON
    all.add(neon::gemm);
#endif
    return all;
}
// == narae/kernel/matmul.hpp: C = A B for matrices of any size and orientation: cuts them to fit the caches, packs ...
/// f(i) for every i below n, on all threads.
template <class F> void shared_out(sys::team& team, std::size_t n, F&& f) {
    team.run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(n, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) f(i);
    });
}
/// Multiplies with one kernel; holds one scratch per thread.
class matmul {
public:
    /// For up to `threads` threads at a time. Error: no memory.
    static result<matmul> make(const gemm_kernel& kernel, std::size_t threads) {
        auto scratch = sys::buffer<float>::make(threads * floats(kernel));
        if (!scratch) return scratch.error();
        return matmul(kernel, std::move(*scratch));
    }
    /// Bytes of that scratch.
    static std::size_t bytes(const gemm_kernel& kernel, std::size_t threads) noexcept {
        return threads * floats(kernel) * sizeof(float);
    }
    /// C[m, n] = A[m, k] B[k, n], or += where `add`; C is row-major with row stride c_row and apart from A and B.
    /// Any m, n, k >= 1. On the calling thread with scratch `part`; bits do not depend on the exact kernel.
    void block(std::size_t part, float* c, std::size_t c_row, strided a, strided b, std::size_t m, std::size_t n,
               std::size_t k, bool add) noexcept {
        const auto rows = kernel_.rows, cols = kernel_.cols, piece_cols = piece_n / cols * cols;
        const auto tall = kernel_.exact ? m : a_panels * rows;  // rows of A that are packed at once, if they are
        float* const piece = scratch_.data() + part * floats(kernel_);
        float* const a_panel = piece + piece_k * piece_n;
        for (std::size_t p = 0; p < k; p += piece_k, add = true) {
            const auto depth = (std::min)(piece_k, k - p);
            for (std::size_t top = 0; top < m; top += tall) {
                const auto bottom = (std::min)(m, top + tall);
                for (auto i = top; i < bottom && !kernel_.exact; i += rows)
                    kernel_.pack(a_panel + (i - top) / rows * cols * depth, a.from(i, p), (std::min)(rows, m - i),
                                 depth);
                for (std::size_t from = 0; from < n; from += piece_cols) {
                    const auto to = (std::min)(n, from + piece_cols);
                    for (auto j = from; j < to; j += cols)
                        kernel_.pack(piece + (j - from) * depth, b.from(p, j).transposed(), (std::min)(cols, n - j),
                                     depth);
                    for (auto i = top; i < bottom; i += rows) {
                        const auto left =
                            kernel_.exact ? a.from(i, p) : strided{a_panel + (i - top) / rows * cols * depth, 1, cols};
                        for (auto j = from; j < to; j += cols)
                            kernel_.tile(c + i * c_row + j, c_row, left, piece + (j - from) * depth,
                                         (std::min)(rows, m - i), (std::min)(cols, n - j), depth, add);
                    }
                }
            }
        }
    }
    /// The same by all threads of the team, at most as many as `make` was told. Same bits for any number of threads:
    /// each element is summed whole by one thread.
    void run(sys::team& team, float* c, std::size_t c_row, strided a, strided b, std::size_t m, std::size_t n,
             std::size_t k, bool add) noexcept {
        // C is cut into a grid of as many parts. Every row of a part costs reading A, every column packing B.
        const auto whole = [](std::size_t size, std::size_t step, std::size_t parts) {
            return ((size + step - 1) / step + parts - 1) / parts * step;
        };
        std::size_t down = 1, least = static_cast<std::size_t>(-1);
        for (std::size_t d = 1; d <= team.size(); ++d) {
            if (team.size() % d != 0) continue;
            const auto height = whole(m, kernel_.rows, d), width = whole(n, kernel_.cols, team.size() / d);
            const auto cost = height * width + 8 * (height + width);  // one such costs about 8 multiplications
            if (cost < least) least = cost, down = d;
        }
        team.run([&](std::size_t part, std::size_t parts) {
            const auto i = sys::slice_of(m, kernel_.rows, part % down, down);
            const auto j = sys::slice_of(n, kernel_.cols, part / down, parts / down);
            if (i.begin == i.end || j.begin == j.end) return;
            block(part, c + i.begin * c_row + j.begin, c_row, a.from(i.begin, 0), b.from(0, j.begin), i.end - i.begin,
                  j.end - j.begin, k, add);
        });
    }
private:
    matmul(const gemm_kernel& kernel, sys::buffer<float>&& scratch) : kernel_(kernel), scratch_(std::move(scratch)) {}
    static constexpr std::size_t piece_k = 256, piece_n = 384;  // of B: 384 KiB
    static constexpr std::size_t a_panels = 32;
    static std::size_t floats(const gemm_kernel& kernel) noexcept {
        return piece_k * (piece_n + (kernel.exact ? 0 : a_panels * kernel.cols));
    }
    gemm_kernel kernel_;
    sys::buffer<float> scratch_;
};
// == narae/kernel/teach/contract.hpp: The contracts of what training does to one row of numbers, beside ...
/// y[n] += x[n].
using add_op = void(float* y, const float* x, std::size_t n) noexcept;
/// The sum of a[n] * b[n].
using dot_op = float(const float* a, const float* b, std::size_t n) noexcept;
/// dy[n] *= gelu'(x + bias), gelu'(v) = Phi(v) + v * phi(v) of the normal distribution.
using gelu_back_op = void(float* dy, const float* x, const float* bias, std::size_t n) noexcept;
/// What a row's normalisation found: needed again by its backward.
struct row_stats {
    float mean, inverse;  ///< inverse: 1 / sqrt(var + eps)
};
/// dx[D] += the gradient of layer_norm's input, given that of its output, dy[D]. With n = (x - mean) * inverse and
/// g = dy * gain: inverse * (g - mean(g) - n * mean(g * n)). Returns the statistics of x.
using norm_back_op = row_stats(float* dx, const float* dy, const float* x, const float* gain, std::size_t d,
                               float eps) noexcept;
/// dgain[n] += dy * (x - mean) * inverse, dbias[n] += dy: a row's share of the gradients of a norm's own vectors.
using norm_vectors_back_op = void(float* dgain, float* dbias, const float* dy, const float* x, row_stats stats,
                                  std::size_t n) noexcept;
/// The largest of scale * x[n], n >= 1, and the sum of e^(scale * x - largest).
struct exp_sum {
    float largest, sum;
};
using exp_sum_op = exp_sum(const float* x, std::size_t n, float scale) noexcept;
/// x[n] = e^(scale * x - log_sum): a softmax, once the logarithm of its sum is known.
using softmax_op = void(float* x, std::size_t n, float scale, float log_sum) noexcept;
/// dp[n] = scale * p * (dp - mean): the backward of softmax; mean is the sum of p * dp.
using softmax_back_op = void(float* dp, const float* p, std::size_t n, float scale, float mean) noexcept;
/// One step of AdamW. Loshchilov and Hutter 2019, arXiv:1711.05101: decay is apart from the gradient.
struct adamw_step {
    float rate, beta1, beta2, eps;
    float decay;             ///< of the weights, times the rate already
    float unbias1, unbias2;  ///< 1 / (1 - beta^step)
    float scale;             ///< of the gradients: clipping, and the mean over the tokens
};
/// w, m and v [n] after this step; g[n] becomes zero, ready for the next sum.
using adamw_op = void(float* w, float* m, float* v, float* g, std::size_t n, const adamw_step& step) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// == narae/kernel/teach/scalar.hpp: What training does to a row, by definition
namespace narae::inline NARAE_ABI::kernel::scalar {
inline void add(float* y, const float* x, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
}
inline float dot(const float* a, const float* b, std::size_t n) noexcept {
    float lane[num::lanes] = {};
    for (std::size_t i = 0; i < n; ++i) lane[i % num::lanes] = std::fma(a[i], b[i], lane[i % num::lanes]);
    return num::sum_lanes(lane);
}
inline constexpr float one_by_sqrt_2_pi = 0.398942280f;
inline void gelu_back(float* dy, const float* x, const float* bias, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const float v = x[i] + bias[i];
        float z = v < 0 ? -v : v;
        if (!(z <= num::tail_max)) z = num::tail_max;
        const float t = 1.0f / std::fma(num::tail_p, z, 1.0f);
        float p = num::tail_c[0];
        for (std::size_t c = 1; c < 9; ++c) p = std::fma(p, t, num::tail_c[c]);
        const float e = num::exp(z * z * -0.5f), tail = p * e;
        dy[i] *= std::fma(v * one_by_sqrt_2_pi, e, v < 0 ? tail : 1.0f - tail);
    }
}
inline row_stats norm_back(float* dx, const float* dy, const float* x, const float* gain, std::size_t d,
                           float eps) noexcept {
    const auto size = static_cast<float>(d);
    float lane[num::lanes] = {};
    for (std::size_t i = 0; i < d; ++i) lane[i % num::lanes] += x[i];
    const float mean = num::sum_lanes(lane) / size;
    float var[num::lanes] = {}, g_sum[num::lanes] = {}, gn_sum[num::lanes] = {};
    for (std::size_t i = 0; i < d; ++i) {
        const float off = x[i] - mean, g = dy[i] * gain[i];
        var[i % num::lanes] = std::fma(off, off, var[i % num::lanes]);
        g_sum[i % num::lanes] += g;
        gn_sum[i % num::lanes] = std::fma(g, off, gn_sum[i % num::lanes]);
    }
    const float inverse = 1.0f / std::sqrt(num::sum_lanes(var) / size + eps);
    const float g_mean = num::sum_lanes(g_sum) / size, slope = num::sum_lanes(gn_sum) / size * inverse * inverse;
    for (std::size_t i = 0; i < d; ++i)
        dx[i] = std::fma(inverse, std::fma(x[i] - mean, -slope, dy[i] * gain[i] - g_mean), dx[i]);
    return {mean, inverse};
}
inline void norm_vectors_back(float* dgain, float* dbias, const float* dy, const float* x, row_stats stats,
                              std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        dgain[i] = std::fma(dy[i], (x[i] - stats.mean) * stats.inverse, dgain[i]);
        dbias[i] += dy[i];
    }
}
inline kernel::exp_sum exp_sum(const float* x, std::size_t n, float scale) noexcept {
    float largest = scale * x[0], lane[num::lanes] = {};
    for (std::size_t i = 0; i < n; ++i) largest = scale * x[i] > largest ? scale * x[i] : largest;
    for (std::size_t i = 0; i < n; ++i) lane[i % num::lanes] += num::exp(std::fma(scale, x[i], -largest));
    return {largest, num::sum_lanes(lane)};
}
inline void softmax(float* x, std::size_t n, float scale, float log_sum) noexcept {
    for (std::size_t i = 0; i < n; ++i) x[i] = num::exp(std::fma(scale, x[i], -log_sum));
}
inline void softmax_back(float* dp, const float* p, std::size_t n, float scale, float mean) noexcept {
    for (std::size_t i = 0; i < n; ++i) dp[i] = scale * p[i] * (dp[i] - mean);
}
inline void adamw(float* w, float* m, float* v, float* g, std::size_t n, const adamw_step& s) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
        const float d = g[i] * s.scale;
        g[i] = 0;
        m[i] = std::fma(s.beta1, m[i] - d, d);
        v[i] = std::fma(s.beta2, std::fma(-d, d, v[i]), d * d);
        const float size = std::sqrt(v[i] * s.unbias2) + s.eps;
        w[i] = std::fma(-s.decay, w[i], w[i]) - s.rate * (m[i] * s.unbias1) / size;
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// == narae/kernel/teach/avx2.hpp: What training does to a row, for AVX2, eight at a time; scalar.hpp is the ...
#if NARAE_X86
namespace narae::inline NARAE_ABI::kernel::avx2 {
NARAE_AVX2 inline void add(float* y, const float* x, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    scalar::add(y + i, x + i, n - i);
}
NARAE_AVX2 inline float dot(const float* a, const float* b, std::size_t n) noexcept {
    __m256 low = _mm256_setzero_ps(), high = low;
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        low = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), low);
        high = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), high);
    }
    return sum_lanes(low, high) + scalar::dot(a + i, b + i, n - i);
}
NARAE_AVX2 inline void gelu_back(float* dy, const float* x, const float* bias, std::size_t n) noexcept {
    const __m256 one = _mm256_set1_ps(1.0f);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 v = _mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(bias + i));
        const __m256 z = _mm256_min_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), v), _mm256_set1_ps(num::tail_max));
        const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(num::tail_p), z, one));
        __m256 p = _mm256_set1_ps(num::tail_c[0]);
        for (int c = 1; c < 9; ++c) p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(num::tail_c[c]));
        const __m256 e = exp(_mm256_mul_ps(_mm256_mul_ps(z, z), _mm256_set1_ps(-0.5f))), tail = _mm256_mul_ps(p, e);
        const __m256 negative = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_LT_OQ);
        const __m256 share = _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, negative);
        const __m256 slope = _mm256_fmadd_ps(_mm256_mul_ps(v, _mm256_set1_ps(scalar::one_by_sqrt_2_pi)), e, share);
        _mm256_storeu_ps(dy + i, _mm256_mul_ps(_mm256_loadu_ps(dy + i), slope));
    }
    scalar::gelu_back(dy + i, x + i, bias + i, n - i);
}
NARAE_AVX2 inline row_stats norm_back(float* dx, const float* dy, const float* x, const float* gain, std::size_t d,
                                      float eps) noexcept {
    if (d % 8 != 0) return scalar::norm_back(dx, dy, x, gain, d, eps);
    const auto size = static_cast<float>(d);
    const __m256 zero = _mm256_setzero_ps();
    __m256 sum = zero;
    for (std::size_t i = 0; i < d; i += 8) sum = _mm256_add_ps(sum, _mm256_loadu_ps(x + i));
    const float mean = sum_lanes(sum, zero) / size;
    const __m256 middle = _mm256_set1_ps(mean);
    __m256 var = zero, g_sum = zero, gn_sum = zero;
    for (std::size_t i = 0; i < d; i += 8) {
        const __m256 off = _mm256_sub_ps(_mm256_loadu_ps(x + i), middle);
        const __m256 g = _mm256_mul_ps(_mm256_loadu_ps(dy + i), _mm256_loadu_ps(gain + i));
        var = _mm256_fmadd_ps(off, off, var);
        g_sum = _mm256_add_ps(g_sum, g);
        gn_sum = _mm256_fmadd_ps(g, off, gn_sum);
    }
    const float inverse = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(sum_lanes(var, zero) / size + eps)));
    const __m256 g_mean = _mm256_set1_ps(sum_lanes(g_sum, zero) / size);
    const __m256 slope = _mm256_set1_ps(sum_lanes(gn_sum, zero) / size * inverse * inverse);
    for (std::size_t i = 0; i < d; i += 8) {
        const __m256 off = _mm256_sub_ps(_mm256_loadu_ps(x + i), middle);
        const __m256 g = _mm256_fmsub_ps(_mm256_loadu_ps(dy + i), _mm256_loadu_ps(gain + i), g_mean);
        const __m256 by = _mm256_fnmadd_ps(off, slope, g);
        _mm256_storeu_ps(dx + i, _mm256_fmadd_ps(_mm256_set1_ps(inverse), by, _mm256_loadu_ps(dx + i)));
    }
    return {mean, inverse};
}
NARAE_AVX2 inline void norm_vectors_back(float* dgain, float* dbias, const float* dy, const float* x, row_stats stats,
                                         std::size_t n) noexcept {
    const __m256 mean = _mm256_set1_ps(stats.mean), inverse = _mm256_set1_ps(stats.inverse);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 d = _mm256_loadu_ps(dy + i);
        const __m256 normed = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), inverse);
        _mm256_storeu_ps(dgain + i, _mm256_fmadd_ps(d, normed, _mm256_loadu_ps(dgain + i)));
        _mm256_storeu_ps(dbias + i, _mm256_add_ps(d, _mm256_loadu_ps(dbias + i)));
    }
    scalar::norm_vectors_back(dgain + i, dbias + i, dy + i, x + i, stats, n - i);
}
NARAE_AVX2 inline kernel::exp_sum exp_sum(const float* x, std::size_t n, float scale) noexcept {
    if (n < 8) return scalar::exp_sum(x, n, scale);
    const __m256 by = _mm256_set1_ps(scale);
    __m256 most = _mm256_mul_ps(by, _mm256_loadu_ps(x + n - 8));
    for (std::size_t i = 0; i + 8 <= n; i += 8) most = _mm256_max_ps(most, _mm256_mul_ps(by, _mm256_loadu_ps(x + i)));
    const float largest = largest_of(most);
    __m256 low = _mm256_setzero_ps(), high = low;
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        low = _mm256_add_ps(low, exp(_mm256_fmsub_ps(by, _mm256_loadu_ps(x + i), _mm256_set1_ps(largest))));
        high = _mm256_add_ps(high, exp(_mm256_fmsub_ps(by, _mm256_loadu_ps(x + i + 8), _mm256_set1_ps(largest))));
    }
    float sum = sum_lanes(low, high);
    for (; i < n; ++i) sum += num::exp(scale * x[i] - largest);
    return {largest, sum};
}
NARAE_AVX2 inline void softmax(float* x, std::size_t n, float scale, float log_sum) noexcept {
    const __m256 by = _mm256_set1_ps(scale), less = _mm256_set1_ps(log_sum);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(x + i, exp(_mm256_fmsub_ps(by, _mm256_loadu_ps(x + i), less)));
    scalar::softmax(x + i, n - i, scale, log_sum);
}
NARAE_AVX2 inline void softmax_back(float* dp, const float* p, std::size_t n, float scale, float mean) noexcept {
    const __m256 by = _mm256_set1_ps(scale), less = _mm256_set1_ps(mean);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dp + i, _mm256_mul_ps(_mm256_mul_ps(by, _mm256_loadu_ps(p + i)),
                                               _mm256_sub_ps(_mm256_loadu_ps(dp + i), less)));
    scalar::softmax_back(dp + i, p + i, n - i, scale, mean);
}
NARAE_AVX2 inline void adamw(float* w, float* m, float* v, float* g, std::size_t n, const adamw_step& s) noexcept {
    const __m256 beta1 = _mm256_set1_ps(s.beta1), beta2 = _mm256_set1_ps(s.beta2);
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 d = _mm256_mul_ps(_mm256_loadu_ps(g + i), _mm256_set1_ps(s.scale)), d2 = _mm256_mul_ps(d, d);
        const __m256 mean = _mm256_fmadd_ps(beta1, _mm256_sub_ps(_mm256_loadu_ps(m + i), d), d);
        const __m256 square = _mm256_fmadd_ps(beta2, _mm256_sub_ps(_mm256_loadu_ps(v + i), d2), d2);
        const __m256 root = _mm256_sqrt_ps(_mm256_mul_ps(square, _mm256_set1_ps(s.unbias2)));
        const __m256 move = _mm256_div_ps(_mm256_mul_ps(mean, _mm256_set1_ps(s.rate * s.unbias1)),
                                          _mm256_add_ps(root, _mm256_set1_ps(s.eps)));
        const __m256 old = _mm256_loadu_ps(w + i);
        _mm256_storeu_ps(w + i, _mm256_sub_ps(_mm256_fnmadd_ps(_mm256_set1_ps(s.decay), old, old), move));
        _mm256_storeu_ps(m + i, mean);
        _mm256_storeu_ps(v + i, square);
        _mm256_storeu_ps(g + i, _mm256_setzero_ps());
    }
    scalar::adamw(w + i, m + i, v + i, g + i, n - i, s);
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
#endif
// == narae/kernel/teach/table.hpp: One function pointer per row operation of training, scalar at first, and which ...
namespace narae::inline NARAE_ABI::kernel {
struct teach_table {
    const char* name = "scalar";
    add_op* add = scalar::add;
    dot_op* dot = scalar::dot;
    gelu_back_op* gelu_back = scalar::gelu_back;
    norm_back_op* norm_back = scalar::norm_back;
    norm_vectors_back_op* norm_vectors_back = scalar::norm_vectors_back;
    exp_sum_op* exp_sum = scalar::exp_sum;
    softmax_op* softmax = scalar::softmax;
    softmax_back_op* softmax_back = scalar::softmax_back;
    adamw_op* adamw = scalar::adamw;
};
/// Every table that this machine can run, plainest first.
inline std::vector<teach_table> runnable_teach() {
    std::vector<teach_table> all(1);
#if NARAE_X86
    if (sys::has_avx2())
        all.push_back({"avx2", avx2::add, avx2::dot, avx2::gelu_back, avx2::norm_back, avx2::norm_vectors_back,
                       avx2::exp_sum, avx2::softmax, avx2::softmax_back, avx2::adamw});
#endif
    return all;
}
}  // namespace narae::inline NARAE_ABI::kernel
// == narae/learn/attention.hpp: Attention over whole sequences, and its backward
namespace narae::inline NARAE_ABI::learn {
inline constexpr std::size_t query_block = 64;
/// Floats of scratch that a thread needs for sequences of T tokens.
constexpr std::size_t attention_scratch(std::size_t T) noexcept { return 2 * query_block * T; }
/// One sequence: T rows of QKV, with biases and rotated, and what query t sees of them: positions first[t] .. t, where
/// first ascends. `mixed` are rows of H * E, log_sum rows of H.
struct sequence {
    std::size_t T;
    const std::uint32_t* first;
    const float* qkv;
    float* mixed;
    float* log_sum;
};
namespace detail {
/// What attention and its backward share: the probabilities p[rows, to - from] of queries `begin` and on of head h.
struct attention_block {
    const kernel::teach_table& ops;
    kernel::matmul& multiply;
    std::size_t thread;
    const model::shape& s;
    float scale = 1.0f / std::sqrt(static_cast<float>(s.E));
    /// Columns h of a [T, width] array whose rows begin at data.
    static kernel::strided rows(const float* data, std::size_t width) noexcept { return {data, width, 1}; }
    void scores(float* p, const sequence& x, std::size_t h, std::size_t begin, std::size_t end,
                std::size_t from) const noexcept {
        const auto R = s.qkv_rows(), n = end - from;
        multiply.block(thread, p, n, rows(x.qkv + begin * R + s.q_row(h), R),
                       rows(x.qkv + from * R + s.k_row(h / s.share()), R).transposed(), end - begin, n, s.E, false);
    }
    /// Scores of query t become probabilities; those of what it does not see are zero.
    void finish(float* p, const sequence& x, std::size_t t, std::size_t end, std::size_t from,
                float log_sum) const noexcept {
        const auto first = x.first[t] - from, last = t + 1 - from;
        std::memset(p, 0, first * sizeof(float));
        ops.softmax(p + first, last - first, scale, log_sum);
        std::memset(p + last, 0, (end - from - last) * sizeof(float));
    }
};
}  // namespace detail
/// mixed = softmax(Q K^T / sqrt(E)) V, and log_sum, of the query heads of key-value head g, in attention_scratch(T).
inline void attend(const kernel::teach_table& ops, kernel::matmul& multiply, std::size_t thread, const model::shape& s,
                   const sequence& x, std::size_t g, float* scratch) noexcept {
    const detail::attention_block block{ops, multiply, thread, s};
    const auto R = s.qkv_rows(), M = s.H * s.E;
    for (auto h = g * s.share(); h < (g + 1) * s.share(); ++h)
        for (std::size_t begin = 0; begin < x.T; begin += query_block) {
            const auto end = (std::min)(x.T, begin + query_block), from = std::size_t{x.first[begin]}, n = end - from;
            block.scores(scratch, x, h, begin, end, from);
            for (auto t = begin; t < end; ++t) {
                float* p = scratch + (t - begin) * n;
                const auto sum = ops.exp_sum(p + x.first[t] - from, t + 1 - x.first[t], block.scale);
                x.log_sum[t * s.H + h] = sum.largest + std::log(sum.sum);
                block.finish(p, x, t, end, from, x.log_sum[t * s.H + h]);
            }
            multiply.block(thread, x.mixed + begin * M + h * s.E, M, block.rows(scratch, n),
                           block.rows(x.qkv + from * R + s.v_row(g), R), end - begin, s.E, n, false);
        }
}
/// dqkv[T, (H + 2G) E] gets the rows of key-value head g and its query heads from dmixed[T, H E]; they must be zero.
inline void attend_back(const kernel::teach_table& ops, kernel::matmul& multiply, std::size_t thread,
                        const model::shape& s, const sequence& x, float* dqkv, const float* dmixed, std::size_t g,
                        float* scratch) noexcept {
    const detail::attention_block block{ops, multiply, thread, s};
    const auto R = s.qkv_rows(), M = s.H * s.E, k = s.k_row(g), v = s.v_row(g);
    float* const dp = scratch + query_block * x.T;
    for (auto h = g * s.share(); h < (g + 1) * s.share(); ++h)
        for (std::size_t begin = 0; begin < x.T; begin += query_block) {
            const auto end = (std::min)(x.T, begin + query_block), from = std::size_t{x.first[begin]}, n = end - from,
                       q = end - begin;
            const float* dout = dmixed + begin * M + h * s.E;
            block.scores(scratch, x, h, begin, end, from);
            for (auto t = begin; t < end; ++t)
                block.finish(scratch + (t - begin) * n, x, t, end, from, x.log_sum[t * s.H + h]);
            multiply.block(thread, dqkv + from * R + v, R, block.rows(scratch, n).transposed(), block.rows(dout, M), n,
                           s.E, q, true);
            multiply.block(thread, dp, n, block.rows(dout, M), block.rows(x.qkv + from * R + v, R).transposed(), q, n,
                           s.E, false);
            for (std::size_t i = 0; i < q; ++i) {
                const float mean = ops.dot(dout + i * M, x.mixed + (begin + i) * M + h * s.E, s.E);
                ops.softmax_back(dp + i * n, scratch + i * n, n, block.scale, mean);
            }
            multiply.block(thread, dqkv + begin * R + s.q_row(h), R, block.rows(dp, n),
                           block.rows(x.qkv + from * R + k, R), q, s.E, n, false);
            multiply.block(thread, dqkv + from * R + k, R, block.rows(dp, n).transposed(),
                           block.rows(x.qkv + begin * R + s.q_row(h), R), n, s.E, q, true);
        }
}
// == narae/learn/gold.hpp: Gold morphological analyses, as treebanks of Korean give them, laid onto the surface of ...
/// What begins at a gap between two characters of a word. After an ending another ending is `chain`.
enum class onset : std::uint8_t { nothing, particle, ending, chain, copula, affix, other, unknown };
/// A word as written, and what begins before each of its characters (nothing before the first).
struct gold_word {
    std::u32string form;
    std::vector<onset> begins;
};
/// The kind of a morpheme by its tag: KAIST tags are in lower case, Sejong tags in upper case.
inline onset onset_of(std::string_view tag) noexcept {
    const auto any_of = [&](auto... tags) { return ((tag == tags) || ...); };
    if (any_of("jp", "VCP")) return onset::copula;
    if (tag.starts_with("xsn") || tag == "XSN") return onset::affix;
    if (tag.starts_with("j") || any_of("JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX", "JC"))
        return onset::particle;
    return tag.starts_with("e") || any_of("EP", "EF", "EC", "ETN", "ETM") ? onset::ending : onset::other;
}
namespace detail {
/// Syllables as conjoining jamo; a consonant that stands alone, as in cited endings, as the final that it is.
inline std::u32string letters_of(std::u32string_view s) {
    std::u32string out;
    for (const auto c : s) {
        if (text::is_syllable(c)) {
            const auto j = text::split_syllable(c);
            out += {j.initial, j.vowel};
            if (j.last != 0) out.push_back(j.last);
        } else if (c >= 0x3131 && c <= 0x314E && c != 0x3138 && c != 0x3143 && c != 0x3149) {
            // The compatibility consonants stand in the order of the finals, but for tt, pp and jj among them.
            out.push_back(text::no_final + (c - 0x3130) - (c > 0x3138) - (c > 0x3143) - (c > 0x3149));
        } else {
            out.push_back(c);
        }
    }
    return out;
}
/// Lays morphemes onto the word that they make. Both are written as jamo; what they share at the front and at the back
/// has its place on the surface. In between the spelling was contracted (ga + at + da: gatda), and the gaps there and
/// right behind a contracted syllable are unknown, unless a morpheme plainly begins there.
inline gold_word align(std::string_view form, const std::vector<std::string_view>& morphemes,
                       const std::vector<std::string_view>& tags) {
    gold_word w{text::code_points(form), {}};
    const auto n = w.form.size();
    w.begins.assign(n, onset::nothing);
    const auto mark_unknown = [&](std::size_t i) {
        if (i > 0 && i < n && w.begins[i] == onset::nothing) w.begins[i] = onset::unknown;
    };
    if (morphemes.size() != tags.size() || std::find(morphemes.begin(), morphemes.end(), "") != morphemes.end()) {
        for (std::size_t i = 1; i < n; ++i) mark_unknown(i);
        return w;
    }
    std::u32string surface, letters;
    std::vector<std::size_t> character_at;  // by offset in surface; n in the middle of a character
    for (std::size_t i = 0; i < n; ++i) {
        surface += letters_of(w.form.substr(i, 1));
        character_at.push_back(i);
        character_at.resize(surface.size(), n);
    }
    character_at.push_back(n);
    std::vector<std::size_t> ends;
    for (const auto m : morphemes) ends.push_back((letters += letters_of(text::code_points(m))).size());
    const auto shorter = (std::min)(surface.size(), letters.size());
    std::size_t front = 0, back = 0;
    while (front < shorter && surface[front] == letters[front]) ++front;
    while (back < shorter - front && surface.end()[-1 - static_cast<std::ptrdiff_t>(back)] ==
                                         letters.end()[-1 - static_cast<std::ptrdiff_t>(back)])
        ++back;
    std::vector<std::size_t> contracted;  // offsets in the middle of a character at which a morpheme begins
    for (std::size_t m = 1; m < tags.size(); ++m) {
        const auto offset = ends[m - 1], rest = letters.size() - offset;
        if (offset > front && rest > back) continue;
        const auto at = offset <= front ? offset : surface.size() - rest;
        auto what = onset_of(tags[m]);
        if (what == onset::ending && onset_of(tags[m - 1]) == onset::ending) what = onset::chain;
        if (const auto i = character_at[at]; i > 0 && i < n)
            w.begins[i] = what;
        else if (at > 0 && at < surface.size())
            contracted.push_back(at);
    }
    for (auto at : contracted) {
        while (character_at[at] == n && at < surface.size()) ++at;
        mark_unknown(character_at[at]);
    }
    if (surface != letters)
        for (auto at = front; at <= surface.size() - back; ++at) mark_unknown(character_at[at]);
    return w;
}
}  // namespace detail
/// The words of a treebank, those that are glued together (SpaceAfter=No) as one. Errors name the line.
inline result<std::vector<gold_word>> read_gold(byte_view file) {
    std::vector<gold_word> words;
    std::size_t number = 0, columns = 0;
    bool glue = false;
    for (auto rest = as_text(file); !rest.empty();) {
        const auto line = text::take_line(rest);
        ++number;
        const auto bad = [&](std::initializer_list<piece> what) {
            return error{errc::bad_value, {"line ", number, ": ", concat(what)}};
        };
        if (text::utf8_first_invalid(line) != line.size()) return bad({"not UTF-8"});
        const auto column = text::split(line, '\t');
        if (line.empty() || (line[0] == '#' && (columns == 10 || column.size() != 3))) {
            glue = glue && !line.empty();
            continue;
        }
        if (columns == 0) columns = column.size();
        if (column.size() != columns || (columns != 10 && columns != 3))
            return bad({column.size(), " columns, not ",
                        columns == 3 ? "the 3 of form, morphemes, tags" : "the 10 of CoNLL-U"});
        const bool conllu = columns == 10;
        if (conllu) {
            if (column[0].empty() || column[0].find_first_not_of("0123456789.-") != line.npos)
                return bad({"the first column is no word number"});
            if (column[0].find_first_of(".-") != line.npos) continue;  // an empty node, or the range of several words
        }
        const auto form = column[conllu ? 1 : 0], tags = column[conllu ? 4 : 2];
        auto lemma = column[conllu ? 2 : 1];
        if (form.empty() || lemma.empty() || tags.empty()) return bad({"an empty column"});
        if (lemma == "_" || tags.find('+') == tags.npos) lemma = form;
        auto word = tags.find('+') == tags.npos ? detail::align(form, {lemma}, {tags})
                                                : detail::align(form, text::split(lemma, '+'), text::split(tags, '+'));
        if (glue) {
            auto& before = words.back();
            word.begins[0] = onset::unknown;
            before.form += word.form;
            before.begins.insert(before.begins.end(), word.begins.begin(), word.begins.end());
        } else {
            words.push_back(std::move(word));
        }
        glue = conllu && column[9].find("SpaceAfter=No") != line.npos;
    }
    if (words.empty()) return error{errc::bad_value, "no words in it"};
    return words;
}
// == narae/learn/boundaries.hpp: Trains the model that cuts words into morphemes (token/morph.hpp) from gold ...
/// Trains on all runs of syllables in `words`; the same words in the same order give the same model.
/// Progress counts rounds. Errors: no gap with a particle or an ending in it; cancelled.
inline result<token::boundary_model> train_boundaries(std::span<const gold_word> words,
                                                      callback<std::uint64_t, std::uint64_t> progress) {
    // Particles and endings are to be found, everything else is to be left whole. Where conventions differ (compounds,
    // affixes) a gap teaches nothing, and little where an ending or the copula follows: what is cut there is as well.
    const auto importance = [](onset what) {
        switch (what) {
            case onset::nothing:
            case onset::particle:
            case onset::ending: return 1.0;
            case onset::chain: return 0.2;
            case onset::copula: return 0.1;
            case onset::affix: return 0.4;
            default: return 0.0;
        }
    };
    std::map<std::pair<std::u32string, std::vector<onset>>, std::size_t> runs;
    for (const auto& w : words)
        for (std::size_t begin = 0, end; begin < w.form.size(); begin = end + 1) {
            for (end = begin; end < w.form.size() && text::is_syllable(w.form[end]);) ++end;
            const auto at = w.begins.begin() + static_cast<std::ptrdiff_t>(begin);
            if (end - begin > 1)
                ++runs[{w.form.substr(begin, end - begin), {at, at + static_cast<std::ptrdiff_t>(end - begin)}}];
        }
    struct seen_gap {
        std::vector<std::uint32_t> slots;
        double weight;
        bool cut;
    };
    std::vector<seen_gap> examples;
    bool any_cut = false;
    for (const auto& run : runs)
        token::for_each_gap(run.first.first, [&](std::size_t i, const token::gap& g) {
            const auto what = run.first.second[i];
            const double weight = importance(what) * std::sqrt(static_cast<double>(run.second));
            any_cut = any_cut || what == onset::particle || what == onset::ending;
            if (weight == 0) return;
            examples.push_back({{}, weight, what != onset::nothing});
            token::for_each_feature(g, [&](std::uint32_t slot) { examples.back().slots.push_back(slot); });
        });
    if (!any_cut) return error{errc::bad_value, "no particle and no ending begins inside a word"};
    constexpr double rate = 0.25, margin = 4;
    constexpr std::size_t rounds = 7;
    std::vector<double> weights(token::boundary_model::slots), squares(token::boundary_model::slots, 1e-2);
    double bias = 0;
    std::uint64_t random = 1;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress(round, rounds)) return error{errc::cancelled, "cancelled"};
        for (auto i = examples.size(); i-- > 1;)
            std::swap(examples[i], examples[static_cast<std::size_t>((random = token::mix(random + i)) % (i + 1))]);
        for (const auto& e : examples) {
            double sum = bias;
            for (const auto s : e.slots) sum += weights[s];
            const double sign = e.cut ? 1 : -1, missing = margin - sign * sum;
            if (missing <= 0) continue;
            const double step = e.weight * sign * missing;
            for (const auto s : e.slots) {
                squares[s] += step * step;
                weights[s] += rate * step / std::sqrt(squares[s]);
            }
            bias += 1e-4 * step;
        }
    }
    // The few largest weights are clipped, so that the others keep more of their digits; of a few gaps, fewer or none.
    std::vector<double> sizes;
    for (const auto w : weights)
        if (w != 0) sizes.push_back(std::fabs(w));
    std::sort(sizes.begin(), sizes.end());
    const auto clipped = (std::min)(weights.size() / 2000, sizes.size() / 500);
    const double unit = sizes[sizes.size() - clipped - 1] / 127;
    token::boundary_model model;
    for (std::size_t k = 0; k < weights.size(); ++k)
        model.weights[k] = static_cast<std::int8_t>(std::lround(std::clamp(weights[k] / unit, -127.0, 127.0)));
    constexpr double lean = 0.06;  // towards cutting: a missed particle costs more than a stem in two
    model.cut = static_cast<std::int32_t>(std::lround((-lean - bias) / unit));
    return model;
}
// == narae/learn/bpe.hpp: Learns the merges of byte pair encoding (Sennrich et al
/// A segment as the ids of its symbols, and how often it stands in the text.
struct counted_word {
    std::vector<token::token_id> ids;
    std::uint64_t count = 0;
};
/// The pair of ids that a merge joins; its product gets the next free id.
using id_pair = std::pair<token::token_id, token::token_id>;
constexpr std::uint64_t key_of(id_pair p) noexcept { return std::uint64_t{p.first} << 32 | p.second; }
constexpr id_pair pair_of(std::uint64_t key) noexcept {
    return {static_cast<token::token_id>(key >> 32), static_cast<token::token_id>(key)};
}
/// Up to `most` merges, the most frequent pair first; of equally frequent pairs the one of the lower ids. The products
/// get the ids first_id, first_id + 1 ... `words` is used up. allowed(pair) says whether two symbols may be joined.
/// Stops early where no pair is left that stands twice. Progress counts merges.
template <class Allowed>
result<std::vector<id_pair>> learn_merges(std::vector<counted_word>& words, token::token_id first_id, std::size_t most,
                                          Allowed&& allowed, callback<std::uint64_t, std::uint64_t> progress) {
    struct tally {
        std::uint64_t count = 0;
        std::vector<std::uint32_t> words;  // those that have held the pair; some no longer do
    };
    struct spread {
        std::size_t operator()(std::uint64_t k) const noexcept { return static_cast<std::size_t>(token::mix(k)); }
    };
    std::unordered_map<std::uint64_t, tally, spread> pairs;
    for (std::uint32_t w = 0; w < words.size(); ++w)
        for (std::size_t i = 0; i + 1 < words[w].ids.size(); ++i) {
            auto& t = pairs[key_of({words[w].ids[i], words[w].ids[i + 1]})];
            t.count += words[w].count;
            if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
        }
    struct candidate {
        std::uint64_t count;
        id_pair pair;
        bool operator<(const candidate& b) const noexcept { return count != b.count ? count < b.count : pair > b.pair; }
    };
    std::priority_queue<candidate> queue;
    const auto offer = [&](std::uint64_t k, std::uint64_t count) {
        if (count > 1 && allowed(pair_of(k))) queue.push({count, pair_of(k)});
    };
    for (const auto& [k, t] : pairs) offer(k, t.count);
    std::vector<id_pair> merges;
    std::vector<std::uint64_t> touched;
    while (merges.size() < most && !queue.empty()) {
        const auto best = queue.top();
        queue.pop();
        const auto found = pairs.find(key_of(best.pair));
        if (found == pairs.end()) continue;
        if (found->second.count != best.count) {  // it was counted before other merges took some of it away
            offer(found->first, found->second.count);
            continue;
        }
        if (merges.size() % 64 == 0 && !progress(merges.size(), most)) return error{errc::cancelled, "cancelled"};
        const auto whole = first_id + static_cast<token::token_id>(merges.size());
        merges.push_back(best.pair);
        touched.clear();
        const auto holders = std::move(found->second.words);
        pairs.erase(found);
        for (const auto w : holders) {
            auto& ids = words[w].ids;
            const auto count = words[w].count;
            const auto less = [&](token::token_id a, token::token_id b) {
                const auto it = pairs.find(key_of({a, b}));
                if (it != pairs.end()) it->second.count -= count;
            };
            const auto more = [&](token::token_id a, token::token_id b) {
                auto& t = pairs[key_of({a, b})];
                t.count += count;
                if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
                touched.push_back(key_of({a, b}));
            };
            std::size_t to = 0;
            for (std::size_t i = 0; i < ids.size(); ++to) {
                if (i + 1 < ids.size() && ids[i] == best.pair.first && ids[i + 1] == best.pair.second) {
                    if (to > 0) less(ids[to - 1], best.pair.first), more(ids[to - 1], whole);
                    if (i + 2 < ids.size()) less(best.pair.second, ids[i + 2]), more(whole, ids[i + 2]);
                    ids[to] = whole;
                    i += 2;
                } else {
                    ids[to] = ids[i++];
                }
            }
            ids.resize(to);
        }
        std::sort(touched.begin(), touched.end());
        touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
        for (const auto k : touched) offer(k, pairs[k].count);
    }
    return merges;
}
// == narae/learn/common_syllables.hpp: The 2,350 Hangul syllables of the Korean standard KS X 1001 (1992): those in ...
// clang-format off
// Each character is the distance from one syllable to the next, counted from '#'; '~' is 56 on the way.
inline constexpr char packed_common_syllables[] =
    "$$&&$$$)$$$$$$$%$$$$&'+$%$$*$&'.%*''7$&&$%)$%$$$&$$$''+$%$$*$$%&$+$%$$'&'',%,$&&$%%&$$%%$)$&'%)$%%*'',&$*$&'+$%%"
    "*'',%,$&&$$$($$%%$)$&'/$*6,$&'+$%,''7$&&$$*$%%*?$&&$%)$%%$'%$$%'%)$%$$'&$&'+$%$$*$*S$$%'+$%$$*$&/&%*''.$(&?$&%%+"
    "$%%$$($*/$*$7*''+$'*?$&'*$$%%$)+/$*$&'+$&+''+$.?$&%%%($$%%'B$&'+$%%*$$%&$$$)$%$$$$%%$$&'+$%$$*$&'+(F$%$'%$($%$$)"
    "$$&'+$%$$*$&'+$&$&'';$&'%)$%%($$''/G''+$%,$&',%%*$&&$+$%%*7+?''+$.$*+$'*$&'$$)$%%$'%''7$&'%)$%%(%$$%&$$$$'$$%$$$"
    "$'$$&'+$%$$*[$$%&$%$($%%%&%$&'+$%$$*''/$*';$&&$%%'$%%%%&''77+''+$%,?$&'+$%%*7+8*'',%%*''+(*$&&$%)$%%*?$&&$+$%$$$"
    ")$&'+$%$$)$$&'+$%$$~*$&'%$($%$$)$$&'+$%$$*7G$&'0*+7?'W$&'*$(F?''+$'F$&&$+$%,''+$.''+$%%*$&'+$%$$$'$$$&'+$%$$*$&2"
    "%F$&'+$%$$)$$&'+$%%*$&'+$%$$*'0%,$&'+$%%*'4>+''+$%%*'',%%*$&'+$%%*7+?$&'+&%*$&'+$%%*$&'+$%%$&$A$&'+$%%*$&%$$$$)$"
    "%%$&%$$&'+$%$$$)$*0F$&'%)$%%$($$&'+$%$$*$&'.$$%(?$%$'%)$%%*'3$F'',%%*'',%,$$%&$$$)$%%'%$'',%,?''7''+&,''+&H$&&$%"
    ")$%$$%%&$$$$&$$$$($%%'&$&'+$%$$'&$&0J$&&$%)$%%$)$&&$+$%$$*$&',%$$'&';$$%'+$%%*'3+7+$&'+$.';$&&$$$)$%%'$%+/+?$&'0"
    "*''+&%*$&'+$%H$&'%)$%%$$($&'%)$%$$)$$&'+$%$$*$2K$&&$+&$$*8*$2$%$$F$&'+$'~*?8*$&'+&%~F8*''+$J$&'+$%%*$%$&$$$)$%$$"
    "'&$&'+$%$$*$&'+$%%*''+(*$$$$&$%$($%$$(%$&'+$%$$*$&'+$%$$*''0*$$%'%)$%%'&$&'0*''+&$+''+$%,$&'+$%%*$&&$+$%%%%$%7+$"
    "&'+(*$&'+$%%*$*+&%*$&'$*$%%F$&&$*$$%%(%$%$'+$&$)$$&'+$&$?F$&'%)$&$*''W;$&&$%)$'*$&3+7+''+$.?$&'+$'*7+?'P*$&'%($$"
    ".''+/$&'+$%%*$&$$%$$($$%$$'$%$&'+$%$$*$&'&($%%'%$'',.$&$%$$$)$$$$$$%%%$&'+$%%*$$%'%$($$$$$'$$$''+$%$+$&'$$%&$$%%"
    "%($&'+$%$$*$&/&%*$&'+$%%*$&'+$%%*$&'$$)$%%*$&'+$&$*$&'+$'*$&'+$%%*$&'+$%%%($&')%$%%$$$$$$$''+&,$&'$$($$%$$$'%$&%"
    "$$%)$%$$$)$&'+$%$$*$&%%+(*''7$&'%)$%%$)$&'+$%%*''+$&$*?$&'%)$%%$$'$$*,%%*7$*''+$%%*$&4*$&'$$)$%%*7+?$&'+$%,''+/$"
    "&'+$%%F$&&$%)$%%$&$%$&%%&($%$$*$&'+$%$$*'4F$&'+$%$$*8*7G$&'+$%%%($*/+7+''+$C*$&'+$'*7$F?\?3&%F$&'+$'$($$&%%+$%$$$"
    ")$&'+$%$$*'%%+(F$&'+$%$$*$&'+$%%*'3+'4*$&'+$%%*''0F''+$%%*3/$&'+$%%*7+';''+$%%*''+(*$&'+$%%F$&&$$*$%%*$&'+$%%*$&"
    "'+$%$$*$7F$&&$+$%$$*$&'+$%%*''+$%$$*?$&'+$%%*$&'+(*8*+7?$&'+$%%*''0*8*$&'+$%%*''+/$&'+$'F$&'+$%%*$&'$*$%$$*$&'+$"
    "%$$*8F$&'%)$%$$*$&'+$%%*'3+';$&'+$%%(%';?'2%*?$&'+$%%*7+?$&'+$'*''+(*$&&$%)$%,''+$.$&'+$%%*$$%'%)$%$$'&$&'+$%$$*"
    "$Z$&'+$%$$*$&'+$%%*''+$&$*+,%,$&'+$%%*8F';'',%,$&&$%)$%%*8F''+&,''+&%*''+$%H$&'+$%%*$&'(&$%%*$&'+$%$$*8F$&'%)$%%"
    "*$&'+$%%*$&'+$%$$*'',.$&'(&$%%'&$&'.%*$&2%*$&',%%*'',%,$&'(&&%*''+(*$&'0*$&'+$%%*$&'+&%*$&%$$$*$%%'&''+$'*$&'+$%"
    "%";
// clang-format on
/// In ascending order.
inline std::u32string common_syllables() {
    std::u32string all;
    char32_t c = text::first_syllable - 1;
    for (const char* p = packed_common_syllables; *p != '\0'; ++p) {
        c += *p == '~' ? 56 : static_cast<char32_t>(*p - '#');
        if (*p != '~') all.push_back(c);
    }
    return all;
}
}  // namespace narae::inline NARAE_ABI::learn
// == narae/num/decimal.hpp: Numbers as text that no locale changes
namespace narae::inline NARAE_ABI::num {
/// x with so many decimals, 0 to 22. Needs |x| * 10^digits < 1e18.
inline std::string decimal(double x, int digits) {
    if (x < 0) return std::string("-").append(decimal(-x, digits));
    auto s = std::to_string(static_cast<std::uint64_t>(std::floor(x * std::pow(10.0, digits) + 0.5)));
    if (digits == 0) return s;
    const auto n = static_cast<std::size_t>(digits);
    if (s.size() <= n) s.insert(0, n + 1 - s.size(), '0');
    return s.insert(s.size() - n, 1, '.');
}
/// The same without zeros at its end.
inline std::string short_decimal(double x, int digits) {
    auto s = decimal(x, digits);
    if (digits != 0) s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
    return s;
}
}  // namespace narae::inline NARAE_ABI::num
// == narae/learn/curve.hpp: The loss curve of a training run: as CSV, which a resumed run reads and goes on with, ...
namespace narae::inline NARAE_ABI::learn {
/// A moment of a training run.
struct curve_point {
    std::uint64_t step = 0, tokens = 0;                       ///< since the run began
    double loss = 0;                                          ///< nats per token
    double valid = std::numeric_limits<double>::quiet_NaN();  ///< the same on held-out text; NaN: not taken here
    double rate = 0;                                          ///< the learning rate
    double seconds = 0;                                       ///< since the run began
};
namespace detail {
inline constexpr std::string_view curve_header = "step,tokens,loss,valid,rate,seconds";
// Compilers told to hurry take for granted that no number is NaN or infinite: size is compared by bits.
inline std::uint64_t size_bits(double x) noexcept { return std::bit_cast<std::uint64_t>(x) << 1 >> 1; }
inline constexpr std::uint64_t infinite_bits = 0x7FF0000000000000;
/// x with nine significant digits; nothing for NaN. Sizes beyond 1e300 are infinite, those below 1e-300 are 0.
inline std::string csv_number(double x) {
    if (size_bits(x) > infinite_bits) return {};
    if (std::bit_cast<std::uint64_t>(x) >> 63 != 0) return std::string("-").append(csv_number(-x));
    if (size_bits(x) > size_bits(1e300)) return "inf";
    if (x < 1e-300) return "0";
    int e = static_cast<int>(std::floor(std::log10(x)));
    if (x / std::pow(10.0, e) >= 10 - 5e-9) ++e;  // it rounds up to a digit more
    if (e >= -5 && e < 9) return num::short_decimal(x, 8 - e);
    return num::short_decimal(x / std::pow(10.0, e), 8).append("e").append(std::to_string(e));
}
/// Decimal digits and nothing else.
inline bool read_whole(std::string_view s, std::uint64_t& out) noexcept {
    const auto [at, failed] = std::from_chars(s.data(), s.data() + s.size(), out);
    return failed == std::errc{} && at == s.data() + s.size();
}
/// What csv_number writes; false if it is anything else.
inline bool read_csv_number(std::string_view s, double& out) {
    const bool minus = s.starts_with('-');
    out = std::numeric_limits<double>::quiet_NaN();
    if (s.empty()) return true;
    out = std::numeric_limits<double>::infinity() * (minus ? -1 : 1);
    if (s.substr(minus) == "inf") return true;
    const auto number = text::json::parse(s);
    return number && number->root().real(out);
}
}  // namespace detail
/// A line of names, then a line for each point; no valid is an empty field. Numbers keep nine significant digits.
inline std::string curve_csv(std::span<const curve_point> points) {
    using detail::csv_number;
    auto out = concat({detail::curve_header, "\n"});
    for (const auto& p : points)
        out += concat({p.step, ",", p.tokens, ",", csv_number(p.loss), ",", csv_number(p.valid), ",",
                       csv_number(p.rate), ",", csv_number(p.seconds), "\n"});
    return out;
}
/// Reads what curve_csv writes. Errors: bad_value, with the line.
inline result<std::vector<curve_point>> read_curve_csv(std::string_view csv) {
    return guarded([&]() -> result<std::vector<curve_point>> {
        std::vector<curve_point> points;
        const auto names = text::split(detail::curve_header, ',');
        for (std::size_t number = 1; number == 1 || !csv.empty(); ++number) {
            const auto line = text::take_line(csv);
            const auto bad = [&](std::string_view what, std::string_view why) {
                return error{errc::bad_value, {"line ", number, ": ", what, why}};
            };
            if (number == 1) {
                if (line != detail::curve_header) return bad("not ", detail::curve_header);
                continue;
            }
            const auto field = text::split(line, ',');
            if (field.size() != 6) return bad("not six fields", "");
            curve_point p;
            std::size_t k = 0;
            for (auto* whole : {&p.step, &p.tokens})
                if (!detail::read_whole(field[k++], *whole)) return bad(names[k - 1], " is no number");
            for (auto* real : {&p.loss, &p.valid, &p.rate, &p.seconds})
                if (!detail::read_csv_number(field[k++], *real)) return bad(names[k - 1], " is no number");
            points.push_back(p);
        }
        return points;
    });
}
namespace detail {
/// One axis of the picture: what it spans, and the distance of its ticks, 1, 2 or 5 times a power of ten.
struct axis {
    double low, high, tick;
    /// Spans the values and at least `least`, in n distances of ticks or fewer.
    axis(const std::vector<double>& values, double least, double n)
        : low(*std::min_element(values.begin(), values.end())),
          high((std::max)(*std::max_element(values.begin(), values.end()), low + least)),
          tick(std::pow(10.0, std::floor(std::log10((high - low) / n)))) {
        for (const double by : {2.0, 2.5, 2.0})
            if (tick * n < high - low) tick *= by;
    }
    /// f(value, its label) for each tick.
    template <class F> void for_each_tick(F&& f) const {
        const auto decimals = static_cast<int>((std::max)(0.0, std::ceil(-std::log10(tick) - 1e-9)));
        for (auto k = std::ceil(low / tick - 1e-6); k * tick <= high + 1e-6 * tick; k += 1)
            f(k * tick, num::decimal(k == 0 ? 0 : k * tick, decimals));
    }
};
inline std::string xml_text(std::string_view s) {
    std::string out;
    for (const auto c : text::code_points(s))
        if (c == '&' || c == '<' || c == '>')
            out += concat({"&#", c, ";"});
        else
            text::utf8_append(out, c < 0x20 ? U' ' : c == 0xFFFE || c == 0xFFFF ? 0xFFFD : c);
    return out;
}
}  // namespace detail
/// A picture of the loss over the steps: as measured and smoothed, with dots for held-out text. It draws about a
/// thousand points, evenly chosen, and leaves out losses that are not finite or beyond a million.
inline std::string curve_svg(std::span<const curve_point> points, std::string_view title) {
    constexpr double left = 52, right = 704, top = 60, bottom = 318;
    std::vector<std::pair<double, double>> loss, valid;  // step, value
    std::vector<double> steps, values;
    for (const auto& p : points)
        for (auto* to : {&loss, &valid}) {
            const auto step = static_cast<double>(p.step), value = to == &loss ? p.loss : p.valid;
            if (detail::size_bits(value) > detail::size_bits(1e6) || step > 1e12) continue;
            to->push_back({step, value});
            steps.push_back(step), values.push_back(value);
        }
    if (steps.empty()) steps = values = {0};
    const detail::axis x(steps, 8, 8);  // whole steps
    detail::axis y(values, 0.1 * (std::max)(1.0, std::fabs(values.back())), 6);
    y.low = std::floor(y.low / y.tick + 1e-6) * y.tick, y.high = std::ceil(y.high / y.tick - 1e-6) * y.tick;
    const auto across = [&](double v) {
        return num::short_decimal(left + (v - x.low) / (x.high - x.low) * (right - left), 1);
    };
    const auto up = [&](double v) {
        return num::short_decimal(bottom - (v - y.low) / (y.high - y.low) * (bottom - top), 1);
    };
    // A mean over a fortieth of the run, half of it before and half after, does not lag; where the run begins, and the
    // loss falls fast, over no more after than before.
    std::vector<double> sums(loss.size() + 1);
    for (std::size_t i = 0; i < loss.size(); ++i) sums[i + 1] = sums[i] + loss[i].second;
    const auto smooth = [&](std::size_t i) {
        const auto before = (std::min)(loss.size() / 80, i), end = (std::min)(i + before + 1, loss.size());
        return (sums[end] - sums[i - before]) / static_cast<double>(end + before - i);
    };
    // f(index) for about n of them, with the last.
    const auto some = [](std::size_t size, std::size_t n, auto&& f) {
        for (std::size_t i = 0; i < size; i = i + 1 == size ? size : (std::min)(i + size / n + 1, size - 1)) f(i);
    };
    const auto text = detail::xml_text(title);
    auto out = concat({R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" role="img")",
                       R"( font-family="system-ui,sans-serif" font-size="12" fill="#7d848e"><title>)", text,
                       "</title>\n<text x=\"16\" y=\"24\" font-size=\"16\">", text, "</text>"});
    y.for_each_tick([&](double v, const std::string& label) {
        out += concat({"\n<path d=\"M52 ", up(v), R"(H704" stroke="#7d848e" stroke-opacity=".3"/><text x="46" y=")",
                       up(v), R"(" dy=".35em" text-anchor="end">)", label, "</text>"});
    });
    x.for_each_tick([&](double v, const std::string& label) {
        out += concat({"\n<path d=\"M", across(v), R"( 318v5" stroke="#7d848e"/><text x=")", across(v),
                       R"(" y="337" text-anchor="middle">)", label, "</text>"});
    });
    out += "\n<text x=\"378\" y=\"354\" text-anchor=\"middle\">step</text>";
    const auto line = [&](std::string_view style, auto&& value) {
        out += concat({"\n<path fill=\"none\" stroke=\"#3d8bfd\" stroke-linecap=\"round\" stroke-linejoin=\"round\" ",
                       style, " d=\"M"});
        some(loss.size(), 1000, [&](std::size_t i) { out += concat({across(loss[i].first), " ", up(value(i)), " "}); });
        out += "h0\"/>";  // a line of no length, so that a single point is seen, too
    };
    const auto caption = [&](std::string_view place, std::string_view name, double value) {
        out += concat({"\n<text y=\"44\" ", place, "\">", name, num::short_decimal(value, 3), "</text>"});
    };
    if (!loss.empty()) {
        line(R"(stroke-opacity=".35")", [&](std::size_t i) { return loss[i].second; });
        line(R"(stroke-width="2")", smooth);
        caption(R"(x="16" fill="#3d8bfd)", "loss ", smooth(loss.size() - 1));
    }
    some(valid.size(), 200, [&](std::size_t i) {
        out += concat({"\n<circle r=\"3\" fill=\"#e8702a\" cx=\"", across(valid[i].first), "\" cy=\"",
                       up(valid[i].second), "\"/>"});
    });
    if (!valid.empty()) caption(R"(x="110" fill="#e8702a)", "held out ", valid.back().second);
    return out + "\n</svg>\n";
}
// == narae/learn/tasks.hpp: Exercises in Korean grammar and context, made from plain text: which particle or ending ...
using text::operator""_ko;
/// UTF-8 text to learn from. The loss is taken on the answer; the prompt is only read.
struct prompted {
    std::string prompt, answer;
};
/// What to find: the josa (particle) or the eomi (ending of a verb) in whose place "__" stands; the blanks of a
/// sentence without any; the order of three or four sentences that were shuffled and numbered.
enum class task { josa, eomi, spacing, order };
namespace detail {
inline constexpr std::u32string_view instructions[] = {
    "bin-kan-e al-maj-eun jo-sa-reul sseu-si-o."_ko, "bin-kan-e al-maj-eun eo-mi-reul sseu-si-o."_ko,
    "ba-reu-ge ttui-eo sseu-si-o."_ko, "al-maj-eun sun-seo-ro neul-eo-noh-eu-si-o."_ko};
/// Forms of morphemes that close a word, each between blanks, what they stand behind (a syllable with a final consonant
/// is closed), and after which syllables the same forms are mostly something else. Counted in the treebanks that
/// learn/gold.hpp reads.
struct closing {
    enum class behind { any, open, closed } after;
    std::u32string_view forms, except;
};
inline constexpr closing particles[] = {
    {closing::behind::closed, " eun i eul "_ko,
     "gat-eobs-bad-meog-eod-ilg-chaj-mid-jug-jag-nop-gip-neolb-naj-jeolm-sip-jjalb-bulg-job-olh-malg-maj-mat-dalm-jab-"
     "but-jit-nalg-jeoj-nam-geom-mud-mug-us-geod-ssis-sam-jong-jaeng"_ko},
    {closing::behind::closed, " gwa eu-ro "_ko, {}},
    {closing::behind::open, " neun "_ko,
     "ha-doe-ju-reu-o-ki-bo-nae-chi-deu-sseu-hi-kku-kki-chu-du-kkeu-ga-ri-ji-na-ru-ni-u-si-sa-gi"_ko},
    {closing::behind::open, " ga reul "_ko, {}},
    {closing::behind::open, " wa "_ko, "na-jyeo-ryeo-gyeo"_ko},
    {closing::behind::any, " do "_ko, "hae-yeo-a-eo-wo-syeo-hyeo-bwa-jyeo-kyeo-nyeon-jig"_ko},
    {closing::behind::any, " ro "_ko, "je-ju-che-bu-doe"_ko},
    {closing::behind::any, " ui e e-seo e-ge han-te kke-seo man bu-teo kka-ji cheo-reom bo-da ma-da jo-cha "_ko, {}}};
inline constexpr closing endings[] = {
    {closing::behind::any, " go "_ko, "da-ra-ri"_ko},
    {closing::behind::any, " ji-man "_ko, "ha"_ko},
    {closing::behind::any,
     " da ge ji eo a myeon eu-myeon myeo eu-myeo myeon-seo neun-de eo-seo a-seo eo-ya a-ya eo-do a-do geo-na do-rog "
     "ryeo-go da-ga neun-ji ni-kka seub-ni-da seub-ni-kka yo eo-yo a-yo ne-yo se-yo ne ja deon "_ko,
     {}}};
/// May this form, given between blanks, close a word behind this character?
inline bool may_close(std::span<const closing> list, std::u32string_view form, char32_t before) {
    // Finals nj nh lt lp lh ss h: of verbs only, as in manh- joh- iss-.
    constexpr std::uint32_t verbal = 1u << 5 | 1u << 6 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 20 | 1u << 27;
    return std::any_of(list.begin(), list.end(), [&](const closing& c) {
        if (c.forms.find(form) == c.forms.npos || c.except.find(before) != c.except.npos) return false;
        if (c.after == closing::behind::any || !text::is_syllable(before)) return true;
        const auto last = (before - text::first_syllable) % text::finals;
        return c.after == closing::behind::open ? last == 0 : last != 0 && (verbal >> last & 1) == 0;
    });
}
/// A word up to its last letter or digit.
inline std::u32string_view without_signs(std::u32string_view word) noexcept {
    const auto is_sign = [](char32_t c) {
        const auto what = text::class_of(c);
        return what < text::char_class::letter || what > text::char_class::numeral;
    };
    while (!word.empty() && is_sign(word.back())) word.remove_suffix(1);
    return word;
}
/// The last morpheme of a word if it is on the list; signs may follow it. Else empty.
inline std::u32string_view closing_of(std::u32string_view word, task what, const token::segmenter& cut) {
    const auto bare = without_signs(word);
    auto run = bare.size();
    while (run > 0 && text::is_syllable(bare[run - 1])) --run;
    if (run == bare.size()) return {};
    std::size_t length = 0;
    cut(text::utf8(bare.substr(run)), [&](std::string_view morpheme) { length = morpheme.size() / 3; });
    if (length == bare.size()) return {};
    const auto last = bare.substr(bare.size() - length);
    const auto before = bare[bare.size() - length - 1];
    // Particles follow foreign words and brackets, too; after digits they would be units: 5man, 3do.
    const bool word_like = text::class_of(before) == text::char_class::letter || before == ')';
    if (!text::is_syllable(before) && !(what == task::josa && word_like)) return {};
    const auto list = what == task::josa ? std::span<const closing>(particles) : std::span<const closing>(endings);
    return may_close(list, U' ' + std::u32string(last) + U' ', before) ? last : std::u32string_view();
}
/// The sentences of a line with one blank between words. In place of one that makes no exercise an empty one: it has
/// fewer than three words, is too long for a prompt, not mostly Hangul, or holds the mark of a gap.
inline std::vector<std::u32string> sentences_of(std::u32string_view line) {
    std::vector<std::u32string> all(1);
    while (!line.empty()) {
        const auto word = line.substr(0, line.find_first_of(U" \t\r\n"));
        line.remove_prefix((std::min)(word.size() + 1, line.size()));
        if (word.empty()) continue;
        all.back().append(all.back().empty() ? U"" : U" ").append(word);
        // A mark ends it, but not the dot of a number or of a foreign word.
        const auto bare = without_signs(word), signs = word.substr(bare.size());
        const bool dot = signs.starts_with(U'.') && (bare.empty() || !text::is_syllable(bare.back()));
        if (signs.find_first_of(U".!?") != signs.npos && !dot) all.emplace_back();
    }
    for (auto& s : all) {
        const auto blanks = std::count(s.begin(), s.end(), U' ');
        const auto hangul = std::count_if(s.begin(), s.end(), text::is_syllable);
        if (blanks < 2 || s.size() > 200 || 2 * hangul < std::ssize(s) - blanks || s.find(U"__") != s.npos) s.clear();
    }
    return all;
}
/// What is asked, and the answer; no answer where the sentences do not lend themselves to it.
struct exercise {
    std::u32string shown, answer;
};
/// Three or four sentences in a row, out of order and numbered; the answer is the numbers in order.
inline exercise shuffled(const std::vector<std::u32string>& sentences, num::random& random) {
    std::vector<std::size_t> begins, shown;
    for (auto n = 3 + random.below(2); n >= 3 && begins.empty(); --n) {
        shown.resize(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i + shown.size() <= sentences.size(); ++i) {
            const auto first = sentences.begin() + static_cast<std::ptrdiff_t>(i);
            const std::set<std::u32string> all(first, first + std::ssize(shown));
            if (all.size() == shown.size() && all.count(U"") == 0) begins.push_back(i);
        }
    }
    if (begins.empty()) return {};
    const auto begin = begins[static_cast<std::size_t>(random.below(begins.size()))];
    for (std::size_t k = 0; k < shown.size(); ++k) shown[k] = k;
    random.shuffle(shown);
    exercise e{{}, std::u32string(2 * shown.size() - 1, U' ')};
    for (std::size_t k = 0; k < shown.size(); ++k) {
        const auto digit = static_cast<char32_t>(U'1' + k);
        e.shown.append(k == 0 ? U"" : U"\n").append(1, digit).append(U". ").append(sentences[begin + shown[k]]);
        e.answer[2 * shown[k]] = digit;
    }
    return e;
}
/// A sentence with "__" in place of the morpheme that closes one of its words.
inline exercise holed(task what, const std::vector<std::u32string>& sentences, const token::segmenter& cut,
                      num::random& random) {
    std::vector<exercise> all;
    for (const std::u32string_view s : sentences)
        for (std::size_t at = 0; at < s.size();) {
            const auto word = s.substr(at, s.find(U' ', at) - at);
            at += word.size() + 1;
            const auto last = closing_of(word, what, cut);
            if (last.empty()) continue;
            all.push_back({std::u32string(s), std::u32string(last)});
            all.back().shown.replace(static_cast<std::size_t>(last.data() - s.data()), last.size(), U"__");
        }
    return all.empty() ? exercise() : all[static_cast<std::size_t>(random.below(all.size()))];
}
}  // namespace detail
/// An exercise made of one line of UTF-8 text, or nothing where the line does not lend itself to it: it needs a
/// sentence of three words or more, mostly Hangul, and for the order a passage of such sentences. `seed` decides which
/// sentence and gap; the same seed gives the same exercise.
inline std::optional<prompted> make_task(task what, std::string_view line, const token::boundary_model& model,
                                         std::uint64_t seed) {
    if (text::utf8_first_invalid(line) != line.size() || model.weights.size() != model.slots) return std::nullopt;
    num::random random{seed};
    auto sentences = detail::sentences_of(text::code_points(line));
    detail::exercise e;
    if (what == task::order) {
        e = detail::shuffled(sentences, random);
    } else if (std::erase(sentences, U""); what != task::spacing) {
        e = detail::holed(what, sentences, token::segmenter(model.weights, model.cut, 1), random);
    } else if (!sentences.empty()) {
        e.answer = e.shown = sentences[static_cast<std::size_t>(random.below(sentences.size()))];
        std::erase(e.shown, U' ');
    }
    if (e.answer.empty()) return std::nullopt;
    e.shown.insert(0, U"\n").insert(0, detail::instructions[static_cast<std::size_t>(what)]).append("\ndab:"_ko);
    return prompted{text::utf8(e.shown), text::utf8(e.answer)};
}
// == narae/learn/instructions.hpp: Instructions with their answers: read from JSON lines, and made into token ids ...
/// The records {"instruction", "input", "output"} of a file, one a line; "input" may be missing, other keys do not
/// matter. The prompt is the instruction and, on lines of its own, the input. Errors name the line: bad_value, also
/// where there is no record at all.
inline result<std::vector<prompted>> read_instructions(std::string_view jsonl) {
    return guarded([&]() -> result<std::vector<prompted>> {
        std::vector<prompted> all;
        if (jsonl.starts_with("\xEF\xBB\xBF")) jsonl.remove_prefix(3);  // a byte order mark
        for (std::size_t number = 1; !jsonl.empty(); ++number) {
            const auto line = text::take_line(jsonl);
            if (line.find_first_not_of(" \t\r") == line.npos) continue;
            const auto bad = [&](std::string_view what, std::string_view why) {
                return error{errc::bad_value, {"line ", number, ": ", what, why}};
            };
            const auto doc = text::json::parse(line);
            if (!doc) return doc.error().in(concat({"line ", number}));
            const auto record = doc->root();
            if (!record.is(text::json_kind::object)) return bad("not an object", "");
            for (const char* key : {"instruction", "output", "input"}) {
                const auto value = record[key];
                const bool needed = key != std::string_view("input");
                if (needed && value.missing_or_null()) return bad(key, " is missing");
                if (!value.missing_or_null() && !value.is(text::json_kind::string)) return bad(key, " is no string");
                if (needed && value.raw().empty()) return bad(key, " is empty");
            }
            prompted p{record["instruction"].string(), record["output"].string()};
            if (const auto input = record["input"].string(); !input.empty()) p.prompt += "\n" + input;
            all.push_back(std::move(p));
        }
        if (all.empty()) return error{errc::bad_value, "no instructions"};
        return all;
    });
}
/// What a model is trained on: the loss is taken on ids[answer_at] and all that follow.
struct example {
    std::vector<token::token_id> ids;
    std::size_t answer_at = 0;
};
/// The ids of a prompt and its answer, then the token that ends a text. With `chat` they stand in the marks of the user
/// and of the assistant; else a blank is between them. The ids before answer_at are what a model that answers is given.
/// Errors: unsupported where the tokenizer lacks one of the special tokens, which is named.
inline result<example> encode_example(const token::tokenizer& t, const prompted& text, bool chat) {
    return guarded([&]() -> result<example> {
        example e;
        std::string_view missing;
        const auto mark = [&](std::string_view name) {
            const auto id = t.find(name);
            if (id && t.is_special(*id))
                e.ids.push_back(*id);
            else if (missing.empty())
                missing = name;
        };
        auto encode = t.make_encoder();
        if (chat) mark("<|user|>");
        encode.encode(text.prompt, {}, e.ids);
        if (chat) mark("<|/user|>"), mark("<|assistant|>");
        e.answer_at = e.ids.size();
        encode.encode(chat ? text.answer : " " + text.answer, {}, e.ids);
        if (chat) mark("<|/assistant|>");
        const auto end = t.end_of_text();
        end ? e.ids.push_back(*end) : mark("<|endoftext|>");
        if (!missing.empty()) return error{errc::unsupported, {"the tokenizer has no special token ", missing}};
        return e;
    });
}
// == narae/learn/parameters.hpp: All numbers of a model as float32 in one row: matrices in the order of ...
/// Where each part of a row lies. F: float of weights to write and of gradients, const float of weights to read.
template <class F> struct linear_part {
    F* w;  ///< [N, K]
    F* bias;
};
template <class F> struct norm_part { F *gain, *bias; };
template <class F> struct layer_parts {
    norm_part<F> before_attention, before_ffn;
    linear_part<F> qkv, attention_out, ffn_up, ffn_down;
};
template <class F> struct parts {
    F *embedding, *head;  ///< the same if the head is tied
    std::vector<layer_parts<F>> layers;
    norm_part<F> last;
};
/// How many numbers the matrices of this shape have, which come first, and how many all have.
struct parameter_count {
    std::size_t matrices = 0, all = 0;
};
inline parameter_count count_parameters(const model::shape& s) {
    parameter_count n;
    for (const auto& m : model::matrix_names(s)) n.matrices += m.N * m.K;
    n.all = n.matrices;
    for (const auto& [name, length] : model::vector_names(s)) n.all += length;
    return n;
}
/// The parts of a row of count_parameters(s).all numbers.
template <class F> parts<F> parts_of(F* row, const model::shape& s) {
    std::vector<F*> m, v;
    for (const auto& name : model::matrix_names(s)) m.push_back(row), row += name.N * name.K;
    for (const auto& [name, length] : model::vector_names(s)) v.push_back(row), row += length;
    parts<F> p{m.front(), s.tied ? m.front() : m.back(), {}, {v[8 * s.L], v[8 * s.L + 1]}};
    for (std::size_t i = 0; i < s.L; ++i) {
        F *const *w = &m[1 + 4 * i], *const *b = &v[8 * i];
        p.layers.push_back({{b[0], b[1]}, {b[2], b[3]}, {w[0], b[4]}, {w[1], b[5]}, {w[2], b[6]}, {w[3], b[7]}});
    }
    return p;
}
/// Weights to start from: matrices normal with deviation 0.02, those that write to the residual stream smaller by
/// sqrt(2 L) (Radford et al. 2019, GPT-2), gains 1, biases 0. The same seed gives the same weights everywhere.
inline void fill_random(std::span<float> row, const model::shape& s, std::uint64_t seed) {
    num::random random{seed};
    float* next = row.data();
    for (const auto& m : model::matrix_names(s)) {
        const bool to_stream = m.name.ends_with("attention.dense.weight") || m.name.ends_with("dense_4h_to_h.weight");
        const float deviation = to_stream ? 0.02f / std::sqrt(2.0f * static_cast<float>(s.L)) : 0.02f;
        for (std::size_t i = 0; i < m.N * m.K; ++i) *next++ = deviation * random.normal();
    }
    for (const auto& [name, length] : model::vector_names(s))
        for (std::size_t i = 0; i < length; ++i) *next++ = name.ends_with("norm.weight") ? 1.0f : 0.0f;
}
/// Weights to go on from: those of a checkpoint, whatever its format. Errors name the tensor.
inline result<void> fill_from(std::span<float> row, const store::checkpoint& from, const model::shape& s) {
    float* next = row.data();
    for (const auto& m : model::matrix_names(s)) {
        const auto found = model::find_matrix(from, m);
        if (!found) return found.error();
        for (std::size_t r = 0; r < m.N; ++r, next += m.K) found->read_row(next, r);
    }
    for (const auto& [name, length] : model::vector_names(s)) {
        const auto found = model::find_floats(from, name, {length});
        if (!found) return found.error();
        for (std::size_t i = 0; i < length; ++i) *next++ = model::element(**found, i);
    }
    return {};
}
// == narae/learn/network.hpp: The network of model/forward.hpp over whole sequences, and its backward: each step ...
inline constexpr std::uint32_t no_target = 0xFFFFFFFF;
inline constexpr std::size_t head_rows = 512;
/// Sequences of T tokens, one after the other: N = ids.size() rows, a multiple of T. Token t of a sequence sees its
/// tokens first[t] .. t; it is taught targets[t], or nothing where that is no_target.
struct batch {
    std::size_t T;
    std::span<const std::uint32_t> ids, targets, first;
};
/// What a batch costs: the sum over the taught tokens, in nats.
struct loss_sum {
    double nats = 0;
    std::size_t tokens = 0;
    double mean() const noexcept { return tokens == 0 ? 0 : nats / static_cast<double>(tokens); }
    void operator+=(const loss_sum& other) noexcept { nats += other.nats, tokens += other.tokens; }
};
struct network_options {
    std::size_t sequences = 16, length = 256;  ///< of a batch
    std::size_t checkpoint_layers = 0;         ///< of a segment; 0: all layers are one
    bool backward = true;                      ///< without: for losses only, in less memory
};
class network;
/// A teacher that is listened to beside the text: its network, which has the same vocabulary, its weights, and the
/// share of the loss that is KL(teacher, student). Hinton et al. 2015, arXiv:1503.02531, at temperature 1.
struct teacher {
    network* net = nullptr;
    const float* weights = nullptr;
    float share = 0;
};
class network {
public:
    static result<network> make(const model::shape& s, const network_options& o, sys::team& team,
                                const kernel::gemm_kernel& gemm) {
        network n(s, o, team);
        std::size_t floats = 0;
        n.each_buffer([&](float*&, std::size_t size) { floats += round_up(size, 16); });
        error why;
        if (!sys::buffer<float>::make(floats).into(n.floats_, why)) return why.in("training");
        auto multiply = kernel::matmul::make(gemm, team.size());
        if (!multiply) return multiply.error().in("training");
        n.multiply_.emplace(std::move(*multiply));
        float* next = n.floats_.data();
        n.each_buffer([&](float*& where, std::size_t size) { where = next, next += round_up(size, 16); });
        for (std::size_t t = 0; t < o.length; ++t) model::fill_turn(n.turn_ + t * s.rotary, s, t);
        n.losses_.resize(o.sequences * o.length);
        n.stats_.resize(o.sequences * o.length);
        return n;
    }
    /// Bytes that make() would take.
    static std::uint64_t bytes(const model::shape& s, const network_options& o, sys::team& team,
                               const kernel::gemm_kernel& gemm) {
        network n(s, o, team);
        std::uint64_t floats = o.sequences * o.length * 6;  // taught_, losses_ and stats_
        n.each_buffer([&](float*&, std::size_t size) { floats += round_up(size, 16); });
        return floats * sizeof(float) + kernel::matmul::bytes(gemm, team.size());
    }
    /// The loss of a batch of at most `sequences` sequences of at most `length` tokens under `weights`; adds the
    /// gradient of its sum to `gradients`, if there is such a row and this network has a backward.
    loss_sum run(const float* weights, float* gradients, const batch& b, const teacher& t = {}) {
        const auto w = parts_of(weights, s_);
        forward(w, b);
        if (t.net != nullptr) t.net->forward(parts_of(t.weights, t.net->s_), b);
        if (gradients == nullptr) return head(w, nullptr, b, t);
        const auto g = parts_of(gradients, s_);
        const auto loss = head(w, &g, b, t);
        for (auto segment = segments(); segment-- > 0;) {
            if (segment + 1 != segments()) run_segment(w, b, segment);
            for (auto i = (std::min)(s_.L, (segment + 1) * segment_); i-- > segment * segment_;)
                block_back(w.layers[i], g.layers[i], b, tapes_[i - segment * segment_]);
        }
        each_column(s_.D, [&](std::size_t from, std::size_t n) {
            for (std::size_t r = 0; r < rows_; ++r)
                ops_.add(g.embedding + b.ids[r] * s_.D + from, d_ + r * s_.D + from, n);
        });
        return loss;
    }
private:
    /// What a layer leaves for its backward.
    struct tape {
        float* x = nullptr;        // [N, D] what it began with
        float* qkv = nullptr;      // [N, (H + 2G) E], with biases, rotated
        float* mixed = nullptr;    // [N, H E]
        float* log_sum = nullptr;  // [N, H]
        float* middle = nullptr;   // [N, D] what the feed-forward layer read, where that is not x
        float* up = nullptr;       // [N, F] before the bias
    };
    network(const model::shape& s, const network_options& o, sys::team& team)
        : s_(s), options_(o),
          segment_(o.backward && o.checkpoint_layers == 0 ? s.L : (std::min)(s.L, o.checkpoint_layers)), team_(&team),
          kernels_(kernel::runnable().best()), ops_(kernel::runnable_teach().back()) {
        if (!o.backward) segment_ = 1;
        tapes_.resize(segment_);
        starts_.resize(o.backward ? segments() : (std::min<std::size_t>)(2, s.L));
    }
    std::size_t segments() const noexcept { return (s_.L + segment_ - 1) / segment_; }
    float* start(std::size_t segment) const noexcept { return starts_[segment % starts_.size()]; }
    /// Every buffer and its size in floats.
    template <class F> void each_buffer(F&& f) {
        const auto N = options_.sequences * options_.length, D = s_.D, R = s_.qkv_rows(), M = s_.H * s_.E;
        for (auto& start : starts_) f(start, N * D);
        for (auto& t : tapes_) {
            if (&t != &tapes_.front()) f(t.x, N * D);
            f(t.qkv, N * R);
            f(t.mixed, N * M);
            f(t.log_sum, N * s_.H);
            if (!s_.parallel_residual) f(t.middle, N * D);
            f(t.up, N * s_.F);
        }
        f(last_, N * D);
        f(normed_, N * D);
        f(picked_, N * D);
        f(wide_, N * (std::max)(s_.F, R));
        f(turn_, options_.length * s_.rotary);
        f(scratch_, team_->size() * attention_scratch(options_.length));
        f(logits_, head_rows * s_.V);
        if (!options_.backward) return;
        f(d_, N * D);
        f(dnormed_, N * D);
        f(dmixed_, N * M);
        f(dwide_, N * (std::max)(s_.F, R));
    }
    /// f(t) for every row, shared out.
    template <class F> void each_row(F&& f) { kernel::shared_out(*team_, rows_, f); }
    /// f(from, n): each thread has its own n of so many columns, in all rows.
    template <class F> void each_column(std::size_t columns, F&& f) {
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(columns, num::lanes, part, parts);
            f(mine.begin, mine.end - mine.begin);
        });
    }
    /// y[N, n] = x[N, k] W^T (+ bias).
    void linear(float* y, const float* x, const float* w, const float* bias, std::size_t n, std::size_t k) {
        if (bias != nullptr) each_row([&](std::size_t t) { std::memcpy(y + t * n, bias, n * sizeof(float)); });
        multiply_->run(*team_, y, n, {x, k, 1}, {w, 1, k}, rows_, n, k, bias != nullptr);
    }
    /// Its backward: dx[N, k] = dy W; dW += dy^T x; dbias += the sum of dy's rows.
    void linear_back(float* dx, const float* dy, const float* x, const float* w, const linear_part<float>& g,
                     std::size_t n, std::size_t k) {
        each_column(n, [&](std::size_t from, std::size_t count) {
            for (std::size_t t = 0; t < rows_; ++t) ops_.add(g.bias + from, dy + t * n + from, count);
        });
        multiply_->run(*team_, g.w, k, {dy, 1, n}, {x, k, 1}, n, k, rows_, true);
        multiply_->run(*team_, dx, k, {dy, n, 1}, {w, k, 1}, rows_, k, n, false);
    }
    /// normed = norm(x), of so many rows.
    void normalise(const float* x, const norm_part<const float>& n, std::size_t count) {
        kernel::shared_out(*team_, count, [&](std::size_t t) {
            kernels_.layer_norm(normed_ + t * s_.D, x + t * s_.D, n.gain, n.bias, s_.D, s_.norm_eps);
        });
    }
    /// Its backward: dx += what dy, the gradient of its output, says; so do the gradients of its own vectors.
    void normalise_back(float* dx, const float* dy, const float* x, const norm_part<const float>& n,
                        const norm_part<float>& g, std::size_t count) {
        const auto D = s_.D;
        kernel::shared_out(*team_, count, [&](std::size_t t) {
            stats_[t] = ops_.norm_back(dx + t * D, dy + t * D, x + t * D, n.gain, D, s_.norm_eps);
        });
        each_column(D, [&](std::size_t from, std::size_t m) {
            for (std::size_t t = 0; t < count; ++t)
                ops_.norm_vectors_back(g.gain + from, g.bias + from, dy + t * D + from, x + t * D + from, stats_[t], m);
        });
    }
    /// Turns queries and keys of every row by their positions, or back.
    void rotate(float* qkv, const batch& b, float direction) {
        const auto half = s_.rotary / 2;
        each_row([&](std::size_t t) {
            const float* cosine = turn_ + t % b.T * s_.rotary;
            float* row = qkv + t * s_.qkv_rows();
            for (std::size_t h = 0; h < s_.H + s_.G; ++h) {
                float* x = row + (h < s_.H ? s_.q_row(h) : s_.k_row(h - s_.H));
                for (std::size_t i = 0; i < half; ++i) {
                    const float first = x[i], second = x[i + half], c = cosine[i], s = direction * cosine[i + half];
                    x[i] = first * c - second * s;
                    x[i + half] = second * c + first * s;
                }
            }
        });
    }
    /// f(sequence, key-value head, thread, scratch) for all of them, shared out.
    template <class F> void each_head(const batch& b, const tape& t, F&& f) {
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(rows_ / b.T * s_.G, 1, part, parts);
            for (auto i = mine.begin; i < mine.end; ++i) {
                const auto row = i / s_.G * b.T;
                f(row,
                  sequence{b.T, b.first.data() + row, t.qkv + row * s_.qkv_rows(), t.mixed + row * s_.H * s_.E,
                           t.log_sum + row * s_.H},
                  i % s_.G, part, scratch_ + part * attention_scratch(b.T));
            }
        });
    }
    void gelu(float* y, const float* up, const float* bias) {
        each_row([&](std::size_t t) {
            std::memcpy(y + t * s_.F, up + t * s_.F, s_.F * sizeof(float));
            kernels_.bias_gelu(y + t * s_.F, bias, s_.F);
        });
    }
    /// out = what the block makes of t.x; the rest of the tape is filled.
    void block(const layer_parts<const float>& w, float* out, const batch& b, tape& t) {
        const auto D = s_.D, F = s_.F, M = s_.H * s_.E;
        const auto add_to_stream = [&](const float* x, const float* by, const linear_part<const float>& l,
                                       std::size_t k) {  // out = x + by W^T + bias
            each_row([&](std::size_t r) {
                if (out != x) std::memcpy(out + r * D, x + r * D, D * sizeof(float));
                ops_.add(out + r * D, l.bias, D);
            });
            multiply_->run(*team_, out, D, {by, k, 1}, {l.w, 1, k}, rows_, D, k, true);
        };
        normalise(t.x, w.before_attention, rows_);
        linear(t.qkv, normed_, w.qkv.w, w.qkv.bias, s_.qkv_rows(), D);
        rotate(t.qkv, b, 1);
        each_head(b, t, [&](std::size_t, const sequence& x, std::size_t g, std::size_t thread, float* scratch) {
            attend(ops_, *multiply_, thread, s_, x, g, scratch);
        });
        add_to_stream(t.x, t.mixed, w.attention_out, M);
        if (!s_.parallel_residual) std::memcpy(t.middle, out, rows_ * D * sizeof(float));
        normalise(ffn_input(t), w.before_ffn, rows_);
        linear(t.up, normed_, w.ffn_up.w, nullptr, F, D);
        gelu(wide_, t.up, w.ffn_up.bias);
        add_to_stream(out, wide_, w.ffn_down, F);
    }
    float* ffn_input(const tape& t) const noexcept { return s_.parallel_residual ? t.x : t.middle; }
    /// Its backward: d, the gradient of what the block made, becomes that of t.x.
    void block_back(const layer_parts<const float>& w, const layer_parts<float>& g, const batch& b, const tape& t) {
        const auto D = s_.D, F = s_.F, R = s_.qkv_rows(), M = s_.H * s_.E;
        const auto out_back = [&] { linear_back(dmixed_, d_, t.mixed, w.attention_out.w, g.attention_out, D, M); };
        if (s_.parallel_residual) out_back();  // before d grows by the other branch
        gelu(wide_, t.up, w.ffn_up.bias);
        linear_back(dwide_, d_, wide_, w.ffn_down.w, g.ffn_down, D, F);
        each_row([&](std::size_t r) { ops_.gelu_back(dwide_ + r * F, t.up + r * F, w.ffn_up.bias, F); });
        normalise(ffn_input(t), w.before_ffn, rows_);
        linear_back(dnormed_, dwide_, normed_, w.ffn_up.w, g.ffn_up, F, D);
        normalise_back(d_, dnormed_, ffn_input(t), w.before_ffn, g.before_ffn, rows_);
        if (!s_.parallel_residual) out_back();
        std::memset(dwide_, 0, rows_ * R * sizeof(float));
        each_head(b, t, [&](std::size_t row, const sequence& x, std::size_t h, std::size_t thread, float* scratch) {
            attend_back(ops_, *multiply_, thread, s_, x, dwide_ + row * R, dmixed_ + row * M, h, scratch);
        });
        rotate(dwide_, b, -1);
        normalise(t.x, w.before_attention, rows_);
        linear_back(dnormed_, dwide_, normed_, w.qkv.w, g.qkv, R, D);
        normalise_back(d_, dnormed_, t.x, w.before_attention, g.before_attention, rows_);
    }
    /// The layers of a segment, from what start(segment) holds to the start of the next or to the last rows.
    void run_segment(const parts<const float>& w, const batch& b, std::size_t segment) {
        const auto from = segment * segment_, to = (std::min)(s_.L, from + segment_);
        tapes_.front().x = start(segment);
        for (auto i = from; i < to; ++i)
            block(w.layers[i],
                  i + 1 < to  ? tapes_[i + 1 - from].x
                  : to < s_.L ? start(segment + 1)
                              : last_,
                  b, tapes_[i - from]);
    }
    void forward(const parts<const float>& w, const batch& b) {
        rows_ = b.ids.size();
        each_row([&](std::size_t t) {
            std::memcpy(start(0) + t * s_.D, w.embedding + b.ids[t] * s_.D, s_.D * sizeof(float));
        });
        for (std::size_t i = 0; i < segments(); ++i) run_segment(w, b, i);
        // The rows that are taught something, close together.
        taught_.clear();
        for (std::size_t t = 0; t < rows_; ++t)
            if (b.targets[t] != no_target) taught_.push_back(t);
        const auto D = s_.D;
        for (std::size_t i = 0; i < taught_.size(); ++i)
            std::memcpy(picked_ + i * D, last_ + taught_[i] * D, D * sizeof(float));
        normalise(picked_, w.last, taught_.size());
    }
    /// logits[n, V] of the normalised rows `from` and on.
    void head_logits(const float* head, std::size_t from, std::size_t n) {
        multiply_->run(*team_, logits_, s_.V, {normed_ + from * s_.D, s_.D, 1}, {head, 1, s_.D}, n, s_.V, s_.D, false);
    }
    /// Cross entropy of the rows in normed_, fused with the head; with g also d_, the gradient of the last rows.
    loss_sum head(const parts<const float>& w, const parts<float>* g, const batch& b, const teacher& t) {
        const auto D = s_.D, V = s_.V, count = taught_.size();
        for (std::size_t from = 0; from < count; from += head_rows) {
            const auto n = (std::min)(head_rows, count - from);
            head_logits(w.head, from, n);
            if (t.net != nullptr) t.net->head_logits(parts_of(t.weights, t.net->s_).head, from, n);
            kernel::shared_out(*team_, n, [&](std::size_t i) {
                losses_[from + i] = cross_entropy(logits_ + i * V, b.targets[taught_[from + i]],
                                                  t.net == nullptr ? nullptr : t.net->logits_ + i * V, t.share);
            });
            if (g == nullptr) continue;
            multiply_->run(*team_, dnormed_ + from * D, D, {logits_, V, 1}, {w.head, D, 1}, n, D, V, false);
            multiply_->run(*team_, g->head, D, {logits_, 1, V}, {normed_ + from * D, D, 1}, V, D, n, true);
        }
        loss_sum sum{0, count};
        for (std::size_t i = 0; i < count; ++i) sum.nats += losses_[i];
        if (g == nullptr) return sum;
        std::memset(normed_, 0, count * D * sizeof(float));  // from here on the gradient of the rows picked
        normalise_back(normed_, dnormed_, picked_, w.last, g->last, count);
        std::memset(d_, 0, rows_ * D * sizeof(float));
        for (std::size_t i = 0; i < count; ++i) std::memcpy(d_ + taught_[i] * D, normed_ + i * D, D * sizeof(float));
        return sum;
    }
    /// The loss of one row of logits, which become its gradient: softmax - target, the target being one token, or the
    /// mixture of that and the teacher's distribution.
    double cross_entropy(float* logits, std::uint32_t target, float* teacher_logits, float share) const noexcept {
        const auto sum = ops_.exp_sum(logits, s_.V, 1);
        const float log_sum = sum.largest + std::log(sum.sum);
        double loss = static_cast<double>(log_sum) - static_cast<double>(logits[target]);
        if (teacher_logits == nullptr) {
            ops_.softmax(logits, s_.V, 1, log_sum);
            logits[target] -= 1;
            return loss;
        }
        const auto his = ops_.exp_sum(teacher_logits, s_.V, 1);
        const float his_log_sum = his.largest + std::log(his.sum);
        double kl = 0;
        loss *= 1 - static_cast<double>(share);
        for (std::size_t i = 0; i < s_.V; ++i) {
            const float log_p = teacher_logits[i] - his_log_sum, log_q = logits[i] - log_sum, p = num::exp(log_p);
            kl += static_cast<double>(p) * static_cast<double>(log_p - log_q);
            logits[i] = num::exp(log_q) - share * p;
        }
        logits[target] -= 1 - share;
        return loss + static_cast<double>(share) * kl;
    }
    model::shape s_;
    network_options options_;
    std::size_t segment_, rows_ = 0;
    sys::team* team_;
    kernel::table kernels_;
    kernel::teach_table ops_;
    std::optional<kernel::matmul> multiply_;
    sys::buffer<float> floats_;
    std::vector<float*> starts_;  // [N, D] what each segment began with
    std::vector<tape> tapes_;     // of the segment at hand
    float *last_ = nullptr, *normed_ = nullptr, *picked_ = nullptr, *wide_ = nullptr, *turn_ = nullptr,
          *scratch_ = nullptr, *logits_ = nullptr, *d_ = nullptr, *dnormed_ = nullptr, *dmixed_ = nullptr,
          *dwide_ = nullptr;
    std::vector<std::size_t> taught_;
    std::vector<double> losses_;
    std::vector<kernel::row_stats> stats_;
};
}  // namespace narae::inline NARAE_ABI::learn
// == narae/store/fnv.hpp: The hash by which a model file names the files that it was made from
namespace narae::inline NARAE_ABI::store {
/// The hash of these bytes; pass the last value to go on with the next piece. It tells files apart; it is no protection
/// against someone who wants two to look alike.
inline std::uint64_t fnv1a64(byte_view bytes, std::uint64_t hash = 0xCBF29CE484222325) noexcept {
    for (const auto b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001B3;
    return hash;
}
}  // namespace narae::inline NARAE_ABI::store
// == narae/learn/data.hpp: What a model learns from: documents as token ids, dealt out as batches in an order that ...
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
// == narae/token/packed_writer.hpp: A tokenizer.json becomes the packed tokenizer of a model file, and the other ...
namespace narae::inline NARAE_ABI::token {
/// The key that spells these bytes in a vocabulary: the other direction of spell_bytes().
inline std::string spelled_key(std::string_view bytes, bool literal) {
    static constexpr auto letters = [] {
        std::array<char16_t, 256> all{};
        for (char16_t c = 0; c < 0x144; ++c)
            if (const int b = alphabet_byte(c); b >= 0) all[static_cast<std::size_t>(b)] = c;
        return all;
    }();
    if (literal) return std::string(bytes);
    std::string key;
    for (const char b : bytes) text::utf8_append(key, letters[static_cast<unsigned char>(b)]);
    return key;
}
/// The base64 text (RFC 4648) of these bytes.
inline std::string base64_text(byte_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t k = i; k < i + 3; ++k)
            three = three << 8 | (k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[k]) : 0);
        for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
    return out;
}
namespace packing {
/// The text with vocabulary, merges and boundary weights (if it has any) exchanged for these.
inline std::string exchanged(std::string_view json, const text::json_value& model, std::string vocab,
                             std::string merges, std::string weights) {
    std::map<std::size_t, std::pair<std::size_t, std::string>> all;  // where, how much, by what
    const auto exchange = [&](const text::json_value& v, std::string with) {
        all[v.at()] = {v.raw().size(), std::move(with)};
    };
    exchange(model["vocab"], std::move(vocab));
    exchange(model["merges"], std::move(merges));
    if (const auto w = model["narae"]["boundaries"]["weights"]; w.is(text::json_kind::string))
        exchange(w, std::move(weights));
    std::string out;
    std::size_t done = 0;
    for (const auto& [at, what] : all) {
        out.append(json.substr(done, at - done)).append(what.second);
        done = at + what.first;
    }
    return out.append(json.substr(done));
}
inline void append_numbers(std::string& out, std::span<const std::uint32_t> numbers, std::size_t width) {
    for (const auto n : numbers)
        for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(n >> 8 * i & 0xFF);
}
}  // namespace packing
/// The packed form of a tokenizer.json that narae understands; a packed one comes back as it is.
inline result<std::string> pack_tokenizer(byte_view file) {
    const auto parts = tokenizer_json::read(file);
    if (!parts) return parts.error();
    if (as_text(file).starts_with(packed_magic)) return std::string(as_text(file));
    const auto doc = text::json::parse(as_text(file));
    if (!doc) return doc.error();
    const auto& words = parts->words;
    const auto model = doc->root()["model"];
    std::vector<std::uint32_t> ids, merges;
    std::string bytes, left, right, spelled;
    std::uint64_t longest = 0;
    model["vocab"].for_each_member([&](const text::json_value& k, const text::json_value& v) {
        std::uint64_t id = 0;
        v.whole(id);
        spelled.clear();
        const bool literal = !spell_bytes(k.string(), spelled);
        if (id >= ids.size()) ids.resize(static_cast<std::size_t>(id) + 1);
        const std::uint64_t kept = 1 + 2 * spelled.size() + literal;
        longest = (std::max)(longest, kept);
        ids[static_cast<std::size_t>(id)] = static_cast<std::uint32_t>(kept);
        return true;
    });
    for (std::size_t id = 0; id < ids.size(); ++id)
        if (ids[id] != 0) bytes += words.bytes_of(static_cast<token_id>(id));
    const auto id_of = [&](const std::string& key) {
        spelled.clear();
        const bool literal = !spell_bytes(key, spelled);
        return words.find(spelled, literal);
    };
    model["merges"].for_each([&](const text::json_value& m) {
        if (merges.empty() && m.raw().starts_with("#version")) return true;
        merge_keys(m, left, right);
        for (const auto& key : {left, right, left + right}) merges.push_back(id_of(key));
        return true;
    });
    const std::size_t width = longest <= 0xFFFF && ids.size() <= 0x10000 ? 2 : 4;
    if (longest > 0xFFFFFFFF) return error{errc::unsupported, "a token of 2 GiB"};
    std::string out(packed_magic);
    const std::uint32_t head[] = {packed_version, static_cast<std::uint32_t>(width),
                                  static_cast<std::uint32_t>(ids.size()), static_cast<std::uint32_t>(merges.size() / 3),
                                  static_cast<std::uint32_t>(parts->weights.size())};
    packing::append_numbers(out, head, 4);
    packing::append_numbers(out, ids, width);
    packing::append_numbers(out, merges, width);
    out += bytes;
    for (const auto w : parts->weights) out += static_cast<char>(w);
    return out + packing::exchanged(as_text(file), model, "{}", "[]", "");
}
/// A tokenizer.json that means the same as a packed one; a tokenizer.json comes back as it is.
inline result<std::string> unpack_tokenizer(byte_view file) {
    const auto parts = tokenizer_json::read(file);
    if (!parts) return parts.error();
    if (!as_text(file).starts_with(packed_magic)) return std::string(as_text(file));
    const auto p = packed_lists::find(file);
    if (!p) return p.error();
    const auto doc = text::json::parse(as_text(p->settings));
    if (!doc) return doc.error();
    const auto key_of = [&](token_id id) {
        return spelled_key(parts->words.bytes_of(id), p->literal(p->number(p->ids, id)));
    };
    std::string vocab, merges;
    bool blanks = false;  // then merges are pairs; else "a b", which every version of other software reads
    for (token_id id = 0; id < p->count(p->ids); ++id) {
        if (p->number(p->ids, id) == 0) continue;
        const auto key = key_of(id);
        blanks = blanks || key.find(' ') != key.npos || key.starts_with("#version");
        vocab += concat({vocab.empty() ? "\n      " : ",\n      ", text::json_quote(key), ": ", id});
    }
    for (std::size_t i = 0; i < p->count(p->merges); i += 3) {
        const auto left = key_of(p->number(p->merges, i)), right = key_of(p->number(p->merges, i + 1));
        merges += merges.empty() ? "\n      " : ",\n      ";
        merges += blanks ? concat({"[", text::json_quote(left), ", ", text::json_quote(right), "]"})
                         : text::json_quote(concat({left, " ", right}));
    }
    auto json = packing::exchanged(as_text(p->settings), doc->root()["model"], "{" + vocab + "\n    }",
                                   "[" + merges + "\n    ]", base64_text(p->weights));
    const auto again = tokenizer_json::read(as_bytes(json));  // a made-up file may hold what no tokenizer.json can
    if (!again) return again.error();
    return json;
}
}  // namespace narae::inline NARAE_ABI::token
// == narae/learn/tokenizer.hpp: Trains narae's own tokenizer: byte pair encoding inside morphemes, then frequent ...
namespace narae::inline NARAE_ABI::learn {
/// The tokens that stand for no text, by id; <|unused0|> and so on fill up the table to special_count.
inline constexpr std::array<std::string_view, 19> special_tokens = {
    "<|endoftext|>", "<|pad|>",    "<|sep|>",     "<|acc|>",       "<|tel|>",       "<|rrn|>",       "<|email|>",
    "<|addr|>",      "<|system|>", "<|/system|>", "<|user|>",      "<|/user|>",     "<|assistant|>", "<|/assistant|>",
    "<|polite|>",    "<|casual|>", "<|nfd|>",     "<|knowledge|>", "<|/knowledge|>"};
inline constexpr std::size_t special_count = 32;
inline constexpr std::string_view decomposed_token = "<|nfd|>";
inline constexpr double hiding = 10;  ///< an expression that hides n morpheme boundaries counts 1 / (1 + n * hiding)
inline constexpr std::size_t most_digits = 3;  ///< in one token
struct tokenizer_options {
    std::size_t vocab = 32000;       ///< tokens in all, a multiple of 64; fewer where the texts hold too little
    std::size_t expressions = 1000;  ///< of these, expressions across morphemes
    std::size_t threads = 0;         ///< 0: one per processor; the result is the same for any number
    std::string attribution = {};    ///< kept in the file: whose analyses the boundaries were learned from
    /// Do they fit together? Errors: bad_argument.
    result<void> check() const {
        constexpr std::size_t least = (special_count + 256 + 64 + 63) / 64 * 64;
        if (vocab < least || vocab % 64 != 0)
            return error{errc::bad_argument,
                         {"a vocabulary of ", vocab, " tokens: not a multiple of 64 from ", least, " on"}};
        if (expressions > vocab / 4)
            return error{errc::bad_argument, "more than a quarter of the vocabulary for expressions"};
        return {};
    }
};
/// Trains on texts, line by line; see options. Progress counts thousandths of the work.
class tokenizer_trainer {
public:
    using progress_callback = callback<std::uint64_t, std::uint64_t>;
    /// The text of a tokenizer.json. If the texts hold too little for the vocabulary wanted, what was found is filled
    /// up with <|unusedN|> to a multiple of 64. Errors: bad_argument (see check), bad_value without text, cancelled.
    static result<std::string> train(const std::vector<std::string_view>& texts,
                                     const token::boundary_model& boundaries, const tokenizer_options& options,
                                     progress_callback progress) {
        return guarded([&]() -> result<std::string> {
            tokenizer_trainer t(texts, boundaries, options, progress);
            return t.run();
        });
    }
private:
    using counts = std::unordered_map<std::string, std::uint64_t>;
    tokenizer_trainer(const std::vector<std::string_view>& texts, const token::boundary_model& boundaries,
                      const tokenizer_options& options, progress_callback& progress)
        : texts_(texts), boundaries_(boundaries), options_(options), progress_(progress) {}
    result<std::string> run() {
        if (const auto fit = options_.check(); !fit) return fit.error();
        auto team = sys::team::make(options_.threads);
        if (!team) return team.error();
        team_ = team->get();
        if (const auto counted = count_pieces(); !counted) return counted.error();
        if (pieces_.empty()) return error{errc::bad_value, "no text in the input"};
        find_alphabet();
        const auto room = options_.vocab - tokens_.size();
        const auto learned = learn_from_segments(room - (std::min)(room, options_.expressions));
        if (!learned) return learned.error();
        if (options_.expressions != 0)
            if (const auto joined = join_expressions(); !joined) return joined.error();
        while (tokens_.size() % 64 != 0) add_unused();
        return json();
    }
    // --- 1. how often each piece of text stands in the input, Hangul letters as syllables ---
    /// f(part, parts) on every thread. Memory that is lacking on any of them is an error.
    template <class F> result<void> on_all_threads(F&& f) {
        std::vector<char> failed(team_->size());
        team_->run([&](std::size_t part, std::size_t parts) {
            failed[part] = !guarded([&] { return f(part, parts), result<void>(); });
        });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        return {};
    }
    result<void> count_pieces() {
        std::vector<counts> shares(team_->size());
        std::uint64_t all = 0, done = 0;
        for (const auto t : texts_) all += t.size();
        constexpr std::size_t block = std::size_t{8} << 20;
        for (const auto t : texts_)
            for (std::size_t at = 0; at < t.size();) {
                auto end = (std::min)(t.size(), at + block);
                if (end < t.size()) end = (std::min)(t.find('\n', end), t.size());
                const auto counted = on_all_threads([&](std::size_t k, std::size_t n) {
                    std::string key;
                    for (auto rest = text::share_of_lines(t.substr(at, end - at), k, n); !rest.empty();)
                        token::for_each_piece(text::take_line(rest),
                                              [&](std::string_view p) { ++shares[k][key.assign(p)]; });
                });
                if (!counted) return counted;
                done += end - at;
                at = end;
                if (!progress_(all == 0 ? 0 : done * 300 / all, 1000)) return error{errc::cancelled, "cancelled"};
            }
        std::string composed;
        for (auto& s : shares) {
            for (const auto& [piece, n] : s) pieces_[text::compose_hangul(piece, composed) ? composed : piece] += n;
            counts().swap(s);
        }
        return {};
    }
    // --- 2. the characters that are tokens ---
    void find_alphabet() {
        tokens_.assign(special_tokens.begin(), special_tokens.end());
        while (tokens_.size() < special_count) add_unused();
        for (int b = 0; b < 256; ++b) add(std::string(1, static_cast<char>(static_cast<unsigned char>(b))));
        std::unordered_map<char32_t, std::uint64_t> seen;
        for (const auto& [piece, n] : pieces_)
            for (std::string_view rest = piece; !rest.empty();) {
                const auto step = text::utf8_front(rest);
                if (step.valid && step.code_point >= 0x80) seen[step.code_point] += n;
                rest.remove_prefix(step.length);
            }
        std::vector<std::pair<std::uint64_t, char32_t>> chosen;
        for (const auto c : common_syllables()) ++seen[c];
        for (const auto& [c, n] : seen)
            if (n >= (text::is_syllable(c) ? 1u : 50u)) chosen.push_back({n, c});
        std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        for (const auto& [n, c] : chosen) {
            if (tokens_.size() + 3 > options_.vocab / 4) break;
            std::string whole;
            text::utf8_append(whole, c);
            for (std::size_t k = 2; k <= whole.size(); ++k)  // byte by byte, as other tools need it
                if (!by_bytes_.count(whole.substr(0, k)))
                    merge({by_bytes_.at(whole.substr(0, k - 1)), by_bytes_.at(whole.substr(k - 1, 1))});
        }
    }
    void add_unused() { tokens_.push_back(concat({"<|unused", unused_++, "|>"})); }
    void add(std::string bytes) {
        by_bytes_.emplace(bytes, static_cast<token::token_id>(tokens_.size()));
        tokens_.push_back(std::move(bytes));
    }
    void merge(id_pair p) {
        merges_.push_back(p);
        add(tokens_[p.first] + tokens_[p.second]);
    }
    // --- 3. merges inside segments ---
    result<void> learn_from_segments(std::size_t most) {
        // Words begin lines, too, and stand behind quotes: a quarter of each counts once more without its blank.
        counts bare;
        for (const auto& [piece, n] : pieces_)
            if (piece.size() > 1 && piece[0] == ' ' && n >= 4) bare[piece.substr(1)] = n / 4;
        for (const auto& [piece, n] : bare) pieces_[piece] += n;
        counts segments;
        token::segmenter cut(boundaries_.weights, boundaries_.cut, most_digits);
        for (const auto& [piece, n] : pieces_)
            cut(piece, [&, count = n](std::string_view s) { segments[std::string(s)] += count; });
        counts().swap(pieces_);
        std::vector<std::pair<std::string, std::uint64_t>> ordered(segments.begin(), segments.end());
        counts().swap(segments);
        std::sort(ordered.begin(), ordered.end());
        std::vector<counted_word> words;
        for (const auto& [s, n] : ordered) {
            counted_word w{{}, n};
            for (std::string_view rest = s; !rest.empty();) {
                const auto length = text::utf8_front(rest).length;
                const auto found = by_bytes_.find(std::string(rest.substr(0, length)));
                if (found != by_bytes_.end())
                    w.ids.push_back(found->second);
                else
                    for (const char c : rest.substr(0, length)) w.ids.push_back(by_bytes_.at(std::string(1, c)));
                rest.remove_prefix(length);
            }
            if (w.ids.size() > 1) words.push_back(std::move(w));
        }
        const auto whole = [&](token::token_id id) {
            return id >= tokens_.size() || text::utf8_first_invalid(tokens_[id]) == tokens_[id].size();
        };
        const auto found = learn_merges(
            words, static_cast<token::token_id>(tokens_.size()), most,
            [&](id_pair p) { return whole(p.first) && whole(p.second); },
            [&](std::uint64_t done, std::uint64_t all) { return progress_(350 + done * 350 / all, 1000); });
        if (!found) return found.error();
        for (const auto& p : *found) merge(p);
        return {};
    }
    // --- 4. expressions ---
    static bool ends_in_syllable(std::string_view s) noexcept {
        return s.size() >= 3 && text::is_syllable(text::utf8_front(s.substr(s.size() - 3)).code_point);
    }
    result<void> join_expressions();
    // --- 5. the file ---
    /// After the special tokens come the bytes and what was merged, then special tokens again.
    bool is_special(std::size_t id) const noexcept {
        return id < special_count || id >= special_count + 256 + merges_.size();
    }
    std::string json() const {
        const auto key = [&](token::token_id id) { return token::spelled_key(tokens_[id], false); };
        const auto quoted = [](std::string_view s) { return text::json_quote(s); };
        std::string out = R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)";
        for (std::size_t id = 0; id < tokens_.size(); ++id)
            if (is_special(id))
                out += concat(
                    {id == 0 ? "\n" : ",\n", R"({"id":)", id, R"(,"content":)", quoted(tokens_[id]),
                     R"(,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true})"});
        out += R"(],
"normalizer":null,
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"post_processor":null,
"decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,
"fuse_unk":false,"byte_fallback":false,"ignore_merges":true,
)";
        out += concat({R"("narae":{"version":1,"digits":)", most_digits, R"(,"decomposed":)", quoted(decomposed_token),
                       R"(,"expressions":)", expressions_, R"(,"attribution":)", quoted(options_.attribution),
                       ",\n\"boundaries\":{\"cut\":", boundaries_.cut < 0 ? "-" : "",
                       static_cast<std::size_t>(std::abs(boundaries_.cut)), R"(,"weights":")",
                       token::base64_text(std::as_bytes(std::span(boundaries_.weights))), "\"}},\n\"vocab\":{"});
        for (std::size_t id = 0; id < tokens_.size(); ++id)
            out += concat({id == 0 ? "" : ",\n",
                           quoted(is_special(id) ? tokens_[id] : key(static_cast<token::token_id>(id))), ":", id});
        out += "},\n\"merges\":[";
        for (std::size_t m = 0; m < merges_.size(); ++m)
            out += concat({m == 0 ? "" : ",\n", quoted(key(merges_[m].first) + " " + key(merges_[m].second))});
        return out + "]}}\n";
    }
    const std::vector<std::string_view>& texts_;
    const token::boundary_model& boundaries_;
    const tokenizer_options& options_;
    progress_callback& progress_;
    sys::team* team_ = nullptr;
    counts pieces_;
    std::vector<std::string> tokens_;  // by id, as bytes
    std::unordered_map<std::string, token::token_id> by_bytes_;
    std::vector<id_pair> merges_;
    std::size_t unused_ = 0;       // so many of the tokens are called <|unused...|>
    std::size_t expressions_ = 0;  // so many of the merges, the last ones
};
/// Expressions are found in rounds over the whole input: the pairs of neighbouring tokens that save the most become
/// tokens, so that those of the next round may grow from them.
inline result<void> tokenizer_trainer::join_expressions() {
    const auto plain = token::tokenizer::parse(as_bytes(json()));
    if (!plain) return plain.error();
    // The input as ids. A mark says that an id begins a segment: only there may two tokens be joined.
    constexpr std::uint32_t begins = std::uint32_t{1} << 31, line = ~std::uint32_t{0};
    std::vector<std::vector<std::uint32_t>> shares(team_->size());
    const auto encoded = on_all_threads([&](std::size_t k, std::size_t n) {
        auto encode = plain->make_encoder();
        std::vector<token::token_id> ids;
        for (const auto t : texts_)
            for (auto rest = text::share_of_lines(t, k, n); !rest.empty();) {
                encode.for_each_segment(text::take_line(rest), [&](std::string_view s) {
                    ids.clear();
                    encode.encode_segment(s, ids);
                    for (std::size_t i = 0; i < ids.size(); ++i) shares[k].push_back(ids[i] | (i == 0 ? begins : 0));
                });
                shares[k].push_back(line);
            }
    });
    if (!encoded) return encoded;
    const auto hangul_begin = [&](token::token_id id) {
        return text::is_syllable(text::utf8_front(tokens_[id]).code_point);
    };
    std::vector<std::uint32_t> hidden(tokens_.size());         // morpheme boundaries inside an expression
    std::unordered_map<std::uint64_t, token::token_id> known;  // all merges: a pair can be one of the two kinds only
    for (const auto& p : merges_) known.emplace(key_of(p), 0);
    constexpr std::size_t rounds = 8;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress_(750 + round * 250 / rounds, 1000)) return error{errc::cancelled, "cancelled"};
        std::vector<std::unordered_map<std::uint64_t, std::uint64_t>> tallies(team_->size());
        const auto tallied = on_all_threads([&](std::size_t k, std::size_t) {
            auto& ids = shares[k];
            // 0, which is no pair that is known or joined, where the right one may not be joined to the left one.
            const auto pair = [&](std::uint32_t left, std::uint32_t right) {
                const bool may = left != line && right != line && (right & begins) != 0;
                return may ? key_of({left & ~begins, right & ~begins}) : 0;
            };
            // What the round before has found is joined first, left to right, as the encoder does.
            std::size_t to = 0;
            for (const auto id : ids) {
                const auto found = to == 0 ? known.end() : known.find(pair(ids[to - 1], id));
                if (found != known.end() && found->second != 0)
                    ids[to - 1] = found->second | (ids[to - 1] & begins);
                else
                    ids[to++] = id;
            }
            ids.resize(to);
            for (std::size_t i = 1; i < ids.size(); ++i) ++tallies[k][pair(ids[i - 1], ids[i])];
        });
        if (!tallied) return tallied;
        std::unordered_map<std::uint64_t, std::uint64_t> tally;
        for (const auto& t : tallies)
            for (const auto& [pair, n] : t) tally[pair] += n;
        struct candidate {
            double gain;
            id_pair pair;
            std::uint32_t hides;
        };
        std::vector<candidate> candidates;
        for (const auto& [pair, n] : tally) {
            const auto p = pair_of(pair);
            const bool end = ends_in_syllable(tokens_[p.first]);
            if (n < 20 || known.count(pair) || !(end || ends_in_syllable(tokens_[p.second]))) continue;
            const auto hides = hidden[p.first] + hidden[p.second] + (end && hangul_begin(p.second));
            candidates.push_back({static_cast<double>(n) / (1 + hiding * hides), p, hides});
        }
        std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
            return a.gain != b.gain ? a.gain > b.gain : a.pair < b.pair;
        });
        const auto until = options_.expressions * (round + 1) / rounds;
        for (const auto& c : candidates) {
            if (expressions_ == until) break;
            if (by_bytes_.count(tokens_[c.pair.first] + tokens_[c.pair.second])) continue;
            known[key_of(c.pair)] = static_cast<token::token_id>(tokens_.size());
            merge(c.pair);
            hidden.push_back(c.hides);
            ++expressions_;
        }
    }
    return {};
}
}  // namespace narae::inline NARAE_ABI::learn
// == narae/sys/scratch.hpp: Large arrays of floats that training needs: in memory, or in a file that is mapped and ...
#ifndef NARAE_NO_FILES
#include <memory>
namespace narae::inline NARAE_ABI::sys {
/// `size()` floats, all zero at first. Moves, never copies.
class scratch {
public:
    /// In memory where `path` is empty; else in a new file of that name, which must not be there and which nobody sees
    /// by its name once this has returned. Errors: no memory; what the system says of the file, such as a full disk.
    static result<scratch> make(std::size_t size, const std::string& path = {}) {
        scratch s;
        s.size_ = size;
        if (path.empty()) {
            error why;
            if (!buffer<float>::make(size).into(s.memory_, why)) return why;
            return s;
        }
#if NARAE_POSIX && !defined(__EMSCRIPTEN__)
        const auto bytes = size * sizeof(float);
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0) return system_error(path, "cannot create");
        ::unlink(path.c_str());
        // The blocks are asked for now: a page that finds no room on the disk later would end the program.
        errno = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
        void* at = errno == 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
        const auto failed = system_error(path, "no room for the state");
        ::close(file);
        if (at == MAP_FAILED) return failed;
        s.mapped_ = {static_cast<float*>(at), unmap{bytes}};
        return s;
#else
        return error{errc::unsupported, path + ": files cannot be mapped for writing here"};
#endif
    }
    /// Tells the system that these numbers are not needed for a while; they stay as they are.
    void let_go(std::size_t from, std::size_t n) noexcept {
#if NARAE_POSIX && !defined(__EMSCRIPTEN__)
        if (!mapped_) return;
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / sizeof(float);
        const auto begin = (from + page - 1) / page * page, end = (from + n) / page * page;
        if (end > begin) ::madvise(data() + begin, (end - begin) * sizeof(float), MADV_DONTNEED);  // shared: kept
#else
        (void)from, (void)n;
#endif
    }
    float* data() noexcept { return mapped_ ? mapped_.get() : memory_.data(); }
    std::size_t size() const noexcept { return size_; }
private:
    struct unmap {
        std::size_t bytes;
        void operator()(float* at) const noexcept {
#if NARAE_POSIX
            ::munmap(at, bytes);
#else
            (void)at;
#endif
        }
    };
    std::size_t size_ = 0;
    buffer<float> memory_;
    std::unique_ptr<float, unmap> mapped_;
};
}  // namespace narae::inline NARAE_ABI::sys
#endif  // NARAE_NO_FILES
// == narae/num/to_half.hpp: From float to IEEE 754 binary16, rounded to nearest, ties to even, by integer ...
namespace narae::inline NARAE_ABI::num {
/// The nearest binary16; beyond 65,504 infinity, a NaN stays a NaN.
constexpr std::uint16_t f32_to_f16(float f) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(f);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t size = bits & 0x7FFFFFFFu;
    if (size > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);
    if (size >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // 65,520 and above
    if (size < 0x33000001u) return sign;                                         // 2^-25 and below
    const std::uint32_t exponent = size >> 23;
    std::uint32_t mantissa = size & 0x7FFFFFu, dropped = 13;
    if (exponent < 113) {  // subnormal: the hidden bit becomes explicit, more bits go
        mantissa |= 0x800000u;
        dropped += 113 - exponent;
    } else {
        mantissa |= (exponent - 112) << 23;
    }
    const std::uint32_t half = 1u << (dropped - 1), rest = mantissa & ((1u << dropped) - 1);
    std::uint32_t rounded = mantissa >> dropped;
    if (rest > half || (rest == half && (rounded & 1))) ++rounded;
    return static_cast<std::uint16_t>(sign | rounded);
}
// == narae/num/pack.hpp: Packs weights into 8 and 4 bits, each group by itself, rounding to nearest
/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q8_layout::tile_bytes(k) bytes, plain rounding.
inline void pack_tile_q8(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    std::memset(tile, 0, q8_layout::tile_bytes(k));
    std::byte* codes = tile + q8_layout::scale_bytes(k);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            float largest = 0;
            for (std::size_t i = 0; i < n; ++i) largest = std::abs(w[i]) > largest ? std::abs(w[i]) : largest;
            const auto stored = f32_to_f16(largest / 127);
            const float scale = f16_to_f32(stored), inverse = scale > 0 ? 1 / scale : 0;
            store_le(tile + (g * tile_rows + r) * 2, stored);
            for (std::size_t i = 0; i < n; ++i)
                codes[q8_layout::at(r, g * group_len + i)] = static_cast<std::byte>(round_q8(w[i] * inverse));
        }
}
/// The scale of a group of q4 weights: the weight of largest size becomes code 0, that is -8 times the scale, so all 16
/// codes are used.
struct q4_scale {
    std::uint16_t stored;  ///< f16
    float scale, inverse;
    explicit q4_scale(std::uint16_t f16) noexcept
        : stored(f16), scale(f16_to_f32(f16)), inverse(scale < 0 || scale > 0 ? 1 / scale : 0) {}
    q4_scale(const float* w, std::size_t n) noexcept : q4_scale(f32_to_f16(largest(w, n) / -8)) {}
    /// The weight of largest size.
    static float largest(const float* w, std::size_t n) noexcept {
        float found = 0;
        for (std::size_t i = 0; i < n; ++i) found = std::abs(w[i]) > std::abs(found) ? w[i] : found;
        return found;
    }
    /// 0 .. 15
    int code(float w) const noexcept {
        const int q = round_q8(w * inverse);
        return (q < -8 ? -8 : q > 7 ? 7 : q) + 8;
    }
};
/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q4_layout::tile_bytes(k) bytes, plain rounding;
/// by scales[row_count][groups] in f16 if someone has chosen them already.
inline void pack_tile_q4(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k,
                         const std::uint16_t* scales = nullptr) noexcept {
    std::memset(tile, 0, q4_layout::scale_bytes(k));
    std::byte* codes = tile + q4_layout::scale_bytes(k);
    std::memset(codes, 0x88, groups_of(k) * q4_layout::group_bytes);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            const auto by = scales == nullptr ? q4_scale(w, n) : q4_scale(scales[r * groups_of(k) + g]);
            store_le(tile + (g * tile_rows + r) * 2, by.stored);
            for (std::size_t i = 0; i < n; ++i) {
                auto& byte = codes[q4_layout::at(r, g * group_len + i)];
                const unsigned shift = q4_layout::shift(i);
                byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(by.code(w[i]) << shift);
            }
        }
}
/// out[k] = what row w[k] would be read as once pack_tile_q4 had packed it.
inline void round_to_q4(float* out, const float* w, std::size_t k) noexcept {
    for (std::size_t from = 0; from < k; from += group_len) {
        const std::size_t n = k - from < group_len ? k - from : group_len;
        const q4_scale by(w + from, n);
        for (std::size_t i = from; i < from + n; ++i) out[i] = by.scale * static_cast<float>(by.code(w[i]) - 8);
    }
}
}  // namespace narae::inline NARAE_ABI::num
// == narae/store/config_json.hpp: Writes the config.json that config.hpp reads; read that before
namespace narae::inline NARAE_ABI::store {
/// x as a JSON number that json_value::real reads back to the same double, for the short decimals of configs.
inline std::string json_number(double x) {
    double power = 1;
    int digits = 0;
    while (digits < 22 && std::fabs(x) * power < 1e15 && std::floor(x * power + 0.5) / power != x)
        power = std::pow(10.0, ++digits);
    return num::decimal(x, digits);
}
/// The text of a config.json that parse_config reads back to the same config. `more` is put in as it is: further
/// members, each with a comma at its end.
inline std::string config_json(const config& c, std::string_view more = {}) {
    const auto truth = [](bool b) { return b ? "true" : "false"; };
    const auto head_width = (std::max)(c.head_width, std::uint32_t{1});
    // rotary / head_width in millionths, rounded up until int(head_width * rotary_pct) is rotary again.
    std::uint64_t share = (std::uint64_t{c.rotary} * 1000000 + head_width - 1) / head_width;
    const auto pct = [&] { return static_cast<double>(share) / 1e6; };
    if (static_cast<std::uint32_t>(head_width * pct()) < c.rotary) ++share;
    std::string s =
        concat({"{\n  \"architectures\": [\"GPTNeoXForCausalLM\"],\n  \"model_type\": \"gpt_neox\",\n", more});
    const auto whole = [&](std::string_view key, std::uint32_t n) { s += concat({"  \"", key, "\": ", n, ",\n"}); };
    whole("num_hidden_layers", c.layers);
    whole("hidden_size", c.width);
    whole("num_attention_heads", c.heads);
    if (c.kv_heads != c.heads) whole("num_key_value_heads", c.kv_heads);
    if (c.head_width * c.heads != c.width) whole("head_dim", c.head_width);
    whole("intermediate_size", c.ffn);
    whole("vocab_size", c.vocab);
    whole("max_position_embeddings", c.positions);
    return s + concat({"  \"hidden_act\": \"gelu\",\n  \"layer_norm_eps\": ", json_number(c.norm_eps),
                       ",\n  \"rotary_pct\": ", json_number(pct()), ",\n  \"rotary_emb_base\": ",
                       json_number(c.rotary_base), ",\n  \"use_parallel_residual\": ", truth(c.parallel_residual),
                       ",\n  \"tie_word_embeddings\": ", truth(c.tied), "\n}\n"});
}
}  // namespace narae::inline NARAE_ABI::store
// == narae/sys/file_sink.hpp: A file being written: under a name beside the wanted one, and renamed only when every ...
#ifndef NARAE_NO_FILES
namespace narae::inline NARAE_ABI::sys {
/// Do both paths lead to one file that is there?
inline bool same_file(const std::string& a, const std::string& b) {
#if NARAE_POSIX
    struct stat of_a, of_b;
    return ::stat(a.c_str(), &of_a) == 0 && ::stat(b.c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
#else
    return a == b;
#endif
}
class file_sink {
public:
    file_sink(file_sink&& other) noexcept
        : file_(std::exchange(other.file_, nullptr)), path_(std::move(other.path_)), beside_(std::move(other.beside_)) {
    }
    file_sink& operator=(file_sink&&) = delete;
    ~file_sink() {
        if (file_ == nullptr) return;
        std::fclose(file_);
        std::remove(beside_.c_str());
    }
    static result<file_sink> create(const std::string& path) {
        if (is_folder(path)) return error{errc::io, {path, ": cannot write: is a folder"}};
        file_sink sink;
        sink.path_ = path;
        sink.beside_ = path + ".part";
        sink.file_ = std::fopen(sink.beside_.c_str(), "wb");
        if (sink.file_ == nullptr) return system_error(path, "cannot write");
        return sink;
    }
    result<void> write(byte_view bytes) {
        errno = 0;
        if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
            return system_error(path_, "cannot write");
        return {};
    }
    /// Writes over the first bytes of what is down already. Only commit() may follow.
    result<void> rewrite_front(byte_view bytes) {
        errno = 0;
        if (std::fseek(file_, 0, SEEK_SET) != 0) return system_error(path_, "cannot write");
        return write(bytes);
    }
    /// Everything down to the disk, then the wanted name.
    result<void> commit() {
        errno = 0;
        bool ok = std::fflush(file_) == 0;
#if NARAE_POSIX
        ok = ok && ::fsync(::fileno(file_)) == 0;
#endif
        auto failed = system_error(path_, "cannot write");
        if (std::fclose(std::exchange(file_, nullptr)) != 0 && ok) {
            ok = false;
            failed = system_error(path_, "cannot write");
        }
#if !NARAE_POSIX
        if (ok) std::remove(path_.c_str());  // elsewhere rename does not replace
#endif
        if (ok && std::rename(beside_.c_str(), path_.c_str()) == 0) return {};
        if (ok) failed = system_error(path_, "cannot rename into place");
        std::remove(beside_.c_str());
        return failed;
    }
private:
    file_sink() = default;
    std::FILE* file_ = nullptr;
    std::string path_, beside_;
};
}  // namespace narae::inline NARAE_ABI::sys
#endif  // NARAE_NO_FILES
// == narae/store/safetensors_writer.hpp: Writes what safetensors.hpp reads; read that before
namespace narae::inline NARAE_ABI::store {
/// narae begins the data on a boundary of this many bytes, which every SIMD load and cache line likes.
inline constexpr std::uint64_t data_alignment = 64;
/// A tensor that is going to be written.
struct tensor_plan {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
};
/// The bytes that such a tensor takes; the shape must have been checked.
inline std::uint64_t planned_bytes(const tensor_plan& t) noexcept {
    std::uint64_t n = 0;
    return shape_elements(t.shape, n) ? n * dtype_size(t.type) : 0;
}
/// What a narae file says of itself, see format.hpp; history and source are left out where they are empty.
inline metadata_list narae_metadata(std::string config, std::string history, std::string source = {}) {
    metadata_list list{{std::string(narae_version_key), std::string(narae_version)},
                       {std::string(narae_config_key), std::move(config)}};
    if (!history.empty()) list.emplace_back(narae_history_key, std::move(history));
    if (!source.empty()) list.emplace_back(narae_source_key, std::move(source));
    return list;
}
/// Everything of a file that stands before its data: the length and the header, padded with spaces so that the data
/// begin on a 64-byte boundary. The tensors' bytes follow in the order of `tensors`.
inline result<std::string> safetensors_header(const std::vector<tensor_plan>& tensors, const metadata_list& metadata) {
    std::string json = "{";
    const auto member = [&](std::string_view key, std::string_view value) {
        json += concat({json.back() == '{' ? "" : ",", text::json_quote(key), ":", value});
    };
    if (!metadata.empty()) {
        json += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata) member(key, text::json_quote(value));
        json += '}';
    }
    std::uint64_t at = 0;
    std::set<std::string_view> names;
    for (const auto& t : tensors) {
        std::uint64_t n = 0;
        if (!shape_elements(t.shape, n) || !checked_mul(n, dtype_size(t.type), n) || n > ~at)
            return error{errc::bad_argument, printable(t.name) + ": shape is too large"};
        if (t.name.empty() || t.name == "__metadata__")
            return error{errc::bad_argument, "a tensor cannot be named '" + t.name + "'"};
        if (!names.insert(t.name).second) return error{errc::bad_argument, printable(t.name) + ": occurs twice"};
        std::string shape;
        for (const auto length : t.shape) shape += concat({shape.empty() ? "" : ",", length});
        member(t.name, concat({"{\"dtype\":\"", dtype_name(t.type), "\",\"shape\":[", shape, "],\"data_offsets\":[", at,
                               ",", at + n, "]}"}));
        at += n;
    }
    json += '}';
    json.resize(static_cast<std::size_t>(round_up(8 + json.size(), data_alignment) - 8), ' ');
    if (json.size() > safetensors_max_header) return error{errc::bad_argument, "a header of more than 100 MB"};
    std::string out(8, '\0');
    store_le(out.data(), static_cast<std::uint64_t>(json.size()));
    return out + json;
}
#ifndef NARAE_NO_FILES
/// Writes a safetensors file: plan all tensors, append their bytes in that order, commit. It remembers the first thing
/// that went wrong and then leaves out what follows, so a writer may ask once, at the end.
/// A tensor starts on a 64-byte boundary if the sizes of all before it are multiples of 64: plan the others last.
class safetensors_writer {
public:
    static result<safetensors_writer> create(const std::string& path, std::vector<tensor_plan> tensors,
                                             const metadata_list& metadata) {
        const auto header = safetensors_header(tensors, metadata);
        if (!header) return header.error().in(path);
        auto sink = sys::file_sink::create(path);
        if (!sink) return sink.error();
        if (const auto written = sink->write(as_bytes(*header)); !written) return written.error();
        return safetensors_writer(path, std::move(*sink), std::move(tensors), header->size());
    }
    /// Went everything well so far? If not, commit() says what did not.
    explicit operator bool() const noexcept { return so_far_.has_value(); }
    /// The user's own reason to stop; the first one counts.
    void fail(error why) {
        if (so_far_) so_far_ = std::move(why);
    }
    /// The next bytes of the tensors, little-endian and row-major, in pieces of any size.
    void append(byte_view piece) {
        if (piece.size() > left_) fail({errc::bad_argument, path_ + ": more bytes than planned"});
        if (!so_far_) return;
        left_ -= piece.size();
        so_far_ = sink_.write(piece);
    }
    /// The same for numbers, as f32.
    void append_floats(std::span<const float> numbers) {
        std::vector<std::byte> bytes;
        for (; !numbers.empty(); numbers = numbers.subspan(bytes.size() / 4)) {
            bytes.resize((std::min<std::size_t>)(numbers.size(), 1 << 18) * 4);
            for (std::size_t i = 0; i < bytes.size() / 4; ++i) store_le(bytes.data() + i * 4, numbers[i]);
            append(bytes);
        }
    }
    /// Puts other metadata, of just the same length, in place of what create() was given: for figures that are known
    /// only when all is written. Only commit() may follow.
    void rewrite_metadata(const metadata_list& metadata) {
        const auto header = safetensors_header(tensors_, metadata);
        if (!header) return fail(header.error().in(path_));
        if (header->size() != header_size_)
            return fail({errc::bad_argument, path_ + ": metadata of another length than planned"});
        if (so_far_) so_far_ = sink_.rewrite_front(as_bytes(*header));
    }
    /// Puts the finished file in place and returns its size; or an error, and no file, if anything failed or is
    /// missing.
    result<std::uint64_t> commit() {
        if (left_ != 0) fail({errc::bad_argument, {path_, ": ", left_, " bytes are missing"}});
        if (so_far_) so_far_ = sink_.commit();
        if (!so_far_) return so_far_.error();
        return size_;
    }
private:
    safetensors_writer(std::string path, sys::file_sink sink, std::vector<tensor_plan> tensors, std::size_t header_size)
        : path_(std::move(path)), sink_(std::move(sink)), tensors_(std::move(tensors)), header_size_(header_size) {
        for (const auto& t : tensors_) left_ += planned_bytes(t);
        size_ = header_size_ + left_;
    }
    std::string path_;
    sys::file_sink sink_;
    std::vector<tensor_plan> tensors_;
    std::uint64_t header_size_, size_ = 0, left_ = 0;  // left: of the tensors, still to come
    result<void> so_far_;
};
#endif
}  // namespace narae::inline NARAE_ABI::store
// == narae/learn/trainer.hpp: A training run: batches through the network, AdamW, and a state file from which it ...
#ifndef NARAE_NO_FILES
namespace narae::inline NARAE_ABI::learn {
struct train_options {
    std::uint64_t steps = 1000;                ///< of the optimizer
    std::size_t sequences = 16, length = 256;  ///< of a micro-batch
    std::size_t accumulate = 1;                ///< micro-batches of a step
    std::size_t checkpoint_layers = 0;         ///< layers of a segment, see network.hpp; 0: all
    float rate = 1e-3f;  ///< after `warmup` steps; then along a cosine down to a tenth. arXiv:1608.03983
    std::uint64_t warmup = 100;
    float decay = 0.1f;  ///< of matrices; vectors do not decay
    float clip = 1.0f;   ///< the largest length of a step's gradient. Pascanu et al. 2013, arXiv:1211.5063
    float beta1 = 0.9f, beta2 = 0.95f, eps = 1e-8f;  ///< AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101
    bool grid = false;  ///< matrices are seen as q4 would round them, gradients pass: straight-through estimation
    float teacher_share = 0.5f;  ///< of the loss, where there is a teacher
    std::uint64_t seed = 1;
    std::string state_on_disk{};  ///< a file that weights, gradients and moments are mapped from; empty: in memory
};
/// What a step found.
struct step_report {
    double loss = 0;           ///< nats per token
    double gradient_norm = 0;  ///< before clipping
    float rate = 0;
};
class trainer {
public:
    /// Bytes that training a model of this shape takes: the network, and four or five numbers a parameter.
    struct memory {
        std::uint64_t network, state;
    };
    static memory bytes(const model::shape& s, const train_options& o, sys::team& team,
                        const kernel::gemm_kernel& gemm) {
        return {network::bytes(s, network_of(o), team, gemm),
                std::uint64_t{count_parameters(s).all} * sizeof(float) * rows_of(o)};
    }
    /// `team` is borrowed. The weights are zero at first: fill them, or resume.
    static result<trainer> make(const store::config& config, const train_options& o, sys::team& team,
                                const kernel::gemm_kernel& gemm) {
        trainer t(config, o, team, gemm.exact);
        error why;
        if (!sys::scratch::make(t.count_.all * rows_of(o), o.state_on_disk).into(t.numbers_, why)) return why;
        auto net = network::make(t.shape_, network_of(o), team, gemm);
        if (!net) return net.error();
        t.net_.emplace(std::move(*net));
        return t;
    }
    const model::shape& shape() const noexcept { return shape_; }
    std::uint64_t step() const noexcept { return step_; }
    std::uint64_t tokens() const noexcept { return tokens_; }
    std::span<float> weights() noexcept { return row(0); }
    /// One step over the next batches of `documents`. Error: the loss or the gradient is no number, or has grown far
    /// above what it was: the weights are then as they were before.
    result<step_report> advance(documents& from, teacher teacher = {}) {
        teacher.share = options_.teacher_share;
        const float* seen = seen_weights();
        loss_sum loss;
        for (std::size_t i = 0; i < options_.accumulate; ++i) {
            from.fill(batch_, step_ * options_.accumulate + i, options_.sequences, options_.length, options_.seed);
            loss += net_->run(seen, row(1).data(), batch_.view(), teacher);
        }
        const auto tokens = static_cast<double>((std::max<std::size_t>)(1, loss.tokens));
        step_report r{loss.mean(), std::sqrt(squares(row(1))) / tokens, rate_at(step_)};
        const auto refuse = [&](std::initializer_list<piece> why) {
            std::memset(row(1).data(), 0, row(1).size() * sizeof(float));
            return error{errc::bad_value, {"step ", step_ + 1, ": ", concat(why)}};
        };
        const auto finite = [](double x) { return detail::size_bits(x) < detail::size_bits(1e30); };
        if (!finite(r.gradient_norm) || !finite(r.loss)) return refuse({"the loss is not a number any more"});
        if (loss.tokens != 0) smooth_ = smooth_ == 0 ? r.loss : smooth_ + 0.02 * (r.loss - smooth_);
        lowest_ = lowest_ == 0 ? smooth_ : (std::min)(lowest_, smooth_);
        if (smooth_ > lowest_ + 1.5)
            return refuse({"the loss has grown from ", detail::csv_number(lowest_), " to ", detail::csv_number(smooth_),
                           ": a lower rate may help"});
        ++step_;
        tokens_ += loss.tokens;
        const double clip = static_cast<double>(options_.clip),
                     scale = (std::min)(1.0, clip / r.gradient_norm) / tokens;
        const auto unbias = [&](float beta) {
            return static_cast<float>(1 / (1 - std::pow(static_cast<double>(beta), static_cast<double>(step_))));
        };
        const auto& o = options_;
        kernel::adamw_step how{r.rate,           o.beta1,         o.beta2,         o.eps,
                               r.rate * o.decay, unbias(o.beta1), unbias(o.beta2), static_cast<float>(scale)};
        optimise(0, count_.matrices, how);
        how.decay = 0;
        optimise(count_.matrices, count_.all, how);
        return r;
    }
    /// The loss on other documents, of which at most `most` batches are taken.
    loss_sum validate(documents& on, std::uint64_t most = 64) {
        const float* seen = seen_weights();
        loss_sum loss;
        const auto batches = (std::max<std::uint64_t>)(1, on.sequences(options_.length) / options_.sequences);
        for (std::uint64_t i = 0; i < (std::min)(most, batches); ++i) {
            on.fill(batch_, i, options_.sequences, options_.length, 1);
            loss += net_->run(seen, nullptr, batch_.view());
        }
        return loss;
    }
    /// Writes all that a run needs to go on. What was at `path` stays until the new file is whole.
    result<void> save(const std::string& path, const documents& from) {
        std::vector<store::tensor_plan> plan;
        for (const auto& [name, i] : state_rows) plan.push_back({name, store::dtype::f32, {count_.all}});
        auto facts = facts_of(from);
        const std::uint64_t bits[] = {step_, tokens_, std::bit_cast<std::uint64_t>(smooth_),
                                      std::bit_cast<std::uint64_t>(lowest_)};
        for (std::size_t i = 0; i < 4; ++i) facts.emplace_back(state_keys[i], std::to_string(bits[i]));
        auto out = store::safetensors_writer::create(path, plan, facts);
        if (!out) return out.error();
        for (const auto& [name, i] : state_rows) out->append_floats(row(i));
        if (const auto done = out->commit(); !done) return done.error();
        return {};
    }
    /// Goes on from what save() wrote. Errors: another shape, other options, another corpus.
    result<void> resume(const std::string& path, const documents& from) {
        const auto file = sys::file_view::open(path);
        if (!file) return file.error();
        const auto state = store::parse_safetensors(file->bytes());
        if (!state) return state.error().in(path);
        const auto value = [&](std::string_view key) -> std::string_view {
            for (const auto& [k, v] : state->metadata)
                if (k == key) return v;
            return {};
        };
        const auto bad = [&](std::string_view why) { return error{errc::bad_value, {path, ": ", why}}; };
        for (const auto& [key, mine] : facts_of(from))
            if (value(key) != mine)
                return bad(concat({"is the state of another run: its ", key.substr(key.rfind('.') + 1), " is ",
                                   value(key).empty() ? "missing" : value(key), ", not ", mine}));
        std::uint64_t bits[4] = {};
        for (std::size_t i = 0; i < 4; ++i)
            if (!detail::read_whole(value(state_keys[i]), bits[i]))
                return bad(concat({state_keys[i], " is no number"}));
        for (const auto& [name, i] : state_rows) {
            const store::tensor* found = nullptr;
            for (const auto& t : state->tensors)
                if (t.name == name) found = &t;
            if (found == nullptr || found->type != store::dtype::f32 || found->bytes.size() != count_.all * 4)
                return bad(concat({"no whole ", name}));
            auto to = row(i);
            for (std::size_t n = 0; n < to.size(); ++n) to[n] = load_le<float>(found->bytes.data() + n * 4);
            file->let_go(found->bytes);
        }
        step_ = bits[0], tokens_ = bits[1];
        smooth_ = std::bit_cast<double>(bits[2]), lowest_ = std::bit_cast<double>(bits[3]);
        return {};
    }
    /// Writes the narae file of the weights as they are, f32; returns its size. `tokenizer`: tokenizer.json or its
    /// packed form; `history`: see store/format.hpp.
    result<std::uint64_t> write_model(const std::string& path, byte_view tokenizer, const std::string& history) {
        auto packed = token::pack_tokenizer(tokenizer);
        if (!packed) return packed.error().in("the tokenizer");
        std::vector<store::tensor_plan> plan;
        for (const auto& m : model::matrix_names(shape_)) plan.push_back({m.name, store::dtype::f32, {m.N, m.K}});
        for (const auto& [name, n] : model::vector_names(shape_)) plan.push_back({name, store::dtype::f32, {n}});
        plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {packed->size()}});
        auto out =
            store::safetensors_writer::create(path, plan, store::narae_metadata(store::config_json(config_), history));
        if (!out) return out.error();
        out->append_floats(weights());
        out->append(as_bytes(*packed));
        return out->commit();
    }
    /// The learning rate of a step: a line up, then a cosine down to a tenth.
    float rate_at(std::uint64_t step) const noexcept {
        const auto at = static_cast<double>(step), all = static_cast<double>(options_.steps),
                   warm = static_cast<double>(options_.warmup), rate = static_cast<double>(options_.rate);
        if (at < warm) return static_cast<float>(rate * (at + 1) / warm);
        const double done = all > warm ? (std::min)(1.0, (at - warm) / (all - warm)) : 1.0;
        return static_cast<float>(rate * (0.55 + 0.45 * std::cos(3.14159265358979 * done)));
    }
private:
    static constexpr std::pair<const char*, std::size_t> state_rows[] = {
        {"weights", 0}, {"first_moment", 2}, {"second_moment", 3}};
    static constexpr const char* state_keys[] = {"narae.train.step", "narae.train.tokens", "narae.train.smooth",
                                                 "narae.train.lowest"};
    trainer(const store::config& config, const train_options& o, sys::team& team, bool exact)
        : config_(config), shape_(config), options_(o), team_(&team), exact_(exact), count_(count_parameters(shape_)),
          ops_(kernel::runnable_teach().back()) {}
    static network_options network_of(const train_options& o) {
        return {o.sequences, o.length, o.checkpoint_layers, true};
    }
    static std::size_t rows_of(const train_options& o) noexcept { return o.grid ? 5 : 4; }
    /// Row 0: weights, 1: gradients, 2 and 3: the moments, 4: the weights as q4 has them.
    std::span<float> row(std::size_t i) noexcept { return {numbers_.data() + i * count_.all, count_.all}; }
    /// What the network is run with.
    const float* seen_weights() {
        if (!options_.grid) return row(0).data();
        std::memcpy(row(4).data() + count_.matrices, row(0).data() + count_.matrices,
                    (count_.all - count_.matrices) * sizeof(float));
        std::size_t at = 0;
        for (const auto& m : model::matrix_names(shape_)) {
            const float* from = row(0).data() + at;
            float* to = row(4).data() + at;
            kernel::shared_out(*team_, m.N,
                               [&](std::size_t r) { num::round_to_q4(to + r * m.K, from + r * m.K, m.K); });
            at += m.N * m.K;
        }
        return row(4).data();
    }
    /// The sum of squares, in an order that no number of threads changes.
    double squares(std::span<const float> x) {
        constexpr std::size_t piece = 4096;
        std::vector<float> sums((x.size() + piece - 1) / piece);
        kernel::shared_out(*team_, sums.size(), [&](std::size_t i) {
            const auto* from = x.data() + i * piece;
            sums[i] = ops_.dot(from, from, (std::min)(piece, x.size() - i * piece));
        });
        double sum = 0;
        for (const double s : sums) sum += s;
        return sum;
    }
    /// A piece at a time, so that moments on disk need not all be in memory at once.
    void optimise(std::size_t from, std::size_t to, const kernel::adamw_step& how) {
        for (constexpr std::size_t piece = std::size_t{1} << 22; from < to; from += piece) {
            const auto n = (std::min)(piece, to - from);
            team_->run([&](std::size_t part, std::size_t parts) {
                const auto mine = sys::slice_of(n, 64, part, parts);
                const auto at = from + mine.begin;
                ops_.adamw(row(0).data() + at, row(2).data() + at, row(3).data() + at, row(1).data() + at,
                           mine.end - mine.begin, how);
            });
            for (const std::size_t moment : {2u, 3u}) numbers_.let_go(moment * count_.all + from, n);
        }
    }
    /// What a state must have in common with the run that goes on from it.
    store::metadata_list facts_of(const documents& from) const {
        const auto& o = options_;
        const auto real = [](float x) { return detail::csv_number(static_cast<double>(x)); };
        const auto options = concat({"steps ",
                                     o.steps,
                                     ", batch ",
                                     o.sequences,
                                     " x ",
                                     o.length,
                                     " x ",
                                     o.accumulate,
                                     ", warm-up ",
                                     o.warmup,
                                     ", rate ",
                                     real(o.rate),
                                     ", decay ",
                                     real(o.decay),
                                     ", clip ",
                                     real(o.clip),
                                     ", teacher ",
                                     real(o.teacher_share),
                                     ", seed ",
                                     o.seed,
                                     o.grid ? ", q4" : "",
                                     exact_ ? "" : ", bf16"});
        return {{"narae.train.shape", store::config_json(config_)},
                {"narae.train.corpus", concat({from.count(), " documents, hash ", from.hash()})},
                {"narae.train.options", options}};
    }
    store::config config_;
    model::shape shape_;
    train_options options_;
    sys::team* team_;
    bool exact_;  // products in float32
    parameter_count count_;
    kernel::teach_table ops_;
    sys::scratch numbers_;
    std::optional<network> net_;
    owned_batch batch_;
    std::uint64_t step_ = 0, tokens_ = 0;
    double smooth_ = 0, lowest_ = 0;
};
}  // namespace narae::inline NARAE_ABI::learn
#endif  // NARAE_NO_FILES
// == narae/quant/gptq.hpp: Weights become 4-bit codes, or zeros, or both, such that a matrix answers the inputs it ...
namespace narae::inline NARAE_ABI::quant {
/// Which weights become zero: none; a share of them, wherever they are; 2 of every 4 neighbours along K; 4 of 8.
enum class mask { none, share, two_of_four, four_of_eight };
/// What a weight is measured by before the least become zero: its size, alone or times that of its inputs (Wanda: Sun
/// et al. 2023, arXiv:2306.11695), and nothing makes up for an error; or what it costs when later weights make up for
/// it.
enum class importance { size, inputs, loss };
struct slim_options {
    mask zeros = mask::none;
    double share = 0.5;  ///< of zeros, for mask::share
    importance by = importance::loss;
};
/// How many columns are finished together: those that share a scale.
inline constexpr std::size_t slim_columns = num::group_len;
/// What the inputs x[K] of a matrix say of errors in its weights: by H = sum of x x^T, a row that is off by e is off by
/// e H e^T in its outputs, squared and summed.
class hessian {
public:
    static result<hessian> make(std::size_t K) {
        hessian h;
        h.K_ = K;
        error why;
        if (!sys::buffer<float>::make(K * K).into(h.h_, why)) return why;
        return h;
    }
    std::size_t K() const noexcept { return K_; }
    double damping() const noexcept { return damping_; }
    float input(std::size_t k) const noexcept { return inputs_[k]; }  ///< sum of x[k]^2
    const float* r(std::size_t i, std::size_t k) const noexcept { return h_.data() + i * K_ + k; }
    kernel::strided columns(std::size_t from) const noexcept { return {r(0, from), K_, 1}; }  ///< of R
    /// T more inputs, x[T, K].
    void add(sys::team& team, kernel::matmul& multiply, const float* x, std::size_t T) {
        for (std::size_t j = 0; j < K_; j += slim_columns) {
            const auto n = (std::min)(slim_columns, K_ - j);
            multiply.run(team, h_.data() + j, K_, {x, 1, K_}, {x + j, K_, 1}, j + n, n, T, true);
        }
    }
    /// Now comes R, of H + damping() I. Errors: inputs that are not finite; no memory.
    result<void> factor(sys::team& team, kernel::matmul& multiply) {
        for (std::size_t k = 0; k < K_; ++k) damping_ += static_cast<double>(inputs_.emplace_back(*r(k, k)));
        if (!(damping_ <= 3e38)) return error{errc::bad_value, "its inputs are not finite"};
        damping_ = damping_ > 0 ? 0.01 * damping_ / static_cast<double>(K_) : 1;
        for (std::size_t k = 0; k < K_; ++k) h_[k * K_ + k] += static_cast<float>(damping_);
        auto later = sys::buffer<float>::make(K_ * slim_columns);  // what the columns after these hold of H
        if (!later) return later.error();
        for (std::size_t end = K_; end > 0;) {
            const auto begin = (end - 1) / slim_columns * slim_columns, n = end - begin;
            if (end < K_)
                multiply.run(team, later->data(), slim_columns, {r(0, end), K_, 1}, {r(begin, end), 1, K_}, end, n,
                             K_ - end, false);
            const auto row = [&](std::size_t i) {
                float* const mine = h_.data() + i * K_ + begin;
                for (std::size_t k = n; k-- > 0;) {
                    const float* const other = r(begin + k, begin);
                    double v = static_cast<double>(mine[k]) - static_cast<double>((*later)[i * slim_columns + k]);
                    for (auto m = k + 1; m < n; ++m) v -= static_cast<double>(mine[m]) * static_cast<double>(other[m]);
                    if (begin + k == i)
                        v = std::sqrt((std::max)(v, damping_));  // never less, but for rounding
                    else
                        v /= static_cast<double>(other[k]);
                    mine[k] = begin + k < i ? 0.0f : static_cast<float>(v);
                }
            };
            for (auto i = end; i-- > begin;) row(i);
            kernel::shared_out(team, begin, row);
            end = begin;
        }
        return {};
    }
    /// The sums of e H e^T, by way of |e R|^2, and of e^2 over the rows of e[N, K]. scratch[N, slim_columns]
    std::pair<double, double> cost(sys::team& team, kernel::matmul& multiply, const float* e, std::size_t N,
                                   float* scratch) const {
        double outputs = 0, weights = 0;
        const auto square = [](float v) { return static_cast<double>(v) * static_cast<double>(v); };
        for (std::size_t from = 0; from < K_; from += slim_columns) {
            const auto n = (std::min)(slim_columns, K_ - from);
            multiply.run(team, scratch, slim_columns, {e, K_, 1}, columns(from), N, n, from + n, false);
            for (std::size_t i = 0; i < N * n; ++i) outputs += square(scratch[i / n * slim_columns + i % n]);
        }
        for (std::size_t i = 0; i < N * K_; ++i) weights += square(e[i]);
        return {(std::max)(outputs - damping_ * weights, 0.0), weights};
    }
private:
    std::size_t K_ = 0;
    double damping_ = 0;
    sys::buffer<float> h_;  // H, of which only what is not below the diagonal counts; then R
    std::vector<float> inputs_;
};
struct slim_report {
    double output_error = 0;       ///< sum |X (w - w')|^2 / sum |X w|^2 over the inputs seen
    double squares = 0, lost = 0;  ///< sum w^2, sum (w - w')^2
    std::uint64_t zeros = 0;
};
namespace detail {
/// The scale that loses least of w[n], an error at i counting weight[i] times: of 16 candidates, each taking some size,
/// from the largest weight's on, for the last of 8 steps down or 7 up, that whose codes, scaled best, come nearest.
inline num::q4_scale best_scale(const float* w, const float* weight, std::size_t n) noexcept {
    const float largest = num::q4_scale::largest(w, n);
    double most = 0, scale = 0;
    for (int c = 0; c < 16 && std::abs(largest) > 1e-8f; ++c) {  // smaller ones are zero in f16
        const float reach = 0.4f * static_cast<float>(c / 2), inverse = (c % 2 == 0 ? -8 - reach : 7 + reach) / largest;
        double wq = 0, qq = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const float v = w[i] * inverse, in = v < -8 ? -8.0f : v > 7 ? 7.0f : v;
            const double q = static_cast<int>(in + 8.5f) - 8, by = q * static_cast<double>(weight[i]);
            wq += static_cast<double>(w[i]) * by;
            qq += q * by;
        }
        if (qq > 0 && wq * wq > most * qq) most = wq * wq / qq, scale = wq / qq;
    }
    return num::q4_scale(num::f32_to_f16(static_cast<float>(scale)));
}
/// drop[N, slim_columns] = 1 where the least of value[N, slim_columns], n columns, go: `share` of all, or half of every
/// `of` neighbours in a row.
inline void choose(std::vector<std::uint8_t>& drop, const std::vector<float>& value, std::size_t N, std::size_t n,
                   std::size_t of, std::size_t share) {
    std::vector<std::uint64_t> order;  // values and their places: no two are equal
    drop.assign(drop.size(), 0);
    for (std::size_t at = 0; at < N * slim_columns; ++at) {
        const auto k = at % slim_columns;
        if (k < n) order.push_back(std::uint64_t{std::bit_cast<std::uint32_t>(value[at])} << 32 | at);
        if (of != 0 ? k >= n || ((k + 1) % of != 0 && k + 1 != n) : at + 1 != N * slim_columns) continue;
        const auto count = (std::min)(order.size(), of != 0 ? order.size() / 2 : share);
        std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
        for (std::size_t i = 0; i < count; ++i) drop[order[i] & 0xFFFFFFFF] = 1;
        order.clear();
    }
}
}  // namespace detail
/// w[N, K] becomes what its new weights are worth, each row by itself; h has its factor. Where `scales` are wanted, for
/// q4, w is then on the grid of scales[N][groups]. Error: no memory.
inline result<slim_report> slim(sys::team& team, kernel::matmul& multiply, const hessian& h, std::span<float> w,
                                std::size_t N, const slim_options& o, std::vector<std::uint16_t>* scales) {
    const auto K = h.K(), groups = num::groups_of(K);
    const bool compensate = o.by == importance::loss;
    constexpr std::size_t of[] = {0, 0, 4, 8};  // by mask
    auto memory = sys::buffer<float>::make(N * (K + slim_columns));
    if (!memory) return memory.error();
    float* const e = memory->data();  // w until its column is done, then w - w'
    float* const target = e + N * K;  // [N, slim_columns]
    std::memcpy(e, w.data(), N * K * sizeof(float));
    const auto before = h.cost(team, multiply, e, N, target);
    if (scales != nullptr) scales->assign(N * groups, 0);
    std::vector<std::uint8_t> drop(N * slim_columns);
    std::vector<float> value(o.zeros == mask::none ? 0 : drop.size());
    std::size_t dropped = 0;
    for (std::size_t from = 0; from < K; from += slim_columns) {
        const auto n = (std::min)(slim_columns, K - from);
        const bool shifted = compensate && from != 0;
        if (shifted) multiply.run(team, target, slim_columns, {e, K, 1}, h.columns(from), N, n, from, false);
        float diagonal[slim_columns], weight[slim_columns];
        for (std::size_t k = 0; k < n; ++k) {
            diagonal[k] = *h.r(from + k, from + k);
            weight[k] = diagonal[k] * diagonal[k];  // what an error costs that later weights make up for
        }
        kernel::shared_out(team, N, [&](std::size_t i) {
            float* const t = target + i * slim_columns;
            for (std::size_t k = 0; k < n; ++k) {
                t[k] = e[i * K + from + k] + (shifted ? t[k] / diagonal[k] : 0.0f);
                const float by = o.by == importance::inputs ? std::sqrt(h.input(from + k))
                                 : compensate               ? diagonal[k]
                                                            : 1;
                if (o.zeros != mask::none) value[i * slim_columns + k] = std::abs(t[k]) * by;
            }
        });
        if (o.zeros != mask::none) {
            const auto so_far = static_cast<std::size_t>(o.share * static_cast<double>(N * (from + n)) + 0.5);
            detail::choose(drop, value, N, n, of[static_cast<std::size_t>(o.zeros)], so_far - dropped);
            dropped = so_far;
        }
        kernel::shared_out(team, N, [&](std::size_t i) {
            float* const t = target + i * slim_columns;
            const auto* const gone = drop.data() + i * slim_columns;
            float kept[slim_columns], own[slim_columns] = {};  // own: what this group's errors so far add
            for (std::size_t k = 0; k < n; ++k) kept[k] = gone[k] != 0 ? 0.0f : t[k];
            num::q4_scale by(std::uint16_t{0});
            if (scales != nullptr) {
                by = compensate ? detail::best_scale(kept, weight, n) : num::q4_scale(kept, n);
                (*scales)[i * groups + from / slim_columns] = by.stored;
            }
            for (std::size_t k = 0; k < n; ++k) {
                const float v = t[k] + own[k] / diagonal[k], nearest = by.scale * static_cast<float>(by.code(v) - 8);
                const auto at = i * K + from + k;
                w[at] = gone[k] != 0 ? 0.0f : scales != nullptr ? nearest : v;
                e[at] -= w[at];
                for (auto m = k + 1; compensate && m < n; ++m) own[m] += e[at] * *h.r(from + k, from + m);
            }
        });
    }
    const auto after = h.cost(team, multiply, e, N, target);
    const auto zeros = std::count_if(w.begin(), w.end(), [](float x) { return !(x < 0 || x > 0); });
    return slim_report{before.first > 0 ? after.first / before.first : 0, before.second, after.second,
                       static_cast<std::uint64_t>(zeros)};
}
}  // namespace narae::inline NARAE_ABI::quant
// == narae/quant/rows.hpp: Rows of a matrix on their way into a model file: read as floats, checked, put into a ...
#ifndef NARAE_NO_FILES
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>
namespace narae::inline NARAE_ABI::quant {
/// Bytes done and bytes to do in all; false stops the work, which then leaves errc::cancelled and no file.
using progress = callback<std::uint64_t, std::uint64_t>;
/// What long work has got done so far.
struct progress_count {
    progress tell;
    std::uint64_t total = 0, done = 0;
    result<void> add(std::uint64_t bytes) {
        done += bytes;
        if (!tell(done, total)) return error{errc::cancelled, "cancelled"};
        return {};
    }
};
/// The tensor that holds an [N, K] matrix in this format: its name's end, its dtype and its shape.
inline store::tensor_plan plan_matrix(const model::matrix_name& m, model::format type) {
    using store::dtype;
    if (model::packed(type)) {
        const auto tiles = num::tiles_of(m.N);
        return {m.name + "." + std::string(model::format_name(type)),
                dtype::u8,
                {tiles, model::matrix_bytes(type, m.N, m.K) / tiles}};
    }
    return {m.name,
            type == model::format::f32   ? dtype::f32
            : type == model::format::f16 ? dtype::f16
                                         : dtype::bf16,
            {m.N, m.K}};
}
/// Puts rows[count][k], count <= 16, where a matrix of this format (f32, f16, q8 or q4) has them; in q4 by
/// scales[count][groups], if given.
inline void encode_tile(std::byte* out, model::format type, const float* rows, std::size_t count, std::size_t k,
                        const std::uint16_t* scales = nullptr) noexcept {
    switch (type) {
        case model::format::q4: return num::pack_tile_q4(out, rows, count, k, scales);
        case model::format::q8: return num::pack_tile_q8(out, rows, count, k);
        case model::format::f16:
            for (std::size_t i = 0; i < count * k; ++i) store_le(out + 2 * i, num::f32_to_f16(rows[i]));
            return;
        default:
            for (std::size_t i = 0; i < count * k; ++i) store_le(out + 4 * i, rows[i]);
    }
}
/// The index of the first of n weights that this format cannot hold, or n: formats with an f16 in them end at 65504.
/// Bits are compared, because some compiler flags promise that there are no infinities and NaNs.
inline std::size_t first_unfit(const float* w, std::size_t n, model::format type) noexcept {
    const std::uint32_t limit = type == model::format::f32 ? 0x7F7FFFFF : 0x477FE000;
    std::size_t i = 0;
    while (i < n && (std::bit_cast<std::uint32_t>(w[i]) & 0x7FFFFFFF) <= limit) ++i;
    return i;
}
inline error unfit(const std::string& place, float w, const std::string& index) {
    const bool finite = (std::bit_cast<std::uint32_t>(w) & 0x7FFFFFFF) < 0x7F800000;
    return {errc::bad_value, place + ": element [" + index + "] is " +
                                 (finite ? "larger than 65504, the largest that an f16 holds" : "not finite")};
}
/// Writes the tensors of a model file, one after the other, in the order planned. As with the writer below it, what
/// went wrong is told at the end, and nothing is done after it.
class model_writer {
public:
    static result<model_writer> create(const std::string& path, const std::vector<store::tensor_plan>& plan,
                                       const store::metadata_list& metadata, model::format type, std::size_t threads,
                                       progress_count& count) {
        auto team = sys::team::make(threads);
        if (!team) return team.error();
        auto file = store::safetensors_writer::create(path, plan, metadata);
        if (!file) return file.error();
        return model_writer(std::move(*file), std::move(*team), type, count);
    }
    /// The [N, K] matrix that plan_matrix() planned. read(row, floats[K]) is called once for each row, by several
    /// threads; done() by one, now and then. `place` names the matrix's source in errors.
    template <class Read, class Done>
    void matrix(const std::string& place, std::size_t N, std::size_t K, Read&& read, Done&& done) {
        if (!file) return;
        constexpr std::size_t batch_bytes = std::size_t{4} << 20;
        const auto tile_bytes = model::matrix_bytes(type_, num::tile_rows, K);
        const auto batch = (std::min)(num::tiles_of(N), (std::max)(batch_bytes / tile_bytes, team_->size()));
        const auto tile_floats = num::tile_rows * K;
        auto bytes = sys::buffer<std::byte>::make(batch * tile_bytes);
        auto floats = sys::buffer<float>::make(team_->size() * (tile_floats + K));
        if (!bytes || !floats) return file.fail((!bytes ? bytes.error() : floats.error()).in(place));
        std::vector<tile_figures> figures(batch);
        for (std::size_t from = 0; from < N && file; from += batch * num::tile_rows) {
            const auto to = (std::min)(N, from + batch * num::tile_rows);
            team_->run([&](std::size_t part, std::size_t parts) {
                float* const rows = floats->data() + part * (tile_floats + K);
                const auto mine = sys::slice_of(num::tiles_of(to - from), 1, part, parts);
                for (auto t = mine.begin; t < mine.end; ++t) {
                    const auto row = from + t * num::tile_rows, count = (std::min)(num::tile_rows, N - row);
                    for (std::size_t r = 0; r < count; ++r) read(row + r, rows + r * K);
                    figures[t] = encode(bytes->data() + t * tile_bytes, type_, rows, count, K, rows + tile_floats);
                }
            });
            for (std::size_t t = 0; t < num::tiles_of(to - from); ++t) {
                const auto& f = figures[t];
                if (f.unfit != nowhere)
                    return file.fail(unfit(place, f.unfit_weight,
                                           concat({from + t * num::tile_rows + f.unfit / K, ", ", f.unfit % K})));
                squares_ += f.squares;
                lost_ += f.lost;
            }
            const auto encoded =
                model::packed(type_) ? num::tiles_of(to - from) * tile_bytes : model::matrix_bytes(type_, to - from, K);
            file.append(bytes->span().first(encoded));
            done();
            if (const auto going = count_->add(encoded); !going) file.fail(going.error());
        }
    }
    /// A matrix that is encoded already, and what it lost: sum w^2, sum (w - w')^2.
    void encoded(byte_view bytes, double squares, double lost) {
        if (!file) return;
        squares_ += squares, lost_ += lost;
        file.append(bytes);
        if (const auto going = count_->add(bytes.size()); !going) file.fail(going.error());
    }
    /// A vector in f32, or in f16. read(i) is its element i.
    template <class Read> void vector(const std::string& place, std::size_t n, store::dtype type, Read&& read) {
        const auto as = type == store::dtype::f16 ? model::format::f16 : model::format::f32;
        std::vector<float> values(n);
        for (std::size_t i = 0; i < n; ++i) values[i] = read(i);
        if (const auto i = first_unfit(values.data(), n, as); i != n)
            return file.fail(unfit(place, values[i], std::to_string(i)));
        std::vector<std::byte> bytes(model::matrix_bytes(as, 1, n));
        encode_tile(bytes.data(), as, values.data(), 1, n);
        file.append(bytes);
    }
    /// sqrt(sum (w - w')^2 / sum w^2) over all matrices so far: what the number format lost.
    double weight_error() const noexcept { return squares_ > 0 ? std::sqrt(lost_ / squares_) : 0; }
    store::safetensors_writer file;
private:
    struct tile_figures {
        double squares = 0, lost = 0;
        std::uint64_t unfit = nowhere;
        float unfit_weight = 0;
    };
    model_writer(store::safetensors_writer f, std::unique_ptr<sys::team> team, model::format type,
                 progress_count& count)
        : file(std::move(f)), team_(std::move(team)), type_(type), count_(&count) {}
    static tile_figures encode(std::byte* out, model::format type, const float* rows, std::size_t count, std::size_t K,
                               float* back) noexcept {
        if (const auto i = first_unfit(rows, count * K, type); i != count * K) return {0, 0, i, rows[i]};
        encode_tile(out, type, rows, count, K);
        tile_figures f;
        for (std::size_t r = 0; r < count; ++r) {
            model::copy_row(back, {type, count, K, out}, r);
            for (std::size_t i = 0; i < K; ++i) {
                const double w = rows[r * K + i], difference = w - back[i];
                f.squares += w * w;
                f.lost += difference * difference;
            }
        }
        return f;
    }
    std::unique_ptr<sys::team> team_;
    model::format type_;
    progress_count* count_;
    double squares_ = 0, lost_ = 0;
};
}  // namespace narae::inline NARAE_ABI::quant
// == narae/quant/calibrate.hpp: A model reads a text layer by layer, so that each matrix meets the inputs it will ...
#include <array>
#include <optional>
namespace narae::inline NARAE_ABI::quant {
/// How much of a text is read: so many sequences of so many tokens, or of what the model was trained for, if less.
inline constexpr std::size_t calibration_sequences = 32, calibration_length = 512;
/// [sequences, length] ids, evenly from all of a text. Each of its lines begins with the end-of-text token, if there is
/// one. Errors: not UTF-8; too short; ids from V on, which the model does not have.
inline result<std::vector<token::token_id>> calibration_ids(const token::tokenizer& t, std::string_view text,
                                                            std::size_t length, std::size_t V,
                                                            std::size_t sequences = calibration_sequences) {
    if (const auto fine = text::check_utf8(text); !fine) return fine.error();
    std::vector<token::token_id> all, ids;
    auto encode = t.make_encoder();
    while (!text.empty()) {
        const auto line = text::take_line(text);
        if (line.empty()) continue;
        if (const auto end = t.end_of_text()) all.push_back(*end);
        encode.encode(line, {}, all);
    }
    if (all.size() < sequences * length)
        return error{errc::bad_value,
                     {"has ", all.size(), " tokens; calibrating needs ", sequences * length, ", ", sequences, " times ",
                      length}};
    for (std::size_t i = 0; i < sequences; ++i) {
        const auto* const from = all.data() + (all.size() - length) * i / (std::max<std::size_t>)(sequences - 1, 1);
        ids.insert(ids.end(), from, from + length);
    }
    for (const auto id : ids)
        if (id >= V) return error{errc::bad_value, {"its token ", id, " is not in the model, which has ", V}};
    return ids;
}
/// A matrix that is done, as the model file has it.
struct slimmed {
    sys::buffer<std::byte> bytes;
    slim_report report;
};
/// Goes through the layers of a model in order.
class calibrator {
public:
    /// The model's weights, borrowed, are floats; matrices become `type`. Progress is polled in `count`, borrowed.
    static result<calibrator> make(const model::shape& s, const model::weights& w, model::format type,
                                   const slim_options& options, std::span<const token::token_id> ids,
                                   std::size_t length, std::size_t threads, progress_count& count) {
        calibrator c{};
        c.shape_ = s, c.shape_.L = 1, c.weights_ = &w, c.type_ = type, c.options_ = options;
        c.length_ = length, c.count_ = &count;
        error why;
        if (!model::workspace::make(c.shape_, kernel::runnable().best(), threads).into(c.work_, why) ||
            !model::cache::make(c.shape_, model::cache_type::q8, length, 0).into(c.cache_, why) ||
            !kernel::matmul::make(kernel::runnable_gemm().best(), c.work_->team->size()).into(c.multiply_, why) ||
            !sys::buffer<float>::make(ids.size() * s.D).into(c.x_, why))
            return why.in("calibration");
        for (std::size_t t = 0; t < ids.size(); ++t) {
            float* const x = c.x_.data() + t * s.D;
            model::copy_row(x, w.embedding, ids[t]);
            if (type == model::format::q4) num::round_to_q4(x, x, s.D);
        }
        return c;
    }
    /// Matrix `i` of 4 of layer `index`, slimmed; it lies here until the next one. They come in order, each once.
    /// Errors: a weight or an input that is not finite or does not fit; outputs that are hardly those of before.
    result<const slimmed*> matrix(std::size_t index, std::size_t i) {
        if (i == 0) {
            now_ = weights_->layers[index];
            if (const auto fine = watch(); !fine) return fine.error();
        }
        error why;
        auto& w = *matrices()[i];
        if (!slim_matrix(w, seen_[i]).into(done_[i], why)) return why;
        seen_[i] = {};
        w = {type_, w.N, w.K, done_[i].bytes.data()};
        if (i == 3)
            if (const auto kept = run([](std::size_t, std::size_t) {}, true); !kept) return kept.error();
        return &done_[i];
    }
private:
    std::array<model::matrix*, 4> matrices() noexcept {
        return {&now_.qkv.w, &now_.attention_out.w, &now_.ffn_up.w, &now_.ffn_down.w};
    }
    /// What the layer's matrices read.
    result<void> watch() {
        const model::rows inputs[] = {work_->before_attention.x, work_->mixed.x, work_->before_ffn.x, work_->ffn.x};
        sys::buffer<float> of_sequence[4];
        error why;
        for (std::size_t i = 0; i < 4; ++i)
            if (!hessian::make(matrices()[i]->K).into(seen_[i], why) ||
                !sys::buffer<float>::make(length_ * matrices()[i]->K).into(of_sequence[i], why))
                return why;
        return run([&](std::size_t at, std::size_t t) {
            for (std::size_t i = 0; i < 4; ++i) {
                const auto K = matrices()[i]->K;
                std::memcpy(of_sequence[i].data() + at * K, inputs[i][t], K * sizeof(float));
                if (at + 1 == length_) seen_[i].add(*work_->team, *multiply_, of_sequence[i].data(), length_);
            }
        });
    }
    /// All sequences through the layer at hand; the results take the inputs' place where they are kept. seen(at, t):
    /// token `at` of a sequence is number t of the workspace, which holds what matrices read.
    template <class Seen> result<void> run(Seen&& seen, bool keep = false) {
        const auto D = shape_.D;
        for (float* x = x_.data(); x != x_.data() + x_.size(); x += length_ * D) {
            cache_->length = 0;
            for (std::size_t from = 0; from < length_; from += model::chunk_len) {
                const auto T = (std::min)(model::chunk_len, length_ - from);
                for (std::size_t t = 0; t < T; ++t) {
                    std::memcpy(work_->x[t], x + (from + t) * D, D * sizeof(float));
                    model::fill_turn(work_->turn[t], shape_, from + t);
                }
                model::block(*work_, *cache_, shape_, now_, 0, T);
                cache_->length += T;
                for (std::size_t t = 0; t < T; ++t) {
                    if (keep) std::memcpy(x + (from + t) * D, work_->x[t], D * sizeof(float));
                    seen(from + t, t);
                }
            }
            if (const auto going = count_->add(0); !going) return going;
        }
        return {};
    }
    result<slimmed> slim_matrix(const model::matrix& m, hessian& h) {
        const auto N = m.N, K = m.K;
        auto floats = sys::buffer<float>::make(N * K);
        if (!floats) return floats.error();
        for (std::size_t r = 0; r < N; ++r) model::copy_row(floats->data() + r * K, m, r);
        const auto fits = [&] { return first_unfit(floats->data(), N * K, type_); };
        if (const auto i = fits(); i != N * K) return unfit("a weight", (*floats)[i], concat({i / K, ", ", i % K}));
        slimmed out;
        error why;
        std::vector<std::uint16_t> scales;
        if (const auto fine = h.factor(*work_->team, *multiply_); !fine) return fine.error();
        if (!slim(*work_->team, *multiply_, h, floats->span(), N, options_,
                  type_ == model::format::q4 ? &scales : nullptr)
                 .into(out.report, why) ||
            !sys::buffer<std::byte>::make(model::matrix_bytes(type_, N, K)).into(out.bytes, why))
            return why;
        if (!(out.report.output_error <= 0.9) || fits() != N * K)
            return error{
                errc::bad_value,
                "hardly anything of its outputs is left: so many zeros or this calibration text do not suit it"};
        const auto tile_bytes = model::matrix_bytes(type_, num::tile_rows, K), groups = num::groups_of(K);
        kernel::shared_out(*work_->team, num::tiles_of(N), [&](std::size_t t) {
            const auto r = t * num::tile_rows;
            encode_tile(out.bytes.data() + t * tile_bytes, type_, floats->data() + r * K,
                        (std::min)(num::tile_rows, N - r), K, scales.empty() ? nullptr : scales.data() + r * groups);
        });
        return out;
    }
    model::shape shape_{store::config{}};  // of one layer
    const model::weights* weights_ = nullptr;
    model::format type_{};
    slim_options options_;
    std::size_t length_ = 0;
    progress_count* count_ = nullptr;
    std::optional<model::workspace> work_;
    std::optional<model::cache> cache_;
    std::optional<kernel::matmul> multiply_;
    model::layer_weights now_;  // the layer at hand: as it was, then slimmed
    hessian seen_[4];
    slimmed done_[4];
    sys::buffer<float> x_;  // [sequences, length, D] what the next layer reads
};
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// == narae/quant/transplant.hpp: A model changes its vocabulary: each row of the new embedding (and head) starts ...
namespace narae::inline NARAE_ABI::quant {
/// Vocabularies are padded to a multiple of so many rows, which suits every kernel and other engines.
inline constexpr std::size_t vocabulary_step = 64;
/// How much more each piece weighs than the one before it. What a token tells of the text to come is mostly in its end;
/// whether it comes is mostly decided by its beginning. Measured on a model of 13 M parameters, without any training:
/// 5.43 bits per character with plain means, 5.33 with these. Where head and embedding are one, plain means.
inline constexpr double embedding_ratio = 2, head_ratio = 0.7, tied_ratio = 1;
/// Which old rows each new row is made of.
class transplant {
public:
    /// A token is spelled by what the old tokenizer encodes its bytes to; a token with half a character in it by the
    /// old token of these bytes, if there is one, because alone they are cut in other pieces than inside a text.
    /// Special tokens are looked for by content, so that <|sep|> stays <|sep|>; the one that ends a text becomes the
    /// old one that does, whatever it is called; one that is new is spelled like text. Rows without a token copy an
    /// old row without a token, of `old_rows`: training has taught the head to avoid those. Where there is none, they
    /// are zeros.
    static transplant make(const token::tokenizer& from, std::size_t old_rows, const token::tokenizer& to) {
        transplant t;
        std::vector<token::token_id> unused;
        for (token::token_id id = 0; id < old_rows && unused.empty(); ++id)
            if (from.bytes_of(id).empty()) unused.push_back(id);
        const auto rows = round_up(to.size(), vocabulary_step);
        const auto end = from.end_of_text(), new_end = to.end_of_text();
        for (token::token_id id = 0; id < rows; ++id) {
            const auto bytes = to.bytes_of(id);
            const bool cut = text::utf8_first_invalid(bytes) != bytes.size();
            const auto known = end && new_end == id ? end : cut ? from.find(bytes) : std::nullopt;
            const auto pieces = bytes.empty() ? unused
                                : known       ? std::vector{*known}
                                              : from.encode(bytes, {.special = to.is_special(id)});
            t.pieces_.insert(t.pieces_.end(), pieces.begin(), pieces.end());
            t.ends_.push_back(t.pieces_.size());
            if (bytes.empty()) continue;
            ++t.tokens_;
            t.copies_ += pieces.size() == 1;
            t.spelled_ += pieces.size();
        }
        return t;
    }
    std::size_t rows() const noexcept { return ends_.size(); }
    std::size_t tokens() const noexcept { return tokens_; }
    /// The share of tokens whose row is the copy of one old row.
    double copied() const noexcept { return share(copies_); }
    /// How many old tokens spell a new one, on average.
    double pieces() const noexcept { return share(spelled_); }
    /// The old rows that this new row is a mean of; none: it is zero.
    std::span<const token::token_id> pieces_of(std::size_t row) const noexcept {
        const auto begin = row == 0 ? 0 : ends_[row - 1];
        return std::span(pieces_).subspan(begin, ends_[row] - begin);
    }
    /// out[K] = row `row` of the new matrix; `old`, not packed, is the matrix [old rows, K]; of the pieces each weighs
    /// `ratio` times the one before it. Any threads may call it.
    void read_row(float* out, std::size_t row, const model::stored_matrix& old, double ratio) const noexcept {
        const auto from = pieces_of(row);
        if (from.size() == 1) return old.read_row(out, from[0]);
        const auto K = old.view.K;
        for (std::size_t i = 0; i < K; ++i) {
            double sum = 0, weight = 1, weights = 0;
            for (const auto id : from) {
                sum += weight * static_cast<double>(model::element(*old.tensor, id * K + i));
                weights += weight;
                weight *= ratio;
            }
            out[i] = from.empty() ? 0.0f : static_cast<float>(sum / weights);
        }
    }
private:
    double share(std::size_t n) const noexcept {
        return tokens_ == 0 ? 0 : static_cast<double>(n) / static_cast<double>(tokens_);
    }
    std::vector<token::token_id> pieces_;  // of all rows, one after the other
    std::vector<std::size_t> ends_;        // where in pieces_ those of each row end
    std::size_t tokens_ = 0, copies_ = 0, spelled_ = 0;
};
/// The config.json of the model with its new vocabulary: the number of rows, and every "..._token_id": the new id of
/// the same special token, of the one that ends a text for "bos" and "eos", else null.
inline result<std::string> transplanted_config(std::string_view config, const token::tokenizer& from,
                                               const token::tokenizer& to, std::size_t rows) {
    const auto doc = text::json::parse(config);
    if (!doc) return doc.error();
    std::string out;
    std::size_t done = 0;
    doc->root().for_each_member([&](const text::json_value& k, const text::json_value& v) {
        const auto key = k.string();
        std::uint64_t old = 0;
        std::string now;
        if (key == "vocab_size") {
            now = std::to_string(rows);
        } else if (key.ends_with("_token_id") && v.whole(old)) {
            const auto content = old < from.size() ? from.bytes_of(static_cast<token::token_id>(old)) : "";
            auto id = content.empty() ? std::nullopt : to.find(content);
            if (id && !to.is_special(*id)) id.reset();
            if (!id && (key.starts_with("bos") || key.starts_with("eos"))) id = to.end_of_text();
            now = id ? std::to_string(*id) : "null";
        } else {
            return true;
        }
        out.append(config.substr(done, v.at() - done)).append(now);
        done = v.at() + v.raw().size();
        return true;
    });
    return out.append(config.substr(done));
}
}  // namespace narae::inline NARAE_ABI::quant
// == narae/quant/convert.hpp: An original checkpoint becomes a narae file: every tensor is checked before anything ...
#ifndef NARAE_NO_FILES
#include <set>
namespace narae::inline NARAE_ABI::quant {
struct convert_options {
    model::format type = model::format::q4;  ///< of the matrices: q4, q8, f16 or f32; vectors are always f32
    std::size_t threads = 0;                 ///< 0: one per processor, at most 16; the file is the same for any number
    std::string tokenizer{};  ///< a tokenizer.json that replaces the checkpoint's own, see transplant.hpp
    std::string calibrate{};  ///< a text by which the layers are slimmed, see calibrate.hpp; needs a tokenizer of old
    slim_options slim{};      ///< how
};
struct convert_report {
    std::uint64_t weights = 0;         ///< how many numbers the model has
    std::uint64_t weight_bytes = 0;    ///< what they take in the file
    std::uint64_t file_bytes = 0;      ///< and with header and tokenizer
    double weight_error = 0;           ///< sqrt(sum (w - w')^2 / sum w^2) over the matrices
    std::vector<std::string> ignored;  ///< source tensors that no GPT-NeoX model has; they are not in the file
    std::uint64_t tokens = 0;          ///< of the new vocabulary; 0: the checkpoint keeps its own
    double tokens_copied = 0;          ///< the share of them whose rows are copies of an old token's
    double tokens_pieces = 0;          ///< how many old tokens spell a new one, on average
    std::uint64_t calibration_tokens = 0;  ///< 0: not calibrated
    double output_error = 0;               ///< of the layers' matrices, on average: sum |X (w - w')|^2 / sum |X w|^2
    double worst_error = 0;                ///< and the largest
    std::string worst;                     ///< whose that is
    double zeros = 0;                      ///< the share of weights in the layers' matrices that are zero
    double bits_per_weight() const noexcept {
        return weights == 0 ? 0 : 8 * static_cast<double>(weight_bytes) / static_cast<double>(weights);
    }
};
namespace detail {
/// The JSON array `list` (empty text: an empty array) with one more value.
inline result<std::string> appended(std::string_view list, std::string_view value, const std::string& place) {
    if (list.empty()) return "[" + std::string(value) + "]";
    const auto doc = text::json::parse(list);
    if (!doc) return doc.error().in(place);
    if (!doc->root().is(text::json_kind::array)) return error{errc::bad_value, place + ": not an array"};
    const auto body = list.substr(0, list.rfind(']'));
    return std::string(body) + (doc->root().size() == 0 ? "" : ",") + std::string(value) + "]";
}
/// Buffers that old checkpoints carry; nothing is lost with them, they follow from the config.
inline bool is_legacy_buffer(std::string_view name) noexcept {
    return name.ends_with(".attention.bias") || name.ends_with(".attention.masked_bias") ||
           name.ends_with(".rotary_emb.inv_freq");
}
/// The matrices and vectors of a checkpoint, all there and all of the right shape.
struct inventory {
    std::vector<std::pair<model::matrix_name, model::stored_matrix>> matrices;
    std::vector<const store::tensor*> vectors;
    std::vector<std::string> others;  // tensors that are none of them, nor known to be needless
    static result<inventory> take(const store::checkpoint& from, const model::shape& s) {
        inventory all;
        std::set<std::string_view> known{store::narae_tokenizer};
        for (auto& m : model::matrix_names(s)) {
            auto found = model::find_matrix(from, m);
            if (!found) return found.error();
            known.insert(found->tensor->name);
            all.matrices.emplace_back(std::move(m), *found);
        }
        for (const auto& [name, length] : model::vector_names(s)) {
            const auto found = model::find_floats(from, name, {length});
            if (!found) return found.error();
            known.insert((*found)->name);
            all.vectors.push_back(*found);
        }
        if (s.tied) known.insert("embed_out.weight");  // a copy of the embedding
        for (const auto& t : from.tensors())
            if (known.count(t.name) == 0 && !is_legacy_buffer(t.name)) all.others.push_back(t.name);
        return all;
    }
};
/// narae.source of a file made from `from`: what the source tells of its own origin, then its files.
inline result<std::string> describe_sources(const store::checkpoint& from, progress_count& count) {
    constexpr std::size_t piece_bytes = std::size_t{4} << 20;
    std::string list(from.metadata(store::narae_source_key));
    for (const auto& file : from.sources()) {
        auto hash = store::fnv1a64({});
        for (auto left = file.bytes; !left.empty();) {
            const auto piece = left.first((std::min)(left.size(), piece_bytes));
            hash = store::fnv1a64(piece, hash);
            from.let_go(piece);
            left = left.subspan(piece.size());
            if (const auto going = count.add(piece.size()); !going) return going.error();
        }
        std::string digits;
        for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[hash >> shift & 15];
        const auto entry = concat({"{\"name\":", text::json_quote(file.name), ",\"size\":", file.bytes.size(),
                                   ",\"fnv1a64\":\"", digits, "\"}"});
        error why;
        if (!appended(list, entry, concat({file.name, ": ", store::narae_source_key})).into(list, why)) return why;
    }
    return list;
}
/// A new vocabulary for a checkpoint.
struct vocabulary {
    std::string tokenizer;  // packed
    transplant rows;
    std::string config;
    static result<vocabulary> make(const store::checkpoint& from, const std::string& place, std::size_t old_rows,
                                   const std::string& tokenizer_path) {
        if (from.tokenizer_json().empty())
            return error{errc::unsupported,
                         place + ": has no tokenizer, which a new one needs to know the old rows by"};
        const auto file = sys::file_view::open(tokenizer_path);
        if (!file) return file.error();
        const auto to = token::tokenizer::parse(file->bytes());
        if (!to) return to.error().in(tokenizer_path);
        const auto old = token::tokenizer::parse(from.tokenizer_json());
        if (!old) return old.error().in(place);
        if (old->size() > old_rows)
            return error{errc::bad_value,
                         {place, ": the tokenizer has ", old->size(), " ids, the model only ", old_rows, " rows"}};
        vocabulary v;
        v.rows = transplant::make(*old, old_rows, *to);
        if (v.rows.tokens() == 0) return error{errc::bad_value, tokenizer_path + ": has no tokens"};
        error why;
        if (!token::pack_tokenizer(file->bytes()).into(v.tokenizer, why)) return why.in(tokenizer_path);
        if (!transplanted_config(from.config_text(), *old, *to, v.rows.rows()).into(v.config, why))
            return why.in(from.config_name());
        if (const auto fits = store::parse_config(v.config); !fits) return fits.error().in(tokenizer_path);
        return v;
    }
};
/// The ids by which the checkpoint at `place` is slimmed.
inline result<std::vector<token::token_id>> read_calibration(const store::checkpoint& from, const std::string& place,
                                                             const convert_options& options, std::size_t length,
                                                             std::size_t V) {
    if (options.type != model::format::q4 && options.slim.zeros == mask::none)
        return error{errc::bad_argument, "a calibration text serves q4 and zeros only"};
    if (options.slim.zeros == mask::share && !(options.slim.share > 0 && options.slim.share < 1))
        return error{errc::bad_argument, "the share of zeros is not between 0 and 1"};
    if (!options.tokenizer.empty())
        return error{errc::bad_argument, "a model with a new tokenizer is trained before it is calibrated"};
    if (from.tokenizer_json().empty())
        return error{errc::unsupported, place + ": has no tokenizer, which a calibration text needs"};
    const auto tokenizer = token::tokenizer::parse(from.tokenizer_json());
    if (!tokenizer) return tokenizer.error().in(place);
    const auto file = sys::file_view::open(options.calibrate);
    if (!file) return file.error();
    auto ids = calibration_ids(*tokenizer, as_text(file->bytes()), length, V);
    if (!ids) return ids.error().in(options.calibrate);
    return ids;
}
/// The entry of narae.history, as long before as after; worst is one of `longest` characters at most.
inline std::string describe_calibration(const convert_report& r, const convert_options& o, std::size_t longest) {
    const bool q4 = o.type == model::format::q4;
    const std::string sparsity[] = {"none", num::short_decimal(o.slim.share, 4), "2:4", "4:8"};
    std::string s = concat({R"({"step":"calibrate","narae":")", version_text, R"(","method":")"});
    s += o.slim.zeros == mask::none ? "gptq" : q4 ? "gptq, sparsegpt" : "sparsegpt";
    s += concat({R"(","sparsity":")", sparsity[static_cast<std::size_t>(o.slim.zeros)], R"(","text":)"});
    s += text::json_quote(o.calibrate.substr(o.calibrate.find_last_of("/\\") + 1));
    s += concat({R"(,"tokens":)", r.calibration_tokens, R"(,"output_error":)", num::decimal(r.output_error, 6)});
    s += concat({R"(,"worst":)", num::decimal(r.worst_error, 6), R"(,"worst_of":")", r.worst, "\""});
    return s.append(longest - r.worst.size(), ' ') + R"(,"zeros":)" + num::decimal(r.zeros, 4) + "}";
}
/// Would writing `to` destroy a file that is being read?
inline bool is_source(const store::checkpoint& from, const std::string& path, const std::string& to) {
    for (const auto* name :
         {"", "/config.json", "/tokenizer.json", "/model.safetensors.index.json", "/pytorch_model.bin.index.json"})
        if (sys::same_file(path + name, to)) return true;
    const std::string* last = nullptr;
    for (const auto& t : from.tensors()) {
        if (last != nullptr && t.file == *last) continue;
        if (sys::same_file(t.file, to) || sys::same_file(t.file, to + ".part")) return true;
        last = &t.file;
    }
    return false;
}
}  // namespace detail
/// Reads the checkpoint at `from` (a Hugging Face folder, or a narae file of unpacked weights) and writes the narae
/// file `to`. Nothing is at `to`, or what was there before, unless all went well. Errors name file, tensor and reason.
inline result<convert_report> convert(const std::string& from, const std::string& to,
                                      const convert_options& options = {}, progress on_progress = {}) {
    return guarded([&]() -> result<convert_report> {
        if (options.type == model::format::bf16) return error{errc::bad_argument, "bf16 is a format of sources only"};
        if (options.slim.zeros != mask::none && options.calibrate.empty())
            return error{errc::bad_argument, "zeros need a calibration text"};
        const auto source = store::checkpoint::open(from);
        if (!source) return source.error();
        const auto config = store::parse_config(source->config_text());
        if (!config) return config.error().in(source->config_name());
        const model::shape s(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();
        std::string tokenizer, config_text(source->config_text());  // of the new file, the tokenizer packed
        std::optional<transplant> vocabulary;
        if (!options.tokenizer.empty()) {
            auto made = detail::vocabulary::make(*source, from, s.V, options.tokenizer);
            if (!made) return made.error();
            tokenizer = std::move(made->tokenizer);
            config_text = std::move(made->config);
            vocabulary = std::move(made->rows);
        } else if (!source->tokenizer_json().empty()) {
            error why;
            if (!token::pack_tokenizer(source->tokenizer_json()).into(tokenizer, why)) return why.in(from);
        }
        if (sys::same_file(options.tokenizer, to))
            return error{errc::bad_argument, to + ": cannot write: is the new tokenizer itself"};
        if (sys::same_file(options.calibrate, to))
            return error{errc::bad_argument, to + ": cannot write: is the calibration text itself"};
        if (detail::is_source(*source, from, to))
            return error{errc::bad_argument, to + ": cannot write: is a file of the checkpoint itself"};
        convert_report report;
        report.ignored = all->others;
        if (vocabulary) {
            report.tokens = vocabulary->tokens();
            report.tokens_copied = vocabulary->copied();
            report.tokens_pieces = vocabulary->pieces();
        }
        const auto is_vocabulary = [&](const std::string& name) {
            return vocabulary && (name == "gpt_neox.embed_in.weight" || name == "embed_out.weight");
        };
        progress_count count{on_progress};
        for (const auto& file : source->sources()) count.total += file.bytes.size();
        std::vector<store::tensor_plan> plan;
        std::size_t longest = 0;
        for (const auto& [name, stored] : all->matrices) {
            if (model::packed(stored.view.type))
                return error{errc::unsupported, stored.tensor->file + ": " + stored.tensor->name +
                                                    ": is packed already; convert the original checkpoint instead"};
            longest = (std::max)(longest, name.name.size());
            const auto N = is_vocabulary(name.name) ? vocabulary->rows() : name.N;
            plan.push_back(plan_matrix({name.name, N, name.K}, options.type));
            report.weights += std::uint64_t{N} * name.K;
            report.weight_bytes += store::planned_bytes(plan.back());
        }
        count.total += report.weight_bytes;
        for (const auto* t : all->vectors) {
            plan.push_back({t->name, store::dtype::f32, t->shape});
            report.weights += t->shape[0];
            report.weight_bytes += store::planned_bytes(plan.back());
        }
        if (!tokenizer.empty())
            plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {tokenizer.size()}});
        model::weights bound;
        std::vector<token::token_id> ids;
        std::optional<calibrator> calibration;
        if (!options.calibrate.empty()) {
            error why;
            const auto length = (std::min)(calibration_length, s.positions);
            if (!detail::read_calibration(*source, from, options, length, s.V).into(ids, why) ||
                !model::weights::bind(*source, s).into(bound, why) ||
                !calibrator::make(s, bound, options.type, options.slim, ids, length, options.threads, count)
                     .into(calibration, why))
                return why;
            report.calibration_tokens = ids.size();
        }
        const auto sources = detail::describe_sources(*source, count);
        if (!sources) return sources.error();
        const auto describe = [&](double weight_error) -> result<store::metadata_list> {
            std::vector<std::string> steps;
            if (calibration) steps.push_back(detail::describe_calibration(report, options, longest));
            if (vocabulary)
                steps.push_back(concat({R"({"step":"tokenizer","narae":")", version_text, R"(","tokens":)",
                                        report.tokens, R"(,"copied":)", num::decimal(report.tokens_copied, 4),
                                        R"(,"pieces":)", num::decimal(report.tokens_pieces, 4), "}"}));
            steps.push_back(concat({R"({"step":"convert","narae":")", version_text, R"(","type":")",
                                    model::format_name(options.type), R"(","weights":)", report.weights,
                                    R"(,"bits_per_weight":)", num::decimal(report.bits_per_weight(), 4),
                                    R"(,"weight_error":)", num::decimal(weight_error, 9), "}"}));
            std::string history(source->metadata(store::narae_history_key));
            const auto place = concat({from, ": ", store::narae_history_key});
            error why;
            for (const auto& step : steps)
                if (!detail::appended(history, step, place).into(history, why)) return why;
            return store::narae_metadata(config_text, history, *sources);
        };
        auto metadata = describe(0);  // the same length as at the end
        if (!metadata) return metadata.error();
        auto out = model_writer::create(to, plan, *metadata, options.type, options.threads, count);
        if (!out) return out.error();
        double zeros = 0, slim_weights = 0;
        for (std::size_t m = 0; m < all->matrices.size() && out->file; ++m) {
            const auto& name = all->matrices[m].first;
            const auto& stored = all->matrices[m].second;
            const auto& tensor = *stored.tensor;
            if (calibration && m != 0 && m <= 4 * s.L) {  // four a layer, after the embedding
                const auto one = calibration->matrix((m - 1) / 4, (m - 1) % 4);
                if (!one) return one.error().in(tensor.file + ": " + tensor.name);
                const auto& loss = (*one)->report;
                report.output_error += loss.output_error / static_cast<double>(4 * s.L);
                zeros += static_cast<double>(loss.zeros);
                slim_weights += static_cast<double>(name.N * name.K);
                if (report.worst.empty() || loss.output_error > report.worst_error)
                    report.worst_error = loss.output_error, report.worst = name.name;
                out->encoded((*one)->bytes.span(), loss.squares, loss.lost);
                source->let_go(tensor);
                continue;
            }
            const bool changed = is_vocabulary(name.name);
            const double ratio = s.tied ? tied_ratio : name.name == "embed_out.weight" ? head_ratio : embedding_ratio;
            out->matrix(
                tensor.file + ": " + tensor.name, changed ? vocabulary->rows() : name.N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    changed ? vocabulary->read_row(floats, row, matrix, ratio) : matrix.read_row(floats, row);
                },
                [&] { source->let_go(tensor); });  // what has been read of it
        }
        for (const auto* t : all->vectors)
            out->vector(t->file + ": " + t->name, static_cast<std::size_t>(t->shape[0]), store::dtype::f32,
                        [&](std::size_t i) { return model::element(*t, i); });
        out->file.append(as_bytes(tokenizer));
        if (calibration) report.zeros = zeros / slim_weights;
        report.weight_error = out->weight_error();
        metadata = describe(report.weight_error);
        if (!metadata) return metadata.error();
        out->file.rewrite_metadata(*metadata);
        error why;
        if (!out->file.commit().into(report.file_bytes, why)) return why;
        return report;
    });
}
}  // namespace narae::inline NARAE_ABI::quant
// == narae/quant/export.hpp: A model goes back to where others read it: a Hugging Face checkpoint, config.json, ...
namespace narae::inline NARAE_ABI::quant {
namespace detail {
/// The row of a QKV matrix of shape s that is row r of the same matrix with plain heads (q, k, v of head 0, of head 1,
/// and so on).
inline std::size_t shared_row(const model::shape& s, std::size_t r) noexcept {
    const auto h = r / (3 * s.E), part = r / s.E % 3, i = r % s.E;
    return (part == 0 ? s.q_row(h) : part == 1 ? s.k_row(h / s.share()) : s.v_row(h / s.share())) + i;
}
inline result<void> write_text(const std::string& path, byte_view bytes) {
    auto sink = sys::file_sink::create(path);
    if (!sink) return sink.error();
    const auto written = sink->write(bytes);
    if (!written) return written;
    return sink->commit();
}
/// The id that ends a text: the tokenizer's, or what the source's config says; empty if neither knows.
inline result<std::string> end_of_text(const store::checkpoint& from, const std::string& place) {
    if (const auto json = from.tokenizer_json(); !json.empty()) {
        const auto tokenizer = token::tokenizer::parse(json);
        if (!tokenizer) return tokenizer.error().in(place);
        if (const auto id = tokenizer->end_of_text()) return std::to_string(*id);
    }
    const auto doc = text::json::parse(from.config_text());
    if (!doc) return doc.error().in(from.config_name());
    std::uint64_t id = 0;
    return doc->root()["eos_token_id"].whole(id) ? std::to_string(id) : std::string();
}
}  // namespace detail
/// Writes the model at `from` (anything that opens) into the folder `folder`, which must be there, with all weights in
/// `type`, f16 or f32; returns the size of model.safetensors. Refuses heads that do not fill the width: other engines
/// could not load them.
inline result<std::uint64_t> export_checkpoint(const std::string& from, const std::string& folder, model::format type,
                                               progress on_progress = {}) {
    return guarded([&]() -> result<std::uint64_t> {
        if (type != model::format::f16 && type != model::format::f32)
            return error{errc::bad_argument, "a checkpoint is exported as f16 or f32"};
        const auto source = store::checkpoint::open(from);
        if (!source) return source.error();
        auto config = store::parse_config(source->config_text());
        if (!config) return config.error().in(source->config_name());
        const model::shape s(*config);
        if (s.H * s.E != s.D)
            return error{errc::unsupported,
                         {source->config_name(), ": ", s.H, " heads of ", s.E, " do not fill the width ", s.D,
                          ", which other engines cannot load"}};
        config->kv_heads = config->heads;
        const model::shape plain(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();
        const auto dtype = type == model::format::f16 ? store::dtype::f16 : store::dtype::f32;
        const auto is_qkv = [](const std::string& name) {
            return name.ends_with(".query_key_value.weight") || name.ends_with(".query_key_value.bias");
        };
        std::vector<store::tensor_plan> plan;
        progress_count count{on_progress};
        for (const auto& [name, stored] : all->matrices) {
            plan.push_back(plan_matrix({name.name, is_qkv(name.name) ? plain.qkv_rows() : name.N, name.K}, type));
            count.total += store::planned_bytes(plan.back());
        }
        for (const auto* t : all->vectors)
            plan.push_back({t->name, dtype, {is_qkv(t->name) ? plain.qkv_rows() : t->shape[0]}});
        const auto end = detail::end_of_text(*source, from);
        if (!end) return end.error();
        auto more = "  \"torch_dtype\": \"" + std::string(type == model::format::f16 ? "float16" : "float32") + "\",\n";
        if (!end->empty()) more += "  \"bos_token_id\": " + *end + ",\n  \"eos_token_id\": " + *end + ",\n";
        const auto text = store::config_json(*config, more);
        if (const auto done = detail::write_text(folder + "/config.json", as_bytes(text)); !done) return done.error();
        if (const auto packed = source->tokenizer_json(); !packed.empty()) {
            const auto json = token::unpack_tokenizer(packed);
            if (!json) return json.error().in(from);
            const auto copied = detail::write_text(folder + "/tokenizer.json", as_bytes(*json));
            if (!copied) return copied.error();
        }
        auto out = model_writer::create(folder + "/model.safetensors", plan, {{"format", "pt"}}, type, 0, count);
        if (!out) return out.error();
        for (const auto& [name, stored] : all->matrices) {
            const bool qkv = is_qkv(name.name);
            out->matrix(
                stored.tensor->file + ": " + stored.tensor->name, qkv ? plain.qkv_rows() : name.N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    matrix.read_row(floats, qkv ? detail::shared_row(s, row) : row);
                },
                [&, &tensor = *stored.tensor] { source->let_go(tensor); });  // what has been read of it
        }
        for (const auto* t : all->vectors) {
            const bool qkv = is_qkv(t->name);
            out->vector(t->file + ": " + t->name, qkv ? plain.qkv_rows() : static_cast<std::size_t>(t->shape[0]), dtype,
                        [&](std::size_t i) { return model::element(*t, qkv ? detail::shared_row(s, i) : i); });
        }
        return out->file.commit();
    });
}
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// == narae/quant/synthesize.hpp: A model file of any shape with pseudo-random weights, to measure speed and memory ...
namespace narae::inline NARAE_ABI::quant {
/// A shape with a name.
struct named_shape {
    std::string_view name;
    store::config config;
};
/// The released Polyglot-Ko models, a medium GPT-NeoX, and narae's slim shape.
/// layers, width, heads, key-value heads, head width, ffn, vocabulary, positions, rotated dimensions
inline constexpr named_shape named_shapes[] = {
    {"polyglot-ko-1.3b", {24, 2048, 16, 16, 128, 8192, 30080, 2048, 64}},
    {"polyglot-ko-3.8b", {32, 3072, 24, 24, 128, 12288, 30080, 2048, 64}},
    {"polyglot-ko-5.8b", {28, 4096, 16, 16, 256, 16384, 30080, 2048, 64}},
    {"neox-410m", {24, 1024, 16, 16, 64, 4096, 30080, 2048, 16}},
    {"slim", {8, 768, 8, 2, 96, 3072, 32000, 512, 48}},
};
/// The config of this name, or nullptr.
constexpr const store::config* find_shape(std::string_view name) noexcept {
    for (const auto& s : named_shapes)
        if (s.name == name) return &s.config;
    return nullptr;
}
#ifndef NARAE_NO_FILES
/// Writes the narae file `to` with random weights of this shape in this format (q4, q8, f16 or f32), without a
/// tokenizer; returns its size. The same shape, format and seed give the same bytes everywhere.
inline result<std::uint64_t> synthesize(const store::config& config, model::format type, const std::string& to,
                                        std::uint64_t seed = 1, progress on_progress = {}) {
    return guarded([&]() -> result<std::uint64_t> {
        const auto text = store::config_json(config);
        const auto checked = store::parse_config(text);
        if (!checked) return checked.error().in("the shape");
        if (type == model::format::bf16) return error{errc::bad_argument, "bf16 is a format of sources only"};
        const model::shape s(*checked);
        std::vector<store::tensor_plan> plan;
        progress_count count{on_progress};
        for (const auto& m : model::matrix_names(s)) {
            plan.push_back(plan_matrix(m, type));
            count.total += store::planned_bytes(plan.back());
        }
        for (const auto& [name, n] : model::vector_names(s)) plan.push_back({name, store::dtype::f32, {n}});
        const auto history = concat({R"([{"step":"synthesize","narae":")", version_text, R"(","type":")",
                                     model::format_name(type), R"(","seed":)", seed, "}]"});
        auto out = model_writer::create(to, plan, store::narae_metadata(text, history), type, 0, count);
        if (!out) return out.error();
        std::uint64_t rows = 0;  // of the matrices before
        for (const auto& m : model::matrix_names(s)) {
            const auto fill = [&](std::size_t row, float* w) {  // uniform, deviation 0.02: 16 bits for each weight
                num::random random{num::random{seed + rows + row}.next()};
                std::uint64_t bits = 0;
                for (std::size_t i = 0; i < m.K; ++i, bits >>= 16) {
                    if (i % 4 == 0) bits = random.next();
                    w[i] = static_cast<float>(static_cast<int>(bits & 0xFFFF) - 0x8000) * (0.03464f / 0x8000);
                }
            };
            out->matrix(m.name, m.N, m.K, fill, [] {});
            rows += m.N;
        }
        for (const auto& [name, n] : model::vector_names(s)) {
            const float value = name.ends_with("norm.weight") ? 1.0f : 0.0f;  // gains are 1, biases 0
            out->vector(to, n, store::dtype::f32, [&](std::size_t) { return value; });
        }
        return out->file.commit();
    });
}
#endif  // NARAE_NO_FILES
}  // namespace narae::inline NARAE_ABI::quant
// == no macro of narae stays behind
#undef NARAE_ABI
#undef NARAE_ABI_F
#undef NARAE_ABI_S
#undef NARAE_ABI_T
#undef NARAE_ABI_X
#undef NARAE_AVX2
#undef NARAE_AVX512
#undef NARAE_AVX512_BF16
#undef NARAE_AVX512_VNNI
#undef NARAE_AVX_VNNI
#undef NARAE_EXCEPTIONS
#undef NARAE_JOIN
#undef NARAE_JOIN2
#undef NARAE_NEON
#undef NARAE_NEON_DOT
#undef NARAE_POSIX
#undef NARAE_TARGET
#undef NARAE_X86

#endif
