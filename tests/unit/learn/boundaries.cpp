// SPDX-License-Identifier: MIT
#include "narae/learn/boundaries.hpp"

#include <algorithm>
#include <cstdlib>

#include "catch.hpp"
#include "learn/analyses.hpp"
#include "narae/token/segment.hpp"

using namespace narae;
using learn::gold_word;
using learn::train_boundaries;
using token::boundary_model;

namespace {

constexpr std::size_t features = 10;  // of a gap

std::vector<gold_word> read(const std::string& lines) {
    const auto words = learn::read_gold(as_bytes(lines));
    REQUIRE(words);
    return *words;
}

boundary_model trained(const std::vector<gold_word>& words) {
    auto model = train_boundaries(words, {});
    REQUIRE(model);
    return *std::move(model);
}

/// The word with a stroke where the model cuts it.
std::string cut(const boundary_model& model, const std::string& word) {
    std::string out;
    token::segmenter segments(model.weights, model.cut, 3);
    segments(word, [&](std::string_view s) { out.append(out.empty() ? "" : "|").append(s); });
    return out;
}

std::string without_strokes(std::string word) {
    word.erase(std::remove(word.begin(), word.end(), '|'), word.end());
    return word;
}

bool equal(const boundary_model& a, const boundary_model& b) { return a.weights == b.weights && a.cut == b.cut; }

}  // namespace

TEST_CASE("learn/boundaries: particles and endings are cut off stems that were never seen") {
    const auto model = trained(read(tests::analyses));
    for (const std::string known : {"고향|은", "학교|에서", "먹|고", "사람", "도서관", "자동차"})
        CHECK(cut(model, without_strokes(known)) == known);
    for (const std::string unseen :
         {"나비|를", "마을|에서", "바람|은", "사다리|를", "공항|에서", "노인|의", "어른|이", "씹|고"}) {
        CHECK(cut(model, without_strokes(unseen)) == unseen);
        CHECK(cut(model, " " + without_strokes(unseen)) == " " + unseen);
    }
    // Of stems in which every syllable is new nothing is known but where they end.
    for (const std::string foreign : {"컴퓨터|를", "라디오|는", "고구마|도", "수박|은"}) {
        const auto found = cut(model, without_strokes(foreign));
        CAPTURE(found);
        CHECK(found.ends_with(foreign.substr(foreign.find('|'))));
    }
    CHECK(cut(model, "어머") == "어머");
    CHECK(cut(model, "고등어") == "고등어");
    CHECK(cut(model, "ABC를") == "ABC|를");
}

TEST_CASE("learn/boundaries: a new model cuts nowhere") {
    const boundary_model model;
    CHECK(model.weights.size() == boundary_model::slots);
    for (const char* word : {"고향은", "서울에서는", "먹었다", "한"}) CHECK(cut(model, word) == word);
}

TEST_CASE("learn/boundaries: the same words give the same model") {
    const auto words = read(tests::analyses);
    const auto model = trained(words);
    CHECK(equal(model, trained(words)));
    CHECK(!equal(model, boundary_model()));
    // Words are counted, so that their order says nothing; how often they stand there does.
    const std::vector<gold_word> backwards(words.rbegin(), words.rend());
    CHECK(equal(model, trained(backwards)));
    auto more = words;
    for (int i = 0; i < 20; ++i) more.push_back(words.front());
    CHECK(!equal(model, trained(more)));
}

TEST_CASE("learn/boundaries: a gap of which nothing is known teaches nothing") {
    const auto model = trained(read("고향은\t고향+은\tncn+jxt\n"));
    CHECK(cut(model, "고향은") == "고향|은");
    const auto same =
        trained(read("고향은\t고향+은\tncn+jxt\n벚꽃\t벚+꽃\tncn+ncn\n나라로\t나+라+로\tnq+jca\n가\t가\tnq\n"));
    CHECK(equal(model, same));
    // Each run of syllables is a word of its own, what stands between is not looked at.
    const auto runs = trained(read("A고향은.B\tA+고향+은+.B\tf+ncn+jxt+sf\n"));
    CHECK(cut(runs, "고향은") == "고향|은");
}

TEST_CASE("learn/boundaries: one word is enough, and no weight is out of range") {
    for (const char* line :
         {"고향은\t고향+은\tncn+jxt\n", "먹고\t먹+고\tVV+EC\n", "고향은\t고향+은\tncn+jxt\n고향\t고향\tncn\n"}) {
        const auto model = trained(read(line));
        std::size_t used = 0;
        int largest = 0;
        for (const auto w : model.weights) used += w != 0, largest = (std::max)(largest, std::abs(int{w}));
        CHECK(used >= features - 2);  // slots may be shared
        CHECK(used <= 3 * features);
        CHECK(largest == 127);  // 8 bits are used to the full
        CHECK(model.cut < 0);   // in doubt it cuts
        CHECK(model.cut > -127);
    }
}

TEST_CASE("learn/boundaries: what cannot teach is an error, and false stops the work") {
    for (const char* line : {"사람\t사람\tncn\n", "가\t가\tnq\n", "학생들\t학생+들\tncn+xsn\n", "A은\tA+은\tf+jxt\n",
                             "갔다\t가+았+다\tpvg+ep+ef\n"}) {
        const auto none = train_boundaries(read(line), {});
        REQUIRE(!none);
        CHECK(none.error().code == errc::bad_value);
        CHECK(none.error().what == "no particle and no ending begins inside a word");
    }
    CHECK(!train_boundaries({}, {}));
    const auto words = read(tests::analyses);
    std::vector<std::uint64_t> seen;
    REQUIRE(train_boundaries(words, [&](std::uint64_t done, std::uint64_t total) {
        seen.push_back(done);
        return total == 7;
    }));
    CHECK(seen == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
    for (const std::uint64_t last : {0u, 5u}) {
        const auto stopped = train_boundaries(words, [&](std::uint64_t done, std::uint64_t) { return done < last; });
        REQUIRE(!stopped);
        CHECK(stopped.error().code == errc::cancelled);
    }
}
