// SPDX-License-Identifier: MIT
#include "narae/corpus/duplicates.hpp"

#include <random>
#include <set>

#include "catch.hpp"
#include "corpus/text.hpp"

using namespace narae;
using corpus::near_duplicates;
using corpus::seen_hashes;

namespace {

corpus::signature signed_by(std::u32string_view text) {
    static const corpus::phrase_finder find;
    corpus::letters l;
    l.read(text, find);
    return corpus::signature_of(l);
}

std::u32string random_text(std::mt19937& random, std::size_t n) {
    std::u32string s;
    for (std::size_t i = 0; i < n; ++i) s.push_back(text::first_syllable + static_cast<char32_t>(random() % 2000));
    return s;
}

std::size_t equal(const corpus::signature& a, const corpus::signature& b) {
    std::size_t n = 0;
    for (std::size_t k = 0; k < a.size(); ++k) n += a[k] == b[k];
    return n;
}

}  // namespace

TEST_CASE("corpus/duplicates: hashes differ where texts do") {
    std::set<std::uint64_t> all;
    std::string text;
    for (int i = 0; i < 2000; ++i) {
        CHECK(all.insert(corpus::hash_of(text)).second);
        text += static_cast<char>(i % 3 == 0 ? 0 : 'a');
    }
    for (int i = 0; i < 1000; ++i) CHECK(all.insert(corpus::hash_of("line " + std::to_string(i))).second);
    CHECK(all.count(0) == 0);
    CHECK(corpus::hash_of("나래") == corpus::hash_of(std::string("나래")));
}

TEST_CASE("corpus/duplicates: a set of hashes grows, then forgets the oldest") {
    seen_hashes all(1u << 20);
    for (std::uint64_t i = 1; i <= 100000; ++i) REQUIRE(all.insert(token::mix(i)));
    for (std::uint64_t i = 1; i <= 100000; ++i) REQUIRE(!all.insert(token::mix(i)));
    seen_hashes few(1000);
    for (std::uint64_t i = 1; i <= 100000; ++i) REQUIRE(few.insert(token::mix(i)));
    for (std::uint64_t i = 100000; i > 100000 - 500; --i) REQUIRE(!few.insert(token::mix(i)));
    CHECK(few.insert(token::mix(99000)));
    seen_hashes one(0);
    CHECK(one.insert(1));
    CHECK(!one.insert(1));
    CHECK(one.insert(2));
    CHECK(one.insert(3));
    CHECK(one.insert(1));
}

TEST_CASE("corpus/duplicates: signatures tell how much two lines have in common") {
    std::mt19937 random(5);
    const auto a = random_text(random, 300);
    CHECK(signed_by(a) == signed_by(a));
    CHECK(equal(signed_by(a), signed_by(random_text(random, 300))) < 8);
    // A line of which 10 letters in 300 change has 304 shingles, of which 50 differ: 254 / 354 = 0.72.
    double sum = 0;
    for (int i = 0; i < 100; ++i) {
        const auto whole = random_text(random, 300);
        auto other = whole;
        for (std::size_t k = 0; k < 10; ++k) other[k * 30 + 5] = U'힣';
        sum += static_cast<double>(equal(signed_by(whole), signed_by(other))) / 64;
    }
    CHECK(sum / 100 == Approx(254.0 / 354).margin(0.03));
    CHECK(signed_by(U"나래를 펴다!") == signed_by(U"나래를펴다"));  // letters only
}

TEST_CASE("corpus/duplicates: near duplicates are found, others are not") {
    std::mt19937 random(6);
    near_duplicates seen(1u << 14);
    std::vector<std::u32string> lines;
    for (int i = 0; i < 5000; ++i) {
        lines.push_back(random_text(random, 60));
        REQUIRE(seen.insert(signed_by(lines.back())));
    }
    int found = 0, kept = 0;
    for (auto& line : lines) {
        auto near = line, far = line;
        near[20] = U'힣';  // 59 shingles of 69
        for (std::size_t k = 0; k < 30; ++k) far[2 * k] = U'힣' - static_cast<char32_t>(random() % 500);  // none
        found += !seen.insert(signed_by(near));
        kept += seen.insert(signed_by(far));
    }
    CHECK(found > 4900);
    CHECK(kept == 5000);
}

TEST_CASE("corpus/duplicates: only so many lines are remembered") {
    std::mt19937 random(8);
    near_duplicates seen(1);  // 1024 at least
    const auto first = signed_by(random_text(random, 40));
    CHECK(seen.insert(first));
    CHECK(!seen.insert(first));
    for (int i = 0; i < 1000; ++i) REQUIRE(seen.insert(signed_by(random_text(random, 40))));
    CHECK(!seen.insert(first));
    for (int i = 0; i < 1100; ++i) REQUIRE(seen.insert(signed_by(random_text(random, 40))));
    CHECK(seen.insert(first));
    CHECK(!seen.insert(first));
}
