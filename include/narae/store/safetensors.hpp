// SPDX-License-Identifier: MIT
// The safetensors container, in and out: 8 bytes of header length, a JSON header, then the tensors' bytes.
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
#include "narae/sys/file_sink.hpp"
#include "narae/text/json.hpp"

namespace narae::inline NARAE_ABI::store {

/// The format's own limit on a header, in bytes.
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;

/// narae begins the data on a boundary of this many bytes, which every SIMD load and cache line likes.
inline constexpr std::uint64_t data_alignment = 64;

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

/// A tensor that is going to be written.
struct tensor_plan {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
};

/// The bytes that such a tensor takes; the shape must have been checked.
inline std::uint64_t planned_bytes(const tensor_plan& t) noexcept {
    std::uint64_t n = 0;
    return shape_elements(t.shape, n) ? n * dtype_size(t.type) : 0;
}

/// Everything of a file that stands before its data: the length and the header, padded with spaces so that the data
/// begin on a 64-byte boundary. The tensors' bytes follow in the order of `tensors`.
inline result<std::string> safetensors_header(const std::vector<tensor_plan>& tensors, const metadata_list& metadata) {
    std::string json = "{";
    if (!metadata.empty()) {
        json += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata) {
            if (json.back() != '{') json += ',';
            json += text::json_quote(key) + ":" + text::json_quote(value);
        }
        json += '}';
    }
    std::uint64_t at = 0;
    std::vector<const std::string*> names;
    for (const auto& t : tensors) {
        std::uint64_t n = 0;
        if (!shape_elements(t.shape, n) || !checked_mul(n, dtype_size(t.type), n) || n > ~at)
            return error{errc::bad_argument, printable(t.name) + ": shape is too large"};
        if (t.name.empty() || t.name == "__metadata__")
            return error{errc::bad_argument, "a tensor cannot be named '" + t.name + "'"};
        names.push_back(&t.name);
        if (json.size() > 1) json += ',';
        json += text::json_quote(t.name) + ":{\"dtype\":\"" + std::string(dtype_name(t.type)) + "\",\"shape\":[";
        for (std::size_t i = 0; i < t.shape.size(); ++i) json.append(i ? "," : "").append(std::to_string(t.shape[i]));
        json += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + n) + "]}";
        at += n;
    }
    if (const auto* name = safetensors_detail::twice(names))
        return error{errc::bad_argument, printable(*name) + ": occurs twice"};
    json += '}';
    json.resize(static_cast<std::size_t>(round_up(8 + json.size(), data_alignment) - 8), ' ');
    if (json.size() > safetensors_max_header) return error{errc::bad_argument, "a header of more than 100 MB"};
    std::string out(8, '\0');
    store_le(out.data(), static_cast<std::uint64_t>(json.size()));
    return out + json;
}

#ifndef NARAE_NO_FILES

/// Writes a safetensors file piece by piece: plan all tensors, append their bytes in that order, commit.
/// A tensor starts on a 64-byte boundary if the sizes of all before it are multiples of 64: plan the others last.
class safetensors_writer {
public:
    static result<safetensors_writer> create(const std::string& path, std::vector<tensor_plan> tensors,
                                             const metadata_list& metadata) {
        const auto header = safetensors_header(tensors, metadata);
        if (!header) return header.error().in(path);
        auto sink = sys::file_sink::create(path);
        if (!sink) return sink.error();
        const auto written = sink->write(as_bytes(*header));
        if (!written) return written.error();
        return safetensors_writer(path, std::move(*sink), std::move(tensors), header->size());
    }

    /// The next bytes of the tensor `name`, little-endian and row-major; a tensor may come in any number of pieces.
    result<void> append(std::string_view name, byte_view piece) {
        skip_finished();
        const auto refuse = [&](const std::string& why) {
            return error{errc::bad_argument, path_ + ": " + printable(name) + ": " + why};
        };
        if (piece.empty()) return {};
        if (now_ == tensors_.size()) return refuse("every planned tensor is written already");
        if (tensors_[now_].name != name) return refuse("the turn of " + printable(tensors_[now_].name));
        if (piece.size() > planned_bytes(tensors_[now_]) - written_) return refuse("more bytes than planned");
        written_ += piece.size();
        return sink_.write(piece);
    }

    /// The size of the whole file, once it is written.
    std::uint64_t bytes() const noexcept {
        std::uint64_t n = header_size_;
        for (const auto& t : tensors_) n += planned_bytes(t);
        return n;
    }

    /// Puts other metadata, of just the same length, in place of what create() was given: for figures that are known
    /// only when all is written. Only commit() may follow.
    result<void> rewrite_metadata(const metadata_list& metadata) {
        const auto header = safetensors_header(tensors_, metadata);
        if (!header) return header.error().in(path_);
        if (header->size() != header_size_)
            return error{errc::bad_argument, path_ + ": metadata of another length than planned"};
        return sink_.rewrite_front(as_bytes(*header));
    }

    /// Puts the finished file in place; an error, and no file, if bytes are still missing.
    result<void> commit() {
        skip_finished();
        if (now_ != tensors_.size())
            return error{errc::bad_argument, path_ + ": " + printable(tensors_[now_].name) + ": bytes are missing"};
        return sink_.commit();
    }

private:
    safetensors_writer(std::string path, sys::file_sink sink, std::vector<tensor_plan> tensors, std::size_t header_size)
        : path_(std::move(path)), sink_(std::move(sink)), tensors_(std::move(tensors)), header_size_(header_size) {}

    void skip_finished() noexcept {
        for (; now_ < tensors_.size() && written_ == planned_bytes(tensors_[now_]); ++now_) written_ = 0;
    }

    std::string path_;
    sys::file_sink sink_;
    std::vector<tensor_plan> tensors_;
    std::size_t header_size_;
    std::size_t now_ = 0;        // the tensor being written
    std::uint64_t written_ = 0;  // bytes of it that are down
};

#endif  // NARAE_NO_FILES

}  // namespace narae::inline NARAE_ABI::store

#endif
