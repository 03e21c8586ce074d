// SPDX-License-Identifier: MIT
// Slims a model of floats in every way that slim.md compares, one file each in the working folder, and prints what the
// layers' outputs lost by it. narae evaluate perplexity then says what became of the model.
//   g++ -std=c++20 -O2 -Iinclude tests/bench/slim.cpp -o slim -pthread && ./slim MODEL TEXT [NAME...]
#include <cstdio>
#include <string>

#include "narae/toolkit.hpp"

namespace {

using narae::model::format;
using narae::quant::importance;
using narae::quant::mask;

struct variant {
    const char* name;
    format type;
    narae::quant::slim_options how;
    bool calibrated = true;
};

constexpr variant variants[] = {
    {"q4", format::q4, {}, false},
    {"q4-gptq", format::q4, {}},
    {"f32-magnitude-2-4", format::f32, {mask::two_of_four, 0, importance::size}},
    {"f32-wanda-2-4", format::f32, {mask::two_of_four, 0, importance::inputs}},
    {"f32-sparsegpt-2-4", format::f32, {mask::two_of_four}},
    {"f32-sparsegpt-4-8", format::f32, {mask::four_of_eight}},
    {"f32-sparsegpt-0.5", format::f32, {mask::share, 0.5}},
    {"q4-magnitude-2-4", format::q4, {mask::two_of_four, 0, importance::size}},
    {"q4-wanda-2-4", format::q4, {mask::two_of_four, 0, importance::inputs}},
    {"q4-sparsegpt-2-4", format::q4, {mask::two_of_four}},
    {"q4-sparsegpt-4-8", format::q4, {mask::four_of_eight}},
    {"q4-sparsegpt-0.5", format::q4, {mask::share, 0.5}},
};

/// The matrices rounded as Q4_0 does: blocks of 32, whose weight of largest size is -8 steps; still f32 in the file.
void blocks_of_32(const char* model) {
    const auto from = narae::store::checkpoint::open(model);
    if (!from) return;
    const auto config = narae::store::parse_config(from->config_text());
    if (!config || !narae::quant::convert(model, "q4_0-of-32", {format::f32})) return;
    std::FILE* const f = std::fopen("q4_0-of-32", "r+b");
    const auto made = narae::store::checkpoint::open("q4_0-of-32");
    if (f == nullptr || !made) return;
    for (const auto& m : narae::model::matrix_names(narae::model::shape(*config))) {
        const auto found = narae::model::find_matrix(*made, m);
        if (!found) return;
        std::vector<float> w(m.N * m.K);
        for (std::size_t i = 0; i < w.size(); ++i) w[i] = narae::model::element(*found->tensor, i);
        for (std::size_t i = 0; i < w.size(); i += 32) {
            const narae::num::q4_scale by(w.data() + i, 32);
            for (auto k = i; k < i + 32; ++k) w[k] = by.scale * static_cast<float>(by.code(w[k]) - 8);
        }
        std::fseek(f, found->tensor->bytes.data() - made->sources()[0].bytes.data(), SEEK_SET);
        std::fwrite(w.data(), sizeof(float), w.size(), f);
    }
    std::fclose(f);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return std::puts("slim MODEL TEXT [NAME...]"), 2;
    const auto wanted = [&](const char* name) {
        bool yes = argc == 3;
        for (int i = 3; i < argc; ++i) yes = yes || std::string(argv[i]) == name;
        return yes;
    };
    for (const auto& v : variants) {
        if (!wanted(v.name)) continue;
        const auto r = narae::quant::convert(argv[1], v.name, {v.type, 0, "", v.calibrated ? argv[2] : "", v.how});
        if (!r) return std::puts(r.error().message().c_str()), 1;
        std::printf("%-20s weights %.4f  outputs %.4f, at most %.4f  zeros %.3f\n", v.name, r->weight_error,
                    r->output_error, r->worst_error, r->zeros);
    }
    if (wanted("q4_0-of-32")) blocks_of_32(argv[1]);
}
