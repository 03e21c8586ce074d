// SPDX-License-Identifier: MIT
// gemv_f32, gemv_f16, gemv_bf16: double oracle -> scalar within the bound -> every other table equal, bit by bit.
#include "catch.hpp"
#include "inputs.hpp"

namespace {

using narae::kernel::runnable;
using narae::kernel::table;
using op = narae::kernel::gemv_dense_op* table::*;

struct format {
    const char* name;
    op slot;
    std::size_t size;
};
const format formats[] = {{"f32", &table::gemv_f32, 4}, {"f16", &table::gemv_f16, 2}, {"bf16", &table::gemv_bf16, 2}};

/// Writes w in the format, at any address; returns what was written.
double put(std::byte* at, const format& f, float w) {
    const auto bits = std::bit_cast<std::uint32_t>(w);
    if (f.size == 4) return narae::store_le(at, w), static_cast<double>(w);
    if (f.slot == &table::gemv_f16) {
        const auto half = narae::num::f32_to_f16(w);
        return narae::store_le(at, half), oracle::f16(half);
    }
    narae::store_le(at, static_cast<std::uint16_t>(bits >> 16));
    return static_cast<double>(std::bit_cast<float>(bits & 0xFFFF0000u));
}

void check(const format& f, std::size_t n, std::size_t k, std::uint64_t seed, float low, float high) {
    inputs::random r(seed);
    std::vector<std::byte> w(1 + n * k * f.size);  // one byte early: weights lie at odd addresses
    std::vector<double> written(n * k);
    for (std::size_t i = 0; i < n * k; ++i) written[i] = put(w.data() + 1 + i * f.size, f, r.real(low, high));
    const auto x = r.reals(k, -2, 2);
    std::vector<oracle::bounded> exact;
    for (std::size_t row = 0; row < n; ++row) exact.push_back(oracle::dense_row(&written[row * k], x.data(), k));
    std::vector<float> scalar(n);
    (runnable().begin()->*f.slot)(scalar.data(), w.data() + 1, x.data(), k, 0, n);
    for (const auto& t : runnable()) {
        const std::string name = t.name, type = f.name;
        CAPTURE(name, type, n, k, seed);
        std::vector<float> y(n + 1);
        y.back() = 7.0f;
        (t.*f.slot)(y.data(), w.data() + 1, x.data(), k, 0, n);
        CHECK(y.back() == 7.0f);
        y.pop_back();
        CHECK(inputs::first_outside(y, exact) == n);
        CHECK(inputs::same_bits(y, scalar));
        auto scalar_on_seven = scalar;
        std::vector<float> part(n, 7.0f);  // the same rows, however they are shared out, on what is there
        for (const std::size_t cut : {n / 3, n})
            (t.*f.slot)(part.data(), w.data() + 1, x.data(), k, cut == n ? n / 3 : 0, cut);
        for (auto& v : scalar_on_seven) v += 7.0f;
        CHECK(inputs::same_bits(part, scalar_on_seven));
    }
}

}  // namespace

TEST_CASE("gemv_f32, gemv_f16 and gemv_bf16 at awkward sizes") {
    std::uint64_t seed = 1000;
    for (const auto& f : formats)
        for (const auto n : inputs::rows_of_a_gemv)
            for (const auto k : inputs::columns_of_a_gemv)
                if (n < 48 || k < 1024) check(f, n, k, ++seed, -1, 1);
}

TEST_CASE("gemv_f32, gemv_f16 and gemv_bf16 at the ends of their numbers") {
    for (const auto& f : formats) {
        check(f, 5, 96, 2000, -60000, 60000);
        check(f, 5, 96, 2001, -1e-6f, 1e-6f);  // subnormal as f16
        check(f, 5, 96, 2002, 0, 0);
        check(f, 5, 96, 2003, -1e-44f, 1e-44f);  // subnormal as f32
    }
}
