// SPDX-License-Identifier: MIT
#include "narae/token/packed.hpp"

#include <random>

#include "cases.hpp"
#include "file.hpp"
#include "narae/token/packed_writer.hpp"

using namespace narae;
using file = tokenizer_file;

namespace {

/// Packed files made by hand, part by part.
struct parts {
    std::uint32_t version = 1, width = 2;
    std::vector<std::uint32_t> ids, merges;
    std::string bytes, weights, settings = file().text();

    /// Every byte by its own id, then "ab" = 256 and the merge that makes it.
    static parts good() {
        parts p;
        for (int b = 0; b < 256; ++b) {
            p.ids.push_back(3);
            p.bytes += static_cast<char>(b);
        }
        p.ids.push_back(5);
        p.bytes += "ab";
        p.merges = {'a', 'b', 256};
        p.settings = p.settings.substr(0, p.settings.find("\"vocab\"")) + "\"vocab\":{},\"merges\":[]}}";
        return p;
    }
    std::string text() const {
        std::string out = "NARAETOK";
        const auto put = [&](std::uint64_t n, std::uint32_t bytes_of_it) {
            for (std::uint32_t i = 0; i < bytes_of_it; ++i) out += static_cast<char>(n >> 8 * i & 0xFF);
        };
        for (const auto n : {version, width, static_cast<std::uint32_t>(ids.size()),
                             static_cast<std::uint32_t>(merges.size() / 3), static_cast<std::uint32_t>(weights.size())})
            put(n, 4);
        for (const auto n : ids) put(n, width);
        for (const auto n : merges) put(n, width);
        return out + bytes + weights + settings;
    }
};

std::string refusal(const std::string& text, errc code = errc::bad_value) {
    const auto t = token::tokenizer_json::read(as_bytes(text));
    if (t) return "accepted";
    CHECK(t.error().code == code);
    return t.error().what;
}
template <class Change> std::string refusal_of(Change change, errc code = errc::bad_value) {
    auto p = parts::good();
    change(p);
    return refusal(p.text(), code);
}

}  // namespace

TEST_CASE("token/packed: a plain tokenizer.json is all settings") {
    const auto text = file().text();
    const auto p = token::packed_lists::find(as_bytes(text));
    REQUIRE(p);
    CHECK(as_text(p->settings) == text);
    CHECK(p->ids.empty());
    CHECK(p->merges.empty());
    CHECK(token::packed_lists::find({}));
}

TEST_CASE("token/packed: the layout is the one that is written down") {
    for (const std::uint32_t width : {2u, 4u}) {
        auto made = parts::good();
        made.width = width;
        const auto text = made.text();
        const auto t = token::tokenizer::parse(as_bytes(text));
        INFO(t.error().message());
        REQUIRE(t);
        CHECK(t->count() == 257);
        CHECK(t->encode("abba") == cases::ids{256, 'b', 'a'});
        const auto p = token::packed_lists::find(as_bytes(text));
        REQUIRE(p);
        CHECK(p->count(p->ids) == 257);
        CHECK(p->count(p->merges) == 3);
        CHECK(p->length(p->number(p->ids, 256)) == 2);
        CHECK_FALSE(p->literal(p->number(p->ids, 256)));
        CHECK(as_text(p->settings) == made.settings);
    }
    auto gap = parts::good();
    gap.ids.insert(gap.ids.end(), {0, 0, 1 + 2 * 3 + 1});
    gap.bytes += "가";
    const auto t = token::tokenizer_json::read(as_bytes(gap.text()));
    REQUIRE(t);
    CHECK(t->words.count() == 258);
    CHECK(t->words.size() == 260);
    CHECK(t->words.find("가", true) == 259);
    CHECK(t->words.bytes_of(257).empty());
}

TEST_CASE("token/packed: what cannot be is refused in one line") {
    const auto good = parts::good().text();
    CHECK(refusal(good) == "accepted");
    CHECK(refusal_of([](parts& p) { p.version = 2; }, errc::unsupported) == "packed tokenizer: version 2");
    for (const std::uint32_t width : {0u, 1u, 3u, 8u})
        CHECK(refusal_of([&](parts& p) { p.width = width; }) == "packed tokenizer: width " + std::to_string(width));
    CHECK(refusal_of([](parts& p) { p.ids[0] = 0; }).starts_with("tokenizer.json: JSON"));  // a byte too many
    for (std::size_t n = 8; n < good.size(); ++n) {
        const auto t = token::tokenizer_json::read(as_bytes(good.substr(0, n)));
        if (t) FAIL(n << " bytes of " << good.size());
    }
    CHECK(refusal(good.substr(0, 27), errc::truncated) == "packed tokenizer: the head is cut short");
    CHECK(refusal(good.substr(0, 400), errc::truncated) == "packed tokenizer: the list of ids is cut short");
    for (const auto& [at, list] :
         {std::pair(16, "the list of ids is"), {20, "the list of merges is"}, {24, "the list of weights is"}}) {
        auto large = good;  // a count of 2^32 - 1
        for (int i = 0; i < 4; ++i) large[static_cast<std::size_t>(at + i)] = '\xFF';
        CHECK(refusal(large, errc::truncated) == std::string("packed tokenizer: ") + list + " cut short");
    }
    CHECK(refusal_of([](parts& p) { p.bytes[1] = p.bytes[0]; }) == "tokenizer.json: packed token 1 is there twice");
    const std::string no_merge = "tokenizer.json: packed merge 0 does not join two tokens to a third";
    CHECK(refusal_of([](parts& p) { p.merges = {'a', 'b', 257}; }) == no_merge);
    CHECK(refusal_of([](parts& p) { p.merges = {'a', 0xFFFF, 256}; }) == no_merge);
    CHECK(refusal_of([](parts& p) { p.merges = {'b', 'a', 256}; }) == no_merge);
    CHECK(refusal_of([](parts& p) { p.merges = {'a', 'a', 256}; }) == no_merge);
    CHECK(refusal_of([](parts& p) { p.merges = {'a', 'b', 'a'}; }) == no_merge);
    CHECK(refusal_of([](parts& p) { p.ids[256] = 6; }) == no_merge);  // a literal
    CHECK(refusal_of([](parts& p) {
              p.ids.push_back(0);
              p.merges = {'a', 257, 'a'};
          }) == no_merge);
    CHECK(refusal_of([](parts& p) { p.weights = "x"; }) == "accepted");  // nothing asks for them
    CHECK(refusal_of([](parts& p) { p.settings = "{}"; }, errc::unsupported) ==
          "tokenizer.json: pre_tokenizer null (a BPE that is not byte-level) is not supported");
}

TEST_CASE("token/packed: any change of any byte gives a tokenizer or an error") {
    auto made = file::narae();
    made.words.push_back("나");
    made.merges = R"(["a b","ab c"])";
    made.added = "[" + file::token(259, "<|nfd|>", "special") + "]";
    auto section = made.model;
    std::size_t read = 0;
    for (const bool with_section : {false, true}) {
        made.model = with_section ? section : file().model;
        const auto good = token::pack_tokenizer(as_bytes(made.text()));
        REQUIRE(good);
        std::mt19937 random(3);
        for (int i = 0; i < (with_section ? 500 : 20000); ++i) {
            auto s = *good;
            for (auto k = random() % 2; k < 2; ++k) {  // mostly in the lists, and in the settings
                const auto at = random() % 2 ? random() % 1100 : s.size() - 1 - random() % 700;
                s[at % s.size()] = static_cast<char>(random() % 4 ? random() % 256 : random() % 4);
            }
            if (random() % 8 == 0) s.resize(random() % s.size());
            const auto t = token::tokenizer::parse(as_bytes(s));
            if (!t) continue;
            ++read;
            t->decode(t->encode("나래 <|nfd|> abc\xFF", {.special = true}));
            const auto json = token::unpack_tokenizer(as_bytes(s));
            if (json && !token::tokenizer_json::read(as_bytes(*json))) FAIL("unpacked to no tokenizer");
        }
    }
    CHECK(read > 200);
}
