// SPDX-License-Identifier: MIT
// Finds the tensors of a model by name and checks their shapes. Matrices stay where the file is mapped; only the
// small vectors (biases and norms) are copied, as floats, and matrices that a file stores transposed.
#ifndef NARAE_MODEL_WEIGHTS_HPP
#define NARAE_MODEL_WEIGHTS_HPP

#include <string>
#include <vector>

#include "narae/model/matrix.hpp"
#include "narae/model/shape.hpp"
#include "narae/store/checkpoint.hpp"
#include "narae/sys/buffer.hpp"

namespace narae::inline NARAE_ABI::model {

/// y = W x + bias.
struct linear {
    matrix w;
    const float* bias = nullptr;
};

struct norm {
    const float* gain = nullptr;
    const float* bias = nullptr;
};

struct layer_weights {
    norm before_attention, before_ffn;
    linear qkv, attention_out, ffn_up, ffn_down;
};

/// One matrix of a model: what its tensor is called (without ".q4" or ".q8") and its rows and columns.
struct matrix_name {
    std::string name;
    std::size_t N, K;
};

/// Every matrix of a model of this shape, in the order in which a forward pass reads them: four a layer.
inline std::vector<matrix_name> matrix_names(const shape& s) {
    std::vector<matrix_name> all{{"gpt_neox.embed_in.weight", s.V, s.D}};
    const matrix_name layer[] = {{"attention.query_key_value", s.qkv_rows(), s.D},
                                 {"attention.dense", s.D, s.H * s.E},
                                 {"mlp.dense_h_to_4h", s.F, s.D},
                                 {"mlp.dense_4h_to_h", s.D, s.F}};
    for (std::size_t i = 0; i < s.L; ++i)
        for (const auto& m : layer) all.push_back({concat({"gpt_neox.layers.", i, ".", m.name, ".weight"}), m.N, m.K});
    if (!s.tied) all.push_back({"embed_out.weight", s.V, s.D});
    return all;
}

/// Every vector of such a model and its length: eight a layer, then two.
inline std::vector<std::pair<std::string, std::size_t>> vector_names(const shape& s) {
    const std::pair<std::string, std::size_t> layer[] = {{"input_layernorm.weight", s.D},
                                                         {"input_layernorm.bias", s.D},
                                                         {"post_attention_layernorm.weight", s.D},
                                                         {"post_attention_layernorm.bias", s.D},
                                                         {"attention.query_key_value.bias", s.qkv_rows()},
                                                         {"attention.dense.bias", s.D},
                                                         {"mlp.dense_h_to_4h.bias", s.F},
                                                         {"mlp.dense_4h_to_h.bias", s.D}};
    std::vector<std::pair<std::string, std::size_t>> all;
    for (std::size_t i = 0; i < s.L; ++i)
        for (const auto& [part, n] : layer) all.emplace_back(concat({"gpt_neox.layers.", i, ".", part}), n);
    for (const char* part : {"weight", "bias"}) all.emplace_back(concat({"gpt_neox.final_layer_norm.", part}), s.D);
    return all;
}

/// The format of a tensor of floats: f32, f16 or bf16.
inline format format_of(const store::tensor& t) noexcept {
    return t.type == store::dtype::f32 ? format::f32 : t.type == store::dtype::f16 ? format::f16 : format::bf16;
}

/// Element i of a tensor of floats, counted row-major whatever its strides.
inline float element(const store::tensor& t, std::uint64_t i) noexcept {
    std::uint64_t at = 0;
    for (std::size_t d = t.shape.size(); d-- > 0; i /= t.shape[d]) at += i % t.shape[d] * t.strides[d];
    return weight_at(format_of(t), t.bytes.data(), static_cast<std::size_t>(at));
}

/// A tensor by name with this shape and a float dtype; an error names file, tensor and reason.
inline result<const store::tensor*> find_floats(const store::checkpoint& from, const std::string& name,
                                                const std::vector<std::uint64_t>& shape) {
    const auto* t = from.find(name);
    if (t == nullptr) return error{errc::not_found, {from.path(), ": no tensor ", name}};
    const auto place = concat({t->file, ": ", name});
    const auto list = [](const std::vector<std::uint64_t>& dims) {
        std::string s = "[";
        for (const auto d : dims) s += (s.size() > 1 ? ", " : "") + std::to_string(d);
        return s + "]";
    };
    if (t->shape != shape) return error{errc::bad_value, {place, ": shape is ", list(t->shape), ", not ", list(shape)}};
    if (t->type != store::dtype::f32 && t->type != store::dtype::f16 && t->type != store::dtype::bf16)
        return error{errc::unsupported, {place, ": weights of type ", store::dtype_name(t->type)}};
    return t;
}

/// A matrix where a checkpoint has it. view.data is nullptr if the tensor's strides are not those of whole rows.
struct stored_matrix {
    const store::tensor* tensor = nullptr;
    matrix view;

    /// out[K] = row `row`, as floats.
    void read_row(float* out, std::size_t row) const noexcept {
        if (view.data != nullptr) return copy_row(out, view, row);
        for (std::size_t i = 0; i < view.K; ++i) out[i] = element(*tensor, std::uint64_t{row} * view.K + i);
    }
};

/// A matrix by name in any format; an error names file, tensor and reason.
inline result<stored_matrix> find_matrix(const store::checkpoint& from, const matrix_name& m) {
    for (const auto type : {format::q8, format::q4}) {
        const auto* t = from.find(concat({m.name, ".", format_name(type)}));
        if (t == nullptr) continue;
        const auto tiles = num::tiles_of(m.N);
        if (t->type != store::dtype::u8 || !t->contiguous() || t->shape.size() != 2 || t->shape[0] != tiles ||
            t->shape[1] != matrix_bytes(type, m.N, m.K) / tiles)
            return error{errc::bad_value, {t->file, ": ", t->name, ": not the packed shape of [", m.N, ", ", m.K, "]"}};
        return stored_matrix{t, {type, m.N, m.K, t->bytes.data()}};
    }
    const auto found = find_floats(from, m.name, {m.N, m.K});
    if (!found) return found.error();
    const auto& t = **found;
    return stored_matrix{&t, {format_of(t), m.N, m.K, t.contiguous() ? t.bytes.data() : nullptr}};
}

/// Everything a forward pass reads. Borrows from the checkpoint, which must outlive it.
struct weights {
    matrix embedding, head;
    std::vector<layer_weights> layers;
    norm last;
    std::size_t bytes = 0;  ///< of all matrices and vectors

    static result<weights> bind(const store::checkpoint& from, const shape& s) {
        weights w;
        error why;
        std::vector<matrix> matrices;
        for (const auto& m : matrix_names(s)) {
            if (!w.bind_matrix(from, m).into(matrices.emplace_back(), why)) return why;
            w.bytes += matrix_bytes(matrices.back().type, m.N, m.K);
        }
        std::vector<const store::tensor*> sources;
        std::size_t floats = 0;
        for (const auto& [name, length] : vector_names(s)) {
            if (!find_floats(from, name, {length}).into(sources.emplace_back(), why)) return why;
            floats += length;
        }
        if (!sys::buffer<float>::make(floats).into(w.owned_floats_, why)) return why;
        std::vector<const float*> vectors;
        float* next = w.owned_floats_.data();
        for (const auto* t : sources) {
            vectors.push_back(next);
            for (std::uint64_t i = 0; i < t->shape[0]; ++i) *next++ = element(*t, i);
        }
        w.bytes += floats * sizeof(float);

        // matrix_names and vector_names list them in this order.
        w.embedding = matrices.front();
        w.head = s.tied ? matrices.front() : matrices.back();
        for (std::size_t i = 0; i < s.L; ++i) {
            const auto* m = &matrices[1 + 4 * i];
            const auto* v = &vectors[8 * i];
            w.layers.push_back({{v[0], v[1]}, {v[2], v[3]}, {m[0], v[4]}, {m[1], v[5]}, {m[2], v[6]}, {m[3], v[7]}});
        }
        w.last = {vectors[8 * s.L], vectors[8 * s.L + 1]};
        return w;
    }

private:
    result<matrix> bind_matrix(const store::checkpoint& from, const matrix_name& m) {
        const auto found = find_matrix(from, m);
        if (!found) return found.error();
        if (found->view.data != nullptr) return found->view;
        auto copy = sys::buffer<std::byte>::make(m.N * m.K * sizeof(float));
        if (!copy) return copy.error().in(m.name);
        for (std::size_t i = 0; i < m.N * m.K; ++i)
            store_le(copy->data() + i * sizeof(float), element(*found->tensor, i));
        owned_matrices_.push_back(std::move(*copy));
        return matrix{format::f32, m.N, m.K, owned_matrices_.back().data()};
    }

    sys::buffer<float> owned_floats_;
    std::vector<sys::buffer<std::byte>> owned_matrices_;
};

}  // namespace narae::inline NARAE_ABI::model

#endif
