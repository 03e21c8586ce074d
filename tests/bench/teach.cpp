// SPDX-License-Identifier: MIT
// How fast training is: whole steps (forward, backward, clipping, AdamW) on a text, every kernel in turn, medians.
//   g++ -std=c++20 -O2 -Iinclude tests/bench/teach.cpp -o teach -pthread
//   ./teach tokenizer.json TEXT [LAYERS WIDTH HEADS LENGTH BATCH THREADS]      8 256 8 128 16 2 if not given
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "narae/toolkit.hpp"

using namespace narae;

int main(int argc, char** argv) {
    if (argc < 3) return std::puts("teach tokenizer.json TEXT [LAYERS WIDTH HEADS LENGTH BATCH THREADS]"), 2;
    unsigned number[] = {8, 256, 8, 128, 16, 2};
    for (int i = 3; i < argc && i < 9; ++i) number[i - 3] = static_cast<unsigned>(std::atoi(argv[i]));
    const auto file = sys::file_view::open(argv[1]), text = sys::file_view::open(argv[2]);
    if (!file || !text) return std::puts("cannot open the files"), 1;
    const auto tokenizer = token::tokenizer::parse(file->bytes());
    auto team = sys::team::make(number[5]);
    if (!tokenizer || !team) return std::puts("no tokenizer"), 1;
    learn::documents corpus(*tokenizer);
    if (const auto read = corpus.add_text(as_text(text->bytes()), **team); !read)
        return std::puts(read.error().message().c_str()), 1;

    store::config c;
    c.layers = number[0], c.width = number[1], c.heads = c.kv_heads = number[2], c.head_width = c.width / c.heads;
    c.ffn = 4 * c.width, c.vocab = static_cast<std::uint32_t>(tokenizer->size()), c.rotary = c.head_width / 2;
    c.tied = true;
    learn::train_options o;
    o.length = number[3], o.sequences = number[4];
    const auto parameters = learn::count_parameters(model::shape(c)).all;
    for (const auto& gemm : kernel::runnable_gemm()) {
        if (gemm.name == std::string_view("scalar")) continue;
        auto run = learn::trainer::make(c, o, **team, gemm);
        if (!run) return std::puts(run.error().message().c_str()), 1;
        learn::fill_random(run->weights(), run->shape(), 1);
        std::vector<double> rates;
        double loss = 0;
        for (int i = 0; i < 9; ++i) {
            const auto start = std::chrono::steady_clock::now();
            const auto step = run->advance(corpus);
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            if (!step) return std::puts(step.error().message().c_str()), 1;
            loss = step->loss;
            rates.push_back(static_cast<double>(o.sequences * o.length) / took.count());
        }
        std::sort(rates.begin(), rates.end());
        std::printf("%-12s %5.0f tokens/s (%.0f to %.0f), %.0f GFLOP/s; loss %.4f after 9 steps; %.1f M parameters\n",
                    gemm.name, rates[4], rates.front(), rates.back(), 6e-9 * rates[4] * static_cast<double>(parameters),
                    loss, static_cast<double>(parameters) / 1e6);
    }
}
