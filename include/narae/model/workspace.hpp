// SPDX-License-Identifier: MIT
// What one forward pass writes into, for up to chunk_len tokens, and who computes. One conversation, one workspace.
#ifndef NARAE_MODEL_WORKSPACE_HPP
#define NARAE_MODEL_WORKSPACE_HPP

#include <memory>

#include "narae/kernel/select.hpp"
#include "narae/model/cache.hpp"
#include "narae/model/weights.hpp"
#include "narae/sys/team.hpp"

namespace narae::inline NARAE_ABI::model {

/// A [T, width] array of floats whose rows have room for whole tiles of a packed matrix.
struct rows {
    float* data = nullptr;
    std::size_t stride = 0;
    float* operator[](std::size_t t) const noexcept { return data + t * stride; }
};

class workspace {
public:
    /// For models of this shape, computing with these kernels on `threads` threads.
    static result<workspace> make(const shape& s, const kernel::table& kernels, std::size_t threads) {
        workspace w;
        w.kernels = kernels;
        error why;
        if (!sys::team::make(threads).into(w.team, why)) return why;

        struct part {
            rows* where;
            std::size_t width;
        } const parts[] = {{&w.x, s.D},           {&w.normed, s.D},        {&w.qkv, s.qkv_rows()},
                           {&w.mixed, s.H * s.E}, {&w.attention_out, s.D}, {&w.ffn, s.F},
                           {&w.ffn_out, s.D},     {&w.turn, 2 * s.rotary}, {&w.logits, s.V}};
        std::size_t floats = 0;
        for (const auto& p : parts) floats += rows_of(p.where, w) * round_up(p.width, num::tile_rows);
        w.groups_ = num::groups_of(largest_k(s));
        const auto groups = chunk_len * w.groups_;
        if (!sys::buffer<float>::make(floats).into(w.floats_, why) ||
            !sys::buffer<std::int8_t>::make(groups * num::group_len).into(w.q_, why) ||
            !sys::buffer<float>::make(groups).into(w.scales_, why) ||
            !sys::buffer<std::int32_t>::make(groups).into(w.sums_, why))
            return why.in("workspace");
        float* next = w.floats_.data();
        for (const auto& p : parts) {
            *p.where = {next, round_up(p.width, num::tile_rows)};
            next += rows_of(p.where, w) * p.where->stride;
        }
        return w;
    }

    static std::size_t bytes(const shape& s) noexcept {
        const auto floats = 4 * s.D + s.qkv_rows() + s.H * s.E + s.F + 2 * s.rotary + 9 * num::tile_rows;
        return chunk_len * (floats * sizeof(float) + num::groups_of(largest_k(s)) * (num::group_len + 8)) +
               s.V * sizeof(float);
    }

    kernel::table kernels;
    std::unique_ptr<sys::team> team;
    rows x;              ///< [T, D] the residual stream
    rows normed;         ///< [T, D] what a block's matrices read
    rows qkv;            ///< [T, (H + 2G) E]
    rows mixed;          ///< [T, H E] values mixed by attention
    rows attention_out;  ///< [T, D]
    rows ffn;            ///< [T, F]
    rows ffn_out;        ///< [T, D]
    rows turn;           ///< [T, 2 * rotary]: cosines and sines of a token's rotation, then those towards the sinks
    rows logits;         ///< [1, V]

    /// Room for the 8-bit copy of row t.
    num::q8_row q8(std::size_t t) noexcept {
        return {q_.data() + t * groups_ * num::group_len, scales_.data() + t * groups_, sums_.data() + t * groups_};
    }

private:
    static std::size_t largest_k(const shape& s) noexcept { return (std::max)({s.D, s.F, s.H * s.E}); }
    static std::size_t rows_of(const rows* r, const workspace& w) noexcept { return r == &w.logits ? 1 : chunk_len; }

    sys::buffer<float> floats_, scales_;
    sys::buffer<std::int8_t> q_;
    sys::buffer<std::int32_t> sums_;
    std::size_t groups_ = 0;
};

/// y[t] = W x[t] for T rows, all threads together. Rows are taken in small blocks, so that the weights of a block stay
/// in the cache while every token passes.
inline void project(workspace& w, const rows& y, const matrix& m, const rows& x, std::size_t T) {
    constexpr std::size_t block = 4 * num::tile_rows;
    if (packed(m.type))
        for (std::size_t t = 0; t < T; ++t) w.kernels.quantize_q8(w.q8(t), x[t], m.K);
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(m.N, num::tile_rows, part, parts);
        for (auto from = mine.begin; from < mine.end; from += block)
            for (std::size_t t = 0; t < T; ++t)
                multiply(w.kernels, y[t], m, {x[t], w.q8(t)}, from, (std::min)(from + block, mine.end));
    });
}

}  // namespace narae::inline NARAE_ABI::model

#endif
