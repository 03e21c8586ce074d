// SPDX-License-Identifier: MIT
// Owned memory for numbers: 64-byte aligned, zeroed, and allocated without throwing.
#ifndef NARAE_SYS_BUFFER_HPP
#define NARAE_SYS_BUFFER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "narae/base/result.hpp"

namespace narae::inline NARAE_ABI::sys {

/// Every buffer starts on a cache line, which is also the widest SIMD register.
inline constexpr std::size_t cache_line = 64;

/// `size()` elements of a trivial T, all zero at first. Moves, never copies.
template <class T> class buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    buffer() = default;
    buffer(buffer&& other) noexcept { *this = std::move(other); }
    buffer& operator=(buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~buffer() { ::operator delete (data_, std::align_val_t{cache_line}); }

    static result<buffer> make(std::size_t n) {
        buffer b;
        if (n == 0) return b;
        if (n > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T))
            return error{errc::out_of_memory, {"a buffer of ", n, " elements"}};
        b.data_ = static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{cache_line}, std::nothrow));
        if (b.data_ == nullptr) return error{errc::out_of_memory, {"no ", n * sizeof(T), " bytes of memory"}};
        std::memset(static_cast<void*>(b.data_), 0, n * sizeof(T));
        b.size_ = n;
        return b;
    }

    T* data() noexcept { return data_; }
    const T* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }
    const T& operator[](std::size_t i) const noexcept { return data_[i]; }
    std::span<T> span() noexcept { return {data_, size_}; }
    std::span<const T> span() const noexcept { return {data_, size_}; }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace narae::inline NARAE_ABI::sys

#endif
