// SPDX-License-Identifier: MIT
#include "narae/text/normalize.hpp"

#include <random>
#include <vector>

#include "catch.hpp"

using namespace narae::text;

namespace {

std::string utf8(const std::u32string& s) {
    std::string out;
    for (const auto c : s) utf8_append(out, c);
    return out;
}
std::string nfc(const std::string& s) { return normalize(s, normal_form::nfc); }
std::string nfd(const std::string& s) { return normalize(s, normal_form::nfd); }

}  // namespace

TEST_CASE("normal forms of well-known sequences", "[normalize]") {
    struct triple {
        std::u32string from, composed, decomposed;
    };
    const std::vector<triple> all = {
        {U"", U"", U""},
        {U"plain", U"plain", U"plain"},
        {U"\u1112\u1161\u11AB\u1100\u1173\u11AF", U"\uD55C\uAE00", U"\u1112\u1161\u11AB\u1100\u1173\u11AF"},
        {U"\uAC00\u11A8", U"\uAC01", U"\u1100\u1161\u11A8"},
        {U"\uAC01\u11A8", U"\uAC01\u11A8", U"\u1100\u1161\u11A8\u11A8"},
        {U"\u1100\uAC00", U"\u1100\uAC00", U"\u1100\u1100\u1161"},
        {U"\u1100\u1161\u0301\u11A8", U"\uAC00\u0301\u11A8", U"\u1100\u1161\u0301\u11A8"},
        {U"\u1112\u119E\u11AB", U"\u1112\u119E\u11AB", U"\u1112\u119E\u11AB"},  // old Hangul stays apart
        {U"e\u0301", U"\u00E9", U"e\u0301"},
        {U"q\u0307\u0323", U"q\u0323\u0307", U"q\u0323\u0307"},
        {U"a\u0323\u0307", U"\u1EA1\u0307", U"a\u0323\u0307"},
        {U"a\u0307\u0323", U"\u1EA1\u0307", U"a\u0323\u0307"},
        {U"a\u0301\u0301", U"\u00E1\u0301", U"a\u0301\u0301"},
        {U"\u1E0B\u0323", U"\u1E0D\u0307", U"d\u0323\u0307"},
        {U"o\u0302\u0301", U"\u1ED1", U"o\u0302\u0301"},
        {U"\u1ED1", U"\u1ED1", U"o\u0302\u0301"},
        {U"\u212B", U"\u00C5", U"A\u030A"},  // a singleton never comes back
        {U"\u2126", U"\u03A9", U"\u03A9"},
        {U"\uF900", U"\u8C48", U"\u8C48"},              // a Hanja with a code point of its own for Korean
        {U"\u0958", U"\u0915\u093C", U"\u0915\u093C"},  // excluded from composition
        {U"\u0344", U"\u0308\u0301", U"\u0308\u0301"},
        {U"\u0301\u0327a", U"\u0327\u0301a", U"\u0327\u0301a"},                       // marks without a base
        {U"\u09C7\u09BE", U"\u09CB", U"\u09C7\u09BE"},                                // a second part that is no mark
        {U"\uFB01 \u2460 \u3131", U"\uFB01 \u2460 \u3131", U"\uFB01 \u2460 \u3131"},  // only NFKC would change these
    };
    for (const auto& t : all) {
        CAPTURE(utf8(t.from));
        CHECK(nfc(utf8(t.from)) == utf8(t.composed));
        CHECK(nfd(utf8(t.from)) == utf8(t.decomposed));
        CHECK(normalize(utf8(t.from), normal_form::none) == utf8(t.from));
    }
}

TEST_CASE("all syllables decompose into jamo and compose again", "[normalize]") {
    std::string composed, decomposed;
    for (char32_t c = 0xAC00; c <= 0xD7A3; ++c) {
        utf8_append(composed, c);
        const auto j = split_syllable(c);
        for (const auto x : {j.initial, j.vowel, j.last})
            if (x != 0) utf8_append(decomposed, x);
    }
    CHECK(nfd(composed) == decomposed);
    CHECK(nfc(decomposed) == composed);
    CHECK(nfc(composed) == composed);
}

TEST_CASE("normal forms are stable, and see through each other", "[normalize]") {
    std::mt19937 random(20);
    std::vector<char32_t> pool = {'a',   'e',    ' ',    0x301,  0x327,  0x323,  0x307,
                                  0x345, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xAC01, 0x3099};
    for (const auto& d : tables::canonical.apart) pool.insert(pool.end(), {d.whole, d.first, d.second});
    for (int i = 0; i < 20000; ++i) {
        std::string s;
        for (auto n = random() % 10; n > 0; --n)
            utf8_append(s, pool[random() % 2 == 0 ? random() % 14 : random() % pool.size()]);
        const auto c = nfc(s), d = nfd(s);
        if (nfc(c) != c || nfd(d) != d || nfc(d) != c || nfd(c) != d) FAIL(s);
    }
}

TEST_CASE("marks of one class keep their order", "[normalize]") {
    std::u32string from = U"q", above;
    for (char32_t c = 0x300; c <= 0x314; ++c) from += {c, 0x323}, above += c;  // class 230, and a dot below: 220
    CHECK(nfd(utf8(from)) == utf8(U"q" + std::u32string(21, 0x323) + above));
}

TEST_CASE("bytes that are not UTF-8 stay, and nothing composes across them", "[normalize]") {
    CHECK(nfc("e\xFF\xCC\x81") == "e\xFF\xCC\x81");
    CHECK(nfc("\xEA\xB0") == "\xEA\xB0");
    CHECK(nfc("\xE1\x84\x80\x80\xE1\x85\xA1") == "\xE1\x84\x80\x80\xE1\x85\xA1");
    CHECK(nfd("\xEA\xB0\x80\xEA\xB0") == "\xE1\x84\x80\xE1\x85\xA1\xEA\xB0");
    CHECK(nfc("a\xCC\x81\xC0") == "\xC3\xA1\xC0");
}

TEST_CASE("a million marks on one letter are sorted in time", "[normalize]") {
    std::string s = "a";
    for (int i = 0; i < 500000; ++i) s += "\xCC\x81\xCC\xA7";  // U+0301 and U+0327, by turns
    const auto d = nfd(s);
    CHECK(d.size() == s.size());
    CHECK(d.substr(1, 4) == "\xCC\xA7\xCC\xA7");
}

TEST_CASE("Hangul that is taken apart is composed, and nothing else", "[normalize]") {
    std::string out = "left over";
    for (char32_t c = first_syllable; c < first_syllable + syllables; ++c) {
        const auto whole = utf8({c}), apart = nfd(whole);
        if (!compose_hangul(apart, out) || out != whole) FAIL(whole);
        if (!compose_hangul(" x" + apart + "." + apart, out) || out != " x" + whole + "." + whole) FAIL(whole);
        if (compose_hangul(whole, out) || compose_hangul(apart + whole, out)) FAIL(whole);  // cannot be undone
    }
    struct pair {
        std::u32string from, composed;
    };
    for (const auto& [from, composed] : std::vector<pair>{
             {U"\u1112\u1161\u11AB\u1100\u1173\u11AF", U"한글"},
             {U"\u1100\u1161\u1100\u1161", U"가가"},
             {U"\u1100\u1161\u11A8\u11A8", U"각\u11A8"},
             {U"\u1100\u1161\u1161", U"가\u1161"},
             {U"\u1100\u1100\u1161", U"\u1100가"},
             {U"\u1112\u119E\u11AB\u1100\u1161", U"\u1112\u119E\u11AB가"},  // old Hangul stays apart
             {U"\u1100\u1161\u11C3", U"가\u11C3"},                          // as does an old final
             {U"\u1100\u1161e\u0301", U"가e\u0301"},                        // other marks are none of its business
             {U"\u1100\u1161\u302E", U"가\u302E"},
             {std::u32string(U"\u1100\u1161\0\u1100\u1161\0\0", 7), std::u32string(U"가\0가\0\0", 5)},
         }) {
        CHECK(compose_hangul(utf8(from), out));
        CHECK(out == utf8(composed));
    }
    for (const auto& s : {utf8(U""), utf8(U"plain"), utf8(U"가"), utf8(U"\u1100"), utf8(U"\u1161\u1100"),
                          utf8(U"\u1100\u11A8"), utf8(U"\u1112\u119E\u11AB"), utf8(U"ㄱㅏ"), utf8(U"e\u0301"),
                          utf8(U"\u1100 \u1161"), std::string("\xE1\x84\x80\xFF\xE1\x85\xA1"), std::string("\xE1")})
        CHECK_FALSE(compose_hangul(s, out));
    CHECK(compose_hangul("\xFF\xE1\x84\x80\xE1\x85\xA1\xEA\xB0\xE1\x84", out));  // bytes that are not UTF-8 stay
    CHECK(out == "\xFF가\xEA\xB0\xE1\x84");
}

TEST_CASE("what is composed comes back when its syllables are taken apart", "[normalize]") {
    std::mt19937 random(21);
    const std::vector<std::string> pool = {"\u1100", "\u1112", "\u1161",   "\u1175",   "\u11A8",
                                           "\u11C2", "\u115F", "\u119E",   "\u11C3",   "\uA960",
                                           "\uD7B0", "ㄱ",     "a",        " ",        "\u302E",
                                           "\xFF",   "\xE1",   "\xE1\x84", "\xEA\xB0", std::string(1, '\0')};
    int composed = 0;
    for (int i = 0; i < 50000; ++i) {
        std::string s, out, back;
        for (auto n = random() % 12; n > 0; --n) s += pool[random() % (random() % 2 ? 6 : pool.size())];
        if (!compose_hangul(s, out)) continue;
        ++composed;
        for (std::string_view rest = out; !rest.empty();) {
            const auto step = utf8_front(rest);
            back +=
                is_syllable(step.code_point) ? nfd(utf8({step.code_point})) : std::string(rest.substr(0, step.length));
            rest.remove_prefix(step.length);
        }
        if (back != s || !has_syllable(out)) FAIL(s);
    }
    CHECK(composed > 5000);
}

TEST_CASE("a syllable is found wherever it stands", "[normalize]") {
    for (char32_t c = first_syllable; c < first_syllable + syllables; ++c)
        if (!has_syllable(utf8({c})) || !has_syllable("a\xFF " + utf8({c}) + "b") || has_syllable(nfd(utf8({c}))))
            FAIL(utf8({c}));
    CHECK_FALSE(has_syllable(""));
    CHECK_FALSE(has_syllable("abc 漢字 ㄱㅏ \xEA\xB0"));
    CHECK_FALSE(has_syllable(utf8({first_syllable - 1, first_syllable + syllables})));
    CHECK_FALSE(has_syllable("\xFF\xB0\x80"));
}
