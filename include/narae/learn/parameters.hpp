// SPDX-License-Identifier: MIT
// All numbers of a model as float32 in one row: matrices in the order of model::matrix_names, then vectors in that of
// model::vector_names. Weights, gradients and the optimizer's moments are such rows and go side by side.
#ifndef NARAE_LEARN_PARAMETERS_HPP
#define NARAE_LEARN_PARAMETERS_HPP

#include <cmath>
#include <span>
#include <vector>

#include "narae/model/weights.hpp"
#include "narae/num/random.hpp"

namespace narae::inline NARAE_ABI::learn {

/// Where each part of a row lies. F: float of weights to write and of gradients, const float of weights to read.
template <class F> struct linear_part {
    F* w;  ///< [N, K]
    F* bias;
};
template <class F> struct norm_part { F *gain, *bias; };
template <class F> struct layer_parts {
    norm_part<F> before_attention, before_ffn;
    linear_part<F> qkv, attention_out, ffn_up, ffn_down;
};
template <class F> struct parts {
    F *embedding, *head;  ///< the same if the head is tied
    std::vector<layer_parts<F>> layers;
    norm_part<F> last;
};

/// How many numbers the matrices of this shape have, which come first, and how many all have.
struct parameter_count {
    std::size_t matrices = 0, all = 0;
};
inline parameter_count count_parameters(const model::shape& s) {
    parameter_count n;
    for (const auto& m : model::matrix_names(s)) n.matrices += m.N * m.K;
    n.all = n.matrices;
    for (const auto& [name, length] : model::vector_names(s)) n.all += length;
    return n;
}

/// The parts of a row of count_parameters(s).all numbers.
template <class F> parts<F> parts_of(F* row, const model::shape& s) {
    std::vector<F*> m, v;
    for (const auto& name : model::matrix_names(s)) m.push_back(row), row += name.N * name.K;
    for (const auto& [name, length] : model::vector_names(s)) v.push_back(row), row += length;
    parts<F> p{m.front(), s.tied ? m.front() : m.back(), {}, {v[8 * s.L], v[8 * s.L + 1]}};
    for (std::size_t i = 0; i < s.L; ++i) {
        F *const *w = &m[1 + 4 * i], *const *b = &v[8 * i];
        p.layers.push_back({{b[0], b[1]}, {b[2], b[3]}, {w[0], b[4]}, {w[1], b[5]}, {w[2], b[6]}, {w[3], b[7]}});
    }
    return p;
}

/// Weights to start from: matrices normal with deviation 0.02, those that write to the residual stream smaller by
/// sqrt(2 L) (Radford et al. 2019, GPT-2), gains 1, biases 0. The same seed gives the same weights everywhere.
inline void fill_random(std::span<float> row, const model::shape& s, std::uint64_t seed) {
    num::random random{seed};
    float* next = row.data();
    for (const auto& m : model::matrix_names(s)) {
        const bool to_stream = m.name.ends_with("attention.dense.weight") || m.name.ends_with("dense_4h_to_h.weight");
        const float deviation = to_stream ? 0.02f / std::sqrt(2.0f * static_cast<float>(s.L)) : 0.02f;
        for (std::size_t i = 0; i < m.N * m.K; ++i) *next++ = deviation * random.normal();
    }
    for (const auto& [name, length] : model::vector_names(s))
        for (std::size_t i = 0; i < length; ++i) *next++ = name.ends_with("norm.weight") ? 1.0f : 0.0f;
}

/// Weights to go on from: those of a checkpoint, whatever its format. Errors name the tensor.
inline result<void> fill_from(std::span<float> row, const store::checkpoint& from, const model::shape& s) {
    float* next = row.data();
    for (const auto& m : model::matrix_names(s)) {
        const auto found = model::find_matrix(from, m);
        if (!found) return found.error();
        for (std::size_t r = 0; r < m.N; ++r, next += m.K) found->read_row(next, r);
    }
    for (const auto& [name, length] : model::vector_names(s)) {
        const auto found = model::find_floats(from, name, {length});
        if (!found) return found.error();
        for (std::size_t i = 0; i < length; ++i) *next++ = model::element(**found, i);
    }
    return {};
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
