// SPDX-License-Identifier: MIT
// What the kernel tests share: numbers from a seed, and comparison bit by bit.
#ifndef NARAE_TESTS_KERNEL_INPUTS_HPP
#define NARAE_TESTS_KERNEL_INPUTS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "../../oracle/kernels.hpp"
#include "catch.hpp"
#include "narae/kernel/select.hpp"
#include "narae/num/to_half.hpp"

namespace inputs {

/// The same numbers on every machine. SplitMix64: Steele et al. 2014, "Fast splittable pseudorandom number generators".
class random {
public:
    explicit random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    int between(int low, int high) {
        return low + static_cast<int>(bits() % static_cast<std::uint64_t>(high - low + 1));
    }
    float real(float low, float high) {
        return low + (high - low) * static_cast<float>(bits() >> 40) / static_cast<float>(1 << 24);
    }
    std::vector<float> reals(std::size_t n, float low, float high) {
        std::vector<float> out(n);
        for (auto& v : out) v = real(low, high);
        return out;
    }

private:
    std::uint64_t state_;
};

template <class T> bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// The first place where y leaves its bound, or exact.size().
inline std::size_t first_outside(const std::vector<float>& y, const std::vector<oracle::bounded>& exact) {
    std::size_t i = 0;
    while (i < exact.size() && exact[i].holds(y[i])) ++i;
    return i;
}

/// Memory of an 8-bit row.
struct row_memory {
    std::vector<std::int8_t> q;
    std::vector<float> scale;
    std::vector<std::int32_t> sum;
    explicit row_memory(std::size_t k)
        : q(narae::num::groups_of(k) * narae::num::group_len), scale(narae::num::groups_of(k)), sum(scale.size()) {}
    narae::num::q8_row view() { return {q.data(), scale.data(), sum.data()}; }
    narae::num::q8_rows rows() { return {q.data(), scale.data(), sum.data(), scale.size()}; }
    void take_sums() {
        for (std::size_t i = 0; i < q.size(); ++i) sum[i / 64] = (i % 64 ? sum[i / 64] : 0) + q[i];
    }
};

inline const std::size_t rows_of_a_gemv[] = {1, 2, 3, 7, 16, 17, 48};
inline const std::size_t columns_of_a_gemv[] = {1, 4, 15, 16, 31, 32, 48, 63, 64, 65, 96, 128, 200, 1024, 4096};

/// The two packed matrices differ in their codes only; the rest of their test is here.
template <class Layout, int (*Code)(const std::byte*, std::size_t, std::size_t, std::size_t)> struct packed_gemm {
    std::size_t n, k;
    std::vector<std::byte> w;  // one byte early: weights lie at odd addresses
    row_memory x;
    packed_gemm(std::size_t rows, std::size_t columns)
        : n(rows), k(columns), w(1 + narae::num::tiles_of(rows) * Layout::tile_bytes(columns)), x(columns) {}

    std::byte* tile(std::size_t row) { return w.data() + 1 + row / 16 * Layout::tile_bytes(k); }
    void set_scale(std::size_t row, std::size_t group, std::uint16_t half) {
        narae::store_le(tile(row) + (group * 16 + row % 16) * 2, half);
    }
    template <class F> void set_scales(F half) {
        for (std::size_t row = 0; row < narae::num::tiles_of(n) * 16; ++row)
            for (std::size_t g = 0; g < narae::num::groups_of(k); ++g) set_scale(row, g, half());
    }
    template <class F> void set_codes(F byte) {
        for (std::size_t t = 0; t < narae::num::tiles_of(n); ++t)
            for (std::size_t i = Layout::scale_bytes(k); i < Layout::tile_bytes(k); ++i)
                tile(t * 16)[i] = static_cast<std::byte>(byte());
    }
    template <class F> void set_x(F q, float scale) {
        for (std::size_t i = 0; i < x.q.size(); ++i) x.q[i] = static_cast<std::int8_t>(i < k ? q() : 0);
        for (auto& s : x.scale) s = scale;
        x.take_sums();
    }

    std::vector<oracle::bounded> exact() {
        std::vector<oracle::bounded> y;
        for (std::size_t row = 0; row < narae::num::tiles_of(n) * 16; ++row)
            y.push_back(oracle::gemv_row<Code>(tile(row), x.view(), k, row % 16));
        return y;
    }
    std::vector<float> run(narae::kernel::gemm_packed_op* op) {
        std::vector<float> y(narae::num::tiles_of(n) * 16);
        op(y.data(), y.size(), w.data() + 1, x.rows(), 1, k, 0, y.size());
        return y;
    }

    /// T different tokens at once, further apart than they need to be, against each alone by the scalar definition.
    void check_tokens(std::size_t T, random& r, narae::kernel::gemm_packed_op* narae::kernel::table::*slot) {
        const std::size_t groups = narae::num::groups_of(k) + 1, rows = narae::num::tiles_of(n) * 16,
                          stride = rows + 16;
        row_memory tokens(T * groups * 64);
        const narae::num::q8_rows view{tokens.q.data(), tokens.scale.data(), tokens.sum.data(), groups};
        std::vector<float> expected(T * stride, 7.0f);
        for (std::size_t t = 0; t < T; ++t) {
            const auto floats = r.reals(k, -3, 3);
            narae::kernel::scalar::quantize_q8(view[t], floats.data(), k, 64);
            narae::kernel::scalar::quantize_q8(x.view(), floats.data(), k, 64);
            const auto alone = run(narae::kernel::table{}.*slot);
            for (std::size_t i = 0; i < rows; ++i) expected[t * stride + i] += alone[i];
        }
        for (const auto& table : narae::kernel::runnable()) {
            const std::string name = table.name;
            CAPTURE(name, T, k);
            std::vector<float> y(T * stride, 7.0f);
            (table.*slot)(y.data(), stride, w.data() + 1, view, T, k, 0, rows);
            CHECK(same_bits(y, expected));
        }
    }
};

}  // namespace inputs

#endif
