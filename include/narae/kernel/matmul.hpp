// SPDX-License-Identifier: MIT
// C = A B for matrices of any size and orientation: cuts them to fit the caches, packs the pieces, shares them out.
// Read gemm/contract.hpp first. A piece of B stays in the second cache while A and C pass by it, some rows at a
// time. A is read where it lies: its misses hide behind the arithmetic, where packing it took a tenth of the time.
#ifndef NARAE_KERNEL_MATMUL_HPP
#define NARAE_KERNEL_MATMUL_HPP

#include <algorithm>
#include <cstddef>
#include <utility>

#include "narae/base/result.hpp"
#include "narae/kernel/gemm/contract.hpp"
#include "narae/sys/buffer.hpp"
#include "narae/sys/team.hpp"

namespace narae::inline NARAE_ABI::kernel {

/// f(i) for every i below n, on all threads.
template <class F> void shared_out(sys::team& team, std::size_t n, F&& f) {
    team.run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(n, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) f(i);
    });
}

/// Multiplies with one kernel; holds one scratch per thread.
class matmul {
public:
    /// For up to `threads` threads at a time. Error: no memory.
    static result<matmul> make(const gemm_kernel& kernel, std::size_t threads) {
        auto scratch = sys::buffer<float>::make(threads * floats(kernel));
        if (!scratch) return scratch.error();
        return matmul(kernel, std::move(*scratch));
    }

    /// Bytes of that scratch.
    static std::size_t bytes(const gemm_kernel& kernel, std::size_t threads) noexcept {
        return threads * floats(kernel) * sizeof(float);
    }

    /// C[m, n] = A[m, k] B[k, n], or += where `add`; C is row-major with row stride c_row and apart from A and B.
    /// Any m, n, k >= 1. On the calling thread with scratch `part`; bits do not depend on the exact kernel.
    void block(std::size_t part, float* c, std::size_t c_row, strided a, strided b, std::size_t m, std::size_t n,
               std::size_t k, bool add) noexcept {
        const auto rows = kernel_.rows, cols = kernel_.cols, piece_cols = piece_n / cols * cols;
        const auto tall = kernel_.exact ? m : a_panels * rows;  // rows of A that are packed at once, if they are
        float* const piece = scratch_.data() + part * floats(kernel_);
        float* const a_panel = piece + piece_k * piece_n;
        for (std::size_t p = 0; p < k; p += piece_k, add = true) {
            const auto depth = (std::min)(piece_k, k - p);
            for (std::size_t top = 0; top < m; top += tall) {
                const auto bottom = (std::min)(m, top + tall);
                for (auto i = top; i < bottom && !kernel_.exact; i += rows)
                    kernel_.pack(a_panel + (i - top) / rows * cols * depth, a.from(i, p), (std::min)(rows, m - i),
                                 depth);
                for (std::size_t from = 0; from < n; from += piece_cols) {
                    const auto to = (std::min)(n, from + piece_cols);
                    for (auto j = from; j < to; j += cols)
                        kernel_.pack(piece + (j - from) * depth, b.from(p, j).transposed(), (std::min)(cols, n - j),
                                     depth);
                    for (auto i = top; i < bottom; i += rows) {
                        const auto left =
                            kernel_.exact ? a.from(i, p) : strided{a_panel + (i - top) / rows * cols * depth, 1, cols};
                        for (auto j = from; j < to; j += cols)
                            kernel_.tile(c + i * c_row + j, c_row, left, piece + (j - from) * depth,
                                         (std::min)(rows, m - i), (std::min)(cols, n - j), depth, add);
                    }
                }
            }
        }
    }

    /// The same by all threads of the team, at most as many as `make` was told. Same bits for any number of threads:
    /// each element is summed whole by one thread.
    void run(sys::team& team, float* c, std::size_t c_row, strided a, strided b, std::size_t m, std::size_t n,
             std::size_t k, bool add) noexcept {
        // C is cut into a grid of as many parts. Every row of a part costs reading A, every column packing B.
        const auto whole = [](std::size_t size, std::size_t step, std::size_t parts) {
            return ((size + step - 1) / step + parts - 1) / parts * step;
        };
        std::size_t down = 1, least = static_cast<std::size_t>(-1);
        for (std::size_t d = 1; d <= team.size(); ++d) {
            if (team.size() % d != 0) continue;
            const auto height = whole(m, kernel_.rows, d), width = whole(n, kernel_.cols, team.size() / d);
            const auto cost = height * width + 8 * (height + width);  // one such costs about 8 multiplications
            if (cost < least) least = cost, down = d;
        }
        team.run([&](std::size_t part, std::size_t parts) {
            const auto i = sys::slice_of(m, kernel_.rows, part % down, down);
            const auto j = sys::slice_of(n, kernel_.cols, part / down, parts / down);
            if (i.begin == i.end || j.begin == j.end) return;
            block(part, c + i.begin * c_row + j.begin, c_row, a.from(i.begin, 0), b.from(0, j.begin), i.end - i.begin,
                  j.end - j.begin, k, add);
        });
    }

private:
    matmul(const gemm_kernel& kernel, sys::buffer<float>&& scratch) : kernel_(kernel), scratch_(std::move(scratch)) {}

    static constexpr std::size_t piece_k = 256, piece_n = 384;  // of B: 384 KiB
    static constexpr std::size_t a_panels = 32;

    static std::size_t floats(const gemm_kernel& kernel) noexcept {
        return piece_k * (piece_n + (kernel.exact ? 0 : a_panels * kernel.cols));
    }

    gemm_kernel kernel_;
    sys::buffer<float> scratch_;
};

}  // namespace narae::inline NARAE_ABI::kernel

#endif
