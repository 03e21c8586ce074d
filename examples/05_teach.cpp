// SPDX-License-Identifier: MIT
// Teaches a model of two layers a few lines by heart, from nothing, in a few seconds, and lets it go on from a word.
//   ./05_teach examples/models/tokenizer.json
#include <narae/toolkit.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    namespace learn = narae::learn;
    auto file = narae::sys::file_view::open(argc > 1 ? argv[1] : "tokenizer.json");
    if (!file) return std::puts(file.error().message().c_str()), 1;
    auto tokenizer = narae::token::tokenizer::parse(file->bytes());
    auto team = narae::sys::team::make(2);
    if (!tokenizer || !team) return std::puts("not a tokenizer"), 1;

    learn::documents lines(*tokenizer);
    auto added =
        lines.add_text("나래는 작은 모형이지만 두 날개로 멀리 난다.\n바람이 불면 종이배도 강을 건넌다.\n", **team);
    if (!added) return std::puts(added.error().message().c_str()), 1;

    narae::store::config shape{.layers = 2, .width = 64, .heads = 4, .kv_heads = 4, .head_width = 16, .ffn = 256};
    shape.vocab = static_cast<std::uint32_t>(tokenizer->size()), shape.rotary = 8, shape.tied = true;
    const learn::train_options options{.steps = 60, .sequences = 4, .length = 24, .rate = 5e-3f, .warmup = 5};
    auto run = learn::trainer::make(shape, options, **team, narae::kernel::runnable_gemm().best());
    if (!run) return std::puts(run.error().message().c_str()), 1;
    learn::fill_random(run->weights(), run->shape(), 1);
    while (run->step() < options.steps) {
        const auto step = run->advance(lines);
        if (!step) return std::puts(step.error().message().c_str()), 1;
        if (run->step() % 20 == 0) std::printf("step %d: loss %.2f\n", static_cast<int>(run->step()), step->loss);
    }
    auto written = run->write_model("taught.safetensors", file->bytes(), {});
    if (!written) return std::puts(written.error().message().c_str()), 1;

    auto model = narae::open("taught.safetensors");
    if (!model) return std::puts(model.error().message().c_str()), 1;
    auto text = narae::session(*model).generate("바람이", {.max_tokens = 12, .temperature = 0});
    if (!text) return std::puts(text.error().message().c_str()), 1;
    std::printf("바람이%s\n", text->c_str());
}
