// SPDX-License-Identifier: MIT
// Speed of every operation on every table of this machine; never part of pass or fail. From the top of the tree:
//   g++ -std=c++20 -O2 -Iinclude tests/bench/kernels.cpp -o kernels -pthread && ./kernels
// Matrices are 8192 x 2048, as many one after another as make 128 MiB ("memory") or one of 64 rows again and again
// ("cache", for one token and, where a kernel takes several at once, for 32). Tables and sizes alternate, the best of
// five rounds counts. "read" sums the same memory plainly, to show what the memory of this minute gives; kernels that
// fetch ahead may beat it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

#include "narae/kernel/select.hpp"
#include "narae/sys/team.hpp"

namespace {

using narae::kernel::table;
namespace num = narae::num;

constexpr std::size_t rows = 8192, columns = 2048, memory_bytes = std::size_t{128} << 20;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds of one call: the best of the batches, a fifth of a millisecond or one call each, that fit into a twentieth
/// of a second. The best, because whatever else runs on the machine can only make it worse.
template <class F> double seconds(F call) {
    const double start = now();
    double best = 1e9;
    for (int calls = 1; now() - start < 0.05;) {
        const double before = now();
        for (int i = 0; i < calls; ++i) call();
        const double batch = now() - before;
        best = (std::min)(best, batch / calls);
        if (batch < 2e-4) calls *= 2;
    }
    return best;
}

struct product {
    const char* name;
    std::size_t tile_bytes;  // of 16 rows
    bool many;               // tokens at once
    void (*run)(const table& t, float* y, const std::byte* w, const num::q8_rows& q, const float* x, std::size_t tokens,
                std::size_t begin, std::size_t end);
};

template <narae::kernel::gemv_dense_op* table::*Slot>
void dense(const table& t, float* y, const std::byte* w, const num::q8_rows&, const float* x, std::size_t,
           std::size_t b, std::size_t e) {
    (t.*Slot)(y, w, x, columns, b, e);
}
template <narae::kernel::gemm_packed_op* table::*Slot>
void packed(const table& t, float* y, const std::byte* w, const num::q8_rows& q, const float*, std::size_t tokens,
            std::size_t b, std::size_t e) {
    (t.*Slot)(y, rows, w, q, tokens, columns, b, e);
}

const product products[] = {{"gemm_q4", num::q4_layout::tile_bytes(columns), true, packed<&table::gemm_q4>},
                            {"gemm_q8", num::q8_layout::tile_bytes(columns), true, packed<&table::gemm_q8>},
                            {"gemv_f16", 16 * columns * 2, false, dense<&table::gemv_f16>},
                            {"gemv_bf16", 16 * columns * 2, false, dense<&table::gemv_bf16>},
                            {"gemv_f32", 16 * columns * 4, false, dense<&table::gemv_f32>}};

void print(const char* op, const char* name, const char* where, double bytes, double numbers, double time) {
    std::printf("%-12s %-8s %-16s %8.2f GB/s %8.2f G/s %10.3f us\n", op, name, where, bytes / time * 1e-9,
                numbers / time * 1e-9, time * 1e6);
}

void matrices(narae::sys::team& team, bool alone, const char* threads, const std::vector<std::byte>& memory) {
    const auto tables = narae::kernel::runnable();
    constexpr std::size_t most = 32, groups = columns / 64 + 1;
    std::vector<float> x(columns, 0.5f), y(most * rows), scale(most * groups, 0.1f);
    std::vector<std::int8_t> q(most * groups * 64, 3);
    std::vector<std::int32_t> sum(most * groups, 3 * 64);
    const num::q8_rows tokens{q.data(), scale.data(), sum.data(), groups};
    double read = 1e9;
    std::vector<double> sums(64 * 16);
    for (int round = 0; round < 5; ++round)
        read = (std::min)(read, seconds([&] {
                              team.run([&](std::size_t part, std::size_t parts) {
                                  const auto mine = narae::sys::slice_of(memory.size() / 8, 64, part, parts);
                                  std::uint64_t s[8] = {};
                                  for (std::size_t i = mine.begin; i < mine.end; i += 8)
                                      for (std::size_t j = 0; j < 8; ++j) {
                                          std::uint64_t word;
                                          std::memcpy(&word, &memory[(i + j) * 8], 8);
                                          s[j] += word;
                                      }
                                  for (const auto v : s) sums[part * 16] += static_cast<double>(v);
                              });
                          }));
    print("read", "-", threads, static_cast<double>(memory.size()), static_cast<double>(memory.size()), read);
    const struct {
        const char* where;
        bool cached;
        std::size_t tokens;
    } cases[] = {{threads, false, 1}, {"cache", true, 1}, {"cache, 32 tokens", true, most}};
    for (const auto& c : cases)
        for (const auto& op : products) {
            if ((c.cached && !alone) || (c.tokens > 1 && !op.many)) continue;
            const std::size_t n = c.cached ? 64 : rows, bytes = n / 16 * op.tile_bytes;
            const std::size_t copies = c.cached ? 1 : memory.size() / bytes;
            double best[narae::kernel::table_list::capacity];
            for (auto& b : best) b = 1e9;
            const auto run = [&](const table& t, std::size_t from, std::size_t to) {
                for (std::size_t i = 0; i < copies; ++i)
                    op.run(t, y.data(), memory.data() + i * bytes, tokens, x.data(), c.tokens, from, to);
            };
            for (int round = 0; round < 5; ++round)
                for (std::size_t t = 0; t < tables.count; ++t)
                    best[t] = (std::min)(best[t], seconds([&] {
                                             if (c.cached) return run(tables.item[t], 0, n);
                                             team.run([&](std::size_t part, std::size_t parts) {
                                                 const auto mine = narae::sys::slice_of(n, num::tile_rows, part, parts);
                                                 run(tables.item[t], mine.begin, mine.end);
                                             });
                                         }));
            for (std::size_t t = 0; t < tables.count; ++t)
                print(op.name, tables.item[t].name, c.where, static_cast<double>(bytes * copies),
                      static_cast<double>(n * columns * copies * c.tokens), best[t]);
        }
}

void rest() {
    const auto tables = narae::kernel::runnable();
    const std::size_t d = columns, n = narae::kernel::attend_block, e = 128;
    std::vector<float> x(d), y(d), gain(d, 1.0f), bias(d, 0.1f), scale(d / 64), k_scale(n, 0.01f), kf(n * e, 0.1f);
    std::vector<std::int8_t> q(d, 1), k(n * e, 5);
    std::vector<std::int32_t> sum(d / 64);
    for (std::size_t i = 0; i < d; ++i) x[i] = static_cast<float>(i % 97) / 20 - 2.4f;
    const auto in = [](std::size_t count, std::size_t size) { return static_cast<double>(count * size); };
    for (const auto& t : tables) {
        const auto norm = seconds([&] { t.layer_norm(y.data(), x.data(), gain.data(), bias.data(), d, 1e-5f); });
        print("layer_norm", t.name, "2048", in(d, 4), in(d, 1), norm);
        const auto gelu = seconds([&] {
            std::memcpy(y.data(), x.data(), d * 4);
            t.bias_gelu(y.data(), bias.data(), d);
        });
        print("bias_gelu", t.name, "2048", in(d, 4), in(d, 1), gelu);
        const auto quantize = seconds([&] { t.quantize_q8({q.data(), scale.data(), sum.data()}, x.data(), d, 64); });
        print("quantize_q8", t.name, "2048", in(d, 4), in(d, 1), quantize);
        for (const std::size_t count : {std::size_t{1}, narae::kernel::attend_queries}) {
            std::vector<narae::kernel::query_state> state(count, {0.01f, 128, 0, n});
            const auto place = count == 1 ? "64 x 128" : "64 x 128, 8 q";
            const auto attend_q8 = seconds([&] {
                t.attend_q8({count, q.data(), y.data(), state.data()},
                            {k.data(), k_scale.data(), k.data(), k_scale.data()}, n, e);
            });
            print("attend_q8", t.name, place, in(2 * n, e), in(2 * n, e * count), attend_q8);
            const auto attend_f32 = seconds([&] {
                t.attend_f32({count, x.data(), y.data(), state.data()}, {kf.data(), nullptr, kf.data(), nullptr}, n, e);
            });
            print("attend_f32", t.name, place, in(2 * n, e) * 4, in(2 * n, e * count), attend_f32);
        }
    }
}

}  // namespace

int main() {
    const std::vector<std::byte> memory(memory_bytes, std::byte{0x11});  // scales, codes and weights alike
    rest();
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}})
        if (const auto team = narae::sys::team::make(threads))
            matrices(**team, threads == 1, threads == 1 ? "memory, 1 thread" : "memory, 2", memory);
}
