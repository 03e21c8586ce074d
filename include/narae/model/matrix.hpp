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

/// A [T, width] array of floats whose rows have room for whole tiles of a packed matrix.
struct rows {
    float* data = nullptr;
    std::size_t stride = 0;
    float* operator[](std::size_t t) const noexcept { return data + t * stride; }
};

/// Vectors on their way into a matrix: as floats, and for packed formats also in 8 bits.
struct activations {
    rows x;
    num::q8_rows q;
};

/// y[t][row_begin .. row_end] += W x[t] for T tokens. Needs row_begin % 16 == 0, and row_end too unless it is N.
inline void multiply(const kernel::table& kernels, const rows& y, const matrix& w, const activations& x, std::size_t T,
                     std::size_t row_begin, std::size_t row_end) noexcept {
    if (packed(w.type)) {
        const auto gemm = w.type == format::q8 ? kernels.gemm_q8 : kernels.gemm_q4;
        return gemm(y.data, y.stride, w.data, x.q, T, w.K, row_begin, round_up(row_end, num::tile_rows));
    }
    const auto gemv = w.type == format::f32   ? kernels.gemv_f32
                      : w.type == format::f16 ? kernels.gemv_f16
                                              : kernels.gemv_bf16;
    for (std::size_t t = 0; t < T; ++t) gemv(y[t], w.data, x.x[t], w.K, row_begin, row_end);
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
