// SPDX-License-Identifier: MIT
// Writes what safetensors.hpp reads; read that before. Running a model needs no part of this.
#ifndef NARAE_STORE_SAFETENSORS_WRITER_HPP
#define NARAE_STORE_SAFETENSORS_WRITER_HPP

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/store/format.hpp"
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

/// What a narae file says of itself, see format.hpp; history and source are left out where they are empty.
inline metadata_list narae_metadata(std::string config, std::string history, std::string source = {}) {
    metadata_list list{{std::string(narae_version_key), std::string(narae_version)},
                       {std::string(narae_config_key), std::move(config)}};
    if (!history.empty()) list.emplace_back(narae_history_key, std::move(history));
    if (!source.empty()) list.emplace_back(narae_source_key, std::move(source));
    return list;
}

/// Everything of a file that stands before its data: the length and the header, padded with spaces so that the data
/// begin on a 64-byte boundary. The tensors' bytes follow in the order of `tensors`.
inline result<std::string> safetensors_header(const std::vector<tensor_plan>& tensors, const metadata_list& metadata) {
    std::string json = "{";
    const auto member = [&](std::string_view key, std::string_view value) {
        json += concat({json.back() == '{' ? "" : ",", text::json_quote(key), ":", value});
    };
    if (!metadata.empty()) {
        json += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata) member(key, text::json_quote(value));
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
        std::string shape;
        for (const auto length : t.shape) shape += concat({shape.empty() ? "" : ",", length});
        member(t.name, concat({"{\"dtype\":\"", dtype_name(t.type), "\",\"shape\":[", shape, "],\"data_offsets\":[", at,
                               ",", at + n, "]}"}));
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
/// Writes a safetensors file: plan all tensors, append their bytes in that order, commit. It remembers the first thing
/// that went wrong and then leaves out what follows, so a writer may ask once, at the end.
/// A tensor starts on a 64-byte boundary if the sizes of all before it are multiples of 64: plan the others last.
class safetensors_writer {
public:
    static result<safetensors_writer> create(const std::string& path, std::vector<tensor_plan> tensors,
                                             const metadata_list& metadata) {
        const auto header = safetensors_header(tensors, metadata);
        if (!header) return header.error().in(path);
        auto sink = sys::file_sink::create(path);
        if (!sink) return sink.error();
        if (const auto written = sink->write(as_bytes(*header)); !written) return written.error();
        return safetensors_writer(path, std::move(*sink), std::move(tensors), header->size());
    }

    /// Went everything well so far? If not, commit() says what did not.
    explicit operator bool() const noexcept { return so_far_.has_value(); }

    /// The user's own reason to stop; the first one counts.
    void fail(error why) {
        if (so_far_) so_far_ = std::move(why);
    }

    /// The next bytes of the tensors, little-endian and row-major, in pieces of any size.
    void append(byte_view piece) {
        if (piece.size() > left_) fail({errc::bad_argument, path_ + ": more bytes than planned"});
        if (!so_far_) return;
        left_ -= piece.size();
        so_far_ = sink_.write(piece);
    }

    /// The same for numbers, as f32.
    void append_floats(std::span<const float> numbers) {
        std::vector<std::byte> bytes;
        for (; !numbers.empty(); numbers = numbers.subspan(bytes.size() / 4)) {
            bytes.resize((std::min<std::size_t>)(numbers.size(), 1 << 18) * 4);
            for (std::size_t i = 0; i < bytes.size() / 4; ++i) store_le(bytes.data() + i * 4, numbers[i]);
            append(bytes);
        }
    }

    /// Puts other metadata, of just the same length, in place of what create() was given: for figures that are known
    /// only when all is written. Only commit() may follow.
    void rewrite_metadata(const metadata_list& metadata) {
        const auto header = safetensors_header(tensors_, metadata);
        if (!header) return fail(header.error().in(path_));
        if (header->size() != header_size_)
            return fail({errc::bad_argument, path_ + ": metadata of another length than planned"});
        if (so_far_) so_far_ = sink_.rewrite_front(as_bytes(*header));
    }

    /// Puts the finished file in place and returns its size; or an error, and no file, if anything failed or is
    /// missing.
    result<std::uint64_t> commit() {
        if (left_ != 0) fail({errc::bad_argument, {path_, ": ", left_, " bytes are missing"}});
        if (so_far_) so_far_ = sink_.commit();
        if (!so_far_) return so_far_.error();
        return size_;
    }

private:
    safetensors_writer(std::string path, sys::file_sink sink, std::vector<tensor_plan> tensors, std::size_t header_size)
        : path_(std::move(path)), sink_(std::move(sink)), tensors_(std::move(tensors)), header_size_(header_size) {
        for (const auto& t : tensors_) left_ += planned_bytes(t);
        size_ = header_size_ + left_;
    }

    std::string path_;
    sys::file_sink sink_;
    std::vector<tensor_plan> tensors_;
    std::uint64_t header_size_, size_ = 0, left_ = 0;  // left: of the tensors, still to come
    result<void> so_far_;
};
#endif

}  // namespace narae::inline NARAE_ABI::store

#endif
