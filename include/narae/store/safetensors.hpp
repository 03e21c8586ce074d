// SPDX-License-Identifier: MIT
// The safetensors container: 8 bytes of header length, a JSON header, then the tensors' bytes.
// Nothing in a file is trusted before it is checked; the tensors' bytes are not touched.
// Format: https://github.com/huggingface/safetensors#format
#ifndef NARAE_STORE_SAFETENSORS_HPP
#define NARAE_STORE_SAFETENSORS_HPP

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/sorted.hpp"
#include "narae/store/tensor.hpp"
#include "narae/text/json.hpp"

namespace narae::inline NARAE_ABI::store {

/// The format's own limit on a header, in bytes.
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;

using metadata_list = std::vector<std::pair<std::string, std::string>>;

struct safetensors {
    std::vector<tensor> tensors;  ///< in the order of their bytes
    metadata_list metadata;
};

namespace safetensors_detail {

/// Reads the members of the header, in the order in which they stand there.
struct header_reader {
    byte_view data;  // all that follows the header
    std::vector<tensor> tensors{};
    metadata_list metadata{};
    std::set<std::string> names{}, keys{};  // of tensors and of metadata: none may occur twice
    error failed{};

    /// Errors in the header say where in the file they stand.
    bool fail(errc code, std::initializer_list<piece> what, const text::json_value& v) {
        failed = {code, what, 8 + v.at()};
        return false;
    }

    bool member(const text::json_value& key, const text::json_value& value) {
        auto name = key.string();
        if (name.empty()) return fail(errc::bad_value, {"a tensor without a name"}, key);
        if (!names.insert(name).second) return fail(errc::bad_value, {printable(name), ": occurs twice"}, key);
        return name == "__metadata__" ? read_metadata(value) : read_tensor(std::move(name), value);
    }

    bool read_metadata(const text::json_value& object) {
        const auto add = [&](const text::json_value& key, const text::json_value& value) {
            const auto& name = metadata.emplace_back(key.string(), value.string()).first;
            return value.is(text::json_kind::string) &&
                   (keys.insert(name).second ||
                    fail(errc::bad_value, {"metadata ", printable(name), " occurs twice"}, key));
        };
        failed = {errc::bad_value, "__metadata__ may hold strings only", 8 + object.at()};
        return object.is(text::json_kind::object) && object.for_each_member(add);
    }

    bool read_tensor(std::string name, const text::json_value& entry) {
        const auto refuse = [&](errc code, std::initializer_list<piece> why) {
            return fail(code, {printable(name), ": ", concat(why)}, entry);
        };
        const auto bad = [&](std::initializer_list<piece> why) { return refuse(errc::bad_value, why); };
        const auto type = entry["dtype"], shape = entry["shape"], offsets = entry["data_offsets"];
        if (!type.is(text::json_kind::string) || !shape.is(text::json_kind::array) ||
            !offsets.is(text::json_kind::array) || offsets.size() != 2 || entry.size() != 3)
            return bad({"needs dtype, shape and two data_offsets, and nothing else"});

        tensor t;
        const auto row = std::find(std::begin(dtype_names), std::end(dtype_names), type.raw());
        if (row == std::end(dtype_names)) return refuse(errc::unsupported, {"unknown dtype ", printable(type.raw())});
        t.type = static_cast<dtype>(row - std::begin(dtype_names));
        if (!whole_numbers(shape, t.shape)) return bad({"shape is not made of whole numbers"});
        std::uint64_t bytes = 0;
        if (!shape_elements(t.shape, bytes) || !checked_mul(bytes, dtype_size(t.type), bytes))
            return bad({"shape is too large"});
        std::vector<std::uint64_t> range;
        if (!whole_numbers(offsets, range) || range[0] > range[1]) return bad({"data_offsets are not a range"});
        if (range[1] > data.size()) return refuse(errc::truncated, {"its bytes lie beyond the end of the file"});
        if (range[1] - range[0] != bytes)
            return bad({"shape needs ", bytes, " bytes, data_offsets give ", range[1] - range[0]});
        t.strides = row_major(t.shape);
        t.bytes = data.subspan(static_cast<std::size_t>(range[0]), static_cast<std::size_t>(bytes));
        t.name = std::move(name);
        tensors.push_back(std::move(t));
        return true;
    }

    static bool whole_numbers(const text::json_value& array, std::vector<std::uint64_t>& out) {
        return array.for_each([&](const text::json_value& n) { return n.whole(out.emplace_back()); });
    }
};

}  // namespace safetensors_detail

/// Reads the header of a whole safetensors file; the tensors are views into `file`, which must outlive them.
/// As the format asks, the tensors' bytes must fill the rest of the file, without holes and without overlap.
inline result<safetensors> parse_safetensors(byte_view file) {
    using namespace safetensors_detail;
    const auto bad = [](std::initializer_list<piece> what, std::uint64_t at = nowhere) {
        return error{errc::bad_value, what, at};
    };
    cursor in(file);
    const auto length = in.read<std::uint64_t>("safetensors header length");
    if (length > safetensors_max_header) return bad({"a safetensors header of ", length, " bytes"}, 0);
    const auto header = as_text(in.take(length, "safetensors header"));
    if (!in) return in.error();
    if (!header.starts_with('{')) return bad({"safetensors header is not a JSON object"}, 8);
    const auto doc = text::json::parse(header);
    if (!doc) return error{doc.error().code, {"safetensors header: ", doc.error().what}, 8 + doc.error().at};

    header_reader read{file.subspan(static_cast<std::size_t>(in.at()))};
    if (!doc->root().for_each_member([&](const auto& key, const auto& value) { return read.member(key, value); }))
        return std::move(read.failed);

    safetensors out{{}, std::move(read.metadata)};
    std::uint64_t filled = 0;
    const auto place = [&](std::size_t i) {
        const auto& bytes = read.tensors[i].bytes;
        return std::pair(static_cast<std::uint64_t>(bytes.data() - read.data.data()), bytes.size());
    };
    for (const auto i : sorted(read.tensors.size(), [&](auto a, auto b) { return place(a) < place(b); })) {
        const auto begin = place(i).first;
        auto& t = read.tensors[i];
        if (begin != filled)
            return bad({printable(t.name), begin < filled ? ": overlaps the one before it" : ": a hole before it"},
                       in.at() + (std::min)(begin, filled));
        filled += t.bytes.size();
        out.tensors.push_back(std::move(t));
    }
    if (filled != read.data.size()) return bad({"bytes after the last tensor that belong to none"}, in.at() + filled);
    return out;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
