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

namespace detail {

inline void fill_bytes(num::random& random, std::byte* out, std::size_t n) noexcept {
    for (; n >= 8; n -= 8, out += 8) store_le(out, random.next());
    for (auto bits = n > 0 ? random.next() : 0; n > 0; --n, bits >>= 8) *out++ = static_cast<std::byte>(bits);
}

/// Random bytes in out[] become weights of `size` bytes whose size lies between 2^-6 and 1.5 * 2^-6: only the sign and
/// all but the first bit of the mantissa stay random.
template <class Bits>
void around_a_fiftieth(std::byte* out, std::size_t n, Bits keep, Bits exponent) noexcept {
    for (; n > 0; --n, out += sizeof(Bits)) store_le(out, static_cast<Bits>((load_le<Bits>(out) & keep) | exponent));
}

/// Random bytes in a tile become scales and codes; rows from `count` on and columns from k on become zeros.
/// The codes' spread times the scale, of either sign and between 1 and 1.25 times 2^-8 (q4) or 2^-12 (q8), is 0.02.
inline void make_tile(std::byte* tile, model::format type, std::size_t count, std::size_t k) noexcept {
    const bool q4 = type == model::format::q4;
    const auto scale_bytes = num::q8_layout::scale_bytes(k);
    std::byte* const codes = tile + scale_bytes;
    const auto zero = static_cast<std::byte>(q4 ? 0x88 : 0);
    const auto code_bytes = num::groups_of(k) * (q4 ? num::q4_layout::group_bytes : num::q8_layout::group_bytes);
    around_a_fiftieth<std::uint16_t>(tile, scale_bytes / 2, 0x80FF, q4 ? 0x1C00 : 0x0C00);
    std::memset(tile + num::groups_of(k) * num::tile_rows * 2, 0, scale_bytes - num::groups_of(k) * num::tile_rows * 2);
    if (!q4)
        for (std::size_t i = 0; i < code_bytes; ++i)
            if (codes[i] == std::byte{0x80}) codes[i] = zero;  // -128 is no code
    const auto clear = [&](std::size_t row, std::size_t column) {
        if (!q4) {
            codes[num::q8_layout::at(row, column)] = zero;
            return;
        }
        const auto shift = num::q4_layout::shift(column);
        auto& byte = codes[num::q4_layout::at(row, column)];
        byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(8 << shift);
    };
    const auto columns = num::groups_of(k) * num::group_len;
    for (std::size_t r = 0; r < num::tile_rows; ++r)
        for (auto i = r < count ? k : 0; i < columns; ++i) clear(r, i);
    for (std::size_t g = 0; g < num::groups_of(k); ++g)
        std::memset(tile + (g * num::tile_rows + count) * 2, 0, (num::tile_rows - count) * 2);
}

}  // namespace detail

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
        const auto matrices = model::matrix_names(s);
        const auto vectors = model::vector_names(s);
        std::vector<store::tensor_plan> plan;
        for (const auto& m : matrices) plan.push_back(plan_matrix(m, type));
        for (const auto& [name, n] : vectors) plan.push_back({name, store::dtype::f32, {n}});
        progress_count count{on_progress};
        for (const auto& t : plan) count.total += store::planned_bytes(t);

        auto out = store::safetensors_writer::create(
            to, plan,
            {{std::string(store::narae_version_key), std::string(store::narae_version)},
             {std::string(store::narae_config_key), text},
             {std::string(store::narae_history_key),
              "[{\"step\":\"synthesize\",\"narae\":\"" + std::string(version_text) + "\",\"type\":\"" +
                  std::string(model::format_name(type)) + "\",\"seed\":" + std::to_string(seed) + "}]"}});
        if (!out) return out.error();
        num::random random{seed};
        const auto* planned = plan.data();
        for (const auto& m : matrices) {
            auto tile = sys::buffer<std::byte>::make(model::matrix_bytes(type, num::tile_rows, m.K));
            if (!tile) return tile.error().in(m.name);
            for (std::size_t row = 0; row < m.N; row += num::tile_rows) {
                const auto rows = (std::min)(num::tile_rows, m.N - row);
                const auto bytes = model::packed(type) ? tile->size() : model::matrix_bytes(type, rows, m.K);
                detail::fill_bytes(random, tile->data(), bytes);
                if (model::packed(type)) {
                    detail::make_tile(tile->data(), type, rows, m.K);
                } else if (type == model::format::f16) {
                    detail::around_a_fiftieth<std::uint16_t>(tile->data(), rows * m.K, 0x81FF, 0x2400);
                } else {
                    detail::around_a_fiftieth<std::uint32_t>(tile->data(), rows * m.K, 0x803FFFFF, 0x3C800000);
                }
                const auto written = out->append(planned->name, tile->span().first(bytes));
                if (!written) return written.error();
                const auto going = count.add(bytes);
                if (!going) return going.error();
            }
            ++planned;
        }
        for (const auto& [name, n] : vectors) {
            const float value = name.ends_with("norm.weight") ? 1.0f : 0.0f;  // gains are 1, biases 0
            const auto written = write_vector(*out, *planned++, to, n, [&](std::size_t) { return value; });
            if (!written) return written.error();
        }
        const auto bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return bytes;
    });
}

#endif  // NARAE_NO_FILES

}  // namespace narae::inline NARAE_ABI::quant

#endif
