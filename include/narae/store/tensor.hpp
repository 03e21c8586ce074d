// SPDX-License-Identifier: MIT
// A tensor as a model file holds it: a name, a shape and a view of its bytes. It owns no weights and reads none.
#ifndef NARAE_STORE_TENSOR_HPP
#define NARAE_STORE_TENSOR_HPP

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/text/utf8.hpp"

namespace narae::inline NARAE_ABI::store {

/// The element types of model files. All are little-endian there; boolean is one byte, 0 or 1.
enum class dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

/// Their names in safetensors headers, and their sizes in bytes.
inline constexpr std::string_view dtype_names[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16",
                                                   "I8",  "U64", "U32", "U16",  "U8",  "BOOL"};
inline constexpr std::size_t dtype_sizes[] = {8, 4, 2, 2, 8, 4, 2, 1, 8, 4, 2, 1, 1};

constexpr std::string_view dtype_name(dtype t) noexcept { return dtype_names[static_cast<std::size_t>(t)]; }
constexpr std::size_t dtype_size(dtype t) noexcept { return dtype_sizes[static_cast<std::size_t>(t)]; }
static_assert(dtype_name(dtype::boolean) == "BOOL" && std::size(dtype_sizes) == std::size(dtype_names));

/// The product of a shape (1 for a scalar); false if it does not fit 64 bits.
inline bool shape_elements(const std::vector<std::uint64_t>& shape, std::uint64_t& elements) noexcept {
    elements = 1;
    for (const auto n : shape)
        if (!checked_mul(elements, n, elements)) return false;
    return true;
}

/// The strides, in elements, of a row-major tensor of this shape. Its product must fit 64 bits.
inline std::vector<std::uint64_t> row_major(const std::vector<std::uint64_t>& shape) {
    std::vector<std::uint64_t> strides(shape.size(), 1);
    for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
    return strides;
}

struct tensor {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> strides;  ///< in elements, one for each dimension
    byte_view bytes;   ///< from the first element to the end of the last one that the strides reach; any alignment
    std::string file;  ///< which file it came from, for messages

    std::uint64_t elements() const noexcept {
        std::uint64_t n = 1;
        return shape_elements(shape, n), n;
    }

    /// Row-major without gaps: element i starts at byte i * dtype_size(type).
    bool contiguous() const noexcept {
        std::uint64_t step = 1;
        for (std::size_t i = shape.size(); i-- > 0; step *= shape[i])
            if (shape[i] > 1 && strides[i] != step) return elements() == 0;
        return true;
    }
};

/// A name out of a file as an error message may show it: one line, valid UTF-8, not endless.
inline std::string printable(std::string_view name) {
    constexpr std::size_t longest = 120;
    std::string out;
    while (!name.empty() && out.size() < longest) {
        const auto step = text::utf8_front(name);
        const bool shown = step.valid && step.code_point >= 0x20 && (step.code_point < 0x7F || step.code_point > 0x9F);
        out += shown ? name.substr(0, step.length) : std::string_view("?");
        name.remove_prefix(step.length);
    }
    return name.empty() ? out : out + "...";
}

}  // namespace narae::inline NARAE_ABI::store

#endif
