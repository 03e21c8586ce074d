// SPDX-License-Identifier: MIT
// A training run: batches through the network, AdamW, and a state file from which it goes on bit by bit as if it had
// never stopped. Everything a step does is a function of the options, the documents and the number of the step.
// Read network.hpp and data.hpp before.
#ifndef NARAE_LEARN_TRAINER_HPP
#define NARAE_LEARN_TRAINER_HPP

#include "narae/sys/scratch.hpp"
#ifndef NARAE_NO_FILES

#include "narae/base/version.hpp"
#include "narae/learn/curve.hpp"
#include "narae/learn/data.hpp"
#include "narae/num/pack.hpp"
#include "narae/store/config_json.hpp"
#include "narae/store/safetensors_writer.hpp"
#include "narae/token/packed_writer.hpp"

namespace narae::inline NARAE_ABI::learn {

struct train_options {
    std::uint64_t steps = 1000;                ///< of the optimizer
    std::size_t sequences = 16, length = 256;  ///< of a micro-batch
    std::size_t accumulate = 1;                ///< micro-batches of a step
    std::size_t checkpoint_layers = 0;         ///< layers of a segment, see network.hpp; 0: all
    float rate = 1e-3f;  ///< after `warmup` steps; then along a cosine down to a tenth. arXiv:1608.03983
    std::uint64_t warmup = 100;
    float decay = 0.1f;  ///< of matrices; vectors do not decay
    float clip = 1.0f;   ///< the largest length of a step's gradient. Pascanu et al. 2013, arXiv:1211.5063
    float beta1 = 0.9f, beta2 = 0.95f, eps = 1e-8f;  ///< AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101
    bool grid = false;  ///< matrices are seen as q4 would round them, gradients pass: straight-through estimation
    float teacher_share = 0.5f;  ///< of the loss, where there is a teacher
    std::uint64_t seed = 1;
    std::string state_on_disk{};  ///< a file that weights, gradients and moments are mapped from; empty: in memory
};

/// What a step found.
struct step_report {
    double loss = 0;           ///< nats per token
    double gradient_norm = 0;  ///< before clipping
    float rate = 0;
};

class trainer {
public:
    /// Bytes that training a model of this shape takes: the network, and four or five numbers a parameter.
    struct memory {
        std::uint64_t network, state;
    };
    static memory bytes(const model::shape& s, const train_options& o, sys::team& team,
                        const kernel::gemm_kernel& gemm) {
        return {network::bytes(s, network_of(o), team, gemm),
                std::uint64_t{count_parameters(s).all} * sizeof(float) * rows_of(o)};
    }

    /// `team` is borrowed. The weights are zero at first: fill them, or resume.
    static result<trainer> make(const store::config& config, const train_options& o, sys::team& team,
                                const kernel::gemm_kernel& gemm) {
        trainer t(config, o, team, gemm.exact);
        error why;
        if (!sys::scratch::make(t.count_.all * rows_of(o), o.state_on_disk).into(t.numbers_, why)) return why;
        auto net = network::make(t.shape_, network_of(o), team, gemm);
        if (!net) return net.error();
        t.net_.emplace(std::move(*net));
        return t;
    }

    const model::shape& shape() const noexcept { return shape_; }
    std::uint64_t step() const noexcept { return step_; }
    std::uint64_t tokens() const noexcept { return tokens_; }
    std::span<float> weights() noexcept { return row(0); }

    /// One step over the next batches of `documents`. Error: the loss or the gradient is no number, or has grown far
    /// above what it was: the weights are then as they were before.
    result<step_report> advance(documents& from, teacher teacher = {}) {
        teacher.share = options_.teacher_share;
        const float* seen = seen_weights();
        loss_sum loss;
        for (std::size_t i = 0; i < options_.accumulate; ++i) {
            from.fill(batch_, step_ * options_.accumulate + i, options_.sequences, options_.length, options_.seed);
            loss += net_->run(seen, row(1).data(), batch_.view(), teacher);
        }
        const auto tokens = static_cast<double>((std::max<std::size_t>)(1, loss.tokens));
        step_report r{loss.mean(), std::sqrt(squares(row(1))) / tokens, rate_at(step_)};
        const auto refuse = [&](std::initializer_list<piece> why) {
            std::memset(row(1).data(), 0, row(1).size() * sizeof(float));
            return error{errc::bad_value, {"step ", step_ + 1, ": ", concat(why)}};
        };
        const auto finite = [](double x) { return detail::size_bits(x) < detail::size_bits(1e30); };
        if (!finite(r.gradient_norm) || !finite(r.loss)) return refuse({"the loss is not a number any more"});
        if (loss.tokens != 0) smooth_ = smooth_ == 0 ? r.loss : smooth_ + 0.02 * (r.loss - smooth_);
        lowest_ = lowest_ == 0 ? smooth_ : (std::min)(lowest_, smooth_);
        if (smooth_ > lowest_ + 1.5)
            return refuse({"the loss has grown from ", detail::csv_number(lowest_), " to ", detail::csv_number(smooth_),
                           ": a lower rate may help"});
        ++step_;
        tokens_ += loss.tokens;
        const double clip = static_cast<double>(options_.clip),
                     scale = (std::min)(1.0, clip / r.gradient_norm) / tokens;
        const auto unbias = [&](float beta) {
            return static_cast<float>(1 / (1 - std::pow(static_cast<double>(beta), static_cast<double>(step_))));
        };
        const auto& o = options_;
        kernel::adamw_step how{r.rate,           o.beta1,         o.beta2,         o.eps,
                               r.rate * o.decay, unbias(o.beta1), unbias(o.beta2), static_cast<float>(scale)};
        optimise(0, count_.matrices, how);
        how.decay = 0;
        optimise(count_.matrices, count_.all, how);
        return r;
    }

    /// The loss on other documents, of which at most `most` batches are taken.
    loss_sum validate(documents& on, std::uint64_t most = 64) {
        const float* seen = seen_weights();
        loss_sum loss;
        const auto batches = (std::max<std::uint64_t>)(1, on.sequences(options_.length) / options_.sequences);
        for (std::uint64_t i = 0; i < (std::min)(most, batches); ++i) {
            on.fill(batch_, i, options_.sequences, options_.length, 1);
            loss += net_->run(seen, nullptr, batch_.view());
        }
        return loss;
    }

    /// Writes all that a run needs to go on. What was at `path` stays until the new file is whole.
    result<void> save(const std::string& path, const documents& from) {
        std::vector<store::tensor_plan> plan;
        for (const auto& [name, i] : state_rows) plan.push_back({name, store::dtype::f32, {count_.all}});
        auto facts = facts_of(from);
        const std::uint64_t bits[] = {step_, tokens_, std::bit_cast<std::uint64_t>(smooth_),
                                      std::bit_cast<std::uint64_t>(lowest_)};
        for (std::size_t i = 0; i < 4; ++i) facts.emplace_back(state_keys[i], std::to_string(bits[i]));
        auto out = store::safetensors_writer::create(path, plan, facts);
        if (!out) return out.error();
        for (const auto& [name, i] : state_rows) out->append_floats(row(i));
        if (const auto done = out->commit(); !done) return done.error();
        return {};
    }

    /// Goes on from what save() wrote. Errors: another shape, other options, another corpus.
    result<void> resume(const std::string& path, const documents& from) {
        const auto file = sys::file_view::open(path);
        if (!file) return file.error();
        const auto state = store::parse_safetensors(file->bytes());
        if (!state) return state.error().in(path);
        const auto value = [&](std::string_view key) -> std::string_view {
            for (const auto& [k, v] : state->metadata)
                if (k == key) return v;
            return {};
        };
        const auto bad = [&](std::string_view why) { return error{errc::bad_value, {path, ": ", why}}; };
        for (const auto& [key, mine] : facts_of(from))
            if (value(key) != mine)
                return bad(concat({"is the state of another run: its ", key.substr(key.rfind('.') + 1), " is ",
                                   value(key).empty() ? "missing" : value(key), ", not ", mine}));
        std::uint64_t bits[4] = {};
        for (std::size_t i = 0; i < 4; ++i)
            if (!detail::read_whole(value(state_keys[i]), bits[i]))
                return bad(concat({state_keys[i], " is no number"}));
        for (const auto& [name, i] : state_rows) {
            const store::tensor* found = nullptr;
            for (const auto& t : state->tensors)
                if (t.name == name) found = &t;
            if (found == nullptr || found->type != store::dtype::f32 || found->bytes.size() != count_.all * 4)
                return bad(concat({"no whole ", name}));
            auto to = row(i);
            for (std::size_t n = 0; n < to.size(); ++n) to[n] = load_le<float>(found->bytes.data() + n * 4);
            file->let_go(found->bytes);
        }
        step_ = bits[0], tokens_ = bits[1];
        smooth_ = std::bit_cast<double>(bits[2]), lowest_ = std::bit_cast<double>(bits[3]);
        return {};
    }

    /// Writes the narae file of the weights as they are, f32; returns its size. `tokenizer`: tokenizer.json or its
    /// packed form; `history`: see store/format.hpp.
    result<std::uint64_t> write_model(const std::string& path, byte_view tokenizer, const std::string& history) {
        auto packed = token::pack_tokenizer(tokenizer);
        if (!packed) return packed.error().in("the tokenizer");
        std::vector<store::tensor_plan> plan;
        for (const auto& m : model::matrix_names(shape_)) plan.push_back({m.name, store::dtype::f32, {m.N, m.K}});
        for (const auto& [name, n] : model::vector_names(shape_)) plan.push_back({name, store::dtype::f32, {n}});
        plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {packed->size()}});
        auto out =
            store::safetensors_writer::create(path, plan, store::narae_metadata(store::config_json(config_), history));
        if (!out) return out.error();
        out->append_floats(weights());
        out->append(as_bytes(*packed));
        return out->commit();
    }

    /// The learning rate of a step: a line up, then a cosine down to a tenth.
    float rate_at(std::uint64_t step) const noexcept {
        const auto at = static_cast<double>(step), all = static_cast<double>(options_.steps),
                   warm = static_cast<double>(options_.warmup), rate = static_cast<double>(options_.rate);
        if (at < warm) return static_cast<float>(rate * (at + 1) / warm);
        const double done = all > warm ? (std::min)(1.0, (at - warm) / (all - warm)) : 1.0;
        return static_cast<float>(rate * (0.55 + 0.45 * std::cos(3.14159265358979 * done)));
    }

private:
    static constexpr std::pair<const char*, std::size_t> state_rows[] = {
        {"weights", 0}, {"first_moment", 2}, {"second_moment", 3}};
    static constexpr const char* state_keys[] = {"narae.train.step", "narae.train.tokens", "narae.train.smooth",
                                                 "narae.train.lowest"};

    trainer(const store::config& config, const train_options& o, sys::team& team, bool exact)
        : config_(config), shape_(config), options_(o), team_(&team), exact_(exact), count_(count_parameters(shape_)),
          ops_(kernel::runnable_teach().back()) {}

    static network_options network_of(const train_options& o) {
        return {o.sequences, o.length, o.checkpoint_layers, true};
    }
    static std::size_t rows_of(const train_options& o) noexcept { return o.grid ? 5 : 4; }

    /// Row 0: weights, 1: gradients, 2 and 3: the moments, 4: the weights as q4 has them.
    std::span<float> row(std::size_t i) noexcept { return {numbers_.data() + i * count_.all, count_.all}; }

    /// What the network is run with.
    const float* seen_weights() {
        if (!options_.grid) return row(0).data();
        std::memcpy(row(4).data() + count_.matrices, row(0).data() + count_.matrices,
                    (count_.all - count_.matrices) * sizeof(float));
        std::size_t at = 0;
        for (const auto& m : model::matrix_names(shape_)) {
            const float* from = row(0).data() + at;
            float* to = row(4).data() + at;
            kernel::shared_out(*team_, m.N,
                               [&](std::size_t r) { num::round_to_q4(to + r * m.K, from + r * m.K, m.K); });
            at += m.N * m.K;
        }
        return row(4).data();
    }

    /// The sum of squares, in an order that no number of threads changes.
    double squares(std::span<const float> x) {
        constexpr std::size_t piece = 4096;
        std::vector<float> sums((x.size() + piece - 1) / piece);
        kernel::shared_out(*team_, sums.size(), [&](std::size_t i) {
            const auto* from = x.data() + i * piece;
            sums[i] = ops_.dot(from, from, (std::min)(piece, x.size() - i * piece));
        });
        double sum = 0;
        for (const double s : sums) sum += s;
        return sum;
    }

    /// A piece at a time, so that moments on disk need not all be in memory at once.
    void optimise(std::size_t from, std::size_t to, const kernel::adamw_step& how) {
        for (constexpr std::size_t piece = std::size_t{1} << 22; from < to; from += piece) {
            const auto n = (std::min)(piece, to - from);
            team_->run([&](std::size_t part, std::size_t parts) {
                const auto mine = sys::slice_of(n, 64, part, parts);
                const auto at = from + mine.begin;
                ops_.adamw(row(0).data() + at, row(2).data() + at, row(3).data() + at, row(1).data() + at,
                           mine.end - mine.begin, how);
            });
            for (const std::size_t moment : {2u, 3u}) numbers_.let_go(moment * count_.all + from, n);
        }
    }

    /// What a state must have in common with the run that goes on from it.
    store::metadata_list facts_of(const documents& from) const {
        const auto& o = options_;
        const auto real = [](float x) { return detail::csv_number(static_cast<double>(x)); };
        const auto options = concat({"steps ",
                                     o.steps,
                                     ", batch ",
                                     o.sequences,
                                     " x ",
                                     o.length,
                                     " x ",
                                     o.accumulate,
                                     ", warm-up ",
                                     o.warmup,
                                     ", rate ",
                                     real(o.rate),
                                     ", decay ",
                                     real(o.decay),
                                     ", clip ",
                                     real(o.clip),
                                     ", teacher ",
                                     real(o.teacher_share),
                                     ", seed ",
                                     o.seed,
                                     o.grid ? ", q4" : "",
                                     exact_ ? "" : ", bf16"});
        return {{"narae.train.shape", store::config_json(config_)},
                {"narae.train.corpus", concat({from.count(), " documents, hash ", from.hash()})},
                {"narae.train.options", options}};
    }

    store::config config_;
    model::shape shape_;
    train_options options_;
    sys::team* team_;
    bool exact_;  // products in float32
    parameter_count count_;
    kernel::teach_table ops_;
    sys::scratch numbers_;
    std::optional<network> net_;
    owned_batch batch_;
    std::uint64_t step_ = 0, tokens_ = 0;
    double smooth_ = 0, lowest_ = 0;
};

}  // namespace narae::inline NARAE_ABI::learn

#endif  // NARAE_NO_FILES
#endif
