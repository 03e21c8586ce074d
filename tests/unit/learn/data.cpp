// SPDX-License-Identifier: MIT
#include "narae/learn/data.hpp"

#include <set>

#include "catch.hpp"
#include "models.hpp"

using namespace narae;

namespace {

const token::tokenizer& shipped() {
    static const auto file = sys::file_view::open(NARAE_TOP_DIR "/examples/models/tokenizer.json");
    REQUIRE(file);
    static const auto t = token::tokenizer::parse(file->bytes());
    REQUIRE(t);
    return *t;
}

sys::team& team(std::size_t threads) {
    static std::map<std::size_t, std::unique_ptr<sys::team>> all;
    if (!all[threads]) all[threads] = std::move(*sys::team::make(threads));
    return *all[threads];
}

std::string sample() {
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += "나무 " + std::to_string(i) + "그루를 심었다. 비가 와서 다음 날에도 물을 주지 않았다.\n";
    return text;
}

}  // namespace

TEST_CASE("every line is a document, the same for any number of threads") {
    learn::documents one(shipped()), three(shipped());
    REQUIRE(one.add_text(sample(), team(1)));
    REQUIRE(three.add_text(sample(), team(3)));
    CHECK(one.count() == 40);
    CHECK(one.hash() == three.hash());
    CHECK(one.characters() == [] {
        std::size_t n = 0;
        for (const char c : sample()) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        return n;
    }());
    learn::documents windows(shipped());
    REQUIRE(windows.add_text("나무를 심었다.\r\n\r\n  \n물을 주었다.", team(1)));
    CHECK(windows.count() == 2);
}

TEST_CASE("batches hold each token once a pass, tell documents apart and depend on their number alone") {
    learn::documents d(shipped());
    REQUIRE(d.add_text(sample(), team(1)));
    const std::size_t T = 16, pass = static_cast<std::size_t>(d.sequences(T));
    const auto end = *shipped().end_of_text();
    std::multiset<std::uint32_t> seen[2];
    learn::owned_batch b, again;
    for (std::size_t i = 0; i < 2 * pass; ++i) {
        d.fill(b, i, 1, T, 7);
        REQUIRE(b.ids.size() == T);
        for (std::size_t t = 0; t < T; ++t) {
            seen[i / pass].insert(b.ids[t]);
            if (b.ids[t] == end) CHECK(b.first[t] == t);
            if (t > 0 && b.ids[t] != end) CHECK(b.first[t] == b.first[t - 1]);
            if (t + 1 < T) CHECK(b.targets[t] == b.ids[t + 1]);
        }
    }
    // But for what does not fill a sequence at the end of a pass, both passes see the same, in another order.
    CHECK(seen[0].size() == seen[1].size());
    CHECK(seen[0].count(end) >= 38);
    d.fill(again, 2 * pass - 1, 1, T, 7);
    CHECK(again.ids == b.ids);
    d.fill(again, pass - 1, 1, T, 7);
    CHECK(again.ids != b.ids);
    d.fill(again, 0, 1, T, 7);
    d.fill(b, 0, 1, T, 8);
    CHECK(again.ids != b.ids);
}

TEST_CASE("of an instruction the answer alone is taught, to its end") {
    learn::documents d(shipped());
    REQUIRE(d.add_instructions("{\"instruction\":\"색을 말해 봐\",\"input\":\"\",\"output\":\"파랑이요\"}\n"));
    learn::owned_batch b;
    const auto T = static_cast<std::size_t>(d.tokens());
    d.fill(b, 0, 1, T, 1);
    const auto id = [](const char* name) { return *shipped().find(name); };
    CHECK(b.ids[0] == *shipped().end_of_text());
    CHECK(b.ids[1] == id("<|user|>"));
    std::vector<std::uint32_t> taught;
    for (std::size_t t = 0; t < T; ++t) {
        if (b.targets[t] == learn::no_target) continue;
        if (taught.empty()) CHECK(b.ids[t] == id("<|assistant|>"));
        taught.push_back(b.targets[t]);
    }
    auto answer = shipped().encode("파랑이요");
    answer.push_back(id("<|/assistant|>"));
    answer.push_back(*shipped().end_of_text());
    CHECK(taught == answer);
}

TEST_CASE("exercises are made beside the lines") {
    learn::documents plain(shipped()), more(shipped());
    REQUIRE(plain.add_text(sample(), team(1)));
    REQUIRE(more.add_text(sample(), team(2), 1.0, 5));
    CHECK(more.count() > plain.count() + 20);
}

TEST_CASE("texts that cannot be learned from are refused with a reason") {
    learn::documents d(shipped());
    const auto why = [&](std::string_view text) {
        const auto added = d.add_text(text, team(1));
        return added ? "" : added.error().message();
    };
    CHECK(why("").find("no text") != std::string::npos);
    CHECK(why(" \n\n").find("no text") != std::string::npos);
    CHECK(why("나무\n\xFF\xFE 나무\n").find("line 2: not UTF-8") != std::string::npos);
    CHECK(why("An English text, from its first letter to its last.\n").find("Hangul") != std::string::npos);
    CHECK(why("\xE4\xB8\xAD\xE6\x96\x87\xE6\x96\x87\xE6\x9C\xAC\n").find("Hangul") != std::string::npos);
    CHECK(!d.add_instructions("{\"instruction\":\"색\"}"));
    CHECK(d.count() == 0);
}
