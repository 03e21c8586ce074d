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

/// The first name that occurs twice, or nullptr.
inline const std::string* twice(const std::vector<const std::string*>& names) {
    const auto order = sorted(names.size(), [&](auto a, auto b) { return *names[a] < *names[b]; });
    for (std::size_t i = 1; i < order.size(); ++i)
        if (*names[order[i - 1]] == *names[order[i]]) return names[order[i]];
    return nullptr;
}

/// Reads the members of the header, in the order in which they stand there.
struct header_reader {
    byte_view data;  // all that follows the header
    std::vector<tensor> tensors{};
    std::vector<std::uint64_t> begins{};  // where in data the bytes of each begin
    metadata_list metadata{};
    bool described = false;
    error failed{};

    /// Errors in the header say where in the file they stand.
    bool fail(errc code, std::initializer_list<piece> what, const text::json_value& v) {
        failed = {code, concat(what), 8 + v.at()};
        return false;
    }

    bool member(const text::json_value& key, const text::json_value& value) {
        auto name = key.string();
        if (name.empty()) return fail(errc::bad_value, {"a tensor without a name"}, key);
        return name == "__metadata__" ? read_metadata(key, value) : read_tensor(std::move(name), value);
    }

    bool read_metadata(const text::json_value& key, const text::json_value& object) {
        bool strings = object.is(text::json_kind::object);
        object.for_each_member([&](const text::json_value& k, const text::json_value& v) {
            metadata.emplace_back(k.string(), v.string());
            return strings = v.is(text::json_kind::string);
        });
        if (!strings) return fail(errc::bad_value, {"__metadata__ may hold strings only"}, object);
        return !std::exchange(described, true) || fail(errc::bad_value, {"__metadata__ occurs twice"}, key);
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
        const auto row = std::find_if(std::begin(dtype_rows), std::end(dtype_rows),
                                      [&](const dtype_row& r) { return r.name == type.raw(); });
        if (row == std::end(dtype_rows)) return refuse(errc::unsupported, {"unknown dtype ", printable(type.raw())});
        t.type = row->type;
        if (!whole_numbers(shape, t.shape)) return bad({"shape is not made of whole numbers"});
        std::uint64_t bytes = 0;
        if (!shape_elements(t.shape, bytes) || !checked_mul(bytes, row->size, bytes))
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
        begins.push_back(range[0]);
        return true;
    }

    static bool whole_numbers(const text::json_value& array, std::vector<std::uint64_t>& out) {
        bool whole = true;
        array.for_each([&](const text::json_value& n) { return whole = n.whole(out.emplace_back()); });
        return whole;
    }
};

}  // namespace safetensors_detail

/// Reads the header of a whole safetensors file; the tensors are views into `file`, which must outlive them.
/// As the format asks, the tensors' bytes must fill the rest of the file, without holes and without overlap.
inline result<safetensors> parse_safetensors(byte_view file) {
    using namespace safetensors_detail;
    const auto bad = [](std::initializer_list<piece> what, std::uint64_t at = nowhere) {
        return error{errc::bad_value, concat(what), at};
    };
    cursor in(file);
    const auto length = in.read<std::uint64_t>("safetensors header length");
    if (length > safetensors_max_header) return bad({"a safetensors header of ", length, " bytes"}, 0);
    const auto header = as_text(in.take(length, "safetensors header"));
    if (!in) return in.error();
    if (!header.starts_with('{')) return bad({"safetensors header is not a JSON object"}, 8);
    const auto doc = text::json::parse(header);
    if (!doc) return error{doc.error().code, concat({"safetensors header: ", doc.error().what}), 8 + doc.error().at};

    header_reader read{file.subspan(static_cast<std::size_t>(in.at()))};
    bool ok = true;
    doc->root().for_each_member([&](const auto& key, const auto& value) { return ok = read.member(key, value); });
    if (!ok) return std::move(read.failed);
    std::vector<const std::string*> names;
    for (const auto& t : read.tensors) names.push_back(&t.name);
    if (const auto* name = twice(names)) return bad({printable(*name), ": occurs twice"});
    names.clear();
    for (const auto& pair : read.metadata) names.push_back(&pair.first);
    if (const auto* name = twice(names)) return bad({"metadata ", printable(*name), " occurs twice"});

    safetensors out{{}, std::move(read.metadata)};
    std::uint64_t filled = 0;
    const auto size = [&](std::size_t i) { return read.tensors[i].bytes.size(); };
    const auto& begins = read.begins;
    for (const auto i : sorted(begins.size(), [&](auto a, auto b) {
             return begins[a] != begins[b] ? begins[a] < begins[b] : size(a) < size(b);
         })) {
        auto& t = read.tensors[i];
        if (begins[i] != filled)
            return bad({printable(t.name),
                        begins[i] < filled ? ": overlaps the tensor before it" : ": there is a hole before it"},
                       in.at() + (std::min)(begins[i], filled));
        filled += size(i);
        out.tensors.push_back(std::move(t));
    }
    if (filled != read.data.size()) return bad({"bytes after the last tensor that belong to none"}, in.at() + filled);
    return out;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
