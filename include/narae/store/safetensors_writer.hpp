// SPDX-License-Identifier: MIT
// Writes what safetensors.hpp reads; read that before. Running a model needs no part of this.
#ifndef NARAE_STORE_SAFETENSORS_WRITER_HPP
#define NARAE_STORE_SAFETENSORS_WRITER_HPP

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/store/safetensors.hpp"
#include "narae/sys/file_sink.hpp"
#include "narae/text/json.hpp"

namespace narae::inline NARAE_ABI::store {

/// narae begins the data on a boundary of this many bytes, which every SIMD load and cache line likes.
inline constexpr std::uint64_t data_alignment = 64;

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
    std::set<std::string_view> names;
    for (const auto& t : tensors) {
        std::uint64_t n = 0;
        if (!shape_elements(t.shape, n) || !checked_mul(n, dtype_size(t.type), n) || n > ~at)
            return error{errc::bad_argument, printable(t.name) + ": shape is too large"};
        if (t.name.empty() || t.name == "__metadata__")
            return error{errc::bad_argument, "a tensor cannot be named '" + t.name + "'"};
        if (!names.insert(t.name).second) return error{errc::bad_argument, printable(t.name) + ": occurs twice"};
        if (json.size() > 1) json += ',';
        json += text::json_quote(t.name) + ":{\"dtype\":\"" + std::string(dtype_name(t.type)) + "\",\"shape\":[";
        for (std::size_t i = 0; i < t.shape.size(); ++i) json.append(i ? "," : "").append(std::to_string(t.shape[i]));
        json += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + n) + "]}";
        at += n;
    }
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
        const auto refuse = [&](std::string_view why) {
            return error{errc::bad_argument, concat({path_, ": ", printable(name), ": ", why})};
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
#endif

}  // namespace narae::inline NARAE_ABI::store

#endif
