// SPDX-License-Identifier: MIT
// A weight matrix in whatever format its file holds, and the one place where formats meet kernels.
#ifndef NARAE_MODEL_MATRIX_HPP
#define NARAE_MODEL_MATRIX_HPP

#include <cstddef>
#include <string_view>

#include "narae/kernel/table.hpp"
#include "narae/num/q4.hpp"

namespace narae::inline NARAE_ABI::model {

enum class format { f32, f16, bf16, q8, q4 };
inline constexpr std::string_view format_names[] = {"f32", "f16", "bf16", "q8", "q4"};

constexpr std::string_view format_name(format f) noexcept { return format_names[static_cast<std::size_t>(f)]; }
constexpr bool packed(format f) noexcept { return f == format::q8 || f == format::q4; }

/// Bytes of an [N, K] matrix in this format.
constexpr std::size_t matrix_bytes(format f, std::size_t n, std::size_t k) noexcept {
    switch (f) {
        case format::f32: return n * k * 4;
        case format::f16:
        case format::bf16: return n * k * 2;
        case format::q8: return num::tiles_of(n) * num::q8_layout::tile_bytes(k);
        default: return num::tiles_of(n) * num::q4_layout::tile_bytes(k);
    }
}

/// W[N, K], borrowed from a model file.
struct matrix {
    format type = format::f32;
    std::size_t N = 0, K = 0;
    const std::byte* data = nullptr;
};

/// A vector on its way into a matrix: as floats, and for packed formats also in 8 bits.
struct activation {
    const float* x;
    num::q8_row q;
};

/// y[row_begin .. row_end] = W x. Needs row_begin % 16 == 0, and row_end too unless it is N; y has room for whole
/// tiles.
inline void multiply(const kernel::table& kernels, float* y, const matrix& w, const activation& x,
                     std::size_t row_begin, std::size_t row_end) noexcept {
    const auto whole = round_up(row_end, num::tile_rows);
    switch (w.type) {
        case format::f32: return kernels.gemv_f32(y, w.data, x.x, w.K, row_begin, row_end);
        case format::f16: return kernels.gemv_f16(y, w.data, x.x, w.K, row_begin, row_end);
        case format::bf16: return kernels.gemv_bf16(y, w.data, x.x, w.K, row_begin, row_end);
        case format::q8: return kernels.gemv_q8(y, w.data, x.q, w.K, row_begin, whole);
        case format::q4: return kernels.gemv_q4(y, w.data, x.q, w.K, row_begin, whole);
    }
}

/// Weight i of what is not packed.
inline float weight_at(format f, const std::byte* data, std::size_t i) noexcept {
    return f == format::f32   ? kernel::scalar::weights_f32::value(data, i)
           : f == format::f16 ? kernel::scalar::weights_f16::value(data, i)
                              : kernel::scalar::weights_bf16::value(data, i);
}

/// out[K] = row `row` of W: what an embedding looks up.
inline void copy_row(float* out, const matrix& w, std::size_t row) noexcept {
    const auto tile = row / num::tile_rows, r = row % num::tile_rows;
    if (w.type == format::q8)
        return num::unpack_row<num::q8_layout>(out, w.data + tile * num::q8_layout::tile_bytes(w.K), r, w.K);
    if (w.type == format::q4)
        return num::unpack_row<num::q4_layout>(out, w.data + tile * num::q4_layout::tile_bytes(w.K), r, w.K);
    for (std::size_t i = 0; i < w.K; ++i) out[i] = weight_at(w.type, w.data, row * w.K + i);
}

}  // namespace narae::inline NARAE_ABI::model

#endif
