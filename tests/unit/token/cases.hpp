// SPDX-License-Identifier: MIT
// Reading reference cases: JSON lines of ids and texts, and asking a tokenizer for the same.
#ifndef NARAE_TESTS_UNIT_TOKEN_CASES_HPP
#define NARAE_TESTS_UNIT_TOKEN_CASES_HPP

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "narae/token/tokenizer.hpp"

#ifndef NARAE_TESTS_DIR
#define NARAE_TESTS_DIR "tests"
#endif
#ifndef NARAE_SHARED_DIR
#define NARAE_SHARED_DIR "../shared"
#endif

namespace cases {

using ids = std::vector<narae::token::token_id>;

inline std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

inline narae::token::tokenizer parsed(const std::string& json) {
    auto t = narae::token::tokenizer::parse(narae::as_bytes(json));
    INFO(t.error().message());
    REQUIRE(t);
    return *std::move(t);
}

inline ids ids_of(const narae::text::json_value& array) {
    ids all;
    array.for_each([&](const narae::text::json_value& v) {
        std::uint64_t id = 0;
        REQUIRE(v.whole(id));
        all.push_back(static_cast<narae::token::token_id>(id));
        return true;
    });
    return all;
}

/// f(object) for every line; gives back how many there were.
template <class F> std::size_t each_line(const std::string& path, F f) {
    std::ifstream in(path, std::ios::binary);
    std::size_t n = 0;
    for (std::string line; std::getline(in, line); ++n) {
        const auto doc = narae::text::json::parse(line);
        REQUIRE(doc);
        f(doc->root());
    }
    return n;
}

/// decode() of the case's ids, at once and as a stream, with and without special tokens; encode() where it has a text.
inline void check(const narae::token::tokenizer& t, const narae::text::json_value& c) {
    const auto want = ids_of(c["ids"]);
    if (c["text"].is(narae::text::json_kind::string)) CHECK(t.encode(c["text"].string(), {.special = true}) == want);
    for (const bool skip : {false, true}) {
        const auto other = c["decoded_skip_special"];
        const auto text = skip && !other.missing_or_null() ? other.string() : c["decoded"].string();
        CHECK(t.decode(want, skip) == text);
        narae::token::stream_decoder stream(t, skip);
        std::string joined;
        for (const auto id : want) {
            const auto piece = stream.push(id);
            CHECK(narae::text::utf8_first_invalid(piece) == piece.size());
            joined += piece;
        }
        CHECK(joined + stream.finish() == text);
    }
}

}  // namespace cases

#endif
