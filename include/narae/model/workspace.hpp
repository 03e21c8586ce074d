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

class workspace {
public:
    /// For models of this shape, computing with these kernels on `threads` threads.
    static result<workspace> make(const shape& s, const kernel::table& kernels, std::size_t threads) {
        workspace w;
        w.kernels = kernels;
        error why;
        if (!sys::team::make(threads).into(w.team, why)) return why;
        if (!sys::buffer<std::byte>::make(bytes(s)).into(w.memory_, why)) return why.in("workspace");
        w.place(s, w.memory_.data());
        return w;
    }

    static std::size_t bytes(const shape& s) noexcept { return workspace().place(s, nullptr); }

    kernel::table kernels;
    std::unique_ptr<sys::team> team;
    rows x;                        ///< [T, D] the residual stream
    activations before_attention;  ///< [T, D] normalised, what QKV reads
    activations before_ffn;        ///< [T, D] normalised, what the feed-forward reads
    rows qkv;                      ///< [T, (H + 2G) E]
    activations mixed;             ///< [T, H E] values mixed by attention
    activations ffn;               ///< [T, F]
    rows turn;                     ///< [T, 2 * rotary]: cosines and sines of a token's rotation, then towards the sinks
    rows logits;                   ///< [head_len, V]

    /// How many tokens' logits are computed together.
    static constexpr std::size_t head_len = 8;

private:
    workspace() = default;

    /// Places every array in `memory`, or only counts: the bytes they need.
    std::size_t place(const shape& s, std::byte* memory) noexcept {
        std::size_t used = 0;
        const auto take = [&](std::size_t bytes) {
            const auto at = used;
            used += round_up(bytes, sys::cache_line);
            return memory == nullptr ? nullptr : memory + at;
        };
        const auto floats = [&](std::size_t T, std::size_t width) {
            const auto stride = round_up(width, num::tile_rows);
            return rows{reinterpret_cast<float*>(take(T * stride * sizeof(float))), stride};
        };
        const auto into_matrix = [&](std::size_t width) {
            const auto groups = num::groups_of(width) | 1;  // an odd distance: rows do not meet in the same cache lines
            const auto each = chunk_len * groups;
            return activations{floats(chunk_len, width),
                               {reinterpret_cast<std::int8_t*>(take(each * num::group_len)),
                                reinterpret_cast<float*>(take(each * sizeof(float))),
                                reinterpret_cast<std::int32_t*>(take(each * sizeof(std::int32_t))), groups}};
        };
        x = floats(chunk_len, s.D);
        before_attention = into_matrix(s.D);
        before_ffn = into_matrix(s.D);
        qkv = floats(chunk_len, s.qkv_rows());
        mixed = into_matrix(s.H * s.E);
        ffn = into_matrix(s.F);
        turn = floats(chunk_len, 2 * s.rotary);
        logits = floats(head_len, s.V);
        return used;
    }

    sys::buffer<std::byte> memory_;
};

/// f(t) for T tokens, shared by all threads if there are several.
template <class F> void each_token(workspace& w, std::size_t T, F f) {
    if (T == 1) return f(std::size_t{0});
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(T, 1, part, parts);
        for (auto t = mine.begin; t < mine.end; ++t) f(t);
    });
}

/// Where a product is only that.
inline void start_at_zero(float* y, std::size_t from, std::size_t to) noexcept { std::fill(y + from, y + to, 0.0f); }
inline void leave(const float*, std::size_t, std::size_t, std::size_t) noexcept {}

/// The part of y[t] += W x[t], T tokens, that falls to one thread, in blocks of columns as long as a group of a matrix
/// that may read them. start(y[t], from, to) puts there what W x is added to, then(y[t], from, to, t) takes the result
/// on: all that is done with a block happens while it is in the cache.
template <class Start, class Then>
void multiply_part(const workspace& w, const rows& y, const matrix& m, const activations& x, std::size_t T,
                   std::size_t part, std::size_t parts, Start start, Then then) {
    const auto mine = sys::slice_of(m.N, num::group_len, part, parts);
    for (auto from = mine.begin; from < mine.end; from += num::group_len) {
        const auto to = (std::min)(from + num::group_len, mine.end);
        for (std::size_t t = 0; t < T; ++t) start(y[t], from, to);
        multiply(w.kernels, y, m, x, T, from, to);
        for (std::size_t t = 0; t < T; ++t) then(y[t], from, to, t);
    }
}

}  // namespace narae::inline NARAE_ABI::model

#endif
