// SPDX-License-Identifier: MIT
// A model reads a text layer by layer, so that each matrix meets the inputs it will have, and is slimmed by them: a
// layer runs as it was, its matrices are slimmed, then it runs as they are now, for the inputs of the next one.
// Memory: the text's activations, and one layer: its weights as floats and its inputs' products. Read gptq.hpp before.
#ifndef NARAE_QUANT_CALIBRATE_HPP
#define NARAE_QUANT_CALIBRATE_HPP

#include "narae/quant/gptq.hpp"
#include "narae/quant/rows.hpp"
#ifndef NARAE_NO_FILES

#include <array>
#include <optional>

#include "narae/model/forward.hpp"
#include "narae/num/decimal.hpp"
#include "narae/text/lines.hpp"
#include "narae/token/tokenizer.hpp"

namespace narae::inline NARAE_ABI::quant {

/// How much of a text is read: so many sequences of so many tokens, or of what the model was trained for, if less.
inline constexpr std::size_t calibration_sequences = 32, calibration_length = 512;

/// [sequences, length] ids, evenly from all of a text. Each of its lines begins with the end-of-text token, if there is
/// one. Errors: not UTF-8; too short; ids from V on, which the model does not have.
inline result<std::vector<token::token_id>> calibration_ids(const token::tokenizer& t, std::string_view text,
                                                            std::size_t length, std::size_t V,
                                                            std::size_t sequences = calibration_sequences) {
    if (const auto fine = text::check_utf8(text); !fine) return fine.error();
    std::vector<token::token_id> all, ids;
    auto encode = t.make_encoder();
    while (!text.empty()) {
        const auto line = text::take_line(text);
        if (line.empty()) continue;
        if (const auto end = t.end_of_text()) all.push_back(*end);
        encode.encode(line, {}, all);
    }
    if (all.size() < sequences * length)
        return error{errc::bad_value,
                     {"has ", all.size(), " tokens; calibrating needs ", sequences * length, ", ", sequences, " times ",
                      length}};
    for (std::size_t i = 0; i < sequences; ++i) {
        const auto* const from = all.data() + (all.size() - length) * i / (std::max<std::size_t>)(sequences - 1, 1);
        ids.insert(ids.end(), from, from + length);
    }
    for (const auto id : ids)
        if (id >= V) return error{errc::bad_value, {"its token ", id, " is not in the model, which has ", V}};
    return ids;
}

/// A matrix that is done, as the model file has it.
struct slimmed {
    sys::buffer<std::byte> bytes;
    slim_report report;
};

/// Goes through the layers of a model in order.
class calibrator {
public:
    /// The model's weights, borrowed, are floats; matrices become `type`. Progress is polled in `count`, borrowed.
    static result<calibrator> make(const model::shape& s, const model::weights& w, model::format type,
                                   const slim_options& options, std::span<const token::token_id> ids,
                                   std::size_t length, std::size_t threads, progress_count& count) {
        calibrator c{};
        c.shape_ = s, c.shape_.L = 1, c.weights_ = &w, c.type_ = type, c.options_ = options;
        c.length_ = length, c.count_ = &count;
        error why;
        if (!model::workspace::make(c.shape_, kernel::runnable().best(), threads).into(c.work_, why) ||
            !model::cache::make(c.shape_, model::cache_type::q8, length, 0).into(c.cache_, why) ||
            !kernel::matmul::make(kernel::runnable_gemm().best(), c.work_->team->size()).into(c.multiply_, why) ||
            !sys::buffer<float>::make(ids.size() * s.D).into(c.x_, why))
            return why.in("calibration");
        for (std::size_t t = 0; t < ids.size(); ++t) {
            float* const x = c.x_.data() + t * s.D;
            model::copy_row(x, w.embedding, ids[t]);
            if (type == model::format::q4) num::round_to_q4(x, x, s.D);
        }
        return c;
    }

    /// Matrix `i` of 4 of layer `index`, slimmed; it lies here until the next one. They come in order, each once.
    /// Errors: a weight or an input that is not finite or does not fit; outputs that are hardly those of before.
    result<const slimmed*> matrix(std::size_t index, std::size_t i) {
        if (i == 0) {
            now_ = weights_->layers[index];
            if (const auto fine = watch(); !fine) return fine.error();
        }
        error why;
        auto& w = *matrices()[i];
        if (!slim_matrix(w, seen_[i]).into(done_[i], why)) return why;
        seen_[i] = {};
        w = {type_, w.N, w.K, done_[i].bytes.data()};
        if (i == 3)
            if (const auto kept = run([](std::size_t, std::size_t) {}, true); !kept) return kept.error();
        return &done_[i];
    }

private:
    std::array<model::matrix*, 4> matrices() noexcept {
        return {&now_.qkv.w, &now_.attention_out.w, &now_.ffn_up.w, &now_.ffn_down.w};
    }

    /// What the layer's matrices read.
    result<void> watch() {
        const model::rows inputs[] = {work_->before_attention.x, work_->mixed.x, work_->before_ffn.x, work_->ffn.x};
        sys::buffer<float> of_sequence[4];
        error why;
        for (std::size_t i = 0; i < 4; ++i)
            if (!hessian::make(matrices()[i]->K).into(seen_[i], why) ||
                !sys::buffer<float>::make(length_ * matrices()[i]->K).into(of_sequence[i], why))
                return why;
        return run([&](std::size_t at, std::size_t t) {
            for (std::size_t i = 0; i < 4; ++i) {
                const auto K = matrices()[i]->K;
                std::memcpy(of_sequence[i].data() + at * K, inputs[i][t], K * sizeof(float));
                if (at + 1 == length_) seen_[i].add(*work_->team, *multiply_, of_sequence[i].data(), length_);
            }
        });
    }

    /// All sequences through the layer at hand; the results take the inputs' place where they are kept. seen(at, t):
    /// token `at` of a sequence is number t of the workspace, which holds what matrices read.
    template <class Seen> result<void> run(Seen&& seen, bool keep = false) {
        const auto D = shape_.D;
        for (float* x = x_.data(); x != x_.data() + x_.size(); x += length_ * D) {
            cache_->length = 0;
            for (std::size_t from = 0; from < length_; from += model::chunk_len) {
                const auto T = (std::min)(model::chunk_len, length_ - from);
                for (std::size_t t = 0; t < T; ++t) {
                    std::memcpy(work_->x[t], x + (from + t) * D, D * sizeof(float));
                    model::fill_turn(work_->turn[t], shape_, from + t);
                }
                model::block(*work_, *cache_, shape_, now_, 0, T);
                cache_->length += T;
                for (std::size_t t = 0; t < T; ++t) {
                    if (keep) std::memcpy(x + (from + t) * D, work_->x[t], D * sizeof(float));
                    seen(from + t, t);
                }
            }
            if (const auto going = count_->add(0); !going) return going;
        }
        return {};
    }

    result<slimmed> slim_matrix(const model::matrix& m, hessian& h) {
        const auto N = m.N, K = m.K;
        auto floats = sys::buffer<float>::make(N * K);
        if (!floats) return floats.error();
        for (std::size_t r = 0; r < N; ++r) model::copy_row(floats->data() + r * K, m, r);
        const auto fits = [&] { return first_unfit(floats->data(), N * K, type_); };
        if (const auto i = fits(); i != N * K) return unfit("a weight", (*floats)[i], concat({i / K, ", ", i % K}));
        slimmed out;
        error why;
        std::vector<std::uint16_t> scales;
        if (const auto fine = h.factor(*work_->team, *multiply_); !fine) return fine.error();
        if (!slim(*work_->team, *multiply_, h, floats->span(), N, options_,
                  type_ == model::format::q4 ? &scales : nullptr)
                 .into(out.report, why) ||
            !sys::buffer<std::byte>::make(model::matrix_bytes(type_, N, K)).into(out.bytes, why))
            return why;
        if (!(out.report.output_error <= 0.9) || fits() != N * K)
            return error{
                errc::bad_value,
                "hardly anything of its outputs is left: so many zeros or this calibration text do not suit it"};
        const auto tile_bytes = model::matrix_bytes(type_, num::tile_rows, K), groups = num::groups_of(K);
        kernel::shared_out(*work_->team, num::tiles_of(N), [&](std::size_t t) {
            const auto r = t * num::tile_rows;
            encode_tile(out.bytes.data() + t * tile_bytes, type_, floats->data() + r * K,
                        (std::min)(num::tile_rows, N - r), K, scales.empty() ? nullptr : scales.data() + r * groups);
        });
        return out;
    }

    model::shape shape_{store::config{}};  // of one layer
    const model::weights* weights_ = nullptr;
    model::format type_{};
    slim_options options_;
    std::size_t length_ = 0;
    progress_count* count_ = nullptr;
    std::optional<model::workspace> work_;
    std::optional<model::cache> cache_;
    std::optional<kernel::matmul> multiply_;
    model::layer_weights now_;  // the layer at hand: as it was, then slimmed
    hessian seen_[4];
    slimmed done_[4];
    sys::buffer<float> x_;  // [sequences, length, D] what the next layer reads
};

}  // namespace narae::inline NARAE_ABI::quant

#endif  // NARAE_NO_FILES
#endif
