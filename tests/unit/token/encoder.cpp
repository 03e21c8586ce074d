// SPDX-License-Identifier: MIT
#include "narae/token/encoder.hpp"

#include <algorithm>
#include <random>

#include "cases.hpp"
#include "file.hpp"

using namespace narae;
using cases::ids;
using file = tokenizer_file;

namespace {

/// A small tokenizer of narae's own. Ids from 256 on are `words`, and then the added tokens <|nfd|> and <|end|>.
struct small {
    std::vector<std::string> words;  // bytes
    std::vector<std::pair<std::string, std::string>> merges;
    std::uint32_t expressions = 0;  // so many of the merges, the last ones
    std::vector<std::pair<std::u32string, std::size_t>> cuts;
    std::string added;  // more of them
    bool pattern = true;

    /// Words end before 를 and 가 in the runs of `cuts`. 나비가 is a token, too, though no merges lead there.
    static small usual() {
        small s;
        s.words = {"나",     "래", "바",     "람",    "를",          "가", "나래", "바람",
                   "나비가", "ab", "나래를", " 나래", "나래를 나래", "12", "123",  "비"};
        s.merges = {{"나", "래"}, {"바", "람"}, {" ", "나래"},  {"a", "b"},
                    {"1", "2"},   {"12", "3"},  {"나래", "를"}, {"나래를", " 나래"}};
        s.expressions = 2;
        s.cuts = {{U"나래를", 2}, {U"바람가", 2}, {U"나비가", 2}};
        return s;
    }
    /// The same, and 2, 4, 8 and 16 times q are one token.
    static small with_runs() {
        auto s = usual();
        for (std::string q = "q"; q.size() < 16; q += q) {
            s.words.push_back(q + q);
            s.merges.insert(s.merges.begin(), {q, q});
        }
        return s;
    }
    token::token_id id(const std::string& word) const {
        for (std::size_t i = 0; i < words.size(); ++i)
            if (words[i] == word) return static_cast<token::token_id>(256 + i);
        FAIL("no token " << word);
        return token::no_token;
    }
    token::token_id mark() const { return static_cast<token::token_id>(256 + words.size()); }

    std::string text() const {
        file f;
        for (const auto& w : words) f.words.push_back(file::key(w));
        std::string list;
        for (const auto& [left, right] : merges)
            list += (list.empty() ? "[" : ",[") + text::json_quote(file::key(left)) + "," +
                    text::json_quote(file::key(right)) + "]";
        f.merges = "[" + list + "]";
        const auto first = static_cast<int>(mark());
        f.added = "[" + file::token(first, "<|nfd|>", "special") + "," + file::token(first + 1, "<|end|>", "special") +
                  added + "]";
        std::string weights(token::boundary_model::slots, '\0');
        for (const auto& [run, at] : cuts)
            token::for_each_gap(run, [&, before = at](std::size_t i, const token::gap& g) {
                if (i == before) token::for_each_feature(g, [&](std::uint32_t slot) { weights[slot] = 1; });
            });
        if (!pattern) f.pre_tokenizer.replace(f.pre_tokenizer.find('}'), 1, ",\"use_regex\":false}");
        f.model += file::narae_section(weights, 9, expressions);
        return f.text();
    }
    token::tokenizer make() const { return cases::parsed(text()); }
};

ids bytes(std::string_view s) {
    ids all;
    for (const char c : s) all.push_back(static_cast<unsigned char>(c));
    return all;
}
ids joined(std::initializer_list<ids> parts) {
    ids all;
    for (const auto& p : parts) all.insert(all.end(), p.begin(), p.end());
    return all;
}

std::string nfd(std::string_view s) { return text::normalize(s, text::normal_form::nfd); }

/// The ids of `s`, which are those of a fresh encoder.
ids same(token::encoder& warm, const token::tokenizer& t, std::string_view s, token::encode_options how = {}) {
    ids out;
    warm.encode(s, how, out);
    if (out != t.encode(s, how)) FAIL("a cache changes the ids of " << text::json_quote(s));
    return out;
}

/// decode_bytes gives `s` back, and a stream gives whole characters that join to what decode gives.
void check_back(const token::tokenizer& t, std::string_view s, const ids& all) {
    if (t.decode_bytes(all) != s) FAIL("does not come back: " << text::json_quote(s));
    token::stream_decoder stream(t, false);
    std::string streamed;
    for (const auto id : all) {
        const auto piece = stream.push(id);
        if (text::utf8_first_invalid(piece) != piece.size()) FAIL("not whole: " << text::json_quote(s));
        streamed += piece;
    }
    streamed += stream.finish();
    if (streamed != t.decode(all)) FAIL("a stream differs: " << text::json_quote(s));
    if (text::utf8_first_invalid(s) == s.size() && streamed != s) FAIL("differs: " << text::json_quote(s));
}

/// Anything that may stand in a text, often in pieces.
std::string random_text(std::mt19937& random, std::size_t most) {
    static const auto pool = [] {
        std::vector<std::string> all = {nfd("나래를"), nfd("바람가"), nfd("각"), nfd("é"), std::string(1, '\0')};
        const auto add = [&](std::initializer_list<const char*> more) {
            all.insert(all.end(), more.begin(), more.end());
        };
        add({" ", "  ", "\n", "\r\n", "\t", "\u3000", "\u00A0", "\u200B", "\u200D", "\uFEFF"});
        add({"나래를", "나래", "바람가", "나비가", "뷁", "가", "힣", "ㅋㅋ", "ㄱ", "漢字", "豈"});
        add({"abc", "ab", "Été", "it's", "123", "1234", "½", "！", "😀", "👨‍👩‍👧", "<|nfd|>", "<|end|>",
             "<|"});
        add({"\u1100", "\u1161", "\u11A8", "\u115F", "\u119E", "\u11C3", "\uA960", "\uD7B0", "\u302E"});
        add({"\xEA", "\xEA\xB0", "\x80", "\xED\xA0\x80", "\xF0\x9F\x98", "\xE1\x84", "\xFF"});
        return all;
    }();
    std::string s;
    for (auto n = random() % (most + 1); n > 0; --n)
        s += random() % 8 == 0 ? std::string(1, static_cast<char>(random() % 256)) : pool[random() % pool.size()];
    return s;
}

}  // namespace

TEST_CASE("merges stay inside segments, and expressions join what was cut", "[encoder]") {
    const auto s = small::usual();
    const auto t = s.make();
    CHECK(t.cuts_morphemes());
    const token::encode_options apart{.expressions = false};
    CHECK(t.encode("나래", apart) == ids{s.id("나래")});
    CHECK(t.encode("나래를", apart) == ids{s.id("나래"), s.id("를")});
    CHECK(t.encode("나래를") == ids{s.id("나래를")});
    CHECK(t.encode("바람가") == ids{s.id("바람"), s.id("가")});
    CHECK(t.encode(" 나래를", apart) == ids{s.id(" 나래"), s.id("를")});
    CHECK(t.encode("나비가", apart) == ids{s.id("나"), s.id("비"), s.id("가")});  // not one piece: it is cut
    CHECK(t.encode("abab") == ids{s.id("ab"), s.id("ab")});
    CHECK(t.encode("1231212") == ids{s.id("123"), s.id("12"), '1', '2'});
}

TEST_CASE("a segment that is a token needs no merges", "[encoder]") {
    auto s = small::usual();
    s.cuts.clear();
    CHECK(s.make().encode("나비가") == ids{s.id("나비가")});  // no merges lead there
    CHECK(s.make().encode("나비가나") == ids{s.id("나"), s.id("비"), s.id("가"), s.id("나")});
}

TEST_CASE("a character without a token of its own is bytes", "[encoder]") {
    const auto s = small::usual();
    CHECK(s.make().encode("뷁나漢") == joined({bytes("뷁"), {s.id("나")}, bytes("漢")}));
    CHECK(s.make().encode("é") == bytes("é"));
    CHECK(s.make().encode("\xEA\xB0") == bytes("\xEA\xB0"));
}

TEST_CASE("expressions are read from left to right, and never across added tokens", "[encoder]") {
    const auto s = small::usual();
    const auto t = s.make();
    CHECK(t.encode("나래를 나래") == ids{s.id("나래를 나래")});
    CHECK(t.encode("나래를 나래를") == ids{s.id("나래를 나래"), s.id("를")});  // 나래 is taken already
    CHECK(t.encode("나래 나래를") == ids{s.id("나래"), s.id(" 나래"), s.id("를")});
    CHECK(t.encode("나래를 나래", {.expressions = false}) == ids{s.id("나래"), s.id("를"), s.id(" 나래")});
    const auto end = s.mark() + 1;
    CHECK(t.encode("나래<|end|>를", {.special = true}) == ids{s.id("나래"), end, s.id("를")});
    CHECK(t.encode("나래를<|end|> 나래", {.special = true}) == ids{s.id("나래를"), end, s.id(" 나래")});
    CHECK(t.encode("<|end|>나래를<|end|>", {.special = true}) == ids{end, s.id("나래를"), end});

    // Not even where an added token is a word of the vocabulary that an expression is made of.
    auto word = small::usual();
    word.words.push_back("12ab");
    word.words.push_back("12ab12");
    word.merges.emplace_back("12", "ab");
    word.merges.emplace_back("12ab", "12");
    word.expressions += 2;
    CHECK(word.make().encode("12ab12") == ids{word.id("12ab12")});
    word.added = "," + file::token(static_cast<int>(word.id("ab")), "ab");
    CHECK(word.make().encode("12ab12") == ids{word.id("12"), word.id("ab"), word.id("12")});
}

TEST_CASE("the segments of a text are those that merges stay inside of", "[encoder]") {
    const auto t = small::usual().make();
    const auto segments = [&](std::string_view s) {
        std::vector<std::string> all;
        t.make_encoder().for_each_segment(s, [&](std::string_view part) { all.emplace_back(part); });
        return all;
    };
    CHECK(segments("").empty());
    CHECK(segments("큰 나래를 1234abc나!") ==
          std::vector<std::string>{"큰", " 나래", "를", " 123", "4", "abc", "나", "!"});
    CHECK(segments(nfd("나래를")) == std::vector<std::string>{"나래", "를"});  // composed
    std::vector<std::string> pieces;
    const auto other = cases::parsed(file().text());  // knows no morphemes
    other.make_encoder().for_each_segment("나래를 1234", [&](std::string_view p) { pieces.emplace_back(p); });
    CHECK(pieces == std::vector<std::string>{"나래를", " 1234"});
    std::mt19937 random(5);
    for (int i = 0; i < 2000; ++i) {
        const auto s = random_text(random, 12);
        ids apart;
        auto encoder = t.make_encoder();
        encoder.for_each_segment(s, [&](std::string_view part) { encoder.encode_segment(part, apart); });
        auto all = t.encode(s, {.expressions = false});
        all.erase(std::remove(all.begin(), all.end(), small::usual().mark()), all.end());
        if (all != apart) FAIL(text::json_quote(s));
    }
}

TEST_CASE("what an encoder has seen changes no ids", "[encoder]") {
    const auto t = small::usual().make();
    const auto golden = cases::parsed(cases::slurp(NARAE_TESTS_DIR "/golden/tokenizers/mid.json"));
    for (const auto* tokenizer : {&t, &golden}) {
        std::mt19937 random(6);
        auto warm = tokenizer->make_encoder();
        std::vector<std::string> texts;
        for (int i = 0; i < 3000; ++i) texts.push_back(random_text(random, 20));
        for (int round = 0; round < 2; ++round)
            for (const auto& s : texts)
                same(warm, *tokenizer, s, {.special = random() % 2 != 0, .expressions = random() % 2 != 0});
    }
}

TEST_CASE("a cache that grows and forgets changes no ids", "[encoder]") {
    const auto s = small::usual();
    const auto t = s.make();
    auto warm = t.make_encoder();
    std::mt19937 random(7);
    const auto word = [](std::uint32_t n) {  // 20,000 of them; most collide sooner or later
        std::string w = " ";
        for (auto rest = n % 20000; rest > 0; rest /= 26) w.push_back(static_cast<char>('a' + rest % 26));
        return w + (n % 3 == 0 ? "나래를" : "");
    };
    for (int i = 0; i < 300; ++i) {
        std::string text;
        for (int k = 0; k < 500; ++k) text += word(static_cast<std::uint32_t>(random() % 100000));
        same(warm, t, text);
    }
}

TEST_CASE("pieces around the longest that is remembered keep their ids", "[encoder]") {
    const auto t = small::with_runs().make();
    auto warm = t.make_encoder();
    std::vector<std::string> texts = {std::string(5000, ' ')};  // enough for a cache
    for (std::size_t n = 1; n < 50; ++n)
        for (const char last : {'q', 'z'})
            for (const char* before : {"", " ", "나래 "})
                for (const char* behind :
                     {"", "!", "                                "})  // near the end, and far from it
                    texts.push_back(before + std::string(n - 1, 'q') + last + behind);
    for (int round = 0; round < 3; ++round)
        for (const auto& text : texts) check_back(t, text, same(warm, t, text));
    CHECK(t.encode(std::string(22, 'q')).size() == 3);  // as few as are remembered
    CHECK(t.encode(std::string(23, 'q')).size() == 4);
    CHECK(t.encode(std::string(24, 'q')).size() == 2);
}

TEST_CASE("pieces that share a slot of the cache are told apart by every byte", "[encoder]") {
    const auto t = small::with_runs().make();
    auto warm = t.make_encoder();
    const std::string eight(8, 'q');
    for (int round = 0; round < 2; ++round)
        for (std::size_t at : {0u, 8u, 16u})
            for (int i = 0; i < 26 * 26; ++i) {
                auto text = eight + eight;
                text.insert(at, {static_cast<char>('a' + i / 26), static_cast<char>('a' + i % 26)});
                same(warm, t, text);
            }
}

TEST_CASE("pieces that end in zero bytes are not taken for those that do not", "[encoder]") {
    const auto s = small::usual();
    const auto t = s.make();
    auto warm = t.make_encoder();
    same(warm, t, std::string(5000, ' '));
    for (int round = 0; round < 2; ++round)
        for (const std::string piece : {"!", "!!", "?.", "!!!!!!!", "!!!!!!!!"})
            for (std::size_t zeros = 0; zeros < 20; ++zeros) {
                const auto text = piece + std::string(zeros, '\0');
                CHECK(same(warm, t, text) == bytes(text));
                CHECK(same(warm, t, text + std::string(30, ' ')).size() == text.size() + 30);
            }
    for (std::size_t zeros = 0; zeros < 30; ++zeros) {
        const std::string text(zeros, '\0');
        CHECK(same(warm, t, text) == bytes(text));
        CHECK(same(warm, t, text + "!") == bytes(text + "!"));
    }
}

TEST_CASE("pieces of many ids, and ids that need more than 16 bits", "[encoder]") {
    auto s = small::usual();
    const auto letters = [](std::size_t n) {  // a word that nothing cuts
        std::string w = "z";
        for (; n > 0; n /= 26) w.push_back(static_cast<char>('a' + n % 26));
        return w;
    };
    while (s.words.size() < 66000) s.words.push_back(letters(s.words.size()));
    const auto t = s.make();
    auto warm = t.make_encoder();
    same(warm, t, std::string(5000, ' '));
    for (int round = 0; round < 3; ++round) {
        for (std::size_t id = 65500; id < 65560; ++id)
            CHECK(same(warm, t, letters(id - 256)) == ids{static_cast<token::token_id>(id)});
        for (std::size_t n = 1; n < 8; ++n) {
            CHECK(same(warm, t, std::string(n, 'q')) == ids(n, 'q'));
            CHECK(same(warm, t, std::string(n, 'q') + " ").size() == n + 1);
        }
    }
}

TEST_CASE("the ids of decomposed Hangul are those of the composed behind one mark", "[encoder]") {
    const auto s = small::usual();
    const auto t = s.make();
    const auto mark = s.mark();
    CHECK(t.encode(nfd("나래")) == ids{mark, s.id("나래")});
    CHECK(t.encode(nfd("나래를 나래")) == ids{mark, s.id("나래를 나래")});
    CHECK(t.encode(nfd("나래 abc 12 나래")) ==
          joined({{mark, s.id("나래")}, bytes(" "), {s.id("ab"), 'c', ' ', s.id("12"), s.id(" 나래")}}));
    CHECK(t.encode("나래 " + nfd("나래") + " 나래") == ids{s.id("나래"), mark, s.id(" 나래"), mark, s.id(" 나래")});
    CHECK(t.encode("나래" + nfd("나래")) == joined({{s.id("나래")}, bytes(nfd("나래"))}));  // one piece of both kinds
    for (const std::string lone :
         {"\u1100", "\u1161", "\u11A8", "\u1100\u11A8", "\u1112\u119E\u11AB", "ㄱㅏ", "\u1161\u1100"})
        CHECK(t.encode(lone) == bytes(lone));  // nothing to compose, no mark
    const token::encode_options apart{.expressions = false};
    for (const std::string text : {"나래를 펴고 바람가 분다.", "한글 맞춤법\n제1장 총칙, abc 12", "가", "뷁!"}) {
        auto want = t.encode(text, apart);
        want.insert(want.begin(), mark);
        CHECK(t.encode(nfd(text), apart) == want);
        CHECK(t.encode(nfd(text)).size() <= t.encode(text).size() + 1);
    }
}

TEST_CASE("decomposed text comes back as it was, in any mixture", "[encoder]") {
    const auto t = small::usual().make();
    const std::string o = "\u1112\u119E\u11AB";  // old Hangul
    const std::vector<std::string> texts = {
        nfd("나래를"),
        "나래를 " + nfd("나래를") + " 나래를",
        nfd("나래를") + "나래를",
        "나래를" + nfd("나래를"),
        nfd("나래") + " abc " + nfd("나래"),
        nfd("가") + "\u11A8",
        nfd("가") + "\u11A8\u11A8",
        nfd("각") + "\u11A8",
        nfd("가") + "\u11C3 나",
        "\u1100" + nfd("가"),
        "\u1100 " + nfd("가") + " \u1161 가 \u11A8",
        o + nfd("가"),
        nfd("가") + o + " 가",
        nfd("가") + "<|end|>가",
        "<|nfd|>",
        "<|nfd|>가",
        nfd("가") + "<|nfd|>가<|nfd|>" + nfd("가"),
        "<|nfd|><|nfd|>" + nfd("나래를") + "<|nfd|>",
        nfd("가") + "\xFF가",
        nfd("가") + "\xEA\xB0 " + nfd("가"),
        nfd("가") + "\xE1\x84 가",
        "ㄱ" + nfd("가") + "ㅏ",
        nfd("é가 \u302E가"),
    };
    for (const auto& text : texts)
        for (const bool special : {false, true})
            for (const bool expressions : {false, true}) {
                const auto all = t.encode(text, {.special = special, .expressions = expressions});
                check_back(t, text, all);
            }
    const auto all = t.encode(nfd("나래") + "<|end|>" + nfd("나래"), {.special = true});
    CHECK(t.decode(all, true) == nfd("나래나래"));
    CHECK(all.size() == 4);  // a special token is no reason for another mark
}

TEST_CASE("decomposed text costs a token where it begins, and one where it ends", "[encoder]") {
    const auto t = small::usual().make();
    std::mt19937 random(8);
    const std::vector<std::string> words = {" 나래를", " 바람가", " 나비가", " 뷁", " 각", " abc 12!", "\n"};
    for (int i = 0; i < 2000; ++i) {
        std::string composed, mixed;
        std::size_t marks = 0;
        bool apart = false;
        for (auto n = 1 + random() % 12; n > 0; --n) {
            const auto& word = words[random() % words.size()];
            const bool now = text::has_syllable(word) ? random() % 2 != 0 : apart;  // other text ends no run
            marks += now != apart;
            apart = now;
            composed += word, mixed += now ? nfd(word) : word;
        }
        const auto size = [&](std::string_view s) { return t.encode(s, {.expressions = false}).size(); };
        if (size(mixed) != size(composed) + marks) FAIL(mixed);
    }
}

TEST_CASE("random text of all kinds comes back byte for byte", "[encoder]") {
    const auto t = small::usual().make();
    auto warm = t.make_encoder();
    std::mt19937 random(9);
    for (int i = 0; i < 30000; ++i) {
        const auto s = random_text(random, 16);
        ids all;
        warm.encode(s, {.special = random() % 2 != 0, .expressions = random() % 2 != 0}, all);
        check_back(t, s, all);
    }
}

TEST_CASE("so does text that no pattern cuts", "[encoder]") {
    auto s = small::usual();
    s.pattern = false;
    const auto t = s.make();
    std::mt19937 random(10);
    for (int i = 0; i < 10000; ++i) {
        const auto text = random_text(random, 16);
        check_back(t, text, t.encode(text, {.special = random() % 2 != 0}));
    }
    const auto zeros = nfd("가") + std::string(2, '\0') + nfd("가") + std::string(1, '\0');
    check_back(t, zeros, t.encode(zeros));
}

TEST_CASE("ten megabytes without a blank are one text like any other", "[encoder]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr std::size_t size = 1000000;
#else
    constexpr std::size_t size = 10000000;
#endif
    const auto t = small::usual().make();
    for (const std::string& part :
         {std::string("나래를펴고바람가"), nfd("나래를펴고"), std::string("!\xFF"), std::string("a")}) {
        std::string s;
        while (s.size() < size) s += part;
        const auto all = t.encode(s);
        CHECK(all.size() > size / 40);
        CHECK(t.decode_bytes(all) == s);
    }
}
