// SPDX-License-Identifier: MIT
// attend_q8 and attend_f32 by definition: scores, then softmax and values, which both share.
#ifndef NARAE_KERNEL_ATTEND_SCALAR_HPP
#define NARAE_KERNEL_ATTEND_SCALAR_HPP

#include "narae/kernel/attend/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

/// Scores become the block's softmax weights p, and its largest score and sum join the state.
inline merge_factors softmax_block(softmax_state& state, float* score, std::size_t n) noexcept {
    float m = score[0];
    for (std::size_t j = 1; j < n; ++j) m = score[j] > m ? score[j] : m;
    float lane[num::lanes] = {};
    for (std::size_t j = 0; j < n; ++j) {
        score[j] = num::exp(score[j] - m);
        lane[j % num::lanes] += score[j];
    }
    const float largest = state.largest > m ? state.largest : m;
    const float a = num::exp(state.largest - largest), b = num::exp(m - largest);
    state.sum = std::fma(state.sum, a, num::sum_lanes(lane) * b);
    state.largest = largest;
    return {a, b};
}

/// The block's mean of v[n, E] by weights p, joined to o.
template <class Value>
inline void merge_values(float* o, const float* p, const Value* v, std::size_t n, std::size_t e,
                         merge_factors f) noexcept {
    for (std::size_t i = 0; i < e; ++i) {
        float block = 0;
        for (std::size_t j = 0; j < n; ++j) block = std::fma(p[j], static_cast<float>(v[j * e + i]), block);
        o[i] = std::fma(o[i], f.a, block * f.b);
    }
}

inline void attend_q8(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                      const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                      std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; ++j) {
        std::int32_t dot = 0;
        for (std::size_t i = 0; i < e; ++i) dot += q[i] * k[j * e + i];
        p[j] = static_cast<float>(dot) * (q_scale * k_scale[j]);
    }
    const merge_factors f = softmax_block(state, p, n);
    for (std::size_t j = 0; j < n; ++j) p[j] *= v_scale[j];
    merge_values(o, p, v, n, e, f);
}

inline void attend_f32(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                       std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; ++j) {
        float lane[num::lanes] = {};
        for (std::size_t i = 0; i < e; ++i) lane[i % num::lanes] = std::fma(q[i], k[j * e + i], lane[i % num::lanes]);
        p[j] = num::sum_lanes(lane) * scale;
    }
    merge_values(o, p, v, n, e, softmax_block(state, p, n));
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
