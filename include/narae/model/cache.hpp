// SPDX-License-Identifier: MIT
// The key-value cache of one conversation: a window over the latest positions, and the first few for ever.
// Attention sinks: Xiao et al. 2023, arXiv:2309.17453. Keys are stored rotated at their absolute position; only
// distances matter, so the window slides without touching them. See query_position() for the sinks.
#ifndef NARAE_MODEL_CACHE_HPP
#define NARAE_MODEL_CACHE_HPP

#include <cstdint>
#include <cstring>

#include "narae/kernel/table.hpp"
#include "narae/model/shape.hpp"
#include "narae/sys/buffer.hpp"

namespace narae::inline NARAE_ABI::model {

enum class cache_type { q8, f32 };

/// How many tokens one forward pass takes at most; longer prompts go in several.
inline constexpr std::size_t chunk_len = 64;
/// store::config allows no wider head.
inline constexpr std::size_t widest_head = 1024;

/// Sinks first, then a ring; both begin with a tile of the kernels. [L][G] times keys, as kernel::key_at says, and
/// values [slots][E], E padded for the kernels; in q8 a scale per vector.
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
        c.sink_slots_ = round_up(sinks, num::lanes);
        // A pass writes up to chunk_len keys before its first query is done with the oldest ones.
        c.ring_ = round_up(window - sinks + chunk_len - 1, kernel::attend_block);
        const std::size_t vectors = 2 * s.L * s.G * c.slots();
        const bool q8 = type == cache_type::q8;
        error why;
        if (!sys::buffer<std::int8_t>::make(q8 ? vectors * c.E_ : 0).into(c.q_, why) ||
            !sys::buffer<float>::make(q8 ? vectors : 0).into(c.scales_, why) ||
            !sys::buffer<float>::make(q8 ? 0 : vectors * c.E_).into(c.f_, why))
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
    /// a pass of T <= chunk_len at p put over lies before p + T - ring_ <= p + 1 - (window - sinks),
    /// and is seen no more from p on.
    std::uint64_t length = 0;

    /// The oldest position in the ring that the query at p sees; it sees all from there to p, and the sinks.
    std::uint64_t oldest(std::uint64_t p) const noexcept {
        return p + 1 > window_ ? p + 1 - (window_ - sinks_) : sinks_;
    }
    /// The position at which the query at p is rotated before it meets the sinks: as far from them as if nothing had
    /// slid out between. Turning the query leaves the sinks' keys as they are, and costs nothing before the window is
    /// full.
    std::uint64_t query_position(std::uint64_t p) const noexcept { return p < window_ ? p : window_ - 1; }

    std::size_t slot(std::uint64_t position) const noexcept {
        return static_cast<std::size_t>(position < sinks_ ? position : sink_slots_ + (position - sinks_) % ring_);
    }
    /// The first position of the block of neighbouring slots in which this one lies; `position` is past the sinks.
    std::uint64_t block_begin(std::uint64_t position) const noexcept {
        return position - (position - sinks_) % kernel::attend_block;
    }

    /// The slots of one head from `slot` on, which must begin a tile.
    template <class Number>
    kernel::cache_block<Number> block(std::size_t layer, std::size_t g, std::size_t slot) const noexcept {
        const auto k = vector(layer, g, slot), v = k + slots();
        if constexpr (sizeof(Number) == 1)
            return {q_.data() + k * E_, scales_.data() + k, q_.data() + v * E_, scales_.data() + v};
        else
            return {f_.data() + k * E_, nullptr, f_.data() + v * E_, nullptr};
    }

    /// Stores a key and a value [E] of head g at a slot. Different heads and slots may be stored at once.
    void put(const kernel::table& kernels, std::size_t layer, std::size_t g, std::size_t slot, const float* key,
             const float* value, std::size_t E) noexcept {
        const auto first = vector(layer, g, slot - slot % num::lanes), j = slot % num::lanes, k = first + j;
        const auto v = k + slots();
        if (type_ == cache_type::f32) {
            for (std::size_t i = 0; i < E; ++i) f_[first * E_ + kernel::key_at<float>(j, i, E_)] = key[i];
            for (std::size_t i = 0; i < E; ++i) f_[v * E_ + i] = value[i];
            return;
        }
        std::int8_t q[widest_head] = {};
        std::int32_t sum;
        kernels.quantize_q8({q, &scales_[k], &sum}, key, E, E);
        for (std::size_t i = 0; i < E_; i += 4)
            std::memcpy(&q_[first * E_ + kernel::key_at<std::int8_t>(j, i, E_)], q + i, 4);
        kernels.quantize_q8({&q_[v * E_], &scales_[v], &sum}, value, E, E);
    }

private:
    std::size_t slots() const noexcept { return sink_slots_ + ring_; }
    std::size_t vector(std::size_t layer, std::size_t g, std::size_t slot) const noexcept {
        return (layer * G_ + g) * 2 * slots() + slot;
    }

    cache_type type_ = cache_type::q8;
    std::size_t G_ = 0, E_ = 0, window_ = 0, sinks_ = 0, sink_slots_ = 0, ring_ = 0;
    sys::buffer<std::int8_t> q_;
    sys::buffer<float> scales_, f_;
};

}  // namespace narae::inline NARAE_ABI::model

#endif
