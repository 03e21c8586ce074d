// SPDX-License-Identifier: MIT
// narae 0.1.0: narae/narae.hpp and all that it includes, in one file. Made by single_include/amalgamate.cpp; do not edit.
// FNV-1a hash of all that follows this line: 6f9f7311e1b65ec6
//
// narae: runs a Korean language model (GPT-NeoX) from plain C++20 headers. This file brings all that running needs;
// toolkit.hpp brings what making a model needs.
//
// The house, from the ground up. A room may use the rooms below it, as tests/rules/arrows.txt says, never one above.
//
//   base/    words every room uses: config (all macros), result<T>, callback, bounded bytes, version
//   sys/     the machine: which CPU, files mapped or read, aligned memory, a team of threads
//   num/     number formats and their packing: half, q4, q8
//   text/    Unicode and JSON, with no idea of a model
//   token/   text <-> ids: a checkpoint's tokenizer, executed exactly, and narae's own, which knows morphemes
//   kernel/  the hot loops: a folder per operation, its contract, its scalar definition, its fast versions
//   store/   files: safetensors, torch files, a checkpoint folder
//   model/   the network: shape, weights, cache, block, forward
//   gen/     talking: open a model, sample, a session
//
// To read it as a book: this map -> model/shape.hpp -> model/forward.hpp -> model/block.hpp ->
// kernel/gemm_packed/contract.hpp -> its scalar.hpp -> token/tokenizer.hpp -> examples/01_hello.cpp.
#ifndef NARAE_NARAE_HPP
#define NARAE_NARAE_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// == narae/base/config.hpp: Every macro and every user switch of narae, each with its line
// --- switches for users ---------------------------------------------------------------------------------
// NARAE_NO_FILES    no operating system files: models come from byte spans
// NARAE_NO_THREADS  no <thread>: everything runs on the caller's thread
// NARAE_NO_SIMD     scalar kernels only
// --- what the compiler and the target offer ---------------------------------------------------------------
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define NARAE_EXCEPTIONS 1  // result::value() exists and throws; allocation failures become errors
#define NARAE_ABI_X v0
#else
#define NARAE_EXCEPTIONS 0
#define NARAE_ABI_X v0_noexcept
#endif
#if !defined(NARAE_NO_SIMD) && (defined(__x86_64__) || defined(__i386__) || defined(_M_X64))
#define NARAE_X86 1  // AVX2 kernels are compiled in, chosen at run time
#else
#define NARAE_X86 0
#endif
#if !defined(NARAE_NO_SIMD) && (defined(__aarch64__) || defined(_M_ARM64)) && \
    !(defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define NARAE_NEON 1  // 64-bit ARM: NEON is part of the architecture
#else
#define NARAE_NEON 0
#endif
#if defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
#define NARAE_POSIX 1  // files are mapped through the POSIX calls
#else
#define NARAE_POSIX 0
#endif
#if defined(__GNUC__) || defined(__clang__)
#define NARAE_TARGET(isa) __attribute__((target(isa)))  // one function may use more than the user's flags allow
#else
#define NARAE_TARGET(isa)
#endif
#define NARAE_AVX2 NARAE_TARGET("avx2,fma,f16c")
#define NARAE_AVX_VNNI NARAE_TARGET("avx2,fma,f16c,avxvnni")
#define NARAE_AVX512 NARAE_TARGET("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define NARAE_AVX512_VNNI NARAE_TARGET("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#define NARAE_AVX512_BF16 NARAE_TARGET("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#if NARAE_NEON && defined(__clang__)
#define NARAE_NEON_DOT NARAE_TARGET("dotprod")  // left out for MSVC, which does not always know the instruction
#elif NARAE_NEON && defined(__GNUC__)
#define NARAE_NEON_DOT NARAE_TARGET("arch=armv8.2-a+dotprod")
#endif
// --- the namespace tag ------------------------------------------------------------------------------------
#if defined(NARAE_NO_FILES)
#define NARAE_ABI_F _nofiles
#else
#define NARAE_ABI_F
#endif
#if defined(NARAE_NO_THREADS)
#define NARAE_ABI_T _nothreads
#else
#define NARAE_ABI_T
#endif
#if defined(NARAE_NO_SIMD)
#define NARAE_ABI_S _nosimd
#else
#define NARAE_ABI_S
#endif
#define NARAE_JOIN2(a, b, c, d) a##b##c##d
#define NARAE_JOIN(a, b, c, d) NARAE_JOIN2(a, b, c, d)
#define NARAE_ABI NARAE_JOIN(NARAE_ABI_X, NARAE_ABI_F, NARAE_ABI_T, NARAE_ABI_S)
// == narae/base/result.hpp: How narae reports failure: result<T> holds a value or an error
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
// == narae/base/bytes.hpp: Bytes of files: little-endian loads and stores, checked arithmetic, and the one bounded ...
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
// == narae/base/callback.hpp: The one callback type: a borrowed function that says whether to go on
/// Calls back with Args; the callee returns true to go on, false to stop. One that returns nothing, or none: goes on.
template <class... Args> class callback {
public:
    callback() = default;
    callback(std::nullptr_t) {}
    template <class F, class = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<F>, callback>>>
    callback(F&& f)
        : target_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* target, Args... args) -> bool {
              auto& callee = *static_cast<std::add_pointer_t<F>>(target);
              if constexpr (std::is_void_v<decltype(callee(std::forward<Args>(args)...))>)
                  return callee(std::forward<Args>(args)...), true;
              else
                  return callee(std::forward<Args>(args)...);
          }) {}
    bool operator()(Args... args) const { return call_ == nullptr || call_(target_, std::forward<Args>(args)...); }
private:
    void* target_ = nullptr;
    bool (*call_)(void*, Args...) = nullptr;
};
// == narae/base/sorted.hpp: Sorting, compiled once: every std::sort of another type or order is kilobytes of code ...
/// The numbers below n, sorted so that before(a, b) holds for no b that stands in front of an a. Not for hot loops.
inline std::vector<std::size_t> sorted(std::size_t n, callback<std::size_t, std::size_t> before) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    std::sort(order.begin(), order.end(), before);
    return order;
}
// == narae/base/version.hpp: The three numbers, written nowhere else
inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;
inline constexpr char version_text[] = {'0' + version_major, '.', '0' + version_minor, '.', '0' + version_patch, 0};
}  // namespace narae::inline NARAE_ABI
// == narae/sys/buffer.hpp: Owned memory for numbers: 64-byte aligned, zeroed, and allocated without throwing
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
// == narae/sys/cpu.hpp: Which instruction sets this machine, with this operating system, can run
#if NARAE_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#elif NARAE_X86
#include <cpuid.h>
#elif NARAE_NEON && defined(__linux__)
#include <sys/auxv.h>
#endif
namespace narae::inline NARAE_ABI::sys {
#if NARAE_X86
/// Bit `bit` of EAX, EBX, ECX or EDX (0 .. 3) of a CPUID leaf; false where there is no such leaf.
inline bool cpuid_bit(int leaf, int subleaf, int word, int bit) noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
    int r[4];
    __cpuidex(r, leaf, subleaf);
    return (static_cast<unsigned>(r[word]) >> bit & 1) != 0;
#else
    unsigned r[4] = {};
    __get_cpuid_count(static_cast<unsigned>(leaf), static_cast<unsigned>(subleaf), r, r + 1, r + 2, r + 3);
    return (r[word] >> bit & 1) != 0;
#endif
}
/// Does the operating system save these registers (bits of XCR0)?
inline bool saves(unsigned registers) noexcept {
    if (!cpuid_bit(1, 0, 2, 27)) return false;
#if defined(_MSC_VER) && !defined(__clang__)
    return (_xgetbv(0) & registers) == registers;
#else
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & registers) == registers;
#endif
}
/// AVX2, FMA and F16C.
inline bool has_avx2() noexcept {
    return saves(0x6) && cpuid_bit(1, 0, 2, 12) && cpuid_bit(1, 0, 2, 29) && cpuid_bit(7, 0, 1, 5);
}
/// The same with dot products of bytes.
inline bool has_avx_vnni() noexcept { return has_avx2() && cpuid_bit(7, 1, 0, 4); }
/// AVX-512 with its BW, DQ and VL parts.
inline bool has_avx512() noexcept {
    return has_avx2() && saves(0xE6) && cpuid_bit(7, 0, 1, 16) && cpuid_bit(7, 0, 1, 17) && cpuid_bit(7, 0, 1, 30) &&
           cpuid_bit(7, 0, 1, 31);
}
/// The same with dot products of bytes, or with products of bfloat16 pairs.
inline bool has_avx512_vnni() noexcept { return has_avx512() && cpuid_bit(7, 0, 2, 11); }
inline bool has_avx512_bf16() noexcept { return has_avx512() && cpuid_bit(7, 1, 0, 5); }
#endif
#if NARAE_NEON
/// Dot products of bytes. Every Mac has them; Apple's phones since 2019, which no call here tells from older ones.
inline bool has_dotprod() noexcept {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) >> 20 & 1) != 0;
#elif defined(__ENVIRONMENT_MAC_OS_X_VERSION_MIN_REQUIRED__)
    return true;
#else
    return false;
#endif
}
#endif
/// Tells the processor that this thread watches a variable, so that it wastes less while it does.
inline void relax() noexcept {
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
    __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
}  // namespace narae::inline NARAE_ABI::sys
// == narae/sys/file_view.hpp: The bytes of a file, read-only: mapped where the system can, read into memory where ...
#ifndef NARAE_NO_FILES
#if NARAE_POSIX
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif
namespace narae::inline NARAE_ABI::sys {
/// The system's reason for the last failed call, as an error that names the path.
inline error system_error(const std::string& path, std::string_view doing) {
    const int why = errno;
    const auto code = why == ENOENT || why == ENOTDIR ? errc::not_found
                      : why == ENOMEM                 ? errc::out_of_memory
                                                      : errc::io;
    return {code, {path, ": ", doing, ": ", std::strerror(why)}};
}
/// A whole file as bytes. Moves, never copies; the bytes live as long as the view.
class file_view {
public:
    file_view() = default;
    file_view(file_view&& other) noexcept { *this = std::move(other); }
    file_view& operator=(file_view&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~file_view() {
#if NARAE_POSIX
        if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
#endif
    }
    byte_view bytes() const noexcept { return bytes_; }
    static result<file_view> open(const std::string& path) {
#if NARAE_POSIX
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) return system_error(path, "cannot open");
        struct stat about;
        const bool known = ::fstat(file, &about) == 0, regular = known && S_ISREG(about.st_mode);
        const auto size = regular ? static_cast<std::size_t>(about.st_size) : 0;
        void* at = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
        const int why = errno;
        ::close(file);
        if (known && !regular) return error{errc::io, {path, ": not a regular file"}};
        errno = why;
        if (!known || at == MAP_FAILED) return system_error(path, known ? "cannot map" : "cannot stat");
        file_view view;
        view.bytes_ = {static_cast<const std::byte*>(at), size};
        return view;
#else
        std::FILE* file = std::fopen(path.c_str(), "rb");
        if (file == nullptr) return system_error(path, "cannot open");
        const long size = std::fseek(file, 0, SEEK_END) == 0 ? std::ftell(file) : -1;
        auto owned = buffer<std::byte>::make(size > 0 ? static_cast<std::size_t>(size) : 0);
        const bool whole = size >= 0 && owned && std::fseek(file, 0, SEEK_SET) == 0 &&
                           std::fread(owned->data(), 1, owned->size(), file) == owned->size();
        std::fclose(file);
        if (!owned) return owned.error().in(path);
        if (!whole) return error{errc::io, {path, ": cannot read"}};
        file_view view;
        view.owned_ = std::move(*owned);
        view.bytes_ = view.owned_.span();
        return view;
#endif
    }
    /// Tells the system that these bytes are done with, so that they stop counting as memory in use. Those of another
    /// view stay as they are.
    void let_go([[maybe_unused]] byte_view part) const noexcept {
#if NARAE_POSIX && !defined(__EMSCRIPTEN__)
        if (part.data() < bytes_.data() || part.data() + part.size() > bytes_.data() + bytes_.size()) return;
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const auto from = round_up(static_cast<std::size_t>(part.data() - bytes_.data()), page);
        const auto to = static_cast<std::size_t>(part.data() + part.size() - bytes_.data()) / page * page;
        if (to > from) ::madvise(const_cast<std::byte*>(bytes_.data()) + from, to - from, MADV_DONTNEED);
#endif
    }
private:
    byte_view bytes_;
    buffer<std::byte> owned_;  // what bytes_ is where files are not mapped
};
/// Is there a folder at this path?
inline bool is_folder(const std::string& path) {
#if NARAE_POSIX
    struct stat about;
    return ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
#else
    return file_view::open(path + "/config.json").has_value();  // standard C cannot tell
#endif
}
}  // namespace narae::inline NARAE_ABI::sys
#endif  // NARAE_NO_FILES
// == narae/sys/team.hpp: A fork-join team: run(f) calls f(part, parts) once on every thread and returns when all ...
#ifndef NARAE_NO_THREADS
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#endif
namespace narae::inline NARAE_ABI::sys {
/// Part `part` of `parts` of the range [0, n), cut at multiples of `step`.
struct slice {
    std::size_t begin, end;
};
constexpr slice slice_of(std::size_t n, std::size_t step, std::size_t part, std::size_t parts) noexcept {
    const auto steps = (n + step - 1) / step;
    return {(std::min)(n, steps * part / parts * step), (std::min)(n, steps * (part + 1) / parts * step)};
}
#ifndef NARAE_NO_THREADS
/// Threads that wait for work; the caller's thread is one of them. Between two pieces of work a thread watches for the
/// next one for some microseconds, then sleeps: an idle team costs nothing. Sleep is mutex and condition variable, as
/// the newer standard primitives hang on some systems.
class team {
public:
    /// A team of `threads` (1 starts none; 0 means one per processor, at most 16).
    static result<std::unique_ptr<team>> make(std::size_t threads) {
        const std::size_t processors = std::thread::hardware_concurrency();
        if (threads == 0) threads = std::clamp<std::size_t>(processors, 1, 16);
        auto made = std::unique_ptr<team>(new team);
        made->size_ = threads;
        made->watch_ = threads <= processors ? 2000 : 0;  // watching would keep others from their processor
        for (std::size_t i = 1; i < threads; ++i) {
#if NARAE_EXCEPTIONS
            try {
                made->threads_.emplace_back([t = made.get(), i] { t->serve(i); });
            } catch (...) {
                return error{errc::io, {"cannot start thread ", i, " of ", threads}};
            }
#else
            made->threads_.emplace_back([t = made.get(), i] { t->serve(i); });
#endif
        }
        return made;
    }
    team(const team&) = delete;
    team& operator=(const team&) = delete;
    ~team() {
        stop_ = true;
        start_round();
        for (auto& t : threads_) t.join();
    }
    std::size_t size() const noexcept { return size_; }
    /// f(part, parts) for every part, each on its own thread. f must not throw and must not call run.
    void run(callback<std::size_t, std::size_t> f) {
        if (size_ == 1) return void(f(0, 1));
        work_ = f;
        running_ = size_ - 1;
        start_round();
        f(0, size_);
        await(done_, caller_sleeps_, [this] { return running_ == 0; });
    }
private:
    team() = default;
    void serve(std::size_t part) {
        for (std::size_t seen = 0;; ++seen) {  // each round is seen: run() waits for all
            await(go_, sleepers_, [&] { return round_ != seen; });
            if (stop_) return;
            work_(part, size_);
            if (--running_ == 0) wake(done_, caller_sleeps_);
        }
    }
    void start_round() {
        ++round_;
        wake(go_, sleepers_);
    }
    /// Returns once ready() is true. A sleeper counts itself before it looks for the last time, and wake() looks at the
    /// count after what it announces is visible (both sequentially consistent): one of them sees the other.
    void await(std::condition_variable& bell, std::atomic<std::size_t>& sleepers, auto&& ready) {
        for (std::size_t i = 0; i < watch_; ++i) {
            if (ready()) return;
            relax();
        }
        std::unique_lock lock(mutex_);
        ++sleepers;
        bell.wait(lock, ready);
        --sleepers;
    }
    void wake(std::condition_variable& bell, std::atomic<std::size_t>& sleepers) {
        if (sleepers == 0) return;
        { const std::lock_guard lock(mutex_); }  // a sleeper that has looked is now waiting
        bell.notify_all();
    }
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable go_, done_;
    callback<std::size_t, std::size_t> work_;
    std::size_t size_ = 1, watch_ = 0;
    std::atomic<std::size_t> round_ = 0, running_ = 0, sleepers_ = 0, caller_sleeps_ = 0;
    std::atomic<bool> stop_ = false;
};
#else
/// Where there are no threads: a team of one.
class team {
public:
    static result<std::unique_ptr<team>> make(std::size_t) { return std::make_unique<team>(); }
    std::size_t size() const noexcept { return 1; }
    void run(callback<std::size_t, std::size_t> f) { f(0, 1); }
};
#endif
}  // namespace narae::inline NARAE_ABI::sys
// == narae/num/half.hpp: The two 16-bit floats of model files, as floats: IEEE 754 binary16 and bfloat16
namespace narae::inline NARAE_ABI::num {
/// The float a binary16 stands for; exact for all 65,536 codes.
constexpr float f16_to_f32(std::uint16_t h) noexcept {
    const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
    const std::uint32_t exponent = (h >> 10) & 31u;
    std::uint32_t mantissa = h & 0x3FFu;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
    if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
    if (mantissa == 0) return std::bit_cast<float>(sign);
    const auto shift = static_cast<std::uint32_t>(std::countl_zero(mantissa)) - 21;  // a subnormal, made normal
    mantissa = (mantissa << shift) & 0x3FFu;
    return std::bit_cast<float>(sign | ((113 - shift) << 23) | (mantissa << 13));
}
/// The float a bfloat16 stands for: its upper half.
constexpr float bf16_to_f32(std::uint16_t h) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16);
}
// == narae/num/math.hpp: exp, the normal distribution and sine, defined by their steps: every machine and every ...
/// Sums are taken in this many lanes (element i in lane i % 16) which are then added pairwise: 8, 4, 2, 1 apart.
/// It is the widest register of any kernel; narrower ones use several.
inline constexpr std::size_t lanes = 16;
/// The pairwise end of a sum in lanes; uses `lane` as its workspace.
inline float sum_lanes(float (&lane)[lanes]) noexcept {
    for (std::size_t apart = lanes / 2; apart != 0; apart /= 2)
        for (std::size_t i = 0; i < apart; ++i) lane[i] += lane[i + apart];
    return lane[0];
}
// exp(x) = 2^n * exp(r), |r| <= ln(2)/2; Cody and Waite's two-part ln(2), then a Taylor polynomial of degree 6.
inline constexpr float exp_min = -87.0f, exp_max = 88.0f;
inline constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
inline constexpr float exp_c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
/// e^x within 3e-7 of its value; 0 below -87, and no larger than e^88 above 88.
inline float exp(float x) noexcept {
    if (!(x >= exp_min)) return 0.0f;
    if (x > exp_max) x = exp_max;
    const auto n = static_cast<std::int32_t>(std::fma(x, log2_e, x < 0 ? -0.5f : 0.5f));  // rounds by truncation
    const auto whole = static_cast<float>(n);
    const float r = std::fma(-whole, ln2_low, std::fma(-whole, ln2_high, x));
    float p = exp_c[0];
    for (std::size_t i = 1; i < 7; ++i) p = std::fma(p, r, exp_c[i]);
    return p * std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
}
// The upper tail of the normal distribution: Q(z) = exp(-z^2/2) * P(1 / (1 + 0.29 z)) for 0 <= z <= 9, P fitted at
// Chebyshev nodes; within 3e-8 of its value before rounding.
inline constexpr float tail_p = 0.29f, tail_max = 9.0f;
inline constexpr float tail_c[] = {0.0408835577f, -0.200643322f, 0.3229275704f, -0.1714153884f, 0.2005477512f,
                                   0.0700030627f, 0.1227515851f, 0.1149072740f, 3.79154579e-05f};
/// GELU in its exact form, x * Phi(x) = x/2 * (1 + erf(x / sqrt 2)). Hendrycks and Gimpel 2016, arXiv:1606.08415.
inline float gelu(float x) noexcept {
    float z = x < 0 ? -x : x;
    if (!(z <= tail_max)) z = tail_max;
    const float t = 1.0f / std::fma(tail_p, z, 1.0f);
    float p = tail_c[0];
    for (std::size_t i = 1; i < 9; ++i) p = std::fma(p, t, tail_c[i]);
    const float tail = p * exp(z * z * -0.5f);
    return x < 0 ? x * tail : std::fma(-x, tail, x);
}
struct sine_cosine {
    float sine, cosine;
};
/// Sine and cosine of an angle in radians, |angle| < 2^40, reduced and summed in double.
inline sine_cosine sincos(double angle) noexcept {
    constexpr double two_over_pi = 0.63661977236758134, half_pi_high = 1.5707963267948966,
                     half_pi_low = 6.123233995736766e-17;
    const auto quarter = static_cast<std::int64_t>(std::fma(angle, two_over_pi, angle < 0 ? -0.5 : 0.5));
    const auto turns = static_cast<double>(quarter);
    const double r = std::fma(-turns, half_pi_low, std::fma(-turns, half_pi_high, angle)), r2 = r * r;
    double s = 0, c = 0;  // Taylor, nested from the highest term down; |r| <= pi/4
    for (int k = 17; k > 1; k -= 2) s = std::fma(s, r2, 1.0) * (-1.0 / (k * (k - 1.0)));
    for (int k = 16; k > 0; k -= 2) c = std::fma(c, r2, 1.0) * (-1.0 / (k * (k - 1.0)));
    const auto sine = static_cast<float>(std::fma(s * r2, r, r)), cosine = static_cast<float>(std::fma(c, r2, 1.0));
    switch (quarter & 3) {
        case 0: return {sine, cosine};
        case 1: return {cosine, -sine};
        case 2: return {-sine, -cosine};
        default: return {-cosine, sine};
    }
}
// == narae/num/q8.hpp: 8-bit numbers: activations as kernels read them (q8_row), and packed 8-bit weights
/// How many neighbours along K share one scale, in weights and in activations.
inline constexpr std::size_t group_len = 64;
/// How many rows of a packed matrix stand side by side, so that each SIMD lane owns a row.
inline constexpr std::size_t tile_rows = 16;
constexpr std::size_t groups_of(std::size_t k) noexcept { return (k + group_len - 1) / group_len; }
constexpr std::size_t tiles_of(std::size_t n) noexcept { return (n + tile_rows - 1) / tile_rows; }
/// Round to nearest, ties to even, after clamping to +-127; a NaN becomes -127.
inline std::int8_t round_q8(float v) noexcept {
    v = v > -127.0f ? v : -127.0f;
    v = v < 127.0f ? v : 127.0f;
    return static_cast<std::int8_t>(std::lrint(v));
}
/// q[n] = x in 8 bits; returns their scale, largest |x| / 127. All zero if x is.
inline float quantize_q8(std::int8_t* q, const float* x, std::size_t n) noexcept {
    float largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::abs(x[i]) > largest ? std::abs(x[i]) : largest;
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    for (std::size_t i = 0; i < n; ++i) q[i] = round_q8(x[i] * inverse);
    return largest / 127.0f;
}
/// One activation vector of K numbers in 8 bits, K padded to whole groups with zeros. A view: owns nothing.
struct q8_row {
    std::int8_t* q;     ///< [groups * 64]
    float* scale;       ///< [groups]
    std::int32_t* sum;  ///< [groups], the sum of the group's q: what a zero point of the weights must be taken times
};
/// Several of them, `groups` groups apart.
struct q8_rows {
    std::int8_t* q;
    float* scale;
    std::int32_t* sum;
    std::size_t groups;
    q8_rows from(std::size_t t) const noexcept {
        return {q + t * groups * group_len, scale + t * groups, sum + t * groups, groups};
    }
    q8_row operator[](std::size_t t) const noexcept { return {from(t).q, from(t).scale, from(t).sum}; }
};
/// What packed weights have in common: rows in tiles of 16, K in groups of 64, both padded with zeros;
///   tile = [groups][16] f16 scales, padded to 64 bytes, then [groups] codes of GroupBytes bytes
template <std::size_t GroupBytes> struct packed_layout {
    static constexpr std::size_t group_bytes = GroupBytes;
    static constexpr std::size_t scale_bytes(std::size_t k) noexcept {
        return round_up(groups_of(k) * tile_rows * 2, 64);
    }
    static constexpr std::size_t tile_bytes(std::size_t k) noexcept {
        return scale_bytes(k) + groups_of(k) * group_bytes;
    }
};
/// Packed 8-bit weights; the codes of a group are 16 chunks of 64 bytes:
///   chunk = 4 inputs of 16 rows: byte[row * 4 + j] = q(row, 4 * chunk + j)
/// 8.25 bits per weight. One 32-bit lane of a register holds 4 inputs of one row.
struct q8_layout : packed_layout<tile_rows * group_len> {
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code, within a tile's codes
        return k / 4 * (tile_rows * 4) + row * 4 + k % 4;
    }
    /// A weight without its scale.
    static constexpr int value(const std::byte* codes, std::size_t row, std::size_t k) noexcept {
        return static_cast<std::int8_t>(codes[at(row, k)]);
    }
};
static_assert(q8_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(8.25 * 1024 * tile_rows), "on-disk layout");
/// Row `row` of a tile as k floats.
template <class Layout> void unpack_row(float* out, const std::byte* tile, std::size_t row, std::size_t k) noexcept {
    for (std::size_t i = 0; i < k; ++i) {
        const float scale = f16_to_f32(load_le<std::uint16_t>(tile + (i / group_len * tile_rows + row) * 2));
        out[i] = scale * static_cast<float>(Layout::value(tile + Layout::scale_bytes(k), row, i));
    }
}
// == narae/num/q4.hpp: 4-bit weights: w[i] = scale * (code[i] - 8), code in 0..15, one f16 scale (of either sign) ...
/// Packed 4-bit weights, padded with code 8 (zero); the codes of a group are 8 chunks of 64 bytes:
///   chunk = 8 inputs of 16 rows: byte[row * 4 + j] holds code(row, 8 * chunk + j) low and (.., + 4 + j) high
/// 4.25 bits per weight. A 64-byte load, masked, gives 4 inputs for 16 rows; shifted and masked, the next 4.
struct q4_layout : packed_layout<tile_rows * group_len / 2> {
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code's byte, within the codes
        return k / 8 * (tile_rows * 4) + row * 4 + k % 4;
    }
    static constexpr unsigned shift(std::size_t k) noexcept { return k % 8 < 4 ? 0 : 4; }
    /// A weight without its scale.
    static constexpr int value(const std::byte* codes, std::size_t row, std::size_t k) noexcept {
        return (static_cast<int>(codes[at(row, k)] >> shift(k)) & 15) - 8;
    }
};
static_assert(q4_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(4.25 * 1024 * tile_rows), "on-disk layout");
}  // namespace narae::inline NARAE_ABI::num
// == narae/text/unicode_tables.hpp: GENERATED by tests/build/unicode_tables.cpp; read text/unicode.hpp, which ...
// clang-format off
namespace narae::inline NARAE_ABI::text::tables {
inline constexpr std::size_t class_runs = 2012, order_runs = 496, decomposed = 2060, composed = 940;
// Runs of one class from U+0000 on: length * 6 + class.
inline constexpr char packed_classes[] =
    "o[$_C$Lxc%JP>=%JuC%HCo@cH=@JB@=N=%7=%i=$6LP$;$FXc@=@$X,dX=FDR=@]@=L=@=$m=*B=.{=d1J=&LD@]&_i&v=>=E=E=>i%PPR%Z|V&k$r"
    "xPF>+]=@dD^FE=QFxLD@$R@>%c%OD*g|@$Fx%upFP@D>D$yQ@p@K@W$_%DKP}V%==_ip&e%<=%t'gK@$`@dwEDx=$TK=kDFD$y=e=@JRD>@dDEDK@i"
    ">PF=LEDxFDaD@=>DK=_PFD$y=e=F=F=FD>=WPEDKJ>cR=@cxEL>{K=q=L=$y=e=F=XD>@j=K=KD@$LFEDxo@^=K=kDFD$y=e=F=XD>@dDEDKcKPF=L"
    "EDx=@au>@=_JL=RJF=@=FJFJLJ$;PWJK=QD@]>$FxN$@Wk=L=%7=$TD>@d=K=QcE=LD@DFEDxig=@K=k=L=%7=w=XD>@d=K=QcE]F=FEDx=F>$9Qq="
    "L=&_E@d=K=Q@VL>gLEDxs=_=K=$aJ%==q=@DeJ>P^=>=j]xDE$@'B>FdVej=x&PF=@=X=%==@=w>Fp@DX=@=d=xDR%m@$}E]xy=>=>=>PEk=&@P$l="
    "EX|=&>o>'w&k$l@x]_QRK@KFdLQ$B$:@>xQD&L=@V@D&k=$+a=RDe=@=RD&_=RD%u=RDe=@=RD$N='y=RD(oDKo$oJ$T$R*TD_J%0DD$ZC%JV)XJMk"
    "c$aQo$gK{$aE$9$B=L=E$9'Z%nJ@P@>Dx]y$XK=>x]*gcXE%{>@V)9u%i=$:P$:ux%cDX{&qP%J]xB&D%7WP'av=%[D>x]x$@@i%h'FW';$YkJx$Xp"
    "$9K%c$AFx&q$G$9&@$lixJLx&@D}V&kDL$RK=$rR>_>FK@V3Z([$&uD_D&LD_Dk=@=@=@=%iD'a=e=@JL=eJRD_P$BVL=eJ$8=E%HIVC$LE$e>uC$R"
    "B@DaV@y]$B'R%t$X@P@Dw=@JX]@=@=@=R=}DRVXP@=$V&:FSB&%H(F%H'Y${%17%e'496g]RKFoBD&L=@V@D'sc@$L>%7oe=e=e=e=e=e=e=e=%n'9"
    "@$6oCPFA%Br^=XDMFP*TDEDL=*m=RV&k=+=JTu%o'@$T%my%am=$P%my&P$P$*V$+(;(Z'16F(m&}D$&=J$TxF$k';Q=v=%iE)9xE&DqD+uD(oDF=@"
    "=k$q$T>L>R>%7WP>Jau'Z$9E'N$`ux]$`_J@=F>x%VjD%7$A$9%]JQ';$G$F@x]X>wxX=&_$GoL>kEDx]%7J@K'N>@KFEXE@>@%;LD}WDLEu_D_D_o"
    "e=e=&k=$H],wj=EDx]%*4e$9%7P'H$3'X$.TD,@&Je$9XV@>w=$B=X=@=F=F=,L%s$.B$_(]D'g&V$;P$S$R$SJE%;K%mX=.c$exc%JP>=%J{*gJ_D"
    "_D_DL&7$;=%J=$g=F=$ND$H%y-a$9&y$9'bT$XH,i>.B%]J'H$L>%RP%oTo$mAkAV&LWV%cD&@Pk=Y&c0aDx]&@P&@P&Xi'Z$9}=$N=e=F=}=$N=e="
    "FJ'Z$9$)io$yuk%;_=&e=q(y_D@=&q=FJ@D%7Dm%7Dg%iis'@$g=FVZ$yaP%J)7'sPHF$VD'7@K=EVQR=L=%]DKP>s$}%]H=%]N%mk=%VEPZ$R'gu$"
    "yDm$gVm$a$}g)u)L'k'T$@'Tca&@Qix]x%VJW=%75i%k=&e=EJF$RL'kQ%]y@i$y|T%N$aQ&c$sg$k%7oK'a$M{$ox>FE@oQ&w|c>$@%Dcx]K&@$G="
    "xP@E@i&9>D@oK'B$GRPQ=Ex@=@P$o{$a=%D$:]>F>(Ne=@=R=$N=wc';$:Vx]Q=kDFD$y=e=F=X=E@dDEDKD@]>VXEDdJW{w=@D@=&L=@p=>D>=Q=W"
    "@>@$@E%Z'a$`RVxP>L%a'B$lF=@ix1H';dDp$}RE%y'B$YJ@{x&J&k$A@cx]$n%T%PD$MPxHPe2u&q$M+g(]xs$9kD@Dk=F=%=^=EDQ@>@E$9x)7kD"
    "&RdDd@=@>%N@v&Xd@Qi>i@|&}$SJ@$_)L4;%u$Lx]q=&Fj=j@$Lx$iV%cD$x=$G)Je=F=&L^J>=E=d@>ix]_=F=%oW=E=W@cx$)a$gQoE@>$B=%{dJ"
    "W$@x>*L@$L$u&i&6;+m,`$X3s.({+P$L'.y$R>_$Mu4%XV%-7$,)R%c$`x*+e%+qc%i=x])q=x]%cDW{'BdoR$9x=g=$sV$g$49&wJx3}(]%9,7)XP"
    ">@'lcQ$B(ZF=@>{E$F$)(}i()B&]w$5(uR=e=F=$'}$L@%ZLD@$FRi$0},4s,FV$BJqcwJE459x%'T&|D$~%)XWJ^ijDd%aQ/iK-_$o$9$o,J%F.a*"
    "N=)@=FD@DFDR=$;=@=e=(c=RDk=e=%V=R=X=@Je=$,DD%D=%D=%i=%D=%i=%D=%i=%D=%i=%D=kD'O%&w'lP'Mi>$F>$wW=$M'1e%i]_5Jd=$YDd=E"
    "=WV(P%s>,c&wJdeDxP@$*]%c>$X&qQx%#L%VQx5P%cE@x%$ae=R=F=$N=3yDsd&](ud@Px&*q(@=N=T)]&y=$P3eR=%P=F=@D@=w=R=@=@]@P@=@=@"
    "=L=F=@D@=@=@=@=@=F=@DR=e=R=R=@=w=$ZVL=X=$Z%,k$D&7%I]%I]%I.+Dx'+L,&$m%m43=]6;D$'0y$F$/#a$L%0P-.R%)Z),=$$&RV46P*/.,{"
    "$#b%%#,c";
// Runs of one combining class, likewise: length * 256 + class.
inline constexpr char packed_orders[] =
    "*#+i'#=)}4o)})m$$V-F4o-F%&R5M4o$/_*=){1@1J-X&g1J4o){)}-X){)~-g)~-g)~%-s%-(k$$a%+,B)q4y)q1J)s)q$(H$(=-c)q-c)s)y){&q"
    "&r&s&t&u&v&w&x&y*b&{&|&}&g&~&g'7'8&g){)q&g&y0&N$/_'='>'@+2_':';'<'='>'@'A'B-c-X$$a)q-c)q%5]'C5,R$+w*N4y)q){*N-c&g)"
    "q-c)q)+7'D(,k){)q-c)q-c1@){-X){)q1J)q){)q){)q){)q-c$,(B$+w)q){)'P4y&g$3F&g1J&g$$a*4J1@$$5u%1Z&g)q-c)q-c)q1J1@':';'"
    "<1J)q-c-X$$a-6V&n%5]&p-}){)q-c53i&n%5]&p$#%L&n%5]&p$#%L&n%5]&p$#%L&n%5]&p$&'X&p$&'X&p$(c'u'|5,R&n%5]&p$&'X&p$%0Z&p"
    "65e+p&p%*_3C61},7%.F3R04{-X'5m)q&g)q&g)m-$B([(]&g(_5L3Z*N(]&g-c&p&g-c.)m)q$#,c&n&g*W16w)q).,Z1J+0)}&p(0R&p$+1D&p$3"
    "a){$4%T)y$)%})s){)q%##y){)q/6g&p&0B$/_*N)q+2_$$a$(=-c)q$$._&n%1u&p)5}){)q$+w,4Z*W-/@&n%#H*W/(9&n$*2w1J&g&h$$V-c4o)"
    "{&g$(d1e)q$${){-}-c$3'@-c)q$+w)q-c*7)k)q)_)5c5L){)~)q){)q).0B-c*O4y-~-c1e){-}*O){)q){*O4o){$+$*V1J$(2g&p4.=)#N($);"
    ")o)y)})s-]6'7*V0221;){1e$6u(49-c1/a-c%-,R&p$1.F&p'5m&,@-+X1@)2N&p4*V&n%&w&p%&1;){&g-c)q*N-c5L-c&g){,-D&p%'6g&p,()4"
    "c'9*#/P$+w$+m-c+45T)q%$)])q$*'y$$a2*.N)q&g){*)L){&h)q1e&p$-&V){)q/.+a&p-'q&p-+X&p&n//P1J+2_*W.)m&n04{&p$/y&n6*g&p&"
    "n$/-}&n&p13H&n%5]&p'*o$+w-}$$a$4,k&p-}&n$%,s&p&n%(4{&p&n$&#q&p$$._&p&n$$#a&p.4-e&p,'&,Z5M-2o$+w,--.F&h%+/+i-T-~-})"
    "w$$R$,J$/T*N$$a-X(,k4y$*$J1J$/%1u$+w&g&(X*N$+w&g-c&g$$a$#'0J$+m65e$(H&n$%/#53i";
// One step of canonical decomposition, in runs of neighbours: distance from the end of the last run * 3 + (0: one
// part; 1: two parts; 2: two parts that compose again), how many, then the parts of each, as steps from the last.
inline constexpr char packed_decompositions[] =
    "+J=$u$${7979797B7;<A;s;$>79797D@G79797D<=BA9<7979797B@<DG79797D@E@=H87979797B7;<A;s;$>79797D@G79797D<=BA9<7979797B"
    "@<DG79797D@E<I7F$b>y7x;y7x}y7t$>y7x9y7xBy7xBy7v7y7@LvGy7x;y7x9y7x{y7xpy7tKy7x@y7x9y7xyy7v$:y7@Av9y7x9y7x;y7x}y7xzC"
    ";9Ay7v$;y7<=v$<y7x$=y7xny7F=tMy7x$=y7xny7C=vGy7x;y7xBy7@JrKy7x$=y7xny7vMy7x9y7x$;y7xny7voy7xny7@OvIy7x9y7x;y7x@y7x"
    "9y7xsy7t$<y7t7y7xD9Ey7xDy7xBy7$W9$GVy7b9l7y7$HH$YUy7h7y7l7y7l7y7%{Gy7x<y7xNy7xOy7<=$b@y7,F797-<7y7@C'^Hy7p7y7pqy7-"
    "s$897$YH)J72n7C9~My7@]j8y7%Z9y7v7y7S7y7(GTy7x;y7p:y7x;y7p:y7x;y7l:y7x;y7r:y7x;y7r:y7x;y7|cy7v7y7@9$Ily7LF$>Ay7pyy7"
    "&H~y7z7y7'l=y7/o<970U7y7.Z95Z9:8]88M<%88%IS85GL9&@7$$L778$#t9:$#}7;7;7<8D7<:D7@7{7$>>$SFP7PE@7;7;7]7$><[FP7CED7@7F"
    "9J77F$v9$yG7H<8:EC8QFF:aE:8NDX8M7$Q8y7}9<C7H<8:EC8$7FF:pE:8ND$89$TJ97&C9%jIy7b;$<7y7x;y7@9n:y7@='g;97(`7y7v7y7@=v>"
    "y7x@y7l7y7@D'u797(Q7y7$E>y7x@y7x=y7p<y7@9p7y7/k<0c$'=79{7z9$78)b8&}7<8`7k8Z7$(d84=$$JO8H7@8=7$]@t79797B7B797J7@7'd"
    "9'P&k7kg9$<n97;8R7&a8&m&g>8D7$Y:|797B7>8V7-88+@+;@97h7kg9$<n97%P8&F'V%M:$Zj978k(M8&g&e(A8&X&eL9F779<97`@_(V:&_&797"
    "8k)<8'F&L<:7B=A<c2K8-N0ZT8L7E8B7E8B7E8B7^8n:T8$T$x;97;$uP;897Q8$v7m8{$aT8L7E8B7E8B7E8B7^8n:'g8'J&X(6M8&6_'#g<8;7<8"
    ";7<8;7<8;7C8@7$m8$D7<8;7@9;797<8=7$-9%F,4[+2~y7vty7xqy7xTy7%w$Qy7'fDy7xqy7xTy7xKy7xDy7'}$K978997(v$Jy7x=y7/w$E970p"
    "9y7v<y7v=y7xqy7xny7xwy7xFy7v;y7%y$Oy7'h7y7x}y7xTy7vSy7-4wv97-5r$Ly7x>y7v$Iy7xDy7xqy7vpy7xqy7xTy7x>y7%{$Iy7xFy7%ZG9"
    "78997*G7y7xDy7t7y7xqy7-5mv97-6h$Ly7v$Ey7xqy7)cp97B797-/B797-6t7y7xqy7xTy7x>y7vIy7xPy7x<y7){$I979F97*xAy7xyy7v~y7x9"
    "y7xFy7x8y7xqy7vpy7x9y7v8y7vAy7x{y7xTy7[7P$C=;;7<8*Z<F$L,<qy7xly7%oGy7x8y7xJy7xCy7-4_897-3f89788978J978C97-3c=97.%:"
    "sy7xly7xCy7%w:y7x8y7xJy7xCy7-57897.%dFy7xmy7l7y7xly7%wGy7x8y7xJy7xCy7-5L897-0S89788978J978C978y97,Y7y7xly7+}G97889"
    "78J978C978y97,p~y7x$7y7xly7xCy7LN$&_X79,6m`9789978$u97-#h$O79-#w`9789978$u97,6v$O79-#=`978997@=-$8]79-$H`978997@_-"
    "#K]79-#Z`9789978$u97-$U$O79-$e`9789978$u97-#h$O79-#w`9789978$u97-$r$O79-%9`9789978$u97-#|$O79-$D`978997@=-%>]79-%N"
    "`978997@@-$I]79-$X`9789978$u97<8-%S$M<8-%e`<879<J7$u-$b$O79-$q`9789978$u97-%l$O79-%{`9789978$u97-%l$v78A98J778G98L"
    "778I98N778K98X778R98E778H98>778B@n,5y$}979797979797979797979797979797Z7979797979797979797979797979797$T79797979797"
    "97979797979797979797-%x$p7:-%{$u-%z7A7<<B<-'{=-(t$p7:7>78M98N$}:8$B@;$%U<.(J=-%v7I7<:J<-(H=-)E$|78Q98V778S9>T$}-({"
    "$|797$u-'|$j7:Z>78$f@<$D$wZ7$S$j7:7>78U<=-+@7797$u-)U$j7:D>78n9>Z_79@$ND7$<$j7:7>78f99_a$$l`79$#{$%~@:.*_$}-%b7B7<"
    ":A<-)==-*K$|78^98s778l98m$}78$$d=9.+}9/]8-*QA9$'d&Z'm9.6uQ;7q8;7$N:$k7@7:7%J8$T7F8B7@8=7$88i7<8;7$B8g7@8F7@8;7<8=7"
    "}8/+~7<8/,k7X<`7/,C7;7/,o797@9R797@9=797L9=797@9F797@9=797$Z;o7D797;7%=;$O797a797L;y7979797%^9'4X9''T8$4r7%6f8$6k3"
    ".y<8;7<8;7<8;7<8;7<8;7<8;7<8;7<8;7<8;7<8;7<8;7@8=7<8;7<8;7L9F779<9=879<9=879<9=879<9=879}8$[8U8%Z7b8T7<8;7<8;7<8;7"
    "<8;7<8;7<8;7<8;7<8;7<8;7<8;7<8;7@8=7<8;7<8;7L9F779<9=879<9=879<9=879<9=879}8$[8@;%=7979797C8N7(,1O&u$0*m0081.R1h-6"
    "C.5b%$i$*0q7$(1A$#0J$%#|$*X&&Z*,a&)e%,F-s,=%2]1$|$%g$*R$%=(6m'3R&%R$*.l$3F+/N%.u*)q+2@$&0~)3=+#;$)J1%Q.*D%(y2%M&#k"
    "%)J%#m-5@$&4Y39+V)-y%'N%/{$2T&)a%'9%X%2T&*m$.75c00n){$-F%(;(.T'&}*&p5(W%'{-1m$-@(&E%)u*);&1g$%1Q$(w(#B$*e+s(&N*_+3"
    "@$'0[31V4$WW11u$)a%(P)2V'#A14d%/g/$J$%'Y(#;$-Z*%N0}/.G04B2$b(3T)+p.'w%0b+0=2%b$0i.'='4B%)g.)K0&9/4A&,n.0P.+j),}1&C"
    "6}%m+)D*,F%#X&$P%.@$%6j,]$4}%#9%-=&1o&*=-+_$1g$-_$a$*4O**]$1N0%k44v$%m&F69&4;2k$&o$5V$-X5B(*e&1l'$}$&;$&3v'72R-(@+"
    "2R0{3#z+a$(o%6})$B&'I0*W%6@$3;0P4V*&J(H'$u'y).B$1q%P({$)-f2+F+2k$3i60p)1I49'$9%N&+T$/J%49$/a(*k''@(-F$#4:4+]$'1n*0"
    "F&V$5q,y$6i,c$%X$0},6k$(5v)%_6%X$(1E'1a)&7/&F4+M/c%,y'&g/2}$(#80w&#}&-q,7,w$.7%/B0c&-B&+L]&(H$4F$'1j-$7,1f-4H$#P)*"
    "B)$u%$k3i$#%[%(R**@%/8%V-a&.r2l,2e$%&E6&k45K$W'/N$-_,-J/&h)+k%)x13V%-j(%V'0M2/W'6K$/y=869:8(&B=B*-`/&_$)]4w}F$F-4q"
    ",1[$$y:8%)N:8$2s=9$5T(eA}%5@R$J$0J'0v%%o$(6`+{%y-uo&@3q&7%q0Z%}$*NL$-P);$=%u$'c'F(71L$3D'g*_3q(T1R$/V'{N8HDF$R9(=$"
    "u,@3@c$c+k'F0{'770g$1_&s-R$c.k$]6c&k%+o+@$k$#*z+3+{+'%x=$]56z$)9%E0z/{$i,P$X6L%:${%=5;%_'BX*k(g$)qF'@${+_&R$~&s$M'"
    "D$w.V%]$_*V+D'g@$i$-J$u.D.kW%Z*F,c%(]$6r&Z&],P'J$])X;'wZk%XK.N0u*m(P)T'R,V(i$'B'Z$(w09$}X+Z$e$K$_<Y%D%N-y37+}+V)N$"
    ",V%{&L&q$9P$R$#o$0F*&/DC''c,'*~$/o{,049&47/+o+2*f%B%w8%3'I20l;8k=WEIL79',1m879',2WM797@979797979797;<;797979797;8;"
    "7;9;797;9;797;A;797979797b<>DL7J7.0f8'4-o'4/o<8;7e8L7(c9'7&@97$&A92H2L7k2k9-a-B7K<87R-p9*L)y97(%5d>&+/L&+/}97FJ797"
    "97979&j=%aQ979J978997+$+M*m*$1IAJ*6#s*5/d%HR%9&Vw%Hh-)E+-(c*62pFX_*6)V+,3f-,o$=*6*B*6)tR$#p$$9J--1H--/ST-0A-1mN$JB"
    "-1x-4F;oeN9Z$VHJkL;77+#+c*,3x-,^c+#1m+#1SDc'P%xXy$g%Tm$yX{7c]HV,k*n*q(f$7$/Q%-Z+G$=k&j'o8&]+%,B+%*ABVaH$s+%3u$w+%1"
    "p$PP%I';/6UT0&g$_7+&)@+&%McVP+&-_+&-EF$'B$&O0*x0,iT%P$W+')c+'$S+'$X+'#G<Z%w902l03]$Hc$J05A+54e+53v06V==a-/+7-/)[+("
    "*]7*/.U/2:71#^,(#c4'm,+%|J1$r1&D$XL}&w1*Kt1+i+)%]+)$:&i@;:$Na$9SN$Pa@mN$w%T$7&_+)0R+)0x$t&=o%o+)2i+)0x%fp2&S2+wcw$"
    "<2*[20is+*1X+*.:*y'~22v24{25U$8+(w=*3g%t,-g$%'x/4o@D$mM++*o,',v3)w&O(u$X++&w++&d&C*73/^30u%o%9(V++'V++%|4%84'9++2k"
    "++1I4&z4'q$Lo9+,(F-2r-5{+,'>+,3}+,0lT%x(7$B$e$^$BVR+,-w+,0E*D$q5#<5%m>+,1@+,6~-g+,0R$R+,/G&Ln<5,[5-u$XC$_**5T**1:+"
    "-%7+,6[+-+w+-'vRo+.$9+-6fc+.*g)R+.*YZ6)j6*X6*>76.mcca$}6/f62H+/(_+/'p+/*V+/(~*3.u*3*K+0&qg'7,0&~P$#$k+0){8$@m+0*`9"
    "7$H$#%n$#'e$#'I%L,1*m+1#E$o$s$#+z,2#V+1*^+1-u$H+1-W%e$#1|$#4TLB+2's+_7+2+r$#3O,3/c+2-<=$$$^,34e+2+[$$(f$$)LAs+3,N+"
    "3)Y$$*8$$,w$i$y$$/8,5.Nw,5.A,52N+32[+35T+34d%wN+4)F%=+4(h+4,Z+4,8*6$H,$'[$%(D%N$%(z$%*e1$t,.6cT6$MJ*5.[='6Z$*-8$%1"
    "aC]4-W4.9;L$D+5.s+5.t$c%7%@&z'T$F&F*U&T;X+5.{+s'K-$28$&)X;$7,#5T,#3C+6%T-%-j@-%1T+J-&%Q$&1gPN;$sz&s$I'N%M$yo$'#U$'"
    "&9y$'%|$'(i=,#0R,#-:F$'*`$'+R$-3E-/$y(J-(2UJ$'3J%F'Z(q,$-J,$*pe%a%e,%#X%&.d)5)UU$Z)5.c)5(<%u,&3Do,&)~%gy,&/c,&/M+B"
    "'_9%d-wq,'(e,&1z$*2b$*3u,''a-.6>$+%F$#4S$$#B,(%7)=-0,AH$+)H,(3u-1$Q-1(R,(6d7u,)*7,)$j$++E$+-H&co$k$+.v-3(_,*(n+e(T"
    "$,)Yw$,+e,+,q-45>-46i*a&m,+/|$,2O$,4@BFLF$;,,1V";
}  // namespace narae::inline NARAE_ABI::text::tables
// clang-format on
// == narae/text/hangul.hpp: Hangul syllables and their letters (jamo), by arithmetic (Unicode 15, section 3.12): a ...
namespace narae::inline NARAE_ABI::text {
inline constexpr char32_t first_syllable = 0xAC00, first_initial = 0x1100, first_vowel = 0x1161;
inline constexpr char32_t no_final = 0x11A7;  ///< one before the first final: index 0 means that there is none
inline constexpr char32_t initials = 19, vowels = 21, finals = 28, syllables = initials * vowels * finals;
/// U+AC00 (ga) to U+D7A3 (hih): a whole syllable in one code point.
constexpr bool is_syllable(char32_t c) noexcept { return c - first_syllable < syllables; }
/// The letters of a syllable as conjoining jamo; last is 0 where there is no final.
struct jamo {
    char32_t initial, vowel, last;
};
/// Takes a syllable apart. Needs is_syllable(c).
constexpr jamo split_syllable(char32_t c) noexcept {
    const char32_t s = c - first_syllable, last = s % finals;
    return {first_initial + s / (vowels * finals), first_vowel + s / finals % vowels, last == 0 ? 0 : no_final + last};
}
/// Initial + vowel, or open syllable + final, as one syllable; 0 if the two do not join.
constexpr char32_t join_jamo(char32_t a, char32_t b) noexcept {
    if (a - first_initial < initials && b - first_vowel < vowels)
        return first_syllable + ((a - first_initial) * vowels + (b - first_vowel)) * finals;
    const bool open = is_syllable(a) && (a - first_syllable) % finals == 0;
    return open && b > no_final && b - no_final < finals ? a + (b - no_final) : 0;
}
// == narae/text/utf8.hpp: UTF-8 in both directions (Unicode 15, section 3.9, table 3-7): overlong forms, surrogates ...
/// One step through UTF-8 text.
struct utf8_step {
    char32_t code_point;  ///< U+FFFD where !valid
    std::size_t length;   ///< bytes consumed, at least 1; of an invalid sequence its maximal well-formed prefix
    bool valid;
    bool cut;  ///< invalid only because the text ends too early: more bytes could still make it a character
};
/// The character at the front of `s`, which must not be empty.
inline utf8_step utf8_front(std::string_view s) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {lead, 1, true, false};
    if (lead < 0xC2 || lead > 0xF4) return {0xFFFD, 1, false, false};
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t c = lead & (0x7Fu >> length);
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  // bounds of the second byte
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        if (i >= s.size()) return {0xFFFD, i, false, true};
        const unsigned b = byte(i);
        if (b < low || b > high) return {0xFFFD, i, false, false};
        c = (c << 6) | (b & 0x3F);
        low = 0x80, high = 0xBF;
    }
    return {c, length, true, false};
}
/// Do three bytes spell a Hangul syllable, U+AC00 (EA B0 80) to U+D7A3 (ED 9E A3)?
inline bool is_syllable_at(const char* p) noexcept {
    const auto byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
    const auto three = byte(0) << 16 | byte(1) << 8 | byte(2);  // in the order of code points
    return three - 0xEAB080 <= 0xED9EA3 - 0xEAB080 && (three & 0xC0C0) == 0x8080;
}
/// That syllable, if they do.
inline char32_t syllable_at(const char* p) noexcept {
    const auto six_bits = [&](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i]) & 0x3F); };
    return (six_bits(0) & 0xF) << 12 | six_bits(1) << 6 | six_bits(2);
}
/// Appends the UTF-8 bytes of c, which must be a Unicode scalar value.
inline void utf8_append(std::string& out, char32_t c) {
    const auto put = [&](char32_t b) { out.push_back(static_cast<char>(static_cast<unsigned char>(b))); };
    constexpr char32_t first[] = {0, 0xC0, 0xE0, 0xF0};
    if (c < 0x80) return put(c);
    const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;  // bytes after the first, 6 bits each
    put(first[more] | c >> 6 * more);
    for (auto i = more; i-- > 0;) put(0x80 | (c >> 6 * i & 0x3F));
}
/// How many bytes at the end of s begin a character that s does not finish (0 to 3).
inline std::size_t utf8_unfinished(std::string_view s) noexcept {
    for (std::size_t back = 1; back <= 3 && back <= s.size(); ++back) {
        const auto b = static_cast<unsigned char>(s[s.size() - back]);
        if ((b & 0xC0) == 0x80) continue;
        return utf8_front(s.substr(s.size() - back)).cut ? back : 0;
    }
    return 0;
}
/// The offset of the first byte of s that is not UTF-8, or s.size().
inline std::size_t utf8_first_invalid(std::string_view s) noexcept {
    std::size_t at = 0;
    while (at < s.size()) {
        const auto step = utf8_front(s.substr(at));
        if (!step.valid) break;
        at += step.length;
    }
    return at;
}
// == narae/text/json.hpp: The little JSON that model files need (RFC 8259), read into one flat array of nodes over ...
enum class json_kind : std::uint8_t { none, null, boolean, number, string, array, object };
/// A node: a slice of the source, and for containers where their subtree ends. Keys stand before their values.
struct json_node {
    json_kind kind = json_kind::none;
    bool escaped = false;     ///< a string with backslashes in it
    std::uint32_t end = 0;    ///< index past this node's subtree
    std::uint32_t count = 0;  ///< children of an array, members of an object
    std::size_t begin = 0, length = 0;
};
inline constexpr json_node no_json_node{};
/// Appends what the escape at s[at], past its backslash, means. Returns what should have stood there, or nullptr.
inline const char* read_escape(std::string_view s, std::size_t& at, std::string& out) {
    constexpr std::string_view written = "\"\\/bfnrtu", meant = "\"\\/\b\f\n\r\t";
    const auto which = at < s.size() ? written.find(s[at++]) : s.npos;
    if (which == s.npos) return "an escape";
    if (which < meant.size()) return out.push_back(meant[which]), nullptr;
    const auto hex4 = [&](std::uint32_t& unit) {
        const auto digits = s.substr(at, 4);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16).ptr - digits.data();
        at += static_cast<std::size_t>(read);
        return read == 4;
    };
    std::uint32_t c = 0, low = 0;
    if (!hex4(c)) return "four hexadecimal digits";
    if (c >= 0xDC00 && c < 0xE000) return "no lone surrogate";
    if (c >= 0xD800 && c < 0xDC00) {
        const bool pair = s.substr(at, 2) == "\\u" && (at += 2, hex4(low)) && low >= 0xDC00 && low < 0xE000;
        if (!pair) return "a low surrogate";
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    utf8_append(out, c);
    return nullptr;
}
/// A borrowed view of one value. A value that is not there has kind none, so look-ups can be chained.
class json_value {
public:
    json_value() = default;
    json_value(std::string_view source, const std::vector<json_node>& nodes, std::uint32_t index)
        : source_(source), nodes_(&nodes), index_(index) {}
    json_kind kind() const noexcept { return node().kind; }
    bool is(json_kind k) const noexcept { return kind() == k; }
    bool missing_or_null() const noexcept { return is(json_kind::none) || is(json_kind::null); }
    std::uint32_t size() const noexcept { return node().count; }
    /// Where this value stands in the source, in bytes.
    std::size_t at() const noexcept { return node().begin; }
    /// The source text of a scalar; of a string what stands between the quotes, escapes not yet undone.
    std::string_view raw() const noexcept { return source_.substr(node().begin, node().length); }
    bool truth() const noexcept { return is(json_kind::boolean) && raw() == "true"; }
    /// A string's text; empty for anything else.
    std::string string() const {
        if (!is(json_kind::string)) return {};
        std::string out;
        const auto s = raw();
        if (!node().escaped) return std::string(s);
        for (std::size_t i = 0; i < s.size();)
            if (const char c = s[i++]; c != '\\' || read_escape(s, i, out) != nullptr) out.push_back(c);
        return out;
    }
    /// A whole number from 0 to 2^64 - 1, written without sign, fraction or exponent; else false.
    bool whole(std::uint64_t& out) const noexcept {
        if (!is(json_kind::number)) return false;
        const auto s = raw();
        const auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), out);
        return failed == std::errc{} && end == s.data() + s.size();
    }
    /// Any number as a double, exact where up to 15 digits and a small exponent allow it; else false.
    bool real(double& out) const noexcept {
        if (!is(json_kind::number)) return false;
        const auto s = raw();
        const auto end = (std::min)(s.find_first_of("eE"), s.size()), point = (std::min)(s.find('.'), end);
        double digits = 0;
        for (const char c : s.substr(0, end))
            if (c >= '0' && c <= '9') digits = digits * 10 + (c - '0');
        int exponent = 0;
        if (end < s.size()) {
            const auto* from = s.data() + end + (s[end + 1] == '+' ? 2 : 1);
            if (std::from_chars(from, s.data() + s.size(), exponent).ec != std::errc{} || std::abs(exponent) > 100000)
                exponent = *from == '-' ? -100000 : 100000;
        }
        if (point < end) exponent -= static_cast<int>(end - point - 1);
        if (digits == 0) exponent = 0;  // 0e999 is 0, not 0 * infinity
        out = exponent < 0 ? digits / std::pow(10.0, -exponent) : digits * std::pow(10.0, exponent);
        if (s[0] == '-') out = -out;
        return true;
    }
    /// The member with this key, or a value of kind none. With equal keys the last one counts, as elsewhere.
    json_value operator[](std::string_view key) const {
        json_value found;
        for_each_member([&](const json_value& k, const json_value& v) {
            if (k.node().escaped ? k.string() == key : k.raw() == key) found = v;
        });
        return found;
    }
    /// f(value) for every element of an array, in order, until f returns false, which is then given back.
    bool for_each(callback<const json_value&> f) const {
        const auto end = is(json_kind::array) ? node().end : 0;
        for (auto i = index_ + 1; i < end; i = (*nodes_)[i].end)
            if (!f(json_value(source_, *nodes_, i))) return false;
        return true;
    }
    /// f(key, value) for every member of an object, in the same way.
    bool for_each_member(callback<const json_value&, const json_value&> f) const {
        const auto end = is(json_kind::object) ? node().end : 0;
        for (auto i = index_ + 1; i < end; i = (*nodes_)[i + 1].end)
            if (!f(json_value(source_, *nodes_, i), json_value(source_, *nodes_, i + 1))) return false;
        return true;
    }
private:
    const json_node& node() const noexcept { return nodes_ == nullptr ? no_json_node : (*nodes_)[index_]; }
    std::string_view source_;
    const std::vector<json_node>* nodes_ = nullptr;
    std::uint32_t index_ = 0;
};
class json {
public:
    static constexpr int max_depth = 64;
    /// Parses all of `source`, which is borrowed. Errors say what was expected, and at which byte.
    static result<json> parse(std::string_view source) {
        json doc;
        doc.source_ = source;
        if (source.size() >= 0xFFFFFFFF) return error{errc::unsupported, "JSON of 4 GiB or more"};
        if (const auto bad = utf8_first_invalid(source); bad != source.size())
            return error{errc::bad_value, "JSON is not UTF-8", bad};
        parser p{source, doc.nodes_, 0, {}};
        p.space();
        if (!p.value(0)) return p.failed;
        p.space();
        if (p.at != source.size()) return p.fail("end of the document"), p.failed;
        return doc;
    }
    json_value root() const noexcept { return {source_, nodes_, 0}; }
private:
    struct parser {
        std::string_view s;
        std::vector<json_node>& nodes;
        std::size_t at;
        error failed;
        bool fail(const char* expected) {
            failed = {errc::bad_value, {"JSON: expected ", expected}, at};
            return false;
        }
        bool next_is(char c) const noexcept { return at < s.size() && s[at] == c; }
        /// Passes over digits; false if there is none.
        bool digits() noexcept {
            const auto begin = at;
            while (at < s.size() && s[at] >= '0' && s[at] <= '9') ++at;
            return at != begin;
        }
        void space() noexcept {
            while (at < s.size() && (s[at] == ' ' || s[at] == '\n' || s[at] == '\r' || s[at] == '\t')) ++at;
        }
        /// Passes over c and the blanks around it, if it is next.
        bool pass(char c) noexcept {
            space();
            return next_is(c) && (++at, space(), true);
        }
        void leaf(json_kind kind, std::size_t begin, std::size_t length, bool escaped = false) {
            nodes.push_back({kind, escaped, static_cast<std::uint32_t>(nodes.size() + 1), 0, begin, length});
        }
        bool value(int depth) {
            if (depth > max_depth) return fail("less nesting");
            if (next_is('"')) return string();
            if (next_is('{')) return container(depth, json_kind::object, '}');
            if (next_is('[')) return container(depth, json_kind::array, ']');
            for (const std::string_view word : {"true", "false", "null"})
                if (next_is(word[0]) && s.substr(at, word.size()) == word) {
                    leaf(word == "null" ? json_kind::null : json_kind::boolean, at, word.size());
                    return at += word.size(), true;
                }
            return number();
        }
        bool number() {
            const auto begin = at;
            if (next_is('-')) ++at;
            const bool zero = next_is('0');
            if (!digits()) return fail("a value");
            if (zero) at = begin + 1 + (s[begin] == '-');  // nothing else belongs to a number that begins with 0
            if (next_is('.') && (++at, !digits())) return fail("a digit");
            if (next_is('e') || next_is('E')) {
                ++at;
                if (next_is('+') || next_is('-')) ++at;
                if (!digits()) return fail("a digit");
            }
            leaf(json_kind::number, begin, at - begin);
            return true;
        }
        bool string() {
            const auto begin = ++at;
            std::string unescaped;
            while (at < s.size() && s[at] != '"') {
                if (static_cast<unsigned char>(s[at]) < 0x20) return fail("no control character in a string");
                if (s[at++] != '\\') continue;
                if (const auto* expected = read_escape(s, at, unescaped)) return fail(expected);
            }
            if (at >= s.size()) return fail("a closing quote");
            leaf(json_kind::string, begin, at++ - begin, !unescaped.empty());
            return true;
        }
        bool container(int depth, json_kind kind, char close) {
            const auto self = nodes.size();
            leaf(kind, at++, 0);
            for (space(); !next_is(close); space()) {
                if (nodes[self].count > 0 && !pass(',')) return fail(close == '}' ? "',' or '}'" : "',' or ']'");
                if (close == '}') {
                    if (!next_is('"')) return fail("a key");
                    if (!string()) return false;
                    if (!pass(':')) return fail("':'");
                }
                if (!value(depth + 1)) return false;
                ++nodes[self].count;
            }
            nodes[self].length = ++at - nodes[self].begin;
            nodes[self].end = static_cast<std::uint32_t>(nodes.size());
            return true;
        }
    };
    std::string_view source_;
    std::vector<json_node> nodes_;
};
/// `s` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
inline std::string json_quote(std::string_view s) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "\"";
    for (utf8_step step; !s.empty(); s.remove_prefix(step.length)) {
        step = utf8_front(s);
        const char32_t c = step.code_point;
        if (c == '"' || c == '\\')
            out += {'\\', static_cast<char>(c)};
        else if (c == '\n')
            out += "\\n";
        else if (c < 0x20)
            out += concat({"\\u00", hex.substr(c >> 4, 1), hex.substr(c & 15, 1)});
        else
            utf8_append(out, c);
    }
    return out + "\"";
}
// == narae/text/unicode.hpp: What a code point is: its class for cutting text, its combining class, what it is ...
/// Classes as the patterns of tokenizers know them: \p{L} is letter; \p{N} is number and numeral; \s is space;
/// \w is mark, letter and number.
enum class char_class : std::uint8_t {
    other,    ///< punctuation, symbols, controls, unassigned
    mark,     ///< combining marks, connectors such as '_', joiners, circled letters
    letter,   ///< general category L
    number,   ///< Nd and Nl
    numeral,  ///< No: superscripts, fractions, circled numbers
    space,    ///< White_Space
};
/// One step of canonical decomposition; second is 0 where one code point stands for another.
struct decomposition {
    char32_t whole, first, second;
};
namespace tables {
struct run {
    char32_t begin;
    std::uint8_t value;
};
/// The next number of a packed table. Of the 90 characters from '#' to '~' (but for '?' and '\\') the first 20 are
/// digits with more to come, in base 20; the others are a number's last digit, in base 70.
constexpr char32_t unpack(const char*& p) noexcept {
    for (char32_t n = 0;; ++p) {
        const auto digit = static_cast<char32_t>(*p - '#' - (*p > '?') - (*p > '\\'));
        if (digit >= 20) return ++p, n * 70 + digit - 20;
        n = n * 20 + digit;
    }
}
/// The next number where each is written as a step from the last one: twice the step, or less one if it goes down.
constexpr char32_t unpack(const char*& p, char32_t& last) noexcept {
    const auto step = unpack(p);
    return last = step % 2 == 0 ? last + step / 2 : last - (step + 1) / 2;
}
/// Runs from U+0000 on, each packed as its length * values + its value.
template <std::size_t Count> constexpr std::array<run, Count> unpack_runs(const char* p, char32_t values) noexcept {
    std::array<run, Count> runs{};
    char32_t begin = 0;
    for (auto& r : runs) {
        const auto n = unpack(p);
        r = {begin, static_cast<std::uint8_t>(n % values)};
        begin += n / values;
    }
    return runs;
}
inline constexpr auto classes = unpack_runs<class_runs>(packed_classes, 6);
inline constexpr auto orders = unpack_runs<order_runs>(packed_orders, 256);
constexpr bool by_parts(const decomposition& a, const decomposition& b) noexcept {
    return a.first != b.first ? a.first < b.first : a.second < b.second;
}
/// What decomposes, by code point; and what of that composes again, by its parts.
struct canonical_tables {
    std::array<decomposition, decomposed> apart{};
    std::array<decomposition, composed> together{};
};
inline constexpr auto canonical = [] {
    canonical_tables t;
    const char* p = packed_decompositions;
    char32_t whole = 0, first = 0, second = 0;
    auto next = t.together.begin();
    for (auto d = t.apart.begin(); d != t.apart.end();) {
        const char32_t run = unpack(p), kind = run % 3;
        whole += run / 3;
        for (auto n = unpack(p); n > 0; --n) {
            *d = {whole++, unpack(p, first), kind == 0 ? 0 : unpack(p, second)};
            if (kind == 2) *next++ = *d;
            ++d;
        }
    }
    std::sort(t.together.begin(), t.together.end(), by_parts);
    return t;
}();
/// The value of the run that c stands in.
inline std::uint8_t value_at(const auto& runs, char32_t c) noexcept {
    const auto after =
        std::upper_bound(runs.begin(), runs.end(), c, [](char32_t x, const run& r) { return x < r.begin; });
    return std::prev(after)->value;
}
/// The classes of U+0000 to U+007F once more, by index.
inline constexpr auto ascii = [] {
    std::array<std::uint8_t, 128> t{};
    for (std::size_t r = 0; r + 1 < classes.size() && classes[r].begin < 128; ++r)
        for (auto c = classes[r].begin; c < 128; ++c) t[c] = classes[r].value;
    return t;
}();
}  // namespace tables
/// The class of a code point; other for anything past U+10FFFF.
inline char_class class_of(char32_t c) noexcept {
    if (c < 128) return static_cast<char_class>(tables::ascii[c]);
    if (is_syllable(c)) return char_class::letter;
    return c < 0x110000 ? static_cast<char_class>(tables::value_at(tables::classes, c)) : char_class::other;
}
/// The canonical combining class; 0 is a starter, others are marks that order themselves by it.
inline std::uint8_t combining_class(char32_t c) noexcept { return c < 0x300 ? 0 : tables::value_at(tables::orders, c); }
/// How c decomposes in one step, or a null pointer. Hangul syllables are not in the table.
inline const decomposition* decomposition_of(char32_t c) noexcept {
    if (c < 0xC0) return nullptr;
    const auto& t = tables::canonical.apart;
    const auto d = std::lower_bound(t.begin(), t.end(), c, [](const auto& x, char32_t y) { return x.whole < y; });
    return d != t.end() && d->whole == c ? &*d : nullptr;
}
/// The one code point that a followed by b composes to, or 0.
inline char32_t composition_of(char32_t a, char32_t b) noexcept {
    if (b < 0x300) return 0;
    if (const auto syllable = join_jamo(a, b)) return syllable;
    const auto& t = tables::canonical.together;
    const auto d = std::lower_bound(t.begin(), t.end(), decomposition{0, a, b}, tables::by_parts);
    return d != t.end() && d->first == a && d->second == b ? d->whole : 0;
}
// == narae/text/normalize.hpp: Canonical normal forms (Unicode Standard Annex 15): NFC writes a Hangul syllable as ...
enum class normal_form { none, nfc, nfd };
/// Collects code points and writes them in a normal form to the end of `out`.
class normalizer {
public:
    normalizer(normal_form form, std::string& out) : compose_(form == normal_form::nfc), out_(out) {}
    void put(char32_t c) {
        if (c < 0xC0 || (compose_ && is_syllable(c))) {
            start(c);  // nothing to take apart, or it would only be put together again
        } else if (is_syllable(c)) {
            const auto j = split_syllable(c);
            start(j.initial), start(j.vowel);
            if (j.last != 0) start(j.last);
        } else if (const auto* d = decomposition_of(c)) {
            put(d->first);
            if (d->second != 0) put(d->second);
        } else if (const auto order = combining_class(c)) {
            marks_.push_back({order, c});
        } else {
            start(c);
        }
    }
    /// Writes what waits. Call it at the end, and before writing to `out` by other means.
    void flush() {
        order_marks();
        write();
    }
private:
    static constexpr char32_t none = 0x110000;
    void write() {
        if (starter_ != none) utf8_append(out_, std::exchange(starter_, none));
        for (const auto& m : marks_) utf8_append(out_, m.second);
        marks_.clear();
    }
    /// A character that begins a sequence, unless it composes with a starter right before it.
    void start(char32_t c) {
        order_marks();
        const bool beside = compose_ && starter_ != none && marks_.empty();
        if (const auto whole = beside ? composition_of(starter_, c) : 0) return void(starter_ = whole);
        write();
        starter_ = c;
    }
    /// Marks by combining class; those that compose go into the starter. A mark is blocked by one of its own class.
    void order_marks() {
        if (marks_.empty()) return;
        std::vector<mark> kept;
        for (const auto i : sorted(marks_.size(), [&](auto a, auto b) {
                 return marks_[a].first != marks_[b].first ? marks_[a].first < marks_[b].first : a < b;
             })) {
            const bool blocked =
                !compose_ || starter_ == none || (!kept.empty() && kept.back().first == marks_[i].first);
            const auto whole = blocked ? 0 : composition_of(starter_, marks_[i].second);
            whole != 0 ? void(starter_ = whole) : kept.push_back(marks_[i]);
        }
        marks_.swap(kept);
    }
    using mark = std::pair<std::uint8_t, char32_t>;  // {combining class, code point}
    bool compose_;
    std::string& out_;
    char32_t starter_ = none;
    std::vector<mark> marks_;
};
/// `s` in a normal form. Bytes that are not UTF-8 stay as they are; nothing moves or composes across them.
inline std::string normalize(std::string_view s, normal_form form) {
    if (form == normal_form::none) return std::string(s);
    std::string out;
    out.reserve(s.size());
    normalizer n(form, out);
    while (!s.empty()) {
        const auto step = utf8_front(s);
        if (step.valid)
            n.put(step.code_point);
        else
            n.flush(), out += s.substr(0, step.length);
        s.remove_prefix(step.length);
    }
    n.flush();
    return out;
}
inline bool has_syllable(std::string_view s) noexcept {
    for (; !s.empty(); s.remove_prefix(utf8_front(s).length))
        if (is_syllable(utf8_front(s).code_point)) return true;
    return false;
}
/// `out` becomes s with its Hangul letters joined to syllables; true if that is undone by taking all syllables apart:
/// some letters join, and s itself holds no syllable.
inline bool compose_hangul(std::string_view s, std::string& out) {
    constexpr char32_t none = 0x110000;
    out.clear();
    bool joined = false;
    char32_t waiting = none;
    for (utf8_step step; !s.empty(); s.remove_prefix(step.length)) {
        step = utf8_front(s);
        if (is_syllable(step.code_point)) return false;
        const auto whole = step.valid ? join_jamo(waiting, step.code_point) : 0;
        if (whole == 0 && waiting != none) utf8_append(out, waiting);
        if (!step.valid) out += s.substr(0, step.length);
        joined = joined || whole != 0;
        waiting = whole != 0 ? whole : step.valid ? step.code_point : none;
    }
    if (waiting != none) utf8_append(out, waiting);
    return joined;
}
}  // namespace narae::inline NARAE_ABI::text
// == narae/token/vocab.hpp: The vocabulary of a byte-level BPE: which bytes a token id stands for, and which pair ...
namespace narae::inline NARAE_ABI::token {
using token_id = std::uint32_t;
inline constexpr token_id no_token = ~token_id{0};
/// The byte that a character of the byte alphabet stands for, or -1. Bytes that are visible characters in Latin-1 stand
/// for themselves; the other 68, in order, are written as U+0100, U+0101 ... (a blank is U+0120).
constexpr int alphabet_byte(char32_t c) noexcept {
    const auto visible = [](char32_t b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xFF && b != 0xAD); };
    if (c < 0x100) return visible(c) ? static_cast<int>(c) : -1;
    if (c < 0x121) return static_cast<int>(c - 0x100);
    if (c < 0x143) return static_cast<int>(c - 0x121 + 0x7F);
    return c == 0x143 ? 0xAD : -1;
}
/// Appends the bytes that `key` spells to `out`. A key with any character outside the byte alphabet is literal: it
/// stands for its own bytes, and false is returned. No merge of byte tokens ever gives a literal.
inline bool spell_bytes(std::string_view key, std::string& out) {
    const auto begin = out.size();
    for (auto rest = key; !rest.empty();) {
        const auto step = text::utf8_front(rest);
        const int byte = step.valid ? alphabet_byte(step.code_point) : -1;
        if (byte < 0) {
            out.resize(begin);
            out += key;
            return false;
        }
        out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
        rest.remove_prefix(step.length);
    }
    return true;
}
/// Multiplies and folds: every bit of x reaches the low bits that index a table.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x *= 0x9E3779B97F4A7C15;
    return x ^ (x >> 32);
}
/// What two neighbours become, and how early that merge was learned: the lowest rank goes first.
struct merge {
    token_id left = no_token, right = no_token;
    std::uint32_t rank = 0;
    token_id whole = no_token;
};
class vocab {
public:
    /// Room for `tokens` ids of `bytes` bytes in all, and for `merges`. Call it once, before anything is added.
    void reserve(std::size_t tokens, std::size_t bytes, std::size_t merges) {
        bytes_.reserve(bytes);
        ids_.assign(table_size(tokens), no_token);
        merges_.assign(table_size(merges), {});
        seen_.assign((merges_.size() + 7) / 8, 0);
    }
    /// Adds a token; false if its bytes are already there (as the same kind) or its id is taken.
    bool add(token_id id, std::string_view bytes, bool literal) {
        auto& slot = ids_[slot_of(bytes, literal)];
        if (slot != no_token || !add_unnamed(id, bytes, literal)) return false;
        slot = id;
        if (!literal && bytes.size() == 1) of_byte_[static_cast<unsigned char>(bytes[0])] = id;
        if (!literal && bytes.size() == 3 && text::is_syllable_at(bytes.data())) {
            if (of_syllable_.empty()) of_syllable_.assign(text::syllables, no_token);
            of_syllable_[text::syllable_at(bytes.data()) - text::first_syllable] = id;
        }
        return true;
    }
    /// Adds a token that find() does not see: an added token, which has a list of its own. False if its id is taken.
    bool add_unnamed(token_id id, std::string_view bytes, bool literal) {
        if (id >= entries_.size()) entries_.resize(std::size_t{id} + 1);
        auto& e = entries_[id];
        const auto begin = bytes_.size(), length = bytes.size();
        if (e.used || begin + length > longest) return false;
        e = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length) & longest, true, literal};
        bytes_ += bytes;
        ++count_;
        return true;
    }
    /// A pair that is added again gets the later rank.
    void add_merge(const merge& m) {
        merges_[slot_of(m.left, m.right)] = m;
        const auto bit = bit_of(m.left, m.right);
        seen_[bit / 64] |= std::uint64_t{1} << bit % 64;
        ranks_ = (std::max)(ranks_, m.rank + 1);
    }
    std::size_t size() const noexcept { return entries_.size(); }
    std::size_t count() const noexcept { return count_; }
    /// The bytes of a token; empty for an id without one.
    std::string_view bytes_of(token_id id) const noexcept {
        if (id >= entries_.size()) return {};
        return std::string_view(bytes_).substr(entries_[id].begin, entries_[id].length);
    }
    /// The token of these bytes, or no_token.
    token_id find(std::string_view bytes, bool literal = false) const noexcept { return ids_[slot_of(bytes, literal)]; }
    token_id of_byte(unsigned char b) const noexcept { return of_byte_[b]; }
    /// The token of the bytes of one character, or no_token.
    token_id of_character(std::string_view bytes) const noexcept {
        if (bytes.size() != 3 || !text::is_syllable_at(bytes.data())) return find(bytes);
        return of_syllable_.empty() ? no_token : of_syllable_[text::syllable_at(bytes.data()) - text::first_syllable];
    }
    /// The merge of two neighbours, or a null pointer.
    const merge* merge_of(token_id left, token_id right) const noexcept {
        const auto* m = pair_of(left, right);
        return m == nullptr || m->rank >= first_expression_ ? nullptr : m;
    }
    /// From now on the last `count` merges are no merges but expressions: they join finished tokens.
    void set_expressions(std::uint32_t count) { first_expression_ = ranks_ - (std::min)(ranks_, count); }
    /// What a finished token and the next one become together, or no_token.
    token_id expression_of(token_id left, token_id right) const noexcept {
        const auto* m = pair_of(left, right);
        return m == nullptr || m->rank < first_expression_ ? no_token : m->whole;
    }
private:
    static constexpr std::uint32_t longest = (std::uint32_t{1} << 30) - 1;  // bytes of all tokens together
    struct entry {
        std::uint32_t begin;
        std::uint32_t length : 30, used : 1, literal : 1;
    };
    /// Tables are powers of two, at most half full, and probed from slot to slot.
    static std::size_t table_size(std::size_t entries) {
        std::size_t size = 2;
        while (size < 2 * entries) size *= 2;
        return size;
    }
    std::size_t slot_of(std::string_view bytes, bool literal) const noexcept {
        // Eight bytes at a time; the last eight may overlap those before.
        std::uint64_t hash = 2 * bytes.size() + literal, word = 0;
        const auto n = bytes.size();
        for (std::size_t i = 0; i + 8 < n; i += 8) {
            std::memcpy(&word, bytes.data() + i, 8);
            hash = mix(hash ^ word);
        }
        if (n >= 8)
            std::memcpy(&word, bytes.data() + n - 8, 8);
        else
            for (const char c : bytes) word = word << 8 | static_cast<unsigned char>(c);
        hash = mix(hash ^ word);
        const auto mask = ids_.size() - 1;
        auto at = static_cast<std::size_t>(hash) & mask;
        while (ids_[at] != no_token && (entries_[ids_[at]].literal != literal || bytes_of(ids_[at]) != bytes))
            at = (at + 1) & mask;
        return at;
    }
    const merge* pair_of(token_id left, token_id right) const noexcept {
        const auto bit = bit_of(left, right);
        if ((seen_[bit / 64] >> bit % 64 & 1) == 0) return nullptr;  // as with most pairs
        const auto& m = merges_[slot_of(left, right)];
        return m.whole == no_token ? nullptr : &m;
    }
    std::size_t bit_of(token_id left, token_id right) const noexcept {
        return static_cast<std::size_t>(pair_hash(left, right) >> 40) & (8 * merges_.size() - 1);
    }
    static std::uint64_t pair_hash(token_id left, token_id right) noexcept {
        return mix(std::uint64_t{left} << 32 | right);
    }
    std::size_t slot_of(token_id left, token_id right) const noexcept {
        const auto mask = merges_.size() - 1;
        auto at = static_cast<std::size_t>(pair_hash(left, right)) & mask;
        while (merges_[at].whole != no_token && (merges_[at].left != left || merges_[at].right != right))
            at = (at + 1) & mask;
        return at;
    }
    std::string bytes_;
    std::vector<entry> entries_;  // by id
    std::size_t count_ = 0;
    std::vector<token_id> ids_ = {no_token, no_token};
    std::vector<merge> merges_ = {merge{}, merge{}};
    std::vector<std::uint64_t> seen_ = {0};  // a bit for each pair, by another part of its hash (Bloom 1970)
    std::uint32_t ranks_ = 0;                // one past the last
    std::uint32_t first_expression_ = ~std::uint32_t{0};
    std::vector<token_id> of_syllable_;  // by code point, from the first syllable on
    std::vector<token_id> of_byte_ = std::vector<token_id>(256, no_token);
};
// == narae/token/added.hpp: Added tokens: strings such as <|endoftext|> that become one id wherever they stand, ...
struct added_token {
    std::string content;
    token_id id = no_token;
    bool special = false;      ///< decoding may leave it out, encoding may be told not to see it
    bool single_word = false;  ///< matches only where no letter, digit or mark touches it
    bool lstrip = false;       ///< takes the white space before it along
    bool rstrip = false;       ///< and the white space after it
    bool normalized = false;   ///< looked for in normalised text, in normalised spelling
};
/// The one with this content among tokens sorted by content, or a null pointer.
inline const added_token* find_added(const std::vector<added_token>& sorted, std::string_view content) noexcept {
    const auto less = [](const added_token& t, std::string_view c) { return t.content < c; };
    const auto found = std::lower_bound(sorted.begin(), sorted.end(), content, less);
    return found != sorted.end() && found->content == content ? &*found : nullptr;
}
/// Finds the added tokens of one kind (normalised or not) in text.
class added_matcher {
public:
    /// `pattern` is what to look for; `token` is borrowed by index. False if the pattern is already there.
    bool add(std::string pattern, std::size_t token, bool special) {
        const auto place = std::upper_bound(entries_.begin(), entries_.end(), pattern, before);
        if (place != entries_.begin() && std::prev(place)->pattern == pattern) return false;
        begins_[static_cast<unsigned char>(pattern[0])] = true;
        all_special_ = all_special_ && special;
        entries_.insert(place, {std::move(pattern), token});
        return true;
    }
    bool empty() const noexcept { return entries_.empty(); }
    /// Cuts s into plain text, never empty, and tokens: on_text(piece) and on_token(token) in order; what they return
    /// says nothing. skip_special leaves special tokens in the text, and yet nothing is found inside them.
    void split(std::string_view s, const std::vector<added_token>& tokens, bool skip_special,
               callback<std::string_view> on_text, callback<const added_token&> on_token) const {
        std::size_t done = 0;
        for (std::size_t at = 0; !entries_.empty() && !(skip_special && all_special_) && at < s.size();) {
            const auto* found = begins_[static_cast<unsigned char>(s[at])] ? longest(s.substr(at)) : nullptr;
            if (found == nullptr) {
                ++at;
                continue;
            }
            const auto& token = tokens[found->token];
            auto begin = at, end = at += found->pattern.size();
            if (skip_special && token.special) continue;
            if (token.single_word && (is_word(last_character(s.substr(0, begin))) || is_word(s.substr(end)))) continue;
            if (token.lstrip) begin = (std::max)(begin, done);
            while (token.lstrip && begin > done && is_space(last_character(s.substr(0, begin))))
                begin -= last_character(s.substr(0, begin)).size();
            while (token.rstrip && is_space(s.substr(end))) end += text::utf8_front(s.substr(end)).length;
            if (done < begin) on_text(s.substr(done, begin - done));
            if (begin < end) on_token(token);  // not if an rstrip before it has taken all of it
            done = end;
        }
        if (done < s.size()) on_text(s.substr(done));
    }
private:
    struct entry {
        std::string pattern;
        std::size_t token;
    };
    static bool before(std::string_view s, const entry& e) noexcept { return s < e.pattern; }
    /// The longest pattern that s begins with: the sorted entries are narrowed byte by byte.
    const entry* longest(std::string_view s) const noexcept {
        const entry* best = nullptr;
        auto low = entries_.begin(), high = entries_.end();
        for (std::size_t n = 0; low != high && n < s.size(); ++n) {
            const auto octet = [](char c) { return 1 + static_cast<unsigned char>(c); };
            const auto byte = [&](const entry& e) { return n < e.pattern.size() ? octet(e.pattern[n]) : 0; };
            low = std::lower_bound(low, high, octet(s[n]), [&](const entry& e, int x) { return byte(e) < x; });
            high = std::upper_bound(low, high, octet(s[n]), [&](int x, const entry& e) { return x < byte(e); });
            if (low != high && low->pattern.size() == n + 1) best = &*low;
        }
        return best;
    }
    /// Is the character at the front of s of one of these classes? Where there is none: no.
    static bool is(std::string_view s, std::initializer_list<text::char_class> classes) noexcept {
        const auto c = s.empty() ? text::utf8_step{} : text::utf8_front(s);
        return c.valid && std::find(classes.begin(), classes.end(), text::class_of(c.code_point)) != classes.end();
    }
    static bool is_word(std::string_view s) noexcept {
        return is(s, {text::char_class::letter, text::char_class::number, text::char_class::mark});
    }
    static bool is_space(std::string_view s) noexcept { return is(s, {text::char_class::space}); }
    /// What stands from the last byte on that is no continuation byte; one byte where that is not a whole character.
    static std::string_view last_character(std::string_view s) noexcept {
        for (std::size_t back = 1; back <= 4 && back <= s.size(); ++back) {
            if ((s[s.size() - back] & 0xC0) == 0x80) continue;
            const auto tail = s.substr(s.size() - back);
            if (text::utf8_front(tail).length == back) return tail;
            break;
        }
        return s.substr(s.size() - (s.empty() ? 0 : 1));
    }
    std::vector<entry> entries_;  // sorted by pattern
    std::array<bool, 256> begins_{};
    bool all_special_ = true;
};
// == narae/token/bpe.hpp: The merge loop of byte pair encoding (Sennrich et al
/// Merges with the vocabulary's ranks and appends ids to `out`. Holds the working memory of one thread.
class bpe {
public:
    explicit bpe(const vocab& v, bool from_characters = false) : vocab_(v), from_characters_(from_characters) {}
    /// Bytes that the vocabulary lacks are left out, as the reference does where there is no unknown token.
    void encode(std::string_view piece, std::vector<token_id>& out) {
        if (piece.size() <= scan_limit) return scan(piece, out);
        // Positions are 32-bit numbers; a piece of 4 GiB would be cut.
        for (constexpr std::size_t most = 0xFFFFFFF0; !piece.empty();
             piece.remove_prefix((std::min)(most, piece.size())))
            queue(piece.substr(0, most), out);
    }
private:
    static constexpr std::size_t scan_limit = 48;  // bytes
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    /// f(id) for every symbol that the piece starts as.
    void start(std::string_view piece, auto&& f) const {
        while (!piece.empty()) {
            std::size_t n = 1;
            auto whole = no_token;
            if (from_characters_ && static_cast<unsigned char>(piece[0]) >= 0x80) {
                const bool syllable = piece.size() >= 3 && text::is_syllable_at(piece.data());
                const auto step = syllable ? text::utf8_step{0, 3, true, false} : text::utf8_front(piece);
                n = step.length;
                if (step.valid) whole = vocab_.of_character(piece.substr(0, n));
            }
            if (whole != no_token)
                f(whole);
            else
                for (const char c : piece.substr(0, n))
                    if (const auto id = vocab_.of_byte(static_cast<unsigned char>(c)); id != no_token) f(id);
            piece.remove_prefix(n);
        }
    }
    /// Keeps the rank of each neighbouring pair, and looks through all of them for every merge.
    void scan(std::string_view piece, std::vector<token_id>& out) {
        token_id ids[scan_limit];
        const merge* next[scan_limit];  // next[i] merges ids[i] and ids[i + 1]
        std::size_t n = 0;
        start(piece, [&](token_id id) { ids[n++] = id; });
        for (std::size_t i = 0; i + 1 < n; ++i) next[i] = vocab_.merge_of(ids[i], ids[i + 1]);
        while (n > 1) {
            std::size_t best = n;
            for (std::size_t i = 0; i + 1 < n; ++i)
                if (next[i] != nullptr && (best == n || next[i]->rank < next[best]->rank)) best = i;
            if (best == n) break;
            ids[best] = next[best]->whole;
            --n;
            for (auto i = best + 1; i < n; ++i) ids[i] = ids[i + 1], next[i - 1] = next[i];
            if (best + 1 < n) next[best] = vocab_.merge_of(ids[best], ids[best + 1]);
            if (best > 0) next[best - 1] = vocab_.merge_of(ids[best - 1], ids[best]);
        }
        out.insert(out.end(), ids, ids + n);
    }
    /// A linked list of symbols and a heap of the merges that they offer, by rank, then position: n log n.
    void queue(std::string_view piece, std::vector<token_id>& out) {
        symbols_.clear(), heap_.clear();
        start(piece, [&](token_id id) {
            const auto at = static_cast<std::uint32_t>(symbols_.size());
            symbols_.push_back({id, at == 0 ? none : at - 1, at + 1});
        });
        if (symbols_.empty()) return;
        symbols_.back().next = none;
        for (std::uint32_t i = 0; i + 1 < symbols_.size(); ++i) offer(i);
        std::make_heap(heap_.begin(), heap_.end(), later);
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            const auto c = heap_.back();
            heap_.pop_back();
            auto& left = symbols_[c.at];
            if (left.id == no_token || left.next == none) continue;
            const auto* m = vocab_.merge_of(left.id, symbols_[left.next].id);
            if (m == nullptr || m->rank != c.rank) continue;  // one of the two has been merged since
            auto& right = symbols_[left.next];
            left.id = m->whole;
            left.next = right.next;
            right.id = no_token;
            if (left.next != none) symbols_[left.next].previous = c.at;
            if (left.previous != none && offer(left.previous)) std::push_heap(heap_.begin(), heap_.end(), later);
            if (offer(c.at)) std::push_heap(heap_.begin(), heap_.end(), later);
        }
        for (const auto& s : symbols_)
            if (s.id != no_token) out.push_back(s.id);
    }
    struct symbol {
        token_id id;  // no_token: merged into the symbol before
        std::uint32_t previous, next;
    };
    struct candidate {
        std::uint32_t rank, at;
    };
    static bool later(const candidate& a, const candidate& b) noexcept {
        return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
    }
    /// Puts the merge of symbol `at` and its right neighbour at the end of heap_, if there is one.
    bool offer(std::uint32_t at) {
        const auto next = symbols_[at].next;
        const auto* m = next == none ? nullptr : vocab_.merge_of(symbols_[at].id, symbols_[next].id);
        if (m != nullptr) heap_.push_back({m->rank, at});
        return m != nullptr;
    }
    const vocab& vocab_;
    bool from_characters_;
    std::vector<symbol> symbols_;
    std::vector<candidate> heap_;
};
// == narae/token/pretoken.hpp: Cuts text into the pieces that BPE never merges across
namespace pretoken {
enum class kind { letter, number, space, other };
constexpr kind kind_of(text::char_class c) noexcept {
    // In the order of char_class: other, mark, letter, number, numeral, space.
    constexpr kind kinds[] = {kind::other, kind::other, kind::letter, kind::number, kind::number, kind::space};
    return kinds[static_cast<std::size_t>(c)];
}
struct step {
    kind what;
    std::size_t length;  // bytes
};
/// The character at the front of s, which must not be empty.
inline step front(std::string_view s) noexcept {
    if (const auto b = static_cast<unsigned char>(s[0]); b < 0x80) return {kind_of(text::class_of(b)), 1};
    const auto c = text::utf8_front(s);
    return {c.valid ? kind_of(text::class_of(c.code_point)) : kind::other, c.length};
}
/// Bytes of an English contraction at the front of s, or 0.
inline std::size_t contraction(std::string_view s) noexcept {
    if (s.size() < 2 || s[0] != '\'') return 0;
    if (s[1] == 's' || s[1] == 't' || s[1] == 'm' || s[1] == 'd') return 2;
    const auto two = s.substr(1, 2);
    return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}
/// Where the Hangul syllables end that begin at s[at]: most of a Korean text, told apart without looking them up.
inline std::size_t syllables_end(std::string_view s, std::size_t at) noexcept {
    while (at + 3 <= s.size() && text::is_syllable_at(s.data() + at)) at += 3;
    return at;
}
/// Where the run of one kind ends that begins at s[at].
inline std::size_t run_end(std::string_view s, std::size_t at, kind what) noexcept {
    while (at < s.size()) {
        if (what == kind::letter && (at = syllables_end(s, at)) == s.size()) break;
        const auto c = front({s.data() + at, s.size() - at});
        if (c.what != what) break;
        at += c.length;
    }
    return at;
}
}  // namespace pretoken
/// Bytes of the first piece of s, which must not be empty.
inline std::size_t first_piece(std::string_view s) noexcept {
    using namespace pretoken;
    if (const auto n = contraction(s)) return n;
    const std::size_t blank = s[0] == ' ' && s.size() > 1 ? 1 : 0;
    if (const auto n = syllables_end(s, blank); n > blank)
        return n == s.size() || s[n] == ' ' ? n : run_end(s, n, kind::letter);
    const auto c = front(s.substr(blank));
    if (c.what != kind::space) return run_end(s, blank, c.what);
    // White space. Before a word its last character is left over: a blank goes with the word, others stand alone.
    std::size_t n = 0, last = 0;
    for (step w; n < s.size(); last = n, n += w.length)
        if ((w = front(s.substr(n))).what != kind::space) return last == 0 ? n : last;
    return n;
}
/// f(piece) for every piece of s, in order.
void for_each_piece(std::string_view s, auto&& f) {
    while (!s.empty()) {
        const auto n = first_piece(s);
        f(s.substr(0, n));
        s.remove_prefix(n);
    }
}
// == narae/token/morph.hpp: Where an eojeol (a Korean word between blanks) may be cut: a linear model says of every ...
struct boundary_model {
    static constexpr unsigned bits = 17;
    static constexpr std::size_t slots = std::size_t{1} << bits;
    /// One for each slot. A new model cuts nowhere.
    std::vector<std::int8_t> weights = std::vector<std::int8_t>(slots);
    std::int32_t cut = 0;  ///< a morpheme begins where the weights of a gap sum to more than this
};
/// What the model sees of a gap: the codes of three syllables to the left (l1 is the nearest) and three to the right.
/// The code of a syllable is its place in Unicode's block, from 1 on; 0 stands for what is outside the run.
struct gap {
    std::uint64_t l3 = 0, l2 = 0, l1 = 0, r1 = 0, r2 = 0, r3 = 0;
    void shift(std::uint64_t next) noexcept { l3 = l2, l2 = l1, l1 = r1, r1 = r2, r2 = r3, r3 = next; }
};
/// f(slot) for each feature of a gap: n-grams around it, hashed into the table. Slots may be shared, and the model is
/// trained as such (Weinberger et al. 2009, arXiv:0902.2206).
inline void for_each_feature(const gap& g, auto&& f) {
    const auto see = [&](std::uint64_t kind, std::uint64_t what) noexcept {  // multiplicative, a factor for each kind
        constexpr std::uint64_t odd = 0xD6E8FEB86659FD93, even = 0x3C6EF372FE94F82A;
        f(static_cast<std::uint32_t>((what * (odd + kind * even)) >> (64 - boundary_model::bits)));
    };
    see(1, g.l1);
    see(2, g.r1);
    see(3, g.l1 << 16 | g.r1);
    see(4, g.l2 << 16 | g.l1);
    see(5, g.r1 << 16 | g.r2);
    see(6, g.l3 << 32 | g.l2 << 16 | g.l1);
    see(7, g.l2 << 32 | g.l1 << 16 | g.r1);
    see(8, g.l1 << 32 | g.r1 << 16 | g.r2);
    see(9, g.r1 << 32 | g.r2 << 16 | g.r3);
    see(10, (g.l1 - 1) % text::finals << 16 | g.r1);  // the final consonant before the gap, 0 for none
}
/// f(i, gap) for every gap in a run of Hangul syllables, which has size() and code points by []: the one before run[i].
inline void for_each_gap(const auto& run, auto&& f) {
    gap g;
    for (std::size_t i = 0; i < run.size() + 2; ++i) {
        g.shift(i < run.size() ? run[i] - text::first_syllable + 1 : 0);
        if (i >= 3) f(i - 2, g);
    }
}
// == narae/token/segment.hpp: Cuts a piece of text (token/pretoken.hpp) into the segments that merges stay inside ...
/// Linear in the piece, however long it is.
class segmenter {
public:
    /// Borrows the weights of a boundary_model. At most `digits` digits stand in one segment.
    segmenter(std::span<const std::int8_t> weights, std::int32_t cut, std::size_t digits)
        : weights_(weights), cut_(cut), digits_(digits) {}
    /// f(segment) for every segment of a piece, in order; together they are the piece.
    void operator()(std::string_view piece, auto&& f) const {
        std::size_t begin = 0, at = piece[0] == ' ' ? 1 : 0;
        const auto cut = [&](std::size_t here) {
            if (here > begin) f(piece.substr(begin, here - begin));
            begin = here;
        };
        if (at == piece.size()) return cut(at);
        const auto what = pretoken::front(piece.substr(at)).what;
        if (what == pretoken::kind::number) {
            for (std::size_t n = 0; at < piece.size(); ++n) {
                if (n > 0 && n % digits_ == 0) cut(at);
                at += text::utf8_front(piece.substr(at)).length;
            }
        } else if (what == pretoken::kind::letter) {
            while (at < piece.size()) {
                if (const auto end = pretoken::syllables_end(piece, at); end > at) {
                    hangul(piece, at, end, cut);
                    at = end;
                } else {  // other letters, up to the next syllable
                    while (at < piece.size() && pretoken::syllables_end(piece, at) == at)
                        at += pretoken::front(piece.substr(at)).length;
                }
                cut(at);
            }
        }
        cut(piece.size());
    }
private:
    /// Syllables as their bytes.
    struct run {
        std::string_view bytes;
        std::size_t size() const noexcept { return bytes.size() / 3; }
        char32_t operator[](std::size_t i) const noexcept { return text::syllable_at(bytes.data() + 3 * i); }
    };
    /// cut(i) where a morpheme begins among the syllables in bytes [begin, end) of the piece.
    void hangul(std::string_view piece, std::size_t begin, std::size_t end, auto&& cut) const {
        for_each_gap(run{piece.substr(begin, end - begin)}, [&](std::size_t i, const gap& g) {
            std::int32_t sum = 0;
            for_each_feature(g, [&](std::uint32_t slot) { sum += weights_[slot]; });
            if (sum > cut_) cut(begin + 3 * i);
        });
    }
    std::span<const std::int8_t> weights_;
    std::int32_t cut_;
    std::size_t digits_;
};
// == narae/token/packed.hpp: The packed tokenizer of a model file: tokenizer.json, whose long lists are taken out ...
inline constexpr std::string_view packed_magic = "NARAETOK";
inline constexpr std::uint32_t packed_version = 1;
// The file is, one after the other (numbers are little-endian):
//   "NARAETOK"
//   head      five 32-bit numbers: version; width, 2 or 4; how many ids, merges and boundary weights there are
//   ids       of each id a number of `width` bytes: 0 for no token, else 1 + 2 * (its bytes) + (1 if it is literal)
//   merges    of each merge, in the order of ranks, three numbers of `width` bytes: left, right and whole
//   bytes     of all tokens, in the order of ids
//   weights   the boundary weights, a signed byte each
//   settings  the text of tokenizer.json, with "vocab": {}, "merges": [] and "weights": ""
/// Where in a file the parts are. Of a plain tokenizer.json the settings are all of it, and the lists are empty.
struct packed_lists {
    std::size_t width = 2;
    byte_view ids, merges, bytes, weights, settings;
    std::size_t count(byte_view list) const noexcept { return list.size() / width; }
    std::uint32_t number(byte_view list, std::size_t i) const noexcept {
        return width == 2 ? load_le<std::uint16_t>(list.data() + 2 * i) : load_le<std::uint32_t>(list.data() + 4 * i);
    }
    static constexpr std::uint32_t length(std::uint32_t id) noexcept { return id == 0 ? 0 : (id - 1) / 2; }
    static constexpr bool literal(std::uint32_t id) noexcept { return id != 0 && id % 2 == 0; }
    /// Borrows from `file`. All parts are inside it; what they say is not checked.
    static result<packed_lists> find(byte_view file) {
        packed_lists p;
        p.settings = file;
        if (!as_text(file).starts_with(packed_magic)) return p;
        cursor in(file, packed_magic.size());
        std::uint64_t head[5];
        for (auto& n : head) n = in.read<std::uint32_t>("the head");
        if (in && head[0] != packed_version) return error{errc::unsupported, {"version ", head[0]}};
        if (in && head[1] != 2 && head[1] != 4) return error{errc::bad_value, {"width ", head[1]}};
        p.width = head[1] == 4 ? 4 : 2;
        p.ids = in.take(head[2] * p.width, "the list of ids");
        p.merges = in.take(head[3] * 3 * p.width, "the list of merges");
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < p.count(p.ids); ++i) bytes += length(p.number(p.ids, i));
        p.bytes = in.take(bytes, "the list of tokens");
        p.weights = in.take(head[4], "the list of weights");
        p.settings = in.take(in.left(), "the settings");
        if (!in) return in.error();
        return p;
    }
};
// == narae/token/tokenizer_json.hpp: Reads a Hugging Face tokenizer.json whose model is a byte-level BPE
/// All that encoding and decoding need, in the order in which encoding uses it.
struct tokenizer_parts {
    std::vector<added_token> added;  // sorted by content
    added_matcher raw, normalized;   // tokens are indices into `added`
    text::normal_form form = text::normal_form::none;
    bool add_prefix_space = false;  // each piece between added tokens begins with a blank
    bool use_pattern = true;        // pieces are cut by the GPT-2 pattern
    bool ignore_merges = false;     // a piece that is a token needs no merges
    vocab words;
    std::vector<char> skipped;  // by id: what decode leaves out on request
    // Of narae's own tokenizers, from the section "narae" of the model:
    bool morphemes = false;            // the file has that section
    std::uint32_t digits = 0;          // the longest group of digits in one piece, 1 to 9
    token_id decomposed = no_token;    // the added token that stands before decomposed Hangul
    std::uint32_t expressions = 0;     // so many merges, the last ones, may cross a boundary
    std::int32_t cut = 0;              // what the sum of weights at a gap is held against
    std::vector<std::int8_t> weights;  // boundary_model::slots of them
    std::string attribution;           // what the weights were learned from
};
/// Appends the bytes that base64 text (RFC 4648) stands for; false if it is none.
inline bool base64_bytes(std::string_view s, std::vector<std::int8_t>& out) {
    if (s.size() % 4 != 0) return false;
    for (int i = 0; i < 2 && s.ends_with('='); ++i) s.remove_suffix(1);
    std::uint32_t bits = 0, waiting = 0;
    for (const char c : s) {
        const auto digit = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").find(c);
        if (digit == s.npos) return false;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if ((waiting += 6) >= 8) out.push_back(static_cast<std::int8_t>(bits >> (waiting -= 8) & 0xFF));
    }
    return true;
}
/// The keys of a merge, which is written "a b" or ["a", "b"]; false if it is neither.
inline bool merge_keys(const text::json_value& m, std::string& left, std::string& right) {
    left = m.string();
    if (const auto blank = left.find(' '); blank != left.npos) {
        right = left.substr(blank + 1);
        left.resize(blank);
        return right.find(' ') == right.npos;
    }
    bool first = true;
    const auto take = [&](const text::json_value& v) {
        (std::exchange(first, false) ? left : right) = v.string();
        return v.is(text::json_kind::string);
    };
    return m.is(text::json_kind::array) && m.size() == 2 && m.for_each(take);
}
/// The reader; its one entry is read().
class tokenizer_json {
public:
    /// Needs nothing of `file` afterwards. Errors name the key and, where it helps, the byte.
    static result<tokenizer_parts> read(byte_view file) {
        const auto lists = packed_lists::find(file);
        if (!lists) return lists.error().in("packed tokenizer");
        const auto doc = text::json::parse(as_text(lists->settings));
        if (!doc) return doc.error().in(name);
        tokenizer_json reader(*lists);
        if (!reader.read_root(doc->root())) return std::move(reader.failed_);
        return std::move(reader.parts_);
    }
private:
    using value = text::json_value;
    using kind = text::json_kind;
    using pieces = std::initializer_list<piece>;
    static constexpr std::string_view name = "tokenizer.json";
    explicit tokenizer_json(const packed_lists& lists) : lists_(lists) {}
    // Every step returns true to go on; or else false, and failed_ says why.
    bool fail(errc code, pieces what, const value& v) {
        failed_ = error{code, what, v.is(kind::none) ? nowhere : std::uint64_t{v.at()}}.in(name);
        return false;
    }
    bool bad(pieces what, const value& v) { return fail(errc::bad_value, what, v); }
    bool refuse(pieces what, const value& v) { return fail(errc::unsupported, {concat(what), " is not supported"}, v); }
    /// For messages: a short line, whatever the file holds.
    static std::string quoted(std::string_view s) {
        auto shown = text::json_quote(s.substr(0, 60));
        shown.front() = shown.back() = '\'';
        return s.size() > 60 ? shown.append("...") : shown;
    }
    /// An object, whose members (but for those that are null) are all among `known`.
    bool only(const value& object, std::string_view place, std::initializer_list<std::string_view> known) {
        if (!object.is(kind::object)) return bad({place, " is not an object"}, object);
        return object.for_each_member([&](const value& k, const value& v) {
            return v.is(kind::null) || std::find(known.begin(), known.end(), k.string()) != known.end() ||
                   refuse({place, ": key ", quoted(k.string())}, k);
        });
    }
    bool only_byte_level(const value& part, std::string_view place) {
        return only(part, place, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
    }
    bool wrong(const value& object, std::string_view place, std::string_view key, std::string_view what) {
        const auto v = object[key];
        return bad({place, ": ", quoted(key), " is not ", what}, v.is(kind::none) ? object : v);
    }
    bool boolean(const value& object, std::string_view place, std::string_view key, bool& out, bool needed = true) {
        const auto v = object[key];
        if (!needed && v.missing_or_null()) return true;
        out = v.truth();
        return v.is(kind::boolean) || wrong(object, place, key, "true or false");
    }
    /// f(type, part) for this part ("normalizer", ...); for a Sequence, f of every part in its member `list`.
    bool each_part(const value& part, std::string_view place, std::string_view list,
                   callback<std::string_view, const value&> f) {
        if (!part.is(kind::object)) return bad({place, " is not an object"}, part);
        if (!part["type"].is(kind::string)) return bad({place, ": 'type' is missing"}, part);
        const auto type = part["type"].string();
        if (list.empty() || type != "Sequence") return f(type, part);
        if (!only(part, place, {"type", list})) return false;
        if (!part[list].is(kind::array)) return wrong(part, place, list, "an array");
        return part[list].for_each([&](const value& v) { return each_part(v, place, list, f); });
    }
    bool read_root(const value& root) {
        if (!only(root, "the file",
                  {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                   "decoder", "model"}))
            return false;
        if (const auto v = root["version"]; !v.missing_or_null() && v.string() != "1.0")
            return refuse({"version ", quoted(v.raw())}, v);
        for (const auto* key : {"truncation", "padding"})  // both would change the ids of a text
            if (!root[key].missing_or_null()) return refuse({key}, root[key]);
        return read_normalizer(root["normalizer"]) && read_pre_tokenizer(root["pre_tokenizer"]) &&
               check_post_processor(root["post_processor"]) && check_decoder(root["decoder"]) &&
               read_model(root["model"], root["added_tokens"].size()) && read_added(root["added_tokens"]) &&
               read_narae(root["model"]["narae"]);
    }
    /// In a sequence the last form decides: both forms keep what is canonically equivalent.
    bool read_normalizer(const value& normalizer) {
        if (normalizer.missing_or_null()) return true;
        return each_part(normalizer, "normalizer", "normalizers", [&](std::string_view type, const value& part) {
            if (type != "NFC" && type != "NFD") return refuse({"normalizer ", quoted(type)}, part);
            parts_.form = type == "NFC" ? text::normal_form::nfc : text::normal_form::nfd;
            return only(part, "normalizer", {"type"});
        });
    }
    bool read_pre_tokenizer(const value& all) {
        constexpr std::string_view place = "pre_tokenizer";
        if (all.missing_or_null()) return refuse({place, " null (a BPE that is not byte-level)"}, all);
        int byte_levels = 0;
        const auto read_one = [&](std::string_view type, const value& part) {
            if (type != "ByteLevel") return refuse({place, " ", quoted(type)}, part);
            ++byte_levels;
            return only_byte_level(part, place) && boolean(part, place, "add_prefix_space", parts_.add_prefix_space) &&
                   (part["use_regex"].is(kind::none) ||  // files from before that key: true
                    boolean(part, place, "use_regex", parts_.use_pattern));
        };
        return each_part(all, place, "pretokenizers", read_one) &&
               (byte_levels == 1 || refuse({place, " with other than one 'ByteLevel'"}, all));
    }
    /// Accepts what adds no token: ByteLevel moves offsets only, a template may consist of the text alone.
    bool check_post_processor(const value& all) {
        constexpr std::string_view place = "post_processor";
        if (all.missing_or_null()) return true;
        return each_part(all, place, "processors", [&](std::string_view type, const value& part) {
            if (type == "ByteLevel") return only_byte_level(part, place);
            if (type != "TemplateProcessing") return refuse({place, " ", quoted(type)}, part);
            const auto is_text = [](const value& v) { return v["Sequence"]["id"].raw() == "A"; };
            if (part["single"].size() != 1 || !part["single"].for_each(is_text))
                return refuse({place, " 'TemplateProcessing' that adds tokens"}, part);
            return only(part, place, {"type", "single", "pair", "special_tokens"});
        });
    }
    bool check_decoder(const value& decoder) {
        if (decoder.missing_or_null()) return refuse({"decoder null"}, decoder);
        return each_part(decoder, "decoder", {}, [&](std::string_view type, const value& part) {
            return type == "ByteLevel" ? only_byte_level(part, "decoder") : refuse({"decoder ", quoted(type)}, part);
        });
    }
    bool read_model(const value& model, std::size_t added) {
        if (model.missing_or_null()) return bad({"model is missing"}, model);
        if (model.is(kind::object) && !model["type"].is(kind::none) && model["type"].string() != "BPE")
            return refuse({"model ", quoted(model["type"].string())}, model);
        if (!only(model, "model",
                  {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                   "byte_fallback", "ignore_merges", "vocab", "merges", "narae"}))
            return false;
        const auto tokens = model["vocab"], merges = model["merges"];
        if (!tokens.is(kind::object)) return wrong(model, "model", "vocab", "an object");
        if (!merges.is(kind::array)) return wrong(model, "model", "merges", "an array");
        parts_.words.reserve(tokens.size() + lists_.count(lists_.ids) + added,
                             tokens.raw().size() + lists_.bytes.size(), merges.size() + lists_.count(lists_.merges));
        if (!read_vocab(tokens) || !read_merges(merges) || !read_lists()) return false;
        double dropout = 0;
        if (const auto v = model["dropout"]; !v.missing_or_null() && (!v.real(dropout) || dropout != 0))
            return refuse({"model: 'dropout' other than 0"}, v);
        for (const auto* key : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (const auto v = model[key]; !v.missing_or_null() && (!v.is(kind::string) || !v.raw().empty()))
                return refuse({"model: ", quoted(key), " that is not empty"}, v);
        bool fuse = false, fallback = false;
        if (!boolean(model, "model", "fuse_unk", fuse, false) ||
            !boolean(model, "model", "byte_fallback", fallback, false) ||
            !boolean(model, "model", "ignore_merges", parts_.ignore_merges, false))
            return false;
        // With a token for every byte nothing is unknown, and these say nothing.
        int bytes = 0;
        for (int b = 0; b < 256; ++b) bytes += parts_.words.of_byte(static_cast<unsigned char>(b)) != no_token;
        if (bytes == 256 || (!fallback && model["unk_token"].missing_or_null())) return true;
        const auto* key = fallback ? "byte_fallback" : "unk_token";
        return refuse({"model: ", quoted(key), " with a vocabulary that lacks bytes"}, model[key]);
    }
    /// Ids may leave gaps, but none may reach the file's size in bytes: tables by id stay in proportion to the file.
    bool read_id(const value& v, std::string_view place, token_id& out) {
        std::uint64_t id = 0;
        if (!v.whole(id)) return bad({place, ": the id is not a whole number"}, v);
        if (id >= lists_.settings.size() + lists_.ids.size())
            return bad({place, ": id ", id, " is too large for a file of this size"}, v);
        return out = static_cast<token_id>(id), true;
    }
    /// spelled_ becomes the bytes of a key; true if it is literal.
    bool spell(std::string_view key) {
        spelled_.clear();
        return !spell_bytes(key, spelled_);
    }
    token_id find_key(std::string_view key) {
        const bool literal = spell(key);
        return parts_.words.find(spelled_, literal);
    }
    bool read_vocab(const value& tokens) {
        return tokens.for_each_member([&](const value& k, const value& v) {
            const auto key = k.string();
            token_id id = no_token;
            const bool literal = spell(key);
            return read_id(v, "model.vocab", id) &&
                   (parts_.words.add(id, spelled_, literal) ||
                    bad({"model.vocab: token ", quoted(key), " or id ", id, " is there twice"}, k));
        });
    }
    /// The place of a merge in the list is its rank.
    bool read_merges(const value& merges) {
        std::string left, right;
        return merges.for_each([&](const value& m) {
            if (merges_ == 0 && m.raw().starts_with("#version")) return true;
            if (!merge_keys(m, left, right)) return bad({"model.merges[", merges_, "]: not a pair of tokens"}, m);
            const auto both = left + right;
            const merge found{find_key(left), find_key(right), merges_, find_key(both)};
            for (const auto& [id, key] :
                 {std::pair<token_id, std::string_view>{found.left, left}, {found.right, right}, {found.whole, both}})
                if (id == no_token)
                    return bad({"model.merges[", merges_, "]: token ", quoted(key), " is not in the vocabulary"}, m);
            parts_.words.add_merge(found);
            return ++merges_, true;
        });
    }
    /// What a packed tokenizer has beside its settings.
    bool read_lists() {
        const auto& p = lists_;
        auto& words = parts_.words;
        const char* next = as_text(p.bytes).data();
        const auto ids = p.count(p.ids), numbers = p.count(p.merges);
        for (std::size_t id = 0; id < ids; ++id) {
            const auto n = p.number(p.ids, id);
            if (n != 0 && !words.add(static_cast<token_id>(id), {next, p.length(n)}, p.literal(n)))
                return bad({"packed token ", id, " is there twice"}, {});
            next += p.length(n);
        }
        const auto entry = [&](token_id id) { return id < ids ? p.number(p.ids, id) : 0; };
        for (std::size_t i = 0; i < numbers; i += 3) {
            const merge m{p.number(p.merges, i), p.number(p.merges, i + 1), merges_++, p.number(p.merges, i + 2)};
            const auto left = entry(m.left), right = entry(m.right), whole = entry(m.whole);
            const bool plain = !p.literal(left) && !p.literal(right);  // literals are joined as keys, not as bytes
            spelled_.assign(words.bytes_of(m.left)).append(words.bytes_of(m.right));
            if (left == 0 || right == 0 || whole == 0 || p.literal(whole) == plain ||
                (plain && spelled_ != words.bytes_of(m.whole)))
                return bad({"packed merge ", m.rank, " does not join two tokens to a third"}, {});
            words.add_merge(m);
        }
        return true;
    }
    /// What makes a tokenizer narae's own. Other software passes over keys of the model that it does not know.
    bool read_narae(const value& part) {
        constexpr std::string_view place = "model.narae", bounds = "model.narae.boundaries";
        const auto table = part["boundaries"], weights = table["weights"];
        if (part.missing_or_null()) return true;
        if (!only(part, place, {"version", "digits", "decomposed", "expressions", "boundaries", "attribution"}) ||
            !only(table, bounds, {"cut", "weights"}))
            return false;
        std::uint64_t version = 0, digits = 0, expressions = 0;
        double cut = 0;
        if (!part["version"].whole(version) || version != 1) return refuse({place, ": 'version' other than 1"}, part);
        if (!part["digits"].whole(digits) || digits < 1 || digits > 9)
            return wrong(part, place, "digits", "a whole number from 1 to 9");
        if (!part["expressions"].whole(expressions) || expressions > merges_)
            return wrong(part, place, "expressions", concat({"a whole number from 0 to ", merges_}));
        if (!table["cut"].real(cut) || !(cut >= -1e9 && cut <= 1e9) || cut != static_cast<std::int32_t>(cut))
            return wrong(table, bounds, "cut", "a whole number below a billion");
        const auto* mark = find_added(parts_.added, part["decomposed"].string());
        if (mark == nullptr) return wrong(part, place, "decomposed", "an added token");
        if (!part["attribution"].is(kind::string)) return wrong(part, place, "attribution", "a string");
        if (!weights.is(kind::string) || !base64_bytes(weights.string(), parts_.weights))
            return wrong(table, bounds, "weights", "base64");
        for (const auto b : lists_.weights) parts_.weights.push_back(static_cast<std::int8_t>(b));
        if (const auto n = parts_.weights.size(); n != boundary_model::slots)
            return bad({bounds, ": 'weights' has ", n, " bytes, not ", boundary_model::slots}, table);
        parts_.digits = static_cast<std::uint32_t>(digits);
        parts_.expressions = static_cast<std::uint32_t>(expressions);
        parts_.cut = static_cast<std::int32_t>(cut);
        parts_.decomposed = mark->id;
        parts_.attribution = part["attribution"].string();
        return parts_.morphemes = true;
    }
    /// The reference gives an added token the id of the vocabulary entry with its content, and else the next free one:
    /// it does not look at the id in the file. A file whose ids differ from these is refused.
    bool read_added(const value& tokens) {
        if (tokens.missing_or_null()) return true;
        if (!tokens.is(kind::array)) return bad({"added_tokens is not an array"}, tokens);
        auto next_id = static_cast<token_id>(parts_.words.count());
        std::size_t index = 0;
        std::vector<added_token> read;
        const auto add_next = [&](const value& v) {
            return add(v, concat({"added_tokens[", index++, "]"}), next_id, read);
        };
        if (!tokens.for_each(add_next)) return false;
        auto& added = parts_.added;
        parts_.skipped.resize(parts_.words.size());
        for (const auto i : sorted(read.size(), [&](auto a, auto b) { return read[a].content < read[b].content; }))
            added.push_back(std::move(read[i]));
        for (std::size_t i = 0; i < added.size(); ++i) {
            const auto& t = added[i];
            if (i > 0 && added[i - 1].content == t.content)
                return bad({"added token ", quoted(t.content), " is there twice"}, tokens);
            auto pattern = written(t);
            const auto* same = find_added(added, pattern);  // the reference asks by what it would write
            parts_.skipped[t.id] = same != nullptr && same->special;
            if (!(t.normalized ? parts_.normalized : parts_.raw).add(std::move(pattern), i, t.special))
                return bad({"added token ", quoted(t.content), " is spelled as another one"}, tokens);
        }
        return true;
    }
    std::string written(const added_token& t) const {
        return text::normalize(t.content, t.normalized ? parts_.form : text::normal_form::none);
    }
    bool add(const value& v, std::string_view place, token_id& next_id, std::vector<added_token>& read) {
        if (!only(v, place, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}))
            return false;
        if (!v["content"].is(kind::string)) return wrong(v, place, "content", "a string");
        added_token t{v["content"].string()};
        token_id id = no_token;
        if (!boolean(v, place, "single_word", t.single_word) || !boolean(v, place, "lstrip", t.lstrip) ||
            !boolean(v, place, "rstrip", t.rstrip) || !boolean(v, place, "normalized", t.normalized) ||
            !boolean(v, place, "special", t.special) || !read_id(v["id"], place, id))
            return false;
        if (t.content.empty()) return true;  // the reference leaves it out
        const auto known = find_key(t.content);
        t.id = known != no_token ? known : next_id++;
        if (t.id != id) return bad({place, ": id ", id, " where ", t.id, " is expected"}, v);
        const auto content = written(t);
        if (known != no_token && content != t.content)
            return refuse({place, ": a token of the vocabulary that the normalizer changes"}, v);
        const bool literal = spell(content);
        if (known == no_token && !parts_.words.add_unnamed(t.id, spelled_, literal))
            return bad({place, ": id ", t.id, " is there twice"}, v);
        read.push_back(std::move(t));
        return true;
    }
    packed_lists lists_;
    tokenizer_parts parts_;
    error failed_;
    std::uint32_t merges_ = 0;  // read so far
    std::string spelled_;
};
// == narae/token/encoder.hpp: Text to token ids: takes out added tokens, normalises what is between them, cuts that ...
struct encode_options {
    bool special = false;     ///< a special token written in the text becomes its id; else it is text like any other
    bool expressions = true;  ///< frequent expressions of several morphemes may become one token
};
/// Encodes for one thread. The more it has seen, the faster it is.
class encoder {
public:
    /// Borrows the parts.
    explicit encoder(const tokenizer_parts& parts)
        : parts_(parts), merger_(parts.words, parts.morphemes), cutter_(parts.weights, parts.cut, parts.digits) {}
    /// Appends the ids of `text`, which may be any bytes: those that are not UTF-8 are encoded as they are.
    void encode(std::string_view text, encode_options how, std::vector<token_id>& out) {
        how_ = how;
        out_ = &out;
        held_ = no_token;
        decomposed_ = false;
        if (cache_.empty() && (seen_ += text.size()) > 2048) cache_.resize(first_entries);
        const auto on_token = [&](const added_token& t) {  // the mark of decomposed Hangul stands for no text
            t.id == parts_.decomposed ? plain(t.content) : put_alone(t.id);
        };
        const auto on_plain = [&](std::string_view s) { plain(s); };
        const auto on_text = [&](std::string_view s) {
            if (parts_.form == text::normal_form::none && parts_.normalized.empty()) return plain(s);
            parts_.normalized.split(text::normalize(s, parts_.form), parts_.added, !how.special, on_plain, on_token);
        };
        parts_.raw.split(text, parts_.added, !how.special, on_text, on_token);
        if (held_ != no_token) out.push_back(held_);
    }
    /// f(segment) for the morphemes of plain text, its Hangul composed, and what is between them; or for whole pieces.
    void for_each_segment(std::string_view text, auto&& f) {
        for_each_piece(text, [&](std::string_view piece) {
            if (!parts_.morphemes) return void(f(piece));
            cutter_(composed(piece), f);
        });
    }
    /// Appends the ids of one segment.
    void encode_segment(std::string_view s, std::vector<token_id>& ids) {
        const auto whole = parts_.ignore_merges ? parts_.words.find(s) : no_token;
        if (whole == no_token) return merger_.encode(s, ids);
        ids.push_back(whole);
    }
private:
    // The cache grows while much is new to it, from 128 KiB to 8 MiB; short texts do without. More room at once would
    // cost a text of a megabyte more than it saves: new memory is slow the first time.
    static constexpr std::size_t first_entries = std::size_t{1} << 12, most_entries = std::size_t{1} << 18;
    static constexpr std::size_t longest_text = 23, most_ids = 4;
    /// The text of a piece, of at most longest_text bytes, filled up with zeros.
    struct key {
        std::uint64_t words[3] = {};
        key() = default;
        unsigned char& last() noexcept { return reinterpret_cast<unsigned char*>(words)[longest_text]; }
        /// `end` is where the text ends that the piece is in.
        key(std::string_view piece, const char* end) noexcept {
            static constexpr std::array<unsigned char, 48> ones = [] {
                std::array<unsigned char, 48> m{};
                for (std::size_t i = 0; i < 24; ++i) m[i] = 0xFF;
                return m;
            }();
            if (end - piece.data() < 24) {
                std::memcpy(words, piece.data(), piece.size());
                return;
            }
            std::uint64_t mask[3];
            std::memcpy(mask, ones.data() + 24 - piece.size(), 24);
            std::memcpy(words, piece.data(), 24);
            for (int i = 0; i < 3; ++i) words[i] &= mask[i];
        }
        std::size_t hash() const noexcept { return static_cast<std::size_t>(mix(mix(words[0] + words[2]) ^ words[1])); }
        /// Is k, of an entry, the same but for its last byte?
        bool matches(const key& k) const noexcept {
            constexpr auto count =
                std::bit_cast<std::uint64_t>(std::array<unsigned char, 8>{0, 0, 0, 0, 0, 0, 0, 0xFF});
            // One condition, not three: a branch would wait for the memory.
            return ((words[0] ^ k.words[0]) | (words[1] ^ k.words[1]) | ((words[2] ^ k.words[2]) & ~count)) == 0;
        }
    };
    /// What a piece became, in half a cache line: its text, in whose last byte stands how many ids.
    struct entry {
        key text;
        std::uint16_t ids[most_ids];
        unsigned char& count() noexcept { return text.last(); }
    };
    static_assert(sizeof(entry) == 32);
    /// May the cache hold this piece? A zero at its end would be taken for filling.
    static bool fits(std::string_view piece) noexcept { return piece.size() <= longest_text && piece.back() != '\0'; }
    struct looked_up {
        std::string_view piece;
        key text;
        std::size_t hash;
    };
    /// The piece with its Hangul letters joined to syllables, if some join and that can be undone.
    std::string_view composed(std::string_view piece) {
        if (piece.find('\xE1') == piece.npos || !text::compose_hangul(piece, composed_)) return piece;
        return composed_;
    }
    /// Text without added tokens, normalised, not empty.
    void plain(std::string_view s) {
        std::string prefixed;
        if (parts_.add_prefix_space && s[0] != ' ') s = (prefixed = " ").append(s);
        if (!parts_.use_pattern) return void(whole_piece(s));
        if (cache_.empty()) return for_each_piece(s, [&](std::string_view piece) { whole_piece(piece); });
        // Some pieces at a time: all are looked up before the first is written, so that the waits for memory overlap.
        const char* const end = s.data() + s.size();
        while (!s.empty()) {
            std::size_t n = 0;
            for (; n < batch_.size() && !s.empty(); ++n) {
                auto& b = batch_[n];
                b.piece = s.substr(0, first_piece(s));
                s.remove_prefix(b.piece.size());
                if (!fits(b.piece)) continue;
                b.text = key(b.piece, end);
                b.hash = b.text.hash();
                misses_ += !b.text.matches(cache_[b.hash & (cache_.size() - 2)].text);
            }
            for (std::size_t i = 0; i < n; ++i) {
                const auto& b = batch_[i];
                if (!fits(b.piece) || decomposed_) {
                    whole_piece(b.piece);
                    continue;
                }
                // Two entries share a cache line; the one that was used last stands first.
                auto* e = &cache_[b.hash & (cache_.size() - 2)];
                if (!b.text.matches(e[0].text)) std::swap(e[0], e[1]);
                if (!b.text.matches(e[0].text)) {
                    remember(b.piece, b.text, e[0]);
                    continue;
                }
                for (unsigned char k = 0; k < e->count(); ++k) put(e->ids[k]);
            }
            if (misses_ > cache_.size() && cache_.size() < most_entries) grow();
        }
    }
    /// Puts out the ids of a piece and keeps them if they are few and small.
    void remember(std::string_view piece, const key& k, entry& e) {
        bool small = whole_piece(piece) && fresh_.size() <= most_ids;
        for (const auto id : fresh_) small = small && id <= 0xFFFF;
        if (!small) return;
        e.text = k;
        e.count() = static_cast<unsigned char>(fresh_.size());
        for (std::size_t i = 0; i < fresh_.size(); ++i) e.ids[i] = static_cast<std::uint16_t>(fresh_[i]);
    }
    void grow() {
        misses_ = 0;
        std::vector<entry> wider(4 * cache_.size());
        for (auto& e : cache_) {
            if (e.count() == 0) continue;
            auto text = e.text;
            text.last() = 0;
            auto* to = &wider[text.hash() & (wider.size() - 2)];
            to[to->count() != 0] = e;
        }
        cache_.swap(wider);
    }
    /// Puts out the ids of a piece, which fresh_ keeps, after a mark where text in Hangul letters begins or ends. False
    /// if they are those of its composed spelling.
    bool whole_piece(std::string_view piece) {
        fresh_.clear();
        const auto joined = parts_.decomposed == no_token ? piece : composed(piece);
        const bool changed = joined.data() != piece.data();
        parts_.morphemes ? cutter_(joined, [&](std::string_view s) { encode_segment(s, fresh_); })
                         : encode_segment(piece, fresh_);
        if (parts_.decomposed != no_token && changed != decomposed_ && (changed || text::has_syllable(piece))) {
            put_alone(parts_.decomposed);
            decomposed_ = changed;
        }
        for (const auto id : fresh_) put(id);
        return !changed;
    }
    /// Expressions are read from left to right: a token takes in the next one for as long as the two are one.
    void put(token_id id) {
        if (!how_.expressions) return out_->push_back(id);
        if (held_ != no_token) {
            if (const auto whole = parts_.words.expression_of(held_, id); whole != no_token) {
                held_ = whole;
                return;
            }
            out_->push_back(held_);
        }
        held_ = id;
    }
    /// An added token is part of no expression.
    void put_alone(token_id id) {
        if (held_ != no_token) out_->push_back(std::exchange(held_, no_token));
        out_->push_back(id);
    }
    const tokenizer_parts& parts_;
    bpe merger_;
    segmenter cutter_;
    std::vector<entry> cache_;
    std::array<looked_up, 16> batch_;
    std::size_t seen_ = 0, misses_ = 0;  // bytes; pieces since the cache last grew
    std::vector<token_id> fresh_;
    std::string composed_;
    // Of the text at hand:
    encode_options how_;
    std::vector<token_id>* out_ = nullptr;
    token_id held_ = no_token;  // may still take in the next one
    bool decomposed_ = false;   // the last Hangul stood in letters
};
// == narae/token/tokenizer.hpp: Text to token ids and back
/// Immutable once parsed, so that threads may share one.
class tokenizer {
public:
    /// Reads a Hugging Face tokenizer.json (byte-level BPE) and keeps nothing of it. What is not understood is refused.
    static result<tokenizer> parse(byte_view tokenizer_json) {
        return guarded([&] {
            auto parts = token::tokenizer_json::read(tokenizer_json);
            return parts ? result<tokenizer>(tokenizer(*std::move(parts))) : parts.error();
        });
    }
    /// The ids of `text`, which may be any bytes. For much text, or many texts, keep an encoder.
    std::vector<token_id> encode(std::string_view text, encode_options how = {}) const {
        std::vector<token_id> ids;
        make_encoder().encode(text, how, ids);
        return ids;
    }
    /// An encoder for one thread, which borrows this tokenizer.
    encoder make_encoder() const { return encoder(parts_); }
    /// The text of `ids`. Bytes that do not make a character become U+FFFD, one for each maximal part of a character.
    /// Ids without a token give nothing. skip_special leaves out special tokens.
    std::string decode(std::span<const token_id> ids, bool skip_special = false) const;
    /// The same, but bytes that do not make a character stay as they are: what was encoded comes back whole.
    std::string decode_bytes(std::span<const token_id> ids) const;
    /// A token's bytes, or an added token's content, as decoding writes it; empty for an id without a token.
    std::string_view bytes_of(token_id id) const noexcept { return parts_.words.bytes_of(id); }
    /// One past the largest id that has a token; and how many ids have one.
    std::size_t size() const noexcept { return parts_.words.size(); }
    std::size_t count() const noexcept { return parts_.words.count(); }
    /// The added token with this content, or else the token of these bytes.
    std::optional<token_id> find(std::string_view content) const {
        if (const auto* added = find_added(parts_.added, content)) return added->id;
        for (const bool literal : {false, true})
            if (const auto id = parts_.words.find(content, literal); id != no_token) return id;
        return std::nullopt;
    }
    /// Does it cut words into morphemes? And with what; a model that cuts nowhere where it does not.
    bool cuts_morphemes() const noexcept { return parts_.morphemes; }
    boundary_model boundaries() const {
        return cuts_morphemes() ? boundary_model{parts_.weights, parts_.cut} : boundary_model();
    }
    bool is_special(token_id id) const noexcept { return id < parts_.skipped.size() && parts_.skipped[id] != 0; }
    /// The special token that ends a text: the first of these that there is.
    std::optional<token_id> end_of_text() const {
        for (const char* name : {"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]", "<|im_end|>"})
            if (const auto id = find(name); id && is_special(*id)) return id;
        return std::nullopt;
    }
private:
    explicit tokenizer(tokenizer_parts&& parts) : parts_(std::move(parts)) {
        if (parts_.expressions != 0) parts_.words.set_expressions(parts_.expressions);
    }
    friend class stream_decoder;
    tokenizer_parts parts_;
};
/// Decodes ids as they come: gives out whole characters only. What it gives out, joined, is what decode() gives.
class stream_decoder {
public:
    /// What becomes of bytes that can never become a character.
    enum class broken { replaced, kept };
    /// Borrows the tokenizer. Special tokens give nothing unless skip_special is false.
    explicit stream_decoder(const tokenizer& t, bool skip_special = true, broken b = broken::replaced)
        : tokenizer_(t), skip_special_(skip_special), broken_(b) {}
    /// The text that this id completes, often empty. Broken bytes turn into U+FFFD, or else are kept.
    std::string push(token_id id) {
        if (id == tokenizer_.parts_.decomposed && id != no_token) return apart_ = !apart_, std::string();
        if (skip_special_ && tokenizer_.is_special(id)) return {};
        waiting_ += tokenizer_.bytes_of(id);
        return take(text::utf8_unfinished(waiting_));
    }
    /// What waits for bytes that did not come. The decoder may be used again afterwards.
    std::string finish() { return take(0); }
private:
    /// All that waits but for the last `keep` bytes.
    std::string take(std::size_t keep) {
        std::string out;
        std::string_view rest(waiting_);
        while (rest.size() > keep) {
            const auto step = text::utf8_front(rest);
            if (!step.valid && broken_ == broken::kept) {
                out += rest.substr(0, step.length);
            } else if (apart_ && text::is_syllable(step.code_point)) {
                const auto j = text::split_syllable(step.code_point);
                text::utf8_append(out, j.initial), text::utf8_append(out, j.vowel);
                if (j.last != 0) text::utf8_append(out, j.last);
            } else {
                text::utf8_append(out, step.code_point);
            }
            rest.remove_prefix(step.length);
        }
        waiting_.erase(0, waiting_.size() - rest.size());
        return out;
    }
    const tokenizer& tokenizer_;
    bool skip_special_;
    broken broken_;
    bool apart_ = false;   // syllables are written letter by letter
    std::string waiting_;  // between calls the beginning of a character, at most 3 bytes
};
inline std::string tokenizer::decode(std::span<const token_id> ids, bool skip_special) const {
    stream_decoder decoder(*this, skip_special);
    std::string out;
    for (const auto id : ids) out += decoder.push(id);
    return out + decoder.finish();
}
inline std::string tokenizer::decode_bytes(std::span<const token_id> ids) const {
    stream_decoder decoder(*this, false, stream_decoder::broken::kept);
    std::string out;
    std::size_t i = 0;  // up to the first mark the bytes only need joining
    for (; i < ids.size() && (ids[i] != parts_.decomposed || parts_.decomposed == no_token); ++i)
        out += bytes_of(ids[i]);
    for (; i < ids.size(); ++i) out += decoder.push(ids[i]);
    return out + decoder.finish();
}
}  // namespace narae::inline NARAE_ABI::token
// == narae/kernel/attend/contract.hpp: The contracts of attention over a block of cached positions: some queries, ...
namespace narae::inline NARAE_ABI::kernel {
/// Positions are attended in blocks of this many slots; block borders lie at fixed slots of the cache.
inline constexpr std::size_t attend_block = 64;
/// Head widths are padded with zeros to a multiple of this.
inline constexpr std::size_t attend_pad = 16;
/// How many queries go through a block together at most.
inline constexpr std::size_t attend_queries = 8;
/// Keys lie in tiles of 16 slots, so that each SIMD lane owns a slot: four (8 bits) or one (float) of its numbers, then
/// those of the next slot. Where number i of slot j is, counted from the block's first key:
template <class Number> constexpr std::size_t key_at(std::size_t j, std::size_t i, std::size_t e) noexcept {
    constexpr std::size_t run = 4 / sizeof(Number);
    return j / num::lanes * num::lanes * e + i / run * num::lanes * run + j % num::lanes * run + i % run;
}
/// What one query sees of a block, and where its softmax stands.
struct query_state {
    float scale;                     ///< of its numbers, 1 / sqrt(head width) included
    std::int32_t sum_q;              ///< the sum of its numbers if they are 8 bits
    std::size_t begin = 0, end = 0;  ///< the slots it sees, begin < end
    float largest = -1e30f;          ///< score so far
    float sum = 0;                   ///< of exp(score - largest) so far
};
/// Up to eight queries that read the same keys and values: of neighbouring tokens, or of the heads that share them.
template <class Number> struct query_block {
    std::size_t count;
    const Number* q;     ///< [count, E]
    float* mean;         ///< [count, E] of the values seen so far; to be divided by sum at the end
    query_state* state;  ///< [count]
    query_block part(std::size_t first, std::size_t n, std::size_t e) const noexcept {
        return {n, q + first * e, mean + first * e, state + first};
    }
};
/// A block of the cache, one head of it: keys as key_at says, values [slots, E], for 8 bits a scale per slot.
template <class Number> struct cache_block {
    const Number* k;
    const float* k_scale;
    const Number* v;
    const float* v_scale;
};
/// Takes the slots that each query sees, all below n <= 64, into its weighted mean. Needs E % 16 == 0, and finite
/// numbers in every slot of the tiles touched.
/// In this order, for each query: score = float(q . k) * (scale * k_scale), in floats (q . k by fma, ascending) *
/// scale; m = largest score of the block; p = exp(score - m), 0 for what it does not see; sum of p in num::lanes lanes
/// by slot; block[e] = sum over the slots, ascending, by fma(p * v_scale, v, .); then with M = max(largest, m), a =
/// exp(largest - M), b = exp(m - M): mean = fma(mean, a, block * b), and likewise sum. So every table gives equal bits,
/// whoever shares the block (but for the sign of a largest score of zero, on which nothing depends).
template <class Number>
using attend_op = void(const query_block<Number>& queries, const cache_block<Number>& block, std::size_t n,
                       std::size_t e) noexcept;
// == narae/kernel/gemv_dense/contract.hpp: The contract of gemv_f32, gemv_f16 and gemv_bf16: unpacked weights as ...
/// y[N] += W[N, K] * x[K] for rows row_begin .. row_end, W row-major little-endian f32, f16 or bf16, at any address.
/// Exact order: column i goes by fma to lane i % 16, ascending; then num::sum_lanes, which is added to y. So every
/// table gives equal bits. Error of the sum at most (K / 16 + 5) * 2^-24 * sum |w * x|. Allocates nothing, cannot fail.
using gemv_dense_op = void(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                           std::size_t row_end) noexcept;
// == narae/kernel/gemm_packed/contract.hpp: The contract of gemm_q4 and gemm_q8: packed weights times 8-bit ...
/// y[T, N] += x[T, K] W[N, K]^T in the columns row_begin .. row_end of y, whose rows are y_stride apart; W packed as
/// num::q4_layout or num::q8_layout. What y holds before is a bias, the residual stream, or zero. Needs row_begin and
/// row_end at multiples of 16 and y with room for whole tiles; w need not be aligned.
/// Exact: per group of 64 an integer dot product, then one fma into the sum, groups in ascending order;
///   sum = fma(float(dot), w_scale * x_scale, sum), dot = sum over i of value * q, value = the layout's own;
/// at the end y += sum. So every table gives equal bits, for any T. Against the exact product of the same quantised
/// numbers the error of the sum is at most (groups + 2) * 2^-24 * sum over groups of |dot * w_scale * x_scale|.
/// Allocates nothing, cannot fail.
using gemm_packed_op = void(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x, std::size_t T,
                            std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept;
// == narae/kernel/rows/contract.hpp: The contracts of what happens to one row of numbers between two matrices
/// y[D] = (x - mean) / sqrt(var + eps) * gain + bias. Layer normalisation: Ba et al. 2016, arXiv:1607.06450.
/// mean = sum / D; var = sum of (x - mean)^2 by fma / D; y = fma((x - mean) * inverse, gain, bias). y may be x.
using layer_norm_op = void(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                           float eps) noexcept;
/// x[n] = gelu(x + bias), in place, by num::gelu.
using bias_gelu_op = void(float* x, const float* bias, std::size_t n) noexcept;
/// Quantises x[K] to 8 bits in groups of `group` numbers: scale = largest |x| / 127, q = x * (127 / largest) by
/// num::round_q8, zero where the whole group is zero; the last group is padded with zeros.
using quantize_q8_op = void(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// == narae/kernel/attend/scalar.hpp: attend_q8 and attend_f32 by definition: scores, then softmax and values, which ...
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
// == narae/kernel/gemv_dense/scalar.hpp: gemv_f32, gemv_f16 and gemv_bf16 by definition: one loop, three ways to ...
/// How each format holds its weights: bytes of one, and weight i.
struct weights_f32 {
    static constexpr std::size_t size = 4;
    static float value(const std::byte* w, std::size_t i) noexcept { return load_le<float>(w + i * 4); }
};
struct weights_f16 {
    static constexpr std::size_t size = 2;
    static float value(const std::byte* w, std::size_t i) noexcept {
        return num::f16_to_f32(load_le<std::uint16_t>(w + i * 2));
    }
};
struct weights_bf16 {
    static constexpr std::size_t size = 2;
    static float value(const std::byte* w, std::size_t i) noexcept {
        return num::bf16_to_f32(load_le<std::uint16_t>(w + i * 2));
    }
};
template <class Weights>
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; ++row) {
        float lane[num::lanes] = {};
        for (std::size_t i = 0; i < k; ++i)
            lane[i % num::lanes] = std::fma(Weights::value(w, row * k + i), x[i], lane[i % num::lanes]);
        y[row] += num::sum_lanes(lane);
    }
}
// == narae/kernel/gemm_packed/scalar.hpp: gemm_q4 and gemm_q8 by definition: one loop over whatever layout
/// The product of row `row` of W and one token.
template <class Layout>
inline float dot_packed(const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row) noexcept {
    using namespace num;
    const std::byte* scales = w + row / tile_rows * Layout::tile_bytes(k);
    const std::byte* codes = scales + Layout::scale_bytes(k);
    const std::size_t r = row % tile_rows;
    float sum = 0;
    for (std::size_t g = 0; g < groups_of(k); ++g) {
        std::int32_t dot = 0;
        for (std::size_t i = g * group_len; i < (g + 1) * group_len; ++i) dot += Layout::value(codes, r, i) * x.q[i];
        const float scale = f16_to_f32(load_le<std::uint16_t>(scales + (g * tile_rows + r) * 2));
        sum = std::fma(static_cast<float>(dot), scale * x.scale[g], sum);
    }
    return sum;
}
template <class Layout>
inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x, std::size_t T,
                        std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; ++row)
        for (std::size_t t = 0; t < T; ++t) y[t * y_stride + row] += dot_packed<Layout>(w, x[t], k, row);
}
// == narae/kernel/rows/scalar.hpp: layer_norm, bias_gelu and quantize_q8 by definition
inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                       float eps) noexcept {
    float lane[num::lanes] = {};
    for (std::size_t i = 0; i < d; ++i) lane[i % num::lanes] += x[i];
    const float mean = num::sum_lanes(lane) / static_cast<float>(d);
    for (auto& l : lane) l = 0;
    for (std::size_t i = 0; i < d; ++i) {
        const float off = x[i] - mean;
        lane[i % num::lanes] = std::fma(off, off, lane[i % num::lanes]);
    }
    const float var = num::sum_lanes(lane) / static_cast<float>(d), inverse = 1.0f / std::sqrt(var + eps);
    for (std::size_t i = 0; i < d; ++i) y[i] = std::fma((x[i] - mean) * inverse, gain[i], bias[i]);
}
inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i) x[i] = num::gelu(x[i] + bias[i]);
}
inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept {
    for (std::size_t g = 0; g * group < k; ++g) {
        std::int8_t* q = out.q + g * group;
        const std::size_t n = k - g * group < group ? k - g * group : group;
        out.scale[g] = num::quantize_q8(q, x + g * group, n);
        for (std::size_t i = n; i < group; ++i) q[i] = 0;
        out.sum[g] = 0;
        for (std::size_t i = 0; i < n; ++i) out.sum[g] += q[i];
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// == narae/kernel/table.hpp: One function pointer per operation; each slot starts as its scalar version, which is ...
namespace narae::inline NARAE_ABI::kernel {
struct table {
    const char* name = "scalar";
    gemv_dense_op* gemv_f32 = scalar::gemv_dense<scalar::weights_f32>;
    gemv_dense_op* gemv_f16 = scalar::gemv_dense<scalar::weights_f16>;
    gemv_dense_op* gemv_bf16 = scalar::gemv_dense<scalar::weights_bf16>;
    gemm_packed_op* gemm_q8 = scalar::gemm_packed<num::q8_layout>;
    gemm_packed_op* gemm_q4 = scalar::gemm_packed<num::q4_layout>;
    layer_norm_op* layer_norm = scalar::layer_norm;
    bias_gelu_op* bias_gelu = scalar::bias_gelu;
    quantize_q8_op* quantize_q8 = scalar::quantize_q8;
    attend_op<std::int8_t>* attend_q8 = scalar::attend<std::int8_t>;
    attend_op<float>* attend_f32 = scalar::attend<float>;
};
}  // namespace narae::inline NARAE_ABI::kernel
// == narae/kernel/isa/avx2_math.hpp: What AVX2 kernels share: num/math.hpp eight lanes at a time (the same steps in ...
#if NARAE_X86
#include <immintrin.h>
namespace narae::inline NARAE_ABI::kernel::avx2 {
/// Asks for the cache line `ahead` bytes behind p, which may lie beyond the end of everything.
/// Matrices are read once and in order, but the hardware's own fetching stops at page ends and starts anew: two pages
/// ahead gave 2.4 times the speed from memory with q4, 1.6 with q8, and cost nothing from the cache.
NARAE_AVX2 inline void fetch(const void* p, std::size_t ahead) noexcept {
    _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(p) + ahead), _MM_HINT_T0);
}
inline constexpr std::size_t two_pages = 8192;
/// num::sum_lanes of lanes 0..7 and 8..15.
NARAE_AVX2 inline float sum_lanes(__m256 low, __m256 high) noexcept {
    const __m256 eight = _mm256_add_ps(low, high);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
/// The largest of eight.
NARAE_AVX2 inline float largest_of(__m256 v) noexcept {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
/// num::exp.
NARAE_AVX2 inline __m256 exp(__m256 x) noexcept {
    const __m256 not_zero = _mm256_cmp_ps(x, _mm256_set1_ps(num::exp_min), _CMP_GE_OQ);
    x = _mm256_min_ps(x, _mm256_set1_ps(num::exp_max));
    const __m256 half = _mm256_or_ps(_mm256_and_ps(x, _mm256_set1_ps(-0.0f)), _mm256_set1_ps(0.5f));
    const __m256i n = _mm256_cvttps_epi32(_mm256_fmadd_ps(x, _mm256_set1_ps(num::log2_e), half));
    const __m256 whole = _mm256_cvtepi32_ps(n);
    __m256 r = _mm256_fnmadd_ps(whole, _mm256_set1_ps(num::ln2_high), x);
    r = _mm256_fnmadd_ps(whole, _mm256_set1_ps(num::ln2_low), r);
    __m256 p = _mm256_set1_ps(num::exp_c[0]);
    for (int i = 1; i < 7; ++i) p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(num::exp_c[i]));
    const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23);
    return _mm256_and_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(power)), not_zero);
}
/// num::gelu.
NARAE_AVX2 inline __m256 gelu(__m256 x) noexcept {
    const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x), one = _mm256_set1_ps(1.0f);
    const __m256 z = _mm256_min_ps(size, _mm256_set1_ps(num::tail_max));
    const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(num::tail_p), z, one));
    __m256 p = _mm256_set1_ps(num::tail_c[0]);
    for (int i = 1; i < 9; ++i) p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(num::tail_c[i]));
    const __m256 tail = _mm256_mul_ps(p, exp(_mm256_mul_ps(_mm256_mul_ps(z, z), _mm256_set1_ps(-0.5f))));
    const __m256 negative = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ);
    return _mm256_blendv_ps(_mm256_fnmadd_ps(x, tail, x), _mm256_mul_ps(x, tail), negative);
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
// == narae/kernel/gemm_packed/avx2.hpp: gemm_q4 and gemm_q8 for AVX2: a register holds 8 rows x 4 inputs, and each ...
namespace narae::inline NARAE_ABI::kernel::avx2 {
NARAE_AVX2 inline __m256i load32(const std::byte* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
NARAE_AVX2 inline void add_to(float* y, __m256 sum) noexcept {
    _mm256_storeu_ps(y, _mm256_add_ps(_mm256_loadu_ps(y), sum));
}
/// Four neighbouring inputs in every 32-bit lane.
NARAE_AVX2 inline __m256i four_of(const std::int8_t* q) noexcept { return _mm256_set1_epi32(load_le<std::int32_t>(q)); }
struct codes_q4 : num::q4_layout {
    static constexpr std::size_t halves = 1;  // of a tile that group() takes at once
    /// dot[T] = the group's dot products of 8 rows with token T, whose inputs are at q + T * stride.
    template <std::size_t... T>
    NARAE_AVX2 static void group(__m256i* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                 const std::int32_t* q_sum, std::size_t groups, std::index_sequence<T...>) noexcept {
        const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
        // A 16-bit lane takes 8 times at most 2 * 15 * 127: 30,480 and still exact.
        __m256i low[sizeof...(T)], high[sizeof...(T)];
        ((low[T] = high[T] = _mm256_setzero_si256()), ...);
        for (int chunk = 0; chunk < 8; ++chunk) {
            const __m256i w = load32(codes), w_low = _mm256_and_si256(w, nibble);
            const __m256i w_high = _mm256_and_si256(_mm256_srli_epi16(w, 4), nibble);
            ((low[T] = _mm256_add_epi16(low[T], _mm256_maddubs_epi16(w_low, four_of(q + T * stride))),
              high[T] = _mm256_add_epi16(high[T], _mm256_maddubs_epi16(w_high, four_of(q + T * stride + 4)))),
             ...);
            codes += 64;
            q += 8;
        }
        // The zero point of every code is taken off at once.
        ((dot[T] = _mm256_add_epi32(_mm256_add_epi32(_mm256_madd_epi16(low[T], ones), _mm256_madd_epi16(high[T], ones)),
                                    _mm256_set1_epi32(-8 * q_sum[T * groups]))),
         ...);
    }
};
struct codes_q8 : num::q8_layout {
    static constexpr std::size_t halves = 1;  // of a tile that group() takes at once
    /// The multiplication wants one factor unsigned, so the weight's sign goes to q. Two products reach 2 * 128 * 127
    /// at most, which 16 bits hold, even if a file brings a -128.
    template <std::size_t... T>
    NARAE_AVX2 static void group(__m256i* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                 const std::int32_t*, std::size_t, std::index_sequence<T...>) noexcept {
        const __m256i ones = _mm256_set1_epi16(1);
        ((dot[T] = _mm256_setzero_si256()), ...);
        for (int chunk = 0; chunk < 16; ++chunk) {
            const __m256i w = load32(codes), size = _mm256_abs_epi8(w);
            ((dot[T] = _mm256_add_epi32(
                  dot[T],
                  _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(four_of(q + T * stride), w)), ones))),
             ...);
            codes += 64;
            q += 4;
        }
    }
};
/// All rows of one tile with the tokens T...
template <class Codes, std::size_t... T>
NARAE_AVX2 inline void tile(float* y, std::size_t y_stride, const std::byte* scales, const num::q8_rows& x,
                            std::size_t k, std::index_sequence<T...> tokens) noexcept {
    const std::byte* codes = scales + Codes::scale_bytes(k);
    const std::size_t stride = x.groups * num::group_len;
    __m256 sum[2][sizeof...(T)];  // rows 0..7 and 8..15
    ((sum[0][T] = sum[1][T] = _mm256_setzero_ps()), ...);
    for (std::size_t g = 0; g < num::groups_of(k); ++g) {
        for (std::size_t line = 0; line < Codes::group_bytes; line += 64) fetch(codes + line, two_pages);
        __m256i dot[Codes::halves * sizeof...(T)];
        for (std::size_t half = 0; half < 2; ++half) {
            if (half % Codes::halves == 0)
                Codes::group(dot, codes + 32 * half, x.q + g * num::group_len, stride, x.sum + g, x.groups, tokens);
            const __m256i* mine = dot + half % Codes::halves * sizeof...(T);
            const __m256 scale = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales) + half));
            ((sum[half][T] =
                  _mm256_fmadd_ps(_mm256_cvtepi32_ps(mine[T]),
                                  _mm256_mul_ps(scale, _mm256_set1_ps(x.scale[T * x.groups + g])), sum[half][T])),
             ...);
        }
        codes += Codes::group_bytes;
        scales += num::tile_rows * 2;
    }
    ((add_to(y + T * y_stride, sum[0][T]), add_to(y + T * y_stride + 8, sum[1][T])), ...);
}
template <class Codes>
NARAE_AVX2 inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x,
                                   std::size_t T, std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* at = w + row / num::tile_rows * Codes::tile_bytes(k);
        std::size_t t = 0;
        for (; t + 4 <= T; t += 4)
            tile<Codes>(y + t * y_stride + row, y_stride, at, x.from(t), k, std::make_index_sequence<4>());
        for (; t < T; ++t)
            tile<Codes>(y + t * y_stride + row, y_stride, at, x.from(t), k, std::make_index_sequence<1>());
    }
}
// == narae/kernel/attend/avx2.hpp: attend_q8 for AVX2: scores of 16 slots together, softmax in 16 lanes, then the ...
/// The end of scalar::softmax_block: a block whose largest score is m and whose weights have this sum joins the query.
NARAE_AVX2 inline scalar::merge_factors join(query_state& s, float m, float sum) noexcept {
    const float largest = s.largest > m ? s.largest : m;
    const __m256 factors = exp(_mm256_setr_ps(s.largest - largest, m - largest, 0, 0, 0, 0, 0, 0));
    const __m128 a = _mm256_castps256_ps128(factors), b = _mm_movehdup_ps(a);
    const __m128 joined = _mm_mul_ss(_mm_set_ss(sum), b);
    s.sum = _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(s.sum), a, joined));
    s.largest = largest;
    return {_mm_cvtss_f32(a), _mm_cvtss_f32(b)};
}
/// Scores outside what the query sees are never the largest, and their exp is 0.
inline void hide_unseen(const query_state& s, float* p, std::size_t n16) noexcept {
    for (std::size_t j = 0; j < s.begin; ++j) p[j] = -3e38f;
    for (std::size_t j = s.end; j < n16; ++j) p[j] = -3e38f;
}
/// scalar::softmax_block, then times v_scale; p[n16] is zero outside what the query sees.
NARAE_AVX2 inline scalar::merge_factors softmax_block(query_state& s, float* p, std::size_t n16,
                                                      const float* v_scale) noexcept {
    hide_unseen(s, p, n16);
    __m256 largest8 = _mm256_loadu_ps(p);
    for (std::size_t j = 8; j < n16; j += 8) largest8 = _mm256_max_ps(_mm256_loadu_ps(p + j), largest8);
    const float m = largest_of(largest8);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (std::size_t j = 0; j < n16; j += 8) {
        const __m256 weight = exp(_mm256_sub_ps(_mm256_loadu_ps(p + j), _mm256_set1_ps(m)));
        sum[j / 8 % 2] = _mm256_add_ps(sum[j / 8 % 2], weight);
        _mm256_storeu_ps(p + j, _mm256_mul_ps(weight, _mm256_loadu_ps(v_scale + j)));
    }
    return join(s, m, sum_lanes(sum[0], sum[1]));
}
/// p[T][0 .. 8] = scores of query T at eight slots, whose keys start at k.
template <std::size_t... T>
NARAE_AVX2 inline void score8(float* p, const query_block<std::int8_t>& queries, const std::int8_t* k,
                              const float* k_scale, std::size_t e, std::index_sequence<T...>) noexcept {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i dot[sizeof...(T)];
    ((dot[T] = _mm256_setzero_si256()), ...);
    for (std::size_t i = 0; i < e; i += 4, k += 4 * num::lanes) {
        const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(k)), size = _mm256_abs_epi8(four);
        ((dot[T] = _mm256_add_epi32(
              dot[T], _mm256_madd_epi16(
                          _mm256_maddubs_epi16(size, _mm256_sign_epi8(four_of(queries.q + T * e + i), four)), ones))),
         ...);
    }
    (_mm256_storeu_ps(p + T * attend_block,
                      _mm256_mul_ps(_mm256_cvtepi32_ps(dot[T]),
                                    _mm256_mul_ps(_mm256_set1_ps(queries.state[T].scale), _mm256_loadu_ps(k_scale)))),
     ...);
}
/// Eight values as floats.
NARAE_AVX2 inline __m256 load8(const std::int8_t* v) noexcept {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(v))));
}
/// o[0 .. 8] = fma(o, a, block * b)
NARAE_AVX2 inline void merge(float* o, __m256 block, scalar::merge_factors f) noexcept {
    block = _mm256_mul_ps(block, _mm256_set1_ps(f.b));
    _mm256_storeu_ps(o, _mm256_fmadd_ps(_mm256_loadu_ps(o), _mm256_set1_ps(f.a), block));
}
template <std::size_t... T>
NARAE_AVX2 inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                   std::size_t n, std::size_t e, std::index_sequence<T...> all) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += 8)
        score8(p + j, queries, c.k + key_at<std::int8_t>(j, 0, e), c.k_scale + j, e, all);
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    for (std::size_t i = 0; i < e; i += 16) {
        __m256 low[sizeof...(T)], high[sizeof...(T)];
        ((low[T] = high[T] = _mm256_setzero_ps()), ...);
        for (std::size_t j = 0; j < n; ++j) {
            const __m256 v_low = load8(c.v + j * e + i), v_high = load8(c.v + j * e + i + 8);
            ((low[T] = _mm256_fmadd_ps(_mm256_set1_ps(p[T * attend_block + j]), v_low, low[T]),
              high[T] = _mm256_fmadd_ps(_mm256_set1_ps(p[T * attend_block + j]), v_high, high[T])),
             ...);
        }
        ((merge(queries.mean + T * e + i, low[T], f[T]), merge(queries.mean + T * e + i + 8, high[T], f[T])), ...);
    }
}
NARAE_AVX2 inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c, std::size_t n,
                              std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 4 <= queries.count; t += 4) attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>());
    for (; t < queries.count; ++t) attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>());
}
// == narae/kernel/gemv_dense/avx2.hpp: gemv_f32, gemv_f16 and gemv_bf16 for AVX2: two registers are the 16 lanes of ...
struct weights_f32 : scalar::weights_f32 {
    NARAE_AVX2 static __m256 load(const std::byte* w) noexcept {
        return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
    }
};
struct weights_f16 : scalar::weights_f16 {
    NARAE_AVX2 static __m256 load(const std::byte* w) noexcept {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    }
};
struct weights_bf16 : scalar::weights_bf16 {
    NARAE_AVX2 static __m256 load(const std::byte* w) noexcept {
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
        return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }
};
template <class Weights>
NARAE_AVX2 inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                                  std::size_t row_end) noexcept {
    if (k % num::lanes != 0) return scalar::gemv_dense<Weights>(y, w, x, k, row_begin, row_end);
    constexpr std::size_t half = 8 * Weights::size;
    for (std::size_t row = row_begin; row < row_end; row += 4) {
        const std::byte* w0 = w + row * k * Weights::size;
        const std::byte* w1 = row + 1 < row_end ? w0 + k * Weights::size : w0;  // at the end some rows are taken twice
        const std::byte* w2 = row + 2 < row_end ? w1 + k * Weights::size : w0;
        const std::byte* w3 = row + 3 < row_end ? w2 + k * Weights::size : w0;
        __m256 low0 = _mm256_setzero_ps(), low1 = low0, low2 = low0, low3 = low0;
        __m256 high0 = low0, high1 = low0, high2 = low0, high3 = low0;
        for (std::size_t i = 0; i < k; i += num::lanes) {
            const __m256 x_low = _mm256_loadu_ps(x + i), x_high = _mm256_loadu_ps(x + i + 8);
            const std::size_t at = i * Weights::size, four_rows = 4 * k * Weights::size;
            for (std::size_t line = 0; line < 8 * half; line += 64) fetch(w0, four_rows + 4 * at + line);
            low0 = _mm256_fmadd_ps(Weights::load(w0 + at), x_low, low0);
            low1 = _mm256_fmadd_ps(Weights::load(w1 + at), x_low, low1);
            low2 = _mm256_fmadd_ps(Weights::load(w2 + at), x_low, low2);
            low3 = _mm256_fmadd_ps(Weights::load(w3 + at), x_low, low3);
            high0 = _mm256_fmadd_ps(Weights::load(w0 + at + half), x_high, high0);
            high1 = _mm256_fmadd_ps(Weights::load(w1 + at + half), x_high, high1);
            high2 = _mm256_fmadd_ps(Weights::load(w2 + at + half), x_high, high2);
            high3 = _mm256_fmadd_ps(Weights::load(w3 + at + half), x_high, high3);
        }
        y[row] += sum_lanes(low0, high0);
        if (row + 1 < row_end) y[row + 1] += sum_lanes(low1, high1);
        if (row + 2 < row_end) y[row + 2] += sum_lanes(low2, high2);
        if (row + 3 < row_end) y[row + 3] += sum_lanes(low3, high3);
    }
}
// == narae/kernel/gemm_packed/avx_vnni.hpp: gemm_q4 and gemm_q8 for AVX2 with VNNI: the loops of avx2.hpp around ...
/// A function that may use more than its caller is never part of it: a call has to be worth both halves of a tile.
template <class Layout> struct codes_vnni : Layout {
    static constexpr std::size_t halves = 2;
    static constexpr bool q4 = Layout::group_bytes == num::q4_layout::group_bytes;
    /// Inputs 4 i .. 4 i + 3 of 8 rows as unsigned codes: 8 is zero in q4, 128 in q8.
    NARAE_AVX2 static __m256i four(const std::byte* codes, std::size_t i) noexcept {
        if constexpr (!q4)
            return _mm256_xor_si256(load32(codes + i * 64), _mm256_set1_epi32(static_cast<int>(0x80808080u)));
        const __m256i w = load32(codes + i / 2 * 64);
        return _mm256_and_si256(i % 2 == 0 ? w : _mm256_srli_epi16(w, 4), _mm256_set1_epi8(15));
    }
    template <std::size_t... T>
    NARAE_AVX_VNNI static void group(__m256i* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                     const std::int32_t* q_sum, std::size_t groups,
                                     std::index_sequence<T...>) noexcept {
        __m256i low[sizeof...(T)], high[sizeof...(T)], in;  // rows 0..7 and 8..15
        ((low[T] = high[T] = _mm256_set1_epi32((q4 ? -8 : -128) * q_sum[T * groups])), ...);
        for (std::size_t i = 0; i < num::group_len / 4; i += 2) {
            const __m256i w[] = {four(codes, i), four(codes + 32, i), four(codes, i + 1), four(codes + 32, i + 1)};
            ((in = four_of(q + T * stride + 4 * i), low[T] = _mm256_dpbusd_avx_epi32(low[T], w[0], in),
              high[T] = _mm256_dpbusd_avx_epi32(high[T], w[1], in), in = four_of(q + T * stride + 4 * i + 4),
              low[T] = _mm256_dpbusd_avx_epi32(low[T], w[2], in), high[T] = _mm256_dpbusd_avx_epi32(high[T], w[3], in)),
             ...);
        }
        ((dot[T] = low[T], dot[sizeof...(T) + T] = high[T]), ...);
    }
};
// == narae/kernel/rows/avx2.hpp: layer_norm, bias_gelu and quantize_q8 for AVX2
NARAE_AVX2 inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                                  float eps) noexcept {
    if (d % num::lanes != 0) return scalar::layer_norm(y, x, gain, bias, d, eps);
    __m256 low = _mm256_setzero_ps(), high = low;
    for (std::size_t i = 0; i < d; i += num::lanes) {
        low = _mm256_add_ps(low, _mm256_loadu_ps(x + i));
        high = _mm256_add_ps(high, _mm256_loadu_ps(x + i + 8));
    }
    const __m256 mean = _mm256_set1_ps(sum_lanes(low, high) / static_cast<float>(d));
    low = high = _mm256_setzero_ps();
    for (std::size_t i = 0; i < d; i += num::lanes) {
        const __m256 off_low = _mm256_sub_ps(_mm256_loadu_ps(x + i), mean);
        const __m256 off_high = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8), mean);
        low = _mm256_fmadd_ps(off_low, off_low, low);
        high = _mm256_fmadd_ps(off_high, off_high, high);
    }
    const float var = sum_lanes(low, high) / static_cast<float>(d);
    const __m256 inverse = _mm256_div_ps(_mm256_set1_ps(1.0f), _mm256_sqrt_ps(_mm256_set1_ps(var + eps)));
    for (std::size_t i = 0; i < d; i += 8) {
        const __m256 normal = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), inverse);
        _mm256_storeu_ps(y + i, _mm256_fmadd_ps(normal, _mm256_loadu_ps(gain + i), _mm256_loadu_ps(bias + i)));
    }
}
NARAE_AVX2 inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, gelu(_mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}
/// num::round_q8 of x * inverse, eight times.
NARAE_AVX2 inline __m256i round_q8(const float* x, __m256 inverse) noexcept {
    __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
    v = _mm256_max_ps(v, _mm256_set1_ps(-127.0f));  // the second of the two if v is no number, as defined
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(127.0f)));
}
NARAE_AVX2 inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept {
    if (group % 32 != 0) return scalar::quantize_q8(out, x, k, group);
    const __m256 sign = _mm256_set1_ps(-0.0f);
    const std::size_t whole = k / group;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * group;
        __m256 size = _mm256_setzero_ps();
        for (std::size_t i = 0; i < group; i += 8)
            size = _mm256_max_ps(_mm256_andnot_ps(sign, _mm256_loadu_ps(from + i)), size);
        const float largest = largest_of(size);
        const __m256 inverse = _mm256_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
        __m256i sum = _mm256_setzero_si256();
        for (std::size_t i = 0; i < group; i += 32) {
            const __m256i a = round_q8(from + i, inverse), b = round_q8(from + i + 8, inverse);
            const __m256i c = round_q8(from + i + 16, inverse), d = round_q8(from + i + 24, inverse);
            sum = _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
            // Packing works within 128-bit halves: fours of a, b, c, d, then again; the permutation sorts them.
            const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            const __m256i sorted = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.q + g * group + i), sorted);
        }
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
        out.sum[g] = _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
        out.scale[g] = largest / 127.0f;
    }
    const std::size_t done = whole * group;
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done, group);
}
// == narae/kernel/isa/avx2.hpp: What AVX2 (with FMA and F16C) replaces, and then AVX-VNNI
inline table overlay(table t) noexcept {
    t.name = "avx2";
    t.gemv_f32 = gemv_dense<weights_f32>;
    t.gemv_f16 = gemv_dense<weights_f16>;
    t.gemv_bf16 = gemv_dense<weights_bf16>;
    t.gemm_q8 = gemm_packed<codes_q8>;
    t.gemm_q4 = gemm_packed<codes_q4>;
    t.layer_norm = layer_norm;
    t.bias_gelu = bias_gelu;
    t.quantize_q8 = quantize_q8;
    t.attend_q8 = attend;
    return t;
}
inline table overlay_vnni(table t) noexcept {
    t.name = "avxvnni";
    t.gemm_q8 = gemm_packed<codes_vnni<num::q8_layout>>;
    t.gemm_q4 = gemm_packed<codes_vnni<num::q4_layout>>;
    return t;
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
// == narae/kernel/isa/avx512_math.hpp: num/math.hpp sixteen lanes at a time: the same steps in the same order as ...
namespace narae::inline NARAE_ABI::kernel::avx512 {
/// GCC 12 warns of the plain forms of some conversions and shifts, whose masked result it thinks is read; those that
/// set the masked part to zero are free of that, and with every lane chosen the same instruction.
inline constexpr __mmask16 all = 0xFFFF;
/// Lanes 8 I .. 8 I + 7.
template <int I> NARAE_AVX512_VNNI inline __m256 eight(__m512 v) noexcept {
    return _mm512_maskz_extractf32x8_ps(0xFF, v, I);
}
/// num::exp.
NARAE_AVX512_VNNI inline __m512 exp(__m512 x) noexcept {
    const __mmask16 not_zero = _mm512_cmp_ps_mask(x, _mm512_set1_ps(num::exp_min), _CMP_GE_OQ);
    x = _mm512_maskz_min_ps(all, x, _mm512_set1_ps(num::exp_max));
    const __m512 half = _mm512_or_ps(_mm512_and_ps(x, _mm512_set1_ps(-0.0f)), _mm512_set1_ps(0.5f));
    const __m512i n = _mm512_maskz_cvttps_epi32(all, _mm512_fmadd_ps(x, _mm512_set1_ps(num::log2_e), half));
    const __m512 whole = _mm512_maskz_cvtepi32_ps(all, n);
    __m512 r = _mm512_fnmadd_ps(whole, _mm512_set1_ps(num::ln2_high), x);
    r = _mm512_fnmadd_ps(whole, _mm512_set1_ps(num::ln2_low), r);
    __m512 p = _mm512_set1_ps(num::exp_c[0]);
    for (int i = 1; i < 7; ++i) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(num::exp_c[i]));
    const __m512i power = _mm512_maskz_slli_epi32(all, _mm512_add_epi32(n, _mm512_set1_epi32(127)), 23);
    return _mm512_maskz_mul_ps(not_zero, p, _mm512_castsi512_ps(power));
}
/// num::gelu.
NARAE_AVX512_VNNI inline __m512 gelu(__m512 x) noexcept {
    const __m512 size = _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x), one = _mm512_set1_ps(1.0f);
    const __m512 z = _mm512_maskz_min_ps(all, size, _mm512_set1_ps(num::tail_max));
    const __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(_mm512_set1_ps(num::tail_p), z, one));
    __m512 p = _mm512_set1_ps(num::tail_c[0]);
    for (int i = 1; i < 9; ++i) p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(num::tail_c[i]));
    const __m512 tail = _mm512_mul_ps(p, exp(_mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(-0.5f))));
    const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
    return _mm512_mask_mul_ps(_mm512_fnmadd_ps(x, tail, x), negative, x, tail);
}
// == narae/kernel/gemm_packed/avx512.hpp: gemm_q4 and gemm_q8 for AVX-512 with VNNI: a register holds a chunk of 16 ...
NARAE_AVX512_VNNI inline void add_to(float* y, __m512 sum) noexcept {
    _mm512_storeu_ps(y, _mm512_add_ps(_mm512_loadu_ps(y), sum));
}
/// dot[T] + w . four inputs of token T, in each of 16 rows of two tiles, which share each load of inputs.
template <std::size_t... T>
NARAE_AVX512_VNNI inline void add_four(__m512i* dot0, __m512i* dot1, __m512i w0, __m512i w1, const std::int8_t* q,
                                       std::size_t stride, std::index_sequence<T...>) noexcept {
    __m512i four;
    ((four = _mm512_set1_epi32(load_le<std::int32_t>(q + T * stride)), dot0[T] = _mm512_dpbusd_epi32(dot0[T], w0, four),
      dot1[T] = _mm512_dpbusd_epi32(dot1[T], w1, four)),
     ...);
}
/// sum[T] + what a group's dot products amount to; x begins at the group.
template <std::size_t... T>
NARAE_AVX512_VNNI inline void add_group(__m512* sum, const __m512i* dot, const std::byte* scales, const num::q8_rows& x,
                                        std::index_sequence<T...>) noexcept {
    const __m512 scale = _mm512_maskz_cvtph_ps(all, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales)));
    ((sum[T] = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(all, dot[T]),
                               _mm512_mul_ps(scale, _mm512_set1_ps(x.scale[T * x.groups])), sum[T])),
     ...);
}
struct codes_q4 : num::q4_layout {
    static constexpr int zero = 8;  // the code of 0
    /// The codes of inputs 4 i .. 4 i + 3 of a group.
    NARAE_AVX512_VNNI static __m512i four(const std::byte* codes, std::size_t i) noexcept {
        const __m512i w = _mm512_loadu_si512(codes + i / 2 * 64);
        return _mm512_and_si512(i % 2 == 0 ? w : _mm512_maskz_srli_epi16(~__mmask32{0}, w, 4), _mm512_set1_epi8(15));
    }
};
struct codes_q8 : num::q8_layout {
    static constexpr int zero = 128;  // signed codes become unsigned ones with 128 for zero
    NARAE_AVX512_VNNI static __m512i four(const std::byte* codes, std::size_t i) noexcept {
        return _mm512_xor_si512(_mm512_loadu_si512(codes + i * 64), _mm512_set1_epi32(static_cast<int>(0x80808080u)));
    }
};
/// All rows of two tiles with the tokens T...; the second begins `next` bytes behind the first, or is the first again
/// and not wanted. Each group fetches its share of the tiles that follow, `ahead_bytes` from `ahead` on.
template <class Codes, std::size_t... T>
NARAE_AVX512_VNNI inline void two_tiles(float* y, std::size_t y_stride, const std::byte* scales, std::size_t next,
                                        const num::q8_rows& x, std::size_t k, const std::byte* ahead,
                                        std::size_t ahead_bytes, std::index_sequence<T...> tokens) noexcept {
    const std::byte* codes = scales + Codes::scale_bytes(k);
    const std::size_t stride = x.groups * num::group_len;
    __m512 sum0[sizeof...(T)], sum1[sizeof...(T)];
    ((sum0[T] = sum1[T] = _mm512_setzero_ps()), ...);
    for (std::size_t g = 0; g < num::groups_of(k); ++g) {
        const num::q8_rows in{x.q + g * num::group_len, x.scale + g, x.sum + g, x.groups};
        __m512i dot0[sizeof...(T)], dot1[sizeof...(T)];  // they begin with what the codes' zero amounts to
        ((dot0[T] = dot1[T] = _mm512_set1_epi32(-in.sum[T * in.groups] * Codes::zero)), ...);
        for (std::size_t line = 0; line < ahead_bytes; line += 64) avx2::fetch(ahead + g * ahead_bytes, line);
        for (std::size_t i = 0; i < num::group_len / 4; i += 2) {
            const std::byte* other = codes + next;
            add_four(dot0, dot1, Codes::four(codes, i), Codes::four(other, i), in.q + 4 * i, stride, tokens);
            add_four(dot0, dot1, Codes::four(codes, i + 1), Codes::four(other, i + 1), in.q + 4 * i + 4, stride,
                     tokens);
        }
        add_group(sum0, dot0, scales, in, tokens);
        add_group(sum1, dot1, scales + next, in, tokens);
        codes += Codes::group_bytes;
        scales += num::tile_rows * 2;
    }
    (add_to(y + T * y_stride, sum0[T]), ...);
    if (next != 0) (add_to(y + T * y_stride + num::tile_rows, sum1[T]), ...);
}
template <class Codes>
NARAE_AVX512_VNNI inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x,
                                          std::size_t T, std::size_t k, std::size_t row_begin,
                                          std::size_t row_end) noexcept {
    const std::size_t tile = Codes::tile_bytes(k), groups = num::groups_of(k), passes = T / 4 + T % 4;
    if (passes == 0 || groups == 0) return;
    for (std::size_t row = row_begin; row < row_end; row += 2 * num::tile_rows) {
        const std::byte* at = w + row / num::tile_rows * tile;
        const std::byte* ahead = at + 2 * tile;
        const std::size_t next = row + num::tile_rows < row_end ? tile : 0, share = 2 * tile / passes / groups + 1;
        std::size_t t = 0;
        for (; t + 4 <= T; t += 4, ahead += share * groups)
            two_tiles<Codes>(y + t * y_stride + row, y_stride, at, next, x.from(t), k, ahead, share,
                             std::make_index_sequence<4>());
        for (; t < T; ++t, ahead += share * groups)
            two_tiles<Codes>(y + t * y_stride + row, y_stride, at, next, x.from(t), k, ahead, share,
                             std::make_index_sequence<1>());
    }
}
// == narae/kernel/attend/avx512.hpp: attend_q8 for AVX-512 with VNNI: a tile of 16 slots is one register, the ...
/// scalar::softmax_block, then times v_scale; p[n16] is zero outside what the query sees.
NARAE_AVX512_VNNI inline scalar::merge_factors softmax_block(query_state& s, float* p, std::size_t n16,
                                                             const float* v_scale) noexcept {
    avx2::hide_unseen(s, p, n16);
    __m512 largest = _mm512_loadu_ps(p);
    for (std::size_t j = 16; j < n16; j += 16) largest = _mm512_maskz_max_ps(all, _mm512_loadu_ps(p + j), largest);
    const float m = avx2::largest_of(_mm256_max_ps(eight<0>(largest), eight<1>(largest)));
    __m512 sum = _mm512_setzero_ps();
    for (std::size_t j = 0; j < n16; j += 16) {
        const __m512 weight = exp(_mm512_sub_ps(_mm512_loadu_ps(p + j), _mm512_set1_ps(m)));
        sum = _mm512_add_ps(sum, weight);
        _mm512_storeu_ps(p + j, _mm512_mul_ps(weight, _mm512_loadu_ps(v_scale + j)));
    }
    return avx2::join(s, m, avx2::sum_lanes(eight<0>(sum), eight<1>(sum)));
}
NARAE_AVX512_VNNI inline __m512 load16(const std::int8_t* v) noexcept {
    return _mm512_maskz_cvtepi32_ps(
        all, _mm512_maskz_cvtepi8_epi32(all, _mm_loadu_si128(reinterpret_cast<const __m128i*>(v))));
}
/// o[at[C] .. + 16] = fma(o, a, sum[C] * b), for the first `have` columns
template <std::size_t... C>
NARAE_AVX512_VNNI inline void merge(float* o, const __m512* sum, const std::size_t* at, std::size_t have,
                                    scalar::merge_factors f, std::index_sequence<C...>) noexcept {
    ((C < have ? _mm512_storeu_ps(o + at[C], _mm512_fmadd_ps(_mm512_loadu_ps(o + at[C]), _mm512_set1_ps(f.a),
                                                             _mm512_mul_ps(sum[C], _mm512_set1_ps(f.b))))
               : void()),
     ...);
}
/// sum[C] + p * v[C], columns of 16
template <std::size_t... C>
NARAE_AVX512_VNNI inline void add_values(__m512* sum, float p, const __m512* v, std::index_sequence<C...>) noexcept {
    ((sum[C] = _mm512_fmadd_ps(_mm512_set1_ps(p), v[C], sum[C])), ...);
}
/// Queries T..., and of the values C... columns of 16 at once: together sixteen registers of sums at most.
template <std::size_t... T, std::size_t... C>
NARAE_AVX512_VNNI inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                          std::size_t n, std::size_t e, std::index_sequence<T...>,
                                          std::index_sequence<C...> columns) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += num::lanes) {
        const __m512i sign = _mm512_set1_epi32(static_cast<int>(0x80808080u));  // keys made unsigned, 128 for zero
        __m512i dot[sizeof...(T)];
        ((dot[T] = _mm512_set1_epi32(-128 * queries.state[T].sum_q)), ...);
        for (std::size_t i = 0; i < e; i += 4) {
            const std::size_t at = j * e + i * num::lanes;  // of these keys; values, too, take as many bytes
            avx2::fetch(c.v + at, 0);
            avx2::fetch(c.k + at, attend_block * e);  // of the next block
            const __m512i keys = _mm512_xor_si512(_mm512_loadu_si512(c.k + at), sign);
            ((dot[T] =
                  _mm512_dpbusd_epi32(dot[T], keys, _mm512_set1_epi32(load_le<std::int32_t>(queries.q + T * e + i)))),
             ...);
        }
        const __m512 k_scale = _mm512_loadu_ps(c.k_scale + j);
        (_mm512_storeu_ps(p + T * attend_block + j,
                          _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(all, dot[T]),
                                        _mm512_mul_ps(_mm512_set1_ps(queries.state[T].scale), k_scale))),
         ...);
    }
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    constexpr std::size_t N = sizeof...(C);
    for (std::size_t i = 0; i < e; i += 16 * N) {
        const std::size_t have = (e - i) / 16;  // columns beyond the last repeat it and are not stored
        const std::size_t at[] = {(C < have ? i + 16 * C : e - 16)...};
        __m512 sum[sizeof...(T) * N] = {}, v[N];
        for (std::size_t j = 0; j < n; ++j) {
            ((v[C] = load16(c.v + j * e + at[C])), ...);
            (add_values(sum + T * N, p[T * attend_block + j], v, columns), ...);
        }
        (merge(queries.mean + T * e, sum + T * N, at, have, f[T], columns), ...);
    }
}
NARAE_AVX512_VNNI inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c,
                                     std::size_t n, std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 8 <= queries.count; t += 8)
        attend_some(queries.part(t, 8, e), c, n, e, std::make_index_sequence<8>(), std::make_index_sequence<2>());
    for (; t + 4 <= queries.count; t += 4)
        attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>(), std::make_index_sequence<4>());
    for (; t < queries.count; ++t)
        attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>(), std::make_index_sequence<4>());
}
// == narae/kernel/rows/avx512.hpp: bias_gelu for AVX-512
NARAE_AVX512_VNNI inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(x + i, gelu(_mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}
// == narae/kernel/isa/avx512.hpp: What AVX-512 with VNNI replaces: what multiplies bytes, and what a prompt spends ...
inline table overlay(table t) noexcept {
    t.name = "avx512vnni";
    t.gemm_q8 = gemm_packed<codes_q8>;
    t.gemm_q4 = gemm_packed<codes_q4>;
    t.bias_gelu = bias_gelu;
    t.attend_q8 = attend;
    return t;
}
}  // namespace narae::inline NARAE_ABI::kernel::avx512
#endif
// == narae/kernel/isa/neon_math.hpp: num/math.hpp four lanes at a time: the same steps in the same order, so the ...
#if NARAE_NEON
#include <arm_neon.h>
namespace narae::inline NARAE_ABI::kernel::neon {
/// Four floats, whatever their alignment and type in memory.
inline float32x4_t load4(const void* p) noexcept {
    return vreinterpretq_f32_u8(vld1q_u8(static_cast<const std::uint8_t*>(p)));
}
/// The same of four numbers of 16 bits.
inline uint16x4_t load4_u16(const void* p) noexcept {
    return vreinterpret_u16_u8(vld1_u8(static_cast<const std::uint8_t*>(p)));
}
/// Four binary16.
inline float32x4_t load4_f16(const void* p) noexcept { return vcvt_f32_f16(vreinterpret_f16_u16(load4_u16(p))); }
/// Four floats to memory: clang's vst1q_f32 is a macro that takes no parameter pack.
inline void store4(float* p, float32x4_t v) noexcept { vst1q_f32(p, v); }
/// num::sum_lanes of lanes 0..3, 4..7, 8..11 and 12..15.
inline float sum_lanes(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d) noexcept {
    const float32x4_t four = vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(vpadd_f32(two, two), 0);
}
/// a where it is greater, else b; b also where a is no number.
inline float32x4_t larger(float32x4_t a, float32x4_t b) noexcept { return vbslq_f32(vcgtq_f32(a, b), a, b); }
/// num::exp.
inline float32x4_t exp(float32x4_t x) noexcept {
    const uint32x4_t not_zero = vcgeq_f32(x, vdupq_n_f32(num::exp_min));
    x = vminq_f32(x, vdupq_n_f32(num::exp_max));
    const float32x4_t half = vbslq_f32(vcltq_f32(x, vdupq_n_f32(0)), vdupq_n_f32(-0.5f), vdupq_n_f32(0.5f));
    const int32x4_t n = vcvtq_s32_f32(vfmaq_f32(half, x, vdupq_n_f32(num::log2_e)));
    const float32x4_t whole = vcvtq_f32_s32(n);
    float32x4_t r = vfmsq_f32(x, whole, vdupq_n_f32(num::ln2_high));
    r = vfmsq_f32(r, whole, vdupq_n_f32(num::ln2_low));
    float32x4_t p = vdupq_n_f32(num::exp_c[0]);
    for (int i = 1; i < 7; ++i) p = vfmaq_f32(vdupq_n_f32(num::exp_c[i]), p, r);
    const int32x4_t power = vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23);
    p = vmulq_f32(p, vreinterpretq_f32_s32(power));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(p), not_zero));
}
/// num::gelu.
inline float32x4_t gelu(float32x4_t x) noexcept {
    const float32x4_t size = vabsq_f32(x), one = vdupq_n_f32(1.0f), most = vdupq_n_f32(num::tail_max);
    const float32x4_t z = vbslq_f32(vcleq_f32(size, most), size, most);
    const float32x4_t t = vdivq_f32(one, vfmaq_f32(one, vdupq_n_f32(num::tail_p), z));
    float32x4_t p = vdupq_n_f32(num::tail_c[0]);
    for (int i = 1; i < 9; ++i) p = vfmaq_f32(vdupq_n_f32(num::tail_c[i]), p, t);
    const float32x4_t tail = vmulq_f32(p, exp(vmulq_f32(vmulq_f32(z, z), vdupq_n_f32(-0.5f))));
    return vbslq_f32(vcltq_f32(x, vdupq_n_f32(0)), vmulq_f32(x, tail), vfmsq_f32(x, x, tail));
}
}  // namespace narae::inline NARAE_ABI::kernel::neon
// == narae/kernel/gemm_packed/neon.hpp: gemm_q4 and gemm_q8 for NEON: a register holds 4 rows x 4 inputs
namespace narae::inline NARAE_ABI::kernel::neon {
inline uint8x16_t load_bytes(const std::byte* p) noexcept { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)); }
inline void add_to(float* y, float32x4_t sum) noexcept { vst1q_f32(y, vaddq_f32(vld1q_f32(y), sum)); }
/// Four neighbouring inputs in every 32-bit lane.
inline int8x16_t four_of(const std::int8_t* q) noexcept {
    return vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
}
/// sum + w . q, four products in two lanes of 16 bits: rows 0, 1 in sum[0] and rows 2, 3 in sum[1].
inline void add_four(int16x8_t* sum, int8x16_t w, int8x16_t q) noexcept {
    sum[0] = vmlal_s8(sum[0], vget_low_s8(w), vget_low_s8(q));
    sum[1] = vmlal_high_s8(sum[1], w, q);
}
struct codes_q4 : num::q4_layout {
    /// dot[T] = the group's dot products of 4 rows with token T, whose inputs are at q + T * stride. A 16-bit lane
    /// takes 16 times at most 15 * 127: 30,480 and still exact.
    template <std::size_t... T>
    static void group(int32x4_t* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                      const std::int32_t* q_sum, std::size_t groups, std::index_sequence<T...>) noexcept {
        int16x8_t sum[sizeof...(T)][2];
        ((sum[T][0] = sum[T][1] = vdupq_n_s16(0)), ...);
        for (int chunk = 0; chunk < 8; ++chunk) {
            const uint8x16_t w = load_bytes(codes);
            const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(w, vdupq_n_u8(15)));
            const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(w, 4));
            ((add_four(sum[T], low, four_of(q + T * stride)), add_four(sum[T], high, four_of(q + T * stride + 4))),
             ...);
            codes += 64;
            q += 8;
        }
        // The zero point of every code is taken off at once.
        ((dot[T] = vaddq_s32(vpaddq_s32(vpaddlq_s16(sum[T][0]), vpaddlq_s16(sum[T][1])),
                             vdupq_n_s32(-8 * q_sum[T * groups]))),
         ...);
    }
};
struct codes_q8 : num::q8_layout {
    /// The same. Two products reach 2 * 128 * 127 at most, which 16 bits hold.
    template <std::size_t... T>
    static void group(int32x4_t* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                      const std::int32_t*, std::size_t, std::index_sequence<T...>) noexcept {
        int32x4_t rows01[sizeof...(T)], rows23[sizeof...(T)];
        ((rows01[T] = rows23[T] = vdupq_n_s32(0)), ...);
        for (int chunk = 0; chunk < 16; ++chunk) {
            const int8x16_t w = vreinterpretq_s8_u8(load_bytes(codes));
            ((rows01[T] = vpadalq_s16(rows01[T], vmull_s8(vget_low_s8(w), vget_low_s8(four_of(q + T * stride)))),
              rows23[T] = vpadalq_s16(rows23[T], vmull_high_s8(w, four_of(q + T * stride)))),
             ...);
            codes += 64;
            q += 4;
        }
        ((dot[T] = vpaddq_s32(rows01[T], rows23[T])), ...);
    }
};
/// Four rows of a tile with the tokens T...
template <class Codes, std::size_t... T>
inline void quarter_tile(float* y, std::size_t y_stride, const std::byte* scales, const std::byte* codes,
                         const num::q8_rows& x, std::size_t k, std::index_sequence<T...> tokens) noexcept {
    const std::size_t stride = x.groups * num::group_len;
    float32x4_t sum[sizeof...(T)];
    ((sum[T] = vdupq_n_f32(0)), ...);
    for (std::size_t g = 0; g < num::groups_of(k); ++g) {
        int32x4_t dot[sizeof...(T)];
        Codes::group(dot, codes, x.q + g * num::group_len, stride, x.sum + g, x.groups, tokens);
        const float32x4_t scale = load4_f16(scales);
        ((sum[T] = vfmaq_f32(sum[T], vcvtq_f32_s32(dot[T]), vmulq_n_f32(scale, x.scale[T * x.groups + g]))), ...);
        codes += Codes::group_bytes;
        scales += num::tile_rows * 2;
    }
    (add_to(y + T * y_stride, sum[T]), ...);
}
template <class Codes>
inline void gemm_packed(float* y, std::size_t y_stride, const std::byte* w, const num::q8_rows& x, std::size_t T,
                        std::size_t k, std::size_t row_begin, std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += 4) {
        const std::byte* tile = w + row / num::tile_rows * Codes::tile_bytes(k);
        const std::size_t r = row % num::tile_rows;
        const std::byte* scales = tile + 2 * r;
        const std::byte* codes = tile + Codes::scale_bytes(k) + 4 * r;
        std::size_t t = 0;
        for (; t + 4 <= T; t += 4)
            quarter_tile<Codes>(y + t * y_stride + row, y_stride, scales, codes, x.from(t), k,
                                std::make_index_sequence<4>());
        for (; t < T; ++t)
            quarter_tile<Codes>(y + t * y_stride + row, y_stride, scales, codes, x.from(t), k,
                                std::make_index_sequence<1>());
    }
}
// == narae/kernel/attend/neon.hpp: attend_q8 for NEON: scores of 4 slots together, softmax in 16 lanes, then the ...
/// scalar::softmax_block, then times v_scale; p[n16] is zero outside what the query sees.
inline scalar::merge_factors softmax_block(query_state& s, float* p, std::size_t n16, const float* v_scale) noexcept {
    for (std::size_t j = 0; j < s.begin; ++j) p[j] = -3e38f;  // never the largest, and its exp is 0
    for (std::size_t j = s.end; j < n16; ++j) p[j] = -3e38f;
    float32x4_t largest4 = vld1q_f32(p);
    for (std::size_t j = 4; j < n16; j += 4) largest4 = larger(vld1q_f32(p + j), largest4);
    const float m = vmaxvq_f32(largest4);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (std::size_t j = 0; j < n16; j += 4) {
        const float32x4_t weight = exp(vsubq_f32(vld1q_f32(p + j), vdupq_n_f32(m)));
        sum[j / 4 % 4] = vaddq_f32(sum[j / 4 % 4], weight);
        vst1q_f32(p + j, vmulq_f32(weight, vld1q_f32(v_scale + j)));
    }
    const float largest = s.largest > m ? s.largest : m;
    const float offset[4] = {s.largest - largest, m - largest, 0, 0};
    const float32x4_t factors = exp(vld1q_f32(offset));
    const float a = vgetq_lane_f32(factors, 0), b = vgetq_lane_f32(factors, 1);
    const float joined = sum_lanes(sum[0], sum[1], sum[2], sum[3]) * b;
    s.sum = vget_lane_f32(vfma_f32(vdup_n_f32(joined), vdup_n_f32(s.sum), vdup_n_f32(a)), 0);
    s.largest = largest;
    return {a, b};
}
/// p[T][0 .. 4] = scores of query T at four slots, whose keys start at k. Two products fit 16 bits.
template <std::size_t... T>
inline void score4(float* p, const query_block<std::int8_t>& queries, const std::int8_t* k, const float* k_scale,
                   std::size_t e, std::index_sequence<T...>) noexcept {
    int32x4_t dot01[sizeof...(T)], dot23[sizeof...(T)];
    ((dot01[T] = dot23[T] = vdupq_n_s32(0)), ...);
    for (std::size_t i = 0; i < e; i += 4, k += 4 * num::lanes) {
        const int8x16_t four = vld1q_s8(k);
        ((dot01[T] = vpadalq_s16(dot01[T], vmull_s8(vget_low_s8(four), vget_low_s8(four_of(queries.q + T * e + i)))),
          dot23[T] = vpadalq_s16(dot23[T], vmull_high_s8(four, four_of(queries.q + T * e + i)))),
         ...);
    }
    (store4(p + T * attend_block, vmulq_f32(vcvtq_f32_s32(vpaddq_s32(dot01[T], dot23[T])),
                                            vmulq_n_f32(vld1q_f32(k_scale), queries.state[T].scale))),
     ...);
}
/// Eight values as floats.
inline void load8(float32x4_t& low, float32x4_t& high, const std::int8_t* v) noexcept {
    const int16x8_t wide = vmovl_s8(vld1_s8(v));
    low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
    high = vcvtq_f32_s32(vmovl_high_s16(wide));
}
/// o[0 .. 4] = fma(o, a, block * b)
inline void merge(float* o, float32x4_t block, scalar::merge_factors f) noexcept {
    vst1q_f32(o, vfmaq_n_f32(vmulq_n_f32(block, f.b), vld1q_f32(o), f.a));
}
template <std::size_t... T>
inline void attend_some(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c, std::size_t n,
                        std::size_t e, std::index_sequence<T...> all) noexcept {
    float p[sizeof...(T) * attend_block] = {};
    const std::size_t n16 = round_up(n, num::lanes);
    for (std::size_t j = 0; j < n16; j += 4)
        score4(p + j, queries, c.k + key_at<std::int8_t>(j, 0, e), c.k_scale + j, e, all);
    scalar::merge_factors f[sizeof...(T)];
    ((f[T] = softmax_block(queries.state[T], p + T * attend_block, n16, c.v_scale)), ...);
    for (std::size_t i = 0; i < e; i += 8) {
        float32x4_t low[sizeof...(T)], high[sizeof...(T)], v_low, v_high;
        ((low[T] = high[T] = vdupq_n_f32(0)), ...);
        for (std::size_t j = 0; j < n; ++j) {
            load8(v_low, v_high, c.v + j * e + i);
            ((low[T] = vfmaq_n_f32(low[T], v_low, p[T * attend_block + j]),
              high[T] = vfmaq_n_f32(high[T], v_high, p[T * attend_block + j])),
             ...);
        }
        ((merge(queries.mean + T * e + i, low[T], f[T]), merge(queries.mean + T * e + i + 4, high[T], f[T])), ...);
    }
}
inline void attend(const query_block<std::int8_t>& queries, const cache_block<std::int8_t>& c, std::size_t n,
                   std::size_t e) noexcept {
    std::size_t t = 0;
    for (; t + 4 <= queries.count; t += 4) attend_some(queries.part(t, 4, e), c, n, e, std::make_index_sequence<4>());
    for (; t < queries.count; ++t) attend_some(queries.part(t, 1, e), c, n, e, std::make_index_sequence<1>());
}
// == narae/kernel/gemv_dense/neon.hpp: gemv_f32, gemv_f16 and gemv_bf16 for NEON: four registers are the 16 lanes ...
struct weights_f32 : scalar::weights_f32 {
    static float32x4_t load(const std::byte* w) noexcept { return load4(w); }
};
struct weights_f16 : scalar::weights_f16 {
    static float32x4_t load(const std::byte* w) noexcept { return load4_f16(w); }
};
struct weights_bf16 : scalar::weights_bf16 {
    static float32x4_t load(const std::byte* w) noexcept {
        return vreinterpretq_f32_u32(vshll_n_u16(load4_u16(w), 16));
    }
};
template <class Weights>
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    if (k % num::lanes != 0) return scalar::gemv_dense<Weights>(y, w, x, k, row_begin, row_end);
    constexpr std::size_t quarter = 4 * Weights::size;
    for (std::size_t row = row_begin; row < row_end; row += 2) {
        const std::byte* w0 = w + row * k * Weights::size;
        const std::byte* w1 = row + 1 < row_end ? w0 + k * Weights::size : w0;  // the last row may be taken twice
        float32x4_t a0 = vdupq_n_f32(0), b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
        for (std::size_t i = 0; i < k; i += num::lanes) {
            const float32x4_t xa = load4(x + i), xb = load4(x + i + 4), xc = load4(x + i + 8), xd = load4(x + i + 12);
            a0 = vfmaq_f32(a0, Weights::load(w0), xa);
            a1 = vfmaq_f32(a1, Weights::load(w1), xa);
            b0 = vfmaq_f32(b0, Weights::load(w0 + quarter), xb);
            b1 = vfmaq_f32(b1, Weights::load(w1 + quarter), xb);
            c0 = vfmaq_f32(c0, Weights::load(w0 + 2 * quarter), xc);
            c1 = vfmaq_f32(c1, Weights::load(w1 + 2 * quarter), xc);
            d0 = vfmaq_f32(d0, Weights::load(w0 + 3 * quarter), xd);
            d1 = vfmaq_f32(d1, Weights::load(w1 + 3 * quarter), xd);
            w0 += 4 * quarter;
            w1 += 4 * quarter;
        }
        y[row] += sum_lanes(a0, b0, c0, d0);
        if (row + 1 < row_end) y[row + 1] += sum_lanes(a1, b1, c1, d1);
    }
}
// == narae/kernel/gemm_packed/neon_dot.hpp: gemm_q4 and gemm_q8 for NEON with dot products: the loops of neon.hpp ...
#ifdef NARAE_NEON_DOT
/// sum + w . q, as vdotq_s32, which clang before 16 hides from functions that merely have the attribute.
NARAE_NEON_DOT inline int32x4_t add_four(int32x4_t sum, int8x16_t w, int8x16_t q) noexcept {
    __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(q));
    return sum;
}
template <class Layout> struct codes_dot : Layout {
    static constexpr bool q4 = Layout::group_bytes == num::q4_layout::group_bytes;
    template <std::size_t... T>
    NARAE_NEON_DOT static void group(int32x4_t* dot, const std::byte* codes, const std::int8_t* q, std::size_t stride,
                                     const std::int32_t* q_sum, std::size_t groups,
                                     std::index_sequence<T...>) noexcept {
        int32x4_t sum[sizeof...(T)];
        ((sum[T] = vdupq_n_s32(q4 ? -8 * q_sum[T * groups] : 0)), ...);
        for (std::size_t i = 0; i < num::group_len; i += 8, codes += Layout::group_bytes / 8) {
            const uint8x16_t w = load_bytes(codes);
            const int8x16_t w0 = vreinterpretq_s8_u8(q4 ? vandq_u8(w, vdupq_n_u8(15)) : w);
            const int8x16_t w1 = vreinterpretq_s8_u8(q4 ? vshrq_n_u8(w, 4) : load_bytes(codes + 64));
            ((sum[T] = add_four(sum[T], w0, four_of(q + T * stride + i))), ...);
            ((sum[T] = add_four(sum[T], w1, four_of(q + T * stride + i + 4))), ...);
        }
        ((dot[T] = sum[T]), ...);
    }
};
#endif
// == narae/kernel/rows/neon.hpp: layer_norm, bias_gelu and quantize_q8 for NEON
inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                       float eps) noexcept {
    if (d % num::lanes != 0) return scalar::layer_norm(y, x, gain, bias, d, eps);
    const float32x4_t zero = vdupq_n_f32(0);
    float32x4_t s[4] = {zero, zero, zero, zero};
    for (std::size_t i = 0; i < d; i += num::lanes)
        for (std::size_t j = 0; j < 4; ++j) s[j] = vaddq_f32(s[j], vld1q_f32(x + i + 4 * j));
    const float32x4_t mean = vdupq_n_f32(sum_lanes(s[0], s[1], s[2], s[3]) / static_cast<float>(d));
    for (auto& lane : s) lane = zero;
    for (std::size_t i = 0; i < d; i += num::lanes)
        for (std::size_t j = 0; j < 4; ++j) {
            const float32x4_t off = vsubq_f32(vld1q_f32(x + i + 4 * j), mean);
            s[j] = vfmaq_f32(s[j], off, off);
        }
    const float var = sum_lanes(s[0], s[1], s[2], s[3]) / static_cast<float>(d);
    const float32x4_t inverse = vdivq_f32(vdupq_n_f32(1.0f), vsqrtq_f32(vdupq_n_f32(var + eps)));
    for (std::size_t i = 0; i < d; i += 4) {
        const float32x4_t normal = vmulq_f32(vsubq_f32(vld1q_f32(x + i), mean), inverse);
        vst1q_f32(y + i, vfmaq_f32(vld1q_f32(bias + i), normal, vld1q_f32(gain + i)));
    }
}
inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(x + i, gelu(vaddq_f32(vld1q_f32(x + i), vld1q_f32(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}
/// num::round_q8 of x * inverse, four times.
inline int32x4_t round_q8(const float* x, float inverse) noexcept {
    const float32x4_t most = vdupq_n_f32(127.0f);
    float32x4_t v = larger(vmulq_n_f32(vld1q_f32(x), inverse), vnegq_f32(most));
    v = vbslq_f32(vcltq_f32(v, most), v, most);
    return vcvtnq_s32_f32(v);
}
inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k, std::size_t group) noexcept {
    if (group % 16 != 0) return scalar::quantize_q8(out, x, k, group);
    const std::size_t whole = k / group;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * group;
        float32x4_t size = vdupq_n_f32(0);
        for (std::size_t i = 0; i < group; i += 4) size = larger(vabsq_f32(vld1q_f32(from + i)), size);
        const float largest = vmaxvq_f32(size), inverse = largest > 0 ? 127.0f / largest : 0.0f;
        int32x4_t sum = vdupq_n_s32(0);
        for (std::size_t i = 0; i < group; i += 16) {
            const int32x4_t a = round_q8(from + i, inverse), b = round_q8(from + i + 4, inverse);
            const int32x4_t c = round_q8(from + i + 8, inverse), d = round_q8(from + i + 12, inverse);
            sum = vaddq_s32(sum, vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
            const int16x8_t ab = vcombine_s16(vmovn_s32(a), vmovn_s32(b)),
                            cd = vcombine_s16(vmovn_s32(c), vmovn_s32(d));
            vst1q_s8(out.q + g * group + i, vcombine_s8(vmovn_s16(ab), vmovn_s16(cd)));
        }
        out.sum[g] = vaddvq_s32(sum);
        out.scale[g] = largest / 127.0f;
    }
    const std::size_t done = whole * group;
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done, group);
}
// == narae/kernel/isa/neon.hpp: What NEON replaces, and then NEON with dot products
inline table overlay(table t) noexcept {
    t.name = "neon";
    t.gemv_f32 = gemv_dense<weights_f32>;
    t.gemv_f16 = gemv_dense<weights_f16>;
    t.gemv_bf16 = gemv_dense<weights_bf16>;
    t.gemm_q8 = gemm_packed<codes_q8>;
    t.gemm_q4 = gemm_packed<codes_q4>;
    t.layer_norm = layer_norm;
    t.bias_gelu = bias_gelu;
    t.quantize_q8 = quantize_q8;
    t.attend_q8 = attend;
    return t;
}
#ifdef NARAE_NEON_DOT
inline table overlay_dot(table t) noexcept {
    t.name = "neondot";
    t.gemm_q8 = gemm_packed<codes_dot<num::q8_layout>>;
    t.gemm_q4 = gemm_packed<codes_dot<num::q4_layout>>;
    return t;
}
#endif
}  // namespace narae::inline NARAE_ABI::kernel::neon
#endif
// == narae/kernel/select.hpp: Which tables this machine can run
namespace narae::inline NARAE_ABI::kernel {
/// A short list of tables, plainest first, best last.
struct table_list {
    static constexpr std::size_t capacity = 8;
    table item[capacity];
    std::size_t count = 1;  // the first is scalar
    void add(const table& t) noexcept { item[count++] = t; }
    const table* begin() const noexcept { return item; }
    const table* end() const noexcept { return item + count; }
    const table& best() const noexcept { return item[count - 1]; }
};
/// Every table that this machine can run.
inline table_list runnable() noexcept {
    table_list all;
#if NARAE_X86
    if (sys::has_avx2()) all.add(avx2::overlay(all.best()));
    if (sys::has_avx_vnni()) all.add(avx2::overlay_vnni(all.best()));
    if (sys::has_avx512_vnni()) all.add(avx512::overlay(all.best()));
#endif
#if NARAE_NEON
    all.add(neon::overlay(all.best()));
#endif
#ifdef NARAE_NEON_DOT
    if (sys::has_dotprod()) all.add(neon::overlay_dot(all.best()));
#endif
    return all;
}
}  // namespace narae::inline NARAE_ABI::kernel
// == narae/store/format.hpp: The narae model file, version 1: the specification and its constants
namespace narae::inline NARAE_ABI::store {
// A narae model file IS a safetensors file, or several with a *.safetensors.index.json: any tool lists it. It adds:
//
// Metadata (all values are strings; config, history and source hold JSON):
//   narae.version  "1"
//   narae.config   the text of config.json, with "num_key_value_heads" where it is not num_attention_heads
//   narae.history  an array, one object per conversion step, oldest first: what was done and what it cost
//   narae.source   an array, one object per source file: "name", "size" (bytes), "fnv1a64" (16 hex digits)
// Of a file in shards, the first shard carries the metadata.
//
// Tensors bear their Hugging Face names ("gpt_neox.layers.0.attention.dense.weight", ...). A packed matrix is a U8
// tensor of shape [tiles, tile bytes] whose name has the number format as its last part:
//   "<name>.q4", "<name>.q8"   tiles as num/q4.hpp and num/q8.hpp lay them out
// Its rows and columns follow from the config. The tensor narae.tokenizer (U8) holds tokenizer.json as token/packed.hpp
// packs it; in old files, its text.
//
// Data begin on a 64-byte boundary: the header is padded with spaces. Packed tensors are multiples of 64 bytes and
// stand first, so each begins on such a boundary, too; tensors of other sizes stand last.
inline constexpr std::string_view narae_version_key = "narae.version";
inline constexpr std::string_view narae_version = "1";
inline constexpr std::string_view narae_config_key = "narae.config";
inline constexpr std::string_view narae_history_key = "narae.history";
inline constexpr std::string_view narae_source_key = "narae.source";
inline constexpr std::string_view narae_tokenizer = "narae.tokenizer";
inline constexpr std::string_view q4_suffix = ".q4";
inline constexpr std::string_view q8_suffix = ".q8";
// == narae/store/tensor.hpp: A tensor as a model file holds it: a name, a shape and a view of its bytes
/// The element types of model files. All are little-endian there; boolean is one byte, 0 or 1.
enum class dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };
/// Their names in safetensors headers, and their sizes in bytes.
inline constexpr std::string_view dtype_names[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16",
                                                   "I8",  "U64", "U32", "U16",  "U8",  "BOOL"};
inline constexpr std::size_t dtype_sizes[] = {8, 4, 2, 2, 8, 4, 2, 1, 8, 4, 2, 1, 1};
constexpr std::string_view dtype_name(dtype t) noexcept { return dtype_names[static_cast<std::size_t>(t)]; }
constexpr std::size_t dtype_size(dtype t) noexcept { return dtype_sizes[static_cast<std::size_t>(t)]; }
static_assert(dtype_name(dtype::boolean) == "BOOL" && std::size(dtype_sizes) == std::size(dtype_names));
/// The product of a shape (1 for a scalar); false if it does not fit 64 bits.
inline bool shape_elements(const std::vector<std::uint64_t>& shape, std::uint64_t& elements) noexcept {
    elements = 1;
    for (const auto n : shape)
        if (!checked_mul(elements, n, elements)) return false;
    return true;
}
/// The strides, in elements, of a row-major tensor of this shape. Its product must fit 64 bits.
inline std::vector<std::uint64_t> row_major(const std::vector<std::uint64_t>& shape) {
    std::vector<std::uint64_t> strides(shape.size(), 1);
    for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
    return strides;
}
struct tensor {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> strides;  ///< in elements, one for each dimension
    byte_view bytes;   ///< from the first element to the end of the last one that the strides reach; any alignment
    std::string file;  ///< which file it came from, for messages
    std::uint64_t elements() const noexcept {
        std::uint64_t n = 1;
        return shape_elements(shape, n), n;
    }
    /// Row-major without gaps: element i starts at byte i * dtype_size(type).
    bool contiguous() const noexcept {
        std::uint64_t step = 1;
        for (std::size_t i = shape.size(); i-- > 0; step *= shape[i])
            if (shape[i] > 1 && strides[i] != step) return elements() == 0;
        return true;
    }
};
/// A name out of a file as an error message may show it: one line, valid UTF-8, not endless.
inline std::string printable(std::string_view name) {
    constexpr std::size_t longest = 120;
    std::string out;
    while (!name.empty() && out.size() < longest) {
        const auto step = text::utf8_front(name);
        const bool shown = step.valid && step.code_point >= 0x20 && (step.code_point < 0x7F || step.code_point > 0x9F);
        out += shown ? name.substr(0, step.length) : std::string_view("?");
        name.remove_prefix(step.length);
    }
    return name.empty() ? out : out + "...";
}
// == narae/store/safetensors.hpp: The safetensors container: 8 bytes of header length, a JSON header, then the ...
/// The format's own limit on a header, in bytes.
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;
using metadata_list = std::vector<std::pair<std::string, std::string>>;
struct safetensors {
    std::vector<tensor> tensors;  ///< in the order of their bytes
    metadata_list metadata;
};
namespace safetensors_detail {
/// Reads the members of the header, in the order in which they stand there.
struct header_reader {
    byte_view data;  // all that follows the header
    std::vector<tensor> tensors{};
    metadata_list metadata{};
    std::set<std::string> names{}, keys{};  // of tensors and of metadata: none may occur twice
    error failed{};
    /// Errors in the header say where in the file they stand.
    bool fail(errc code, std::initializer_list<piece> what, const text::json_value& v) {
        failed = {code, what, 8 + v.at()};
        return false;
    }
    bool member(const text::json_value& key, const text::json_value& value) {
        auto name = key.string();
        if (name.empty()) return fail(errc::bad_value, {"a tensor without a name"}, key);
        if (!names.insert(name).second) return fail(errc::bad_value, {printable(name), ": occurs twice"}, key);
        return name == "__metadata__" ? read_metadata(value) : read_tensor(std::move(name), value);
    }
    bool read_metadata(const text::json_value& object) {
        const auto add = [&](const text::json_value& key, const text::json_value& value) {
            const auto& name = metadata.emplace_back(key.string(), value.string()).first;
            return value.is(text::json_kind::string) &&
                   (keys.insert(name).second ||
                    fail(errc::bad_value, {"metadata ", printable(name), " occurs twice"}, key));
        };
        failed = {errc::bad_value, "__metadata__ may hold strings only", 8 + object.at()};
        return object.is(text::json_kind::object) && object.for_each_member(add);
    }
    bool read_tensor(std::string name, const text::json_value& entry) {
        const auto refuse = [&](errc code, std::initializer_list<piece> why) {
            return fail(code, {printable(name), ": ", concat(why)}, entry);
        };
        const auto bad = [&](std::initializer_list<piece> why) { return refuse(errc::bad_value, why); };
        const auto type = entry["dtype"], shape = entry["shape"], offsets = entry["data_offsets"];
        if (!type.is(text::json_kind::string) || !shape.is(text::json_kind::array) ||
            !offsets.is(text::json_kind::array) || offsets.size() != 2 || entry.size() != 3)
            return bad({"needs dtype, shape and two data_offsets, and nothing else"});
        tensor t;
        const auto row = std::find(std::begin(dtype_names), std::end(dtype_names), type.raw());
        if (row == std::end(dtype_names)) return refuse(errc::unsupported, {"unknown dtype ", printable(type.raw())});
        t.type = static_cast<dtype>(row - std::begin(dtype_names));
        if (!whole_numbers(shape, t.shape)) return bad({"shape is not made of whole numbers"});
        std::uint64_t bytes = 0;
        if (!shape_elements(t.shape, bytes) || !checked_mul(bytes, dtype_size(t.type), bytes))
            return bad({"shape is too large"});
        std::vector<std::uint64_t> range;
        if (!whole_numbers(offsets, range) || range[0] > range[1]) return bad({"data_offsets are not a range"});
        if (range[1] > data.size()) return refuse(errc::truncated, {"its bytes lie beyond the end of the file"});
        if (range[1] - range[0] != bytes)
            return bad({"shape needs ", bytes, " bytes, data_offsets give ", range[1] - range[0]});
        t.strides = row_major(t.shape);
        t.bytes = data.subspan(static_cast<std::size_t>(range[0]), static_cast<std::size_t>(bytes));
        t.name = std::move(name);
        tensors.push_back(std::move(t));
        return true;
    }
    static bool whole_numbers(const text::json_value& array, std::vector<std::uint64_t>& out) {
        return array.for_each([&](const text::json_value& n) { return n.whole(out.emplace_back()); });
    }
};
}  // namespace safetensors_detail
/// Reads the header of a whole safetensors file; the tensors are views into `file`, which must outlive them.
/// As the format asks, the tensors' bytes must fill the rest of the file, without holes and without overlap.
inline result<safetensors> parse_safetensors(byte_view file) {
    using namespace safetensors_detail;
    const auto bad = [](std::initializer_list<piece> what, std::uint64_t at = nowhere) {
        return error{errc::bad_value, what, at};
    };
    cursor in(file);
    const auto length = in.read<std::uint64_t>("safetensors header length");
    if (length > safetensors_max_header) return bad({"a safetensors header of ", length, " bytes"}, 0);
    const auto header = as_text(in.take(length, "safetensors header"));
    if (!in) return in.error();
    if (!header.starts_with('{')) return bad({"safetensors header is not a JSON object"}, 8);
    const auto doc = text::json::parse(header);
    if (!doc) return error{doc.error().code, {"safetensors header: ", doc.error().what}, 8 + doc.error().at};
    header_reader read{file.subspan(static_cast<std::size_t>(in.at()))};
    if (!doc->root().for_each_member([&](const auto& key, const auto& value) { return read.member(key, value); }))
        return std::move(read.failed);
    safetensors out{{}, std::move(read.metadata)};
    std::uint64_t filled = 0;
    const auto place = [&](std::size_t i) {
        const auto& bytes = read.tensors[i].bytes;
        return std::pair(static_cast<std::uint64_t>(bytes.data() - read.data.data()), bytes.size());
    };
    for (const auto i : sorted(read.tensors.size(), [&](auto a, auto b) { return place(a) < place(b); })) {
        const auto begin = place(i).first;
        auto& t = read.tensors[i];
        if (begin != filled)
            return bad({printable(t.name), begin < filled ? ": overlaps the one before it" : ": a hole before it"},
                       in.at() + (std::min)(begin, filled));
        filled += t.bytes.size();
        out.tensors.push_back(std::move(t));
    }
    if (filled != read.data.size()) return bad({"bytes after the last tensor that belong to none"}, in.at() + filled);
    return out;
}
// == narae/store/unpickle.hpp: Python's pickle, restricted to what torch.save writes for a dict of tensors: it ...
/// whole: an integer from 0 to 2^64 - 1; other: another number, kept as its bytes; callee: one of three functions.
enum class pickle_kind { none, boolean, whole, other, text, tuple, list, dict, callee, storage_type, storage, tensor };
struct pickle_value {
    pickle_kind kind = pickle_kind::none;
    std::uint32_t count = 0;   ///< items of a tuple or tensor
    std::uint64_t number = 0;  ///< an integer or truth; of a storage_type its dtype; else an index
    std::string_view text;     ///< into the pickle; of a callee its name
};
/// A storage as the pickle refers to it; its bytes lie elsewhere in the file, under this key.
struct pickle_storage {
    dtype type;
    std::string_view key;
    std::uint64_t elements;
};
/// What a container holds: in a dict a key and its item, in a list an item, as both.
struct pickle_member {
    std::uint64_t container;
    pickle_value key, item;
};
class unpickler {
public:
    /// State dicts take kilobytes; a pickle may be this long, in bytes.
    static constexpr std::size_t longest = std::size_t{4} << 20;
    static constexpr std::size_t max_dimensions = 16;
    static constexpr std::size_t longest_key = 255;  ///< bytes of a storage's key, which is a number in text
    /// Reads pickles from `bytes`, which must outlive every value.
    explicit unpickler(byte_view bytes) : in_(bytes.first((std::min)(bytes.size(), longest))) {}
    /// The next pickle's object. What earlier pickles built stays valid.
    result<pickle_value> next() {
        stack_.clear(), marks_.clear(), memo_.clear();
        while (true) {
            op_at_ = in_.at();
            const auto op = static_cast<unsigned char>(number(1));
            if (op == '.') break;
            step(op);
            if (!in_) return in_.error();
        }
        if (stack_.size() != 1 || !marks_.empty())
            return error{errc::bad_value, "pickle: does not end with one object", op_at_};
        return stack_.back();
    }
    /// Where the next pickle, or what follows the last one, begins.
    std::uint64_t at() const noexcept { return in_.at(); }
    const std::vector<pickle_storage>& storages() const noexcept { return storages_; }
    /// The items of a tuple; of a tensor, which is a strided window, its storage, offset, shape and strides in
    /// elements.
    std::span<const pickle_value> items(const pickle_value& tuple) const noexcept {
        return std::span(tuple_items_).subspan(static_cast<std::size_t>(tuple.number), tuple.count);
    }
    /// What a dict or list holds, in order.
    std::vector<pickle_member> members(const pickle_value& container) const {
        std::vector<pickle_member> all;
        for (const auto& m : members_)
            if (m.container == container.number) all.push_back(m);
        return all;
    }
private:
    using kind = pickle_kind;
    static constexpr std::string_view ordered_dict = "collections.OrderedDict",
                                      rebuild_tensor = "torch._utils._rebuild_tensor_v2",
                                      rebuild_parameter = "torch._utils._rebuild_parameter";
    // The first failure is kept by in_, and ends next(). Until the end of its step what fails gives nothing, or zero.
    void fail(errc code, std::string_view why) { in_.fail({code, {"pickle: ", why}, op_at_}); }
    void malformed() { fail(errc::bad_value, "malformed"); }
    std::string_view take(std::uint64_t n) { return as_text(in_.take(n, "pickle")); }
    /// A little-endian unsigned number of at most 8 bytes.
    static std::uint64_t little(std::string_view bytes) noexcept {
        std::uint64_t value = 0;
        for (auto i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
        return value;
    }
    std::uint64_t number(std::size_t n) { return little(take(n)); }
    void push(kind k, std::uint64_t n = 0, std::string_view text = {}, std::uint32_t count = 0) {
        stack_.push_back({k, count, n, text});
    }
    void push_signed(std::string_view bytes) {  // in two's complement
        const bool large = bytes.find_first_not_of('\0', 8) != bytes.npos;
        const bool negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
        large || negative ? push(kind::other, 0, bytes) : push(kind::whole, little(bytes.substr(0, 8)));
    }
    /// Objects on the stack above the last mark.
    std::size_t above() const noexcept { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
    bool top_is(kind k, std::size_t below = 0) const noexcept {
        return above() > below && stack_[stack_.size() - 1 - below].kind == k;
    }
    pickle_value pop(kind k) {
        if (!top_is(k)) return malformed(), pickle_value{};
        const auto top = stack_.back();
        stack_.pop_back();
        return top;
    }
    /// How many objects stood above the last mark, which goes.
    std::size_t pop_mark() {
        const auto n = above();
        marks_.empty() ? malformed() : marks_.pop_back();
        return n;
    }
    /// The last n objects become one tuple.
    void tuple(std::size_t n) {
        if (above() < n || n > 0xFFFFFFFF) return malformed();
        const auto first = tuple_items_.size();
        tuple_items_.insert(tuple_items_.end(), stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
        stack_.resize(stack_.size() - n);
        return push(kind::tuple, first, {}, static_cast<std::uint32_t>(n));
    }
    /// The last n objects go into the container below them: pairs into a dict, single ones into a list.
    void put(std::size_t n, kind k) {
        const std::size_t each = k == kind::dict ? 2 : 1;
        if (n % each != 0 || !top_is(k, n)) return malformed();
        const auto first = stack_.size() - n;
        for (auto i = first; i < stack_.size(); i += each)
            members_.push_back({stack_[first - 1].number, stack_[i], stack_[i + each - 1]});
        stack_.resize(first);
    }
    void memo_put(std::uint64_t i) {
        // Picklers number objects in turn, from 0 or (Python 2) from 1: a memo cannot grow by leaps.
        if (above() == 0 || i > memo_.size() + 1) return malformed();
        if (i >= memo_.size()) memo_.resize(static_cast<std::size_t>(i) + 1);
        memo_[static_cast<std::size_t>(i)] = stack_.back();
    }
    void memo_get(std::uint64_t i) {
        if (i >= memo_.size()) return malformed();
        stack_.push_back(memo_[static_cast<std::size_t>(i)]);
    }
    std::string_view line() {
        const auto rest = as_text(cursor(in_).take(in_.left(), "pickle"));
        const auto text = take((std::min)(rest.find('\n'), rest.size()));
        take(1);
        return text;
    }
    /// Pushes what module.name stands for, if it is one of the few things a tensor needs.
    void global(std::string_view module, std::string_view name) {
        constexpr struct {
            std::string_view name;
            dtype type;
        } types[] = {{"torch.FloatStorage", dtype::f32},     {"torch.HalfStorage", dtype::f16},
                     {"torch.BFloat16Storage", dtype::bf16}, {"torch.DoubleStorage", dtype::f64},
                     {"torch.LongStorage", dtype::i64},      {"torch.IntStorage", dtype::i32},
                     {"torch.ShortStorage", dtype::i16},     {"torch.CharStorage", dtype::i8},
                     {"torch.ByteStorage", dtype::u8},       {"torch.BoolStorage", dtype::boolean}};
        const auto wanted = concat({module, ".", name});
        for (const auto callee : {ordered_dict, rebuild_tensor, rebuild_parameter})
            if (callee == wanted) return push(kind::callee, 0, callee);
        for (const auto& t : types)
            if (t.name == wanted) return push(kind::storage_type, static_cast<std::uint64_t>(t.type));
        fail(errc::unsupported, concat({"calls ", printable(wanted), ", which no tensor needs"}));
    }
    /// Are there from `least` to `most` objects, the first ones of these kinds?
    static bool are(std::span<const pickle_value> list, std::size_t least, std::size_t most,
                    std::initializer_list<kind> kinds) noexcept {
        return list.size() >= least && list.size() <= most &&
               std::equal(kinds.begin(), kinds.end(), list.begin(), [](kind k, const auto& v) { return v.kind == k; });
    }
    /// callee(*args): the three functions that a state dict needs, done here.
    void reduce() {
        auto args = pop(kind::tuple);
        const auto list = items(args);
        const auto callee = pop(kind::callee).text;
        if (!in_) return;
        if (callee == ordered_dict)
            return list.empty() ? push(kind::dict, containers_++)
                                : fail(errc::unsupported, "an OrderedDict made from a list");
        if (callee == rebuild_parameter)
            return are(list, 3, 3, {kind::tensor}) ? stack_.push_back(list[0]) : malformed();
        // storage, offset, shape, strides, requires_grad, hooks, and in newer files metadata
        if (!are(list, 6, 7, {kind::storage, kind::whole, kind::tuple, kind::tuple}) || list[2].count != list[3].count)
            return fail(errc::bad_value, "a tensor is built from the wrong things");
        if (list[2].count > max_dimensions) return fail(errc::unsupported, "a tensor of more than 16 dimensions");
        for (const auto& numbers : {items(list[2]), items(list[3])})
            for (const auto& n : numbers)
                if (n.kind != kind::whole)
                    return fail(errc::bad_value, "a tensor's shape or strides are not whole numbers");
        args.kind = kind::tensor;
        stack_.push_back(args);
    }
    /// ("storage", type, key, device, elements), and in legacy files a view, which must be None.
    void persistent() {
        const auto list = items(pop(kind::tuple));
        if (!are(list, 5, 6, {kind::text, kind::storage_type, kind::text, kind::text, kind::whole}) ||
            list[0].text != "storage" || list[2].text.size() > longest_key)
            return fail(errc::unsupported, "a persistent object that is no storage");
        if (list.size() == 6 && list[5].kind != kind::none)
            return fail(errc::unsupported, "a storage that is a view of another storage");
        storages_.push_back({static_cast<dtype>(list[1].number), list[2].text, list[4].number});
        push(kind::storage, storages_.size() - 1);
    }
    void step(unsigned char op) {
        std::string_view first;
        switch (op) {
            case 0x80:  // PROTO
                if (const auto n = number(1); n < 2 || n > 5) fail(errc::unsupported, concat({"protocol ", n}));
                return;
            case 0x95: return void(number(8));                 // FRAME: only says how much to read ahead
            case '(': return marks_.push_back(stack_.size());  // MARK
            case 'N': return push(kind::none);
            case 0x88: return push(kind::boolean, 1);
            case 0x89: return push(kind::boolean, 0);
            case 'K': return push(kind::whole, number(1));
            case 'M': return push(kind::whole, number(2));
            case 'J': return push_signed(take(4));
            case 0x8A: return push_signed(take(number(1)));          // LONG1
            case 'G': return push(kind::other, 0, take(8));          // BINFLOAT
            case 'U':                                                // SHORT_BINSTRING
            case 0x8C: return push(kind::text, 0, take(number(1)));  // SHORT_BINUNICODE
            case 'T':                                                // BINSTRING
            case 'X': return push(kind::text, 0, take(number(4)));   // BINUNICODE
            case ')': return tuple(0);
            case 0x85: return tuple(1);
            case 0x86: return tuple(2);
            case 0x87: return tuple(3);
            case 't': return tuple(pop_mark());
            case '}': return push(kind::dict, containers_++);
            case ']': return push(kind::list, containers_++);
            case 's': return put(2, kind::dict);  // SETITEM
            case 'u': return put(pop_mark(), kind::dict);
            case 'a': return put(1, kind::list);  // APPEND
            case 'e': return put(pop_mark(), kind::list);
            case 'q': return memo_put(number(1));
            case 'r': return memo_put(number(4));
            case 0x94: return memo_put(memo_.size());  // MEMOIZE
            case 'h': return memo_get(number(1));
            case 'j': return memo_get(number(4));
            case 'c': first = line(); return global(first, line());
            case 0x93:  // STACK_GLOBAL
                first = pop(kind::text).text;
                return global(pop(kind::text).text, first);
            case 'R': return reduce();
            case 'Q': return persistent();
            case 'b':  // BUILD: attributes of a dict, such as _metadata; no tensor is among them
                pop(kind::dict);
                if (!top_is(kind::dict)) malformed();
                return;
            default: {
                constexpr std::string_view hex = "0123456789abcdef";
                return fail(errc::unsupported,
                            concat({"opcode 0x", hex.substr(op >> 4, 1), hex.substr(op & 15, 1), " is not allowed"}));
            }
        }
    }
    cursor in_;
    std::uint64_t op_at_ = 0;
    std::vector<pickle_value> stack_, memo_;
    std::vector<std::size_t> marks_;  // stack heights
    std::vector<pickle_value> tuple_items_;
    std::vector<pickle_member> members_;
    std::uint64_t containers_ = 0;  // dicts and lists so far; each one's number is its index
    std::vector<pickle_storage> storages_;
};
// == narae/store/zip.hpp: The table of contents of a zip archive whose entries are stored as they are, as ...
/// Entry names and their bytes, both views into the archive.
using zip_entries = std::map<std::string_view, byte_view>;
namespace zip_detail {
inline constexpr std::size_t end_size = 22, end64_size = 56, locator_size = 20, central_size = 46, local_size = 30;
/// The number at byte `at` of a record; 0 where the record is too short.
template <class T> std::uint64_t field(byte_view record, std::uint64_t at) {
    return cursor(record, at).read<T>("zip field");
}
inline constexpr auto u16 = field<std::uint16_t>;
inline constexpr auto u32 = field<std::uint32_t>;
inline constexpr auto u64 = field<std::uint64_t>;
/// The central directory: where it lies and how many entries it lists.
struct directory {
    std::uint64_t begin, size, entries;
};
inline result<directory> find_directory(byte_view file) {
    // The end record stands last, before a comment of at most 65,535 bytes whose length it knows.
    for (std::size_t comment = 0; comment <= 0xFFFF && end_size + comment <= file.size(); ++comment) {
        const auto at = file.size() - end_size - comment;
        const auto end = file.subspan(at);
        if (u32(end, 0) != 0x06054B50 || u16(end, 20) != comment) continue;
        directory d{u32(end, 16), u32(end, 12), u16(end, 10)};
        std::uint64_t limit = at;
        if (d.begin == 0xFFFFFFFF || d.size == 0xFFFFFFFF || d.entries == 0xFFFF) {
            if (at < locator_size || u32(file, at - locator_size) != 0x07064B50)
                return error{errc::bad_value, "zip: no zip64 locator", at};
            limit = u64(file, at - locator_size + 8);
            const auto end64 = cursor(file.first(at - locator_size), limit).take(end64_size, "zip64 end record");
            if (u32(end64, 0) != 0x06064B50) return error{errc::bad_value, "zip: no zip64 end record", limit};
            d = {u64(end64, 48), u64(end64, 40), u64(end64, 32)};
        }
        if (d.begin > limit || d.size > limit - d.begin || d.entries > d.size / central_size)
            return error{errc::bad_value, "zip: the central directory lies outside the file", at};
        return d;
    }
    return error{errc::truncated, "zip: no end record: the file is cut short or not a zip archive", file.size()};
}
/// Replaces the values that a 32-bit field could not hold by those of the zip64 extra field, in their fixed order.
inline bool widen(byte_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset) {
    if (size != 0xFFFFFFFF && packed != 0xFFFFFFFF && offset != 0xFFFFFFFF) return true;
    cursor fields(extra);
    while (fields && fields.left() >= 4) {
        const auto id = fields.read<std::uint16_t>("id"), length = fields.read<std::uint16_t>("length");
        cursor wide(fields.take(length, "extra field"));
        if (id != 1) continue;
        for (auto* value : {&size, &packed, &offset})
            if (*value == 0xFFFFFFFF) *value = wide.read<std::uint64_t>("zip64 field");
        return static_cast<bool>(wide);
    }
    return false;
}
}  // namespace zip_detail
/// Lists a whole zip archive. Compressed or encrypted entries, and names that occur twice, are refused.
inline result<zip_entries> parse_zip(byte_view file) {
    using namespace zip_detail;
    const auto found = find_directory(file);
    if (!found) return found.error();
    zip_entries entries;
    cursor in(file.first(static_cast<std::size_t>(found->begin + found->size)), found->begin);
    for (std::uint64_t i = 0; i < found->entries; ++i) {
        const auto at = in.at();
        const auto head = in.take(central_size, "zip: central directory");
        if (in && u32(head, 0) != 0x02014B50) return error{errc::bad_value, "zip: not a central directory entry", at};
        const auto name = as_text(in.take(u16(head, 28), "zip: an entry's name"));
        const auto extra = in.take(u16(head, 30), "zip: an entry's extra field");
        in.take(u16(head, 32), "zip: an entry's comment");
        if (!in) return in.error();
        const auto refuse = [&](errc code, std::string_view why) {
            return error{code, {printable(name), ": ", why}, at};
        };
        if ((u16(head, 8) & 1) != 0) return refuse(errc::unsupported, "encrypted zip entry");
        if (u16(head, 10) != 0) return refuse(errc::unsupported, "compressed zip entry");
        auto packed = u32(head, 20), size = u32(head, 24), offset = u32(head, 42);
        if (!widen(extra, size, packed, offset)) return refuse(errc::bad_value, "broken zip64 sizes");
        if (packed != size) return refuse(errc::bad_value, "a stored zip entry with two sizes");
        cursor local(file.first(static_cast<std::size_t>(found->begin)), offset);
        const auto start = local.take(local_size, "zip entry");
        if (u32(start, 0) != 0x04034B50) return refuse(errc::bad_value, "no zip entry at its offset");
        if (as_text(local.take(u16(start, 26), "zip entry")) != name)
            return refuse(errc::bad_value, "another zip entry's offset");
        local.take(u16(start, 28), "zip entry");
        const auto data = local.take(size, "zip entry");
        if (!local) return refuse(errc::truncated, "the zip entry's bytes are cut short");
        if (!entries.emplace(name, data).second) return refuse(errc::bad_value, "occurs twice");
    }
    return entries;
}
// == narae/store/torch_bin.hpp: Files of torch.save that hold a state dict: the zip format (a pickle and one entry ...
namespace torch_detail {
/// Lays a tensor of the pickle over its storage's bytes; every element must lie inside.
inline result<tensor> lay_out(std::string name, const unpickler& pickle, std::span<const pickle_value> from,
                              const pickle_storage& storage, byte_view bytes) {
    tensor t{std::move(name), storage.type, {}, {}, {}, {}};
    for (const auto& n : pickle.items(from[2])) t.shape.push_back(n.number);
    for (const auto& n : pickle.items(from[3])) t.strides.push_back(n.number);
    const auto refuse = [&](std::string_view why) { return error{errc::bad_value, {printable(t.name), ": ", why}}; };
    const auto offset = from[1].number;
    std::uint64_t elements = 0, last = offset, step = 0;
    // More elements than the storage has (strides of 0) would let a small file ask for endless memory.
    if (!shape_elements(t.shape, elements) || elements > storage.elements)
        return refuse("has more elements than its storage");
    if (elements == 0) return t;
    for (std::size_t i = 0; i < t.shape.size(); ++i) {
        if (!checked_mul(t.shape[i] - 1, t.strides[i], step) || step > ~last)
            return refuse("its strides leave its storage");
        last += step;
    }
    if (last >= storage.elements) return refuse("its offset and strides leave its storage");
    const auto size = dtype_size(t.type);
    t.bytes =
        bytes.subspan(static_cast<std::size_t>(offset) * size, static_cast<std::size_t>(last - offset + 1) * size);
    return t;
}
/// The tensors of the state dict `root`. The bytes of the storage with key k are stored under `place` + k.
inline result<std::vector<tensor>> state_dict(const unpickler& pickle, const pickle_value& root,
                                              const zip_entries& stored, std::string_view place) {
    if (root.kind != pickle_kind::dict)
        return error{errc::unsupported, "torch file: its object is not a dict of tensors"};
    std::vector<tensor> out;
    std::set<std::string_view> names;
    for (const auto& [container, key, item] : pickle.members(root)) {
        const auto refuse = [name = key.text](errc code, std::initializer_list<piece> why) {
            return error{code, {printable(name), ": ", concat(why)}};
        };
        if (key.kind != pickle_kind::text || key.text.empty())
            return error{errc::unsupported, "torch file: a key of its dict is not a name"};
        if (text::utf8_first_invalid(key.text) != key.text.size())
            return refuse(errc::bad_value, {"a name that is not UTF-8"});
        if (item.kind == pickle_kind::dict)
            return refuse(errc::unsupported, {"a dict inside the dict; save the state dict alone"});
        if (item.kind != pickle_kind::tensor) return refuse(errc::unsupported, {"not a tensor"});
        if (!names.insert(key.text).second) return refuse(errc::bad_value, {"occurs twice"});
        const auto from = pickle.items(item);
        const auto& storage = pickle.storages()[static_cast<std::size_t>(from[0].number)];
        const auto where = concat({place, storage.key});
        const auto data = stored.find(where);
        std::uint64_t size = 0;
        if (data == stored.end()) return refuse(errc::not_found, {"no storage ", printable(where)});
        if (!checked_mul(storage.elements, dtype_size(storage.type), size) || size > data->second.size())
            return refuse(errc::truncated, {"storage ", printable(where), " is smaller than the pickle says"});
        auto t = lay_out(std::string(key.text), pickle, from, storage, data->second);
        if (!t) return t.error();
        out.push_back(std::move(*t));
    }
    return out;
}
inline result<std::vector<tensor>> parse_zipped(byte_view file) {
    constexpr std::string_view pickle_name = "data.pkl";
    const auto entries = parse_zip(file);
    if (!entries) return entries.error();
    auto pickled = entries->end();
    int found = 0;
    for (auto e = entries->begin(); e != entries->end(); ++e) {
        const auto name = e->first;
        if ((name == pickle_name || name.ends_with("/data.pkl")) && name.find('/') == name.rfind('/'))
            pickled = e, ++found;
    }
    if (found != 1) return error{errc::unsupported, "zip archive without one data.pkl: not a torch file"};
    const auto root = pickled->first.substr(0, pickled->first.size() - pickle_name.size());
    if (const auto order = entries->find(concat({root, "byteorder"}));
        order != entries->end() && as_text(order->second) != "little")
        return error{errc::unsupported, {"torch file: byte order ", printable(as_text(order->second))}};
    if (pickled->second.size() > unpickler::longest)
        return error{errc::unsupported, "torch file: its pickle is larger than a state dict's can be"};
    unpickler pickle(pickled->second);
    const auto object = pickle.next();
    if (!object) return object.error().in("data.pkl");
    return state_dict(pickle, *object, *entries, concat({root, "data/"}));
}
inline result<std::vector<tensor>> parse_legacy(byte_view file) {
    constexpr std::string_view magic_number = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    constexpr std::uint64_t protocol_version = 1001;
    enum { magic, version, about, dict, keys, pickles };
    unpickler pickle(file);
    pickle_value object[pickles];
    error failed;
    bool whole = true;
    for (auto& o : object) whole = whole && pickle.next().into(o, failed);
    if (object[magic].text != magic_number) return error{errc::unsupported, "a pickle, but not a torch file", 0};
    if (object[version].number != protocol_version)
        return error{errc::unsupported, "torch file: unknown protocol version"};
    bool little = false;
    if (object[about].kind == pickle_kind::dict)
        for (const auto& m : pickle.members(object[about]))
            if (m.key.text == "little_endian") little = m.item.kind == pickle_kind::boolean && m.item.number != 0;
    if (!little) return error{errc::unsupported, "torch file: not written as little-endian"};
    if (!whole) return failed;
    if (object[keys].kind != pickle_kind::list) return error{errc::bad_value, "torch file: no list of storages"};
    std::map<std::string_view, const pickle_storage*> promised;
    for (const auto& s : pickle.storages()) {
        const auto& same = *promised.emplace(s.key, &s).first->second;
        if (same.type != s.type || same.elements != s.elements)
            return error{errc::bad_value, {"storage ", printable(s.key), ": has two types or sizes"}};
    }
    zip_entries stored;
    cursor in(file, pickle.at());
    for (const auto& m : pickle.members(object[keys])) {
        const auto at = in.at();
        const auto key = m.item.text;
        const auto s = promised.find(key);
        if (m.item.kind != pickle_kind::text || s == promised.end() || stored.contains(key))
            return error{errc::bad_value, "torch file: the list of storages does not match the dict", at};
        const auto place = concat({"storage ", printable(key)});
        const auto elements = in.read<std::uint64_t>("its length");
        std::uint64_t size = 0;
        if (in && (elements != s->second->elements || !checked_mul(elements, dtype_size(s->second->type), size)))
            return error{errc::bad_value, {place, ": its length is not what the pickle says"}, at};
        stored.emplace(key, in.take(size, "its data"));
        if (!in) return in.error().in(place);
    }
    return state_dict(pickle, object[dict], stored, "");
}
}  // namespace torch_detail
/// Reads a whole file of torch.save; the tensors are views into `file`, which must outlive them. They may start at
/// any byte, overlap, or be strided. Anything but a flat dict of tensors is refused.
inline result<std::vector<tensor>> parse_torch_bin(byte_view file) {
    const auto begins = as_text(file.first((std::min)(file.size(), std::size_t{4})));
    if (begins.starts_with("PK")) return torch_detail::parse_zipped(file);
    if (begins.starts_with("\x80")) return torch_detail::parse_legacy(file);
    if (begins.empty()) return error{errc::truncated, "empty file"};
    return error{errc::unsupported, "neither a zip archive nor a pickle: not a torch file", 0};
}
// == narae/store/checkpoint.hpp: A checkpoint, opened: its config, its tokenizer and its tensors by name, whichever ...
/// One file of weights that a checkpoint came from.
struct source_file {
    std::string name;  ///< without its folder
    byte_view bytes;   ///< all of it, mapped: reading it all touches it all
};
class checkpoint {
public:
    /// A narae file in memory; `file` must outlive the checkpoint.
    static result<checkpoint> from_bytes(byte_view file) {
        return guarded([&] {
            checkpoint c;
            return c.made(c.add_file("memory", "memory", file) && c.finish("memory", true));
        });
    }
#ifndef NARAE_NO_FILES
    /// Opens a Hugging Face folder, a narae file, or the *.index.json of a model in shards.
    static result<checkpoint> open(const std::string& path) {
        return guarded([&] {
            checkpoint c;
            if (sys::is_folder(path)) return c.made(c.open_folder(path));
            const auto cut = path.find_last_of("/\\");
            if (!path.ends_with(".index.json"))
                return c.made(c.add_path(path, path.substr(cut + 1)) && c.finish(path, true));
            const auto folder = cut == path.npos ? std::string(".") : path.substr(0, cut);
            return c.made(c.add_shards(folder, path) && (c.is_narae() || c.read_side_files(folder)) &&
                          c.finish(path, false));
        });
    }
#endif
    /// All tensors, file after file, each file's in the order of their bytes; of torch files, in the dict's order.
    const std::vector<tensor>& tensors() const noexcept { return tensors_; }
    /// The tensor of this name, or nullptr.
    const tensor* find(std::string_view name) const noexcept {
        const auto less = [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; };
        const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name, less);
        return found == by_name_.end() || tensors_[*found].name != name ? nullptr : &tensors_[*found];
    }
    /// What was opened, for messages.
    const std::string& path() const noexcept { return path_; }
    /// The text of config.json, and what to call it in messages.
    std::string_view config_text() const noexcept { return config_; }
    const std::string& config_name() const noexcept { return config_name_; }
    /// What token::tokenizer::parse reads: tokenizer.json, or its packed form; empty if there is none.
    byte_view tokenizer_json() const noexcept {
        if (const auto* packed = find(narae_tokenizer)) return packed->bytes;
        return tokenizer_;
    }
    /// A value of the safetensors metadata (of the first file that has the key); empty if there is none.
    std::string_view metadata(std::string_view key) const noexcept {
        for (const auto& [k, value] : metadata_)
            if (k == key) return value;
        return {};
    }
    const metadata_list& metadata() const noexcept { return metadata_; }
    /// Made by narae-convert, and not an original checkpoint?
    bool is_narae() const noexcept { return !metadata(narae_version_key).empty(); }
    /// The files of weights, in the order they were read.
    const std::vector<source_file>& sources() const noexcept { return sources_; }
    /// Says that the pages of these bytes are done with for now; reading them again brings them back.
    void let_go([[maybe_unused]] byte_view part) const noexcept {
#ifndef NARAE_NO_FILES
        for (const auto& f : files_) f.let_go(part);
#endif
    }
    void let_go(const tensor& t) const noexcept { let_go(t.bytes); }
private:
    checkpoint() = default;
    // Every step returns true to go on; or else false, and failed_ says why.
    bool fail(error why) {
        failed_ = std::move(why);
        return false;
    }
    bool fail(errc code, std::initializer_list<piece> what) { return fail({code, what}); }
    result<checkpoint> made(bool ok) { return ok ? result<checkpoint>(std::move(*this)) : std::move(failed_); }
    result<std::vector<tensor>> tensors_of(result<safetensors> file) {
        if (!file) return file.error();
        metadata_.insert(metadata_.end(), file->metadata.begin(), file->metadata.end());
        return std::move(file->tensors);
    }
    bool add_file(const std::string& path, std::string name, byte_view bytes) {
        const bool torch = name.ends_with(".bin") || name.ends_with(".pt");
        sources_.push_back({std::move(name), bytes});
        auto read = torch ? parse_torch_bin(bytes) : tensors_of(parse_safetensors(bytes));
        if (!read) return fail(read.error().in(path));
        for (auto& t : *read) tensors_.emplace_back(std::move(t)).file = path;
        return true;
    }
    /// Lists the names, and checks what is true of every checkpoint.
    bool finish(const std::string& path, bool must_be_narae) {
        path_ = path;
        if (is_narae()) {
            if (const auto v = metadata(narae_version_key); v != narae_version)
                return fail(errc::unsupported, {path, ": a narae file of version ", printable(v),
                                                ", this is for version ", narae_version});
            config_ = metadata(narae_config_key);
            config_name_ = concat({path, ": ", narae_config_key});
        } else if (must_be_narae) {
            return fail(errc::unsupported, {path, ": not a narae file; of an original checkpoint, open the folder"});
        }
        if (config_.empty()) return fail(errc::bad_value, {config_name_, ": empty"});
        if (tensors_.empty()) return fail(errc::bad_value, {path, ": holds no tensors"});
        by_name_ = sorted(tensors_.size(), [&](std::size_t a, std::size_t b) {
            return std::tie(tensors_[a].name, a) < std::tie(tensors_[b].name, b);
        });
        for (std::size_t i = 1; i < by_name_.size(); ++i)
            if (const auto& a = tensors_[by_name_[i - 1]], &b = tensors_[by_name_[i]]; a.name == b.name)
                return fail(errc::bad_value, {b.file, ": ", printable(b.name), ": also in ", a.file});
        for (const auto& [tensor_name, where] : promised_) {
            const auto* t = find(tensor_name);
            if (t == nullptr || t->file != where)
                return fail(errc::not_found,
                            {where, ": ", printable(tensor_name), ": not in this file, where ", path, " says it is"});
        }
        promised_.clear();
        return true;
    }
#ifndef NARAE_NO_FILES
    /// Maps a file, for as long as the checkpoint lives.
    bool map_file(const std::string& path, byte_view& bytes) {
        if (!sys::file_view::open(path).into(files_.emplace_back(), failed_)) return files_.pop_back(), false;
        return bytes = files_.back().bytes(), true;
    }
    bool add_path(const std::string& path, std::string name) {
        byte_view file;
        return map_file(path, file) && add_file(path, std::move(name), file);
    }
    /// The shards that an index names, each once. Their names may not lead out of the folder.
    bool add_shards(const std::string& folder, const std::string& index_path) {
        byte_view index;
        if (!map_file(index_path, index)) return false;
        const auto doc = text::json::parse(as_text(index));
        if (!doc) return fail(doc.error().in(index_path));
        const auto map = doc->root()["weight_map"];
        if (!map.is(text::json_kind::object) || map.size() == 0)
            return fail(errc::bad_value, {index_path, ": no weight_map"});
        std::set<std::string> shards;  // in the order of their names, which are numbered
        const auto add = [&](const text::json_value& key, const text::json_value& value) {
            const auto name = value.string();
            // With its suffix asked for, a name without these characters is neither "." nor "..".
            const bool plain = name.find_first_of(std::string_view("/\\:\0", 4)) == name.npos;
            if (!plain || !(name.ends_with(".safetensors") || name.ends_with(".bin")))
                return fail(errc::bad_value, {index_path, ": ", printable(key.string()), ": '", printable(name),
                                              "' is not the plain name of a .safetensors or .bin file"});
            shards.insert(name);
            promised_.emplace_back(key.string(), concat({folder, "/", name}));
            return true;
        };
        bool ok = map.for_each_member(add);
        for (const auto& name : shards) ok = ok && add_path(concat({folder, "/", name}), name);
        return ok;
    }
    bool read_side_files(const std::string& folder) {
        config_name_ = concat({folder, "/config.json"});
        byte_view config;
        if (!map_file(config_name_, config))
            return failed_.code == errc::not_found &&
                   fail(errc::not_found, {folder, ": no config.json: not a Hugging Face checkpoint folder"});
        config_ = as_text(config);
        return map_file(concat({folder, "/tokenizer.json"}), tokenizer_) || failed_.code == errc::not_found;
    }
    bool open_folder(const std::string& folder) {
        if (!read_side_files(folder)) return false;
        for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
            const auto path = concat({folder, "/", name}), index_path = concat({path, ".index.json"});
            if (add_path(path, name)) return finish(path, false);
            if (!sources_.empty() || failed_.code != errc::not_found) return false;
            if (add_shards(folder, index_path)) return finish(index_path, false);
            if (!promised_.empty() || failed_.code != errc::not_found) return false;
        }
        return fail(errc::not_found, {folder, ": no model.safetensors and no pytorch_model.bin, whole or in shards"});
    }
    std::vector<sys::file_view> files_;
#endif
    byte_view tokenizer_;  // the file
    std::vector<tensor> tensors_;
    std::vector<std::size_t> by_name_;  // indices of tensors_
    std::vector<source_file> sources_;
    metadata_list metadata_;
    error failed_;  // while opening
    std::string path_, config_, config_name_;
    std::vector<std::pair<std::string, std::string>> promised_;  // tensor, and the shard that an index puts it in
};
// == narae/store/config.hpp: What a checkpoint's config.json says about a GPT-NeoX model, and nothing that narae ...
struct config {
    std::uint32_t layers = 0;        ///< num_hidden_layers
    std::uint32_t width = 0;         ///< hidden_size
    std::uint32_t heads = 0;         ///< num_attention_heads
    std::uint32_t kv_heads = 0;      ///< num_key_value_heads; heads where it is missing
    std::uint32_t head_width = 0;    ///< head_dim; width / heads where it is missing
    std::uint32_t ffn = 0;           ///< intermediate_size
    std::uint32_t vocab = 0;         ///< vocab_size, padding rows included
    std::uint32_t positions = 2048;  ///< max_position_embeddings
    std::uint32_t rotary = 0;        ///< rotated dimensions of a head: int(head_width * rotary_pct)
    double rotary_base = 10000;      ///< rotary_emb_base or rope_theta
    double norm_eps = 1e-5;          ///< layer_norm_eps
    bool parallel_residual = true;   ///< use_parallel_residual; a missing key means true
    bool tied = false;               ///< tie_word_embeddings: the head is the embedding
};
namespace detail {
/// Reads members of JSON objects and remembers the first thing that is wrong. What is not needed may be missing.
struct config_reader {
    error failed{};
    bool ok = true;
    void refuse(errc code, std::initializer_list<piece> why, std::uint64_t at = nowhere) {
        if (ok) failed = {code, why, at};
        ok = false;
    }
    /// Refuses another value of `key` than the one that narae can do.
    void only(const text::json_value& object, std::string_view key, std::string_view can, bool needed = false) {
        const auto v = object[key];
        if ((needed || !v.missing_or_null()) && v.string() != can)
            refuse(errc::unsupported, {key, " \"", v.string(), "\" is not supported, only \"", can, "\" is"}, v.at());
    }
    /// A number from `least` to `most`, which is whole where N is.
    template <class N>
    void number(const text::json_value& object, std::string_view key, N& out, std::uint64_t least, std::uint64_t most,
                bool needed = false) {
        const auto v = object[key];
        double x = 0;
        if (v.missing_or_null()) return needed ? refuse(errc::bad_value, {key, " is missing"}) : void();
        const bool fits = v.real(x) && x >= static_cast<double>(least) && x <= static_cast<double>(most);
        if (!fits || static_cast<double>(static_cast<N>(x)) != x)
            return refuse(errc::bad_value,
                          {key, " is ", v.raw().substr(0, 40), ", not a ", std::is_integral_v<N> ? "whole " : "",
                           "number from ", least, " to ", most},
                          v.at());
        out = static_cast<N>(x);
    }
    void truth(const text::json_value& object, std::string_view key, bool& out) {
        const auto v = object[key];
        if (v.missing_or_null()) return;
        if (!v.is(text::json_kind::boolean)) refuse(errc::bad_value, {key, " is not true or false"}, v.at());
        out = v.truth();
    }
};
}  // namespace detail
/// Parses config.json (or a narae file's copy of it). Numbers are bounded, so that products of them fit 64 bits.
inline result<config> parse_config(std::string_view source) {
    const auto doc = text::json::parse(source);
    if (!doc) return doc.error();
    detail::config_reader in;
    const auto root = doc->root();
    if (!root.is(text::json_kind::object)) return error{errc::bad_value, "not a JSON object", 0};
    in.only(root, "model_type", "gpt_neox", true);
    in.only(root, "hidden_act", "gelu");
    config c;
    in.number(root, "num_hidden_layers", c.layers, 1, 1024, true);
    in.number(root, "hidden_size", c.width, 1, 1 << 17, true);
    in.number(root, "num_attention_heads", c.heads, 1, 1 << 12, true);
    c.kv_heads = c.heads;
    in.number(root, "num_key_value_heads", c.kv_heads, 1, 1 << 12);
    in.number(root, "head_dim", c.head_width, 1, 1 << 10);
    in.number(root, "intermediate_size", c.ffn, 1, 1 << 19, true);
    in.number(root, "vocab_size", c.vocab, 1, 1 << 22, true);
    in.number(root, "max_position_embeddings", c.positions, 1, 1 << 24);
    in.number(root, "layer_norm_eps", c.norm_eps, 0, 1);
    in.truth(root, "use_parallel_residual", c.parallel_residual);
    in.truth(root, "tie_word_embeddings", c.tied);
    bool bias = true;
    in.truth(root, "attention_bias", bias);
    if (!bias) in.refuse(errc::unsupported, {"attention_bias false is not supported"}, root["attention_bias"].at());
    // Rotary settings have moved between versions: flat keys, then rope_theta, then one rope_parameters object.
    const auto scaling = root["rope_scaling"], rope = root["rope_parameters"];
    if (!scaling.missing_or_null()) in.refuse(errc::unsupported, {"rope_scaling is not supported"}, scaling.at());
    in.only(rope, "rope_type", "default");
    double share = 0.25;
    constexpr std::uint64_t largest_base = 1'000'000'000'000;
    in.number(root, "rotary_emb_base", c.rotary_base, 1, largest_base);
    in.number(root, "rotary_pct", share, 0, 1);
    for (const auto& place : {root, rope}) {
        in.number(place, "rope_theta", c.rotary_base, 1, largest_base);
        in.number(place, "partial_rotary_factor", share, 0, 1);
    }
    if (!in.ok) return in.failed;
    const auto wrong = [](std::initializer_list<piece> why) { return error{errc::bad_value, why}; };
    if (c.heads % c.kv_heads != 0)
        return wrong({c.heads, " heads cannot share ", c.kv_heads, " key-value heads evenly"});
    if (c.head_width == 0 && c.width % c.heads != 0)
        return wrong({"hidden_size ", c.width, " does not divide into ", c.heads, " heads"});
    if (c.head_width == 0) c.head_width = c.width / c.heads;
    if (c.head_width > 1024) return wrong({"heads of ", c.head_width, " dimensions, more than 1024"});
    c.rotary = static_cast<std::uint32_t>(c.head_width * share);
    if (c.rotary % 2 != 0) return wrong({"rotary_pct leaves ", c.rotary, " rotated dimensions, an odd number"});
    return c;
}
}  // namespace narae::inline NARAE_ABI::store
// == narae/model/shape.hpp: The letters
namespace narae::inline NARAE_ABI::model {
/// The shape of a GPT-NeoX model. Black et al. 2022, arXiv:2204.06745.
struct shape {
    std::size_t L, D, H, G, E, F, V;
    std::size_t rotary;  ///< the first `rotary` dimensions of a head are rotated; even
    double rotary_base;
    std::size_t positions;  ///< the length it was trained for
    float norm_eps;
    bool parallel_residual;  ///< attention and feed-forward read the same input, and both are added to it
    bool tied;               ///< the head is the embedding
    explicit shape(const store::config& c)
        : L(c.layers), D(c.width), H(c.heads), G(c.kv_heads), E(c.head_width), F(c.ffn), V(c.vocab), rotary(c.rotary),
          rotary_base(c.rotary_base), positions(c.positions), norm_eps(static_cast<float>(c.norm_eps)),
          parallel_residual(c.parallel_residual), tied(c.tied) {}
    /// How many query heads share one key-value head. GQA: Ainslie et al. 2023, arXiv:2305.13245, section 2.2;
    /// G == H is plain multi-head attention, G == 1 multi-query attention.
    std::size_t share() const noexcept { return H / G; }
    // The rows of the fused QKV matrix go key-value head by key-value head: the queries that share it, its key, its
    // value, each E rows. With G == H that is just how GPT-NeoX interleaves them: q, k, v of head 0, then of head 1.
    std::size_t qkv_rows() const noexcept { return (H + 2 * G) * E; }
    std::size_t q_row(std::size_t h) const noexcept { return (h / share() * (share() + 2) + h % share()) * E; }
    std::size_t k_row(std::size_t g) const noexcept { return (g * (share() + 2) + share()) * E; }
    std::size_t v_row(std::size_t g) const noexcept { return k_row(g) + E; }
};
// == narae/model/cache.hpp: The key-value cache of one conversation: a window over the latest positions, and the ...
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
// == narae/model/matrix.hpp: A weight matrix in whatever format its file holds, and the one place where formats ...
enum class format { f32, f16, bf16, q8, q4 };
inline constexpr std::string_view format_names[] = {"f32", "f16", "bf16", "q8", "q4"};
constexpr std::string_view format_name(format f) noexcept { return format_names[static_cast<std::size_t>(f)]; }
constexpr bool packed(format f) noexcept { return f == format::q8 || f == format::q4; }
/// Bytes of an [N, K] matrix in this format.
constexpr std::size_t matrix_bytes(format f, std::size_t n, std::size_t k) noexcept {
    switch (f) {
        case format::f32: return n * k * 4;
        case format::f16:
        case format::bf16: return n * k * 2;
        case format::q8: return num::tiles_of(n) * num::q8_layout::tile_bytes(k);
        default: return num::tiles_of(n) * num::q4_layout::tile_bytes(k);
    }
}
/// W[N, K], borrowed from a model file.
struct matrix {
    format type = format::f32;
    std::size_t N = 0, K = 0;
    const std::byte* data = nullptr;
};
/// A [T, width] array of floats whose rows have room for whole tiles of a packed matrix.
struct rows {
    float* data = nullptr;
    std::size_t stride = 0;
    float* operator[](std::size_t t) const noexcept { return data + t * stride; }
};
/// Vectors on their way into a matrix: as floats, and for packed formats also in 8 bits.
struct activations {
    rows x;
    num::q8_rows q;
};
/// y[t][row_begin .. row_end] += W x[t] for T tokens. Needs row_begin % 16 == 0, and row_end too unless it is N.
inline void multiply(const kernel::table& kernels, const rows& y, const matrix& w, const activations& x, std::size_t T,
                     std::size_t row_begin, std::size_t row_end) noexcept {
    if (packed(w.type)) {
        const auto gemm = w.type == format::q8 ? kernels.gemm_q8 : kernels.gemm_q4;
        return gemm(y.data, y.stride, w.data, x.q, T, w.K, row_begin, round_up(row_end, num::tile_rows));
    }
    const auto gemv = w.type == format::f32   ? kernels.gemv_f32
                      : w.type == format::f16 ? kernels.gemv_f16
                                              : kernels.gemv_bf16;
    for (std::size_t t = 0; t < T; ++t) gemv(y[t], w.data, x.x[t], w.K, row_begin, row_end);
}
/// Weight i of what is not packed.
inline float weight_at(format f, const std::byte* data, std::size_t i) noexcept {
    return f == format::f32   ? kernel::scalar::weights_f32::value(data, i)
           : f == format::f16 ? kernel::scalar::weights_f16::value(data, i)
                              : kernel::scalar::weights_bf16::value(data, i);
}
/// out[K] = row `row` of W: what an embedding looks up.
inline void copy_row(float* out, const matrix& w, std::size_t row) noexcept {
    const auto tile = row / num::tile_rows, r = row % num::tile_rows;
    if (w.type == format::q8)
        return num::unpack_row<num::q8_layout>(out, w.data + tile * num::q8_layout::tile_bytes(w.K), r, w.K);
    if (w.type == format::q4)
        return num::unpack_row<num::q4_layout>(out, w.data + tile * num::q4_layout::tile_bytes(w.K), r, w.K);
    for (std::size_t i = 0; i < w.K; ++i) out[i] = weight_at(w.type, w.data, row * w.K + i);
}
// == narae/model/weights.hpp: Finds the tensors of a model by name and checks their shapes
/// y = W x + bias.
struct linear {
    matrix w;
    const float* bias = nullptr;
};
struct norm {
    const float* gain = nullptr;
    const float* bias = nullptr;
};
struct layer_weights {
    norm before_attention, before_ffn;
    linear qkv, attention_out, ffn_up, ffn_down;
};
/// One matrix of a model: what its tensor is called (without ".q4" or ".q8") and its rows and columns.
struct matrix_name {
    std::string name;
    std::size_t N, K;
};
/// Every matrix of a model of this shape, in the order in which a forward pass reads them: four a layer.
inline std::vector<matrix_name> matrix_names(const shape& s) {
    std::vector<matrix_name> all{{"gpt_neox.embed_in.weight", s.V, s.D}};
    const matrix_name layer[] = {{"attention.query_key_value", s.qkv_rows(), s.D},
                                 {"attention.dense", s.D, s.H * s.E},
                                 {"mlp.dense_h_to_4h", s.F, s.D},
                                 {"mlp.dense_4h_to_h", s.D, s.F}};
    for (std::size_t i = 0; i < s.L; ++i)
        for (const auto& m : layer) all.push_back({concat({"gpt_neox.layers.", i, ".", m.name, ".weight"}), m.N, m.K});
    if (!s.tied) all.push_back({"embed_out.weight", s.V, s.D});
    return all;
}
/// Every vector of such a model and its length: eight a layer, then two.
inline std::vector<std::pair<std::string, std::size_t>> vector_names(const shape& s) {
    const std::pair<std::string, std::size_t> layer[] = {{"input_layernorm.weight", s.D},
                                                         {"input_layernorm.bias", s.D},
                                                         {"post_attention_layernorm.weight", s.D},
                                                         {"post_attention_layernorm.bias", s.D},
                                                         {"attention.query_key_value.bias", s.qkv_rows()},
                                                         {"attention.dense.bias", s.D},
                                                         {"mlp.dense_h_to_4h.bias", s.F},
                                                         {"mlp.dense_4h_to_h.bias", s.D}};
    std::vector<std::pair<std::string, std::size_t>> all;
    for (std::size_t i = 0; i < s.L; ++i)
        for (const auto& [part, n] : layer) all.emplace_back(concat({"gpt_neox.layers.", i, ".", part}), n);
    for (const char* part : {"weight", "bias"}) all.emplace_back(concat({"gpt_neox.final_layer_norm.", part}), s.D);
    return all;
}
/// The format of a tensor of floats: f32, f16 or bf16.
inline format format_of(const store::tensor& t) noexcept {
    return t.type == store::dtype::f32 ? format::f32 : t.type == store::dtype::f16 ? format::f16 : format::bf16;
}
/// Element i of a tensor of floats, counted row-major whatever its strides.
inline float element(const store::tensor& t, std::uint64_t i) noexcept {
    std::uint64_t at = 0;
    for (std::size_t d = t.shape.size(); d-- > 0; i /= t.shape[d]) at += i % t.shape[d] * t.strides[d];
    return weight_at(format_of(t), t.bytes.data(), static_cast<std::size_t>(at));
}
/// A tensor by name with this shape and a float dtype; an error names file, tensor and reason.
inline result<const store::tensor*> find_floats(const store::checkpoint& from, const std::string& name,
                                                const std::vector<std::uint64_t>& shape) {
    const auto* t = from.find(name);
    if (t == nullptr) return error{errc::not_found, {from.path(), ": no tensor ", name}};
    const auto place = concat({t->file, ": ", name});
    const auto list = [](const std::vector<std::uint64_t>& dims) {
        std::string s = "[";
        for (const auto d : dims) s += (s.size() > 1 ? ", " : "") + std::to_string(d);
        return s + "]";
    };
    if (t->shape != shape) return error{errc::bad_value, {place, ": shape is ", list(t->shape), ", not ", list(shape)}};
    if (t->type != store::dtype::f32 && t->type != store::dtype::f16 && t->type != store::dtype::bf16)
        return error{errc::unsupported, {place, ": weights of type ", store::dtype_name(t->type)}};
    return t;
}
/// A matrix where a checkpoint has it. view.data is nullptr if the tensor's strides are not those of whole rows.
struct stored_matrix {
    const store::tensor* tensor = nullptr;
    matrix view;
    /// out[K] = row `row`, as floats.
    void read_row(float* out, std::size_t row) const noexcept {
        if (view.data != nullptr) return copy_row(out, view, row);
        for (std::size_t i = 0; i < view.K; ++i) out[i] = element(*tensor, std::uint64_t{row} * view.K + i);
    }
};
/// A matrix by name in any format; an error names file, tensor and reason.
inline result<stored_matrix> find_matrix(const store::checkpoint& from, const matrix_name& m) {
    for (const auto type : {format::q8, format::q4}) {
        const auto* t = from.find(concat({m.name, ".", format_name(type)}));
        if (t == nullptr) continue;
        const auto tiles = num::tiles_of(m.N);
        if (t->type != store::dtype::u8 || !t->contiguous() || t->shape.size() != 2 || t->shape[0] != tiles ||
            t->shape[1] != matrix_bytes(type, m.N, m.K) / tiles)
            return error{errc::bad_value, {t->file, ": ", t->name, ": not the packed shape of [", m.N, ", ", m.K, "]"}};
        return stored_matrix{t, {type, m.N, m.K, t->bytes.data()}};
    }
    const auto found = find_floats(from, m.name, {m.N, m.K});
    if (!found) return found.error();
    const auto& t = **found;
    return stored_matrix{&t, {format_of(t), m.N, m.K, t.contiguous() ? t.bytes.data() : nullptr}};
}
/// Everything a forward pass reads. Borrows from the checkpoint, which must outlive it.
struct weights {
    matrix embedding, head;
    std::vector<layer_weights> layers;
    norm last;
    std::size_t bytes = 0;  ///< of all matrices and vectors
    static result<weights> bind(const store::checkpoint& from, const shape& s) {
        weights w;
        error why;
        std::vector<matrix> matrices;
        for (const auto& m : matrix_names(s)) {
            if (!w.bind_matrix(from, m).into(matrices.emplace_back(), why)) return why;
            w.bytes += matrix_bytes(matrices.back().type, m.N, m.K);
        }
        std::vector<const store::tensor*> sources;
        std::size_t floats = 0;
        for (const auto& [name, length] : vector_names(s)) {
            if (!find_floats(from, name, {length}).into(sources.emplace_back(), why)) return why;
            floats += length;
        }
        if (!sys::buffer<float>::make(floats).into(w.owned_floats_, why)) return why;
        std::vector<const float*> vectors;
        float* next = w.owned_floats_.data();
        for (const auto* t : sources) {
            vectors.push_back(next);
            for (std::uint64_t i = 0; i < t->shape[0]; ++i) *next++ = element(*t, i);
        }
        w.bytes += floats * sizeof(float);
        // matrix_names and vector_names list them in this order.
        w.embedding = matrices.front();
        w.head = s.tied ? matrices.front() : matrices.back();
        for (std::size_t i = 0; i < s.L; ++i) {
            const auto* m = &matrices[1 + 4 * i];
            const auto* v = &vectors[8 * i];
            w.layers.push_back({{v[0], v[1]}, {v[2], v[3]}, {m[0], v[4]}, {m[1], v[5]}, {m[2], v[6]}, {m[3], v[7]}});
        }
        w.last = {vectors[8 * s.L], vectors[8 * s.L + 1]};
        return w;
    }
private:
    result<matrix> bind_matrix(const store::checkpoint& from, const matrix_name& m) {
        const auto found = find_matrix(from, m);
        if (!found) return found.error();
        if (found->view.data != nullptr) return found->view;
        auto copy = sys::buffer<std::byte>::make(m.N * m.K * sizeof(float));
        if (!copy) return copy.error().in(m.name);
        for (std::size_t i = 0; i < m.N * m.K; ++i)
            store_le(copy->data() + i * sizeof(float), element(*found->tensor, i));
        owned_matrices_.push_back(std::move(*copy));
        return matrix{format::f32, m.N, m.K, owned_matrices_.back().data()};
    }
    sys::buffer<float> owned_floats_;
    std::vector<sys::buffer<std::byte>> owned_matrices_;
};
// == narae/model/workspace.hpp: What one forward pass writes into, for up to chunk_len tokens, and who computes
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
// == narae/model/block.hpp: One transformer block of GPT-NeoX, in the order of the paper's figure
/// Turns the first `rotary` numbers of a head: pair (i, i + rotary/2) by the angle whose cosine is turn[i] and whose
/// sine is turn[i + rotary/2].
inline void rotate(float* head, const float* turn, std::size_t rotary) noexcept {
    const std::size_t half = rotary / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const float a = head[i], b = head[i + half], c = turn[i], s = turn[i + half];
        head[i] = std::fma(a, c, -(b * s));
        head[i + half] = std::fma(b, c, a * s);
    }
}
/// Prepares x[t] for the packed matrix that will read it.
inline void quantize(const workspace& w, const activations& a, const matrix& reader, std::size_t t) noexcept {
    if (packed(reader.type)) w.kernels.quantize_q8(a.q[t], a.x[t], reader.K, num::group_len);
}
/// a[t] = norm(x[t])
inline void normalise(const workspace& w, const shape& s, const norm& n, const activations& a, const matrix& reader,
                      std::size_t t) noexcept {
    w.kernels.layer_norm(a.x[t], w.x[t], n.gain, n.bias, s.D, s.norm_eps);
    quantize(w, a, reader, t);
}
/// Keys and values of T tokens go into the cache, keys turned to their positions.
inline void remember(workspace& w, cache& kv, const shape& s, std::size_t index, std::size_t T) {
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(T * s.G, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto t = i / s.G, g = i % s.G;
            float* key = w.qkv[t] + s.k_row(g);
            rotate(key, w.turn[t], s.rotary);
            kv.put(w.kernels, index, g, kv.slot(kv.length + t), key, w.qkv[t] + s.v_row(g), s.E);
        }
    });
}
/// mixed[t, h] = softmax(q . K / sqrt(E)) V over what the cache lets each query see, for the queries first ..
/// first + count of key-value head g, which are counted token by token, head by head.
template <class Number>
void attend(workspace& w, const cache& kv, const shape& s, std::size_t index, std::size_t g, std::size_t first,
            std::size_t count, kernel::attend_op<Number>* kernel) noexcept {
    float turned[widest_head], mean[widest_head] = {};
    std::int8_t turned_q8[widest_head];
    kernel::query_state state[kernel::attend_queries];
    kernel::query_block<Number> queries{count, nullptr, mean, state};
    const std::size_t E = kv.padded_width();
    const auto token = [&](std::size_t i) { return (first + i) / s.share(); };
    const auto head = [&](std::size_t i) { return g * s.share() + (first + i) % s.share(); };
    const auto aim = [&](std::size_t turn) {  // the queries as they look from one position each
        for (std::size_t i = 0; i < count; ++i) {
            const float* q = w.qkv[token(i)] + s.q_row(head(i));
            float* to = turned + i * E;
            for (std::size_t e = 0; e < E; ++e) to[e] = e < s.E ? q[e] : 0.0f;
            rotate(to, w.turn[token(i)] + turn, s.rotary);
            float scale = 1;
            if constexpr (sizeof(Number) == 1) {
                w.kernels.quantize_q8({turned_q8 + i * E, &scale, &state[i].sum_q}, to, E, E);
                queries.q = turned_q8;
            } else {
                queries.q = turned;
            }
            state[i].scale = scale / std::sqrt(static_cast<float>(s.E));
        }
    };
    // A block that begins at position `base`, of which a query at p sees what lies in oldest(p) .. end(p). Queries
    // are in order, so those that see anything are neighbours.
    const auto look = [&](std::uint64_t base, auto oldest, auto end) {
        std::size_t from = count, to = 0, n = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto p = kv.length + token(i), block_end = base + kernel::attend_block;
            const auto lowest = (std::max)(base, oldest(p)), highest = (std::min)(block_end, end(p));
            if (lowest >= highest) continue;
            state[i].begin = static_cast<std::size_t>(lowest - base);
            state[i].end = static_cast<std::size_t>(highest - base);
            from = (std::min)(from, i);
            to = i + 1;
            n = (std::max)(n, state[i].end);
        }
        if (from < to) kernel(queries.part(from, to - from, E), kv.block<Number>(index, g, kv.slot(base)), n, E);
    };
    if (kv.sinks() != 0) {
        aim(s.rotary);
        for (std::uint64_t base = 0; base < kv.sinks(); base += kernel::attend_block)
            look(
                base, [](std::uint64_t) { return std::uint64_t{0}; },
                [&](std::uint64_t p) { return (std::min<std::uint64_t>)(kv.sinks(), p + 1); });
    }
    aim(0);
    const auto last = kv.length + token(count - 1);
    for (auto base = kv.block_begin(kv.oldest(kv.length + token(0))); base <= last; base += kernel::attend_block)
        look(
            base, [&](std::uint64_t p) { return kv.oldest(p); }, [](std::uint64_t p) { return p + 1; });
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t e = 0; e < s.E; ++e) w.mixed.x[token(i)][head(i) * s.E + e] = mean[i * E + e] / state[i].sum;
}
/// Attention of T tokens over the cache, to w.mixed: as many queries at once as there are, if every thread has some.
inline void attend(workspace& w, const cache& kv, const shape& s, std::size_t index, std::size_t T) {
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto most = (std::min)(kernel::attend_queries, widest_head / kv.padded_width());
        const auto each = std::clamp<std::size_t>(T * s.H / parts, 1, most);
        const auto tiles = (T * s.share() + each - 1) / each;
        const auto mine = sys::slice_of(s.G * tiles, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto g = i / tiles, first = i % tiles * each, count = (std::min)(each, T * s.share() - first);
            if (kv.type() == cache_type::q8)
                attend<std::int8_t>(w, kv, s, index, g, first, count, w.kernels.attend_q8);
            else
                attend<float>(w, kv, s, index, g, first, count, w.kernels.attend_f32);
        }
    });
}
/// One thread's part of the matrices, T tokens: W x with what comes right after it.
struct stage {
    workspace& w;
    const shape& s;
    std::size_t T, part, parts;
    void qkv(const linear& l) const {
        const auto bias = [&](float* y, std::size_t from, std::size_t to) {
            std::copy(l.bias + from, l.bias + to, y + from);
        };
        multiply_part(w, w.qkv, l.w, w.before_attention, T, part, parts, bias, leave);
    }
    void ffn_up(const linear& up, const matrix& down) const {
        const auto gelu = [&](float* y, std::size_t from, std::size_t to, std::size_t t) {
            w.kernels.bias_gelu(y + from, up.bias + from, to - from);
            if (!packed(down.type)) return;
            const auto q = w.ffn.q[t];
            const auto g = from / num::group_len;
            w.kernels.quantize_q8({q.q + from, q.scale + g, q.sum + g}, y + from, to - from, num::group_len);
        };
        multiply_part(w, w.ffn.x, up.w, w.before_ffn, T, part, parts, start_at_zero, gelu);
    }
    void residual(const linear& l, const activations& x) const {
        const auto bias = [&](float* y, std::size_t from, std::size_t to) {
            for (auto i = from; i < to; ++i) y[i] += l.bias[i];
        };
        multiply_part(w, w.x, l.w, x, T, part, parts, bias, leave);
    }
};
/// Block `index` over T tokens in w.x, at positions kv.length and on. Every run() ends where all threads' results are
/// needed.
inline void block(workspace& w, cache& kv, const shape& s, const layer_weights& layer, std::size_t index,
                  std::size_t T) {
    const auto run = [&](auto part_of) {
        w.team->run([&](std::size_t part, std::size_t parts) { part_of(stage{w, s, T, part, parts}); });
    };
    const auto before_ffn = [&](std::size_t t) { normalise(w, s, layer.before_ffn, w.before_ffn, layer.ffn_up.w, t); };
    each_token(w, T, [&](std::size_t t) {
        normalise(w, s, layer.before_attention, w.before_attention, layer.qkv.w, t);
        if (s.parallel_residual) before_ffn(t);
    });
    run([&](const stage& mine) {
        mine.qkv(layer.qkv);
        if (s.parallel_residual) mine.ffn_up(layer.ffn_up, layer.ffn_down.w);
    });
    remember(w, kv, s, index, T);
    attend(w, kv, s, index, T);
    each_token(w, T, [&](std::size_t t) { quantize(w, w.mixed, layer.attention_out.w, t); });
    run([&](const stage& mine) {
        mine.residual(layer.attention_out, w.mixed);
        if (s.parallel_residual) mine.residual(layer.ffn_down, w.ffn);
    });
    if (s.parallel_residual) return;
    each_token(w, T, before_ffn);
    run([&](const stage& mine) { mine.ffn_up(layer.ffn_up, layer.ffn_down.w); });
    run([&](const stage& mine) { mine.residual(layer.ffn_down, w.ffn); });
}
// == narae/model/forward.hpp: The whole network on one page: embed, L blocks, norm, head
/// Cosines, then sines, of the angles by which `position` turns the pairs of a head. The frequencies are rounded to
/// float as the reference does; the angle is a double, so that it stays exact at any position.
inline void fill_turn(float* turn, const shape& s, std::uint64_t position) noexcept {
    const std::size_t half = s.rotary / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(s.rotary);
        const auto frequency = static_cast<float>(1.0 / std::pow(s.rotary_base, exponent));
        const auto [sine, cosine] = num::sincos(static_cast<double>(position) * static_cast<double>(frequency));
        turn[i] = cosine;
        turn[i + half] = sine;
    }
}
/// Which logits a forward pass computes: the head is the largest matrix, so no more of them than asked for.
enum class want { nothing, last, each };
/// Runs ids[T], T <= chunk_len, each below V, through the network at the cache's next positions, which they then fill.
/// `seen(t, logits[V])` is called for each t wanted, ascending; the logits stay in w.logits until the next call.
inline void forward(workspace& w, cache& kv, const weights& m, const shape& s, std::span<const std::uint32_t> ids,
                    want logits, callback<std::size_t, std::span<const float>> seen = {}) {
    const std::size_t T = ids.size();
    for (std::size_t t = 0; t < T; ++t) {
        copy_row(w.x[t], m.embedding, ids[t]);
        fill_turn(w.turn[t], s, kv.length + t);
        fill_turn(w.turn[t] + s.rotary, s, kv.query_position(kv.length + t));
    }
    for (std::size_t i = 0; i < s.L; ++i) block(w, kv, s, m.layers[i], i, T);
    kv.length += T;
    if (logits == want::nothing) return;
    // The head is a matrix like any other; its input may take the place of a block's.
    const auto& last = w.before_attention;
    for (std::size_t t = logits == want::each ? 0 : T - 1; t < T; t += workspace::head_len) {
        const auto n = (std::min)(workspace::head_len, T - t);
        for (std::size_t i = 0; i < n; ++i) normalise(w, s, m.last, last, m.head, t + i);
        w.team->run([&](std::size_t part, std::size_t parts) {
            const activations x{{last.x[t], last.x.stride}, last.q.from(t)};
            multiply_part(w, w.logits, m.head, x, n, part, parts, start_at_zero, leave);
        });
        for (std::size_t i = 0; i < n; ++i) seen(t + i, std::span<const float>(w.logits[i], s.V));
    }
}
}  // namespace narae::inline NARAE_ABI::model
// == narae/gen/open.hpp: Opening a model: a narae file, an original Hugging Face folder, or bytes in memory
namespace narae::inline NARAE_ABI {
struct open_options {
    std::size_t threads = 0;                 ///< of each session; 0: one per processor, at most 16
    std::uint64_t memory_limit = 0;          ///< in bytes, for weights, cache and workspace together; 0: none
    std::optional<kernel::table> kernels{};  ///< one of kernel::runnable(); empty: the best of them
};
/// A model, ready to be talked to. Immutable: copies share it, and any number of sessions on any threads may use it.
class language_model {
public:
    const model::shape& shape() const noexcept { return parts_->shape; }
    const model::weights& weights() const noexcept { return parts_->weights; }
    const store::checkpoint& checkpoint() const noexcept { return parts_->checkpoint; }
    const open_options& options() const noexcept { return parts_->options; }
    /// nullptr if the checkpoint came without one: such a model takes ids, but no text.
    const token::tokenizer* tokenizer() const noexcept { return parts_->tokenizer ? &*parts_->tokenizer : nullptr; }
    /// May this row of the logits be sampled? Vocabularies are padded past the tokenizer's size.
    bool is_token(token::token_id id) const noexcept {
        return !parts_->tokenizer || !parts_->tokenizer->bytes_of(id).empty();
    }
    /// Use narae::open.
    static result<language_model> make(result<store::checkpoint> from, const std::string& path,
                                       const open_options& options) {
        if (!from) return from.error();
        const auto config = store::parse_config(from->config_text());
        if (!config) return config.error().in(from->config_name());
        auto made = std::make_shared<parts>(parts{std::move(*from), model::shape(*config), {}, {}, options});
        error why;
        if (!model::weights::bind(made->checkpoint, made->shape).into(made->weights, why)) return why.in(path);
        if (!made->options.kernels) made->options.kernels = kernel::runnable().best();
        if (const auto json = made->checkpoint.tokenizer_json(); !json.empty()) {
            auto& tokenizer = made->tokenizer;
            if (!token::tokenizer::parse(json).into(tokenizer, why)) return why.in(path);
            if (tokenizer->size() > made->shape.V)
                return error{
                    errc::bad_value,
                    {path, ": the tokenizer has ", tokenizer->size(), " ids, the model only ", made->shape.V, " rows"}};
        }
        if (const auto limit = options.memory_limit; limit != 0 && made->weights.bytes > limit)
            return error{errc::out_of_memory,
                         {path, ": the weights alone are ", made->weights.bytes, " bytes, the limit is ", limit}};
        language_model opened;
        opened.parts_ = std::move(made);
        return opened;
    }
private:
    struct parts {
        store::checkpoint checkpoint;
        model::shape shape;
        model::weights weights;
        std::optional<token::tokenizer> tokenizer;
        open_options options;
    };
    language_model() = default;
    std::shared_ptr<const parts> parts_;
};
#ifndef NARAE_NO_FILES
/// Opens a narae file, the first shard's index, or an original checkpoint folder, which then runs as it is.
/// Errors name the file, the tensor and the reason.
inline result<language_model> open(const std::string& path, const open_options& options = {}) {
    return guarded([&] { return language_model::make(store::checkpoint::open(path), path, options); });
}
#endif
/// Opens a narae file that is already in memory. `file` is borrowed: it must outlive the model and its sessions.
inline result<language_model> open(byte_view file, const open_options& options = {}) {
    return guarded([&] { return language_model::make(store::checkpoint::from_bytes(file), "memory", options); });
}
// == narae/gen/sampler.hpp: From logits to the next token
/// How a token is drawn: first the repetition penalty, then temperature, then top-k, then top-p.
struct sampling {
    float temperature = 0.8f;         ///< 0: always the likeliest token (greedy)
    std::size_t top_k = 40;           ///< only the k likeliest tokens; 0: all. Fan et al. 2018, arXiv:1805.04833
    float top_p = 0.95f;              ///< of those the fewest that reach this share. Holtzman et al., arXiv:1904.09751
    float repetition_penalty = 1.0f;  ///< divides positive logits of recent tokens. Keskar et al., arXiv:1909.05858
    std::uint64_t seed = 1;
};
/// Says which option cannot be, if one cannot.
inline result<void> check(const sampling& s) {
    const auto refuse = [](const char* why) { return error{errc::bad_argument, why}; };
    if (!(s.temperature >= 0 && s.temperature <= 100)) return refuse("temperature must be from 0 to 100");
    if (!(s.top_p > 0 && s.top_p <= 1)) return refuse("top-p must be above 0 and at most 1");
    if (!(s.repetition_penalty > 0 && s.repetition_penalty <= 100))
        return refuse("repetition penalty must be above 0 and at most 100");
    return {};
}
class sampler {
public:
    explicit sampler(const sampling& options) : options_(options), state_(options.seed) {}
    /// The next token. `recent` are the ids that the repetition penalty looks at; allowed(id) says which rows of the
    /// logits are tokens at all. If no logit is a number, the first allowed id.
    template <class Allowed>
    std::uint32_t pick(std::span<const float> logits, std::span<const std::uint32_t> recent, Allowed&& allowed) {
        all_.clear();
        for (std::uint32_t id = 0; id < logits.size(); ++id)
            if (allowed(id)) all_.push_back({logits[id], id});
        penalise(recent);
        const auto likelier = [](const candidate& a, const candidate& b) {
            return a.weight > b.weight || (a.weight == b.weight && a.id < b.id);
        };
        if (all_.empty()) return 0;
        auto best = all_.front();
        for (const auto& c : all_)
            if (!(best.weight >= c.weight)) best = c;
        if (options_.temperature == 0) return best.id;
        if (options_.top_k != 0 && options_.top_k < all_.size()) {
            const auto kth = all_.begin() + static_cast<std::ptrdiff_t>(options_.top_k);
            std::nth_element(all_.begin(), kth, all_.end(), likelier);
            all_.erase(kth, all_.end());
        }
        std::sort(all_.begin(), all_.end(), likelier);
        double sum = 0;
        for (auto& c : all_) sum += c.weight = num::exp((c.weight - best.weight) / options_.temperature);
        double kept = 0;
        std::size_t count = 0;
        while (count < all_.size() && kept < sum * static_cast<double>(options_.top_p)) kept += all_[count++].weight;
        double draw = uniform() * kept;
        for (std::size_t i = 0; i < count; ++i)
            if ((draw -= all_[i].weight) < 0) return all_[i].id;
        return best.id;
    }
private:
    struct candidate {
        float weight;
        std::uint32_t id;
    };
    void penalise(std::span<const std::uint32_t> recent) {
        if (options_.repetition_penalty == 1.0f) return;
        seen_.assign(recent.begin(), recent.end());
        std::sort(seen_.begin(), seen_.end());
        for (auto& c : all_)
            if (std::binary_search(seen_.begin(), seen_.end(), c.id))
                c.weight =
                    c.weight > 0 ? c.weight / options_.repetition_penalty : c.weight * options_.repetition_penalty;
    }
    /// SplitMix64 (Steele et al. 2014), its upper 53 bits as a number from 0 up to 1.
    double uniform() noexcept {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
    }
    sampling options_;
    std::uint64_t state_;
    std::vector<candidate> all_;
    std::vector<std::uint32_t> seen_;
};
// == narae/gen/speculate.hpp: Guesses the next tokens, so that one forward pass checks several for little more than ...
class drafter {
public:
    /// No more than this is guessed at once; a pass of one more must fit into model::chunk_len.
    static constexpr std::size_t longest = 6;
    /// `next`, and at most `room` guesses what comes after it, where `before` are the ids that came before it.
    /// Looks for its last three ids, else two, in what was said. Valid until the next call.
    std::span<const token::token_id> draft(std::span<const token::token_id> before, token::token_id next,
                                           std::size_t room) {
        ids_.assign(before.begin(), before.end());
        ids_.push_back(next);
        const auto last = ids_.size() - 1;
        trust_ = (std::min)(trust_ + 1.0 / 32, static_cast<double>(longest));
        room = (std::min)(room, static_cast<std::size_t>(trust_));
        std::size_t from = 0, alike = 1;
        for (auto i = room != 0 ? last : 0; i > 0 && alike < 3; --i) {
            std::size_t n = 0;
            while (n < 3 && n < i && ids_[i - 1 - n] == ids_[last - n]) ++n;
            if (n > alike) from = i, alike = n;
        }
        // Where that place reaches into the guesses themselves, they go on as they began: a list, a refrain.
        for (std::size_t i = 0; alike > 1 && i < room; ++i) ids_.push_back(ids_[from + i]);
        return std::span(ids_).subspan(last);
    }
    /// Of the last draft so many guesses were right. A wrong one costs a third of a token or so, where the model fills
    /// no memory more: after wrong ones fewer are made, down to one in 32 tokens, which no clock notices.
    void judge(std::size_t drafted, std::size_t right) noexcept {
        trust_ += 1.5 * static_cast<double>(right) - static_cast<double>(drafted);
    }
private:
    std::vector<token::token_id> ids_;
    double trust_ = 2;  // how many guesses are worth it
};
// == narae/gen/stop.hpp: Watches a growing text for stop strings, which may come in pieces: what could be the ...
class stop_watch {
public:
    explicit stop_watch(const std::vector<std::string>& stops) : stops_(stops) {}
    /// Adds text. True once a stop string is complete: the text then ends before it.
    bool push(std::string_view piece) {
        text_ += piece;
        auto found = text_.npos;
        for (const auto& s : stops_)
            if (!s.empty()) found = (std::min)(found, text_.find(s, given_));
        if (found != text_.npos) text_.resize(found);
        sure_ = text_.size();
        if (found == text_.npos)
            for (const auto& s : stops_) sure_ = (std::min)(sure_, text_.size() - beginning_at_end(s));
        return found != text_.npos;
    }
    /// No more text will come: nothing is held back any longer.
    void end() noexcept { sure_ = text_.size(); }
    /// The text that is certain and was not taken yet; valid until the next push.
    std::string_view take() noexcept {
        const auto from = given_;
        given_ = (std::max)(given_, sure_);
        return std::string_view(text_).substr(from, given_ - from);
    }
    const std::string& all() const noexcept { return text_; }
private:
    /// How many bytes at the end of the text, not yet given, are the beginning of `stop`.
    std::size_t beginning_at_end(std::string_view stop) const noexcept {
        const auto held = std::string_view(text_).substr(given_);
        for (auto n = (std::min)(held.size(), stop.empty() ? 0 : stop.size() - 1); n > 0; --n)
            if (held.ends_with(stop.substr(0, n))) return n;
        return 0;
    }
    const std::vector<std::string>& stops_;
    std::string text_;
    std::size_t given_ = 0, sure_ = 0;
};
// == narae/gen/session.hpp: One conversation with a model: its cache, its position, and the text in and out
using model::cache_type;
using token::token_id;
struct session_options {
    cache_type cache = cache_type::q8;
    std::size_t window = 0;  ///< positions that attention sees; 0: 512, or less where the model was trained for less
    std::size_t sinks = 4;   ///< of those, how many are always the very first
};
struct generate_options {
    std::size_t max_tokens = 128;
    float temperature = sampling{}.temperature;
    std::size_t top_k = sampling{}.top_k;
    float top_p = sampling{}.top_p;
    float repetition_penalty = sampling{}.repetition_penalty;
    std::uint64_t seed = sampling{}.seed;
    std::vector<std::string> stop{};      ///< text that ends the answer, and is not part of it
    std::vector<token_id> stop_tokens{};  ///< tokens that do, beside the end of text
    bool speculate = true;                ///< checks guessed tokens many at once: never another text, only faster
};
/// Why generation ended.
enum class finish { max_tokens, end_of_text, stop_string, cancelled };
/// What the last generate() did.
struct generation {
    std::size_t prompt_tokens = 0, tokens = 0;
    std::size_t drafted = 0, accepted = 0;  ///< tokens guessed ahead, and those of them that were right
    double prompt_seconds = 0, seconds = 0;
    finish reason = finish::max_tokens;
};
/// How likely a text is after its context.
struct choice_score {
    double log_likelihood = 0;   ///< natural logarithm, summed over its tokens
    std::size_t tokens = 0;      ///< how many were summed
    std::size_t characters = 0;  ///< code points of the choice, for length-normalised comparison
};
/// Bytes that a session needs, all told.
struct memory_estimate {
    std::uint64_t weights, cache, workspace;
    std::uint64_t total() const noexcept { return weights + cache + workspace; }
};
namespace detail {
inline std::size_t window_of(const model::shape& s, const session_options& o) noexcept {
    return o.window != 0 ? o.window : (std::min<std::size_t>)(512, s.positions);
}
}  // namespace detail
inline memory_estimate estimate(const language_model& m, const session_options& o = {}) noexcept {
    return {m.weights().bytes, model::cache::bytes(m.shape(), o.cache, detail::window_of(m.shape(), o)),
            model::workspace::bytes(m.shape())};
}
/// ln of the sum of e^logits, in double: a logit less this is a log-probability.
inline double log_sum(std::span<const float> logits) noexcept {
    double largest = logits[0], sum = 0;
    for (const double l : logits) largest = l > largest ? l : largest;
    for (const double l : logits) sum += std::exp(l - largest);
    return largest + std::log(sum);
}
class session {
public:
    /// Never fails by itself: what went wrong (no memory, no threads, a bad window) is the error of every later call.
    explicit session(const language_model& m, const session_options& options = {}) : model_(m), options_(options) {
        ready_ = guarded([&] { return prepare(); });
    }
    const language_model& model() const noexcept { return model_; }
    /// The window in use, and how many tokens have passed.
    std::size_t window() const noexcept { return options_.window; }
    std::uint64_t length() const noexcept { return cache_ ? cache_->length : 0; }
    /// Forgets the conversation.
    void reset() noexcept {
        if (cache_) cache_->length = 0;
        pending_.reset();
        recent_.clear();
    }
    /// Goes on from `prompt` and returns the text that follows it. `on_text` gets it piece by piece as it comes, always
    /// whole UTF-8 characters; it is also polled with an empty piece while the prompt is read. Returning false stops:
    /// what came so far is then the result.
    result<std::string> generate(std::string_view prompt, const generate_options& options = {},
                                 callback<std::string_view> on_text = {}) {
        return guarded([&]() -> result<std::string> {
            const auto* tokenizer = model_.tokenizer();
            auto ids = tokenizer != nullptr ? tokenizer->encode(prompt) : std::vector<token_id>();
            if (tokenizer != nullptr && ids.empty()) {
                if (!tokenizer->end_of_text())
                    return error{errc::bad_argument, "an empty prompt, and no end-of-text token to start from"};
                ids.push_back(*tokenizer->end_of_text());
            }
            return generate_text(ids, options, on_text);
        });
    }
    /// The same from ids, which may be special tokens, too: the marks of a chat. At least one, each below V.
    result<std::string> generate(std::span<const token_id> prompt, const generate_options& options = {},
                                 callback<std::string_view> on_text = {}) {
        return guarded([&] { return generate_text(prompt, options, on_text); });
    }
    /// What the last generate() did, and how long it took.
    const generation& last() const noexcept { return last_; }
    /// Takes ids into the conversation; returns the logits [V] after the last one, valid until the next call.
    /// Needs at least one id, each below V. `on_progress(done, total)` returning false leaves errc::cancelled.
    result<std::span<const float>> feed(std::span<const token_id> ids,
                                        callback<std::size_t, std::size_t> on_progress = {}) {
        return guarded([&]() -> result<std::span<const float>> {
            if (const auto fed = run(ids, model::want::last, {}, on_progress); !fed) return fed.error();
            return std::span<const float>(work_->logits[0], model_.shape().V);
        });
    }
    /// The same, with the logits after each id: on_logits(index, logits[V]). Returning false leaves errc::cancelled.
    result<void> feed_each(std::span<const token_id> ids, callback<std::size_t, std::span<const float>> on_logits) {
        return guarded([&] { return run(ids, model::want::each, on_logits, {}); });
    }
    /// How likely each choice is as the continuation of `context`, which is cut from the left where the window is too
    /// short. Apart from the conversation, which stays as it is. Blanks at the end of the context count as the
    /// beginning of the choice, as evaluation harnesses do it; an empty context is the end-of-text token.
    result<std::vector<choice_score>> score(std::string_view context, const std::vector<std::string>& choices) {
        return guarded([&] { return score_choices(context, choices); });
    }
private:
    result<void> prepare() {
        const auto& s = model_.shape();
        options_.window = detail::window_of(s, options_);
        if (options_.window > (std::size_t{1} << 20))
            return error{errc::bad_argument, "a window of more than 2^20 positions"};
        if (options_.sinks >= options_.window)
            return error{errc::bad_argument,
                         {"a window of ", options_.window, " positions has no room beside ", options_.sinks, " sinks"}};
        const auto need = estimate(model_, options_).total();
        if (const auto limit = model_.options().memory_limit; limit != 0 && need > limit)
            return error{errc::out_of_memory, {"needs ", need, " bytes, the limit is ", limit}};
        error why;
        if (!model::cache::make(s, options_.cache, options_.window, options_.sinks).into(cache_, why) ||
            !model::workspace::make(s, *model_.options().kernels, model_.options().threads).into(work_, why))
            return why;
        return {};
    }
    /// Runs ids through the model, after the token that the last generate() drew but did not yet feed.
    result<void> run(std::span<const token_id> ids, model::want logits,
                     callback<std::size_t, std::span<const float>> on_logits,
                     callback<std::size_t, std::size_t> on_progress) {
        if (!ready_) return ready_.error();
        if (ids.empty()) return error{errc::bad_argument, "no tokens to feed"};
        for (const auto id : ids)
            if (id >= model_.shape().V)
                return error{errc::bad_argument, {"token id ", id, " is not below ", model_.shape().V}};
        if (pending_) {  // was drawn and given out, but is not yet in the cache
            const token_id drawn = *std::exchange(pending_, std::nullopt);
            forward({&drawn, 1}, *cache_, model::want::nothing);
            remember(drawn);
        }
        std::size_t remembered = 0;
        const bool going = forward(ids, *cache_, logits, on_logits, [&](std::size_t done) {
            while (remembered < done) remember(ids[remembered++]);
            return on_progress(done, ids.size());
        });
        if (!going) return error{errc::cancelled, "cancelled"};
        return {};
    }
    /// Runs ids through the model, a chunk at a time; false if on_chunk, which hears how many are done, stopped it.
    bool forward(std::span<const token_id> ids, model::cache& cache, model::want logits,
                 callback<std::size_t, std::span<const float>> on_logits = {}, callback<std::size_t> on_chunk = {}) {
        for (std::size_t done = 0; done < ids.size();) {
            const auto chunk = ids.subspan(done, (std::min)(model::chunk_len, ids.size() - done));
            const bool final = done + chunk.size() == ids.size();
            model::forward(*work_, cache, model_.weights(), model_.shape(), chunk,
                           logits == model::want::last && !final ? model::want::nothing : logits,
                           [&](std::size_t t, std::span<const float> row) { return on_logits(done + t, row); });
            done += chunk.size();
            if (!on_chunk(done)) return false;
        }
        return true;
    }
    /// Keeps the ids of the window, for the repetition penalty.
    void remember(token_id id) {
        if (recent_.size() == options_.window) recent_.erase(recent_.begin());
        recent_.push_back(id);
    }
    result<std::string> generate_text(std::span<const token_id> ids, const generate_options& o,
                                      callback<std::string_view> on_text) {
        using clock = std::chrono::steady_clock;
        const auto seconds_since = [](clock::time_point t) {
            return std::chrono::duration<double>(clock::now() - t).count();
        };
        const auto* tokenizer = model_.tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        last_ = {};
        if (!ready_) return ready_.error();
        const sampling how{o.temperature, o.top_k, o.top_p, o.repetition_penalty, o.seed};
        if (const auto fine = check(how); !fine) return fine.error();
        const auto start = clock::now();
        last_.prompt_tokens = ids.size();
        const auto fed = run(ids, model::want::last, {}, [&](std::size_t, std::size_t) { return on_text({}); });
        last_.prompt_seconds = seconds_since(start);
        if (!fed && fed.error().code != errc::cancelled) return fed.error();
        last_.reason = fed ? finish::max_tokens : finish::cancelled;
        const auto first = clock::now();
        sampler draw(how);
        token::stream_decoder decoder(*tokenizer);
        stop_watch text(o.stop);
        const auto draw_next = [&](std::span<const float> logits) {  // false: the answer is over
            const auto id = draw.pick(logits, recent_, [&](token_id t) { return model_.is_token(t); });
            if (id == tokenizer->end_of_text() ||
                std::find(o.stop_tokens.begin(), o.stop_tokens.end(), id) != o.stop_tokens.end()) {
                last_.reason = finish::end_of_text;
                return false;
            }
            pending_ = id;
            ++last_.tokens;
            const bool stopped = text.push(decoder.push(id)), going = on_text(text.take());
            if (stopped || !going) last_.reason = stopped ? finish::stop_string : finish::cancelled;
            return !stopped && going && last_.tokens < o.max_tokens;
        };
        bool going = fed && o.max_tokens != 0 && draw_next({work_->logits[0], model_.shape().V});
        drafter guess;
        while (going) {
            // The drawn token and guesses of what follows in one pass: as long as a guess is what is drawn, the next
            // row of logits counts, too. The cache then drops the keys of the others.
            const auto next = guess.draft(recent_, *pending_, o.speculate ? o.max_tokens - last_.tokens - 1 : 0);
            const auto length = cache_->length;
            std::size_t right = 0;  // of next that were drawn, the first one by then
            forward(next, *cache_, model::want::each, [&](std::size_t t, std::span<const float> logits) {
                if (!going || t != right || pending_ != next[t]) return;
                ++right;
                pending_.reset();
                remember(next[t]);
                going = draw_next(logits);
            });
            cache_->length = length + right;
            guess.judge(next.size() - 1, right - 1);
            last_.drafted += next.size() - 1;
            last_.accepted += right - 1;
        }
        last_.seconds = seconds_since(first);
        if (last_.reason != finish::stop_string && text.push(decoder.finish())) last_.reason = finish::stop_string;
        text.end();
        if (const auto rest = text.take(); !rest.empty()) on_text(rest);
        return text.all();
    }
    result<std::vector<choice_score>> score_choices(std::string_view context, const std::vector<std::string>& choices) {
        if (!ready_) return ready_.error();
        const auto* tokenizer = model_.tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        auto scratch = model::cache::make(model_.shape(), options_.cache, options_.window, options_.sinks);
        if (!scratch) return scratch.error();
        const auto kept = context.substr(0, context.find_last_not_of(' ') + 1);
        const auto blanks = context.substr(kept.size());
        std::vector<choice_score> scores;
        std::vector<token_id> before;  // what the scratch cache holds
        for (const auto& choice : choices) {
            auto head = tokenizer->encode(kept);
            auto ids = tokenizer->encode(std::string(kept) + std::string(blanks) + choice);
            if (kept.empty()) {
                if (!tokenizer->end_of_text())
                    return error{errc::bad_argument, "an empty context, and no end-of-text token"};
                head.insert(head.begin(), *tokenizer->end_of_text());
                ids.insert(ids.begin(), head.front());
            }
            if (ids.size() <= head.size())
                return error{errc::bad_argument, {"choice \"", choice, "\" adds no token to its context"}};
            std::size_t scored = ids.size() - head.size();  // at the end of ids
            if (scored > options_.window) return error{errc::bad_argument, "a choice longer than the window"};
            const auto cut = ids.size() > options_.window + 1 ? ids.size() - (options_.window + 1) : 0;
            ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut));
            // What this choice shares with the last one is still in the cache, but the logits before its first token
            // are not: the token that gives them is run again.
            const std::size_t first = ids.size() - scored - 1;
            std::size_t shared = 0;
            while (shared < first && shared < before.size() && before[shared] == ids[shared]) ++shared;
            scratch->length = shared;
            choice_score s{0, scored, count_characters(choice)};
            const std::span<const token_id> all(ids);
            forward(all.subspan(shared, first - shared), *scratch, model::want::nothing);
            forward(all.subspan(first, scored), *scratch, model::want::each,
                    [&](std::size_t t, std::span<const float> row) {
                        s.log_likelihood += static_cast<double>(row[ids[first + t + 1]]) - log_sum(row);
                    });
            before.assign(ids.begin(), ids.end() - 1);
            scores.push_back(s);
        }
        return scores;
    }
    static std::size_t count_characters(std::string_view s) noexcept {
        std::size_t n = 0;
        for (; !s.empty(); ++n) s.remove_prefix(text::utf8_front(s).length);
        return n;
    }
    language_model model_;
    session_options options_;
    result<void> ready_;
    std::optional<model::cache> cache_;
    std::optional<model::workspace> work_;
    std::optional<token_id> pending_;
    std::vector<token_id> recent_;
    generation last_;
};
}  // namespace narae::inline NARAE_ABI
// == no macro of narae stays behind
#undef NARAE_ABI
#undef NARAE_ABI_F
#undef NARAE_ABI_S
#undef NARAE_ABI_T
#undef NARAE_ABI_X
#undef NARAE_AVX2
#undef NARAE_AVX512
#undef NARAE_AVX512_BF16
#undef NARAE_AVX512_VNNI
#undef NARAE_AVX_VNNI
#undef NARAE_EXCEPTIONS
#undef NARAE_JOIN
#undef NARAE_JOIN2
#undef NARAE_NEON
#undef NARAE_NEON_DOT
#undef NARAE_POSIX
#undef NARAE_TARGET
#undef NARAE_X86

#endif
