// SPDX-License-Identifier: MIT
// narae-convert synthesize: random weights of a shape, for benchmarks.
#include "narae/toolkit.hpp"

#include "command_line.hpp"

namespace command {

int synthesize(const std::vector<std::string>& words) {
    line args("narae-convert synthesize",
              "narae-convert synthesize --shape NAME -o MODEL [--type q4|q8|f16|f32] [--seed S]\n"
              "\n"
              "Writes a model file of a named shape with random weights and no tokenizer, to measure speed and memory\n"
              "with. The same shape, type and seed give the same file everywhere.\n"
              "\n"
              "  --shape NAME  polyglot-ko-1.3b, polyglot-ko-3.8b, polyglot-ko-5.8b, neox-410m or slim\n"
              "  -o MODEL      the file to write; it appears only when it is whole\n"
              "  --type TYPE   q4 (if not given), q8, f16 or f32\n"
              "  --seed S      another seed gives other weights; 1 if not given\n"
              "\n"
              "example:  narae-convert synthesize --shape polyglot-ko-1.3b --type q4 -o random.safetensors\n",
              {{"--shape", "NAME", true}, {"-o", "MODEL", true}, {"--type", "TYPE"}, {"--seed", "S"}});
    args.read(words);
    using narae::model::format;
    constexpr format types[] = {format::q4, format::q8, format::f16, format::f32};
    const auto type = types[args.choice("--type", "q4", {"q4", "q8", "f16", "f32"})];
    const auto seed = args.number("--seed", 1, 0, ~std::uint64_t{0});
    const auto to = args.text("-o"), name = args.text("--shape");
    const auto* shape = narae::quant::find_shape(name);
    if (shape == nullptr) {
        std::string names;
        for (const auto& s : narae::quant::named_shapes) names += (names.empty() ? "" : ", ") + std::string(s.name);
        args.wrong("--shape is '" + name + "', not one of " + names);
    }

    const stopwatch clock;
    const auto done = [&] {
        progress bar("writing");
        return narae::quant::synthesize(*shape, type, to, seed, bar);
    }();
    if (!done) return args.failed(done.error());
    std::printf("%s: random weights of %s, %s", to.c_str(), name.c_str(), closing(*done, clock).c_str());
    return 0;
}

}  // namespace command
