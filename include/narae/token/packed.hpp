// SPDX-License-Identifier: MIT
// The packed tokenizer of a model file: tokenizer.json, whose long lists are taken out and kept as arrays, small and
// quick to read. token/tokenizer_json.hpp reads both forms, token/packed_writer.hpp makes one of the other.
#ifndef NARAE_TOKEN_PACKED_HPP
#define NARAE_TOKEN_PACKED_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "narae/base/bytes.hpp"
#include "narae/base/result.hpp"

namespace narae::inline NARAE_ABI::token {

inline constexpr std::string_view packed_magic = "NARAETOK";
inline constexpr std::uint32_t packed_version = 1;

// The file is, one after the other (numbers are little-endian):
//   "NARAETOK"
//   head      five 32-bit numbers: version; width, 2 or 4; how many ids, merges and boundary weights there are
//   ids       of each id a number of `width` bytes: 0 for no token, else 1 + 2 * (its bytes) + (1 if it is literal)
//   merges    of each merge, in the order of ranks, three numbers of `width` bytes: left, right and whole
//   bytes     of all tokens, in the order of ids
//   weights   the boundary weights, a signed byte each
//   settings  the text of tokenizer.json, with "vocab": {}, "merges": [] and "weights": ""

/// Where in a file the parts are. Of a plain tokenizer.json the settings are all of it, and the lists are empty.
struct packed_lists {
    std::size_t width = 2;
    byte_view ids, merges, bytes, weights, settings;

    std::size_t count(byte_view list) const noexcept { return list.size() / width; }
    std::uint32_t number(byte_view list, std::size_t i) const noexcept {
        return width == 2 ? load_le<std::uint16_t>(list.data() + 2 * i) : load_le<std::uint32_t>(list.data() + 4 * i);
    }
    static constexpr std::uint32_t length(std::uint32_t id) noexcept { return id == 0 ? 0 : (id - 1) / 2; }
    static constexpr bool literal(std::uint32_t id) noexcept { return id != 0 && id % 2 == 0; }

    /// Borrows from `file`. All parts are inside it; what they say is not checked.
    static result<packed_lists> find(byte_view file) {
        packed_lists p;
        p.settings = file;
        if (!as_text(file).starts_with(packed_magic)) return p;
        cursor in(file, packed_magic.size());
        std::uint64_t head[5];
        for (auto& n : head) n = in.read<std::uint32_t>("the head");
        if (in && head[0] != packed_version) return error{errc::unsupported, {"version ", head[0]}};
        if (in && head[1] != 2 && head[1] != 4) return error{errc::bad_value, {"width ", head[1]}};
        p.width = head[1] == 4 ? 4 : 2;
        p.ids = in.take(head[2] * p.width, "the list of ids");
        p.merges = in.take(head[3] * 3 * p.width, "the list of merges");
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < p.count(p.ids); ++i) bytes += length(p.number(p.ids, i));
        p.bytes = in.take(bytes, "the list of tokens");
        p.weights = in.take(head[4], "the list of weights");
        p.settings = in.take(in.left(), "the settings");
        if (!in) return in.error();
        return p;
    }
};

}  // namespace narae::inline NARAE_ABI::token

#endif
