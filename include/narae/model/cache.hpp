// SPDX-License-Identifier: MIT
// The key-value cache of one conversation: a window over the latest positions, and the first few for ever.
// Attention sinks: Xiao et al. 2023, arXiv:2309.17453. Keys are stored rotated at their absolute position; only
// distances matter, so the window slides without touching them. See query_position() for the sinks.
#ifndef NARAE_MODEL_CACHE_HPP
#define NARAE_MODEL_CACHE_HPP

#include <cstdint>

#include "narae/kernel/attend/contract.hpp"
#include "narae/model/shape.hpp"
#include "narae/num/q8.hpp"
#include "narae/sys/buffer.hpp"

namespace narae::inline NARAE_ABI::model {

enum class cache_type { q8, f32 };

/// How many tokens one forward pass takes at most; longer prompts go in several.
inline constexpr std::size_t chunk_len = 32;

/// Sinks first, then a ring. [L][G][slots][E] keys and values, E padded for the kernels; in q8 a scale per vector.
class cache {
public:
    /// A cache that attends to `window` positions, `sinks` of them the very first ones. Needs sinks < window.
    static result<cache> make(const shape& s, cache_type type, std::size_t window, std::size_t sinks) {
        cache c;
        c.type_ = type;
        c.G_ = s.G;
        c.E_ = round_up(s.E, kernel::attend_pad);
        c.window_ = window;
        c.sinks_ = sinks;
        // A pass writes up to chunk_len keys before its first query is done with the oldest ones.
        c.ring_ = round_up(window - sinks + chunk_len - 1, kernel::attend_block);
        const std::size_t vectors = s.L * s.G * c.slots(), numbers = 2 * vectors * c.E_;
        const bool q8 = type == cache_type::q8;
        error why;
        if (!sys::buffer<std::int8_t>::make(q8 ? numbers : 0).into(c.q_, why) ||
            !sys::buffer<float>::make(q8 ? 2 * vectors : 0).into(c.scales_, why) ||
            !sys::buffer<float>::make(q8 ? 0 : numbers).into(c.f_, why))
            return why.in("key-value cache");
        return c;
    }

    static std::size_t bytes(const shape& s, cache_type type, std::size_t window) noexcept {
        const std::size_t vectors = 2 * s.L * s.G * (window + chunk_len + kernel::attend_block);
        const std::size_t E = round_up(s.E, kernel::attend_pad);
        return type == cache_type::q8 ? vectors * (E + sizeof(float)) : vectors * E * sizeof(float);
    }

    cache_type type() const noexcept { return type_; }
    std::size_t padded_width() const noexcept { return E_; }
    std::size_t window() const noexcept { return window_; }
    std::size_t sinks() const noexcept { return sinks_; }

    /// How many tokens have passed: the position of the next one. Lowering it takes back tokens of the last pass: what
    /// a pass of T <= chunk_len at p put over lies before p + T - ring_ <= p + 1 - (window - sinks), so unseen from p on.
    std::uint64_t length = 0;

    /// The oldest position in the ring that the query at p sees; it sees all from there to p, and the sinks.
    std::uint64_t oldest(std::uint64_t p) const noexcept {
        return p + 1 > window_ ? p + 1 - (window_ - sinks_) : (p + 1 < sinks_ ? p + 1 : sinks_);
    }
    /// The position at which the query at p is rotated before it meets the sinks: as far from them as if nothing had
    /// slid out between. Turning the query leaves the sinks' keys as they are, and costs nothing before the window is
    /// full.
    std::uint64_t query_position(std::uint64_t p) const noexcept { return p < window_ ? p : window_ - 1; }

    std::size_t slot(std::uint64_t position) const noexcept {
        return static_cast<std::size_t>(position < sinks_ ? position : sinks_ + (position - sinks_) % ring_);
    }
    /// Positions from `from` (past the sinks) to `to` as runs of neighbouring slots, cut where the kernels' blocks end.
    std::uint64_t block_end(std::uint64_t from, std::uint64_t to) const noexcept {
        const auto end = sinks_ + ((from - sinks_) / kernel::attend_block + 1) * kernel::attend_block;
        return end < to ? end : to;
    }

    /// Which vector of which kind: the index of a slot's key (value) in the arrays below.
    std::size_t key(std::size_t layer, std::size_t g, std::size_t slot) const noexcept {
        return ((layer * G_ + g) * 2) * slots() + slot;
    }
    std::size_t value(std::size_t layer, std::size_t g, std::size_t slot) const noexcept {
        return key(layer, g, slot) + slots();
    }
    const std::int8_t* q8(std::size_t vector) const noexcept { return q_.data() + vector * E_; }
    const float* scale(std::size_t vector) const noexcept { return scales_.data() + vector; }
    const float* f32(std::size_t vector) const noexcept { return f_.data() + vector * E_; }

    /// Stores x[e] as one vector. Different vectors may be stored at once.
    void put(std::size_t vector, const float* x, std::size_t e) noexcept {
        if (type_ == cache_type::q8)
            scales_[vector] = num::quantize_q8(q_.data() + vector * E_, x, e);
        else
            for (std::size_t i = 0; i < e; ++i) f_[vector * E_ + i] = x[i];
    }

private:
    std::size_t slots() const noexcept { return sinks_ + ring_; }

    cache_type type_ = cache_type::q8;
    std::size_t G_ = 0, E_ = 0, window_ = 0, sinks_ = 0, ring_ = 0;
    sys::buffer<std::int8_t> q_;
    sys::buffer<float> scales_, f_;
};

}  // namespace narae::inline NARAE_ABI::model

#endif
