// SPDX-License-Identifier: MIT
// An original checkpoint becomes a narae file: every tensor is checked before anything is written, then they stream
// through one after the other, so that memory is needed for a few MB of rows and not for the model.
// Read store/format.hpp (what the file holds) and quant/rows.hpp before.
#ifndef NARAE_QUANT_CONVERT_HPP
#define NARAE_QUANT_CONVERT_HPP

#include "narae/quant/calibrate.hpp"
#include "narae/quant/rows.hpp"
#ifndef NARAE_NO_FILES

#include <set>

#include "narae/base/version.hpp"
#include "narae/num/decimal.hpp"
#include "narae/quant/transplant.hpp"
#include "narae/store/checkpoint.hpp"
#include "narae/store/fnv.hpp"
#include "narae/token/packed_writer.hpp"
#include "narae/token/tokenizer.hpp"

namespace narae::inline NARAE_ABI::quant {

struct convert_options {
    model::format type = model::format::q4;  ///< of the matrices: q4, q8, f16 or f32; vectors are always f32
    std::size_t threads = 0;                 ///< 0: one per processor, at most 16; the file is the same for any number
    std::string tokenizer{};  ///< a tokenizer.json that replaces the checkpoint's own, see transplant.hpp
    std::string calibrate{};  ///< a text by which the layers are slimmed, see calibrate.hpp; needs a tokenizer of old
    slim_options slim{};      ///< how
};

struct convert_report {
    std::uint64_t weights = 0;         ///< how many numbers the model has
    std::uint64_t weight_bytes = 0;    ///< what they take in the file
    std::uint64_t file_bytes = 0;      ///< and with header and tokenizer
    double weight_error = 0;           ///< sqrt(sum (w - w')^2 / sum w^2) over the matrices
    std::vector<std::string> ignored;  ///< source tensors that no GPT-NeoX model has; they are not in the file
    std::uint64_t tokens = 0;          ///< of the new vocabulary; 0: the checkpoint keeps its own
    double tokens_copied = 0;          ///< the share of them whose rows are copies of an old token's
    double tokens_pieces = 0;          ///< how many old tokens spell a new one, on average

    std::uint64_t calibration_tokens = 0;  ///< 0: not calibrated
    double output_error = 0;               ///< of the layers' matrices, on average: sum |X (w - w')|^2 / sum |X w|^2
    double worst_error = 0;                ///< and the largest
    std::string worst;                     ///< whose that is
    double zeros = 0;                      ///< the share of weights in the layers' matrices that are zero

    double bits_per_weight() const noexcept {
        return weights == 0 ? 0 : 8 * static_cast<double>(weight_bytes) / static_cast<double>(weights);
    }
};

namespace detail {

/// The JSON array `list` (empty text: an empty array) with one more value.
inline result<std::string> appended(std::string_view list, std::string_view value, const std::string& place) {
    if (list.empty()) return "[" + std::string(value) + "]";
    const auto doc = text::json::parse(list);
    if (!doc) return doc.error().in(place);
    if (!doc->root().is(text::json_kind::array)) return error{errc::bad_value, place + ": not an array"};
    const auto body = list.substr(0, list.rfind(']'));
    return std::string(body) + (doc->root().size() == 0 ? "" : ",") + std::string(value) + "]";
}

/// Buffers that old checkpoints carry; nothing is lost with them, they follow from the config.
inline bool is_legacy_buffer(std::string_view name) noexcept {
    return name.ends_with(".attention.bias") || name.ends_with(".attention.masked_bias") ||
           name.ends_with(".rotary_emb.inv_freq");
}

/// The matrices and vectors of a checkpoint, all there and all of the right shape.
struct inventory {
    std::vector<std::pair<model::matrix_name, model::stored_matrix>> matrices;
    std::vector<const store::tensor*> vectors;
    std::vector<std::string> others;  // tensors that are none of them, nor known to be needless

    static result<inventory> take(const store::checkpoint& from, const model::shape& s) {
        inventory all;
        std::set<std::string_view> known{store::narae_tokenizer};
        for (auto& m : model::matrix_names(s)) {
            auto found = model::find_matrix(from, m);
            if (!found) return found.error();
            known.insert(found->tensor->name);
            all.matrices.emplace_back(std::move(m), *found);
        }
        for (const auto& [name, length] : model::vector_names(s)) {
            const auto found = model::find_floats(from, name, {length});
            if (!found) return found.error();
            known.insert((*found)->name);
            all.vectors.push_back(*found);
        }
        if (s.tied) known.insert("embed_out.weight");  // a copy of the embedding
        for (const auto& t : from.tensors())
            if (known.count(t.name) == 0 && !is_legacy_buffer(t.name)) all.others.push_back(t.name);
        return all;
    }
};

/// narae.source of a file made from `from`: what the source tells of its own origin, then its files.
inline result<std::string> describe_sources(const store::checkpoint& from, progress_count& count) {
    constexpr std::size_t piece_bytes = std::size_t{4} << 20;
    std::string list(from.metadata(store::narae_source_key));
    for (const auto& file : from.sources()) {
        auto hash = store::fnv1a64({});
        for (auto left = file.bytes; !left.empty();) {
            const auto piece = left.first((std::min)(left.size(), piece_bytes));
            hash = store::fnv1a64(piece, hash);
            from.let_go(piece);
            left = left.subspan(piece.size());
            if (const auto going = count.add(piece.size()); !going) return going.error();
        }
        std::string digits;
        for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[hash >> shift & 15];
        const auto entry = concat({"{\"name\":", text::json_quote(file.name), ",\"size\":", file.bytes.size(),
                                   ",\"fnv1a64\":\"", digits, "\"}"});
        error why;
        if (!appended(list, entry, concat({file.name, ": ", store::narae_source_key})).into(list, why)) return why;
    }
    return list;
}

/// A new vocabulary for a checkpoint.
struct vocabulary {
    std::string tokenizer;  // packed
    transplant rows;
    std::string config;

    static result<vocabulary> make(const store::checkpoint& from, const std::string& place, std::size_t old_rows,
                                   const std::string& tokenizer_path) {
        if (from.tokenizer_json().empty())
            return error{errc::unsupported,
                         place + ": has no tokenizer, which a new one needs to know the old rows by"};
        const auto file = sys::file_view::open(tokenizer_path);
        if (!file) return file.error();
        const auto to = token::tokenizer::parse(file->bytes());
        if (!to) return to.error().in(tokenizer_path);
        const auto old = token::tokenizer::parse(from.tokenizer_json());
        if (!old) return old.error().in(place);
        if (old->size() > old_rows)
            return error{errc::bad_value,
                         {place, ": the tokenizer has ", old->size(), " ids, the model only ", old_rows, " rows"}};
        vocabulary v;
        v.rows = transplant::make(*old, old_rows, *to);
        if (v.rows.tokens() == 0) return error{errc::bad_value, tokenizer_path + ": has no tokens"};
        error why;
        if (!token::pack_tokenizer(file->bytes()).into(v.tokenizer, why)) return why.in(tokenizer_path);
        if (!transplanted_config(from.config_text(), *old, *to, v.rows.rows()).into(v.config, why))
            return why.in(from.config_name());
        if (const auto fits = store::parse_config(v.config); !fits) return fits.error().in(tokenizer_path);
        return v;
    }
};

/// The ids by which the checkpoint at `place` is slimmed.
inline result<std::vector<token::token_id>> read_calibration(const store::checkpoint& from, const std::string& place,
                                                             const convert_options& options, std::size_t length,
                                                             std::size_t V) {
    if (options.type != model::format::q4 && options.slim.zeros == mask::none)
        return error{errc::bad_argument, "a calibration text serves q4 and zeros only"};
    if (options.slim.zeros == mask::share && !(options.slim.share > 0 && options.slim.share < 1))
        return error{errc::bad_argument, "the share of zeros is not between 0 and 1"};
    if (!options.tokenizer.empty())
        return error{errc::bad_argument, "a model with a new tokenizer is trained before it is calibrated"};
    if (from.tokenizer_json().empty())
        return error{errc::unsupported, place + ": has no tokenizer, which a calibration text needs"};
    const auto tokenizer = token::tokenizer::parse(from.tokenizer_json());
    if (!tokenizer) return tokenizer.error().in(place);
    const auto file = sys::file_view::open(options.calibrate);
    if (!file) return file.error();
    auto ids = calibration_ids(*tokenizer, as_text(file->bytes()), length, V);
    if (!ids) return ids.error().in(options.calibrate);
    return ids;
}

/// The entry of narae.history, as long before as after; worst is one of `longest` characters at most.
inline std::string describe_calibration(const convert_report& r, const convert_options& o, std::size_t longest) {
    const bool q4 = o.type == model::format::q4;
    const std::string sparsity[] = {"none", num::short_decimal(o.slim.share, 4), "2:4", "4:8"};
    std::string s = concat({R"({"step":"calibrate","narae":")", version_text, R"(","method":")"});
    s += o.slim.zeros == mask::none ? "gptq" : q4 ? "gptq, sparsegpt" : "sparsegpt";
    s += concat({R"(","sparsity":")", sparsity[static_cast<std::size_t>(o.slim.zeros)], R"(","text":)"});
    s += text::json_quote(o.calibrate.substr(o.calibrate.find_last_of("/\\") + 1));
    s += concat({R"(,"tokens":)", r.calibration_tokens, R"(,"output_error":)", num::decimal(r.output_error, 6)});
    s += concat({R"(,"worst":)", num::decimal(r.worst_error, 6), R"(,"worst_of":")", r.worst, "\""});
    return s.append(longest - r.worst.size(), ' ') + R"(,"zeros":)" + num::decimal(r.zeros, 4) + "}";
}

/// Would writing `to` destroy a file that is being read?
inline bool is_source(const store::checkpoint& from, const std::string& path, const std::string& to) {
    for (const auto* name :
         {"", "/config.json", "/tokenizer.json", "/model.safetensors.index.json", "/pytorch_model.bin.index.json"})
        if (sys::same_file(path + name, to)) return true;
    const std::string* last = nullptr;
    for (const auto& t : from.tensors()) {
        if (last != nullptr && t.file == *last) continue;
        if (sys::same_file(t.file, to) || sys::same_file(t.file, to + ".part")) return true;
        last = &t.file;
    }
    return false;
}

}  // namespace detail

/// Reads the checkpoint at `from` (a Hugging Face folder, or a narae file of unpacked weights) and writes the narae
/// file `to`. Nothing is at `to`, or what was there before, unless all went well. Errors name file, tensor and reason.
inline result<convert_report> convert(const std::string& from, const std::string& to,
                                      const convert_options& options = {}, progress on_progress = {}) {
    return guarded([&]() -> result<convert_report> {
        if (options.type == model::format::bf16) return error{errc::bad_argument, "bf16 is a format of sources only"};
        if (options.slim.zeros != mask::none && options.calibrate.empty())
            return error{errc::bad_argument, "zeros need a calibration text"};
        const auto source = store::checkpoint::open(from);
        if (!source) return source.error();
        const auto config = store::parse_config(source->config_text());
        if (!config) return config.error().in(source->config_name());
        const model::shape s(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();
        std::string tokenizer, config_text(source->config_text());  // of the new file, the tokenizer packed
        std::optional<transplant> vocabulary;
        if (!options.tokenizer.empty()) {
            auto made = detail::vocabulary::make(*source, from, s.V, options.tokenizer);
            if (!made) return made.error();
            tokenizer = std::move(made->tokenizer);
            config_text = std::move(made->config);
            vocabulary = std::move(made->rows);
        } else if (!source->tokenizer_json().empty()) {
            error why;
            if (!token::pack_tokenizer(source->tokenizer_json()).into(tokenizer, why)) return why.in(from);
        }
        if (sys::same_file(options.tokenizer, to))
            return error{errc::bad_argument, to + ": cannot write: is the new tokenizer itself"};
        if (sys::same_file(options.calibrate, to))
            return error{errc::bad_argument, to + ": cannot write: is the calibration text itself"};
        if (detail::is_source(*source, from, to))
            return error{errc::bad_argument, to + ": cannot write: is a file of the checkpoint itself"};

        convert_report report;
        report.ignored = all->others;
        if (vocabulary) {
            report.tokens = vocabulary->tokens();
            report.tokens_copied = vocabulary->copied();
            report.tokens_pieces = vocabulary->pieces();
        }
        const auto is_vocabulary = [&](const std::string& name) {
            return vocabulary && (name == "gpt_neox.embed_in.weight" || name == "embed_out.weight");
        };
        progress_count count{on_progress};
        for (const auto& file : source->sources()) count.total += file.bytes.size();
        std::vector<store::tensor_plan> plan;
        std::size_t longest = 0;
        for (const auto& [name, stored] : all->matrices) {
            if (model::packed(stored.view.type))
                return error{errc::unsupported, stored.tensor->file + ": " + stored.tensor->name +
                                                    ": is packed already; convert the original checkpoint instead"};
            longest = (std::max)(longest, name.name.size());
            const auto N = is_vocabulary(name.name) ? vocabulary->rows() : name.N;
            plan.push_back(plan_matrix({name.name, N, name.K}, options.type));
            report.weights += std::uint64_t{N} * name.K;
            report.weight_bytes += store::planned_bytes(plan.back());
        }
        count.total += report.weight_bytes;
        for (const auto* t : all->vectors) {
            plan.push_back({t->name, store::dtype::f32, t->shape});
            report.weights += t->shape[0];
            report.weight_bytes += store::planned_bytes(plan.back());
        }
        if (!tokenizer.empty())
            plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {tokenizer.size()}});

        model::weights bound;
        std::vector<token::token_id> ids;
        std::optional<calibrator> calibration;
        if (!options.calibrate.empty()) {
            error why;
            const auto length = (std::min)(calibration_length, s.positions);
            if (!detail::read_calibration(*source, from, options, length, s.V).into(ids, why) ||
                !model::weights::bind(*source, s).into(bound, why) ||
                !calibrator::make(s, bound, options.type, options.slim, ids, length, options.threads, count)
                     .into(calibration, why))
                return why;
            report.calibration_tokens = ids.size();
        }

        const auto sources = detail::describe_sources(*source, count);
        if (!sources) return sources.error();
        const auto describe = [&](double weight_error) -> result<store::metadata_list> {
            std::vector<std::string> steps;
            if (calibration) steps.push_back(detail::describe_calibration(report, options, longest));
            if (vocabulary)
                steps.push_back(concat({R"({"step":"tokenizer","narae":")", version_text, R"(","tokens":)",
                                        report.tokens, R"(,"copied":)", num::decimal(report.tokens_copied, 4),
                                        R"(,"pieces":)", num::decimal(report.tokens_pieces, 4), "}"}));
            steps.push_back(concat({R"({"step":"convert","narae":")", version_text, R"(","type":")",
                                    model::format_name(options.type), R"(","weights":)", report.weights,
                                    R"(,"bits_per_weight":)", num::decimal(report.bits_per_weight(), 4),
                                    R"(,"weight_error":)", num::decimal(weight_error, 9), "}"}));
            std::string history(source->metadata(store::narae_history_key));
            const auto place = concat({from, ": ", store::narae_history_key});
            error why;
            for (const auto& step : steps)
                if (!detail::appended(history, step, place).into(history, why)) return why;
            return store::narae_metadata(config_text, history, *sources);
        };
        auto metadata = describe(0);  // the same length as at the end
        if (!metadata) return metadata.error();
        auto out = model_writer::create(to, plan, *metadata, options.type, options.threads, count);
        if (!out) return out.error();
        double zeros = 0, slim_weights = 0;
        for (std::size_t m = 0; m < all->matrices.size() && out->file; ++m) {
            const auto& name = all->matrices[m].first;
            const auto& stored = all->matrices[m].second;
            const auto& tensor = *stored.tensor;
            if (calibration && m != 0 && m <= 4 * s.L) {  // four a layer, after the embedding
                const auto one = calibration->matrix((m - 1) / 4, (m - 1) % 4);
                if (!one) return one.error().in(tensor.file + ": " + tensor.name);
                const auto& loss = (*one)->report;
                report.output_error += loss.output_error / static_cast<double>(4 * s.L);
                zeros += static_cast<double>(loss.zeros);
                slim_weights += static_cast<double>(name.N * name.K);
                if (report.worst.empty() || loss.output_error > report.worst_error)
                    report.worst_error = loss.output_error, report.worst = name.name;
                out->encoded((*one)->bytes.span(), loss.squares, loss.lost);
                source->let_go(tensor);
                continue;
            }
            const bool changed = is_vocabulary(name.name);
            const double ratio = s.tied ? tied_ratio : name.name == "embed_out.weight" ? head_ratio : embedding_ratio;
            out->matrix(
                tensor.file + ": " + tensor.name, changed ? vocabulary->rows() : name.N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    changed ? vocabulary->read_row(floats, row, matrix, ratio) : matrix.read_row(floats, row);
                },
                [&] { source->let_go(tensor); });  // what has been read of it
        }
        for (const auto* t : all->vectors)
            out->vector(t->file + ": " + t->name, static_cast<std::size_t>(t->shape[0]), store::dtype::f32,
                        [&](std::size_t i) { return model::element(*t, i); });
        out->file.append(as_bytes(tokenizer));

        if (calibration) report.zeros = zeros / slim_weights;
        report.weight_error = out->weight_error();
        metadata = describe(report.weight_error);
        if (!metadata) return metadata.error();
        out->file.rewrite_metadata(*metadata);
        error why;
        if (!out->file.commit().into(report.file_bytes, why)) return why;
        return report;
    });
}

}  // namespace narae::inline NARAE_ABI::quant

#endif  // NARAE_NO_FILES
#endif
