// SPDX-License-Identifier: MIT
// Speed of matrix multiplication at the sizes of training; never part of pass or fail. From the top of the tree:
//   g++ -std=c++20 -O2 -Iinclude tests/bench/gemm.cpp -o gemm -pthread && ./gemm [THREADS] [KERNEL]
// GFLOP/s are 2 m n k over the seconds of the best of several batches; the share is that of what as many cores reach
// with f32 fma in registers alone, measured beside it (so bf16 may pass 100 %). A transposed matrix is marked by '. The
// blocks of attention run one after another, as many as eight heads and four sequences make, out of and into matrices
// 800 wide.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "narae/kernel/gemm/select.hpp"
#include "narae/kernel/matmul.hpp"
#include "narae/sys/buffer.hpp"

namespace {

using narae::kernel::gemm_kernel;
using narae::kernel::strided;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds of one call: the best of ten batches of a fiftieth of a second or one call each. The best, because whatever
/// else runs on the machine can only make it worse.
template <class F> double seconds(F&& call) {
    call();
    double best = 1e9;
    for (int batch = 0; batch < 10; ++batch) {
        double spent = 0;
        int calls = 0;
        for (const double start = now(); spent < 0.02; ++calls, spent = now() - start) call();
        best = (std::min)(best, spent / calls);
    }
    return best;
}

volatile float sink;

#if NARAE_X86
template <std::size_t... I> NARAE_AVX2 void chains_avx2(std::size_t n, std::index_sequence<I...>) {
    const __m256 x = _mm256_set1_ps(0.5f);
    __m256 c[] = {_mm256_set1_ps(static_cast<float>(I))...};
    for (; n != 0; --n) ((c[I] = _mm256_fmadd_ps(c[I], x, x)), ...);
    ((c[0] = _mm256_add_ps(c[0], c[I])), ...);
    sink = _mm256_cvtss_f32(c[0]);
}
template <std::size_t... I> NARAE_AVX512 void chains_avx512(std::size_t n, std::index_sequence<I...>) {
    const __m512 x = _mm512_set1_ps(0.5f);
    __m512 c[] = {_mm512_set1_ps(static_cast<float>(I))...};
    for (; n != 0; --n) ((c[I] = _mm512_fmadd_ps(c[I], x, x)), ...);
    ((c[0] = _mm512_add_ps(c[0], c[I])), ...);
    sink = _mm512_cvtss_f32(c[0]);
}
#endif

/// GFLOP/s of one core with fma in registers alone, or nothing.
double peak(const std::string& kernel) {
    constexpr std::size_t n = 100000;
#if NARAE_X86
    if (kernel == "avx2") return 12 * 16.0 * n / seconds([] { chains_avx2(n, std::make_index_sequence<12>()); }) * 1e-9;
    if (kernel != "scalar")
        return 24 * 32.0 * n / seconds([] { chains_avx512(n, std::make_index_sequence<24>()); }) * 1e-9;
#endif
    static_cast<void>(kernel);
    return 0;
}

struct size {
    const char* what;
    std::size_t m, n, k;
    bool a_turned, b_turned, add;
};
const size large[] = {{"y = x W', qkv", 4096, 768, 256, false, true, false},
                      {"y = x W', up", 4096, 1024, 256, false, true, false},
                      {"y = x W', down", 4096, 256, 1024, false, true, false},
                      {"dx = dy W, up", 4096, 256, 1024, false, false, false},
                      {"dW += dy' x", 1024, 256, 4096, true, false, true},
                      {"head: y = x W'", 512, 32000, 256, false, true, false},
                      {"head: dx = dy W", 512, 256, 32000, false, false, true},
                      {"head: dW += dy' x", 32000, 256, 512, true, false, true}};
const size blocks[] = {{"scores = q k'", 64, 256, 32, false, true, false},
                       {"out = p v", 64, 32, 256, false, false, false},
                       {"dk += ds' q", 256, 32, 64, true, false, true}};

void print(const gemm_kernel& g, const size& s, double flops, double top) {
    std::printf("%-12s %-18s [%5zu,%5zu]%s x [%5zu,%5zu]%s %8.1f GFLOP/s", g.name, s.what, s.m, s.k,
                s.a_turned ? "'" : " ", s.k, s.n, s.b_turned ? "'" : " ", flops * 1e-9);
    if (top > 0) std::printf(" %5.1f %%", flops * 1e-7 / top);
    std::puts("");
}

}  // namespace

int main(int count, char** values) {
    const std::size_t threads = count > 1 ? std::strtoul(values[1], nullptr, 10) : 1;
    auto team = narae::sys::team::make(threads);
    if (!team) return std::puts(team.error().message().c_str()), 1;
    auto a = *narae::sys::buffer<float>::make(512 * 32000), b = *narae::sys::buffer<float>::make(a.size());
    auto c = *narae::sys::buffer<float>::make(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 17) - 8, b[i] = static_cast<float>(i % 13);
    for (const auto& g : narae::kernel::runnable_gemm()) {
        if (count > 2 ? std::string(values[2]) != g.name : std::string(g.name) == "scalar") continue;
        auto mm = narae::kernel::matmul::make(g, threads);
        if (!mm) return std::puts(mm.error().message().c_str()), 1;
        const double top = peak(g.name) * static_cast<double>(threads);
        std::printf("%-12s fma in registers: %.1f GFLOP/s by %zu thread(s)\n", g.name, top, threads);
        for (const auto& s : large) {
            const strided left{a.data(), s.a_turned ? 1 : s.k, s.a_turned ? s.m : 1};
            const strided right{b.data(), s.b_turned ? 1 : s.n, s.b_turned ? s.k : 1};
            const double time = seconds([&] { mm->run(**team, c.data(), s.n, left, right, s.m, s.n, s.k, s.add); });
            print(g, s, 2.0 * static_cast<double>(s.m * s.n * s.k) / time, top);
        }
        for (const auto& s : blocks) {
            const std::size_t wide = 800;  // scores are dense, what has the width of a head lies in rows of 800
            const strided left{a.data(), s.a_turned ? 1 : s.k == 32 ? wide : s.k, s.a_turned ? s.m : 1};
            const strided right{b.data(), s.b_turned ? 1 : wide, s.b_turned ? wide : 1};
            const std::size_t c_row = s.n == 32 ? wide : s.n, pieces = 32;
            const double time = seconds([&] {
                (*team)->run([&](std::size_t part, std::size_t parts) {
                    const auto mine = narae::sys::slice_of(pieces, 1, part, parts);
                    for (std::size_t i = mine.begin; i < mine.end; ++i) {
                        const std::size_t head = i % 8 * 32, row = i / 8 * 256 * wide;
                        const bool dense_a = s.k != 32, dense_c = s.n != 32;
                        mm->block(part, c.data() + (dense_c ? part * 65536 : row + head), c_row,
                                  {left.data + (dense_a ? part * 65536 : row + head), left.row, left.col},
                                  {right.data + row + head, right.row, right.col}, s.m, s.n, s.k, s.add);
                    }
                });
            });
            print(g, s, 2.0 * static_cast<double>(pieces * s.m * s.n * s.k) / time, top);
        }
    }
}
