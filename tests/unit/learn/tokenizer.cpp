// SPDX-License-Identifier: MIT
#include "narae/learn/tokenizer.hpp"

#include <cmath>
#include <random>
#include <set>

#include "catch.hpp"
#include "learn/analyses.hpp"
#include "narae/learn/boundaries.hpp"
#include "narae/text/normalize.hpp"
#include "narae/token/packed_writer.hpp"
#include "token/cases.hpp"

using namespace narae;
using cases::ids;
using cases::parsed;
using learn::tokenizer_options;
using learn::tokenizer_trainer;
using texts = std::vector<std::string_view>;

namespace {

const token::boundary_model& boundaries() {
    static const auto model = [] {
        const auto words = learn::read_gold(as_bytes(std::string_view(tests::analyses)));
        return *learn::train_boundaries(*words, {});
    }();
    return model;
}

std::string trained(const texts& t, const tokenizer_options& options) {
    const auto made = tokenizer_trainer::train(t, boundaries(), options, {});
    if (!made) return made.error().what;
    return *made;
}

std::string refusal(const texts& t, const tokenizer_options& options) {
    const auto made = tokenizer_trainer::train(t, boundaries(), options, {});
    return made ? "accepted" : made.error().what;
}

/// Lines of made-up stems with real particles, numbers, Latin words, and an expression in every other line.
std::string sample(std::size_t lines, std::size_t stems = 600) {
    const std::u32string syllables =
        U"가나다라마바사아자하고노도로모보소오조호구누두루무부수우주후강난달람몸밥손옷종학";
    const std::vector<std::string> ends = {"은", "는", "을", "를", "에서", "에", "이",
                                           "가", "와", "의", "로", "도",   ""};
    std::mt19937 random(3);
    std::vector<std::string> words(stems);
    for (auto& w : words)
        for (auto n = 2 + random() % 3; n > 0; --n) text::utf8_append(w, syllables[random() % syllables.size()]);
    std::string out;
    for (std::size_t i = 0; i < lines; ++i) {
        for (auto n = 3 + random() % 6; n > 0; --n)
            out += words[random() % stems] + ends[random() % ends.size()] + (n % 3 == 0 ? ", " : " ");
        if (i % 2 == 0) out += "할 수 있다.";
        if (i % 5 == 0) out += " " + std::to_string(random() % 100000) + " tokens";
        out += '\n';
    }
    return out;
}

/// All tokens, by id; every id below size() has one.
std::vector<std::string> tokens_of(const token::tokenizer& t) {
    REQUIRE(t.size() == t.count());
    std::vector<std::string> all;
    for (token::token_id id = 0; id < t.size(); ++id) all.emplace_back(t.bytes_of(id));
    return all;
}

std::size_t number_in(const std::string& json, const std::string& key) {
    const auto at = json.find('"' + key + "\":");
    REQUIRE(at != json.npos);
    return std::stoul(json.substr(at + key.size() + 3, 12));
}

/// One past the last token that was learned.
token::token_id learned_end(const token::tokenizer& t) {
    auto end = static_cast<token::token_id>(t.size());
    while (t.is_special(end - 1)) --end;
    return end;
}

bool is_text(std::string_view s) { return text::utf8_first_invalid(s) == s.size(); }

}  // namespace

TEST_CASE("learn/tokenizer: a file of the size that was asked for, special tokens first") {
    const auto text = sample(4000, 2500);
    tokenizer_options options;
    options.vocab = 2048, options.expressions = 64, options.threads = 1;
    options.attribution = "a \"small\" sample";
    const auto json = trained({text}, options);
    const auto t = parsed(json);
    CHECK(t.count() == 2048);
    CHECK(t.cuts_morphemes());
    CHECK(t.boundaries().weights == boundaries().weights);
    CHECK(t.boundaries().cut == boundaries().cut);
    CHECK(json.find(R"("attribution":"a \"small\" sample")") != json.npos);
    const auto tokens = tokens_of(t);
    CHECK(std::set<std::string>(tokens.begin(), tokens.end()).size() == 2048);
    for (token::token_id id = 0; id < 2048; ++id) CHECK(t.is_special(id) == (id < 32));
    for (token::token_id id = 0; id < learn::special_tokens.size(); ++id)
        CHECK(tokens[id] == learn::special_tokens[id]);
    CHECK(tokens[19] == "<|unused0|>");
    CHECK(tokens[31] == "<|unused12|>");
    CHECK(t.end_of_text() == token::token_id{0});
    for (token::token_id b = 0; b < 256; ++b) CHECK(tokens[32 + b] == std::string(1, static_cast<char>(b)));
    CHECK(t.encode("<|user|>", {.special = true}) == ids{10});

    const auto packed = token::pack_tokenizer(as_bytes(json));
    REQUIRE(packed);
    const auto again = parsed(*packed);
    for (const std::string line : {"고향은 나라를 할 수 있다.", "12345 tokens", "<|user|>", "\xFF\xEA\xB0 뷁"}) {
        CHECK(t.decode_bytes(t.encode(line)) == line);
        CHECK(again.encode(line) == t.encode(line));
    }
    CHECK((t.decode_bytes(t.encode(text)) == text));
    CHECK(t.encode(text).size() < text.size() / 4);
}

TEST_CASE("learn/tokenizer: what the text cannot fill is filled up with unused tokens to a multiple of 64") {
    for (const std::size_t lines : {1u, 7u, 40u}) {
        const auto t = parsed(trained({sample(lines, 20)}, {.vocab = 12800, .expressions = 64, .threads = 1}));
        const auto tokens = tokens_of(t);
        CHECK(tokens.size() % 64 == 0);
        CHECK(tokens.size() < 12800);
        const auto learned = learned_end(t);
        std::size_t unused = 13;
        CAPTURE(lines, learned, tokens.size());
        CHECK(tokens.size() - learned < 64);
        for (std::size_t id = learned; id < tokens.size(); ++id)
            CHECK(tokens[id] == "<|unused" + std::to_string(unused++) + "|>");
        for (token::token_id id = 32; id < learned; ++id) CHECK(!t.is_special(id));
        CHECK(std::set<std::string>(tokens.begin(), tokens.end()).size() == tokens.size());
        const std::string last = tokens.back();
        if (learned < tokens.size())
            CHECK(t.encode(last, {.special = true}) == ids{static_cast<token::token_id>(tokens.size() - 1)});
        CHECK(t.decode(t.encode(last)) == last);
    }
}

TEST_CASE("learn/tokenizer: the same file for every number of threads and every order of texts", "[threads]") {
    const auto a = sample(400), b = sample(90, 50), c = std::string("끝에 새 줄이 없다");
    tokenizer_options options{.vocab = 1600, .expressions = 64, .threads = 1};
    const auto json = trained({a, b, c}, options);
    CHECK(parsed(json).count() % 64 == 0);
    for (const std::size_t threads : {2u, 3u, 5u}) {
        options.threads = threads;
        CHECK((trained({a, b, c}, options) == json));
    }
    CHECK((trained({c, b, a}, options) == json));
    CHECK((trained({a + b, c}, options) == json));
    CHECK((trained({a, {}, b + c}, options) == json));
    CHECK((trained({a, b, b, c}, options) != json));  // what is named twice counts twice
}

TEST_CASE("learn/tokenizer: the syllables of KS X 1001 are tokens, and no token ends inside of other characters") {
    const auto json = trained({sample(300)}, {.vocab = 12800, .expressions = 64, .threads = 1});
    const auto t = parsed(json);
    const auto tokens = tokens_of(t);
    const std::set<std::string> known(tokens.begin(), tokens.end());
    std::size_t missing = 0, torn = 0, apart = 0;
    // What other tools see: the same file without the section "narae".
    const auto begin = json.find("\"narae\":"), end = json.find("\"vocab\":", begin);
    const auto plain = parsed(json.substr(0, begin) + json.substr(end));
    CHECK(!plain.cuts_morphemes());
    CHECK(plain.boundaries().weights == token::boundary_model().weights);
    std::set<std::string> parts;  // how characters begin
    for (const auto c : learn::common_syllables()) {
        std::string s;
        text::utf8_append(s, c);
        missing += known.count(s) == 0;
        parts.insert(s.substr(0, 2));
        // Joined from bytes where no token is a whole piece.
        apart += plain.encode(s + "q") != ids{*t.find(s), *t.find("q")} || t.encode(s + "q") != plain.encode(s + "q");
    }
    for (std::size_t id = 32; id < tokens.size(); ++id)
        torn += tokens[id].size() > 1 && !is_text(tokens[id]) && parts.count(tokens[id]) == 0;
    CHECK(missing == 0);
    CHECK(apart == 0);
    CHECK(torn == 0);
    CHECK(known.count("뷁") == 0);
    CHECK(plain.decode(plain.encode("나래를 펴고 12345 뷁")) == "나래를 펴고 12345 뷁");
    // A character that is not Korean becomes a token from its 50th on.
    for (const std::size_t n : {49u, 50u}) {
        std::string text = "가";
        for (std::size_t i = 0; i < n; ++i) text += " 鷗";
        CHECK(parsed(trained({text}, {.vocab = 12800, .expressions = 0})).find("鷗").has_value() == (n == 50));
    }
    // As does a syllable that is in the text but not in the standard, from the first on.
    CHECK(parsed(trained({"뷁"}, {.vocab = 12800, .expressions = 0})).find("뷁"));
}

TEST_CASE("learn/tokenizer: tokens stay inside morphemes, and expressions go across them") {
    const auto text = sample(2000);
    tokenizer_options options{.vocab = 1600, .expressions = 0, .threads = 2};
    const auto none = trained({text}, options);
    CHECK(number_in(none, "expressions") == 0);
    options.expressions = 40;
    const auto some = trained({text}, options);
    const auto t = parsed(some);
    const auto made = number_in(some, "expressions");
    CHECK(made > 8);
    CHECK(made <= 40);
    const auto tokens = tokens_of(t);
    // The expressions are the last tokens that were learned; "can" is one of them.
    const auto end = learned_end(t), first = end - static_cast<token::token_id>(made);
    const auto can = t.find(" 할 수 있");
    REQUIRE(can);
    CHECK(*can >= first);
    const auto with = t.encode(text).size(), without = t.encode(text, {.expressions = false}).size();
    CHECK(with < without);
    // Without them every cut of the segmenter is a cut between tokens.
    std::size_t crossed = 0;
    token::segmenter segments(boundaries().weights, boundaries().cut, 3);
    token::for_each_piece(std::string_view(text).substr(0, text.find('\n', 20000)), [&](std::string_view piece) {
        std::set<std::size_t> ends;
        std::size_t at = 0;
        for (const auto id : t.encode(piece, {.expressions = false})) ends.insert(at += t.bytes_of(id).size());
        at = 0;
        segments(piece, [&](std::string_view s) { crossed += ends.count(at += s.size()) == 0; });
    });
    CHECK(crossed == 0);
    // An expression holds Hangul at its seam, and is no token that there was already.
    for (auto id = first; id < end; ++id) {
        CAPTURE(tokens[id]);
        CHECK(is_text(tokens[id]));
        CHECK(text::has_syllable(tokens[id]));
    }
}

TEST_CASE("learn/tokenizer: groups of digits") {
    std::string text = "수는 ";
    for (int i = 0; i < 3000; ++i) text += std::to_string(i * 7919 % 100000 / 5000 * 5000 + 12345) + " ";
    const auto json = trained({text}, {.vocab = 1600, .expressions = 0, .threads = 1});
    CHECK(number_in(json, "digits") == learn::most_digits);
    const auto t = parsed(json);
    std::size_t longest = 0;
    for (const auto& s : tokens_of(t))
        if (s.find_first_not_of(" 0123456789") == s.npos)
            longest = (std::max)(longest, s.size() - (s.starts_with(' ') ? 1 : 0));
    CHECK(longest == learn::most_digits);
    CHECK(t.encode("123456").size() >= 2);
}

TEST_CASE("learn/tokenizer: text in Hangul letters teaches what the same text in syllables does") {
    const auto composed = sample(300, 80), letters = text::normalize(composed, text::normal_form::nfd);
    REQUIRE(letters.size() > composed.size());
    const tokenizer_options options{.vocab = 1600, .expressions = 40, .threads = 2};
    const auto json = trained({composed}, options);
    CHECK((trained({letters}, options) == json));
    const auto t = parsed(json);
    CHECK((t.decode_bytes(t.encode(letters)) == letters));
}

TEST_CASE("learn/tokenizer: bytes that are no text are survived") {
    auto text = sample(200, 60);
    std::mt19937 random(9);
    for (int i = 0; i < 2000; ++i) text[random() % text.size()] = static_cast<char>(random() % 256);
    const auto t = parsed(trained({text, "\xFF", "\xEA\xB0", std::string_view("\0\0\0", 3)},
                                  {.vocab = 1600, .expressions = 64, .threads = 2}));
    CHECK((t.decode_bytes(t.encode(text)) == text));
    for (token::token_id id = 288; id < t.size(); ++id)
        if (const auto s = t.bytes_of(id); !is_text(s)) CHECK(s.size() <= 3);
}

TEST_CASE("learn/tokenizer: options that do not fit are refused") {
    const auto text = sample(3);
    const auto a_vocabulary_of = [&](std::size_t n) {
        return refusal({text}, {.vocab = n, .expressions = 0, .threads = 1});
    };
    for (const std::size_t n : {0u, 1u, 64u, 300u, 320u, 352u, 385u, 31999u})
        CHECK(a_vocabulary_of(n) ==
              "a vocabulary of " + std::to_string(n) + " tokens: not a multiple of 64 from 384 on");
    for (const std::size_t n : {384u, 448u, 32000u}) CHECK(a_vocabulary_of(n) == "accepted");
    CHECK(refusal({text}, {.vocab = 384, .expressions = 96}) == "accepted");
    CHECK(refusal({text}, {.vocab = 384, .expressions = 97}) ==
          "more than a quarter of the vocabulary for expressions");
    CHECK(tokenizer_options{}.check());
    CHECK(tokenizer_options{.vocab = 100}.check().error().code == errc::bad_argument);
    for (const texts& nothing : {texts{}, texts{""}, texts{"\n\n", "\n"}})
        CHECK(refusal(nothing, {.threads = 1}) == "no text in the input");
    CHECK(refusal({" "}, {.threads = 1}) == "accepted");
}

TEST_CASE("learn/tokenizer: false from the callback stops every part of the work") {
    const auto text = sample(1000);
    const tokenizer_options options{.vocab = 1600, .expressions = 64, .threads = 1};
    std::vector<std::uint64_t> seen;
    REQUIRE(tokenizer_trainer::train({text}, boundaries(), options, [&](std::uint64_t done, std::uint64_t total) {
        CHECK((seen.empty() || seen.back() <= done));
        seen.push_back(done);
        return total == 1000;
    }));
    CHECK(seen.front() == 300);
    CHECK(seen.back() > 900);
    CHECK(seen.back() <= 1000);
    CHECK(seen.size() > 20);
    for (std::size_t calls = 1; calls <= seen.size(); calls += 1 + calls / 2) {
        std::size_t left = calls;
        const auto stopped = tokenizer_trainer::train({text}, boundaries(), options,
                                                      [&](std::uint64_t, std::uint64_t) { return --left > 0; });
        REQUIRE(!stopped);
        CHECK(stopped.error().code == errc::cancelled);
        CHECK(left == 0);
    }
}
