// SPDX-License-Identifier: MIT
// How narae reports failure: result<T> holds a value or an error. Nothing in narae throws, prints or exits.
// The shape follows C++23's std::expected; only value() throws, and only where exceptions are on.
#ifndef NARAE_BASE_RESULT_HPP
#define NARAE_BASE_RESULT_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "narae/base/config.hpp"

namespace narae::inline NARAE_ABI {

/// A piece of a message: text, or a whole number to be written in decimal.
struct piece {
    std::string_view text;
    std::uint64_t number = 0;
    bool is_number = false;

    piece(const char* t) : text(t) {}
    piece(std::string_view t) : text(t) {}
    piece(const std::string& t) : text(t) {}
    template <class N, std::enable_if_t<std::is_unsigned_v<N>, int> = 0> piece(N n) : number(n), is_number(true) {}
};

/// The pieces as one string. Messages are made with this one call: chains of + make slow-compiling, large code.
inline std::string concat(std::initializer_list<piece> pieces) {
    std::string all;
    for (const auto& p : pieces) p.is_number ? all += std::to_string(p.number) : all += p.text;
    return all;
}

/// What kind of thing went wrong, for programs; people read error::message().
enum class errc {
    not_found,      ///< a file, folder or tensor that should be there is not
    io,             ///< the system refused to read, write, map or start something
    truncated,      ///< the bytes end before the thing they promise
    bad_value,      ///< the bytes say something that cannot be
    unsupported,    ///< well-formed, but not something narae can do; never guessed
    bad_argument,   ///< the caller asked for something that cannot be
    out_of_memory,  ///< an allocation failed, or would pass the caller's limit
    cancelled,      ///< the caller's callback returned false
};

inline constexpr std::uint64_t nowhere = ~std::uint64_t{0};

/// One failure: its kind, one line that names the place and the reason, and the byte offset if there is one.
struct error {
    errc code = errc::bad_value;
    std::string what;
    std::uint64_t at = nowhere;

    error() = default;
    error(errc c, std::initializer_list<piece> why, std::uint64_t where = nowhere)
        : code(c), what(concat(why)), at(where) {}
    error(errc c, piece why, std::uint64_t where = nowhere) : error(c, std::initializer_list<piece>{why}, where) {}

    /// "file: tensor: reason (byte 17)", one line, no newline at the end.
    std::string message() const { return at == nowhere ? what : concat({what, " (byte ", at, ")"}); }

    /// The same error seen from one step further out: `place` is put in front of the reason.
    error in(std::string_view place) const { return {code, {place, ": ", what}, at}; }
};

#if NARAE_EXCEPTIONS
/// Thrown by result::value() and by nothing else.
class failure : public std::runtime_error {
public:
    explicit failure(narae::error e) : std::runtime_error(e.message()), error_(std::move(e)) {}
    const narae::error& error() const noexcept { return error_; }

private:
    narae::error error_;
};
#endif

/// A T, or the error that prevented it. Test it before use: `if (!r) return r.error();`
template <class T> class [[nodiscard]] result {
public:
    result(T value) : value_(std::move(value)) {}
    result(narae::error e) : error_(std::move(e)) {}

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return value_.has_value(); }
    T& operator*() & noexcept { return *value_; }
    const T& operator*() const& noexcept { return *value_; }
    T&& operator*() && noexcept { return std::move(*value_); }
    T* operator->() noexcept { return &*value_; }
    const T* operator->() const noexcept { return &*value_; }
    const narae::error& error() const noexcept { return error_; }

    /// Moves the value to `place`; or the error to `why`, and returns false.
    bool into(auto& place, narae::error& why) && {
        if (!value_) return why = std::move(error_), false;
        place = *std::move(value_);
        return true;
    }
#if NARAE_EXCEPTIONS
    T& value() & { return check(), *value_; }
    const T& value() const& { return check(), *value_; }
    T&& value() && { return check(), std::move(*value_); }
#endif

private:
#if NARAE_EXCEPTIONS
    void check() const {
        if (!value_) throw failure(error_);
    }
#endif
    std::optional<T> value_;
    narae::error error_;
};

struct nothing {};

/// Success without a value, or an error.
template <> class [[nodiscard]] result<void> : public result<nothing> {
public:
    result() : result<nothing>(nothing{}) {}
    result(narae::error e) : result<nothing>(std::move(e)) {}
};

/// Runs `body`, which returns a result; a failed allocation becomes an error. Public entry points are wrapped in it.
auto guarded(auto&& body) -> decltype(body()) {
#if NARAE_EXCEPTIONS
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return narae::error{errc::out_of_memory, "out of memory"};
    } catch (const std::length_error&) {
        return narae::error{errc::out_of_memory, "a size beyond what memory can hold"};
    }
#else
    return body();
#endif
}

}  // namespace narae::inline NARAE_ABI

#endif
