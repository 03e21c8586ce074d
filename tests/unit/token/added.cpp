// SPDX-License-Identifier: MIT
#include "narae/token/added.hpp"

#include <random>

#include "catch.hpp"

using namespace narae::token;

namespace {

struct tokens {
    std::vector<added_token> list;
    added_matcher matcher;

    explicit tokens(std::vector<added_token> all) : list(std::move(all)) {
        for (std::size_t i = 0; i < list.size(); ++i) {
            list[i].id = static_cast<token_id>(i);
            REQUIRE(matcher.add(list[i].content, i, list[i].special));
        }
    }
    /// Plain text as it is, tokens as [content].
    std::string split(std::string_view s, bool skip_special = false) const {
        std::string out;
        matcher.split(
            s, list, skip_special, [&](std::string_view t) { return (out += t) += "/", true; },
            [&](const added_token& t) { return out += "[" + t.content + "]/", true; });
        return out;
    }
};

added_token plain(std::string content) {
    added_token t;
    t.content = std::move(content);
    return t;
}
added_token special(std::string content) {
    auto t = plain(std::move(content));
    t.special = true;
    return t;
}

}  // namespace

TEST_CASE("the leftmost token wins, then the longest", "[added]") {
    const tokens t({plain("ab"), plain("abc"), plain("bcd"), plain("<|끝|>"), plain("  ")});
    CHECK(t.split("") == "");
    CHECK(t.split("xyz") == "xyz/");
    CHECK(t.split("ab") == "[ab]/");
    CHECK(t.split("abcd") == "[abc]/d/");
    CHECK(t.split("xabd") == "x/[ab]/d/");
    CHECK(t.split("aabcabb") == "a/[abc]/[ab]/b/");
    CHECK(t.split("글<|끝|><|끝|>글") == "글/[<|끝|>]/[<|끝|>]/글/");
    CHECK(t.split("<|끝") == "<|끝/");
    CHECK(t.split("     ") == "[  ]/[  ]/ /");
    CHECK(tokens({}).split("abc") == "abc/");
}

TEST_CASE("special tokens can stay text, and nothing is found inside them", "[added]") {
    const tokens t({special("<|end|>"), plain("end"), plain("<|")});
    CHECK(t.split("a<|end|>end") == "a/[<|end|>]/[end]/");
    CHECK(t.split("a<|end|>end", true) == "a<|end|>/[end]/");
    CHECK(t.split("<|end", true) == "[<|]/[end]/");
}

TEST_CASE("nothing is found where all tokens are special and none is asked for", "[added]") {
    auto strips = special("<s>");
    strips.lstrip = strips.rstrip = true;
    const tokens all({special("<|end|>"), strips, special("가")});
    const tokens one_plain({special("<|end|>"), strips, special("가"), plain("#")});  // goes the long way
    for (const std::string s :
         {"", "<|end|>", "a<|end|>b", "a <s> b<s>", "가나<|end", "<|end|><|end|>", "\xEA\xB0", "abc"}) {
        const auto want = s.empty() ? s : s + "/";
        CHECK(all.split(s, true) == want);
        CHECK(one_plain.split(s, true) == want);
        CHECK(all.split(s) == one_plain.split(s));
    }
    CHECK(all.split("a <s> b<|end|>") == "a/[<s>]/b/[<|end|>]/");
    CHECK(one_plain.split("<|end|>#<s>", true) == "<|end|>/[#]/<s>/");
    CHECK(tokens({plain("#")}).split("a#", true) == "a/[#]/");
}

TEST_CASE("a single word touches no letter, digit or mark", "[added]") {
    auto token = plain("용어");
    token.single_word = true;
    const tokens t({token});
    CHECK(t.split("용어") == "[용어]/");
    CHECK(t.split("(용어) 용어") == "(/[용어]/) /[용어]/");
    for (const char* s : {"용어집", "새용어", "용어1", "_용어", "용어\xCC\x81", "a용어", "용어용어"})
        CHECK(t.split(s) == std::string(s) + "/");
    CHECK(t.split("½용어²") == "½/[용어]/²/");
    CHECK(t.split("\xFF용어\xFF") == "\xFF/[용어]/\xFF/");
}

TEST_CASE("white space beside a token goes with it where it says so", "[added]") {
    auto left = plain("<l>"), right = plain("<r>"), both = plain("<b>");
    left.lstrip = right.rstrip = both.lstrip = both.rstrip = true;
    const tokens t({left, right, both, plain("\n")});
    CHECK(t.split("a  <l>  b") == "a/[<l>]/  b/");
    CHECK(t.split("a  <r>  b") == "a  /[<r>]/b/");
    CHECK(t.split("a \t\xE3\x80\x80<b>\xC2\xA0 b") == "a/[<b>]/b/");
    CHECK(t.split("<r>  <l>") == "[<r>]/[<l>]/");
    CHECK(t.split("<b> <b>") == "[<b>]/[<b>]/");
    auto gap = plain(" ");
    gap.lstrip = gap.rstrip = true;
    CHECK(tokens({gap}).split("a   b c") == "a/[ ]/b/[ ]/c/");  // the second and third blank are gone with the first
    // The search goes on right behind the token, so that a token of white space is found again in what went with it.
    CHECK(t.split("<r>\n x") == "[<r>]/[\n]/ x/");
}

TEST_CASE("splitting is exact for random tokens and texts", "[added]") {
    std::mt19937 random(5);
    for (int round = 0; round < 300; ++round) {
        std::vector<added_token> all;
        for (auto n = random() % 8; n > 0; --n) {
            std::string content;
            for (auto k = random() % 4 + 1; k > 0; --k) content.push_back("abc"[random() % 3]);
            if (std::none_of(all.begin(), all.end(), [&](auto& x) { return x.content == content; }))
                all.push_back(plain(content));
        }
        const tokens t(all);
        std::string s;
        for (auto n = random() % 40; n > 0; --n) s.push_back("abcd"[random() % 4]);
        std::string want, text;
        for (std::size_t at = 0; at < s.size();) {
            const added_token* best = nullptr;
            for (const auto& a : all)
                if (s.compare(at, a.content.size(), a.content) == 0 &&
                    (!best || a.content.size() > best->content.size()))
                    best = &a;
            if (!best) {
                text += s[at++];
                continue;
            }
            if (!text.empty()) want += text + "/";
            want += "[" + best->content + "]/", text.clear(), at += best->content.size();
        }
        if (!text.empty()) want += text + "/";
        if (t.split(s) != want) FAIL(s);
    }
}

TEST_CASE("tokens are found by content", "[added]") {
    const std::vector<added_token> sorted = {plain("a"), plain("b"), plain("bb")};
    CHECK(find_added(sorted, "bb") == &sorted[2]);
    CHECK(find_added(sorted, "") == nullptr);
    CHECK(find_added(sorted, "c") == nullptr);
    added_matcher m;
    CHECK(m.add("x", 0, false));
    CHECK_FALSE(m.add("x", 1, false));
}
