// SPDX-License-Identifier: MIT
// attend_q8 and attend_f32 by definition: scores, then softmax and values, which both share.
#ifndef NARAE_KERNEL_ATTEND_SCALAR_HPP
#define NARAE_KERNEL_ATTEND_SCALAR_HPP

#include "narae/kernel/attend/contract.hpp"

namespace narae::inline NARAE_ABI::kernel::scalar {

/// What the old mean and a block's mean are multiplied by when the block joins it.
struct merge_factors {
    float a, b;
};

inline float score(const query_state& s, const std::int8_t* q, const cache_block<std::int8_t>& c, std::size_t j,
                   std::size_t e) noexcept {
    std::int32_t dot = 0;
    for (std::size_t i = 0; i < e; ++i) dot += q[i] * c.k[key_at<std::int8_t>(j, i, e)];
    return static_cast<float>(dot) * (s.scale * c.k_scale[j]);
}
inline float score(const query_state& s, const float* q, const cache_block<float>& c, std::size_t j,
                   std::size_t e) noexcept {
    float dot = 0;
    for (std::size_t i = 0; i < e; ++i) dot = std::fma(q[i], c.k[key_at<float>(j, i, e)], dot);
    return dot * s.scale;
}

/// Scores p become the block's softmax weights, and their largest and sum join the state.
inline merge_factors softmax_block(query_state& s, float* p) noexcept {
    float m = p[s.begin];
    for (std::size_t j = s.begin + 1; j < s.end; ++j) m = p[j] > m ? p[j] : m;
    float lane[num::lanes] = {};
    for (std::size_t j = s.begin; j < s.end; ++j) {
        p[j] = num::exp(p[j] - m);
        lane[j % num::lanes] += p[j];
    }
    const float largest = s.largest > m ? s.largest : m;
    const float a = num::exp(s.largest - largest), b = num::exp(m - largest);
    s.sum = std::fma(s.sum, a, num::sum_lanes(lane) * b);
    s.largest = largest;
    return {a, b};
}

template <class Number>
inline void attend(const query_block<Number>& queries, const cache_block<Number>& c, std::size_t,
                   std::size_t e) noexcept {
    for (std::size_t t = 0; t < queries.count; ++t) {
        auto& s = queries.state[t];
        float p[attend_block] = {};
        for (std::size_t j = s.begin; j < s.end; ++j) p[j] = score(s, queries.q + t * e, c, j, e);
        const merge_factors f = softmax_block(s, p);
        if (c.v_scale != nullptr)
            for (std::size_t j = s.begin; j < s.end; ++j) p[j] *= c.v_scale[j];
        float* mean = queries.mean + t * e;
        for (std::size_t i = 0; i < e; ++i) {
            float block = 0;
            for (std::size_t j = s.begin; j < s.end; ++j)
                block = std::fma(p[j], static_cast<float>(c.v[j * e + i]), block);
            mean[i] = std::fma(mean[i], f.a, block * f.b);
        }
    }
}

}  // namespace narae::inline NARAE_ABI::kernel::scalar

#endif
