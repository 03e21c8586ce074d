// SPDX-License-Identifier: MIT
#include "narae/token/bpe.hpp"

#include <random>

#include "catch.hpp"

using namespace narae;
using namespace narae::token;

namespace {

/// The definition: merge the pair of lowest rank, leftmost first, until no pair merges.
std::vector<token_id> merged(const vocab& v, std::vector<token_id> ids) {
    for (;;) {
        std::size_t best = ids.size();
        const merge* lowest = nullptr;
        for (std::size_t i = 0; i + 1 < ids.size(); ++i)
            if (const auto* m = v.merge_of(ids[i], ids[i + 1]); m && (!lowest || m->rank < lowest->rank))
                lowest = m, best = i;
        if (!lowest) return ids;
        ids[best] = lowest->whole;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

std::vector<token_id> bytes(const vocab& v, const std::string& piece) {
    std::vector<token_id> ids;
    for (const char c : piece)
        if (v.of_byte(static_cast<unsigned char>(c)) != no_token)
            ids.push_back(v.of_byte(static_cast<unsigned char>(c)));
    return ids;
}
std::vector<token_id> oracle(const vocab& v, const std::string& piece) { return merged(v, bytes(v, piece)); }

/// Bytes 'a'..'f' (never 'g') and merges of whatever has been made before, in random order of rank.
vocab random_vocab(std::mt19937& random) {
    vocab v;
    v.reserve(200, 20000, 200);
    std::vector<std::string> made;
    for (char c = 'a'; c <= 'f'; ++c) {
        v.add(static_cast<token_id>(made.size()), std::string(1, c), false);
        made.emplace_back(1, c);
    }
    for (std::uint32_t i = 0; i < 60; ++i) {
        const auto left = random() % made.size(), right = random() % made.size();
        const auto whole = made[left] + made[right];
        if (whole.size() > 40) continue;
        auto id = v.find(whole);
        if (id == no_token) {
            id = static_cast<token_id>(made.size());
            v.add(id, whole, false);
            made.push_back(whole);
        }
        v.add_merge({static_cast<token_id>(left), static_cast<token_id>(right),
                     static_cast<std::uint32_t>(random() % 1000 * 64 + i), id});
    }
    return v;
}

}  // namespace

TEST_CASE("short and long pieces merge as the definition says", "[bpe]") {
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        const auto v = random_vocab(random);
        bpe merger(v);
        for (const std::size_t n : {0u, 1u, 2u, 3u, 5u, 8u, 13u, 21u, 47u, 48u, 49u, 50u, 64u, 100u, 150u}) {
            std::string piece;
            const auto letters = 1 + random() % 7;
            while (piece.size() < n) piece.push_back(static_cast<char>('a' + random() % letters));
            std::vector<token_id> ids = {77};
            merger.encode(piece, ids);
            auto want = oracle(v, piece);
            want.insert(want.begin(), 77);
            CAPTURE(round, piece);
            CHECK(ids == want);
        }
    }
}

TEST_CASE("a long piece without a merge, and one that merges all the way", "[bpe]") {
    vocab v;
    v.reserve(40, 4000000, 40);
    std::string whole = "a";
    v.add(0, whole, false);
    for (token_id id = 1; id <= 20; ++id) {  // doubling: 2^20 bytes become one token
        v.add_merge({id - 1, id - 1, id, id});
        v.add(id, whole += whole, false);
    }
    v.add(21, "b", false);
    bpe merger(v);
    std::vector<token_id> ids;
    merger.encode(whole, ids);
    CHECK(ids == std::vector<token_id>{20});
    ids.clear();
    merger.encode(std::string(1000000, 'b'), ids);
    CHECK(ids == std::vector<token_id>(1000000, 21));
    ids.clear();
    merger.encode(std::string(1000, 'x'), ids);
    CHECK(ids.empty());
}

TEST_CASE("a piece may start as its characters", "[bpe]") {
    vocab v;
    v.reserve(300, 3000, 10);
    for (token_id b = 0; b < 256; ++b) v.add(b, std::string(1, static_cast<char>(b)), false);
    const std::vector<std::string> words = {"나", "래",  "나래", "é", "\xEA\xB0", "\xEB\x82", "\x98\xEB\x9E\x98",
                                            "中", "中a", "漢"};
    for (const auto& w : words) v.add(static_cast<token_id>(256 + (&w - words.data())), w, false);
    v.add(300, "글", true);  // a literal is no character
    v.add_merge({0xEB, 0x82, 0, 261});
    v.add_merge({256, 257, 1, 258});
    v.add_merge({263, 'a', 2, 264});

    const auto encoded = [&](std::string_view s, bool from_characters) {
        std::vector<token_id> ids;
        bpe(v, from_characters).encode(s, ids);
        return ids;
    };
    using ids = std::vector<token_id>;
    CHECK(encoded("나래", true) == ids{258});
    CHECK(encoded("나래", false) == ids{261, 0x98, 0xEB, 0x9E, 0x98});
    CHECK(encoded("래나", true) == ids{257, 256});
    CHECK(encoded("é中a中", true) == ids{259, 264, 263});
    CHECK(encoded("é漢", false) == bytes(v, "é漢"));  // tokens that nothing merges to
    CHECK(encoded("글", true) == bytes(v, "글"));
    CHECK(encoded("뷁나", true) == ids{0xEB, 0xB7, 0x81, 256});
    CHECK(encoded("넌나", true) == ids{0xEB, 0x84, 0x8C, 256});
    CHECK(encoded("놂", true) == bytes(v, "놂"));
    CHECK(encoded("낢", true) == ids{261, 0xA2});  // bytes still merge
    CHECK(encoded("😀\xFF\x80", true) == bytes(v, "😀\xFF\x80"));
    CHECK(encoded("a\xEA\xB0", true) == bytes(v, "a\xEA\xB0"));  // a token, but no character
    CHECK(encoded("ab", true) == ids{'a', 'b'});
    CHECK(encoded("", true).empty());

    std::mt19937 random(12);
    const std::vector<std::string> pool = {"나", "래", "중",   "中",   "a",    "é", "뷁",
                                           "낢", "글", "\xEB", "\x82", "\x98", "😀"};
    for (int i = 0; i < 5000; ++i) {  // short and long pieces, against the definition
        std::string s;
        ids start;
        for (auto n = random() % 40; n > 0; --n) s += pool[random() % pool.size()];
        for (std::string_view rest = s; !rest.empty();) {
            const auto step = text::utf8_front(rest);
            const std::string c(rest.substr(0, step.length));
            if (step.valid && v.find(c) != no_token)
                start.push_back(v.find(c));
            else
                for (const auto b : bytes(v, c)) start.push_back(b);
            rest.remove_prefix(step.length);
        }
        if (encoded(s, true) != merged(v, start)) FAIL(s);
    }
}
