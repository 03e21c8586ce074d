// SPDX-License-Identifier: MIT
// narae 0.1.0: narae/toolkit.hpp and all that it includes, in one file. Made by single_include/amalgamate.cpp; do not edit.
// FNV-1a hash of all that follows this line: 8a934dc26958202a
//
// The toolkit: makes, shrinks, teaches and judges models. Running one needs only narae.hpp, which never reaches here.
//
//   corpus/  raw text to text worth training on
//   learn/   training: a tokenizer from text and treebanks; a model from text, exercises and instructions
//   quant/   weights to fewer bits, and the report of what that cost
#ifndef NARAE_TOOLKIT_HPP
#define NARAE_TOOLKIT_HPP

#include "narae.hpp"

#include <limits>
#include <queue>
#include <unordered_map>

// ==== narae/base/config.hpp ====
// Every macro and every user switch of narae, each with its line. Nothing else in the library is a macro.
// Define a switch before the first include; a switch that changes code also changes the namespace tag,
// so that two files compiled with different switches can live in one program.

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
#define NARAE_AVX2 __attribute__((target("avx2,fma,f16c")))  // one function may use more than the user's flags allow
#define NARAE_AVX512 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")))
#define NARAE_AVX512_VNNI __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define NARAE_AVX512_BF16 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#else
#define NARAE_AVX2
#define NARAE_AVX512
#define NARAE_AVX512_VNNI
#define NARAE_AVX512_BF16
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
// ==== narae/corpus/clean.hpp ====
// A line of text made plain: bytes to characters, what is not seen removed, one blank between words, syllables whole.
// The rules of this room work on code points in buffers that are used again: no memory is asked for per character.
namespace narae::inline NARAE_ABI::corpus {
constexpr bool is_digit(char32_t c) noexcept { return c - '0' < 10; }
constexpr char32_t lower(char32_t c) noexcept { return c - 'A' < 26 ? c + ('a' - 'A') : c; }
constexpr bool is_latin(char32_t c) noexcept { return lower(c) - 'a' < 26; }
constexpr bool is_word(char32_t c) noexcept { return is_digit(c) || is_latin(c) || text::is_syllable(c); }

constexpr bool one_of(char32_t c, std::u32string_view list) noexcept { return list.find(c) != list.npos; }
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
template <class Is>
bool any_listed(std::u32string_view words, Is&& is) {
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
// ==== narae/corpus/quality.hpp ====
// What a line is worth: how Korean, how long, how repetitive, how much of it is links and menus; and what kind of text
// it is. A line is read once into its letters and counts, and the rules look at these.
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
// ==== narae/corpus/duplicates.hpp ====
// Lines that were there before: the same bytes, by a 64-bit hash, or nearly the same letters, by MinHash (Broder 1997)
// and bands of it (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, ch. 3). Memory grows with what is
// remembered up to a limit; beyond it the oldest are forgotten.
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
/// The last `most` hashes, or down to half as many: when one half is full the other one is forgotten. 16 to 32 bytes
/// each.
class seen_hashes {
public:
    explicit seen_hashes(std::size_t most) : half_((std::max)(most / 2, std::size_t{1})) {}
    /// Adds `hash`, which is not 0; false if it was there.
    bool insert(std::uint64_t hash) {
        if (*place(old_, hash) == hash || *place(new_, hash) == hash) return false;
        if (count_ == half_) {
            old_.swap(new_);
            new_.assign(least, 0);
            count_ = 0;
        } else if (2 * (count_ + 1) > new_.size()) {
            std::vector<std::uint64_t> wider(2 * new_.size());
            for (const auto h : new_)
                if (h != 0) *place(wider, h) = h;
            new_.swap(wider);
        }
        *place(new_, hash) = hash;
        ++count_;
        return true;
    }
private:
    static constexpr std::size_t least = 64;

    static std::uint64_t* place(std::vector<std::uint64_t>& slots, std::uint64_t hash) noexcept {
        auto at = static_cast<std::size_t>(hash) & (slots.size() - 1);
        while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & (slots.size() - 1);
        return &slots[at];
    }
    std::size_t half_, count_ = 0;
    std::vector<std::uint64_t> new_ = std::vector<std::uint64_t>(least), old_ = new_;
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
        if (lines_.size() < most_) {
            if (lines_.size() == places_.size() / bands) grow();
            lines_.push_back(s);
            next_ = lines_.size() - 1;
        } else {
            next_ = (next_ + 1) % most_;
            lines_[next_] = s;
        }
        remember(next_);
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
    void grow() {
        std::vector<std::uint32_t>(2 * places_.size()).swap(places_);
        for (std::size_t i = 0; i < lines_.size(); ++i) remember(i);
    }
    std::size_t most_, next_ = 0;
    std::vector<signature> lines_;
    std::vector<std::uint32_t> places_;
};
// ==== narae/corpus/markup.hpp ====
// Markup removed, text kept: HTML tags and entities, Markdown marks, links, web addresses. Only what is surely markup
// goes: a tag has a name that HTML knows (Vec<T> stays), emphasis closes again, snake_case and 2 * 3 * 4 are text.
/// Where the tag, comment, script or special token at s[i] == '<' ends, or i if it is none. `blank` says whether it
/// parts words: <br> does, <b> does not.
inline std::size_t end_of_tag(std::u32string_view s, std::size_t i, bool& blank) noexcept {
    constexpr std::string_view within =
        " a abbr acronym b bdi bdo big cite code del em font i ins kbd mark nobr q rb rp ruby s samp small span strike "
        "strong sub sup tt u var wbr ";
    constexpr std::string_view apart =
        " address article aside audio blockquote body br button canvas caption center col colgroup dd details div dl "
        "doctype dt embed fieldset figcaption figure footer form frame h1 h2 h3 h4 h5 h6 head header hr html iframe "
        "img "
        "input label legend li link main map math meta nav noscript object ol option p param picture pre ref section "
        "select source style script summary svg table tbody td textarea tfoot th thead title tr ul video ";
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
    char name[14] = " ";
    std::size_t length = 1;
    while (at < s.size() && length < 12 && (is_latin(s[at]) || (length > 1 && is_digit(s[at]))))
        name[length++] = static_cast<char>(lower(s[at++]));
    name[length++] = ' ';
    if (length == 2 || at == s.size() || (s[at] != '>' && s[at] != '/' && s[at] != ' ')) return i;
    const std::string_view wanted(name, length);
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
    struct entity {
        std::string_view name;
        char32_t is;
    };
    constexpr entity known[] = {{"lt;", '<'},       {"gt;", '>'},       {"quot;", '"'},      {"apos;", '\''},
                                {"nbsp;", ' '},     {"middot;", 0xB7},  {"hellip;", 0x2026}, {"ldquo;", 0x201C},
                                {"rdquo;", 0x201D}, {"lsquo;", 0x2018}, {"rsquo;", 0x2019},  {"ndash;", 0x2013},
                                {"mdash;", 0x2014}, {"bull;", 0x2022},  {"copy;", 0xA9},     {"reg;", 0xAE},
                                {"deg;", 0xB0},     {"times;", 0xD7},   {"laquo;", 0xAB},    {"raquo;", 0xBB}};
    auto at = i + 1;
    while (stands_at(s, at, "amp;")) at += 4;
    for (const auto& e : known)
        if (stands_at(s, at, e.name)) return c = e.is, at + e.name.size();
    if (at < s.size() && s[at] == '#') {
        const bool hex = stands_at(s, at, "#x");
        std::size_t digit = at + 1 + hex;
        c = 0;
        const auto first = digit;
        for (; digit < s.size() && c < 0x110000 && (is_digit(s[digit]) || (hex && lower(s[digit]) - 'a' < 6)); ++digit)
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
/// `out` becomes s without markup; s is used up. Returns how many web addresses were removed.
///   [text](target), ![text](target)   text, nothing
///   # heading, > quote, - item        at the front of a line or turn; "##" in front of any word
///   *text* **text** _text_ ~~text~~ `text`   text
inline std::size_t strip_markup(std::u32string& s, std::u32string& out) {
    constexpr char32_t gone = 0;  // what the end of a pair becomes when its front is removed
    const std::u32string_view view = s;
    const auto at = [&](std::size_t i) { return i < s.size() ? s[i] : U' '; };
    std::size_t addresses = 0;
    out.clear();
    for (std::size_t i = 0; i < s.size();) {
        const auto c = s[i];
        const bool front = out.empty() || out.back() == '\t';
        const bool word_front = front || out.back() == ' ';
        auto end = i;
        switch (c) {
            case gone: ++i; continue;
            case '<': {
                bool blank = false;
                if ((end = end_of_tag(view, i, blank)) != i) {
                    if (blank) out.push_back(' ');
                } else if (const auto close = end_of_address(view, i + 1); close != i + 1 && at(close) == '>') {
                    ++addresses;
                    end = close + 1;
                }
                break;
            }
            case '&': {
                char32_t is = 0;
                if ((end = end_of_entity(view, i, is)) != i && is != 0) out.push_back(is);
                break;
            }
            case 'h':
            case 'H':
            case 'w':
            case 'W':
                end = end_of_address(view, i);
                addresses += end != i;
                break;
            case '!':
            case '[': {
                const auto open = i + (c == '!');
                if (at(open) != '[') break;
                const auto close = find_near(view, ']', open + 1, 400);
                if (close == view.npos || at(close + 1) != '(') break;
                const auto last = find_near(view, ')', close + 2, 1000);
                if (last == view.npos) break;
                const auto target = view.substr(close + 2, last - close - 2);
                const bool is_target = std::all_of(target.begin(), target.end(), [](char32_t t) { return t < 0x7F; }) &&
                                       target.find_first_of(U"/.#") != target.npos;
                if (!is_target) break;
                addresses += stands_at(target, 0, "http");
                std::fill(s.begin() + static_cast<std::ptrdiff_t>(c == '!' ? i : close),
                          s.begin() + static_cast<std::ptrdiff_t>(last + 1), gone);
                end = i + 1;
                break;
            }
            case '#':
                while (at(end) == '#') ++end;
                if (!word_front || at(end) != ' ' || end == s.size() || end - i > 6 || (!front && end - i < 2)) end = i;
                break;
            case '>':
            case '-':
                if (front && at(i + 1) == ' ') end = i + 2;
                break;
            case '*':
            case '_':
            case '~':
            case '`': {
                if (c == '*' && front && at(i + 1) == ' ') {
                    end = i + 2;
                    break;
                }
                while (at(end) == c) ++end;
                const auto n = end - i, close = closing_marks(view, i, n);
                if (close == view.npos)
                    out.append(view.substr(i, n));
                else
                    std::fill_n(s.begin() + static_cast<std::ptrdiff_t>(close), n, gone);
                break;
            }
            default: break;
        }
        if (end == i) out.push_back(s[end++]);
        i = end;
    }
    return addresses;
}
// ==== narae/corpus/personal.hpp ====
// Personal data masked by the tokenizer's special tokens: telephone, resident registration and account numbers, e-mail
// and street addresses. Each rule asks for a form that dates, prices, ISBNs and versions do not have, or for a word
// beside it that says what the number is.

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
    constexpr std::u32string_view words =  // jeonhwa munui sangdam senteo yeollak gogaek daepyo yeyak
        U"\uC804\uD654 \uBB38\uC758 \uC0C1\uB2F4 \uC13C\uD130 \uC5F0\uB77D \uACE0\uAC1D \uB300\uD45C \uC608\uC57D "
        U"\u260E "
        U"\u260F Tel TEL tel";
    constexpr std::u32string_view country_wide =
        U"1522 1533 1544 1551 1555 1566 1577 1588 1599 1600 1604 1644 1660 1661 1666 1668 1670 1688 1800 1811 1833 "
        U"1855 "
        U"1877 1899";
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
            (!years || near_word(s, g[0].begin, g[1].end, words)))
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
    constexpr std::u32string_view words =
        // gyejwa eunhaeng ipgeum songgeum iche yegeum tongjang baengkeu nonghyeop sinhyeop suhyeop geumgo kadeu
        U"\uACC4\uC88C \uC740\uD589 \uC785\uAE08 \uC1A1\uAE08 \uC774\uCCB4 \uC608\uAE08 \uD1B5\uC7A5 \uBC45\uD06C "
        U"\uB18D\uD611 \uC2E0\uD611 \uC218\uD611 \uAE08\uACE0 \uCE74\uB4DC";
    const auto& g = n.groups;
    std::size_t count = 0, digits = 0;
    do digits += g[count++].size();
    while (count < n.count && g[count - 1].gap == '-');
    if ((count != 1 && count != 3 && count != 4) || (count == 4 && g[3].size() == 1)) return 0;  // 4 and 1: an ISBN
    const auto end = g[count - 1].end;
    const bool date = count > 1 && g[0].size() == 4 && g[1].size() == 2 && g[2].size() == 2 && s[g[1].begin] < '2' &&
                      s[g[2].begin] < '4';
    const bool sum = count == 1 && end < s.size() && one_of(s[end], U"\uC6D0\uB2EC\uC5D4");  // won, dal(leo), en
    return digits >= 10 && digits <= 16 && !date && !sum && near_word(s, g[0].begin, end, words) ? count : 0;
}
/// The street address whose number begins at s[i]: province, district, further parts, road or quarter, number, and
/// what follows of a building's parts. Its bounds; begin == end if it is none.
struct bounds {
    std::size_t begin = 0, end = 0;
};
inline bounds street_address(std::u32string_view s, std::size_t i) noexcept {
    constexpr std::u32string_view provinces =
        // seoul busan daegu incheon gwangju daejeon ulsan sejong gyeonggi gangwon jeju
        // chungbuk chungnam jeonbuk jeonnam gyeongbuk gyeongnam chungcheong jeolla gyeongsang
        U"\uC11C\uC6B8 \uBD80\uC0B0 \uB300\uAD6C \uC778\uCC9C \uAD11\uC8FC \uB300\uC804 \uC6B8\uC0B0 \uC138\uC885 "
        U"\uACBD\uAE30 \uAC15\uC6D0 \uC81C\uC8FC \uCDA9\uBD81 \uCDA9\uB0A8 \uC804\uBD81 \uC804\uB0A8 \uACBD\uBD81 "
        U"\uACBD\uB0A8 \uCDA9\uCCAD \uC804\uB77C \uACBD\uC0C1";
    constexpr std::u32string_view
        rests =  // si do teukbyeolsi gwangyeoksi teukbyeoljachisi teukbyeoljachido bukdo namdo
        U"\uC2DC \uB3C4 \uD2B9\uBCC4\uC2DC \uAD11\uC5ED\uC2DC \uD2B9\uBCC4\uC790\uCE58\uC2DC "
        U"\uD2B9\uBCC4\uC790\uCE58\uB3C4 \uBD81\uB3C4 \uB0A8\uB3C4";
    constexpr std::u32string_view roads = U"\uB85C\uAE38\uB3D9\uB9AC\uAC00";  // ro gil dong ri ga
    constexpr std::u32string_view districts = U"\uC2DC\uAD70\uAD6C";          // si gun gu
    constexpr std::u32string_view parts = U"\uC2DC\uAD70\uAD6C\uC74D\uBA74\uB3D9\uB9AC\uAC00\uB85C";
    constexpr std::u32string_view particles =  // e ui ro eu i eun neun eul reul wa gwa yeot
        U"\uC5D0\uC758\uB85C\uC73C\uC774\uC740\uB294\uC744\uB97C\uC640\uACFC\uC600";
    constexpr std::u32string_view rooms = U"\uB3D9\uD638\uCE35";  // dong ho cheung
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
    const auto beon = at(end) == 0xBC88;
    if (at(end + beon) == 0xAE38 /* gil */ && at(end + beon + 1) == ' ' && is_digit(at(end + beon + 2)))
        end = part(end + beon + 2);
    else if (beon && at(end + 1) == 0xC9C0 /* ji */)
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
            const auto open = number_opens(s, i);
            const bool glued = i != 0 && (is_latin(s[i - 1]) || (s[i - 1] == '-' && n.count == 1));
            const auto end_of = [&](std::size_t count) { return count == 0 ? 0 : n.groups[count - 1].end; };
            const auto is = [&](personal k, std::size_t end) {
                if (end == 0 || !number_closes(s, end)) return false;
                kind = k;
                b = {i, end};
                return true;
            };
            if (open && !(glued && n.count == 1) &&
                (is(personal::registration, registration(s, n)) || is(personal::telephone, end_of(telephone(s, n))) ||
                 is(personal::account, end_of(account(s, n))))) {
                const auto before = i == 0 ? U' ' : s[i - 1];
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
// ==== narae/corpus/filter.hpp ====
// The corpus filter: lines of raw text in, lines to train on out, and a count of what each rule did. Lines are cleaned
// on all threads and compared with earlier ones in their order: any number of threads gives the same text.
// Read corpus/clean.hpp, markup.hpp, personal.hpp, quality.hpp and duplicates.hpp before: they are the rules.
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
/// All rules but the last two: what can be said of a line alone. One for each thread.
class line_cleaner {
public:
    explicit line_cleaner(const filter_options& options) : options_(options) {}
    /// Appends the line, cleaned, to `out` and returns rule::none; or returns the rule that drops it. Counts changes.
    rule operator()(std::string_view line, std::string& out, report& counts) {
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
        if ((options_.domain == domain::conversation && !is_.conversation) ||
            (options_.domain == domain::information && !is_.information))
            return rule::other_domain;
        encode(text_, out);
        return rule::none;
    }
    /// Of the line that was kept last.
    const letters& last_letters() const noexcept { return letters_; }
    domains last_domains() const noexcept { return is_; }
private:
    filter_options options_;
    std::u32string text_, other_;
    phrase_finder find_;
    letters letters_;
    repetition repetitive_;
    domains is_;
};
/// What became of a line: its text if dropped_by is rule::none.
struct verdict {
    rule dropped_by = rule::none;
    std::string text;
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
    /// One line, without its newline. Errors: out_of_memory.
    result<verdict> process(std::string_view line) {
        return guarded([&]() -> result<verdict> {
            counts_.bytes_in += line.size() + 1;
            verdict v{workers_.front().take(line, options_.near_duplicates), {}};
            const auto dropped = settle(workers_.front(), v.text);
            if (v.dropped_by == rule::none && (v.dropped_by = dropped) == rule::none) v.text.pop_back();
            return v;
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
        std::size_t end;  // in the worker's text, past its newline
        std::uint64_t hash;
        signature sketch;
        domains is;
    };
    struct worker {
        line_cleaner clean;
        std::string text = {};
        std::vector<kept_line> lines = {};
        report counts = {};

        rule take(std::string_view line, bool sketched) {
            ++counts.lines;
            const auto begin = text.size();
            const auto r = line.size() > longest ? rule::too_long : clean(line, text, counts);
            if (r != rule::none) return ++counts[r], r;
            lines.push_back({0, hash_of(std::string_view(text).substr(begin)), {}, clean.last_domains()});
            if (sketched) lines.back().sketch = signature_of(clean.last_letters());
            text += '\n';
            lines.back().end = text.size();
            return r;
        }
    };
    filter(const filter_options& options, std::unique_ptr<sys::team> team)
        : options_(options),
          team_(std::move(team)),
          workers_(team_->size(), worker{line_cleaner(options)}),
          seen_(options.remembered),
          near_(options.remembered_near) {}

    void hold(std::string_view bytes) {  // one byte too many tells that the line is too long
        held_ += bytes.substr(0, longest + 1 - held_.size());
    }
    /// Cleans whole lines, dealt out by bytes, then settles them in their order.
    result<void> work(std::string_view lines, std::string& out) {
        const auto part_of = [&](std::size_t part, std::size_t parts) {
            const auto edge = [&](std::size_t i) {
                const auto at = lines.size() / parts * i;
                return i == 0 ? 0 : i == parts ? lines.size() : (std::min)(lines.find('\n', at), lines.size() - 1) + 1;
            };
            for (auto rest = lines.substr(edge(part), edge(part + 1) - edge(part)); !rest.empty();) {
                const auto newline = (std::min)(rest.find('\n'), rest.size());
                workers_[part].take(rest.substr(0, newline), options_.near_duplicates);
                rest.remove_prefix((std::min)(newline + 1, rest.size()));
            }
        };
        constexpr std::size_t worth_waking = std::size_t{1} << 16;
        std::vector<char> failed(team_->size());
        if (lines.size() < worth_waking)
            part_of(0, 1);
        else
            team_->run([&](std::size_t part, std::size_t parts) {
                failed[part] = !guarded([&] { return part_of(part, parts), result<void>(); });
            });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        for (auto& w : workers_) settle(w, out);
        return {};
    }
    /// Moves the worker's lines that were not there before to `out`, and its counts to the report. Returns the rule
    /// that dropped the last one, or none.
    rule settle(worker& w, std::string& out) {
        auto dropped = rule::none;
        std::size_t begin = 0;
        for (const auto& l : w.lines) {
            const auto line = std::string_view(w.text).substr(begin, l.end - begin);
            begin = l.end;
            dropped = !seen_.insert(l.hash)                                 ? rule::duplicate
                      : options_.near_duplicates && !near_.insert(l.sketch) ? rule::near_duplicate
                                                                            : rule::none;
            if (dropped != rule::none) {
                ++w.counts[dropped];
                continue;
            }
            out += line;
            ++w.counts.kept;
            w.counts.bytes_out += line.size();
            w.counts.conversation += l.is.conversation;
            w.counts.information += l.is.information;
        }
        counts_ += std::exchange(w.counts, {});
        w.lines.clear();
        w.text.clear();
        return dropped;
    }
    filter_options options_;
    std::unique_ptr<sys::team> team_;
    std::vector<worker> workers_;
    seen_hashes seen_;
    near_duplicates near_;
    std::string held_;
    report counts_;
};
}  // namespace narae::inline NARAE_ABI::corpus
// ==== narae/kernel/gemm/contract.hpp ====
// The contract of gemm: C = A B, one tile of C at a time. learn/matmul.hpp cuts matrices into tiles.
// B comes packed in panels: Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication".
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
// ==== narae/kernel/gemm/scalar.hpp ====
// gemm by definition: one chain of fma for every element.
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
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// ==== narae/kernel/gemm/avx2.hpp ====
// gemm for AVX2: a tile of 6 x 16 is 12 of the 16 registers; the others hold a row of B and elements of A.
// Expressions over an index sequence are written out by the compiler, so that arrays of registers are registers.
// Read scalar.hpp first: it is the definition.
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
NARAE_AVX2 inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    if (count < 16) return scalar::gemm_pack<16>(panel, lines, count, k);
    std::size_t p = 0;
    if (lines.row == 1)
        for (; p < k; ++p) {
            _mm256_store_ps(panel + p * 16, _mm256_loadu_ps(lines.data + p * lines.col));
            _mm256_store_ps(panel + p * 16 + 8, _mm256_loadu_ps(lines.data + p * lines.col + 8));
        }
    else
        for (; p + 4 <= k; p += 4) {
            pack_turned(panel + p * 16, lines.data + p, lines.row);
            pack_turned(panel + p * 16 + 8, lines.data + 8 * lines.row + p, lines.row);
        }
    scalar::gemm_pack<16>(panel + p * 16, lines.from(0, p), count, k - p);
}
template <std::size_t... R>
NARAE_AVX2 inline void gemm_rows(float* c, std::size_t c_row, strided a, const float* panel, std::size_t k, bool add,
                                 std::index_sequence<R...>) noexcept {
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
template <std::size_t... R>  // a case for every number of rows
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t k,
                      bool add, std::index_sequence<R...>) noexcept {
    (void)((rows == R + 1 && (gemm_rows(c, c_row, a, panel, k, add, std::make_index_sequence<R + 1>()), true)) || ...);
}
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    if (cols == 16) return gemm_tile(c, c_row, a, panel, rows, k, add, std::make_index_sequence<6>());
    float whole[6 * 16] = {};  // a narrow tile is computed beside C
    for (std::size_t i = 0; add && i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) whole[i * 16 + j] = c[i * c_row + j];
    gemm_tile(whole, 16, a, panel, rows, k, add, std::make_index_sequence<6>());
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) c[i * c_row + j] = whole[i * 16 + j];
}
inline constexpr gemm_kernel gemm = {"avx2", 6, 16, true, gemm_pack, gemm_tile};
}  // namespace narae::inline NARAE_ABI::kernel::avx2
// ==== narae/kernel/gemm/avx512.hpp ====
// gemm for AVX-512: a tile of 14 x 32 is 28 of the 32 registers; the others hold a row of B and elements of A.
// Expressions over an index sequence are written out by the compiler, so that arrays of registers are registers.
// Read scalar.hpp first: it is the definition.
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
template <std::size_t D, std::size_t... I>
NARAE_AVX512 inline void swap_blocks(__m512* x) noexcept {
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
template <std::size_t... R>
NARAE_AVX512 inline void gemm_rows(float* c, std::size_t c_row, strided a, const float* panel, std::size_t cols,
                                   std::size_t k, bool add, std::index_sequence<R...>) noexcept {
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
template <std::size_t... R>  // a case for every number of rows
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add, std::index_sequence<R...>) noexcept {
    (void)((rows == R + 1 && (gemm_rows(c, c_row, a, panel, cols, k, add, std::make_index_sequence<R + 1>()), true)) ||
           ...);
}
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    gemm_tile(c, c_row, a, panel, rows, cols, k, add, std::make_index_sequence<14>());
}
inline constexpr gemm_kernel gemm = {"avx512", 14, 32, true, gemm_pack, gemm_tile};
}  // namespace narae::inline NARAE_ABI::kernel::avx512
// ==== narae/kernel/gemm/avx512_bf16.hpp ====
// gemm for AVX-512 with bfloat16: as avx512.hpp, but a step takes two values of k, in one 32-bit lane, with sums in
// f32. Rounds A and B, to nearest even, when packing; takes numbers below 2^-126 for zero.
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
template <std::size_t... R>
NARAE_AVX512_BF16 inline void gemm_rows(float* c, std::size_t c_row, strided a, const float* panel, std::size_t cols,
                                        std::size_t k, bool add, std::index_sequence<R...>) noexcept {
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
        ((low[R] = dot2(_mm512_set1_ps(x[R]), b_low, low[R]), high[R] = dot2(_mm512_set1_ps(x[R]), b_high, high[R])),
         ...);
    }
    ((_mm512_mask_storeu_ps(c + R * c_row, low_cols, low[R]),
      _mm512_mask_storeu_ps(c + R * c_row + 16, high_cols, high[R])),
     ...);
}
template <std::size_t... R>  // a case for every number of rows
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add, std::index_sequence<R...>) noexcept {
    (void)((rows == R + 1 && (gemm_rows(c, c_row, a, panel, cols, k, add, std::make_index_sequence<R + 1>()), true)) ||
           ...);
}
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    gemm_tile(c, c_row, a, panel, rows, cols, k, add, std::make_index_sequence<14>());
}
inline constexpr gemm_kernel gemm = {"avx512_bf16", 14, 32, false, gemm_pack, gemm_tile};
}  // namespace narae::inline NARAE_ABI::kernel::avx512_bf16
#endif
// ==== narae/kernel/gemm/neon.hpp ====
// gemm for NEON: a tile of 6 x 16 is 24 of the 32 registers; the others hold a row of B and elements of A.
// Expressions over an index sequence are written out by the compiler, so that arrays of registers are registers.
// Read scalar.hpp first: it is the definition.
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
inline void gemm_pack(float* panel, strided lines, std::size_t count, std::size_t k) noexcept {
    if (count < 16) return scalar::gemm_pack<16>(panel, lines, count, k);
    std::size_t p = 0;
    if (lines.row == 1)
        for (; p < k; ++p)
            for (std::size_t i = 0; i < 16; i += 4)
                vst1q_f32(panel + p * 16 + i, vld1q_f32(lines.data + p * lines.col + i));
    else
        for (; p + 4 <= k; p += 4)
            for (std::size_t i = 0; i < 16; i += 4) pack_turned(panel + p * 16 + i, lines.at(i, p), lines.row);
    scalar::gemm_pack<16>(panel + p * 16, lines.from(0, p), count, k - p);
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
template <std::size_t... R>
inline void gemm_rows(float* c, std::size_t c_row, strided a, const float* panel, std::size_t k, bool add,
                      std::index_sequence<R...>) noexcept {
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
template <std::size_t... R>  // a case for every number of rows
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t k,
                      bool add, std::index_sequence<R...>) noexcept {
    (void)((rows == R + 1 && (gemm_rows(c, c_row, a, panel, k, add, std::make_index_sequence<R + 1>()), true)) || ...);
}
inline void gemm_tile(float* c, std::size_t c_row, strided a, const float* panel, std::size_t rows, std::size_t cols,
                      std::size_t k, bool add) noexcept {
    if (cols == 16) return gemm_tile(c, c_row, a, panel, rows, k, add, std::make_index_sequence<6>());
    float whole[6 * 16] = {};  // a narrow tile is computed beside C
    for (std::size_t i = 0; add && i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) whole[i * 16 + j] = c[i * c_row + j];
    gemm_tile(whole, 16, a, panel, rows, k, add, std::make_index_sequence<6>());
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) c[i * c_row + j] = whole[i * 16 + j];
}
inline constexpr gemm_kernel gemm = {"neon", 6, 16, true, gemm_pack, gemm_tile};
}  // namespace narae::inline NARAE_ABI::kernel::neon
#endif
// ==== narae/kernel/gemm/select.hpp ====
// Which matrix multiplications this machine can run. A new instruction set is its file, and a line here.
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
// ==== narae/kernel/teach/contract.hpp ====
// The contracts of what training does to one row of numbers, beside kernel/rows: the backward of each row operation,
// and the step of the optimizer. Running a model needs none of this. Sums over a row run in num::lanes lanes.
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
// ==== narae/kernel/teach/scalar.hpp ====
// What training does to a row, by definition. Read contract.hpp first.
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
// ==== narae/kernel/teach/avx2.hpp ====
// What training does to a row, for AVX2, eight at a time; scalar.hpp is the definition and does what is left over.
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
// ==== narae/kernel/teach/table.hpp ====
// One function pointer per row operation of training, scalar at first, and which tables this machine can run.
// The tables are of equal accuracy but not of equal bits: training on another kind of processor is another run.
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
// ==== narae/learn/matmul.hpp ====
// C = A B for matrices of any size and orientation: cuts them to fit the caches, packs the pieces, shares them out.
// Read kernel/gemm/contract.hpp first. A piece of B stays in the second cache while A and C pass by it, some rows at a
// time. A is read where it lies: its misses hide behind the arithmetic, where packing it took a tenth of the time.
namespace narae::inline NARAE_ABI::learn {
using kernel::strided;
/// Multiplies with one kernel; holds one scratch per thread.
class matmul {
public:
    /// For up to `threads` threads at a time. Error: no memory.
    static result<matmul> make(const kernel::gemm_kernel& kernel, std::size_t threads) {
        auto scratch = sys::buffer<float>::make(threads * floats(kernel));
        if (!scratch) return scratch.error();
        return matmul(kernel, std::move(*scratch));
    }
    /// Bytes of that scratch.
    static std::size_t bytes(const kernel::gemm_kernel& kernel, std::size_t threads) noexcept {
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
    matmul(const kernel::gemm_kernel& kernel, sys::buffer<float>&& scratch)
        : kernel_(kernel), scratch_(std::move(scratch)) {}

    static constexpr std::size_t piece_k = 256, piece_n = 384;  // of B: 384 KiB
    static constexpr std::size_t a_panels = 32;

    static std::size_t floats(const kernel::gemm_kernel& kernel) noexcept {
        return piece_k * (piece_n + (kernel.exact ? 0 : a_panels * kernel.cols));
    }
    kernel::gemm_kernel kernel_;
    sys::buffer<float> scratch_;
};
// ==== narae/learn/attention.hpp ====
// Attention over whole sequences, and its backward. A block of queries sees its scores of one head at a time, so memory
// grows with T and never with T x T; the backward computes them anew from the logarithms of their sums.
// FlashAttention-2: Dao 2023, arXiv:2307.08691, sections 3.1 and 3.2. Read model/shape.hpp before (the rows of QKV).

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
    matmul& multiply;
    std::size_t thread;
    const model::shape& s;
    float scale = 1.0f / std::sqrt(static_cast<float>(s.E));
    /// Columns h of a [T, width] array whose rows begin at data.
    static strided rows(const float* data, std::size_t width) noexcept { return {data, width, 1}; }

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
inline void attend(const kernel::teach_table& ops, matmul& multiply, std::size_t thread, const model::shape& s,
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
inline void attend_back(const kernel::teach_table& ops, matmul& multiply, std::size_t thread, const model::shape& s,
                        const sequence& x, float* dqkv, const float* dmixed, std::size_t g, float* scratch) noexcept {
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
// ==== narae/learn/gold.hpp ====
// Gold morphological analyses, as treebanks of Korean give them, laid onto the surface of words: at which gaps between
// two syllables a morpheme begins, and of which kind it is. Reads CoNLL-U (universaldependencies.org/format.html, with
// LEMMA and XPOS joined by '+') and lines of three columns: form, morphemes, tags.
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
inline std::u32string code_points(std::string_view s) {
    std::u32string out;
    while (!s.empty()) {
        const auto step = text::utf8_front(s);
        out.push_back(step.code_point);
        s.remove_prefix(step.length);
    }
    return out;
}
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
inline std::vector<std::string_view> split(std::string_view s, char at) {
    std::vector<std::string_view> parts;
    for (auto end = s.find(at); end != s.npos; end = s.find(at)) {
        parts.push_back(s.substr(0, end));
        s.remove_prefix(end + 1);
    }
    parts.push_back(s);
    return parts;
}
/// Lays morphemes onto the word that they make. Both are written as jamo; what they share at the front and at the back
/// has its place on the surface. In between the spelling was contracted (ga + at + da: gatda), and the gaps there and
/// right behind a contracted syllable are unknown, unless a morpheme plainly begins there.
inline gold_word align(std::string_view form, const std::vector<std::string_view>& morphemes,
                       const std::vector<std::string_view>& tags) {
    gold_word w{code_points(form), {}};
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
    for (const auto m : morphemes) ends.push_back((letters += letters_of(code_points(m))).size());

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
        const auto end = (std::min)(rest.find('\n'), rest.size());
        auto line = rest.substr(0, end);
        rest.remove_prefix((std::min)(end + 1, rest.size()));
        ++number;
        const auto bad = [&](std::initializer_list<piece> what) {
            return error{errc::bad_value, concat({"line ", number, ": ", concat(what)})};
        };
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (text::utf8_first_invalid(line) != line.size()) return bad({"not UTF-8"});
        const auto column = detail::split(line, '\t');
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
        auto word = tags.find('+') == tags.npos
                        ? detail::align(form, {lemma}, {tags})
                        : detail::align(form, detail::split(lemma, '+'), detail::split(tags, '+'));
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
// ==== narae/learn/boundaries.hpp ====
// Trains the model that cuts words into morphemes (token/morph.hpp) from gold analyses: a linear classifier of gaps
// under the squared hinge loss, trained by AdaGrad (Duchi et al. 2011) in the hashed table that it will be used from,
// then rounded to 8 bits. Only sums, products, quotients and roots of doubles: every machine finds the same weights,
// as long as its compiler does not fuse a product with a sum.
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
// ==== narae/learn/bpe.hpp ====
// Learns the merges of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909) from counted segments. Pairs are
// counted once; every merge then mends the counts of the words that it changes and of no others.
/// A segment as the ids of its symbols, and how often it stands in the text.
struct counted_word {
    std::vector<token::token_id> ids;
    std::uint64_t count = 0;
};
/// The pair of ids that a merge joins; its product gets the next free id.
using id_pair = std::pair<token::token_id, token::token_id>;
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
    const auto key = [](id_pair p) { return std::uint64_t{p.first} << 32 | p.second; };
    struct spread {
        std::size_t operator()(std::uint64_t k) const noexcept { return static_cast<std::size_t>(token::mix(k)); }
    };
    std::unordered_map<std::uint64_t, tally, spread> pairs;
    for (std::uint32_t w = 0; w < words.size(); ++w)
        for (std::size_t i = 0; i + 1 < words[w].ids.size(); ++i) {
            auto& t = pairs[key({words[w].ids[i], words[w].ids[i + 1]})];
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
        const id_pair p{static_cast<token::token_id>(k >> 32), static_cast<token::token_id>(k)};
        if (count > 1 && allowed(p)) queue.push({count, p});
    };
    for (const auto& [k, t] : pairs) offer(k, t.count);

    std::vector<id_pair> merges;
    std::vector<std::uint64_t> touched;
    while (merges.size() < most && !queue.empty()) {
        const auto best = queue.top();
        queue.pop();
        const auto found = pairs.find(key(best.pair));
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
                const auto it = pairs.find(key({a, b}));
                if (it != pairs.end()) it->second.count -= count;
            };
            const auto more = [&](token::token_id a, token::token_id b) {
                auto& t = pairs[key({a, b})];
                t.count += count;
                if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
                touched.push_back(key({a, b}));
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
// ==== narae/learn/common_syllables.hpp ====
// The 2,350 Hangul syllables of the Korean standard KS X 1001 (1992): those in common use.

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
// ==== narae/learn/curve.hpp ====
// The loss curve of a training run: as CSV, which a resumed run reads and goes on with, and as an SVG picture (W3C SVG
// 1.1) that stands alone, on light and on dark pages. Numbers are written and read without the locale.
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
/// x with at most so many decimals, in full. Needs |x| * 10^decimals < 1e18.
inline std::string fixed(double x, int decimals) {
    if (x < 0) return std::string("-").append(fixed(-x, decimals));
    auto s = std::to_string(static_cast<std::uint64_t>(std::floor(x * std::pow(10.0, decimals) + 0.5)));
    if (decimals == 0) return s;
    const auto n = static_cast<std::size_t>(decimals);
    if (s.size() <= n) s.insert(0, n + 1 - s.size(), '0');
    s.insert(s.size() - n, 1, '.');
    s.erase(s.find_last_not_of('0') + 1);
    if (s.back() == '.') s.pop_back();
    return s;
}
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
    if (e >= -5 && e < 9) return fixed(x, 8 - e);
    return fixed(x / std::pow(10.0, e), 8).append("e").append(std::to_string(e));
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
        for (std::size_t number = 1; number == 1 || !csv.empty(); ++number) {
            const auto end = (std::min)(csv.find('\n'), csv.size());
            auto line = csv.substr(0, end);
            csv.remove_prefix((std::min)(end + 1, csv.size()));
            if (line.ends_with('\r')) line.remove_suffix(1);
            const auto bad = [&](std::string_view what, std::string_view why) {
                return error{errc::bad_value, concat({"line ", number, ": ", what, why})};
            };
            if (number == 1) {
                if (line != detail::curve_header) return bad("not ", detail::curve_header);
                continue;
            }
            const auto field = detail::split(line, ',');
            if (field.size() != 6) return bad("not six fields", "");
            curve_point p;
            const bool read[] = {
                detail::read_whole(field[0], p.step),      detail::read_whole(field[1], p.tokens),
                detail::read_csv_number(field[2], p.loss), detail::read_csv_number(field[3], p.valid),
                detail::read_csv_number(field[4], p.rate), detail::read_csv_number(field[5], p.seconds)};
            for (std::size_t k = 0; k < 6; ++k)
                if (!read[k]) return bad(detail::split(detail::curve_header, ',')[k], " is no number");
            points.push_back(p);
        }
        return points;
    });
}
namespace detail {
/// One axis of the picture: what it spans, and its ticks, multiples of 1, 2 or 5 times a power of ten.
struct axis {
    double low, high, tick, unit = 1;
    std::string_view suffix = {};
    /// Spans [lo, hi] and at least `least`, with about n ticks that are no closer than least_tick.
    axis(double lo, double hi, double least, double least_tick, int n) : low(lo), high(hi) {
        if (hi - lo < least) low = (lo + hi - least) / 2, high = low + least;
        const double range = high - low, power = std::pow(10.0, std::floor(std::log10(range / n)));
        tick = power * (power * n >= range ? 1 : 2 * power * n >= range ? 2 : 5 * power * n >= range ? 5 : 10);
        tick = (std::max)(tick, least_tick);
        const double top = (std::max)(std::fabs(low), std::fabs(high));
        if (top >= 1e4) unit = 1e3, suffix = "k";
        if (top >= 1e6) unit = 1e6, suffix = "M";
        if (top >= 1e9) unit = 1e9, suffix = "G";
    }
    std::string label(double value) const {
        const int decimals = static_cast<int>(std::ceil(-std::log10(tick / unit) - 1e-9));
        return value == 0 ? "0" : fixed(value / unit, std::clamp(decimals, 0, 8)).append(suffix);
    }
    /// f(value) for each tick.
    template <class F>
    void for_each_tick(F&& f) const {
        for (auto k = std::ceil(low / tick - 1e-6); k * tick <= high + 1e-6 * tick; k += 1) f(k * tick);
    }
};
inline std::string xml_text(std::string_view s) {
    std::string out;
    while (!s.empty()) {
        const auto step = text::utf8_front(s);
        const auto c = step.code_point;
        if (c == '&' || c == '<' || c == '>')
            out += concat({"&#", c, ";"});
        else
            text::utf8_append(out, c < 0x20 ? U' ' : c == 0xFFFE || c == 0xFFFF ? 0xFFFD : c);
        s.remove_prefix(step.length);
    }
    return out;
}
}  // namespace detail
/// A picture of the loss over the steps: as measured and smoothed, with dots for held-out text. It draws about a
/// thousand points, evenly chosen, and leaves out losses that are not finite or beyond 1e9.
inline std::string curve_svg(std::span<const curve_point> points, std::string_view title) {
    using detail::fixed;
    constexpr double left = 52, right = 704, top = 60, bottom = 318;
    std::vector<std::pair<double, double>> loss, valid;  // step, value
    std::vector<double> steps, values;
    for (const auto& p : points)
        for (auto* to : {&loss, &valid}) {
            const auto step = static_cast<double>(p.step), value = to == &loss ? p.loss : p.valid;
            if (detail::size_bits(value) > detail::size_bits(1e9)) continue;
            to->push_back({step, value});
            steps.push_back(step), values.push_back(value);
        }
    if (steps.empty()) steps = values = {0};
    const double low_x = *std::min_element(steps.begin(), steps.end());
    const double high_x = *std::max_element(steps.begin(), steps.end());
    const double low_y = *std::min_element(values.begin(), values.end());
    const double high_y = *std::max_element(values.begin(), values.end());
    const detail::axis x(low_x, high_x, (std::max)(1.0, 1e-6 * high_x), 1, 8);
    detail::axis y(low_y, high_y, 0.1 * (std::max)({1.0, std::fabs(low_y), std::fabs(high_y)}), 0, 6);
    y.low = std::floor(y.low / y.tick + 1e-6) * y.tick, y.high = std::ceil(y.high / y.tick - 1e-6) * y.tick;
    const auto across = [&](double v) { return fixed(left + (v - x.low) / (x.high - x.low) * (right - left), 1); };
    const auto up = [&](double v) { return fixed(bottom - (v - y.low) / (y.high - y.low) * (bottom - top), 1); };

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
        const auto stride = size / n + 1;
        for (std::size_t i = 0; i < size; i += stride) f(i);
        if (size > 0 && (size - 1) % stride != 0) f(size - 1);
    };
    const auto text = detail::xml_text(title);
    auto out = concat({R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" role="img")",
                       R"( font-family="system-ui,sans-serif" font-size="12" fill="#7d848e"><title>)", text,
                       "</title>\n<text x=\"16\" y=\"24\" font-size=\"16\">", text, "</text>\n"});
    y.for_each_tick([&](double v) {
        out += concat({R"(<path d="M52 )", up(v), R"(H704" stroke="#7d848e" stroke-opacity=".3"/><text x="46" y=")",
                       up(v), R"(" dy=".35em" text-anchor="end">)", y.label(v), "</text>\n"});
    });
    x.for_each_tick([&](double v) {
        out += concat({R"(<path d="M)", across(v), R"( 318v5" stroke="#7d848e"/><text x=")", across(v),
                       R"(" y="337" text-anchor="middle">)", x.label(v), "</text>\n"});
    });
    out += R"(<text x="378" y="354" text-anchor="middle">step</text>)";
    const auto line = [&](std::string_view style, auto&& value) {
        out += concat({"\n<path fill=\"none\" stroke=\"#3d8bfd\" stroke-linecap=\"round\" stroke-linejoin=\"round\" ",
                       style, " d=\"M"});
        some(loss.size(), 1000, [&](std::size_t i) { out += concat({across(loss[i].first), " ", up(value(i)), " "}); });
        out += "h0\"/>";  // a line of no length, so that a single point is seen, too
    };
    if (!loss.empty()) {
        line(R"(stroke-opacity=".35")", [&](std::size_t i) { return loss[i].second; });
        line(R"(stroke-width="2")", smooth);
        out +=
            concat({"\n<text x=\"16\" y=\"44\" fill=\"#3d8bfd\">loss ", fixed(smooth(loss.size() - 1), 3), "</text>"});
    }
    some(valid.size(), 200, [&](std::size_t i) {
        out += concat({"\n<circle r=\"3\" fill=\"#e8702a\" cx=\"", across(valid[i].first), "\" cy=\"",
                       up(valid[i].second), "\"/>"});
    });
    if (!valid.empty())
        out +=
            concat({"\n<text x=\"110\" y=\"44\" fill=\"#e8702a\">held out ", fixed(valid.back().second, 3), "</text>"});
    return out + "\n</svg>\n";
}
// ==== narae/learn/tasks.hpp ====
// Exercises in Korean grammar and context, made from plain text: which particle or ending stood in the gap, where the
// blanks go, in which order the sentences came. Words are cut by the model of token/morph.hpp, which says where a
// morpheme begins but not of which kind it is; lists of forms, and of stems after which they mislead, say the rest.
/// UTF-8 text to learn from. The loss is taken on the answer; the prompt is only read.
struct prompted {
    std::string prompt, answer;
};
/// What to find: the josa (particle) or the eomi (ending of a verb) in whose place "__" stands; the blanks of a
/// sentence without any; the order of three or four sentences that were shuffled and numbered.
enum class task { josa, eomi, spacing, order };
namespace detail {
/// Forms of morphemes that close a word, each between blanks, what they stand behind, and after which syllables the
/// same forms are mostly something else. Counted in the treebanks that learn/gold.hpp reads.
struct closing {
    enum class behind { any, open, closed };  // a syllable with a final consonant is closed

    std::u32string_view forms;
    behind after = behind::any;
    std::u32string_view except = {};
};
// eun i eul; gwa euro; neun; ga reul; wa; do; ro; ui e eseo ege hante kkeseo man buteo kkaji cheoreom boda mada jocha
inline constexpr closing particles[] = {
    {U" \uC740 \uC774 \uC744 ", closing::behind::closed,  // stems such as gat- eop- bad- meog-: gateun, eopsi, badeul
     U"\uAC19\uC5C6\uBC1B\uBA39\uC5BB\uC77D\uCC3E\uBBFF\uC8FD\uC791\uB192\uAE4A\uB113\uB0AE\uC80A\uC2F6\uC9E7\uBD89"
     U"\uC881\uC633\uB9D1\uB9DE\uB9E1\uB2EE\uC7A1\uBD99\uC9D9\uB0A1\uC816\uB0A8\uAC80\uBB3B\uBB35\uC6C3\uAC77\uC53B"
     U"\uC0BC\uC885\uC7C1"},
    {U" \uACFC \uC73C\uB85C ", closing::behind::closed},
    {U" \uB294 ", closing::behind::open,  // stems such as ha- doe- ju- o-: haneun, doeneun
     U"\uD558\uB418\uC8FC\uB974\uC624\uD0A4\uBCF4\uB0B4\uCE58\uB4DC\uC4F0\uD788\uAFB8\uB07C\uCD94\uB450\uB044\uAC00"
     U"\uB9AC\uC9C0\uB098\uB8E8\uB2C8\uC6B0\uC2DC\uC0AC\uAE30"},
    {U" \uAC00 \uB97C ", closing::behind::open},
    {U" \uC640 ", closing::behind::open, U"\uB098\uC838\uB824\uACA8"},  // na-wa, jyeo-wa: came
    {U" \uB3C4 ", closing::behind::any,
     U"\uD574\uC5EC\uC544\uC5B4\uC6CC\uC154\uD600\uBD10\uC838\uCF1C\uB144\uC9C1"},  // hae-do: even if
    {U" \uB85C ", closing::behind::any, U"\uC81C\uC8FC\uCCB4\uBD80\uB418"},         // sil-je-ro, ju-ro: adverbs
    {U" \uC758 \uC5D0 \uC5D0\uC11C \uC5D0\uAC8C \uD55C\uD14C \uAED8\uC11C \uB9CC \uBD80\uD130 \uAE4C\uC9C0 "
     U"\uCC98\uB7FC \uBCF4\uB2E4 \uB9C8\uB2E4 \uC870\uCC28 "}};

// go; jiman; da ge ji eo a myeon eumyeon myeo eumyeo myeonseo neunde eoseo aseo eoya aya eodo ado geona dorok ryeogo
// daga neunji nikka seumnida seumnikka yo eoyo ayo neyo seyo ne ja deon
inline constexpr closing endings[] = {
    {U" \uACE0 ", closing::behind::any, U"\uB2E4\uB77C\uB9AC"},  // dago, rago: quotations; geurigo: and
    {U" \uC9C0\uB9CC ", closing::behind::any, U"\uD558"},        // hajiman: but
    {U" \uB2E4 \uAC8C \uC9C0 \uC5B4 \uC544 \uBA74 \uC73C\uBA74 \uBA70 \uC73C\uBA70 \uBA74\uC11C \uB294\uB370 "
     U"\uC5B4\uC11C \uC544\uC11C "
     U"\uC5B4\uC57C \uC544\uC57C \uC5B4\uB3C4 \uC544\uB3C4 \uAC70\uB098 \uB3C4\uB85D \uB824\uACE0 \uB2E4\uAC00 "
     U"\uB294\uC9C0 \uB2C8\uAE4C \uC2B5\uB2C8\uB2E4 "
     U"\uC2B5\uB2C8\uAE4C \uC694 \uC5B4\uC694 \uC544\uC694 \uB124\uC694 \uC138\uC694 \uB124 \uC790 \uB358 "}};

// Write the josa (eomi) that fits the blank. Which josa goes into __? Put in the josa that fits __.
// Write with the right blanks. Space the sentence. Correct the spacing.
// Put into the right order. Find the order of the sentences. In which order should one read?
inline constexpr std::u32string_view instructions[4][3] = {
    {U"\uBE48\uCE78\uC5D0 \uC54C\uB9DE\uC740 \uC870\uC0AC\uB97C \uC4F0\uC2DC\uC624.",
     U"__\uC5D0 \uB4E4\uC5B4\uAC08 \uC870\uC0AC\uB294?",
     U"__\uC5D0 \uB9DE\uB294 \uC870\uC0AC\uB97C \uB123\uC5B4 \uC8FC\uC138\uC694."},
    {U"\uBE48\uCE78\uC5D0 \uC54C\uB9DE\uC740 \uC5B4\uBBF8\uB97C \uC4F0\uC2DC\uC624.",
     U"__\uC5D0 \uB4E4\uC5B4\uAC08 \uC5B4\uBBF8\uB294?",
     U"__\uC5D0 \uB9DE\uB294 \uC5B4\uBBF8\uB97C \uB123\uC5B4 \uC8FC\uC138\uC694."},
    {U"\uBC14\uB974\uAC8C \uB744\uC5B4 \uC4F0\uC2DC\uC624.",
     U"\uB2E4\uC74C \uBB38\uC7A5\uC744 \uB744\uC5B4 \uC4F0\uC138\uC694.",
     U"\uB744\uC5B4\uC4F0\uAE30\uB97C \uACE0\uCCD0 \uC8FC\uC138\uC694."},
    {U"\uC54C\uB9DE\uC740 \uC21C\uC11C\uB85C \uB298\uC5B4\uB193\uC73C\uC2DC\uC624.",
     U"\uBB38\uC7A5\uC758 \uC21C\uC11C\uB97C \uCC3E\uC73C\uC138\uC694.",
     U"\uC5B4\uB5A4 \uC21C\uC11C\uB85C \uC77D\uC5B4\uC57C \uD560\uAE4C\uC694?"}};
inline constexpr std::u32string_view answer_mark = U"\n\uB2F5:";  // dap: answer

inline std::string utf8(std::u32string_view s) {
    std::string out;
    for (const auto c : s) text::utf8_append(out, c);
    return out;
}
/// May a morpheme of the list, given between blanks, close a word behind this character?
inline bool may_close(std::span<const closing> list, std::u32string_view form, char32_t before) {
    // Finals nj nh lt lp lh ss h: of verbs only, as in manh- joh- iss-.
    constexpr std::uint32_t verbal = 1u << 5 | 1u << 6 | 1u << 13 | 1u << 14 | 1u << 15 | 1u << 20 | 1u << 27;
    return std::any_of(list.begin(), list.end(), [&](const closing& c) {
        if (c.forms.find(form) == c.forms.npos || c.except.find(before) != c.except.npos) return false;
        if (c.after == closing::behind::any || !text::is_syllable(before)) return true;
        const auto last = (before - text::first_syllable) % text::finals;
        if (c.after == closing::behind::open) return last == 0;
        return last != 0 && (verbal >> last & 1) == 0;
    });
}
/// The bytes of a word up to its last letter or digit.
inline std::string_view without_signs(std::string_view word) noexcept {
    std::size_t end = 0;
    for (std::size_t at = 0; at < word.size();) {
        const auto c = token::pretoken::front(word.substr(at));
        at += c.length;
        if (c.what == token::pretoken::kind::letter || c.what == token::pretoken::kind::number) end = at;
    }
    return word.substr(0, end);
}
inline bool ends_in_syllable(std::string_view s) noexcept {
    return s.size() >= 3 && text::is_syllable_at(s.data() + s.size() - 3);
}
/// The last morpheme of a word if it is on the list; signs may follow it. Else empty.
inline std::string_view closing_of(std::string_view word, task what, const token::segmenter& cut) {
    const auto bare = without_signs(word);
    auto stem = bare;
    while (ends_in_syllable(stem)) stem.remove_suffix(3);
    const auto run = bare.substr(stem.size());
    if (run.empty()) return {};
    std::string_view last;
    cut(run, [&](std::string_view morpheme) { last = morpheme; });
    stem = bare.substr(0, bare.size() - last.size());
    if (stem.empty()) return {};
    const auto before = code_points(stem).back();
    // Particles follow foreign words and brackets, too; after digits they would be units: 5man, 3do.
    if (!text::is_syllable(before) &&
        (what != task::josa ||
         (before != ')' && token::pretoken::kind_of(text::class_of(before)) != token::pretoken::kind::letter)))
        return {};
    const auto list = what == task::josa ? std::span<const closing>(particles) : std::span<const closing>(endings);
    return may_close(list, U' ' + code_points(last) + U' ', before) ? last : std::string_view();
}
/// Does a sentence end with this word? A dot after a digit or a foreign letter does not count.
inline bool ends_sentence(std::string_view word) noexcept {
    const auto bare = without_signs(word), signs = word.substr(bare.size());
    return signs.find_first_of(".!?") != signs.npos && (signs[0] != '.' || ends_in_syllable(bare));
}
/// Three words or more, short enough for one prompt, mostly Hangul, and without the mark of a gap.
inline bool is_exercise(std::string_view s) noexcept {
    std::size_t blanks = 0, hangul = 0, all = 0;
    for (std::size_t at = 0; at < s.size(); ++all) {
        const auto c = text::utf8_front(s.substr(at));
        at += c.length;
        blanks += c.code_point == ' ', hangul += text::is_syllable(c.code_point);
    }
    return blanks >= 2 && s.size() <= 500 && 2 * hangul >= all - blanks && s.find("__") == s.npos;
}
/// The sentences of a line with one blank between words; in place of those that make no exercise an empty one.
inline std::vector<std::string> sentences_of(std::string_view line) {
    std::vector<std::string> all(1);
    while (!line.empty()) {
        const auto word = line.substr(0, line.find_first_of(" \t\r\n"));
        line.remove_prefix((std::min)(word.size() + 1, line.size()));
        if (word.empty()) continue;
        all.back().append(all.back().empty() ? "" : " ").append(word);
        if (ends_sentence(word)) all.emplace_back();
    }
    for (auto& s : all)
        if (!is_exercise(s)) s.clear();
    return all;
}
/// Three or four sentences in a row, out of order and numbered; the answer is the numbers in order.
template <class Pick>
std::optional<prompted> shuffled(const std::vector<std::string>& sentences, Pick&& pick) {
    const auto fits = [&](std::size_t begin, std::size_t n) {
        std::size_t bytes = 0;
        for (auto k = begin; k < begin + n; bytes += sentences[k++].size())
            for (auto j = begin; j <= k; ++j)
                if (sentences[k].empty() || (j < k && sentences[j] == sentences[k])) return false;
        return bytes <= 1000;
    };
    std::vector<std::size_t> begins;
    std::size_t n = 0;
    for (const auto want : {3 + pick(2), std::size_t{3}}) {
        if (!begins.empty()) break;
        for (std::size_t i = 0; i + want <= sentences.size(); ++i)
            if (fits(i, want)) begins.push_back(i);
        n = want;
    }
    if (begins.empty()) return std::nullopt;
    const auto begin = begins[pick(begins.size())];
    std::vector<std::size_t> shown(n), number(n);  // which sentence has which place, and the reverse
    for (std::size_t k = 0; k < n; ++k) {
        shown[k] = k;
        std::swap(shown[k], shown[pick(k + 1)]);
    }
    prompted p;
    for (std::size_t k = 0; k < n; ++k) {
        number[shown[k]] = k + 1;
        p.prompt += concat({k == 0 ? "" : "\n", k + 1, ". ", sentences[begin + shown[k]]});
    }
    for (const auto k : number) p.answer += concat({p.answer.empty() ? "" : " ", k});
    return p;
}
/// A sentence with "__" in place of the morpheme that closes one of its words.
template <class Pick>
std::optional<prompted> holed(task what, const std::vector<std::string>& sentences, const token::segmenter& cut,
                              Pick&& pick) {
    std::vector<std::pair<std::string_view, std::string_view>> gaps;  // a sentence, the morpheme in it
    for (const std::string_view s : sentences)
        for (std::size_t at = 0; at < s.size();) {
            const auto word = s.substr(at, s.find(' ', at) - at);
            at += word.size() + 1;
            if (const auto last = closing_of(word, what, cut); !last.empty()) gaps.push_back({s, last});
        }
    if (gaps.empty()) return std::nullopt;
    const auto& [sentence, morpheme] = gaps[pick(gaps.size())];
    const auto at = static_cast<std::size_t>(morpheme.data() - sentence.data());
    return prompted{concat({sentence.substr(0, at), "__", sentence.substr(at + morpheme.size())}),
                    std::string(morpheme)};
}
}  // namespace detail
/// An exercise made of one line of UTF-8 text, or nothing where the line does not lend itself to it: it needs a
/// sentence of three words or more, mostly Hangul, and for the order a passage of such sentences. `random` decides
/// which sentence, gap and instruction; the same random gives the same exercise.
inline std::optional<prompted> make_task(task what, std::string_view line, const token::boundary_model& model,
                                         std::uint64_t random) {
    if (text::utf8_first_invalid(line) != line.size() || model.weights.size() != model.slots) return std::nullopt;
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>((random = token::mix(random + 1)) % n); };
    const auto instruction = detail::instructions[static_cast<std::size_t>(what)][pick(3)];
    auto sentences = detail::sentences_of(line);
    std::optional<prompted> made;
    if (what == task::order) {
        made = detail::shuffled(sentences, pick);
    } else if (std::erase(sentences, ""); what != task::spacing) {
        made = detail::holed(what, sentences, token::segmenter(model.weights, model.cut, 1), pick);
    } else if (!sentences.empty()) {
        made = prompted{{}, sentences[pick(sentences.size())]};
        std::remove_copy(made->answer.begin(), made->answer.end(), std::back_inserter(made->prompt), ' ');
    }
    if (made) made->prompt = concat({detail::utf8(instruction), "\n", made->prompt, detail::utf8(detail::answer_mark)});
    return made;
}
// ==== narae/learn/instructions.hpp ====
// Instructions with their answers: read from JSON lines, and made into token ids with the place where the answer
// begins. Roles are marked by special tokens, <|user|> text <|/user|> and <|assistant|> text <|/assistant|>, which are
// put in as ids: text that only looks like them stays text.
/// The records {"instruction", "input", "output"} of a file, one a line; "input" may be missing, other keys do not
/// matter. The prompt is the instruction and, on lines of its own, the input. Errors name the line: bad_value, also
/// where there is no record at all.
inline result<std::vector<prompted>> read_instructions(std::string_view jsonl) {
    return guarded([&]() -> result<std::vector<prompted>> {
        std::vector<prompted> all;
        if (jsonl.starts_with("\xEF\xBB\xBF")) jsonl.remove_prefix(3);  // a byte order mark
        for (std::size_t number = 1; !jsonl.empty(); ++number) {
            const auto end = (std::min)(jsonl.find('\n'), jsonl.size());
            const auto line = jsonl.substr(0, end);
            jsonl.remove_prefix((std::min)(end + 1, jsonl.size()));
            if (line.find_first_not_of(" \t\r") == line.npos) continue;
            const auto bad = [&](std::string_view what, std::string_view why) {
                return error{errc::bad_value, concat({"line ", number, ": ", what, why})};
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
        if (!missing.empty()) return error{errc::unsupported, concat({"the tokenizer has no special token ", missing})};
        return e;
    });
}
}  // namespace narae::inline NARAE_ABI::learn
// ==== narae/num/random.hpp ====
// Random numbers that are the same everywhere: SplitMix64, Steele, Lea and Flood 2014. Never for secrets.
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
    template <class List>
    void shuffle(List& list) noexcept {
        for (auto n = list.size(); n > 1; --n) std::swap(list[n - 1], list[static_cast<std::size_t>(below(n))]);
    }
};
}  // namespace narae::inline NARAE_ABI::num
// ==== narae/learn/parameters.hpp ====
// All numbers of a model as float32 in one row: matrices in the order of model::matrix_names, then vectors in that of
// model::vector_names. Weights, gradients and the optimizer's moments are such rows and go side by side.
namespace narae::inline NARAE_ABI::learn {
/// Where each part of a row lies. F: float of weights to write and of gradients, const float of weights to read.
template <class F>
struct linear_part {
    F* w;  ///< [N, K]
    F* bias;
};
template <class F>
struct norm_part {
    F *gain, *bias;
};
template <class F>
struct layer_parts {
    norm_part<F> before_attention, before_ffn;
    linear_part<F> qkv, attention_out, ffn_up, ffn_down;
};
template <class F>
struct parts {
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
template <class F>
parts<F> parts_of(F* row, const model::shape& s) {
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
// ==== narae/learn/network.hpp ====
// The network of model/forward.hpp over whole sequences, and its backward: each step stands beside the one it mirrors.
// Layers go in segments (gradient checkpointing: Chen et al. 2016, arXiv:1604.06174): what a layer leaves for its
// backward is kept for one segment at a time; the others run again from the rows they began with, to the same bits.
// The head sees head_rows tokens at a time, so [T, V] is never whole. Read model/block.hpp and attention.hpp before.

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
        auto multiply = matmul::make(gemm, team.size());
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
        return floats * sizeof(float) + matmul::bytes(gemm, team.size());
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
        team_->run([&](std::size_t part, std::size_t parts) {  // the embedding: each thread has its own columns
            const auto mine = sys::slice_of(s_.D, num::lanes, part, parts);
            for (std::size_t r = 0; r < rows_; ++r)
                ops_.add(g.embedding + b.ids[r] * s_.D + mine.begin, d_ + r * s_.D + mine.begin, mine.end - mine.begin);
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
        : s_(s),
          options_(o),
          segment_(!o.backward                ? 1
                   : o.checkpoint_layers == 0 ? s.L
                                              : o.checkpoint_layers),
          team_(&team),
          kernels_(kernel::runnable().best()),
          ops_(kernel::runnable_teach().back()) {
        segment_ = (std::min)(segment_, s.L);
        tapes_.resize(segment_);
        starts_.resize(o.backward ? segments() : (std::min<std::size_t>)(2, s.L));
    }
    std::size_t segments() const noexcept { return (s_.L + segment_ - 1) / segment_; }
    float* start(std::size_t segment) const noexcept { return starts_[segment % starts_.size()]; }
    /// Every buffer and its size in floats.
    template <class F>
    void each_buffer(F&& f) {
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
    template <class F>
    void each_row(F&& f) {
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(rows_, 1, part, parts);
            for (auto t = mine.begin; t < mine.end; ++t) f(t);
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
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(n, num::lanes, part, parts);
            for (std::size_t t = 0; t < rows_; ++t)
                ops_.add(g.bias + mine.begin, dy + t * n + mine.begin, mine.end - mine.begin);
        });
        multiply_->run(*team_, g.w, k, {dy, 1, n}, {x, k, 1}, n, k, rows_, true);
        multiply_->run(*team_, dx, k, {dy, n, 1}, {w, k, 1}, rows_, k, n, false);
    }
    /// normed = norm(x)
    void normalise(const float* x, const norm_part<const float>& n) {
        const auto D = s_.D;
        each_row(
            [&](std::size_t t) { kernels_.layer_norm(normed_ + t * D, x + t * D, n.gain, n.bias, D, s_.norm_eps); });
    }
    /// Its backward: dx += what dy, the gradient of its output, says; so do the gradients of its own vectors.
    void normalise_back(float* dx, const float* dy, const float* x, const norm_part<const float>& n,
                        const norm_part<float>& g, std::size_t count) {
        const auto D = s_.D;
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(count, 1, part, parts);
            for (auto t = mine.begin; t < mine.end; ++t)
                stats_[t] = ops_.norm_back(dx + t * D, dy + t * D, x + t * D, n.gain, D, s_.norm_eps);
        });
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(D, num::lanes, part, parts);
            for (std::size_t t = 0; t < count; ++t)
                ops_.norm_vectors_back(g.gain + mine.begin, g.bias + mine.begin, dy + t * D + mine.begin,
                                       x + t * D + mine.begin, stats_[t], mine.end - mine.begin);
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
    template <class F>
    void each_head(const batch& b, const tape& t, F&& f) {
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
        normalise(t.x, w.before_attention);
        linear(t.qkv, normed_, w.qkv.w, w.qkv.bias, s_.qkv_rows(), D);
        rotate(t.qkv, b, 1);
        each_head(b, t, [&](std::size_t, const sequence& x, std::size_t g, std::size_t thread, float* scratch) {
            attend(ops_, *multiply_, thread, s_, x, g, scratch);
        });
        add_to_stream(t.x, t.mixed, w.attention_out, M);
        if (!s_.parallel_residual) std::memcpy(t.middle, out, rows_ * D * sizeof(float));
        normalise(ffn_input(t), w.before_ffn);
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
        normalise(ffn_input(t), w.before_ffn);
        linear_back(dnormed_, dwide_, normed_, w.ffn_up.w, g.ffn_up, F, D);
        normalise_back(d_, dnormed_, ffn_input(t), w.before_ffn, g.before_ffn, rows_);

        if (!s_.parallel_residual) out_back();
        std::memset(dwide_, 0, rows_ * R * sizeof(float));
        each_head(b, t, [&](std::size_t row, const sequence& x, std::size_t h, std::size_t thread, float* scratch) {
            attend_back(ops_, *multiply_, thread, s_, x, dwide_ + row * R, dmixed_ + row * M, h, scratch);
        });
        rotate(dwide_, b, -1);
        normalise(t.x, w.before_attention);
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
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(taught_.size(), 1, part, parts);
            for (auto i = mine.begin; i < mine.end; ++i)
                kernels_.layer_norm(normed_ + i * D, picked_ + i * D, w.last.gain, w.last.bias, D, s_.norm_eps);
        });
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
            team_->run([&](std::size_t part, std::size_t parts) {
                const auto mine = sys::slice_of(n, 1, part, parts);
                for (auto i = mine.begin; i < mine.end; ++i)
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
    std::optional<matmul> multiply_;
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
// ==== narae/store/fnv.hpp ====
// The hash by which a model file names the files that it was made from. Running a model needs no part of this.
// FNV-1a, 64 bits: Fowler, Noll and Vo.
namespace narae::inline NARAE_ABI::store {
/// The hash of these bytes; pass the last value to go on with the next piece. It tells files apart; it is no protection
/// against someone who wants two to look alike.
inline std::uint64_t fnv1a64(byte_view bytes, std::uint64_t hash = 0xCBF29CE484222325) noexcept {
    for (const auto b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001B3;
    return hash;
}
}  // namespace narae::inline NARAE_ABI::store
// ==== narae/learn/data.hpp ====
// What a model learns from: documents as token ids, dealt out as batches in an order that is a function of the seed and
// of the number of the batch alone, so that a resumed run sees just what an unbroken one sees.
// A document is <end of text>, its tokens; what follows is the next document, in the same row of tokens but unseen. Of
// two chats in a row the second sees the first every other time: so a model learns to answer after other questions.
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
        const auto bad = text::utf8_first_invalid(text);
        if (bad < text.size())
            return error{errc::bad_value,
                         concat({"line ", static_cast<std::uint64_t>(1 + std::ranges::count(text.substr(0, bad), '\n')),
                                 ": not UTF-8"}),
                         bad};
        std::vector<std::string_view> lines;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = (std::min)(text.find('\n', at), text.size());
            auto line = text.substr(at, end - at);
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (line.find_first_not_of(" \t") != line.npos) lines.push_back(line);
            at = end + 1;
        }
        if (lines.empty()) return error{errc::bad_value, "no text in it"};
        if (const auto share = hangul_share(text); share < 0.2)
            return error{errc::bad_value, concat({"only ", static_cast<std::uint64_t>(share * 100),
                                                  " % of its letters are Hangul: not a Korean text"})};
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
// ==== narae/token/packed_writer.hpp ====
// A tokenizer.json becomes the packed tokenizer of a model file, and the other way round. Read packed.hpp before.
// Running a model needs no part of this.
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
/// Where a list stands in the text of a tokenizer.json, and what to write there instead.
struct exchange {
    std::size_t at = 0, length = 0;
    std::string text;

    exchange(const text::json_value& v, std::string with) : at(v.at()), length(v.raw().size()), text(std::move(with)) {}
};
/// The text with vocabulary, merges and boundary weights (if it has any) exchanged for these.
inline std::string exchanged(std::string_view json, const text::json_value& model, std::string vocab,
                             std::string merges, std::string weights) {
    std::vector<exchange> all{{model["vocab"], std::move(vocab)}, {model["merges"], std::move(merges)}};
    if (const auto w = model["narae"]["boundaries"]["weights"]; w.is(text::json_kind::string))
        all.emplace_back(w, std::move(weights));
    std::string out;
    std::size_t done = 0;
    for (const auto i : sorted(all.size(), [&](auto a, auto b) { return all[a].at < all[b].at; })) {
        out.append(json.substr(done, all[i].at - done)).append(all[i].text);
        done = all[i].at + all[i].length;
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
        const std::uint64_t literal = spell_bytes(k.string(), spelled) ? 0 : 1;
        if (id >= ids.size()) ids.resize(static_cast<std::size_t>(id) + 1);
        longest = (std::max)(longest, 1 + 2 * spelled.size() + literal);
        ids[static_cast<std::size_t>(id)] = static_cast<std::uint32_t>(1 + 2 * spelled.size() + literal);
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
// ==== narae/learn/tokenizer.hpp ====
// Trains narae's own tokenizer: byte pair encoding inside morphemes, then frequent expressions across them. Read
// learn/boundaries.hpp and learn/bpe.hpp before. The result is a tokenizer.json that other tools load as a plain
// byte-level BPE; what they do not know stands in the section "narae" of its model.
namespace narae::inline NARAE_ABI::learn {
/// The tokens that stand for no text, by id; <|unused0|> and so on fill up the table to special_count.
inline constexpr std::array<std::string_view, 19> special_tokens = {
    "<|endoftext|>", "<|pad|>",    "<|sep|>",     "<|acc|>",       "<|tel|>",       "<|rrn|>",       "<|email|>",
    "<|addr|>",      "<|system|>", "<|/system|>", "<|user|>",      "<|/user|>",     "<|assistant|>", "<|/assistant|>",
    "<|polite|>",    "<|casual|>", "<|nfd|>",     "<|knowledge|>", "<|/knowledge|>"};
inline constexpr std::size_t special_count = 32;
inline constexpr std::string_view decomposed_token = "<|nfd|>";

struct tokenizer_options {
    std::size_t vocab = 32000;       ///< tokens in all, a multiple of 64; fewer where the texts hold too little
    std::size_t expressions = 1000;  ///< of these, expressions across morphemes
    double hiding = 10;              ///< an expression that hides n morpheme boundaries counts 1 / (1 + n * hiding)
    std::size_t digits = 3;          ///< in one token at most, 1 to 9
    std::size_t threads = 0;         ///< 0: one per processor; the result is the same for any number
    std::string attribution = {};    ///< kept in the file: whose analyses the boundaries were learned from
    /// Do they fit together? Errors: bad_argument.
    result<void> check() const {
        constexpr std::size_t least = (special_count + 256 + 64 + 63) / 64 * 64;
        const auto bad = [](std::initializer_list<piece> what) { return error{errc::bad_argument, concat(what)}; };
        if (vocab < least || vocab % 64 != 0)
            return bad({"a vocabulary of ", vocab, " tokens: not a multiple of 64 from ", least, " on"});
        if (expressions > vocab / 4) return bad({"more than a quarter of the vocabulary for expressions"});
        if (digits < 1 || digits > 9) return bad({digits, " digits in one token: not 1 to 9"});
        if (!(hiding >= 0)) return bad({"hiding is less than 0"});
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
        if (options_.expressions != 0) {
            const auto joined = join_expressions();
            if (!joined) return joined.error();
        }
        while (tokens_.size() % 64 != 0) add_unused();
        return json();
    }
    // --- 1. how often each piece of text stands in the input, Hangul letters as syllables ---
    /// f(part, parts) on every thread. Memory that is lacking on any of them is an error.
    template <class F>
    result<void> on_all_threads(F&& f) {
        std::vector<char> failed(team_->size());
        team_->run([&](std::size_t part, std::size_t parts) {
            failed[part] = !guarded([&]() -> result<void> {
                f(part, parts);
                return {};
            });
        });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        return {};
    }
    /// f(line) for part k of n of the lines of a text. They are dealt out by bytes: which part a line is in decides
    /// nothing but who works on it.
    template <class F>
    static void for_each_line(std::string_view text, std::size_t k, std::size_t n, F&& f) {
        const auto edge = [&](std::size_t i) {
            const auto at = text.size() * i / n;
            return i == 0 || i == n ? at : (std::min)(text.find('\n', at), text.size());
        };
        for (auto rest = text.substr(edge(k), edge(k + 1) - edge(k)); !rest.empty();) {
            const auto newline = (std::min)(rest.find('\n'), rest.size());
            f(rest.substr(0, newline));
            rest.remove_prefix((std::min)(newline + 1, rest.size()));
        }
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
                    for_each_line(t.substr(at, end - at), k, n, [&](std::string_view l) {
                        token::for_each_piece(l, [&](std::string_view p) { ++shares[k][key.assign(p)]; });
                    });
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
        token::segmenter cut(boundaries_.weights, boundaries_.cut, options_.digits);
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
        out += concat({R"("narae":{"version":1,"digits":)", options_.digits, R"(,"decomposed":)",
                       quoted(decomposed_token), R"(,"expressions":)", expressions_, R"(,"attribution":)",
                       quoted(options_.attribution), ",\n\"boundaries\":{\"cut\":", boundaries_.cut < 0 ? "-" : "",
                       static_cast<std::size_t>(boundaries_.cut < 0 ? -boundaries_.cut : boundaries_.cut),
                       R"(,"weights":")", token::base64_text(std::as_bytes(std::span(boundaries_.weights))),
                       "\"}},\n\"vocab\":{"});
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
            for_each_line(t, k, n, [&](std::string_view l) {
                encode.for_each_segment(l, [&](std::string_view s) {
                    ids.clear();
                    encode.encode_segment(s, ids);
                    for (std::size_t i = 0; i < ids.size(); ++i) shares[k].push_back(ids[i] | (i == 0 ? begins : 0));
                });
                shares[k].push_back(line);
            });
    });
    if (!encoded) return encoded;

    const auto hangul_end = [&](token::token_id id) {
        return tokens_[id].size() >= 3 && ends_in_syllable(tokens_[id]);
    };
    const auto hangul_begin = [&](token::token_id id) {
        return text::is_syllable(text::utf8_front(tokens_[id]).code_point);
    };
    std::vector<std::uint32_t> hidden(tokens_.size());         // morpheme boundaries inside an expression
    std::unordered_map<std::uint64_t, token::token_id> known;  // all merges: a pair can be one of the two kinds only
    for (const auto& p : merges_) known.emplace(std::uint64_t{p.first} << 32 | p.second, 0);
    constexpr std::size_t rounds = 8;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress_(750 + round * 250 / rounds, 1000)) return error{errc::cancelled, "cancelled"};
        std::vector<std::unordered_map<std::uint64_t, std::uint64_t>> tallies(team_->size());
        const auto tallied = on_all_threads([&](std::size_t k, std::size_t) {
            auto& ids = shares[k];
            // What the round before has found is joined first, left to right, as the encoder does.
            std::size_t to = 0;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                if (to > 0 && ids[i] != line && ids[to - 1] != line && (ids[i] & begins) != 0) {
                    const auto left = ids[to - 1] & ~begins, right = ids[i] & ~begins;
                    const auto found = known.find(std::uint64_t{left} << 32 | right);
                    if (found != known.end() && found->second != 0) {
                        ids[to - 1] = found->second | (ids[to - 1] & begins);
                        continue;
                    }
                }
                ids[to++] = ids[i];
            }
            ids.resize(to);
            for (std::size_t i = 0; i + 1 < ids.size(); ++i)
                if (ids[i] != line && ids[i + 1] != line && (ids[i + 1] & begins) != 0)
                    ++tallies[k][std::uint64_t{ids[i] & ~begins} << 32 | (ids[i + 1] & ~begins)];
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
            const id_pair p{static_cast<token::token_id>(pair >> 32), static_cast<token::token_id>(pair)};
            if (n < 20 || known.count(pair) || !(hangul_end(p.first) || ends_in_syllable(tokens_[p.second]))) continue;
            if (by_bytes_.count(tokens_[p.first] + tokens_[p.second])) continue;
            const auto hides = hidden[p.first] + hidden[p.second] + (hangul_end(p.first) && hangul_begin(p.second));
            candidates.push_back({static_cast<double>(n) / (1 + options_.hiding * hides), p, hides});
        }
        std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
            return a.gain != b.gain ? a.gain > b.gain : a.pair < b.pair;
        });
        const auto until = options_.expressions * (round + 1) / rounds;
        for (const auto& c : candidates) {
            if (expressions_ == until) break;
            if (by_bytes_.count(tokens_[c.pair.first] + tokens_[c.pair.second])) continue;
            known[std::uint64_t{c.pair.first} << 32 | c.pair.second] = static_cast<token::token_id>(tokens_.size());
            merge(c.pair);
            hidden.push_back(c.hides);
            ++expressions_;
        }
    }
    return {};
}
}  // namespace narae::inline NARAE_ABI::learn
// ==== narae/sys/scratch.hpp ====
// Large arrays of floats that training needs: in memory, or in a file that is mapped and goes away with the object.
// Pages of the file count as memory only while they are in use; the system writes them out when it needs room.
#ifndef NARAE_NO_FILES
namespace narae::inline NARAE_ABI::sys {
/// `size()` floats, all zero at first. Moves, never copies.
class scratch {
public:
    scratch() = default;
    scratch(scratch&& other) noexcept { *this = std::move(other); }
    scratch& operator=(scratch&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(mapped_, other.mapped_);
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~scratch() {
#if NARAE_POSIX
        if (mapped_) ::munmap(data_, size_ * sizeof(float));
#endif
    }
    /// In memory where `path` is empty; else in a new file of that name, which must not be there and which nobody sees
    /// by its name once this has returned. Errors: no memory; what the system says of the file, such as a full disk.
    static result<scratch> make(std::size_t size, const std::string& path = {}) {
        scratch s;
        s.size_ = size;
        if (path.empty()) {
            error why;
            if (!buffer<float>::make(size).into(s.memory_, why)) return why;
            s.data_ = s.memory_.data();
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
        s.data_ = static_cast<float*>(at);
        s.mapped_ = true;
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
        if (end > begin) ::madvise(data_ + begin, (end - begin) * sizeof(float), MADV_DONTNEED);  // shared: kept
#else
        (void)from, (void)n;
#endif
    }
    float* data() noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
private:
    float* data_ = nullptr;
    std::size_t size_ = 0;
    bool mapped_ = false;
    buffer<float> memory_;
};
}  // namespace narae::inline NARAE_ABI::sys
#endif  // NARAE_NO_FILES
// ==== narae/num/to_half.hpp ====
// From float to IEEE 754 binary16, rounded to nearest, ties to even, by integer arithmetic as in num/half.hpp.
// Running a model needs no part of this.
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
// ==== narae/num/pack.hpp ====
// Packs weights into 8 and 4 bits, each group by itself, rounding to nearest. Read q8.hpp and q4.hpp for the layouts.
// Running a model needs no part of this.
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

    q4_scale(const float* w, std::size_t n) noexcept {
        float largest = 0;
        for (std::size_t i = 0; i < n; ++i) largest = std::abs(w[i]) > std::abs(largest) ? w[i] : largest;
        stored = f32_to_f16(largest / -8);
        scale = f16_to_f32(stored);
        inverse = scale < 0 || scale > 0 ? 1 / scale : 0;
    }
    /// 0 .. 15
    int code(float w) const noexcept {
        const int q = round_q8(w * inverse);
        return (q < -8 ? -8 : q > 7 ? 7 : q) + 8;
    }
};
/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q4_layout::tile_bytes(k) bytes, plain rounding.
inline void pack_tile_q4(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    std::memset(tile, 0, q4_layout::scale_bytes(k));
    std::byte* codes = tile + q4_layout::scale_bytes(k);
    std::memset(codes, 0x88, groups_of(k) * q4_layout::group_bytes);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            const q4_scale by(w, n);
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
// ==== narae/store/config_json.hpp ====
// Writes the config.json that config.hpp reads; read that before. Running a model needs no part of this.
namespace narae::inline NARAE_ABI::store {
/// x as a JSON number that json_value::real reads back to the same double, for the short decimals of configs.
inline std::string json_number(double x) {
    if (x < 0) return std::string("-").append(json_number(-x));
    double power = 1;
    int digits = 0;
    while (digits < 22 && x * power < 1e15 && std::floor(x * power + 0.5) / power != x)
        power = std::pow(10.0, ++digits);
    auto text = std::to_string(static_cast<std::uint64_t>(std::floor(x * power + 0.5)));
    if (digits == 0) return text;
    const auto point = static_cast<std::size_t>(digits);
    if (text.size() <= point) text = std::string(point + 1 - text.size(), '0') + text;
    return text.substr(0, text.size() - point) + "." + text.substr(text.size() - point);
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
// ==== narae/sys/file_sink.hpp ====
// A file being written: under a name beside the wanted one, and renamed only when every byte is safely down.
// Until commit() succeeds the old file, if any, is untouched; a sink that goes away earlier leaves nothing.
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
        : file_(std::exchange(other.file_, nullptr)),
          path_(std::move(other.path_)),
          beside_(std::move(other.beside_)) {}
    file_sink& operator=(file_sink&&) = delete;
    ~file_sink() {
        if (file_ == nullptr) return;
        std::fclose(file_);
        std::remove(beside_.c_str());
    }
    static result<file_sink> create(const std::string& path) {
        if (is_folder(path)) return error{errc::io, concat({path, ": cannot write: is a folder"})};
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
        auto failed = ok ? error{} : system_error(path_, "cannot write");
        if (std::fclose(std::exchange(file_, nullptr)) != 0 && ok) {
            ok = false;
            failed = system_error(path_, "cannot write");
        }
#if !NARAE_POSIX
        if (ok) std::remove(path_.c_str());  // elsewhere rename does not replace
#endif
        if (ok && std::rename(beside_.c_str(), path_.c_str()) != 0) {
            ok = false;
            failed = system_error(path_, "cannot rename into place");
        }
        if (ok) return {};
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
// ==== narae/store/safetensors_writer.hpp ====
// Writes what safetensors.hpp reads; read that before. Running a model needs no part of this.
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
/// Everything of a file that stands before its data: the length and the header, padded with spaces so that the data
/// begin on a 64-byte boundary. The tensors' bytes follow in the order of `tensors`.
inline result<std::string> safetensors_header(const std::vector<tensor_plan>& tensors, const metadata_list& metadata) {
    std::string json = "{";
    if (!metadata.empty()) {
        json += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata) {
            if (json.back() != '{') json += ',';
            json += text::json_quote(key) + ":" + text::json_quote(value);
        }
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
        if (json.size() > 1) json += ',';
        json += text::json_quote(t.name) + ":{\"dtype\":\"" + std::string(dtype_name(t.type)) + "\",\"shape\":[";
        for (std::size_t i = 0; i < t.shape.size(); ++i) json.append(i ? "," : "").append(std::to_string(t.shape[i]));
        json += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + n) + "]}";
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
/// Writes a safetensors file piece by piece: plan all tensors, append their bytes in that order, commit.
/// A tensor starts on a 64-byte boundary if the sizes of all before it are multiples of 64: plan the others last.
class safetensors_writer {
public:
    static result<safetensors_writer> create(const std::string& path, std::vector<tensor_plan> tensors,
                                             const metadata_list& metadata) {
        const auto header = safetensors_header(tensors, metadata);
        if (!header) return header.error().in(path);
        auto sink = sys::file_sink::create(path);
        if (!sink) return sink.error();
        const auto written = sink->write(as_bytes(*header));
        if (!written) return written.error();
        return safetensors_writer(path, std::move(*sink), std::move(tensors), header->size());
    }
    /// The next bytes of the tensor `name`, little-endian and row-major; a tensor may come in any number of pieces.
    result<void> append(std::string_view name, byte_view piece) {
        skip_finished();
        const auto refuse = [&](std::string_view why) {
            return error{errc::bad_argument, concat({path_, ": ", printable(name), ": ", why})};
        };
        if (piece.empty()) return {};
        if (now_ == tensors_.size()) return refuse("every planned tensor is written already");
        if (tensors_[now_].name != name) return refuse("the turn of " + printable(tensors_[now_].name));
        if (piece.size() > planned_bytes(tensors_[now_]) - written_) return refuse("more bytes than planned");
        written_ += piece.size();
        return sink_.write(piece);
    }
    /// The size of the whole file, once it is written.
    std::uint64_t bytes() const noexcept {
        std::uint64_t n = header_size_;
        for (const auto& t : tensors_) n += planned_bytes(t);
        return n;
    }
    /// Puts other metadata, of just the same length, in place of what create() was given: for figures that are known
    /// only when all is written. Only commit() may follow.
    result<void> rewrite_metadata(const metadata_list& metadata) {
        const auto header = safetensors_header(tensors_, metadata);
        if (!header) return header.error().in(path_);
        if (header->size() != header_size_)
            return error{errc::bad_argument, path_ + ": metadata of another length than planned"};
        return sink_.rewrite_front(as_bytes(*header));
    }
    /// Puts the finished file in place; an error, and no file, if bytes are still missing.
    result<void> commit() {
        skip_finished();
        if (now_ != tensors_.size())
            return error{errc::bad_argument, path_ + ": " + printable(tensors_[now_].name) + ": bytes are missing"};
        return sink_.commit();
    }
private:
    safetensors_writer(std::string path, sys::file_sink sink, std::vector<tensor_plan> tensors, std::size_t header_size)
        : path_(std::move(path)), sink_(std::move(sink)), tensors_(std::move(tensors)), header_size_(header_size) {}

    void skip_finished() noexcept {
        for (; now_ < tensors_.size() && written_ == planned_bytes(tensors_[now_]); ++now_) written_ = 0;
    }
    std::string path_;
    sys::file_sink sink_;
    std::vector<tensor_plan> tensors_;
    std::size_t header_size_;
    std::size_t now_ = 0;        // the tensor being written
    std::uint64_t written_ = 0;  // bytes of it that are down
};
#endif
}  // namespace narae::inline NARAE_ABI::store
// ==== narae/learn/trainer.hpp ====
// A training run: batches through the network, AdamW, and a state file from which it goes on bit by bit as if it had
// never stopped. Everything a step does is a function of the options, the documents and the number of the step.
// Read network.hpp and data.hpp before.
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
            const auto l = net_->run(seen, row(1).data(), batch_.view(), teacher);
            loss.nats += l.nats;
            loss.tokens += l.tokens;
        }
        const auto tokens = static_cast<double>((std::max<std::size_t>)(1, loss.tokens));
        step_report r{loss.mean(), std::sqrt(squares(row(1))) / tokens, rate_at(step_)};
        const auto refuse = [&](std::initializer_list<piece> why) {
            std::memset(row(1).data(), 0, row(1).size() * sizeof(float));
            return error{errc::bad_value, concat({"step ", step_ + 1, ": ", concat(why)})};
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
        const double clipped = r.gradient_norm > static_cast<double>(options_.clip)
                                   ? static_cast<double>(options_.clip) / r.gradient_norm
                                   : 1.0;
        const auto unbias = [&](float beta) {
            return static_cast<float>(1 / (1 - std::pow(static_cast<double>(beta), static_cast<double>(step_))));
        };
        kernel::adamw_step how{r.rate,
                               options_.beta1,
                               options_.beta2,
                               options_.eps,
                               r.rate * options_.decay,
                               unbias(options_.beta1),
                               unbias(options_.beta2),
                               static_cast<float>(clipped / tokens)};
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
            const auto l = net_->run(seen, nullptr, batch_.view());
            loss.nats += l.nats;
            loss.tokens += l.tokens;
        }
        return loss;
    }
    /// Writes all that a run needs to go on. What was at `path` stays until the new file is whole.
    result<void> save(const std::string& path, const documents& from) {
        std::vector<store::tensor_plan> plan;
        for (const char* name : state_names) plan.push_back({name, store::dtype::f32, {count_.all}});
        auto facts = facts_of(from);
        facts.emplace_back("narae.train.step", std::to_string(step_));
        facts.emplace_back("narae.train.tokens", std::to_string(tokens_));
        facts.emplace_back("narae.train.smooth", std::to_string(std::bit_cast<std::uint64_t>(smooth_)));
        facts.emplace_back("narae.train.lowest", std::to_string(std::bit_cast<std::uint64_t>(lowest_)));
        auto out = store::safetensors_writer::create(path, plan, facts);
        if (!out) return out.error();
        for (std::size_t i = 0; i < 3; ++i)
            if (const auto fine = append(*out, state_names[i], row(i == 0 ? 0 : i + 1)); !fine) return fine.error();
        return out->commit();
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
        const auto bad = [&](std::string_view why) { return error{errc::bad_value, concat({path, ": ", why})}; };
        for (const auto& [key, mine] : facts_of(from))
            if (value(key) != mine)
                return bad(concat({"is the state of another run: its ", key.substr(key.rfind('.') + 1), " is ",
                                   value(key).empty() ? "missing" : value(key), ", not ", mine}));
        std::uint64_t bits[4] = {};
        const char* const keys[] = {"narae.train.step", "narae.train.tokens", "narae.train.smooth",
                                    "narae.train.lowest"};
        for (std::size_t i = 0; i < 4; ++i)
            if (!detail::read_whole(value(keys[i]), bits[i])) return bad(concat({keys[i], " is no number"}));
        for (std::size_t i = 0; i < 3; ++i) {
            const store::tensor* found = nullptr;
            for (const auto& t : state->tensors)
                if (t.name == state_names[i]) found = &t;
            if (found == nullptr || found->type != store::dtype::f32 || found->bytes.size() != count_.all * 4)
                return bad(concat({"no whole ", state_names[i]}));
            auto to = row(i == 0 ? 0 : i + 1);
            for (std::size_t n = 0; n < to.size(); ++n) to[n] = load_le<float>(found->bytes.data() + n * 4);
            file->let_go(found->bytes);
        }
        step_ = bits[0], tokens_ = bits[1];
        smooth_ = std::bit_cast<double>(bits[2]), lowest_ = std::bit_cast<double>(bits[3]);
        return {};
    }
    /// Writes the narae file of the weights as they are, f32. `tokenizer`: tokenizer.json or its packed form;
    /// `metadata`: history and what else is to be told.
    result<std::uint64_t> write_model(const std::string& path, byte_view tokenizer, store::metadata_list metadata) {
        auto packed = token::pack_tokenizer(tokenizer);
        if (!packed) return packed.error().in("the tokenizer");
        std::vector<store::tensor_plan> plan;
        for (const auto& m : model::matrix_names(shape_)) plan.push_back({m.name, store::dtype::f32, {m.N, m.K}});
        for (const auto& [name, n] : model::vector_names(shape_)) plan.push_back({name, store::dtype::f32, {n}});
        plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {packed->size()}});
        metadata.insert(metadata.begin(), {{std::string(store::narae_version_key), std::string(store::narae_version)},
                                           {std::string(store::narae_config_key), store::config_json(config_)}});
        auto out = store::safetensors_writer::create(path, plan, metadata);
        if (!out) return out.error();
        auto left = weights();
        for (const auto& t : plan) {
            if (t.name == store::narae_tokenizer) break;
            const auto n = static_cast<std::size_t>(store::planned_bytes(t)) / 4;
            if (const auto fine = append(*out, t.name, left.first(n)); !fine) return fine.error();
            left = left.subspan(n);
        }
        if (const auto fine = out->append(store::narae_tokenizer, as_bytes(*packed)); !fine) return fine.error();
        const auto bytes = out->bytes();
        if (const auto fine = out->commit(); !fine) return fine.error();
        return bytes;
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
    static constexpr const char* state_names[] = {"weights", "first_moment", "second_moment"};

    trainer(const store::config& config, const train_options& o, sys::team& team, bool exact)
        : config_(config),
          shape_(config),
          options_(o),
          team_(&team),
          exact_(exact),
          count_(count_parameters(shape_)),
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
            team_->run([&](std::size_t part, std::size_t parts) {
                const auto mine = sys::slice_of(m.N, 1, part, parts);
                for (auto r = mine.begin; r < mine.end; ++r) num::round_to_q4(to + r * m.K, from + r * m.K, m.K);
            });
            at += m.N * m.K;
        }
        return row(4).data();
    }
    /// The sum of squares, in an order that no number of threads changes.
    double squares(std::span<const float> x) {
        constexpr std::size_t piece = 4096;
        std::vector<float> sums((x.size() + piece - 1) / piece);
        team_->run([&](std::size_t part, std::size_t parts) {
            const auto mine = sys::slice_of(sums.size(), 1, part, parts);
            for (auto i = mine.begin; i < mine.end; ++i) {
                const auto* from = x.data() + i * piece;
                sums[i] = ops_.dot(from, from, (std::min)(piece, x.size() - i * piece));
            }
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
        return {{"narae.train.shape", store::config_json(config_)},
                {"narae.train.corpus", concat({from.count(), " documents, hash ", from.hash()})},
                {"narae.train.options", concat({"steps ",
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
                                                exact_ ? "" : ", bf16"})}};
    }
    static result<void> append(store::safetensors_writer& out, std::string_view name, std::span<const float> numbers) {
        std::vector<std::byte> bytes;
        for (std::size_t at = 0; at < numbers.size();) {
            const auto n = (std::min<std::size_t>)(numbers.size() - at, 1 << 18);
            bytes.resize(n * 4);
            for (std::size_t i = 0; i < n; ++i) store_le(bytes.data() + i * 4, numbers[at + i]);
            if (const auto fine = out.append(name, bytes); !fine) return fine.error();
            at += n;
        }
        return {};
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
// ==== narae/quant/rows.hpp ====
// Rows of a matrix on their way into a model file: read as floats, checked, put into a number format, written in order.
// A team works on tiles of 16 rows, a few MB at a time; the bytes and the figures do not depend on its size.
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
/// Puts rows[count][k], count <= 16, where a matrix of this format (f32, f16, q8 or q4) has them.
inline void encode_tile(std::byte* out, model::format type, const float* rows, std::size_t count,
                        std::size_t k) noexcept {
    switch (type) {
        case model::format::q4: return num::pack_tile_q4(out, rows, count, k);
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
/// Writes one matrix after the other.
class row_writer {
public:
    static result<row_writer> make(std::size_t threads) {
        auto team = sys::team::make(threads);
        if (!team) return team.error();
        row_writer w;
        w.team_ = std::move(*team);
        return w;
    }
    /// Appends an [N, K] matrix to `out`, as plan_matrix() planned it. read(row, floats[K]) is called once for each
    /// row, by several threads; `done(first row, past the last)` returns result<void> and is called in order, by one.
    /// `place` names the matrix's source in errors.
    template <class Read, class Done>
    result<void> write(store::safetensors_writer& out, const store::tensor_plan& plan, const std::string& place,
                       model::format type, std::size_t N, std::size_t K, Read&& read, Done&& done) {
        constexpr std::size_t batch_bytes = std::size_t{4} << 20;
        const auto tile_bytes = model::matrix_bytes(type, num::tile_rows, K);
        const auto batch = (std::min)(num::tiles_of(N), (std::max)(batch_bytes / tile_bytes, team_->size()));
        const auto tile_floats = num::tile_rows * K;
        auto bytes = sys::buffer<std::byte>::make(batch * tile_bytes);
        auto floats = sys::buffer<float>::make(team_->size() * (tile_floats + K));
        if (!bytes || !floats) return (!bytes ? bytes.error() : floats.error()).in(place);
        std::vector<tile_figures> figures(batch);

        for (std::size_t from = 0; from < N; from += batch * num::tile_rows) {
            const auto to = (std::min)(N, from + batch * num::tile_rows);
            team_->run([&](std::size_t part, std::size_t parts) {
                float* const rows = floats->data() + part * (tile_floats + K);
                const auto mine = sys::slice_of(num::tiles_of(to - from), 1, part, parts);
                for (auto t = mine.begin; t < mine.end; ++t) {
                    const auto row = from + t * num::tile_rows, count = (std::min)(num::tile_rows, N - row);
                    for (std::size_t r = 0; r < count; ++r) read(row + r, rows + r * K);
                    figures[t] = encode(bytes->data() + t * tile_bytes, type, rows, count, K, rows + tile_floats);
                }
            });
            for (std::size_t t = 0; t < num::tiles_of(to - from); ++t) {
                const auto& f = figures[t];
                if (f.unfit != nowhere)
                    return unfit(
                        place, f.unfit_weight,
                        std::to_string(from + t * num::tile_rows + f.unfit / K) + ", " + std::to_string(f.unfit % K));
                squares_ += f.squares;
                lost_ += f.lost;
            }
            const auto encoded =
                model::packed(type) ? num::tiles_of(to - from) * tile_bytes : model::matrix_bytes(type, to - from, K);
            const auto written = out.append(plan.name, bytes->span().first(encoded));
            if (!written) return written;
            const auto going = done(from, to);
            if (!going) return going;
        }
        return {};
    }
    /// sqrt(sum (w - w')^2 / sum w^2) over all matrices so far: what the number format lost.
    double weight_error() const noexcept { return squares_ > 0 ? std::sqrt(lost_ / squares_) : 0; }
private:
    struct tile_figures {
        double squares = 0, lost = 0;
        std::uint64_t unfit = nowhere;
        float unfit_weight = 0;
    };
    row_writer() = default;

    static tile_figures encode(std::byte* out, model::format type, const float* rows, std::size_t count, std::size_t K,
                               float* back) noexcept {
        tile_figures f;
        if (const auto i = first_unfit(rows, count * K, type); i != count * K) {
            f.unfit = i;
            f.unfit_weight = rows[i];
            return f;
        }
        encode_tile(out, type, rows, count, K);
        const model::matrix tile{type, count, K, out};
        for (std::size_t r = 0; r < count; ++r) {
            model::copy_row(back, tile, r);
            for (std::size_t i = 0; i < K; ++i) {
                const double w = rows[r * K + i], difference = w - back[i];
                f.squares += w * w;
                f.lost += difference * difference;
            }
        }
        return f;
    }
    std::unique_ptr<sys::team> team_;
    double squares_ = 0, lost_ = 0;
};
/// Appends a vector as f32, or as f16 where the whole file is to be f16. read(i) is its element i.
template <class Read>
result<void> write_vector(store::safetensors_writer& out, const store::tensor_plan& plan, const std::string& place,
                          std::size_t n, Read&& read) {
    const auto type = plan.type == store::dtype::f16 ? model::format::f16 : model::format::f32;
    std::vector<float> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = read(i);
    if (const auto i = first_unfit(values.data(), n, type); i != n) return unfit(place, values[i], std::to_string(i));
    std::vector<std::byte> bytes(model::matrix_bytes(type, 1, n));
    encode_tile(bytes.data(), type, values.data(), 1, n);
    return out.append(plan.name, bytes);
}
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// ==== narae/quant/transplant.hpp ====
// A model changes its vocabulary: each row of the new embedding (and head) starts from the old rows that spell its
// token. An exact match is a copy; several pieces give their mean, as in Gee et al. 2022, "Fast Vocabulary Transfer"
// (EMNLP industry track), weighted by where they stand: a start, from which training goes on.
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
        constexpr std::size_t chunk = 128;  // columns at a time, so that nothing needs to be allocated
        float part[chunk];
        const auto K = old.view.K;
        for (std::size_t at = 0; at < K; at += chunk) {
            const auto n = (std::min)(chunk, K - at);
            double sums[chunk] = {}, weight = 1, weights = 0;
            for (const auto id : from) {
                const auto first = std::size_t{id} * K + at;
                if (old.view.data != nullptr)
                    model::copy_row(
                        part, {old.view.type, 1, n, old.view.data + first * model::matrix_bytes(old.view.type, 1, 1)},
                        0);
                else
                    for (std::size_t i = 0; i < n; ++i) part[i] = model::element(*old.tensor, first + i);
                for (std::size_t i = 0; i < n; ++i) sums[i] += weight * static_cast<double>(part[i]);
                weights += weight;
                weight *= ratio;
            }
            for (std::size_t i = 0; i < n; ++i)
                out[at + i] = from.empty() ? 0.0f : static_cast<float>(sums[i] / weights);
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
// ==== narae/quant/convert.hpp ====
// An original checkpoint becomes a narae file: every tensor is checked before anything is written, then they stream
// through one after the other, so that memory is needed for a few MB of rows and not for the model.
// Read store/format.hpp (what the file holds) and quant/rows.hpp before.
#ifndef NARAE_NO_FILES
#include <set>
namespace narae::inline NARAE_ABI::quant {
struct convert_options {
    model::format type = model::format::q4;  ///< of the matrices: q4, q8, f16 or f32; vectors are always f32
    std::size_t threads = 0;                 ///< 0: one per processor, at most 16; the file is the same for any number
    std::string tokenizer{};  ///< a tokenizer.json that replaces the checkpoint's own, see transplant.hpp
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

    double bits_per_weight() const noexcept {
        return weights == 0 ? 0 : 8 * static_cast<double>(weight_bytes) / static_cast<double>(weights);
    }
};
namespace detail {
/// x >= 0 with `digits` decimals, in any locale; the length is the same for all x below 10.
inline std::string decimal(double x, unsigned digits) {
    std::uint64_t power = 1;
    for (unsigned i = 0; i < digits; ++i) power *= 10;
    const auto n = static_cast<std::uint64_t>(x * static_cast<double>(power) + 0.5);
    const auto fraction = std::to_string(n % power);
    return std::to_string(n / power) + "." + std::string(digits - fraction.size(), '0') + fraction;
}
/// The JSON array `list` (empty text: an empty array) with one more value.
inline result<std::string> appended(std::string_view list, std::string_view value, const std::string& place) {
    if (list.empty()) return "[" + std::string(value) + "]";
    const auto doc = text::json::parse(list);
    if (!doc) return doc.error().in(place);
    if (!doc->root().is(text::json_kind::array)) return error{errc::bad_value, place + ": not an array"};
    const auto body = list.substr(0, list.rfind(']'));
    return std::string(body) + (doc->root().size() == 0 ? "" : ",") + std::string(value) + "]";
}
inline std::string hex(std::uint64_t n) {
    std::string s;
    for (int shift = 60; shift >= 0; shift -= 4) s += "0123456789abcdef"[n >> shift & 15];
    return s;
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
        std::uint64_t hash = store::fnv1a64({});
        for (auto left = file.bytes; !left.empty();) {
            const auto piece = left.first((std::min)(left.size(), piece_bytes));
            hash = store::fnv1a64(piece, hash);
            from.let_go(piece);
            left = left.subspan(piece.size());
            const auto going = count.add(piece.size());
            if (!going) return going.error();
        }
        auto longer =
            appended(list,
                     "{\"name\":" + text::json_quote(file.name) + ",\"size\":" + std::to_string(file.bytes.size()) +
                         ",\"fnv1a64\":\"" + hex(hash) + "\"}",
                     file.name + ": " + std::string(store::narae_source_key));
        if (!longer) return longer.error();
        list = std::move(*longer);
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
        auto packed = token::pack_tokenizer(file->bytes());
        if (!packed) return packed.error().in(tokenizer_path);
        const auto old = token::tokenizer::parse(from.tokenizer_json());
        if (!old) return old.error().in(place);
        if (old->size() > old_rows)
            return error{errc::bad_value, concat({place, ": the tokenizer has ", old->size(), " ids, the model only ",
                                                  old_rows, " rows"})};
        auto rows = transplant::make(*old, old_rows, *to);
        if (rows.tokens() == 0) return error{errc::bad_value, tokenizer_path + ": has no tokens"};
        auto config = transplanted_config(from.config_text(), *old, *to, rows.rows());
        if (!config) return config.error().in(from.config_name());
        if (const auto fits = store::parse_config(*config); !fits) return fits.error().in(tokenizer_path);
        return vocabulary{std::move(*packed), std::move(rows), std::move(*config)};
    }
};
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
            auto packed = token::pack_tokenizer(source->tokenizer_json());
            if (!packed) return packed.error().in(from);
            tokenizer = std::move(*packed);
        }
        if (sys::same_file(options.tokenizer, to))
            return error{errc::bad_argument, to + ": cannot write: is the new tokenizer itself"};
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
        for (const auto& [name, stored] : all->matrices) {
            if (model::packed(stored.view.type))
                return error{errc::unsupported, stored.tensor->file + ": " + stored.tensor->name +
                                                    ": is packed already; convert the original checkpoint instead"};
            const auto N = is_vocabulary(name.name) ? vocabulary->rows() : name.N;
            plan.push_back(plan_matrix({name.name, N, name.K}, options.type));
            report.weights += std::uint64_t{N} * name.K;
            count.total += stored.tensor->bytes.size();
        }
        for (const auto* t : all->vectors) {
            plan.push_back({t->name, store::dtype::f32, t->shape});
            report.weights += t->shape[0];
        }
        for (const auto& t : plan) report.weight_bytes += store::planned_bytes(t);
        if (!tokenizer.empty())
            plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {tokenizer.size()}});

        const auto sources = detail::describe_sources(*source, count);
        if (!sources) return sources.error();
        const auto describe = [&](double weight_error) -> result<store::metadata_list> {
            auto history = std::string(source->metadata(store::narae_history_key));
            const auto place = from + ": " + std::string(store::narae_history_key);
            if (vocabulary) {
                auto longer = detail::appended(history,
                                               "{\"step\":\"tokenizer\",\"narae\":\"" + std::string(version_text) +
                                                   "\",\"tokens\":" + std::to_string(report.tokens) +
                                                   ",\"copied\":" + detail::decimal(report.tokens_copied, 4) +
                                                   ",\"pieces\":" + detail::decimal(report.tokens_pieces, 4) + "}",
                                               place);
                if (!longer) return longer.error();
                history = std::move(*longer);
            }
            const auto longer = detail::appended(
                history,
                "{\"step\":\"convert\",\"narae\":\"" + std::string(version_text) + "\",\"type\":\"" +
                    std::string(model::format_name(options.type)) + "\",\"weights\":" + std::to_string(report.weights) +
                    ",\"bits_per_weight\":" + detail::decimal(report.bits_per_weight(), 4) +
                    ",\"weight_error\":" + detail::decimal(weight_error, 9) + "}",
                place);
            if (!longer) return longer.error();
            return store::metadata_list{
                {std::string(store::narae_version_key), std::string(store::narae_version)},
                {std::string(store::narae_config_key), config_text},
                {std::string(store::narae_history_key), *longer},
                {std::string(store::narae_source_key), *sources},
            };
        };
        auto metadata = describe(0);
        if (!metadata) return metadata.error();

        auto rows = row_writer::make(options.threads);
        if (!rows) return rows.error();
        auto out = store::safetensors_writer::create(to, plan, *metadata);
        if (!out) return out.error();
        const auto* planned = plan.data();
        for (const auto& [name, stored] : all->matrices) {
            const auto& tensor = *stored.tensor;
            const bool changed = is_vocabulary(name.name);
            const double ratio = s.tied ? tied_ratio : name.name == "embed_out.weight" ? head_ratio : embedding_ratio;
            const auto N = changed ? vocabulary->rows() : name.N;
            const auto done = [&](std::size_t row) { return std::uint64_t{tensor.bytes.size()} * row / N; };
            const auto written = rows->write(
                *out, *planned++, tensor.file + ": " + tensor.name, options.type, N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    changed ? vocabulary->read_row(floats, row, matrix, ratio) : matrix.read_row(floats, row);
                },
                [&](std::size_t begin, std::size_t end) {
                    source->let_go(tensor);  // what has been read of it
                    return count.add(done(end) - done(begin));
                });
            if (!written) return written.error();
        }
        for (const auto* t : all->vectors) {
            const auto written =
                write_vector(*out, *planned++, t->file + ": " + t->name, static_cast<std::size_t>(t->shape[0]),
                             [&](std::size_t i) { return model::element(*t, i); });
            if (!written) return written.error();
        }
        const auto copied = out->append(store::narae_tokenizer, as_bytes(tokenizer));
        if (!copied) return copied.error();

        report.weight_error = rows->weight_error();
        metadata = describe(report.weight_error);
        if (!metadata) return metadata.error();
        const auto described = out->rewrite_metadata(*metadata);
        if (!described) return described.error();
        report.file_bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return report;
    });
}
}  // namespace narae::inline NARAE_ABI::quant
// ==== narae/quant/export.hpp ====
// A model goes back to where others read it: a Hugging Face checkpoint, config.json, model.safetensors, tokenizer.json.
// Packed weights are unpacked; heads that share keys and values get a copy each, because GPT-NeoX knows plain heads
// only.
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
            return error{errc::unsupported, source->config_name() + ": " + std::to_string(s.H) + " heads of " +
                                                std::to_string(s.E) + " do not fill the width " + std::to_string(s.D) +
                                                ", which other engines cannot load"};
        config->kv_heads = config->heads;
        const model::shape plain(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();

        const auto dtype = type == model::format::f16 ? store::dtype::f16 : store::dtype::f32;
        const auto is_qkv = [](const std::string& name) {
            return name.ends_with(".query_key_value.weight") || name.ends_with(".query_key_value.bias");
        };
        std::vector<store::tensor_plan> plan;
        for (const auto& [name, stored] : all->matrices)
            plan.push_back(plan_matrix({name.name, is_qkv(name.name) ? plain.qkv_rows() : name.N, name.K}, type));
        for (const auto* t : all->vectors)
            plan.push_back({t->name, dtype, {is_qkv(t->name) ? plain.qkv_rows() : t->shape[0]}});
        progress_count count{on_progress};
        for (const auto& t : plan) count.total += store::planned_bytes(t);

        const auto end = detail::end_of_text(*source, from);
        if (!end) return end.error();
        auto more = "  \"torch_dtype\": \"" + std::string(type == model::format::f16 ? "float16" : "float32") + "\",\n";
        if (!end->empty()) more += "  \"bos_token_id\": " + *end + ",\n  \"eos_token_id\": " + *end + ",\n";
        const auto described = detail::write_text(folder + "/config.json", as_bytes(store::config_json(*config, more)));
        if (!described) return described.error();
        if (const auto packed = source->tokenizer_json(); !packed.empty()) {
            const auto json = token::unpack_tokenizer(packed);
            if (!json) return json.error().in(from);
            const auto copied = detail::write_text(folder + "/tokenizer.json", as_bytes(*json));
            if (!copied) return copied.error();
        }
        auto rows = row_writer::make(0);
        if (!rows) return rows.error();
        auto out = store::safetensors_writer::create(folder + "/model.safetensors", plan, {{"format", "pt"}});
        if (!out) return out.error();
        const auto* planned = plan.data();
        for (const auto& [name, stored] : all->matrices) {
            const auto N = static_cast<std::size_t>(planned->shape[0]);
            const bool qkv = is_qkv(name.name);
            const auto written = rows->write(
                *out, *planned++, stored.tensor->file + ": " + stored.tensor->name, type, N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    matrix.read_row(floats, qkv ? detail::shared_row(s, row) : row);
                },
                [&, &tensor = *stored.tensor, K = name.K](std::size_t begin, std::size_t end_row) {
                    source->let_go(tensor);  // what has been read of it
                    return count.add(model::matrix_bytes(type, end_row - begin, K));
                });
            if (!written) return written.error();
        }
        for (const auto* t : all->vectors) {
            const auto written = write_vector(
                *out, *planned, t->file + ": " + t->name, static_cast<std::size_t>(planned->shape[0]),
                [&](std::size_t i) { return model::element(*t, is_qkv(t->name) ? detail::shared_row(s, i) : i); });
            if (!written) return written.error();
            ++planned;
        }
        const auto bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return bytes;
    });
}
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// ==== narae/quant/synthesize.hpp ====
// A model file of any shape with pseudo-random weights, to measure speed and memory with: it says nothing sensible.
// Read store/format.hpp before.
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
namespace detail {
inline void fill_bytes(num::random& random, std::byte* out, std::size_t n) noexcept {
    for (; n >= 8; n -= 8, out += 8) store_le(out, random.next());
    for (auto bits = n > 0 ? random.next() : 0; n > 0; --n, bits >>= 8) *out++ = static_cast<std::byte>(bits);
}
/// Random bytes in out[] become weights of `size` bytes whose size lies between 2^-6 and 1.5 * 2^-6: only the sign and
/// all but the first bit of the mantissa stay random.
template <class Bits>
void around_a_fiftieth(std::byte* out, std::size_t n, Bits keep, Bits exponent) noexcept {
    for (; n > 0; --n, out += sizeof(Bits)) store_le(out, static_cast<Bits>((load_le<Bits>(out) & keep) | exponent));
}
/// Random bytes in a tile become scales and codes; rows from `count` on and columns from k on become zeros.
/// The codes' spread times the scale, of either sign and between 1 and 1.25 times 2^-8 (q4) or 2^-12 (q8), is 0.02.
inline void make_tile(std::byte* tile, model::format type, std::size_t count, std::size_t k) noexcept {
    const bool q4 = type == model::format::q4;
    const auto scale_bytes = num::q8_layout::scale_bytes(k);
    std::byte* const codes = tile + scale_bytes;
    const auto zero = static_cast<std::byte>(q4 ? 0x88 : 0);
    const auto code_bytes = num::groups_of(k) * (q4 ? num::q4_layout::group_bytes : num::q8_layout::group_bytes);
    around_a_fiftieth<std::uint16_t>(tile, scale_bytes / 2, 0x80FF, q4 ? 0x1C00 : 0x0C00);
    std::memset(tile + num::groups_of(k) * num::tile_rows * 2, 0, scale_bytes - num::groups_of(k) * num::tile_rows * 2);
    if (!q4)
        for (std::size_t i = 0; i < code_bytes; ++i)
            if (codes[i] == std::byte{0x80}) codes[i] = zero;  // -128 is no code
    const auto clear = [&](std::size_t row, std::size_t column) {
        if (!q4) {
            codes[num::q8_layout::at(row, column)] = zero;
            return;
        }
        const auto shift = num::q4_layout::shift(column);
        auto& byte = codes[num::q4_layout::at(row, column)];
        byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(8 << shift);
    };
    const auto columns = num::groups_of(k) * num::group_len;
    for (std::size_t r = 0; r < num::tile_rows; ++r)
        for (auto i = r < count ? k : 0; i < columns; ++i) clear(r, i);
    for (std::size_t g = 0; g < num::groups_of(k); ++g)
        std::memset(tile + (g * num::tile_rows + count) * 2, 0, (num::tile_rows - count) * 2);
}
}  // namespace detail
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
        const auto matrices = model::matrix_names(s);
        const auto vectors = model::vector_names(s);
        std::vector<store::tensor_plan> plan;
        for (const auto& m : matrices) plan.push_back(plan_matrix(m, type));
        for (const auto& [name, n] : vectors) plan.push_back({name, store::dtype::f32, {n}});
        progress_count count{on_progress};
        for (const auto& t : plan) count.total += store::planned_bytes(t);

        auto out = store::safetensors_writer::create(
            to, plan,
            {{std::string(store::narae_version_key), std::string(store::narae_version)},
             {std::string(store::narae_config_key), text},
             {std::string(store::narae_history_key),
              "[{\"step\":\"synthesize\",\"narae\":\"" + std::string(version_text) + "\",\"type\":\"" +
                  std::string(model::format_name(type)) + "\",\"seed\":" + std::to_string(seed) + "}]"}});
        if (!out) return out.error();
        num::random random{seed};
        const auto* planned = plan.data();
        for (const auto& m : matrices) {
            auto tile = sys::buffer<std::byte>::make(model::matrix_bytes(type, num::tile_rows, m.K));
            if (!tile) return tile.error().in(m.name);
            for (std::size_t row = 0; row < m.N; row += num::tile_rows) {
                const auto rows = (std::min)(num::tile_rows, m.N - row);
                const auto bytes = model::packed(type) ? tile->size() : model::matrix_bytes(type, rows, m.K);
                detail::fill_bytes(random, tile->data(), bytes);
                if (model::packed(type)) {
                    detail::make_tile(tile->data(), type, rows, m.K);
                } else if (type == model::format::f16) {
                    detail::around_a_fiftieth<std::uint16_t>(tile->data(), rows * m.K, 0x81FF, 0x2400);
                } else {
                    detail::around_a_fiftieth<std::uint32_t>(tile->data(), rows * m.K, 0x803FFFFF, 0x3C800000);
                }
                const auto written = out->append(planned->name, tile->span().first(bytes));
                if (!written) return written.error();
                const auto going = count.add(bytes);
                if (!going) return going.error();
            }
            ++planned;
        }
        for (const auto& [name, n] : vectors) {
            const float value = name.ends_with("norm.weight") ? 1.0f : 0.0f;  // gains are 1, biases 0
            const auto written = write_vector(*out, *planned++, to, n, [&](std::size_t) { return value; });
            if (!written) return written.error();
        }
        const auto bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return bytes;
    });
}
#endif  // NARAE_NO_FILES
}  // namespace narae::inline NARAE_ABI::quant
// ==== no macro of narae stays behind ====
#undef NARAE_ABI
#undef NARAE_ABI_F
#undef NARAE_ABI_S
#undef NARAE_ABI_T
#undef NARAE_ABI_X
#undef NARAE_AVX2
#undef NARAE_AVX512
#undef NARAE_AVX512_BF16
#undef NARAE_AVX512_VNNI
#undef NARAE_EXCEPTIONS
#undef NARAE_JOIN
#undef NARAE_JOIN2
#undef NARAE_NEON
#undef NARAE_POSIX
#undef NARAE_X86

#endif
