// SPDX-License-Identifier: MIT
// A model file of any shape with pseudo-random weights, to measure speed and memory with: it says nothing sensible.
// Read store/format.hpp before.
#ifndef NARAE_QUANT_SYNTHESIZE_HPP
#define NARAE_QUANT_SYNTHESIZE_HPP

#include <cstdint>
#include <string_view>

#include "narae/base/version.hpp"
#include "narae/num/random.hpp"
#include "narae/quant/rows.hpp"
#include "narae/store/config_json.hpp"

namespace narae::inline NARAE_ABI::quant {

/// A shape with a name.
struct named_shape {
    std::string_view name;
    store::config config;
};

/// The released Polyglot-Ko models, a medium GPT-NeoX, and narae's slim shape.
/// layers, width, heads, key-value heads, head width, ffn, vocabulary, positions, rotated dimensions
inline constexpr named_shape named_shapes[] = {
    {"polyglot-ko-1.3b", {24, 2048, 16, 16, 128, 8192, 30080, 2048, 64}},
    {"polyglot-ko-3.8b", {32, 3072, 24, 24, 128, 12288, 30080, 2048, 64}},
    {"polyglot-ko-5.8b", {28, 4096, 16, 16, 256, 16384, 30080, 2048, 64}},
    {"neox-410m", {24, 1024, 16, 16, 64, 4096, 30080, 2048, 16}},
    {"slim", {8, 768, 8, 2, 96, 3072, 32000, 512, 48}},
};

/// The config of this name, or nullptr.
constexpr const store::config* find_shape(std::string_view name) noexcept {
    for (const auto& s : named_shapes)
        if (s.name == name) return &s.config;
    return nullptr;
}

#ifndef NARAE_NO_FILES

/// Writes the narae file `to` with random weights of this shape in this format (q4, q8, f16 or f32), without a
/// tokenizer; returns its size. The same shape, format and seed give the same bytes everywhere.
inline result<std::uint64_t> synthesize(const store::config& config, model::format type, const std::string& to,
                                        std::uint64_t seed = 1, progress on_progress = {}) {
    return guarded([&]() -> result<std::uint64_t> {
        const auto text = store::config_json(config);
        const auto checked = store::parse_config(text);
        if (!checked) return checked.error().in("the shape");
        if (type == model::format::bf16) return error{errc::bad_argument, "bf16 is a format of sources only"};
        const model::shape s(*checked);
        std::vector<store::tensor_plan> plan;
        progress_count count{on_progress};
        for (const auto& m : model::matrix_names(s)) {
            plan.push_back(plan_matrix(m, type));
            count.total += store::planned_bytes(plan.back());
        }
        for (const auto& [name, n] : model::vector_names(s)) plan.push_back({name, store::dtype::f32, {n}});
        const auto history = concat({R"([{"step":"synthesize","narae":")", version_text, R"(","type":")",
                                     model::format_name(type), R"(","seed":)", seed, "}]"});
        auto out = model_writer::create(to, plan, store::narae_metadata(text, history), type, 0, count);
        if (!out) return out.error();
        std::uint64_t rows = 0;  // of the matrices before
        for (const auto& m : model::matrix_names(s)) {
            const auto fill = [&](std::size_t row, float* w) {  // uniform, deviation 0.02: 16 bits for each weight
                num::random random{num::random{seed + rows + row}.next()};
                std::uint64_t bits = 0;
                for (std::size_t i = 0; i < m.K; ++i, bits >>= 16) {
                    if (i % 4 == 0) bits = random.next();
                    w[i] = static_cast<float>(static_cast<int>(bits & 0xFFFF) - 0x8000) * (0.03464f / 0x8000);
                }
            };
            out->matrix(m.name, m.N, m.K, fill, [] {});
            rows += m.N;
        }
        for (const auto& [name, n] : model::vector_names(s)) {
            const float value = name.ends_with("norm.weight") ? 1.0f : 0.0f;  // gains are 1, biases 0
            out->vector(to, n, store::dtype::f32, [&](std::size_t) { return value; });
        }
        return out->file.commit();
    });
}

#endif  // NARAE_NO_FILES

}  // namespace narae::inline NARAE_ABI::quant

#endif
