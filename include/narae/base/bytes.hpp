// SPDX-License-Identifier: MIT
// Bytes of files: little-endian loads and stores, checked arithmetic, and the one bounded cursor of all readers.
// Nothing here assumes alignment or the machine's byte order.
#ifndef NARAE_BASE_BYTES_HPP
#define NARAE_BASE_BYTES_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "narae/base/result.hpp"

namespace narae::inline NARAE_ABI {

using byte_view = std::span<const std::byte>;

/// The T (an integer or a float) whose little-endian bytes start at p; p need not be aligned.
template <class T> T load_le(const void* p) noexcept {
    static_assert(std::is_arithmetic_v<T>);
    unsigned char b[sizeof(T)];
    std::memcpy(b, p, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) std::reverse(b, b + sizeof(T));
    T value;
    std::memcpy(&value, b, sizeof(T));
    return value;
}

/// Writes value at p as little-endian bytes.
template <class T> void store_le(void* p, T value) noexcept {
    static_assert(std::is_arithmetic_v<T>);
    unsigned char b[sizeof(T)];
    std::memcpy(b, &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) std::reverse(b, b + sizeof(T));
    std::memcpy(p, b, sizeof(T));
}

/// product = a * b; false if that wraps.
inline bool checked_mul(std::uint64_t a, std::uint64_t b, std::uint64_t& product) noexcept {
    if (b != 0 && a > ~std::uint64_t{0} / b) return false;
    product = a * b;
    return true;
}

inline byte_view as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(byte_view bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The smallest multiple of step that is not below n, in n's own type.
template <class N> constexpr N round_up(N n, std::type_identity_t<N> step) noexcept {
    return (n + step - 1) / step * step;
}

/// Reads a span from front to back and never past its end. It remembers the first thing that was cut short, and where;
/// whatever is read from then on is empty, or zero. So a reader may ask once, after several reads.
class cursor {
public:
    explicit cursor(byte_view bytes, std::uint64_t at = 0) : bytes_(bytes), at_(at) {}

    std::uint64_t at() const noexcept { return at_; }
    std::uint64_t left() const noexcept { return at_ <= bytes_.size() ? bytes_.size() - at_ : 0; }

    /// Was everything there so far? If not, error() says what was not.
    explicit operator bool() const noexcept { return whole_.has_value(); }
    const narae::error& error() const noexcept { return whole_.error(); }

    /// The next n bytes; `what` names them in the error.
    byte_view take(std::uint64_t n, std::string_view what) {
        if (n > left()) fail({errc::truncated, {what, " is cut short"}, at_});
        if (!whole_) return {};
        at_ += n;
        return bytes_.subspan(static_cast<std::size_t>(at_ - n), static_cast<std::size_t>(n));
    }

    /// The next little-endian T.
    template <class T> T read(std::string_view what) {
        const auto taken = take(sizeof(T), what);
        return taken.empty() ? T{} : load_le<T>(taken.data());
    }

    /// The reader's own reason to stop; the first one counts.
    void fail(narae::error why) {
        if (whole_) whole_ = std::move(why);
    }

private:
    byte_view bytes_;
    std::uint64_t at_;
    result<void> whole_;
};

}  // namespace narae::inline NARAE_ABI

#endif
