// SPDX-License-Identifier: MIT
// Opening a model: a narae file, an original Hugging Face folder, or bytes in memory. Nothing is unpacked or copied
// but small vectors; weights are read from the map when they are first used.
#ifndef NARAE_GEN_OPEN_HPP
#define NARAE_GEN_OPEN_HPP

#include <memory>
#include <optional>
#include <string>

#include "narae/kernel/select.hpp"
#include "narae/model/weights.hpp"
#include "narae/store/checkpoint.hpp"
#include "narae/token/tokenizer.hpp"

namespace narae::inline NARAE_ABI {

struct open_options {
    std::size_t threads = 0;                 ///< of each session; 0: one per processor, at most 16
    std::uint64_t memory_limit = 0;          ///< in bytes, for weights, cache and workspace together; 0: none
    std::optional<kernel::table> kernels{};  ///< one of kernel::runnable(); empty: the best of them
};

/// A model, ready to be talked to. Immutable: copies share it, and any number of sessions on any threads may use it.
class language_model {
public:
    const model::shape& shape() const noexcept { return parts_->shape; }
    const model::weights& weights() const noexcept { return parts_->weights; }
    const store::checkpoint& checkpoint() const noexcept { return parts_->checkpoint; }
    const open_options& options() const noexcept { return parts_->options; }

    /// nullptr if the checkpoint came without one: such a model takes ids, but no text.
    const token::tokenizer* tokenizer() const noexcept { return parts_->tokenizer ? &*parts_->tokenizer : nullptr; }

    /// May this row of the logits be sampled? Vocabularies are padded past the tokenizer's size.
    bool is_token(token::token_id id) const noexcept {
        return !parts_->tokenizer || !parts_->tokenizer->bytes_of(id).empty();
    }

    /// Use narae::open.
    static result<language_model> make(result<store::checkpoint> from, const std::string& path,
                                       const open_options& options) {
        if (!from) return from.error();
        const auto config = store::parse_config(from->config_text());
        if (!config) return config.error().in(from->config_name());
        auto made = std::make_shared<parts>(parts{std::move(*from), model::shape(*config), {}, {}, options});
        error why;
        if (!model::weights::bind(made->checkpoint, made->shape).into(made->weights, why)) return why.in(path);
        if (!made->options.kernels) made->options.kernels = kernel::runnable().best();
        if (const auto json = made->checkpoint.tokenizer_json(); !json.empty()) {
            auto& tokenizer = made->tokenizer;
            if (!token::tokenizer::parse(json).into(tokenizer, why)) return why.in(path);
            if (tokenizer->size() > made->shape.V)
                return error{
                    errc::bad_value,
                    {path, ": the tokenizer has ", tokenizer->size(), " ids, the model only ", made->shape.V, " rows"}};
        }
        if (const auto limit = options.memory_limit; limit != 0 && made->weights.bytes > limit)
            return error{errc::out_of_memory,
                         {path, ": the weights alone are ", made->weights.bytes, " bytes, the limit is ", limit}};
        language_model opened;
        opened.parts_ = std::move(made);
        return opened;
    }

private:
    struct parts {
        store::checkpoint checkpoint;
        model::shape shape;
        model::weights weights;
        std::optional<token::tokenizer> tokenizer;
        open_options options;
    };

    language_model() = default;
    std::shared_ptr<const parts> parts_;
};

#ifndef NARAE_NO_FILES
/// Opens a narae file, the first shard's index, or an original checkpoint folder, which then runs as it is.
/// Errors name the file, the tensor and the reason.
inline result<language_model> open(const std::string& path, const open_options& options = {}) {
    return guarded([&] { return language_model::make(store::checkpoint::open(path), path, options); });
}
#endif

/// Opens a narae file that is already in memory. `file` is borrowed: it must outlive the model and its sessions.
inline result<language_model> open(byte_view file, const open_options& options = {}) {
    return guarded([&] { return language_model::make(store::checkpoint::from_bytes(file), "memory", options); });
}

}  // namespace narae::inline NARAE_ABI

#endif
