// SPDX-License-Identifier: MIT
// The safetensors container: 8 bytes of header length, a JSON header, then the tensors' bytes.
// Nothing in a file is trusted before it is checked; the tensors' bytes are not touched.
// Format: https://github.com/huggingface/safetensors#format
#ifndef NARAE_STORE_SAFETENSORS_HPP
#define NARAE_STORE_SAFETENSORS_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
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

/// One tensor of the header. `data` is all that follows the header; begin and end are offsets into it.
struct placed {
    std::uint64_t begin, end;
    tensor entry;
};

inline result<placed> read_entry(std::string name, const text::json_value& entry, byte_view data) {
    const auto refuse = [&](errc code, const std::string& why) {
        return error{code, printable(name) + ": " + why, 8 + entry.at()};
    };
    const auto type = entry["dtype"], shape = entry["shape"], offsets = entry["data_offsets"];
    if (!type.is(text::json_kind::string) || !shape.is(text::json_kind::array) || !offsets.is(text::json_kind::array) ||
        offsets.size() != 2 || entry.size() != 3)
        return refuse(errc::bad_value, "needs dtype, shape and two data_offsets, and nothing else");

    placed p{0, 0, {}};
    const auto row = std::find_if(std::begin(dtype_rows), std::end(dtype_rows),
                                  [&](const dtype_row& r) { return r.name == type.raw(); });
    if (row == std::end(dtype_rows)) return refuse(errc::unsupported, "unknown dtype " + printable(type.raw()));
    p.entry.type = row->type;

    bool whole = true;
    shape.for_each([&](const text::json_value& n) { return whole = n.whole(p.entry.shape.emplace_back()); });
    if (!whole) return refuse(errc::bad_value, "shape is not made of whole numbers");
    std::uint64_t bytes = 0;
    if (!shape_elements(p.entry.shape, bytes) || !checked_mul(bytes, row->size, bytes))
        return refuse(errc::bad_value, "shape is too large");

    std::uint64_t* next = &p.begin;
    offsets.for_each([&](const text::json_value& n) { return whole = n.whole(*std::exchange(next, &p.end)); });
    if (!whole || p.begin > p.end) return refuse(errc::bad_value, "data_offsets are not a range");
    if (p.end > data.size()) return refuse(errc::truncated, "its bytes lie beyond the end of the file");
    if (p.end - p.begin != bytes)
        return refuse(errc::bad_value, "shape needs " + std::to_string(bytes) + " bytes, data_offsets give " +
                                           std::to_string(p.end - p.begin));
    p.entry.strides = row_major(p.entry.shape);
    p.entry.bytes = data.subspan(static_cast<std::size_t>(p.begin), static_cast<std::size_t>(bytes));
    p.entry.name = std::move(name);
    return p;
}

inline result<metadata_list> read_metadata(const text::json_value& object) {
    metadata_list list;
    bool strings = object.is(text::json_kind::object);
    object.for_each_member([&](const text::json_value& key, const text::json_value& value) {
        list.emplace_back(key.string(), value.string());
        return strings = value.is(text::json_kind::string);
    });
    if (!strings) return error{errc::bad_value, "__metadata__ may hold strings only", 8 + object.at()};
    return list;
}

/// The first name that occurs twice, or nullptr.
inline const std::string* twice(std::vector<const std::string*>& names) {
    const auto less = [](const std::string* a, const std::string* b) { return *a < *b; };
    std::sort(names.begin(), names.end(), less);
    const auto found = std::adjacent_find(names.begin(), names.end(),
                                          [](const std::string* a, const std::string* b) { return *a == *b; });
    return found == names.end() ? nullptr : *found;
}

}  // namespace safetensors_detail

/// Reads the header of a whole safetensors file; the tensors are views into `file`, which must outlive them.
/// As the format asks, the tensors' bytes must fill the rest of the file, without holes and without overlap.
inline result<safetensors> parse_safetensors(byte_view file) {
    using namespace safetensors_detail;
    cursor in(file);
    const auto length = in.read<std::uint64_t>("safetensors header length");
    if (!length) return length.error();
    if (*length > safetensors_max_header)
        return error{errc::bad_value, "a safetensors header of " + std::to_string(*length) + " bytes", 0};
    const auto header = in.take(*length, "safetensors header");
    if (!header) return header.error();
    if (header->empty() || as_text(*header).front() != '{')
        return error{errc::bad_value, "safetensors header is not a JSON object", 8};
    const auto doc = text::json::parse(as_text(*header));
    if (!doc) return error{doc.error().code, "safetensors header: " + doc.error().what, 8 + doc.error().at};
    const auto data = file.subspan(static_cast<std::size_t>(in.at()));

    safetensors out;
    std::vector<placed> all;
    error failed;
    bool ok = true, described = false;
    const auto fail = [&](error why) {
        failed = std::move(why);
        return ok = false;
    };
    doc->root().for_each_member([&](const text::json_value& key, const text::json_value& value) {
        auto name = key.string();
        if (name == "__metadata__") {
            auto metadata = read_metadata(value);
            if (!metadata) return fail(metadata.error());
            if (described) return fail({errc::bad_value, "__metadata__ occurs twice", 8 + key.at()});
            described = true;
            out.metadata = std::move(*metadata);
            return true;
        }
        if (name.empty()) return fail({errc::bad_value, "a tensor without a name", 8 + key.at()});
        auto entry = read_entry(std::move(name), value, data);
        if (!entry) return fail(entry.error());
        all.push_back(std::move(*entry));
        return true;
    });
    if (!ok) return failed;

    std::vector<const std::string*> names;
    for (const auto& p : all) names.push_back(&p.entry.name);
    if (const auto* name = twice(names)) return error{errc::bad_value, printable(*name) + ": occurs twice"};
    names.clear();
    for (const auto& [key, value] : out.metadata) names.push_back(&key);
    if (const auto* name = twice(names))
        return error{errc::bad_value, "metadata " + printable(*name) + " occurs twice"};

    std::sort(all.begin(), all.end(),
              [](const placed& a, const placed& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
    std::uint64_t filled = 0;
    for (auto& p : all) {
        if (p.begin != filled)
            return error{errc::bad_value,
                         printable(p.entry.name) +
                             (p.begin < filled ? ": overlaps the tensor before it" : ": there is a hole before it"),
                         in.at() + (std::min)(p.begin, filled)};
        filled = p.end;
        out.tensors.push_back(std::move(p.entry));
    }
    if (filled != data.size())
        return error{errc::bad_value, "bytes after the last tensor that belong to none", in.at() + filled};
    return out;
}

}  // namespace narae::inline NARAE_ABI::store

#endif
