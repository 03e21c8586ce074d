// SPDX-License-Identifier: MIT
// A model goes back to where others read it: a Hugging Face checkpoint, config.json, model.safetensors, tokenizer.json.
// Packed weights are unpacked; heads that share keys and values get a copy each, because GPT-NeoX knows plain heads
// only.
#ifndef NARAE_QUANT_EXPORT_HPP
#define NARAE_QUANT_EXPORT_HPP

#include "narae/quant/convert.hpp"
#include "narae/store/config_json.hpp"
#ifndef NARAE_NO_FILES

namespace narae::inline NARAE_ABI::quant {

namespace detail {

/// The row of a QKV matrix of shape s that is row r of the same matrix with plain heads (q, k, v of head 0, of head 1,
/// and so on).
inline std::size_t shared_row(const model::shape& s, std::size_t r) noexcept {
    const auto h = r / (3 * s.E), part = r / s.E % 3, i = r % s.E;
    return (part == 0 ? s.q_row(h) : part == 1 ? s.k_row(h / s.share()) : s.v_row(h / s.share())) + i;
}

inline result<void> write_text(const std::string& path, byte_view bytes) {
    auto sink = sys::file_sink::create(path);
    if (!sink) return sink.error();
    const auto written = sink->write(bytes);
    if (!written) return written;
    return sink->commit();
}

/// The id that ends a text: the tokenizer's, or what the source's config says; empty if neither knows.
inline result<std::string> end_of_text(const store::checkpoint& from, const std::string& place) {
    if (const auto json = from.tokenizer_json(); !json.empty()) {
        const auto tokenizer = token::tokenizer::parse(json);
        if (!tokenizer) return tokenizer.error().in(place);
        if (const auto id = tokenizer->end_of_text()) return std::to_string(*id);
    }
    const auto doc = text::json::parse(from.config_text());
    if (!doc) return doc.error().in(from.config_name());
    std::uint64_t id = 0;
    return doc->root()["eos_token_id"].whole(id) ? std::to_string(id) : std::string();
}

}  // namespace detail

/// Writes the model at `from` (anything that opens) into the folder `folder`, which must be there, with all weights in
/// `type`, f16 or f32; returns the size of model.safetensors. Refuses heads that do not fill the width: other engines
/// could not load them.
inline result<std::uint64_t> export_checkpoint(const std::string& from, const std::string& folder, model::format type,
                                               progress on_progress = {}) {
    return guarded([&]() -> result<std::uint64_t> {
        if (type != model::format::f16 && type != model::format::f32)
            return error{errc::bad_argument, "a checkpoint is exported as f16 or f32"};
        const auto source = store::checkpoint::open(from);
        if (!source) return source.error();
        auto config = store::parse_config(source->config_text());
        if (!config) return config.error().in(source->config_name());
        const model::shape s(*config);
        if (s.H * s.E != s.D)
            return error{errc::unsupported,
                         {source->config_name(), ": ", s.H, " heads of ", s.E, " do not fill the width ", s.D,
                          ", which other engines cannot load"}};
        config->kv_heads = config->heads;
        const model::shape plain(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();

        const auto dtype = type == model::format::f16 ? store::dtype::f16 : store::dtype::f32;
        const auto is_qkv = [](const std::string& name) {
            return name.ends_with(".query_key_value.weight") || name.ends_with(".query_key_value.bias");
        };
        std::vector<store::tensor_plan> plan;
        progress_count count{on_progress};
        for (const auto& [name, stored] : all->matrices) {
            plan.push_back(plan_matrix({name.name, is_qkv(name.name) ? plain.qkv_rows() : name.N, name.K}, type));
            count.total += store::planned_bytes(plan.back());
        }
        for (const auto* t : all->vectors)
            plan.push_back({t->name, dtype, {is_qkv(t->name) ? plain.qkv_rows() : t->shape[0]}});

        const auto end = detail::end_of_text(*source, from);
        if (!end) return end.error();
        auto more = "  \"torch_dtype\": \"" + std::string(type == model::format::f16 ? "float16" : "float32") + "\",\n";
        if (!end->empty()) more += "  \"bos_token_id\": " + *end + ",\n  \"eos_token_id\": " + *end + ",\n";
        const auto text = store::config_json(*config, more);
        if (const auto done = detail::write_text(folder + "/config.json", as_bytes(text)); !done) return done.error();
        if (const auto packed = source->tokenizer_json(); !packed.empty()) {
            const auto json = token::unpack_tokenizer(packed);
            if (!json) return json.error().in(from);
            const auto copied = detail::write_text(folder + "/tokenizer.json", as_bytes(*json));
            if (!copied) return copied.error();
        }

        auto out = model_writer::create(folder + "/model.safetensors", plan, {{"format", "pt"}}, type, 0, count);
        if (!out) return out.error();
        for (const auto& [name, stored] : all->matrices) {
            const bool qkv = is_qkv(name.name);
            out->matrix(
                stored.tensor->file + ": " + stored.tensor->name, qkv ? plain.qkv_rows() : name.N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    matrix.read_row(floats, qkv ? detail::shared_row(s, row) : row);
                },
                [&, &tensor = *stored.tensor] { source->let_go(tensor); });  // what has been read of it
        }
        for (const auto* t : all->vectors) {
            const bool qkv = is_qkv(t->name);
            out->vector(t->file + ": " + t->name, qkv ? plain.qkv_rows() : static_cast<std::size_t>(t->shape[0]), dtype,
                        [&](std::size_t i) { return model::element(*t, qkv ? detail::shared_row(s, i) : i); });
        }
        return out->file.commit();
    });
}

}  // namespace narae::inline NARAE_ABI::quant

#endif  // NARAE_NO_FILES
#endif
