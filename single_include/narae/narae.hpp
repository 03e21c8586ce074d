// SPDX-License-Identifier: MIT
// narae 0.1.0: narae/narae.hpp and all that it includes, in one file. Made by single_include/amalgamate.cpp; do not edit.
// FNV-1a hash of all that follows this line: 00250bc52e81f532
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
//   token/   text <-> ids: the tokenizer of a checkpoint, executed exactly
//   kernel/  the hot loops: a folder per operation, its contract, its scalar definition, its fast versions
//   store/   files: safetensors, torch files, a checkpoint folder
//   model/   the network: shape, weights, cache, block, forward
//   gen/     talking: open a model, sample, a session
//
// To read it as a book: this map -> model/shape.hpp -> model/forward.hpp -> model/block.hpp ->
// kernel/gemv_q4/contract.hpp -> its scalar.hpp -> token/tokenizer.hpp -> examples/01_hello.cpp.
#ifndef NARAE_NARAE_HPP
#define NARAE_NARAE_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// ==== narae/base/config.hpp ====
// Every macro and every user switch of narae, each with its line. Nothing else in the library is a macro.
// Define a switch before the first include; a switch that changes code also changes the namespace tag,
// so that two files compiled with different switches can live in one program.

// --- switches for users ---------------------------------------------------------------------------------
// NARAE_NO_FILES    no operating system files: models come from byte spans
// NARAE_NO_THREADS  no <thread>: everything runs on the caller's thread
// NARAE_NO_SIMD     scalar kernels only

// --- what the compiler and the target offer ---------------------------------------------------------------
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define NARAE_EXCEPTIONS 1  // result::value() exists and throws; allocation failures become errors
#else
#define NARAE_EXCEPTIONS 0
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
// --- the namespace tag ------------------------------------------------------------------------------------
#if NARAE_EXCEPTIONS
#define NARAE_ABI_X v0
#else
#define NARAE_ABI_X v0_noexcept
#endif
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
// ==== narae/base/result.hpp ====
// How narae reports failure: result<T> holds a value or an error. Nothing in narae throws, prints or exits.
// The shape follows C++23's std::expected; only value() throws, and only where exceptions are on.
#if NARAE_EXCEPTIONS
#include <stdexcept>
#endif
namespace narae::inline NARAE_ABI {
/// A piece of a message: text, or a whole number to be written in decimal.
struct piece {
    std::string_view text;
    std::uint64_t number = 0;
    bool is_number = false;

    piece(const char* t) : text(t) {}
    piece(std::string_view t) : text(t) {}
    piece(const std::string& t) : text(t) {}
    template <class N, std::enable_if_t<std::is_unsigned_v<N>, int> = 0>
    piece(N n) : number(n), is_number(true) {}
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
    /// "file: tensor: reason (byte 17)", one line, no newline at the end.
    std::string message() const { return at == nowhere ? what : concat({what, " (byte ", at, ")"}); }
    /// The same error seen from one step further out: `place` is put in front of the reason.
    error in(std::string_view place) const { return {code, concat({place, ": ", what}), at}; }
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
template <class T>
class [[nodiscard]] result {
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
/// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    result(narae::error e) : error_(std::move(e)), failed_(true) {}

    bool has_value() const noexcept { return !failed_; }
    explicit operator bool() const noexcept { return !failed_; }
    const narae::error& error() const noexcept { return error_; }
#if NARAE_EXCEPTIONS
    void value() const {
        if (failed_) throw failure(error_);
    }
#endif
private:
    narae::error error_;
    bool failed_ = false;
};
/// Runs `body` (which returns a result) and turns a failed standard-library allocation into an error.
/// Public entry points are wrapped in it, so that no exception leaves narae.
template <class Body>
auto guarded(Body&& body) -> decltype(body()) {
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
// ==== narae/base/bytes.hpp ====
// Bytes of files: little-endian loads and stores, checked arithmetic, and the one bounded cursor of all readers.
// Nothing here assumes alignment or the machine's byte order.
namespace narae::inline NARAE_ABI {
using byte_view = std::span<const std::byte>;
/// The T (an integer or a float) whose little-endian bytes start at p; p need not be aligned.
template <class T>
T load_le(const void* p) noexcept {
    static_assert(std::is_arithmetic_v<T>);
    unsigned char b[sizeof(T)];
    std::memcpy(b, p, sizeof(T));
    if constexpr (std::endian::native == std::endian::big)
        for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(b[i], b[sizeof(T) - 1 - i]);
    T value;
    std::memcpy(&value, b, sizeof(T));
    return value;
}
/// Writes value at p as little-endian bytes.
template <class T>
void store_le(void* p, T value) noexcept {
    static_assert(std::is_arithmetic_v<T>);
    unsigned char b[sizeof(T)];
    std::memcpy(b, &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big)
        for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(b[i], b[sizeof(T) - 1 - i]);
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
template <class N>
constexpr N round_up(N n, std::type_identity_t<N> step) noexcept {
    return (n + step - 1) / step * step;
}
/// Reads a span from front to back and never past its end. Errors carry the offset where the bytes ran out.
class cursor {
public:
    explicit cursor(byte_view bytes, std::uint64_t at = 0) : bytes_(bytes), at_(at) {}

    std::uint64_t at() const noexcept { return at_; }
    std::uint64_t left() const noexcept { return at_ <= bytes_.size() ? bytes_.size() - at_ : 0; }
    /// The next n bytes; `what` names them in the error.
    result<byte_view> take(std::uint64_t n, std::string_view what) {
        if (n > left()) return error{errc::truncated, concat({what, " is cut short"}), at_};
        const auto taken = bytes_.subspan(static_cast<std::size_t>(at_), static_cast<std::size_t>(n));
        at_ += n;
        return taken;
    }
    /// The next little-endian T.
    template <class T>
    result<T> read(std::string_view what) {
        auto taken = take(sizeof(T), what);
        if (!taken) return taken.error();
        return load_le<T>(taken->data());
    }

private:
    byte_view bytes_;
    std::uint64_t at_;
};
// ==== narae/base/callback.hpp ====
// The one callback type: a borrowed function that says whether to go on. It reports progress and cancels.
// Like C++26's std::function_ref: it owns nothing, so it must not outlive the call it is passed to.
/// Calls back with Args; the callee returns true to go on, false to stop. Empty: always goes on.
template <class... Args>
class callback {
public:
    callback() = default;
    callback(std::nullptr_t) {}

    template <class F, class = std::enable_if_t<!std::is_same_v<std::remove_cvref_t<F>, callback>>>
    callback(F&& f)
        : target_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* target, Args... args) -> bool {
              return (*static_cast<std::add_pointer_t<F>>(target))(std::forward<Args>(args)...);
          }) {}

    bool operator()(Args... args) const { return call_ == nullptr || call_(target_, std::forward<Args>(args)...); }

private:
    void* target_ = nullptr;
    bool (*call_)(void*, Args...) = nullptr;
};
// ==== narae/base/sorted.hpp ====
// Sorting, compiled once: every std::sort of another type or order is kilobytes of code in the user's program.
/// The numbers below n, sorted so that before(a, b) holds for no b that stands in front of an a. Not for hot loops.
inline std::vector<std::size_t> sorted(std::size_t n, callback<std::size_t, std::size_t> before) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    std::sort(order.begin(), order.end(), before);
    return order;
}
// ==== narae/base/version.hpp ====
// The three numbers, written nowhere else.

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;
inline constexpr char version_text[] = {'0' + version_major, '.', '0' + version_minor, '.', '0' + version_patch, 0};
}  // namespace narae::inline NARAE_ABI
// ==== narae/sys/buffer.hpp ====
// Owned memory for numbers: 64-byte aligned, zeroed, and allocated without throwing.
namespace narae::inline NARAE_ABI::sys {
/// Every buffer starts on a cache line, which is also the widest SIMD register.
inline constexpr std::size_t cache_line = 64;
/// `size()` elements of a trivial T, all zero at first. Moves, never copies.
template <class T>
class buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    buffer() = default;
    buffer(buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
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
            return error{errc::out_of_memory, concat({"a buffer of ", n, " elements"})};
        b.data_ = static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{cache_line}, std::nothrow));
        if (b.data_ == nullptr) return error{errc::out_of_memory, concat({"no ", n * sizeof(T), " bytes of memory"})};
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
// ==== narae/sys/cpu.hpp ====
// Which instruction sets this machine, with this operating system, can run. Asked at run time, never at build time.
#if NARAE_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#elif NARAE_X86
#include <cpuid.h>
#endif
namespace narae::inline NARAE_ABI::sys {
/// AVX2, FMA and F16C, with the operating system saving the wide registers.
inline bool has_avx2() noexcept {
#if !NARAE_X86
    return false;
#elif defined(__GNUC__) || defined(__clang__)
    __builtin_cpu_init();
    unsigned a = 0, b = 0, c = 0, d = 0;  // older compilers do not know F16C by name
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid(1, &a, &b, &c, &d) &&
           ((c >> 29) & 1);
#else
    int r[4];
    __cpuid(r, 1);
    const bool fma = (r[2] >> 12) & 1, osxsave = (r[2] >> 27) & 1, f16c = (r[2] >> 29) & 1;
    if (!fma || !osxsave || !f16c || (_xgetbv(0) & 6) != 6) return false;
    __cpuidex(r, 7, 0);
    return (r[1] >> 5) & 1;
#endif
}
/// Tells the processor that this thread watches a variable, so that it wastes less while it does.
inline void relax() noexcept {
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
    __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
}  // namespace narae::inline NARAE_ABI::sys
// ==== narae/sys/file_view.hpp ====
// The bytes of a file, read-only: mapped where the system can, read into memory where it cannot.
// Mapped pages cost no memory until they are touched, and the system may take them back at any time.
#ifndef NARAE_NO_FILES
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
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
    return {code, concat({path, ": ", doing, ": ", std::strerror(why)})};
}
/// Is there a folder at this path?
inline bool is_folder(const std::string& path) {
#if NARAE_POSIX
    struct stat about;
    return ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
#else
    // Standard C cannot tell; no file opens under a folder's name, and a folder has a "." in it.
    std::FILE* inside = std::fopen((path + "/config.json").c_str(), "rb");
    if (inside == nullptr) return false;
    std::fclose(inside);
    return true;
#endif
}
/// A whole file as bytes. Moves, never copies; the bytes live as long as the view.
class file_view {
public:
    file_view() = default;
    file_view(file_view&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})),
          mapped_(std::exchange(other.mapped_, false)),
          owned_(std::move(other.owned_)) {}
    file_view& operator=(file_view&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(mapped_, other.mapped_);
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~file_view() {
#if NARAE_POSIX
        if (mapped_) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
#endif
    }

    byte_view bytes() const noexcept { return bytes_; }

    static result<file_view> open(const std::string& path) {
        file_view view;
#if NARAE_POSIX
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) return system_error(path, "cannot open");
        struct stat about;
        if (::fstat(file, &about) != 0) {
            const auto failed = system_error(path, "cannot stat");
            ::close(file);
            return failed;
        }
        if (!S_ISREG(about.st_mode)) {
            ::close(file);
            return error{errc::io, concat({path, ": not a regular file"})};
        }
        const auto size = static_cast<std::size_t>(about.st_size);
        if (size != 0) {
            void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
            if (at == MAP_FAILED) {
                const auto failed = system_error(path, "cannot map");
                ::close(file);
                return failed;
            }
            view.bytes_ = {static_cast<const std::byte*>(at), size};
            view.mapped_ = true;
        }
        ::close(file);
#else
        std::FILE* file = std::fopen(path.c_str(), "rb");
        if (file == nullptr) return system_error(path, "cannot open");
        long size = -1;
        if (std::fseek(file, 0, SEEK_END) == 0) size = std::ftell(file);
        auto owned = buffer<std::byte>::make(size > 0 ? static_cast<std::size_t>(size) : 0);
        const bool whole = size >= 0 && owned && std::fseek(file, 0, SEEK_SET) == 0 &&
                           std::fread(owned->data(), 1, owned->size(), file) == owned->size();
        std::fclose(file);
        if (!owned) return owned.error().in(path);
        if (!whole) return error{errc::io, concat({path, ": cannot read"})};
        view.owned_ = std::move(*owned);
        view.bytes_ = view.owned_.span();
#endif
        return view;
    }
    /// Tells the system that these bytes of the view are done with, so that they stop counting as memory in use.
    void let_go(byte_view part) const noexcept {
#if NARAE_POSIX && !defined(__EMSCRIPTEN__)
        if (!mapped_ || part.empty()) return;
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const auto from =
            static_cast<std::size_t>(round_up(static_cast<std::size_t>(part.data() - bytes_.data()), page));
        const auto to = static_cast<std::size_t>(part.data() + part.size() - bytes_.data()) / page * page;
        if (to > from) ::madvise(const_cast<std::byte*>(bytes_.data()) + from, to - from, MADV_DONTNEED);
#else
        (void)part;
#endif
    }

private:
    byte_view bytes_;
    bool mapped_ = false;
    buffer<std::byte> owned_;
};
}  // namespace narae::inline NARAE_ABI::sys
#endif  // NARAE_NO_FILES
// ==== narae/sys/team.hpp ====
// A fork-join team: run(f) calls f(part, parts) once on every thread and returns when all are done.
// Who does which part never changes a result: every number is computed whole by one thread.
#ifndef NARAE_NO_THREADS
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>
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
                return error{errc::io, concat({"cannot start thread ", i, " of ", threads})};
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
    template <class F>
    void run(F&& f) {
        if (size_ == 1) return f(std::size_t{0}, std::size_t{1});
        work_ = [](void* body, std::size_t part, std::size_t parts) {
            (*static_cast<std::remove_reference_t<F>*>(body))(part, parts);
        };
        body_ = const_cast<void*>(static_cast<const void*>(std::addressof(f)));
        running_ = size_ - 1;
        start_round();
        f(std::size_t{0}, size_);
        await(done_, caller_sleeps_, [this] { return running_ == 0; });
    }

private:
    team() = default;

    void serve(std::size_t part) {
        for (std::size_t seen = 0;; ++seen) {  // each round is seen: run() waits for all
            await(go_, sleepers_, [&] { return round_ != seen; });
            if (stop_) return;
            work_(body_, part, size_);
            if (--running_ == 0) wake(done_, caller_sleeps_);
        }
    }

    void start_round() {
        ++round_;
        wake(go_, sleepers_);
    }
    /// Returns once ready() is true. A sleeper counts itself before it looks for the last time, and wake() looks at the
    /// count after what it announces is visible (both sequentially consistent): one of them sees the other.
    template <class Ready>
    void await(std::condition_variable& bell, std::atomic<std::size_t>& sleepers, Ready&& ready) {
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
    void (*work_)(void*, std::size_t, std::size_t) = nullptr;
    void* body_ = nullptr;
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
    template <class F>
    void run(F&& f) {
        f(std::size_t{0}, std::size_t{1});
    }
};
#endif
}  // namespace narae::inline NARAE_ABI::sys
// ==== narae/num/half.hpp ====
// The two 16-bit floats of model files, to and from float: IEEE 754 binary16 and bfloat16.
// Integer arithmetic only, so no compiler flag changes a bit; rounding is to nearest, ties to even.
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
/// The nearest binary16; beyond 65,504 infinity, a NaN stays a NaN.
constexpr std::uint16_t f32_to_f16(float f) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(f);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t size = bits & 0x7FFFFFFFu;
    if (size > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);
    if (size >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // 65,520 and above
    if (size < 0x33000001u) return sign;                                         // 2^-25 and below
    const std::uint32_t exponent = size >> 23;
    std::uint32_t mantissa = size & 0x7FFFFFu, dropped = 13;
    if (exponent < 113) {  // subnormal: the hidden bit becomes explicit, more bits go
        mantissa |= 0x800000u;
        dropped += 113 - exponent;
    } else {
        mantissa |= (exponent - 112) << 23;
    }
    const std::uint32_t half = 1u << (dropped - 1), rest = mantissa & ((1u << dropped) - 1);
    std::uint32_t rounded = mantissa >> dropped;
    if (rest > half || (rest == half && (rounded & 1))) ++rounded;
    return static_cast<std::uint16_t>(sign | rounded);
}
/// The float a bfloat16 stands for: its upper half.
constexpr float bf16_to_f32(std::uint16_t h) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16);
}
// ==== narae/num/math.hpp ====
// exp, the normal distribution and sine, defined by their steps: every machine and every SIMD width takes the
// same ones, so results are equal to the bit. Each multiply that meets an add is an explicit fma for that reason:
// what a compiler would fuse by itself, here it fuses by definition.
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
// ==== narae/num/q8.hpp ====
// 8-bit numbers: activations as kernels read them (q8_row), and packed 8-bit weights.
// Symmetric, w[i] = scale * q[i] with q in -127..127, one scale per group of 64 along K.
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
/// One activation vector of K numbers in 8 bits, K padded to whole groups with zeros. A view: owns nothing.
struct q8_row {
    std::int8_t* q;     ///< [groups * 64]
    float* scale;       ///< [groups]
    std::int32_t* sum;  ///< [groups], the sum of the group's q: what a zero point of the weights must be taken times
};
/// Packed 8-bit weights, rows in tiles of 16, K in groups of 64, both padded with zeros:
///   tile  = [groups][16] f16 scales, padded to 64 bytes, then [groups][16 chunks] of 64 bytes
///   chunk = 4 inputs of 16 rows: byte[row * 4 + j] = q(row, 4 * chunk + j)
/// 8.25 bits per weight. One 32-bit lane of a register holds 4 inputs of one row.
struct q8_layout {
    static constexpr std::size_t group_bytes = tile_rows * group_len;
    static constexpr std::size_t scale_bytes(std::size_t k) noexcept {
        return round_up(groups_of(k) * tile_rows * 2, 64);
    }
    static constexpr std::size_t tile_bytes(std::size_t k) noexcept {
        return scale_bytes(k) + groups_of(k) * group_bytes;
    }
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code, within a tile's codes
        return k / 4 * (tile_rows * 4) + row * 4 + k % 4;
    }
};
static_assert(q8_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(8.25 * 1024 * tile_rows), "on-disk layout");
/// Row `row` of a tile as k floats.
inline void unpack_row_q8(float* out, const std::byte* tile, std::size_t row, std::size_t k) noexcept {
    const std::byte* codes = tile + q8_layout::scale_bytes(k);
    for (std::size_t i = 0; i < k; ++i) {
        const float scale = f16_to_f32(load_le<std::uint16_t>(tile + (i / group_len * tile_rows + row) * 2));
        out[i] = scale * static_cast<float>(static_cast<std::int8_t>(codes[q8_layout::at(row, i)]));
    }
}
// ==== narae/num/q4.hpp ====
// 4-bit weights: w[i] = scale * (code[i] - 8), code in 0..15, one f16 scale (of either sign) per group of 64 along K.
// Read num/q8.hpp first: tiles, groups and padding are the same.
/// Packed 4-bit weights, rows in tiles of 16, K in groups of 64, both padded with code 8 (zero):
///   tile  = [groups][16] f16 scales, padded to 64 bytes, then [groups][8 chunks] of 64 bytes
///   chunk = 8 inputs of 16 rows: byte[row * 4 + j] holds code(row, 8 * chunk + j) low and (.., + 4 + j) high
/// 4.25 bits per weight. A 64-byte load, masked, gives 4 inputs for 16 rows; shifted and masked, the next 4.
struct q4_layout {
    static constexpr std::size_t group_bytes = tile_rows * group_len / 2;
    static constexpr std::size_t scale_bytes(std::size_t k) noexcept { return q8_layout::scale_bytes(k); }
    static constexpr std::size_t tile_bytes(std::size_t k) noexcept {
        return scale_bytes(k) + groups_of(k) * group_bytes;
    }
    static constexpr std::size_t at(std::size_t row, std::size_t k) noexcept {  // of a code's byte, within the codes
        return k / 8 * (tile_rows * 4) + row * 4 + k % 4;
    }
    static constexpr unsigned shift(std::size_t k) noexcept { return k % 8 < 4 ? 0 : 4; }
};
static_assert(q4_layout::tile_bytes(1024) * 8 == static_cast<std::size_t>(4.25 * 1024 * tile_rows), "on-disk layout");
/// Row `row` of a tile as k floats.
inline void unpack_row_q4(float* out, const std::byte* tile, std::size_t row, std::size_t k) noexcept {
    const std::byte* codes = tile + q4_layout::scale_bytes(k);
    for (std::size_t i = 0; i < k; ++i) {
        const float scale = f16_to_f32(load_le<std::uint16_t>(tile + (i / group_len * tile_rows + row) * 2));
        const int code = static_cast<int>(codes[q4_layout::at(row, i)] >> q4_layout::shift(i)) & 15;
        out[i] = scale * static_cast<float>(code - 8);
    }
}
}  // namespace narae::inline NARAE_ABI::num
// ==== narae/text/hangul.hpp ====
// Hangul syllables and their letters (jamo), by arithmetic (Unicode 15, section 3.12): a syllable block is an initial,
// a vowel and perhaps a final, and the 11,172 blocks stand in the order of these three.
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
// ==== narae/text/utf8.hpp ====
// UTF-8 in both directions (Unicode 15, section 3.9, table 3-7): overlong forms, surrogates and values past
// U+10FFFF are not characters.
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
    std::size_t length = 0;
    unsigned low = 0x80, high = 0xBF;  // bounds of the second byte
    char32_t c = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2, c = lead & 0x1F;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3, c = lead & 0x0F;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4, c = lead & 0x07;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {0xFFFD, 1, false, false};
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (i >= s.size()) return {0xFFFD, i, false, true};
        const unsigned b = byte(i);
        if (b < low || b > high) return {0xFFFD, i, false, false};
        c = (c << 6) | (b & 0x3F);
        low = 0x80, high = 0xBF;
    }
    return {c, length, true, false};
}
/// Appends the UTF-8 bytes of c, which must be a Unicode scalar value.
inline void utf8_append(std::string& out, char32_t c) {
    const auto put = [&](char32_t b) { out.push_back(static_cast<char>(static_cast<unsigned char>(b))); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
    }
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
// ==== narae/text/json.hpp ====
// The little JSON that model files need (RFC 8259), read into one flat array of nodes over the source text.
// Bounded in depth; its memory is bounded by the source's size. The source must outlive the document.

enum class json_kind : std::uint8_t { none, null, boolean, number, string, array, object };
/// A node: a slice of the source, and for containers where their subtree ends. Keys stand before their values.
struct json_node {
    json_kind kind = json_kind::none;
    bool escaped = false;     ///< a string with backslashes in it
    std::uint32_t end = 0;    ///< index past this node's subtree
    std::uint32_t count = 0;  ///< children of an array, members of an object
    std::size_t begin = 0, length = 0;
};
/// A borrowed view of one value. A value that is not there has kind none, so look-ups can be chained.
class json_value {
public:
    json_value() = default;
    json_value(std::string_view source, const std::vector<json_node>& nodes, std::uint32_t index)
        : source_(source), nodes_(&nodes), index_(index) {}

    json_kind kind() const noexcept { return nodes_ == nullptr ? json_kind::none : node().kind; }
    bool is(json_kind k) const noexcept { return kind() == k; }
    bool missing_or_null() const noexcept { return is(json_kind::none) || is(json_kind::null); }
    std::uint32_t size() const noexcept { return nodes_ == nullptr ? 0 : node().count; }
    /// Where this value stands in the source, in bytes.
    std::size_t at() const noexcept { return nodes_ == nullptr ? 0 : node().begin; }
    /// The source text of a scalar; of a string what stands between the quotes, escapes not yet undone.
    std::string_view raw() const noexcept {
        return nodes_ == nullptr ? std::string_view{} : source_.substr(node().begin, node().length);
    }

    bool truth() const noexcept { return is(json_kind::boolean) && raw() == "true"; }
    /// A string's text; empty for anything else.
    std::string string() const {
        if (!is(json_kind::string)) return {};
        if (!node().escaped) return std::string(raw());
        std::string out;
        const auto s = raw();
        for (std::size_t i = 0; i < s.size(); ++i) {
            if (s[i] != '\\') {
                out.push_back(s[i]);
                continue;
            }
            const char c = s[++i];
            if (c == 'u') {
                char32_t u = hex4(s.substr(i + 1));
                i += 4;
                if (u >= 0xD800 && u < 0xDC00) {
                    u = 0x10000 + ((u - 0xD800) << 10) + (hex4(s.substr(i + 3)) - 0xDC00);
                    i += 6;
                }
                utf8_append(out, u);
            } else {
                constexpr std::string_view written = "bfnrt", meant = "\b\f\n\r\t";
                const auto which = written.find(c);
                out.push_back(which == written.npos ? c : meant[which]);
            }
        }
        return out;
    }
    /// A whole number from 0 to 2^64 - 1, written without sign, fraction or exponent; else false.
    bool whole(std::uint64_t& out) const noexcept {
        if (!is(json_kind::number)) return false;
        out = 0;
        for (const char c : raw()) {
            if (c < '0' || c > '9') return false;
            const auto digit = static_cast<std::uint64_t>(c - '0');
            if (out > (~std::uint64_t{0} - digit) / 10) return false;
            out = out * 10 + digit;
        }
        return true;
    }
    /// Any number as a double, exact where up to 15 digits and a small exponent allow it; else false.
    bool real(double& out) const noexcept {
        if (!is(json_kind::number)) return false;
        const auto s = raw();
        std::size_t i = s[0] == '-' ? 1 : 0;
        double digits = 0;
        int exponent = 0;
        bool fraction = false;
        for (; i < s.size() && s[i] != 'e' && s[i] != 'E'; ++i) {
            if (s[i] == '.') {
                fraction = true;
                continue;
            }
            digits = digits * 10 + (s[i] - '0');
            exponent -= fraction;
        }
        if (i < s.size()) {
            const bool down = s[i + 1] == '-';
            int written = 0;
            for (i += (s[i + 1] == '-' || s[i + 1] == '+') ? 2 : 1; i < s.size(); ++i)
                written = (std::min)(written * 10 + (s[i] - '0'), 100000);
            exponent += down ? -written : written;
        }
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
            return true;
        });
        return found;
    }
    /// f(value) for every element of an array, in order, until f returns false, which is then given back.
    template <class F>
    bool for_each(F&& f) const {
        const auto end = is(json_kind::array) ? node().end : 0;
        for (auto i = index_ + 1; i < end; i = (*nodes_)[i].end)
            if (!f(json_value(source_, *nodes_, i))) return false;
        return true;
    }
    /// f(key, value) for every member of an object, in the same way.
    template <class F>
    bool for_each_member(F&& f) const {
        const auto end = is(json_kind::object) ? node().end : 0;
        for (auto i = index_ + 1; i < end; i = (*nodes_)[i + 1].end)
            if (!f(json_value(source_, *nodes_, i), json_value(source_, *nodes_, i + 1))) return false;
        return true;
    }

private:
    const json_node& node() const noexcept { return (*nodes_)[index_]; }
    static char32_t hex4(std::string_view s) noexcept {
        char32_t u = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const char c = s[i];
            u = u * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        return u;
    }

    std::string_view source_;
    const std::vector<json_node>* nodes_ = nullptr;
    std::uint32_t index_ = 0;
};
/// A parsed document.
class json {
public:
    static constexpr int max_depth = 64;
    /// Parses all of `source`, which is borrowed. Errors say what was expected, and at which byte.
    static result<json> parse(std::string_view source) {
        json doc;
        doc.source_ = source;
        parser p{source, doc.nodes_, 0, {}};
        if (source.size() >= 0xFFFFFFFF) return error{errc::unsupported, "JSON of 4 GiB or more"};
        if (const auto bad = utf8_first_invalid(source); bad != source.size())
            return error{errc::bad_value, "JSON is not UTF-8", bad};
        p.space();
        if (p.value(0)) {
            p.space();
            if (p.at == source.size()) return doc;
            p.fail("end of the document");
        }
        return p.failed;
    }

    json_value root() const noexcept { return {source_, nodes_, 0}; }

private:
    struct parser {
        std::string_view s;
        std::vector<json_node>& nodes;
        std::size_t at;
        error failed;

        bool fail(const char* expected) {
            failed = {errc::bad_value, concat({"JSON: expected ", expected}), at};
            return false;
        }
        bool next_is(char c) const noexcept { return at < s.size() && s[at] == c; }
        bool digit() const noexcept { return at < s.size() && s[at] >= '0' && s[at] <= '9'; }
        /// Passes over digits; false if there is none.
        bool digits() noexcept {
            const auto begin = at;
            while (digit()) ++at;
            return at != begin;
        }
        void space() noexcept {
            while (at < s.size() && (s[at] == ' ' || s[at] == '\n' || s[at] == '\r' || s[at] == '\t')) ++at;
        }
        void leaf(json_kind kind, std::size_t begin, std::size_t length, bool escaped = false) {
            nodes.push_back({kind, escaped, static_cast<std::uint32_t>(nodes.size() + 1), 0, begin, length});
        }

        bool value(int depth) {
            if (depth > max_depth) return fail("less nesting");
            if (at >= s.size()) return fail("a value");
            switch (s[at]) {
                case '{': return container(depth, json_kind::object, '}');
                case '[': return container(depth, json_kind::array, ']');
                case '"': return string();
                case 't': return word("true", json_kind::boolean);
                case 'f': return word("false", json_kind::boolean);
                case 'n': return word("null", json_kind::null);
                default: return number();
            }
        }

        bool word(std::string_view w, json_kind kind) {
            if (s.substr(at, w.size()) != w) return fail("a value");
            leaf(kind, at, w.size());
            at += w.size();
            return true;
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

        bool hex4(unsigned& out) {
            out = 0;
            for (int i = 0; i < 4; ++i, ++at) {
                if (at >= s.size()) return fail("four hexadecimal digits");
                const char c = s[at];
                const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
                if (!letter && !digit()) return fail("four hexadecimal digits");
                out = out * 16 + static_cast<unsigned>(letter ? (c | 32) - 'a' + 10 : c - '0');
            }
            return true;
        }

        bool string() {
            const auto begin = ++at;
            bool escaped = false;
            while (at < s.size() && s[at] != '"') {
                if (static_cast<unsigned char>(s[at]) < 0x20) return fail("no control character in a string");
                if (s[at++] != '\\') continue;
                escaped = true;
                if (at >= s.size()) return fail("an escape");
                const char c = s[at++];
                if (c == 'u') {
                    unsigned u = 0, low = 0;
                    if (!hex4(u)) return false;
                    if (u >= 0xDC00 && u < 0xE000) return fail("no lone surrogate");
                    if (u >= 0xD800 && u < 0xDC00) {
                        if (s.substr(at, 2) != "\\u") return fail("a low surrogate");
                        at += 2;
                        if (!hex4(low)) return false;
                        if (low < 0xDC00 || low >= 0xE000) return fail("a low surrogate");
                    }
                } else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
                    return fail("an escape");
                }
            }
            if (at >= s.size()) return fail("a closing quote");
            leaf(json_kind::string, begin, at - begin, escaped);
            ++at;
            return true;
        }

        bool container(int depth, json_kind kind, char close) {
            const auto self = nodes.size();
            leaf(kind, at++, 0);
            space();
            for (bool first = true; first || !next_is(close); first = false) {
                if (first && next_is(close)) break;
                if (kind == json_kind::object) {
                    if (!next_is('"')) return fail("a key");
                    if (!string()) return false;
                    space();
                    if (!next_is(':')) return fail("':'");
                    ++at;
                    space();
                }
                if (!value(depth + 1)) return false;
                ++nodes[self].count;
                space();
                if (next_is(close)) break;
                if (!next_is(',')) return fail(kind == json_kind::object ? "',' or '}'" : "',' or ']'");
                ++at;
                space();
                if (next_is(close)) return fail("a value");
            }
            ++at;
            nodes[self].length = at - nodes[self].begin;
            nodes[self].end = static_cast<std::uint32_t>(nodes.size());
            return true;
        }
    };

    std::string_view source_;
    std::vector<json_node> nodes_;
};
/// `s` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
inline std::string json_quote(std::string_view s) {
    std::string out = "\"";
    while (!s.empty()) {
        const auto step = utf8_front(s);
        const char32_t c = step.code_point;
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(static_cast<char>(c));
        } else if (c == '\n') {
            out += "\\n";
        } else if (c < 0x20) {
            constexpr char hex[] = "0123456789abcdef";
            out += "\\u00";
            out.push_back(hex[c >> 4]);
            out.push_back(hex[c & 15]);
        } else {
            utf8_append(out, c);
        }
        s.remove_prefix(step.length);
    }
    return out + "\"";
}
}  // namespace narae::inline NARAE_ABI::text
// ==== narae/text/unicode_tables.hpp ====
// GENERATED by tests/build/unicode_tables.cpp; read text/unicode.hpp, which unpacks it. Classes are those of Unicode
// 16.0, decompositions those of Unicode 9.0, because the reference tokenizer library (0.23) was built with these.
// The data are from the Unicode Character Database, Copyright (c) 1991-2024 Unicode, Inc., under the Unicode License
// v3, https://www.unicode.org/license.txt

// clang-format off
namespace narae::inline NARAE_ABI::text::tables {
inline constexpr std::size_t class_runs = 2012, order_runs = 333, decomposed = 2060, composed = 940;

// Runs of one class from U+0000 on: length * 6 + class.
inline constexpr char packed_classes[] =
    "AqA^CchBsAzAeDsudcDsAwhDqhAqeAemceogecscDacEocBX{uBcBm}AeeceC]Sx}ckiwceA_ecqcecCqcNucXqcAfAAicFwieA_GgAkG~cdcjcjcd"
    "AkDyuwEaA~{GsCvAzukdQoceAfiA`kjcvkAzqieByedEiDxiOwA~eBmAzE{ArkueidiC}veArepe|CcDmpuB]{DgcAaAkArGmDfcEzIqpeCdeAfAyj"
    "iAzcB{pcAmikiC}cAgceowideAfijipeAkdukcqjiAzkiAciecdipcAaukiC}cAgckckckidc|ujipodAewceAeAzjqdA}pcAscqcC}cAgckc}ideA"
    "lcpcpieBskjiAzAqeA`cpcAmikiC}cAgckc}ideAfijipAepukcqjiAzceAcAwdecAaoqcwokceckokoqoBcu|opcvieA_dBmAzsBg|AmcqcDacB{i"
    "deAfcpcvAejcqieikjiAzAkAicepcAmcqcDacAyc}ideAfcpcvAejA_kckjiAzckdBavAscqcGgjeAfcpcve{qdAiqjiAzAucAacpcCeoDgcAsceiA"
    "goduA`cdcAlA_AzijBgHodkAf{AgAlcAzF{kcec}cDgcecAydkArei}cecAfcAziwEseD_jA_AzA{cdcdcdujAmcFkuCpcj}A~cFjAqdJ_GsCpeAzA"
    "_AavwpepkAfqvBiBbedAzviFwce{eiGscBBycwiAgcecwiGgcwiE{cwiAgcecwiBucJacwiK{ipAqCsoB{ByOeiAaoCYmiC_hDs{MgorAmAeCevAqC"
    "kpA}CejBaBicqcjBaIeEtoeuediAzA_A{C]pcdAzA_OwAe}jF_de{LkAwEocBbuBbAwAzEii}A}GyuDsA_AzgFoDa|uIkAxcEbidAzA_AzBgeAkEnH"
    "s|HiC^AmoAzC]ArBapEiBhkAzGyBnBaFkCpAkAzoqAzFkiB]{GsiqBypcCvwdAadkpe{AE}KhAUaiAaiFwiAaiAmcecececEoiIkcAgceoqcAgowiA"
    "auBi{qcAgoB`cjDqn{hBsjCidAwhBygeiAc{eA{A_BiI]EzC]eueiAyceo}A_ecececwcB]iw{}uecB}FfkxgDPaJuDqIdD]C[cEkGCwALmA_wpkAq"
    "giFwce{eiI}AeeBsdDaAqAgcAgcAgcAgcAgcAgcAgcAgcEtHgeBY{hukfDkAtA`c}irkuOeijiqcO}cw{GscPsoyAwEuHmB{EsA{EgAocBwEsA{F{B"
    "wB@mAMOiKgD[RaKyHciASooB{AzkCoHivcAxcEojLkAzjFoAsiReiK{ikcecAmCuB{dqdwdDa|udoAcAwIeBajH{CdAwAzA_CdAaoeckdAzE]AliDa"
    "BhBaEcovHiBnBmeAzA_}dAyAz}cGgBnAqqdAmjiAzA_DaoepH{depkj}jedeDeqiB]|iqjAwAaiAaiAaAqAgcAgcGscBoA_TiAlcjiAzA_BNKqBaDa"
    "uHuAYGoBHsiRwFuAgBa}{edAycBic}ceckckcSaEyBHaCcKiiIqG_BcuBzByBzojDepEs}cW{CiAzAeDsudcDsA}OwoAaiAaiAaiqFcBccDscCkckc"
    "BuiBoF]UwBaH_BaIlyC]mS}dV}EcoHuBsdD{uEuyAqCqfAmf{Fw|{EiiFkuAmc~Gk[}iAzA_FkuFkuGaAkIeBaB]cBucAgckcB]cBucAgckoIeBaAZ"
    "}AqC}AwAmDeAacGmcAsLcAaiecGyckoeiDaiAoDaiAiEoAkAuHmCkck{A]C}AcuDsLiI}umkB}iHeepcj{vwcqcEcipudAuD_EcmcEcsEsAmcE]juA"
    "]ByIqAwC}iAoCk{AoCeD_AiNaL}IuI_BgI_AeAcFkvAkAzA_AzE]o|cDaAJmEqcGmcjokByqIuvEcA{eAkC}A~yDwCevGkCwAiCoDaAqpIkBtA}CsA"
    "zdkjeAqvH]A~AedBgDmAeAzA_pFkBncAzuejeAkFedieAqpHoBnwuvcjAzeceuCsA}CecDmBbA_dkdJ}AgcecwcBucAyAeHiBb{AzA_vcAmikiC}cA"
    "gckc}cjeAfijipieA_d{}jiAfo|A}AyceiecFwceArcdidcvc|edeBgjEaIkCdw{AzudqEgHoCpkceAkAzAAgHiAfiArD_wjF]HoC^oeA}AzFuGsBh"
    "eAeAzA_CrD}DyiBtuAzmuAgADsGyBtQyKiAzAuBaAmieiAmckcDgA`cjivedejBaAzLiAmiF}AfiAfecedDweAxGaAfevAkdAkeA~HcBzoeCcL}AGa"
    "E{BsAzA_AscFqAlcAleBsAzCm{EiiC|cBnL{AgckcFwA`odcjcAfedAkAzA_AackcEu|cjc|eAeAzAZuCkvAqjedBicF_Afo|BgAzdO]eBsCyGqEVw"
    "R]StC]AFsPQcQcBsFUeBydAaBtAwYE_{CR}AOCeEiCdAzJZ]CPmAeEocAzA_N]cAzA_Eii|A}HoAfAqwBaAzcAicCw{CkBTeH]oAzAF}KiDcRoMgud"
    "eIvAevBiKgkcedA}jBmAJR{AkGVoGeAyB@HwwcAgckcAWkBseEaqieBmwAkBM}NOgR}{BioAsAeAyojZIaAzCGkHbiD`CKs|oA`AkAliAfEgvZapUu"
    "CsBaCsS_DoWyO_cLqckieikiwcBccecAgcKocwiAmcAgcE]cwc}ceoAgcBD_iDmcDmcEocDmcEocDmcEocDmcEocDmcAmiH|CFiIvuHzAkdBmdC{|c"
    "BtFZyEoA_AaAIqAfcC^iAfcjc|{K]EydSwH]oAfAgiAzueB@sEidC]GyvAzBZ}E]vAzAIwEijeAzCAqAgcwckcBucAFyiAuAfGeL_AfeuAzD[qJocs"
    "cyMkH_cBwAFewcDyckceiecAycwceceA_euecececqckceiecececececkceiwcAgcwcwcecAycC_{qc}cC_CRiBkFcDrA_DrA_DrPUwAzFMwIQF{E"
    "sZEaA_AKeiAHH{BmASByBsCYyOOcCKuIMwACCs{ZKyETGM{ANjAPD@]";
// Runs of one combining class above 0: code points skipped, length, class.
inline constexpr char packed_orders[] =
    "VqrFw]^Fy]aFm]^Fy]^Fi]bFm]_E}]aFm]_E}]hFm]b^]aFm]eFw]^G_]^Fw]`Fm]`Fw]_Fm^`Fw]aFm]^Fw]^Fy]_Fm]^Fw]^Fz]_F{]^Fz]_F{]^"
    "Fz]jFwH`bFwGx^Fm]aFw]^Fm]`Fw]^Fo]^Fm]cFw]cFm]_Fw]^Fm]_Fw]^Fo]^Fu]^Fw]^g]^h]^i]^j]^k]^l]^m]^n]^o]_p]^q]^r]^s^^t^^u]"
    "^v^^Fw]^Fm^^oBaeFw]^{]^|]^}Ak^x]^y]^z]^{]^|]^}]^~]^A]]_Fw]_Fm]bFw]^Fm]_Fw]^Fmm^A^B~dFw_aFw]^Fm]^Fw__Fw^^Fm]_Fw]^Fm"
    "A^^A_{^Fw]^Fm]_Fw]^Fm]_Fw]`Fm]^Fw]_Fm]^Fw]^Fm]`Fw]^Fm]^Fw]^Fm]^Fw]^Fm]^Fw]^Fm]_FwDudFw]^Fm]^FwA]aFw^fFw^`Fw^bFwAf`"
    "FmCokFw^^Fm]_Fw]^Fm]_Fw]^Fm]`Fw]`Fm]^x]^y]^z]`Fw]^Fm]_Fw]_Fm]bFwAw^dm^f`^Fw]^Fm]_FwC^^dm^fCe^dm^fCe^dm^fCe^dm^fCv^"
    "fCv^fd^Bm]^BtB~^dm^fCv^fCs^fCd_C^]^fjaCbCc_CmkaCqBe_Fmx^Fm^^Fm^^FiAr^Cx]^Cy^^C{baCy_^Cy^_Fw]^f^_FwAy^FmCg^d^_fBk^F"
    "mUb`Fw[{^f|^fDr^fg^FwE~^FuDd^Fo]^Fw]^FmFl^Fw]^FmB`^fqeFw_^FmAkbFw]cFm]_Fw]^FmCm^dl^fAa^Fw]^Fm]dFwAq_fAu^dh_fA~^dDm"
    "`Fw^^^]bFm]_Fw]aFm]^Fw^d^a^Fmc^Fw`_FwEy_Fw]^Fm]dFw]^Fm]_Fw]^F{]^Fg]^Fm]^E}]A`Fwb^Fw]^Fz]^Fm]^Fw]^FmUc_Fw]_^]aFw]`^"
    "]_Fwa^Fw`_^]^Fw]^Fm]^Fw]_^]aFm]^FwCFg`FwDb^fBy}FwPg^Fk]^Fu]^Fy]^Fo]_FqC`_eACSc^FwagFw}_FwBi_FwHa^fEp^fxoFwAt`FmA`^"
    "fBx^di^fG^^Fw^_Fw]^Fm__Fwb_Fw^^FwAo^fGe^fUHe^wVrdFw]dFm]_FwA@r^FmFs^FmDjbFwAUm^Fm^^FwAc^Fw]^^]^Fma^fDz^Fw]^FmALl^f"
    "As^fAt^f]^dB^`FwAk_fAy^dBe^ff^dCa^f]^dEe^d]^fBj^dm^fudFw`bFwF^^f`^dCr^f]^dGj^f]^dCu^fCm^f]^dCj^fAJd^fUDmb^AvdFwUX|"
    "^^EPk_Fi]`^`^Fs]bFieeFm_bFw]_Fm{aFwDi`FwCSjdFw^nFw_dFw^_Fw^bFwBI`dFmCdcFw]^d";
// One step of canonical decomposition: distance from the last code point, first part, second part or 0.
inline constexpr char packed_decompositions[] =
    "EsA|Vq^A|Vr^A|Vs^A|Vt^A|Vy^A|V{_A~Wv^B^Vq^B^Vr^B^Vs^B^Vy^BbVq^BbVr^BbVs^BbVy_BgVt^BhVq^BhVr^BhVs^BhVt^BhVy`BnVq^Bn"
    "Vr^BnVs^BnVy^BrVr`BzVq^BzVr^BzVs^BzVt^BzVy^BzV{_B|Wv^B~Vq^B~Vr^B~Vs^B~Vy^C`Vq^C`Vr^C`Vs^C`Vy_CeVt^CfVq^CfVr^CfVs^C"
    "fVt^CfVy`ClVq^ClVr^ClVs^ClVy^CpVr_CpVy^A|Vu^BzVu^A|Vw^BzVw^A|Ww^BzWw^A~Vr^B|Vr^A~Vs^B|Vs^A~Vx^B|Vx^A~V}^B|V}^B]V}^"
    "B}V}`B^Vu^B~Vu^B^Vw^B~Vw^B^Vx^B~Vx^B^Ww^B~Ww^B^V}^B~V}^B`Vs^C^Vs^B`Vw^C^Vw^B`Vx^C^Vx^B`Wv^C^Wv^BaVs^C_Vs`BbVt^C`Vt"
    "^BbVu^C`Vu^BbVw^C`Vw^BbWw^C`Ww^BbVxaBcVs^CaVs^BdWv^CbWv_BeVr^CcVr^BeWv^CcWv^BeV}^CcV}bBgVr^CeVr^BgWv^CeWv^BgV}^CeV"
    "}aBhVu^CfVu^BhVw^CfVw^BhV|^CfV|`BkVr^CiVr^BkWv^CiWv^BkV}^CiV}^BlVr^CjVr^BlVs^CjVs^BlWv^CjWv^BlV}^CjV}^BmWv^CkWv^Bm"
    "V}^CkV}`BnVt^ClVt^BnVu^ClVu^BnVw^ClVw^BnV{^ClV{^BnV|^ClV|^BnWw^ClWw^BpVs^CnVs^BrVs^CpVs^BrVy^BsVr^CqVr^BsVx^CqVx^B"
    "sV}^CqV}A]BhWj^CfWjkBnWj^ClWjzA|V}^BzV}^BbV}^C`V}^BhV}^CfV}^BnV}^ClV}^FmVu^GkVu^FmVr^GkVr^FmV}^GkV}^FmVq^GkVq_EwVu"
    "^FuVu^PcVu^PdVu^EyVu^FwVu`B`V}^C^V}^BdV}^CbV}^BhWw^CfWw^NkVu^NlVu^L|V}^SiV}^CaV}aB`Vr^C^Vr`BgVq^CeVq^ExVr^FvVr^EyV"
    "r^FwVr^FiVr^GgVr^A|W^^BzW^^A|W`^BzW`^B^W^^B~W^^B^W`^B~W`^BbW^^C`W^^BbW`^C`W`^BhW^^CfW^^BhW`^CfW`^BkW^^CiW^^BkW`^Ci"
    "W`^BnW^^ClW^^BnW`^ClW`^BlWu^CjWu^BmWu^CkWu`BaV}^C_V}dA|Vx^BzVx^B^Wv^B~Wv^FgVu^GeVu^FfVu^GdVu^BhVx^CfVx^PkVu^PlVu^B"
    "rVu^CpVuG|Vq]^Vr]_Wb]^VyVrAkTn]gAv]dD}Vr^ZzVr^Ej]^Z~Vr^[^Vr^[`Vr_[fVr_[lVr^[pVr^A@oVrw[`Vy^[lVy^[xVr^[|Vr^[~Vr^A@^"
    "Vr^A@pVrwA@^Vy^A@jVy^A@dVr^A@jVr^A@nVrbA@wVr^A@wVyAgABvVq^ABvVy_ABtVraABgVybAB{Vr^AByVq^ACbVwhAByVw}ACwVwtACtVq^AC"
    "tVy_ACrVraADsVybACyVr^ACwVq^AD`VwuAEoW^^AEpW^BcABwVw^ACuVwkABqVw^ACoVw^ABqVy^ACoVy`ABvVw^ACtVw`AHmVy^AHnVy^ABwVy^A"
    "CuVy^ABxVy^ACvVy`AByVu^ACwVu^AByVy^ACwVy^AC]Vy^AC}Vy`AH}Vy^AH~Vy^AClVy^ADjVy^ACbVu^AD`Vu^ACbVy^AD`Vy^ACbV|^AD`V|^A"
    "CfVy^ADdVy`ACjVy^ADhVyHvARhASr^ARhASs^ASgASs^ARhASt^ASiASsDoAWlASs_AVzASsnAWiASsQqBL}BMoeBMcBMo`BMfBMoA_BLjBMo^BLk"
    "BMo^BLlBMo^BLqBMo^BLvBMo^BLwBMo^BM^BMo^BMbBMoCcBQrBQi^BQrBR`mBPnBQg^BPoBQg_BP|BQgBmBTwBU_`BT}BU_A^BS}BU_^BS~BU_^BT"
    "aBU_`BTpBU_F{C@|CAi`C@|C@s^C@|CAjmB[xC@q^B[yC@qArCCaCEbAqCDsCDk^CDtCDk^CDsCEbCsCHkCH{CoCK~CLrdCLcCLr^CLcCLs_CLcCL_"
    "^CLgCLrCvCO}COu^CO~COu^CO}CPlDcCTfCSy_CTfCS~^CTiCSy^CTfCTlJnDB{DFhgDCcDFhbDChDFhbDCmDFhbDCrDFhjDByDFfgDDfDDg_DDfDD"
    "i^DFcDDu_DFdDDufDDfDDuoDEeDFhgDEoDFhbDEtDFhbDEyDFhbDE~DFhjDEcDFfCdDIpDIyBY{GGlGHz_GGnGHz_GGpGHz_GGrGHz_GGtGHzaGGxG"
    "HzAdGI]GHz_GI_GHz`GIaGHz^GIbGHz_GIeGHzTrA|Wt^BzWt^A}Vx^B{Vx^A}Wr^B{Wr^A}X^^B{X^^EzVr^FxVr^B]Vx^B}Vx^B]Wr^B}Wr^B]X^"
    "^B}X^^B]Wv^B}Wv^B]W|^B}W|^H_Vq^H`Vq^H_Vr^H`Vr^B^W|^B~W|^B^X]^B~X]^PeVw^PfVw^B_Vx^C]Vx^B`Vu^C^Vu^BaVx^C_Vx^BaWr^C_W"
    "r^BaVy^C_Vy^BaWv^C_Wv^BaW}^C_W}^BbX]^C`X]^F`Vr^G^Vr^BdVr^CbVr^BdWr^CbWr^BdX^^CbX^^BeWr^CcWr^HCmVu^HCnVu^BeX^^CcX^^"
    "BeW|^CcW|^BfVr^CdVr^BfVx^CdVx^BfWr^CdWr^BgVx^CeVx^BgWr^CeWr^BgX^^CeX^^BgW|^CeW|^FfVr^GdVr^FfVy^GdVy^IwVq^IxVq^IwVr"
    "^IxVr^BiVr^CgVr^BiVx^CgVx^BkVx^CiVx^BkWr^CiWr^HDoVu^HDpVu^BkX^^CiX^^BlVx^CjVx^BlWr^CjWr^JcVx^JdVx^JiVx^JjVx^HDwVx^"
    "HDxVx^BmVx^CkVx^BmWr^CkWr^BmX^^CkX^^BmW|^CkW|^BnWs^ClWs^BnX]^ClX]^BnW|^ClW|^JqVr^JrVr^JsVy^JtVy^BoVt^CmVt^BoWr^CmW"
    "r^BpVq^CnVq^BpVr^CnVr^BpVy^CnVy^BpVx^CnVx^BpWr^CnWr^BqVx^CoVx^BqVy^CoVy^BrVx^CpVx^BsVs^CqVs^BsWr^CqWr^BsX^^CqX^^C_"
    "X^^CkVy^CnV{^CpV{_KfVxbA|Wr^BzWr^A|Vz^BzVz^EuVr^FsVr^EuVq^FsVq^EuVz^FsVz^EuVt^FsVt^HFqVs^HFrVs^GqVr^GrVr^GqVq^GrVq"
    "^GqVz^GrVz^GqVt^GrVt^HFqVw^HFrVw^B^Wr^B~Wr^B^Vz^B~Vz^B^Vt^B~Vt^E}Vr^F{Vr^E}Vq^F{Vq^E}Vz^F{Vz^E}Vt^F{Vt^HGgVs^HGhVs"
    "^BbVz^C`Vz^BbWr^C`Wr^BhWr^CfWr^BhVz^CfVz^FeVr^GcVr^FeVq^GcVq^FeVz^GcVz^FeVt^GcVt^HG{Vs^HG|Vs^LeVr^LfVr^LeVq^LfVq^L"
    "eVz^LfVz^LeVt^LfVt^LeWr^LfWr^BnWr^ClWr^BnVz^ClVz^LtVr^LuVr^LtVq^LuVq^LtVz^LuVz^LtVt^LuVt^LtWr^LuWr^BrVq^CpVq^BrWr^"
    "CpWr^BrVz^CpVz^BrVt^CpVtd[xWb^[xWc^HIkVq^HIlVq^HIkVr^HIlVr^HIkXo^HIlXo^ZzWb^ZzWc^HIsVq^HItVq^HIsVr^HItVr^HIsXo^HIt"
    "Xo^[|Wb^[|Wc^HI{Vq^HI|Vq^HI{Vr^HI|Vr`Z~Wb^Z~Wc^HJaVq^HJbVq^HJaVr^HJbVr`[~Wb^[~Wc^HJiVq^HJjVq^HJiVr^HJjVr^HJiXo^HJj"
    "Xo^[^Wb^[^Wc^HJqVq^HJrVq^HJqVr^HJrVr^HJqXo^HJrXo^A@^Wb^A@^Wc^HJyVq^HJzVq^HJyVr^HJzVr^HJyXo^HJzXo^[`Wb^[`Wc^HK_Vq^H"
    "K`Vq^HK_Vr^HK`Vr^HK_Xo^HK`Xo^A@dWb^A@dWc^HKgVq^HKhVq^HKgVr^HKhVr`[fWb^[fWc^HKoVq^HKpVq^HKoVr^HKpVr`A@jWb^A@jWc^HKw"
    "Vq^HKxVq^HKwVr^HKxVr^HKwXo^HKxXo_[lWc_HL^Vq_HL^Vr_HL^Xo^A@nWb^A@nWc^HLeVq^HLfVq^HLeVr^HLfVr^HLeXo^HLfXo^[pWb^[pWc^"
    "HLmVq^HLnVq^HLmVr^HLnVr^HLmXo^HLnXo^[xVq^[s]^[|Vq^[t]^[~Vq^[u]^A@^Vq^[v]^A@dVq^A@q]^A@jVq^A@r]^A@nVq^A@s]`HIkXr^HI"
    "lXr^HImXr^HInXr^HIoXr^HIpXr^HIqXr^HIrXr^HIsXr^HItXr^HIuXr^HIvXr^HIwXr^HIxXr^HIyXr^HIzXr^HJiXr^HJjXr^HJkXr^HJlXr^HJ"
    "mXr^HJnXr^HJoXr^HJpXr^HJqXr^HJrXr^HJsXr^HJtXr^HJuXr^HJvXr^HJwXr^HJxXr^HLeXr^HLfXr^HLgXr^HLhXr^HLiXr^HLjXr^HLkXr^HL"
    "lXr^HLmXr^HLnXr^HLoXr^HLpXr^HLqXr^HLrXr^HLsXr^HLtXr^[xVw^[xVu^HLuXr^[xXr^[sXr_[xXo^HNwXr^ZzVw^ZzVu^ZzVq^Zo]^ZzXr_A"
    "@^]`D}Xo^HLyXr^[~Xr^[uXr_[~Xo^HOeXr^Z~Vq^Zq]^[^Vq^Zr]^[^Xr^HO^Vq^HO^Vr^HO^Xo^A@^Vw^A@^Vu^A@oVq^Zy]`A@^Xo^A@oXo^[`V"
    "w^[`Vu^[`Vq^Zs]_HP{Vq^HP{Vr^HP{Xo^A@jVw^A@jVu^A@pVq^[w]^A@fWb^A@fWc^A@jXo^A@pXo^[lVw^[lVu^[lVq^Zw]^[hWc^D}Vq^Zn]^B"
    "y]`HM_Xr^A@nXr^A@sXr_A@nXo^HPsXr^[fVq^Zu]^[pVq^Zx]^[pXr^Eg]`HQ]]^HQ^]Hr[p]aBd]^Ex]CfI@uXe^I@wXepI@yXe|IBqXe^IBuXe^"
    "IBsXeApID`XebIDeXe`IDhXeuIE^Xe_IE`XexIEwXe`IE~Xe`IF^Xe_IFaXetAxXe_IFzXehIFfXe^AwXe^AyXe^IF}Xe^IF~Xe`IGiXe^IGjXe`IG"
    "mXe^IGnXedIGqXe^IGrXe`IGyXe^IGzXe`IG}Xe^IG~XeA^IHwXe^IH}Xe^IH~Xe^II^XeAlIGsXe^IGtXe^IHfXe^IHgXedIIeXe^IIfXe^IIgXe^"
    "IIhXeAwLYs]^LYt]BA}KNvXeAL}L[rMA|_L[tMA|_L[vMA|_L[xMA|_L[zMA|_L[|MA|_L[~MA|_M@^MA|_M@`MA|_M@bMA|_M@dMA|_M@fMA|`M@i"
    "MA|_M@kMA|_M@mMA|dM@tMA|^M@tMA}_M@wMA|^M@wMA}_M@zMA|^M@zMA}_M@}MA|^M@}MA}_MA^MA|^MA^MA}tL[mMA|gMB^MA|kMBlMA|_MBnMA"
    "|_MBpMA|_MBrMA|_MBtMA|_MBvMA|_MBxMA|_MBzMA|_MB|MA|_MB~MA|_MC^MA|_MC`MA|`MCcMA|_MCeMA|_MCgMA|dMCnMA|^MCnMA}_MCqMA|^"
    "MCqMA}_MCtMA|^MCtMA}_MCwMA|^MCwMA}_MCzMA|^MCzMA}tMBgMA|`MDlMA|^MDmMA|^MDnMA|^MDoMA|aMDzMA|AYU}AITe]^[Sc]^AJKa]^AIX"
    "]]^AAVj]^U@w]^VOt]^ANYw]^ANYw]^X@n]^AKE|]^V[~]^X@e]^ZIq]^ACWp]^AFHb]^AHBx]^AHM}]^AHWg]^AJXl]^A@Nc]^AAIn]^ABIt]^ACD"
    "k]^AGOt]^AKB{]^AMK`]^UCa]^VLj]^A@Uw]^ABSb]^AHBf]^ANNo]^YBq]^ABBt]^AG[l]^AHZm]^ZOx]^AFYs]^AHP|]^YMu]^[Td]^AAKy]^ABY"
    "w]^AJZg]^UJw]^U[f]^VG}]^[Bu]^A@Th]^ABRy]^AC[f]^AFKx]^AHAa]^AHCs]^AJDt]^ALRk]^AMVh]^ANMm]^ADKs]^ADRx]^AEU{]^AGLf]^A"
    "KN}]^ANQj]^AIIi]^WYb]^YOk]^AELm]^AFOm]^ABUe]^ADMm]^AIWy]^ALPt]^WX}]^XWq]^A@Nt]^AAOa]^AAXd]^AERp]^AEZh]^ALKr]^VGq]^"
    "AFOz]^V@i]^U[{]^ADWk]^AEVw]^AGMl]^ALLz]^AINi]^ZO~]^A@Nc]^AIJo]^U@~]^XS~]^YWi]^ACAz]^ACPe]^VIr]^ADN|]^ULl]^YTf]^T[t"
    "]^AAGc]^[H]]^AERc]^VNt]^WUi]^AD@^]^AGP^]^AIH_]^A@[a]^AJQ{]^AAEc]^ZQi]^AGEp]^ZVa]^ACO|]^UDk]^UX~]^U[x]^A@Bz]^AEPl]^"
    "AGB`]^AIIe]^AKEz]^VHr]^VRk]^XAn]^YNu]^[Jf]^ABCe]^ADPg]^ALF~]^AMNs]^ANR`]^ANSu]^VE~]^[Qy]^A@Yb]^AJOq]^YKc]^ZFq]^ZI{"
    "]^[Am]^AAXx]^ABL~]^ACIl]^ADU]]^AEXi]^AFO^]^AJMy]^AGT{]^AJUf]^AKQ]]^VB`]^VFd]^VV^]^ABIc]^AHUu]^AIH_]^YMt]^YVn]^ZU^]"
    "^A@Zw]^AEKm]^ACAh]^UF]]^WJz]^XS~]^YEu]^YWs]^ACCa]^ACHn]^AFHw]^AFMy]^AKHy]^ALPs]^ALS_]^ALYc]^UJ|]^ADTc]^AKE_]^ALNy]"
    "^ZAl]^UCe]^UTw]^XTc]^XVp]^[H~]^A@Nc]^ABP{]^ACVk]^AGUg]^AJW{]^ANYh]^[P]]^ALJw]^VEl]^[Wb]^[Zt]^AAJr]^AATy]^ACEt]^ACO"
    "p]^ADJt]^AEQs]^AL[e]^UY`]^ZKe]^ALL}]^UOr]^Y@~]^AAOq]^AJM}]^YSj]^ZDi]^[[v]^ACAz]^ALMi]^VBr]^VP|]^XWt]^[Lp]^[Uy]^A@D"
    "]]^AAG|]^ACEq]^ACSq]^AFGx]^AHV`]^AHVr]^AKEw]^ALP_]^VJx]^AAUu]^VQh]^ABP}]^ACI{]^AH@w]^ALNd]^ANAb]^ANRh]^[W~]^AANt]^"
    "AFZa]^AE@p]^AEC_]^AEM}]^ABX]]^ABGx]^AIMc]^UD}]^AGG}]^VCa]^VAr]^YLs]^ZP`]^AEO}]^XQ`]^AAIq]^[Qg]^AJNl]^AHRe]^ALKt]^A"
    "H[r]^YM~]^UWw]^WAs]`WUe]_[Ok]`V@k]^AB[a]^ACZk]^ADPy]^ADQy]^ADR^]^ADSf]^ALSm]^AEOe]^AFIx]_AHAm]_AIJi]`AJU{]^AJ[t]aA"
    "MCn]^AMC{]^AMEc]^ANKk]^AJZw]^ALNx]^UK}]^UUb]^UXb]^VGh]^VHa]^VKh]^W@r]^WCu]^WFq]^WTm]^WWo]^XWs]^XW}]^Y[c]^ZEk]^ZFo]"
    "^ZIm]^[Fx]^[Ka]^[Pf]^A@B~]^AALd]^AAQ]]^AAXw]^ABN_]^ABSr]^ACFk]^ADKx]^ADP{]^ADQd]^ADQc]^ADQk]^ADQq]^ADQx]^ADSd]^ADS"
    "e]^ADXm]^ADZj]^AEGw]^AEXi]^AEX~]^AEZr]^AFGq]^AFK|]^AFZf]^AGBj]^AGBj]^AGPl]^AHX]]^AH[}]^AIJr]^AILf]^AIXh]^AIY{]^AJR"
    "_]^AJU{]^ALP`]^ALXl]^ALZd]^YZf]^EOS]]^AF[o]`U@k]^U[d]^UX}]^UJq]^UW|]^UYs]^VGf]^VHw]^W@r]^VZn]^W@n]^WBs]^WUe]^WWz]^"
    "X@a]^X@q]^XHo]^XNi]^YM}]^YNb]^YRj]^YTj]^ZAc]^ZDs]^ZBq]^ZFo]^ZEc]^ZIm]^ZKk]^ZWc]^ZYw]^Z[i]^[G]]^[Ok]^[Td]^[Th]^[V_]"
    "^A@Yd]^A@[a]^AAJr]^AAVt]^AAVd]^AAXw]^ABDc]^ABN_]^ADD|]^ABS|]^ABWn]^AB[a]^ACHv]^ACMa]^ACNt]^ACUh]^ACUj]^ACZk]^ACZ|]"
    "^AC[s]^ADBc]^ADA{]^ADMo]^AD[x]^AEGw]^AEMf]^AESz]^AEXi]^AFF_]^AFK|]^AGHw]^AGMj]^AHL^]^AHYl]^AH[m]^AH[}]^AIHt]^AIJi]"
    "^AII^]^AIJr]^AIJo]^AIJ^]^AILf]^AINs]^AIY{]^AJNi]^AJWq]^AKDf]^AKJw]^ALM_]^ALP`]^ALSm]^ALWj]^ALXl]^ALXx]^ALZd]^AMSq]"
    "^ANYw]^EHNk]^EHNe]^EKQh]^P@z]^QFq]^QGp]^ESVr]^EVQ{]^FCU~]^ANWb]^ANYi]B]AP^AN}_APwAO^hAPnAOh^APnAOi^BKP^AOh^BKP^AOi"
    "^AOwAO^^AOwAO_^AOwAOc^AOxAOc^AOyAOc^AOzAOc^AO{AOc^AO|AOc^AO}AOc_AP]AOc^AP^AOc^AP_AOc^AP`AOc^APaAOc_APcAOc_APeAOc^A"
    "PfAOc_APhAOc^APiAOc_APkAOc^APlAOc^APmAOc^APnAOc^APoAOc^AO|AO`^AOxAOf^AP`AOf^APiAOfETiBQHnBQIm_BQHpBQImlBQHzBQImCzB"
    "QL~BQLt^BQM]BQLtO{BR@tBR@k^BR@tBRAbJxBRKpBRKq^BRKpBRKg_BRKpBRKtGkBRS_BRRx^BRS`BRRxAVLxDMCvDMDb^DMCwDMDb^DMC~DMDk^D"
    "MC~DMDl^DMC~DMDm^DMC~DMDn^DMC~DMDoBpDMFrDMDb^DMFsDMDb^DMFtDMDk^DMFuDMDk^DMFtDMDl^DMFuDMDlBWCoUA`]^U@}]^UAd]^DY[q]^"
    "UIs]^UK}]^ULh]^UNk]^UQ}]^URz]^UUb]^UTl]^NDc]^D[I}]^UXb]^UXi]^UXy]^UYj]^D[Ao]^ND~]^UX|]^UZ^]^D[B|]^UZh]^UZu]^UEg]^U"
    "Z}]^U[d]^FHYj]^VA`]^VAn]^NF`]^VCb]^VCm]^VDw]^VD|]^NGt]^VGf]^VGh]^VHa]^VHw]^VI`]^VIa]^VIr]^VK`]^VKh]^VKq]^VLh]^VLr]"
    "^VLt]^VLt]^VLt]^E@Ks]^ABFq]^VN{]^VOn]^E@Tx]^VOz]^VP^]^VPs]^VUa]^VRa]^VRq]^VSo]^VUe]^VWu]^VXm]^VZl]^VZ|]^V[{]^V[{]^"
    "W@n]^WA^]^WAf]^WAu]^WKu]^WCu]^WKv]^WE|]^WF}]^VAr]^WYq]^WQa]^WRe]^WR~]^WOb]^WT_]^WT^]^WWs]^ECHi]^WYu]^WYz]^WZg]^WZ{"
    "]^W[a]^XA]]^ECUs]^ECWq]^XE_]^XFl]^XFx]^XDm]^XHs]^NUq]^NV]]^XMk]^XO]]^XO]]^EDQc]^XR|]^XSo]^XS~]^XTh]^ED[_]^XTt]^XT{"
    "]^YQv]^XUu]^NY|]^XWo]^XW}]^XZi]^XXz]^EETa]^YBd]^EETc]^YCm]^YCj]^YC{]^YFz]^YF{]^OC^]^YGt]^YH}]^YIp]^YJz]^ODo]^EFSj]"
    "^OEg]^YL}]^YM^]^YMa]^YMu]^FMRs]^YOe]^EGD^]^EGD^]^AFZz]^YPg]^YPg]^OGn]^EKH}]^EW[y]^YRc]^YRl]^OHh]^YSy]^YUh]^YUr]^YV"
    "r]^YZr]^OJ{]^OJ]]^Y[c]^EHCk]^Z@t]^ZDm]^ZDq]^ZDs]^ZDq]^ZE}]^ZFo]^ZGq]^ZGc]^ZGn]^ZH{]^ZIm]^ZIq]^ZJi]^ZJt]^ZLr]^ZO`]^"
    "ZPa]^ZSw]^EIGc]^ZSd]^ZQg]^ZTm]^ZUf]^ZXa]^EIM|]^ZY}]^ZWd]^ZVj]^OR_]^[@^]^[@s]^[Ap]^[@l]^OS{]^[Fx]^[Gs]^EJPw]^[Kb]^["
    "Sg]^[Nb]^OX~]^[Pf]^OXm]^OWk]^UZc]^UZf]^[So]^[Pq]^AFPz]^RFz]^[Td]^[Th]^[Tn]^[Vg]^[U~]^EKPx]^OZj]^[Z{]^[Wl]^A@Am]^A@"
    "B~]^EKUx]^A@Ce]^[[~]^A@Gc]^P@z]^A@Ho]^A@Kj]^A@Mm]^A@S_]^ELJl]^A@Tp]^PDm]^A@Vr]^ELYr]^A@Xa]^PF_]^A@Y]]^A@Zh]^A@[a]^"
    "A@[b]^EMK|]^EEMv]^EMOa]^AACm]^EN@i]^AAFx]^AAGd]^AADd]^AAIi]^AAJo]^AALd]^AAJr]^AAKx]^AALe]^AALr]^ENCe]^AAJe]^AAQr]^"
    "AASm]^PLx]^AAVd]^AAV`]^ENP^]^AAP^]^AA[]]^ENTc]^ENUq]^ABAq]^ABD~]^ABDc]^ABD`]^POu]^ABEm]^ABF~]^ABFx]^ABHj]^D[Ax]^AB"
    "Lz]^EON|]^ABOk]^EOXp]^ABSo]^ABS|]^ABTu]^EPNi]^ABVa]^ABVv]^EPWd]^EQAw]^ACAm]^ACA~]^PW{]^ACBv]^PXe]^PXe]^ACGn]^ACHa]"
    "^ACHv]^ACIh]^ACKi]^P[b]^ACN]]^ERD{]^ACNw]^ERGq]^ACPe]^EFTd]^ACT}]^ESBr]^ESCg]^ESGk]^QEw]^QFa]^AC[s]^ESLp]^ESLo]^ES"
    "Mt]^ESNl]^AD@{]^AD@|]^AD@|]^ADBc]^QGp]^ADD`]^QG}]^QJg]^ETHj]^ADIy]^ADKs]^ADMo]^QLp]^ETWu]^ADQq]^ET[a]^EU@j]^ADSf]^"
    "ADU~]^QNx]^ADXm]^ADXw]^ADX|]^EUTy]^EVAr]^EVAr]^AEAq]^QU]]^EVIf]^AEG}]^AEH^]^QV`]^EVOo]^AEOy]^QYs]^AEPm]^AEPh]^AEQc"
    "]^EWJg]^AET`]^R@n]^AEW^]^AEXw]^AEZv]^RB]]^EXBa]^EXC^]^RC`]^EXGh]^AFGy]^EXJg]^AFHr]^AFKq]^AFK|]^EXVk]^EXXp]^AFNq]^E"
    "Y@m]^AFO_]^EKMz]^RFv]^AFQ]]^AFSj]^RHh]^AFUa]^XJ~]^EYOn]^EYO|]^EKOj]^EKOs]^AFZz]^AFZ}]^AJQi]^RKb]^AGC`]^AGB|]^AGCl]"
    "^VFt]^AGD^]^AGD`]^AGDj]^AGEq]^EZNm]^AGEp]^AGGd]^AGIf]^AGKl]^AGGj]^AGK|]^AGMb]^AGPl]^AGHx]^AGLg]^AGLi]^AGLy]^EZUy]^"
    "E[B|]^EZZn]^RPx]^AGT~]^AGU^]^AGV_]^F@V{]^AGXi]^E[Pa]^RRf]^RRj]^E[T^]^F@@o]^RRt]^AHCg]^AHCs]^AHC~]^AHD^]^AHE|]^AHD}"
    "]^AHH{]^AHGq]^AHL^]^AHIs]^AHKr]^AHLk]^RUz]^AHO`]^AHP^]^RVz]^AHRy]^AHR|]^FANp]^AHVh]^AHVo]^RXr]^AHWi]^NE^]^FBCu]^FB"
    "Ia]^S@s]^S@|]^AIGw]^AIJ^]^AINs]^AITr]^FCEs]^AIWb]^AIWx]^AIZl]^AJAb]^FCXt]^D[Wk]^AJCr]^AJCc]^AJDu]^E@Ay]^AJKk]^AJNi"
    "]^FERs]^FESl]^AJXq]^AJ[h]^AK@f]^FF@{]^AK@p]^AKH}]^AKMr]^AKMs]^AKJ}]^AKVb]^AKV~]^FGI]]^ALE~]^SV^]^ALGf]^FGTd]^SXk]^"
    "ALOb]^YEm]^ALQ~]^FHTz]^FH[a]^T@k]^T@s]^ALWo]^FIMu]^TBk]^FIQy]^ALXx]^ALXx]^ALYt]^FIZg]^AMCa]^TFd]^AMEd]^AMH|]^AMIu]"
    "^AMKm]^TJw]^FKKo]^AMSq]^AN@m]^ANF^]^TRg]^TSd]^ANIb]^FLYy]^TSo]^FL[l]^FMGe]^FMK`]^ANSb]^TVg]^ANT~]^ANUa]^ANUh]^ANUr"
    "]^ANUy]^ANV|]^FNH}]";
// Places among the decompositions that compose again, sorted by first, then second part.
inline constexpr char packed_compositions[] =
    "ZyZvZz]^_`ApArG]aPybDzFaFcPwLdAtLfLhLjAvAxAzA|cLnA~LpLtLvLrdefQqB^B`BbgQoBfFeFgQmG_BdL|L~M`EyBhMbBjBlEnBnBpMdMhF}M"
    "fMjMlhijBrBtBvBzkQ}D|FiFkR]BxMnB{MrEpMtB}MvC]CaMxC_M~M|N^N`NbE{CclNdCgNfCeNjNhmnopCiCkGeqRaCmD~FmFoDvR_ErNtNvCoNxC"
    "sFqFsNzCqN~CuCwO^C{O`FyCyOhD]OjF{C}OnOlrstD_DaDcuRyDeDgE^FuFwDxRwOpDiOtOrOzO|O~P^DkPbP`PdPfPhScvDmSiGiPjDoSgSeDpPl"
    "DrDtPnPpwxyzAqAsG^{Pz|D{FbFdPxLeAuLgLiLkAwAyA{A}}LoB]LqLuLwLs~A]A^QrB_BaBcA_QpBgFfFhQnG`BeL}M]MaEzBiMcBkBmEoBoBqMe"
    "MiF~MgMkMmPrA`AaAbBsBuBwAcQ~D}FjFlR^ByMoB|ExMsEqMuB~MwC^CbMyC`N]M}N_NaNcE|CdAdNeChNgCfNkNiAeAfAgAhCjClGfAiRbCnE]Fn"
    "FpDwR`EsNuNwCpNyCtFrFtN{CrO]CvCxO_C|OaFzCzOiPsD^OkF|C~OoOmAjAkAlD`DbDdAmRzDfDhE_FvFxDyRxOqDjOuOsO{O}P]P_DlPcPaPtPe"
    "PgPiSdAnDnSjGjPkAoShPuSfDqPmDsDuPoPqYvGqXpP}P{Q_Q]EhE}F]ElLlQuQsQyQwMpReRcRiRgNlGcNnGaF_EfEbE`EdP~P|Q`Q^EiE~F^EmLm"
    "QvQtQzQxMqRfRdRjRhNmGdNoGbF`EgEcEaEeQeQcQiQgQfQdQjQhLxLzLyL{NpNrNqNsObOcOdOeOvOwOxOyPvRoRmRsRqRuRpRnRtRrRvR}R{S_S]"
    "SaR~R|S`S^SbEvEtEuEjEkM^M_GgGhEwXlGrXkXjSsStXnXvGtT_T`XxGuTmTnXzYdGvYcYbG{T}T~Y~GwUiUjYuYsGxYrYqG|UwZ^GyVaVbZ`XgXs"
    "ViG}XdXcSkSlXhXfVkG~S{S|VmH]TeTfXtXrVoH^Y]X~H`TuTvY`VqHbUcUdYmYnVsHcYjYiHaUoUpYoVuHdU{U|Y|YzY^GzYaYkH_YpY{HeHfHjH{"
    "H}HiHgI]HhHyIaIcHlIeHnIgHkIiIoHmIqIsIuIwImH|H~HrHpI^HqHzIbIdHuIfHoIhHtIjIpHvIrItIvIxInHsHwHxI_I`IkIlIyIzI|I{I}J]J^"
    "I~J_J`JaJjJkJvJuJwJzJ{J}J|J~K]K`K^K_KaKbKdKcKeKfKhKgKzK{K|K}K~L]L^L_L`LaLbLcMzM{N|N}OfOgQaQkQbQlQ{Q|RkRlSmSoSqVwSn"
    "SpSrVxVyVzV{V|V}V~SuSwSyW]SvSxSzW^W_W`WaWbWcWdS}T]S~T^TaTcTbTdTgTiTkWeThTjTlWfWgWhWiWjWkWlToTqTsWmTpTrTtWnWoWpWqWr"
    "WsWtTwTyT{TxTzT|U]U_UaU^U`UbUeUgUfUhUkUmUlUnUqUsUuUrUtUvUxUyUzU}V]V_WuU~V^V`WvWwWxWyWzW{W|VcVeVgW}VdVfVhW~X]X^X_X`"
    "XaXbXeXqYyXiX{X|X}XuY}YfYgYhZgZhZiZjZlZkZmZnZoZpZqZrZsZtZuZxZwZ{Z|Z}Z~[][^[_[`[i[j[a[b[c[d[k[l[e[f[g[h[m[n[o[pA@k["
    "t[u[v[w[x[y[z[{[|[}[~A@]A@^A@_A@`A@aA@bA@cA@dA@eA@fA@gA@hA@iA@jA@lAAdA@mA@nA@oA@pA@qA@rA@sA@tA@uA@vA@wA@xA@yA@zA@{"
    "A@|A@}A@~AA]AA^AA_AA`AAaAAbAAcAAeAAfAAgAAhAAiAO|AO}AO~AP]AP^AP_AP`APbAPaAPcAPdAPe";
}  // namespace narae::inline NARAE_ABI::text::tables
// clang-format on
// ==== narae/text/unicode.hpp ====
// What a code point is: its class for cutting text, its combining class, what it is composed of. The tables are
// unpacked by the compiler and searched by halving. Hangul syllables are computed, see text/hangul.hpp.
namespace narae::inline NARAE_ABI::text {
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
/// The next number of a packed table: digits '@'..'[' (base 28) go on, one of ']'..'~' (base 34) ends the number.
constexpr char32_t unpack(const char*& p) noexcept {
    char32_t n = 0;
    for (; *p < '\\'; ++p) n = n * 28 + static_cast<char32_t>(*p - '@');
    return n * 34 + static_cast<char32_t>(*p++ - ']');
}

inline constexpr auto classes = [] {
    std::array<run, class_runs> t{};
    const char* p = packed_classes;
    char32_t begin = 0;
    for (auto& r : t) {
        const auto n = unpack(p);
        r = {begin, static_cast<std::uint8_t>(n % 6)};
        begin += n / 6;
    }
    return t;
}();
/// Runs of one combining class, with runs of 0 between them.
inline constexpr auto orders = [] {
    std::array<run, 2 * order_runs + 1> t{};
    const char* p = packed_orders;
    char32_t begin = 0;
    for (std::size_t i = 0; i < order_runs; ++i) {
        begin += unpack(p);
        const auto length = unpack(p);
        t[2 * i + 1] = {begin, static_cast<std::uint8_t>(unpack(p))};
        t[2 * i + 2] = {begin += length, 0};
    }
    return t;
}();

inline constexpr auto decompositions = [] {
    std::array<decomposition, decomposed> t{};
    const char* p = packed_decompositions;
    char32_t whole = 0;
    for (auto& d : t) {
        whole += unpack(p);
        const auto first = unpack(p);
        d = {whole, first, unpack(p)};
    }
    return t;
}();

inline constexpr auto compositions = [] {
    std::array<std::uint16_t, composed> t{};
    const char* p = packed_compositions;
    for (auto& place : t) place = static_cast<std::uint16_t>(unpack(p));
    return t;
}();
/// The value of the run that c stands in.
template <class Runs>
std::uint8_t value_at(const Runs& runs, char32_t c) noexcept {
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
    const auto& t = tables::decompositions;
    const auto d = std::lower_bound(t.begin(), t.end(), c, [](const auto& x, char32_t y) { return x.whole < y; });
    return d != t.end() && d->whole == c ? &*d : nullptr;
}
/// The one code point that a followed by b composes to, or 0.
inline char32_t composition_of(char32_t a, char32_t b) noexcept {
    if (b < 0x300) return 0;
    if (const auto syllable = join_jamo(a, b)) return syllable;
    const auto& t = tables::compositions;
    const auto less = [&](std::uint16_t place, char32_t) {
        const auto& d = tables::decompositions[place];
        return d.first != a ? d.first < a : d.second < b;
    };
    const auto found = std::lower_bound(t.begin(), t.end(), a, less);
    if (found == t.end()) return 0;
    const auto& d = tables::decompositions[*found];
    return d.first == a && d.second == b ? d.whole : 0;
}
// ==== narae/text/normalize.hpp ====
// Canonical normal forms (Unicode Standard Annex 15): NFC writes a Hangul syllable as one code point, NFD as its
// letters. The text is worked through one combining sequence at a time: a starter and the marks after it.

enum class normal_form { none, nfc, nfd };
/// Collects code points and writes them in a normal form to the end of `out`.
class normalizer {
public:
    normalizer(normal_form form, std::string& out) : compose_(form == normal_form::nfc), out_(out) {}

    void put(char32_t c) {
        if (c < 0xC0 ||
            (compose_ && is_syllable(c))) {  // nothing to take apart, or it would only be put together again
            start(c);
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
        if (compose_ && starter_ != none && marks_.empty())
            if (const auto whole = composition_of(starter_, c)) {
                starter_ = whole;
                return;
            }
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
        if (step.valid) {
            n.put(step.code_point);
        } else {
            n.flush();
            out += s.substr(0, step.length);
        }
        s.remove_prefix(step.length);
    }
    n.flush();
    return out;
}
}  // namespace narae::inline NARAE_ABI::text
// ==== narae/token/vocab.hpp ====
// The vocabulary of a byte-level BPE: which bytes a token id stands for, and which pair of ids merges into which.
// Both directions are flat tables. Vocabulary files spell bytes as printable characters; that alphabet is here, too.
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
    }
    /// Adds a token; false if its bytes are already there (as the same kind) or its id is taken.
    bool add(token_id id, std::string_view bytes, bool literal) {
        auto& slot = ids_[slot_of(bytes, literal)];
        if (slot != no_token || !add_unnamed(id, bytes, literal)) return false;
        slot = id;
        if (!literal && bytes.size() == 1) of_byte_[static_cast<unsigned char>(bytes[0])] = id;
        return true;
    }
    /// Adds a token that find() does not see: an added token, which has a list of its own. False if its id is taken.
    bool add_unnamed(token_id id, std::string_view bytes, bool literal) {
        if (id >= entries_.size()) entries_.resize(std::size_t{id} + 1);
        auto& e = entries_[id];
        if (e.used) return false;
        e = {bytes_.size(), static_cast<std::uint32_t>(bytes.size()), true, literal};
        bytes_ += bytes;
        ++count_;
        return true;
    }
    /// A pair that is added again gets the later rank.
    void add_merge(const merge& m) { merges_[slot_of(m.left, m.right)] = m; }

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
    /// The merge of two neighbours, or a null pointer.
    const merge* merge_of(token_id left, token_id right) const noexcept {
        const auto& m = merges_[slot_of(left, right)];
        return m.whole == no_token ? nullptr : &m;
    }

private:
    struct entry {
        std::size_t begin = 0;
        std::uint32_t length = 0;
        bool used = false, literal = false;
    };
    /// Tables are powers of two, at most half full, and probed from slot to slot.
    static std::size_t table_size(std::size_t entries) {
        std::size_t size = 2;
        while (size < 2 * entries) size *= 2;
        return size;
    }

    std::size_t slot_of(std::string_view bytes, bool literal) const noexcept {
        std::uint64_t hash = literal;
        for (const char c : bytes) hash = mix(hash + static_cast<unsigned char>(c) + 1);
        const auto mask = ids_.size() - 1;
        auto at = static_cast<std::size_t>(hash) & mask;
        while (ids_[at] != no_token && (entries_[ids_[at]].literal != literal || bytes_of(ids_[at]) != bytes))
            at = (at + 1) & mask;
        return at;
    }

    std::size_t slot_of(token_id left, token_id right) const noexcept {
        const auto mask = merges_.size() - 1;
        auto at = static_cast<std::size_t>(mix(std::uint64_t{left} << 32 | right)) & mask;
        while (merges_[at].whole != no_token && (merges_[at].left != left || merges_[at].right != right))
            at = (at + 1) & mask;
        return at;
    }

    std::string bytes_;
    std::vector<entry> entries_;  // by id
    std::size_t count_ = 0;
    std::vector<token_id> ids_ = {no_token, no_token};
    std::vector<merge> merges_ = {merge{}, merge{}};
    std::array<token_id, 256> of_byte_ = [] {
        std::array<token_id, 256> none;
        none.fill(no_token);
        return none;
    }();
};
// ==== narae/token/added.hpp ====
// Added tokens: strings such as <|endoftext|> that become one id wherever they stand, before any other cutting.
// Where several match, the leftmost wins, then the longest. The corner cases are the reference's own.

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
    bool add(std::string pattern, std::size_t token) {
        const auto less = [](const entry& e, const std::string& p) { return e.pattern < p; };
        const auto place = std::lower_bound(entries_.begin(), entries_.end(), pattern, less);
        if (place != entries_.end() && place->pattern == pattern) return false;
        begins_[static_cast<unsigned char>(pattern[0])] = true;
        entries_.insert(place, {std::move(pattern), token});
        return true;
    }
    /// Cuts s into plain text and tokens, in order: on_text(piece), on_token(token). skip_special leaves special tokens
    /// in the text, and yet nothing is found inside them. Plain text is never empty. Both go on, whatever
    /// they return.
    void split(std::string_view s, const std::vector<added_token>& tokens, bool skip_special,
               callback<std::string_view> on_text, callback<const added_token&> on_token) const {
        std::size_t done = 0;
        for (std::size_t at = 0; !entries_.empty() && at < s.size();) {
            const auto* found = begins_[static_cast<unsigned char>(s[at])] ? longest(s.substr(at)) : nullptr;
            if (found == nullptr) {
                ++at;
                continue;
            }
            const auto& token = tokens[found->token];
            auto begin = at, end = at += found->pattern.size();
            if (skip_special && token.special) continue;
            if (token.single_word && (word_ends(s.substr(0, begin)) || word_begins(s.substr(end)))) continue;
            if (token.lstrip) begin = (std::max)(done, begin - spaces_before(s.substr(0, begin)));
            if (token.rstrip) end += spaces_after(s.substr(end));
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
    /// The longest pattern that s begins with: the sorted entries are narrowed byte by byte.
    const entry* longest(std::string_view s) const noexcept {
        const entry* best = nullptr;
        auto low = entries_.begin(), high = entries_.end();
        for (std::size_t n = 0; low != high && n < s.size(); ++n) {
            const auto byte = [n](const entry& e) { return n < e.pattern.size() ? 1 + octet(e.pattern[n]) : 0; };
            const int c = 1 + octet(s[n]);
            low = std::lower_bound(low, high, c, [&](const entry& e, int x) { return byte(e) < x; });
            high = std::upper_bound(low, high, c, [&](int x, const entry& e) { return x < byte(e); });
            if (low != high && low->pattern.size() == n + 1) best = &*low;
        }
        return best;
    }

    static int octet(char c) noexcept { return static_cast<unsigned char>(c); }

    static bool is_word(std::string_view s) noexcept {
        const auto c = text::utf8_front(s);
        const auto k = text::class_of(c.code_point);
        return c.valid &&
               (k == text::char_class::letter || k == text::char_class::number || k == text::char_class::mark);
    }
    static bool word_begins(std::string_view s) noexcept { return !s.empty() && is_word(s); }
    static bool word_ends(std::string_view s) noexcept { return !s.empty() && is_word(last_character(s)); }

    static std::size_t spaces_after(std::string_view s) noexcept {
        std::size_t n = 0;
        while (n < s.size() && is_space(s.substr(n))) n += text::utf8_front(s.substr(n)).length;
        return n;
    }
    static std::size_t spaces_before(std::string_view s) noexcept {
        const auto all = s.size();
        while (!s.empty() && is_space(last_character(s))) s.remove_suffix(last_character(s).size());
        return all - s.size();
    }
    static bool is_space(std::string_view s) noexcept {
        const auto c = text::utf8_front(s);
        return c.valid && text::class_of(c.code_point) == text::char_class::space;
    }
    /// What stands from the last byte on that is no continuation byte; one byte where that is not a whole character.
    static std::string_view last_character(std::string_view s) noexcept {
        for (std::size_t back = 1; back <= 4 && back <= s.size(); ++back) {
            if ((octet(s[s.size() - back]) & 0xC0) == 0x80) continue;
            const auto tail = s.substr(s.size() - back);
            if (text::utf8_front(tail).length == back) return tail;
            break;
        }
        return s.substr(s.size() - 1);
    }

    std::vector<entry> entries_;  // sorted by pattern
    std::array<bool, 256> begins_{};
};
// ==== narae/token/bpe.hpp ====
// The merge loop of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909): a piece of text starts as its bytes,
// and again and again the pair that was learned first is merged, the leftmost one where it stands more than once.
// Read token/vocab.hpp before. Short pieces are scanned; long ones use a heap, so that no text takes quadratic time.
/// Merges with the vocabulary's ranks and appends ids to `out`. Holds the working memory of one thread.
class bpe {
public:
    explicit bpe(const vocab& v) : vocab_(v) {}
    /// Bytes that the vocabulary lacks are left out, as the reference does where there is no unknown token.
    void encode(std::string_view piece, std::vector<token_id>& out) {
        if (piece.size() <= scan_limit) {
            scan(piece, out);
            return;
        }
        // Positions are 32-bit numbers; a piece of 4 GiB would be cut.
        for (constexpr std::size_t most = 0xFFFFFFF0; !piece.empty();
             piece.remove_prefix((std::min)(most, piece.size())))
            queue(piece.substr(0, most), out);
    }

private:
    static constexpr std::size_t scan_limit = 48;  // bytes
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    /// Keeps the rank of each neighbouring pair, and looks through all of them for every merge.
    void scan(std::string_view piece, std::vector<token_id>& out) {
        token_id ids[scan_limit];
        const merge* next[scan_limit];  // next[i] merges ids[i] and ids[i + 1]
        std::size_t n = 0;
        for (const char c : piece)
            if (const auto id = vocab_.of_byte(static_cast<unsigned char>(c)); id != no_token) ids[n++] = id;
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
        for (const char c : piece)
            if (const auto id = vocab_.of_byte(static_cast<unsigned char>(c)); id != no_token) {
                const auto at = static_cast<std::uint32_t>(symbols_.size());
                symbols_.push_back({id, at == 0 ? none : at - 1, at + 1});
            }
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
    std::vector<symbol> symbols_;
    std::vector<candidate> heap_;
};
// ==== narae/token/packed.hpp ====
// The packed tokenizer of a model file: tokenizer.json, whose long lists are taken out and kept as arrays, small and
// quick to read. token/tokenizer_json.hpp reads both forms, token/packed_writer.hpp makes one of the other.

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
        const auto head = in.take(20, "the head");
        if (!head) return head.error();
        const auto field = [&](std::size_t i) { return std::uint64_t{load_le<std::uint32_t>(head->data() + 4 * i)}; };
        if (field(0) != packed_version) return error{errc::unsupported, concat({"version ", field(0)})};
        p.width = field(1) == 4 ? 4 : 2;
        const auto take = [&](byte_view& part, std::uint64_t n) {
            const bool there = n <= in.left();
            if (there) part = *in.take(n, {});
            return there;
        };
        std::uint64_t bytes = 0;
        bool whole = field(1) == p.width && take(p.ids, field(2) * p.width) && take(p.merges, field(3) * 3 * p.width);
        for (std::size_t i = 0; i < p.count(p.ids); ++i) bytes += length(p.number(p.ids, i));
        whole = whole && take(p.bytes, bytes) && take(p.weights, field(4)) && take(p.settings, in.left());
        if (!whole) return error{errc::truncated, "the lists are not what the head says", in.at()};
        return p;
    }
};
// ==== narae/token/pretoken.hpp ====
// Cuts text into the pieces that BPE never merges across. The cut is the GPT-2 pattern, tried in this order:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// written as a scanner over Unicode classes: every byte ends up in one piece. A byte that is not UTF-8 is of no class.
namespace pretoken {
enum class kind { letter, number, space, other };

struct step {
    kind what;
    std::size_t length;  // bytes
};
/// The character at the front of s, which must not be empty.
inline step front(std::string_view s) noexcept {
    const auto c = text::utf8_front(s);
    if (!c.valid) return {kind::other, c.length};
    switch (text::class_of(c.code_point)) {
        case text::char_class::letter: return {kind::letter, c.length};
        case text::char_class::number:
        case text::char_class::numeral: return {kind::number, c.length};
        case text::char_class::space: return {kind::space, c.length};
        default: return {kind::other, c.length};
    }
}
/// Bytes of an English contraction at the front of s, or 0.
inline std::size_t contraction(std::string_view s) noexcept {
    if (s.size() < 2 || s[0] != '\'') return 0;
    if (s[1] == 's' || s[1] == 't' || s[1] == 'm' || s[1] == 'd') return 2;
    const auto two = s.substr(1, 2);
    return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}
/// Bytes of the run of one kind at the front of s.
inline std::size_t run(std::string_view s, kind what) noexcept {
    std::size_t n = 0;
    while (n < s.size()) {
        const auto c = front(s.substr(n));
        if (c.what != what) break;
        n += c.length;
    }
    return n;
}
}  // namespace pretoken
/// Bytes of the first piece of s, which must not be empty.
inline std::size_t first_piece(std::string_view s) noexcept {
    using namespace pretoken;
    if (const auto n = contraction(s)) return n;
    const std::size_t blank = s[0] == ' ' && s.size() > 1 ? 1 : 0;
    const auto c = front(s.substr(blank));
    if (c.what != kind::space) return blank + run(s.substr(blank), c.what);
    // White space. Before a word its last character is left over: a blank goes with the word, others stand alone.
    std::size_t n = 0, last = 0;
    while (n < s.size()) {
        const auto w = front(s.substr(n));
        if (w.what != kind::space) return last == 0 ? n : last;
        last = n;
        n += w.length;
    }
    return n;
}
/// f(piece) for every piece of s, in order.
template <class F>
void for_each_piece(std::string_view s, F&& f) {
    while (!s.empty()) {
        const auto n = first_piece(s);
        f(s.substr(0, n));
        s.remove_prefix(n);
    }
}
// ==== narae/token/tokenizer_json.hpp ====
// Reads a Hugging Face tokenizer.json whose model is a byte-level BPE. What would change ids or text and is not carried
// out here is refused by name; read token/vocab.hpp and token/added.hpp for what comes out.

inline constexpr std::size_t boundary_weights = std::size_t{1} << 17;  ///< in the table of a narae tokenizer
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
    std::vector<std::int8_t> weights;  // boundary_weights of them
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
        failed_ = error{code, concat(what), v.is(kind::none) ? nowhere : std::uint64_t{v.at()}}.in(name);
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
    bool boolean(const value& object, std::string_view place, std::string_view key, bool& out) {
        out = object[key].truth();
        return object[key].is(kind::boolean) || wrong(object, place, key, "true or false");
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
        for (const auto* key : {"fuse_unk", "byte_fallback", "ignore_merges"})
            if (!model[key].missing_or_null() && !model[key].is(kind::boolean))
                return wrong(model, "model", key, "true or false");
        parts_.ignore_merges = model["ignore_merges"].truth();
        // With a token for every byte nothing is unknown, and these say nothing.
        int bytes = 0;
        for (int b = 0; b < 256; ++b) bytes += parts_.words.of_byte(static_cast<unsigned char>(b)) != no_token;
        for (const auto* key : {"unk_token", "byte_fallback"})
            if (const auto v = model[key]; bytes < 256 && (v.is(kind::boolean) ? v.truth() : !v.missing_or_null()))
                return refuse({"model: ", quoted(key), " with a vocabulary that lacks bytes"}, v);
        return true;
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
        if (const auto n = parts_.weights.size(); n != boundary_weights)
            return bad({bounds, ": 'weights' has ", n, " bytes, not ", boundary_weights}, table);
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
            if (!(t.normalized ? parts_.normalized : parts_.raw).add(std::move(pattern), i))
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
        added_token t;
        t.content = v["content"].string();
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
// ==== narae/token/tokenizer.hpp ====
// Text to token ids and back. Encoding takes out added tokens, normalises what is between them, cuts that into pieces
// (token/pretoken.hpp) and merges the bytes of each piece (token/bpe.hpp). Decoding joins the bytes of the ids.
/// Immutable once parsed, so that threads may share one.
class tokenizer {
public:
    /// Reads a Hugging Face tokenizer.json (byte-level BPE) and keeps nothing of it. What is not understood is refused.
    static result<tokenizer> parse(byte_view tokenizer_json) {
        return guarded([&]() -> result<tokenizer> {
            auto parts = token::tokenizer_json::read(tokenizer_json);
            if (!parts) return parts.error();
            return tokenizer(*std::move(parts));
        });
    }
    /// The ids of `text`, which may be any bytes: those that are not UTF-8 are encoded as they are, as characters that
    /// are neither letter, digit nor space. With recognise_special a special token written in the text becomes its id,
    /// as the reference does by default; without it, it is text like any other (the safe choice for users' text).
    std::vector<token_id> encode(std::string_view text, bool recognise_special = false) const {
        std::vector<token_id> ids;
        bpe merger(parts_.words);
        const auto on_token = [&](const added_token& t) { return ids.push_back(t.id), true; };
        const auto on_plain = [&](std::string_view plain) { return encode_plain(plain, merger, ids), true; };
        const auto on_text = [&](std::string_view between) {
            parts_.normalized.split(text::normalize(between, parts_.form), parts_.added, !recognise_special, on_plain,
                                    on_token);
            return true;
        };
        parts_.raw.split(text, parts_.added, !recognise_special, on_text, on_token);
        return ids;
    }
    /// The text of `ids`. Bytes that do not make a character become U+FFFD, one for each maximal part of a character.
    /// Ids without a token give nothing. skip_special leaves out special tokens.
    std::string decode(std::span<const token_id> ids, bool skip_special = false) const;
    /// What decoding writes for a token, before characters are made of it: its bytes, or an added token's content.
    /// Empty for an id without a token. The view lives as long as the tokenizer.
    std::string_view bytes_of(token_id id) const noexcept { return parts_.words.bytes_of(id); }
    /// One past the largest id that has a token.
    std::size_t size() const noexcept { return parts_.words.size(); }
    /// How many ids have a token.
    std::size_t count() const noexcept { return parts_.words.count(); }
    /// The added token with this content, or else the token of these bytes.
    std::optional<token_id> find(std::string_view content) const {
        if (const auto* added = find_added(parts_.added, content)) return added->id;
        for (const bool literal : {false, true})
            if (const auto id = parts_.words.find(content, literal); id != no_token) return id;
        return std::nullopt;
    }

    bool is_special(token_id id) const noexcept { return id < parts_.skipped.size() && parts_.skipped[id] != 0; }
    /// The special token that ends a text: the first of <|endoftext|>, <|end_of_text|>, </s>, <eos>, [EOS], <|im_end|>.
    std::optional<token_id> end_of_text() const {
        for (const char* name : {"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]", "<|im_end|>"})
            if (const auto id = find(name); id && is_special(*id)) return id;
        return std::nullopt;
    }

private:
    explicit tokenizer(tokenizer_parts&& parts) : parts_(std::move(parts)) {}
    /// Text without added tokens, normalised, not empty.
    void encode_plain(std::string_view plain, bpe& merger, std::vector<token_id>& ids) const {
        std::string prefixed;
        if (parts_.add_prefix_space && plain[0] != ' ') plain = (prefixed = " ").append(plain);
        const auto encode_piece = [&](std::string_view piece) {
            const auto whole = parts_.ignore_merges ? parts_.words.find(piece) : no_token;
            if (whole == no_token) return merger.encode(piece, ids);
            ids.push_back(whole);
        };
        if (!parts_.use_pattern) return encode_piece(plain);
        for_each_piece(plain, encode_piece);
    }

    tokenizer_parts parts_;
};
/// Decodes ids as they come: gives out whole characters only. What it gives out, joined, is what decode() gives.
class stream_decoder {
public:
    /// Borrows the tokenizer. Special tokens give nothing unless skip_special is false.
    explicit stream_decoder(const tokenizer& t, bool skip_special = true)
        : tokenizer_(t), skip_special_(skip_special) {}
    /// The text that this id completes, often empty. Bytes that can never become a character turn into U+FFFD.
    std::string push(token_id id) {
        if (skip_special_ && tokenizer_.is_special(id)) return {};
        waiting_ += tokenizer_.bytes_of(id);
        return take(text::utf8_unfinished(waiting_));
    }
    /// What waits for bytes that did not come, as U+FFFD. The decoder may be used again afterwards.
    std::string finish() { return take(0); }

private:
    /// All that waits but for the last `keep` bytes.
    std::string take(std::size_t keep) {
        std::string out;
        std::string_view rest(waiting_);
        while (rest.size() > keep) {
            const auto step = text::utf8_front(rest);
            text::utf8_append(out, step.code_point);
            rest.remove_prefix(step.length);
        }
        waiting_.erase(0, waiting_.size() - rest.size());
        return out;
    }

    const tokenizer& tokenizer_;
    bool skip_special_;
    std::string waiting_;  // between calls the beginning of a character, at most 3 bytes
};

inline std::string tokenizer::decode(std::span<const token_id> ids, bool skip_special) const {
    stream_decoder decoder(*this, skip_special);
    std::string out;
    for (const auto id : ids) out += decoder.push(id);
    return out + decoder.finish();
}
}  // namespace narae::inline NARAE_ABI::token
// ==== narae/kernel/attend/contract.hpp ====
// The contracts of attention over a block of cached positions: one query, one streaming pass, no score matrix.
// Online softmax: Milakov and Gimelshein 2018, arXiv:1805.02867; in blocks: Dao et al. 2022, arXiv:2205.14135.
namespace narae::inline NARAE_ABI::kernel {
/// Positions are attended in blocks of at most this many; block borders lie at fixed slots of the cache.
inline constexpr std::size_t attend_block = 64;
/// Head widths are padded with zeros to a multiple of this.
inline constexpr std::size_t attend_pad = 16;
/// Where the softmax of one query stands: the largest score so far, and the sum of exp(score - largest).
struct softmax_state {
    float largest = -1e30f;
    float sum = 0;
};
/// Takes n <= 64 more positions into the weighted mean o[E] of one query; divide o by state.sum at the end.
/// k and v hold one head of n neighbouring slots, [n, E] in 8 bits, a scale per slot; q[E] has one scale,
/// which already contains 1 / sqrt(head width). Needs E % 16 == 0.
/// In this order: score = float(q . k) * (q_scale * k_scale); m = largest score of the block; p = exp(score - m);
/// sum of p in num::lanes lanes; block[e] = sum over the positions, ascending, by fma(p * v_scale, v, .);
/// then with M = max(state.largest, m), a = exp(state.largest - M), b = exp(m - M):
/// o = fma(o, a, block * b), and likewise the sum. So every table gives equal bits (but for the sign of a largest
/// score of zero, on which nothing depends).
using attend_q8_op = void(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                          const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                          std::size_t e) noexcept;
/// The same over a float cache; score = (q . k in num::lanes lanes by fma) * scale.
using attend_f32_op = void(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                           std::size_t n, std::size_t e) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/kernel/attend/scalar.hpp ====
// attend_q8 and attend_f32 by definition: scores, then softmax and values, which both share.
namespace narae::inline NARAE_ABI::kernel::scalar {
/// Scores become the block's softmax weights p, and its largest score and sum join the state.
/// Returns {a, b}: what the old mean and the block's mean are to be multiplied by.
struct merge_factors {
    float a, b;
};
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

inline void attend_q8(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                      const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                      std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; ++j) {
        std::int32_t dot = 0;
        for (std::size_t i = 0; i < e; ++i) dot += q[i] * k[j * e + i];
        p[j] = static_cast<float>(dot) * (q_scale * k_scale[j]);
    }
    const auto [a, b] = softmax_block(state, p, n);
    for (std::size_t j = 0; j < n; ++j) p[j] *= v_scale[j];
    for (std::size_t i = 0; i < e; ++i) {
        float block = 0;
        for (std::size_t j = 0; j < n; ++j) block = std::fma(p[j], static_cast<float>(v[j * e + i]), block);
        o[i] = std::fma(o[i], a, block * b);
    }
}

inline void attend_f32(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                       std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; ++j) {
        float lane[num::lanes] = {};
        for (std::size_t i = 0; i < e; ++i) lane[i % num::lanes] = std::fma(q[i], k[j * e + i], lane[i % num::lanes]);
        p[j] = num::sum_lanes(lane) * scale;
    }
    const auto [a, b] = softmax_block(state, p, n);
    for (std::size_t i = 0; i < e; ++i) {
        float block = 0;
        for (std::size_t j = 0; j < n; ++j) block = std::fma(p[j], v[j * e + i], block);
        o[i] = std::fma(o[i], a, block * b);
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// ==== narae/kernel/gemv_dense/contract.hpp ====
// The contract of gemv_f32, gemv_f16 and gemv_bf16: unpacked weights as checkpoints hold them, float activations.
namespace narae::inline NARAE_ABI::kernel {
/// y[N] = W[N, K] * x[K] for rows row_begin .. row_end, W row-major little-endian f32, f16 or bf16, at any address.
/// Exact order: column i goes by fma to lane i % 16, ascending; then num::sum_lanes. So every table gives equal bits.
/// Error at most (K / 16 + 5) * 2^-24 * sum |w * x|. Allocates nothing, cannot fail.
using gemv_dense_op = void(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                           std::size_t row_end) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/kernel/gemv_dense/scalar.hpp ====
// gemv_f32, gemv_f16 and gemv_bf16 by definition: one loop, three ways to read a weight.
namespace narae::inline NARAE_ABI::kernel::scalar {
inline float weight_f32(const std::byte* w, std::size_t i) noexcept { return load_le<float>(w + i * 4); }
inline float weight_f16(const std::byte* w, std::size_t i) noexcept {
    return num::f16_to_f32(load_le<std::uint16_t>(w + i * 2));
}
inline float weight_bf16(const std::byte* w, std::size_t i) noexcept {
    return num::bf16_to_f32(load_le<std::uint16_t>(w + i * 2));
}

template <float (*Weight)(const std::byte*, std::size_t) noexcept>
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; ++row) {
        float lane[num::lanes] = {};
        for (std::size_t i = 0; i < k; ++i)
            lane[i % num::lanes] = std::fma(Weight(w, row * k + i), x[i], lane[i % num::lanes]);
        y[row] = num::sum_lanes(lane);
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// ==== narae/kernel/isa/avx2_math.hpp ====
// What AVX2 kernels share: num/math.hpp eight lanes at a time (the same steps in the same order, so the same bits;
// read that file first) and fetching ahead.
#if NARAE_X86
#include <immintrin.h>
namespace narae::inline NARAE_ABI::kernel::avx2 {
/// Asks for the cache line `ahead` bytes behind p, which may lie beyond the end of everything.
/// Matrices are read once and in order, but the hardware's own fetching stops at page ends and starts anew: two pages
/// ahead gave 2.4 times the speed from memory with q4, 1.6 with q8, and cost nothing from the cache.
NARAE_TARGET("avx2,fma,f16c")
inline void fetch(const std::byte* p, std::size_t ahead) noexcept {
    _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::uintptr_t>(p) + ahead), _MM_HINT_T0);
}
inline constexpr std::size_t two_pages = 8192;
/// num::sum_lanes of lanes 0..7 and 8..15.
NARAE_TARGET("avx2,fma,f16c")
inline float sum_lanes(__m256 low, __m256 high) noexcept {
    const __m256 eight = _mm256_add_ps(low, high);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
/// The largest of eight.
NARAE_TARGET("avx2,fma,f16c")
inline float largest_of(__m256 v) noexcept {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
/// num::exp.
NARAE_TARGET("avx2,fma,f16c")
inline __m256 exp(__m256 x) noexcept {
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
NARAE_TARGET("avx2,fma,f16c")
inline __m256 gelu(__m256 x) noexcept {
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
// ==== narae/kernel/gemv_dense/avx2.hpp ====
// gemv_f32, gemv_f16 and gemv_bf16 for AVX2: two registers are the 16 lanes of a row, four rows go together.
// Read scalar.hpp first: it is the definition.
namespace narae::inline NARAE_ABI::kernel::avx2 {
struct weights_f32 {
    static constexpr std::size_t size = 4;  // bytes of one weight
    static constexpr gemv_dense_op* definition = scalar::gemv_dense<scalar::weight_f32>;
    NARAE_TARGET("avx2,fma,f16c")
    static __m256 load(const std::byte* w) noexcept {
        return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
    }
};
struct weights_f16 {
    static constexpr std::size_t size = 2;
    static constexpr gemv_dense_op* definition = scalar::gemv_dense<scalar::weight_f16>;
    NARAE_TARGET("avx2,fma,f16c")
    static __m256 load(const std::byte* w) noexcept {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
    }
};
struct weights_bf16 {
    static constexpr std::size_t size = 2;
    static constexpr gemv_dense_op* definition = scalar::gemv_dense<scalar::weight_bf16>;
    NARAE_TARGET("avx2,fma,f16c")
    static __m256 load(const std::byte* w) noexcept {
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
        return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }
};

template <class Weights>
NARAE_TARGET("avx2,fma,f16c")
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    if (k % num::lanes != 0) return Weights::definition(y, w, x, k, row_begin, row_end);
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
        y[row] = sum_lanes(low0, high0);
        if (row + 1 < row_end) y[row + 1] = sum_lanes(low1, high1);
        if (row + 2 < row_end) y[row + 2] = sum_lanes(low2, high2);
        if (row + 3 < row_end) y[row + 3] = sum_lanes(low3, high3);
    }
}
// ==== narae/kernel/attend/avx2.hpp ====
// attend_q8 and attend_f32 for AVX2: scores of four positions together, softmax in 16 lanes, then the values in
// columns of 32. Read scalar.hpp first: it is the definition.
/// scalar::softmax_block; writes p up to the next multiple of 16.
NARAE_TARGET("avx2,fma,f16c")
inline scalar::merge_factors softmax_block(softmax_state& state, float* p, std::size_t n) noexcept {
    static_assert(attend_block % num::lanes == 0, "a block has room for its padding");
    const std::size_t padded = round_up(n, num::lanes);
    for (std::size_t j = n; j < padded; ++j) p[j] = -3e38f;  // never the largest, and its exp is 0
    __m256 largest8 = _mm256_loadu_ps(p);
    for (std::size_t j = 8; j < padded; j += 8) largest8 = _mm256_max_ps(_mm256_loadu_ps(p + j), largest8);
    const float m = largest_of(largest8);
    __m256 low = _mm256_setzero_ps(), high = low;
    for (std::size_t j = 0; j < padded; j += num::lanes) {
        const __m256 p_low = exp(_mm256_sub_ps(_mm256_loadu_ps(p + j), _mm256_set1_ps(m)));
        const __m256 p_high = exp(_mm256_sub_ps(_mm256_loadu_ps(p + j + 8), _mm256_set1_ps(m)));
        _mm256_storeu_ps(p + j, p_low);
        _mm256_storeu_ps(p + j + 8, p_high);
        low = _mm256_add_ps(low, p_low);
        high = _mm256_add_ps(high, p_high);
    }
    const float largest = state.largest > m ? state.largest : m;
    const __m256 factors = exp(_mm256_setr_ps(state.largest - largest, m - largest, 0, 0, 0, 0, 0, 0));
    const __m128 a = _mm256_castps256_ps128(factors), b = _mm_movehdup_ps(a);
    const __m128 sum = _mm_mul_ss(_mm_set_ss(sum_lanes(low, high)), b);
    state.sum = _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(state.sum), a, sum));
    state.largest = largest;
    return {_mm_cvtss_f32(a), _mm_cvtss_f32(b)};
}

struct values_q8 {
    using type = std::int8_t;
    NARAE_TARGET("avx2,fma,f16c")
    static __m256 load(const std::int8_t* v) noexcept {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(v))));
    }
};
struct values_f32 {
    using type = float;
    NARAE_TARGET("avx2,fma,f16c")
    static __m256 load(const float* v) noexcept { return _mm256_loadu_ps(v); }
};
/// o[0 .. 8] = fma(o, a, block * b)
NARAE_TARGET("avx2,fma,f16c")
inline void merge(float* o, __m256 block, scalar::merge_factors f) noexcept {
    block = _mm256_mul_ps(block, _mm256_set1_ps(f.b));
    _mm256_storeu_ps(o, _mm256_fmadd_ps(_mm256_loadu_ps(o), _mm256_set1_ps(f.a), block));
}
/// The block's mean of v[n, E] by weights p, joined to o.
template <class Values>
NARAE_TARGET("avx2,fma,f16c")
inline void merge_values(float* o, const float* p, const typename Values::type* v, std::size_t n, std::size_t e,
                         scalar::merge_factors f) noexcept {
    std::size_t i = 0;
    for (; i + 32 <= e; i += 32) {
        __m256 b0 = _mm256_setzero_ps(), b1 = b0, b2 = b0, b3 = b0;
        for (std::size_t j = 0; j < n; ++j) {
            const __m256 weight = _mm256_set1_ps(p[j]);
            const auto* row = v + j * e + i;
            b0 = _mm256_fmadd_ps(weight, Values::load(row), b0);
            b1 = _mm256_fmadd_ps(weight, Values::load(row + 8), b1);
            b2 = _mm256_fmadd_ps(weight, Values::load(row + 16), b2);
            b3 = _mm256_fmadd_ps(weight, Values::load(row + 24), b3);
        }
        merge(o + i, b0, f);
        merge(o + i + 8, b1, f);
        merge(o + i + 16, b2, f);
        merge(o + i + 24, b3, f);
    }
    for (; i < e; i += 8) {
        __m256 block = _mm256_setzero_ps();
        for (std::size_t j = 0; j < n; ++j)
            block = _mm256_fmadd_ps(_mm256_set1_ps(p[j]), Values::load(v + j * e + i), block);
        merge(o + i, block, f);
    }
}
/// dot + q . k of 16 inputs, in eight lanes of 32 bits.
NARAE_TARGET("avx2,fma,f16c")
inline __m256i dot16(__m256i dot, __m256i q, const std::int8_t* k) noexcept {
    const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(k)));
    return _mm256_add_epi32(dot, _mm256_madd_epi16(q, wide));
}

NARAE_TARGET("avx2,fma,f16c")
inline void attend_q8(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                      const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                      std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; j += 4) {
        const std::int8_t* k0 = k + j * e;
        const std::int8_t* k1 = j + 1 < n ? k0 + e : k0;  // at the end some positions are taken twice
        const std::int8_t* k2 = j + 2 < n ? k1 + e : k0;
        const std::int8_t* k3 = j + 3 < n ? k2 + e : k0;
        __m256i d0 = _mm256_setzero_si256(), d1 = d0, d2 = d0, d3 = d0;
        for (std::size_t i = 0; i < e; i += 16) {
            const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(q + i)));
            d0 = dot16(d0, wide, k0 + i);
            d1 = dot16(d1, wide, k1 + i);
            d2 = dot16(d2, wide, k2 + i);
            d3 = dot16(d3, wide, k3 + i);
        }
        const __m256i fours = _mm256_hadd_epi32(_mm256_hadd_epi32(d0, d1), _mm256_hadd_epi32(d2, d3));
        const __m128i dots = _mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
        _mm_storeu_ps(p + j, _mm_cvtepi32_ps(dots));
    }
    for (std::size_t j = 0; j < n; ++j) p[j] *= q_scale * k_scale[j];
    const scalar::merge_factors f = softmax_block(state, p, n);
    for (std::size_t j = 0; j < n; ++j) p[j] *= v_scale[j];
    merge_values<values_q8>(o, p, v, n, e, f);
}

NARAE_TARGET("avx2,fma,f16c")
inline void attend_f32(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                       std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    gemv_dense<weights_f32>(p, reinterpret_cast<const std::byte*>(k), q, e, 0, n);  // the same sums
    for (std::size_t j = 0; j < n; ++j) p[j] *= scale;
    merge_values<values_f32>(o, p, v, n, e, softmax_block(state, p, n));
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
#endif
// ==== narae/kernel/gemv_q4/contract.hpp ====
// The contract of gemv_q4: 4-bit weights times 8-bit activations. Read num/q4.hpp for the layout first.
namespace narae::inline NARAE_ABI::kernel {
/// y[N] = W[N, K] * x[K] for rows row_begin .. row_end, W packed as num::q4_layout, x as num::q8_row.
/// Needs row_begin and row_end at multiples of 16 and y with room for whole tiles; w need not be aligned.
/// Exact: per group of 64 an integer dot product, then one fma into the row's sum, groups in ascending order;
///   sum = fma(float(dot), w_scale * x_scale, sum), dot = sum over i of (code - 8) * q.
/// So every table gives equal bits. Against the exact product of the same quantised numbers the error is at most
/// (groups + 2) * 2^-24 * sum over groups of |dot * w_scale * x_scale|. Allocates nothing, cannot fail.
using gemv_q4_op = void(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                        std::size_t row_end) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/kernel/gemv_q4/avx2.hpp ====
// gemv_q4 for AVX2: a register holds 8 rows x 4 inputs, and each 32-bit lane stays with its row to the end.
// Read scalar.hpp first: it is the definition.
#if NARAE_X86
namespace narae::inline NARAE_ABI::kernel::avx2 {
NARAE_TARGET("avx2,fma,f16c")
inline void gemv_q4(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q4_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q4_layout::scale_bytes(k);
        const std::int8_t* q = x.q;
        __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0;  // rows 0..7 and 8..15
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            // A 16-bit lane takes 8 times at most 2 * 15 * 127: 30,480 and still exact.
            __m256i low0 = _mm256_setzero_si256(), low1 = low0, high0 = low0, high1 = low0;
            for (int chunk = 0; chunk < 8; ++chunk) {
                const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
                const __m256i w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 32));
                const __m256i q_low = _mm256_set1_epi32(load_le<std::int32_t>(q));
                const __m256i q_high = _mm256_set1_epi32(load_le<std::int32_t>(q + 4));
                const __m256i w0_high = _mm256_and_si256(_mm256_srli_epi16(w0, 4), nibble);
                const __m256i w1_high = _mm256_and_si256(_mm256_srli_epi16(w1, 4), nibble);
                low0 = _mm256_add_epi16(low0, _mm256_maddubs_epi16(_mm256_and_si256(w0, nibble), q_low));
                low1 = _mm256_add_epi16(low1, _mm256_maddubs_epi16(_mm256_and_si256(w1, nibble), q_low));
                high0 = _mm256_add_epi16(high0, _mm256_maddubs_epi16(w0_high, q_high));
                high1 = _mm256_add_epi16(high1, _mm256_maddubs_epi16(w1_high, q_high));
                fetch(codes, two_pages);
                codes += 64;
                q += 8;
            }
            const __m256i zero_point = _mm256_set1_epi32(-8 * x.sum[g]);
            const __m256i dot0 = _mm256_add_epi32(_mm256_madd_epi16(low0, ones), _mm256_madd_epi16(high0, ones));
            const __m256i dot1 = _mm256_add_epi32(_mm256_madd_epi16(low1, ones), _mm256_madd_epi16(high1, ones));
            const __m256 x_scale = _mm256_set1_ps(x.scale[g]);
            const __m256 scale0 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
            const __m256 scale1 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + 16)));
            sum0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(dot0, zero_point)),
                                   _mm256_mul_ps(scale0, x_scale), sum0);
            sum1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(dot1, zero_point)),
                                   _mm256_mul_ps(scale1, x_scale), sum1);
            scales += num::tile_rows * 2;
        }
        _mm256_storeu_ps(y + row, sum0);
        _mm256_storeu_ps(y + row + 8, sum1);
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
#endif
// ==== narae/kernel/gemv_q8/contract.hpp ====
// The contract of gemv_q8: 8-bit weights times 8-bit activations. Read num/q8.hpp for the layout first.
namespace narae::inline NARAE_ABI::kernel {
/// y[N] = W[N, K] * x[K] for rows row_begin .. row_end, W packed as num::q8_layout, x as num::q8_row.
/// Needs row_begin and row_end at multiples of 16 and y with room for whole tiles; w need not be aligned.
/// Exact: per group of 64 an integer dot product, then one fma into the row's sum, groups in ascending order;
///   sum = fma(float(dot), w_scale * x_scale, sum), dot = sum over i of w_q * x_q.
/// So every table gives equal bits. Against the exact product of the same quantised numbers the error is at most
/// (groups + 2) * 2^-24 * sum over groups of |dot * w_scale * x_scale|. Allocates nothing, cannot fail.
using gemv_q8_op = void(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                        std::size_t row_end) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/kernel/gemv_q8/avx2.hpp ====
// gemv_q8 for AVX2: a register holds 8 rows x 4 inputs, and each 32-bit lane stays with its row to the end.
// Read scalar.hpp first: it is the definition.
#if NARAE_X86
namespace narae::inline NARAE_ABI::kernel::avx2 {
/// dot + w . q, four inputs in each 32-bit lane. The multiplication wants one factor unsigned, so the weight's sign
/// goes to q. Two products reach 2 * 128 * 127 at most, which 16 bits hold, even if a file brings a -128.
NARAE_TARGET("avx2,fma,f16c")
inline __m256i dot_q8(__m256i dot, const std::byte* codes, __m256i q) noexcept {
    const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(q, w));
    return _mm256_add_epi32(dot, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

NARAE_TARGET("avx2,fma,f16c")
inline void gemv_q8(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q8_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q8_layout::scale_bytes(k);
        const std::int8_t* q = x.q;
        __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0;  // rows 0..7 and 8..15
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            __m256i dot0 = _mm256_setzero_si256(), dot1 = dot0;
            for (int chunk = 0; chunk < 16; ++chunk) {
                const __m256i four = _mm256_set1_epi32(load_le<std::int32_t>(q));
                dot0 = dot_q8(dot0, codes, four);
                dot1 = dot_q8(dot1, codes + 32, four);
                fetch(codes, two_pages);
                codes += 64;
                q += 4;
            }
            const __m256 x_scale = _mm256_set1_ps(x.scale[g]);
            const __m256 scale0 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales)));
            const __m256 scale1 = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(scales + 16)));
            sum0 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot0), _mm256_mul_ps(scale0, x_scale), sum0);
            sum1 = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot1), _mm256_mul_ps(scale1, x_scale), sum1);
            scales += num::tile_rows * 2;
        }
        _mm256_storeu_ps(y + row, sum0);
        _mm256_storeu_ps(y + row + 8, sum1);
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
#endif
// ==== narae/kernel/rows/contract.hpp ====
// The contracts of what happens to one row of numbers between two matrices. Sums run in num::lanes lanes.
namespace narae::inline NARAE_ABI::kernel {
/// y[D] = (x - mean) / sqrt(var + eps) * gain + bias. Layer normalisation: Ba et al. 2016, arXiv:1607.06450.
/// mean = sum / D; var = sum of (x - mean)^2 by fma / D; y = fma((x - mean) * inverse, gain, bias). y may be x.
using layer_norm_op = void(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
                           float eps) noexcept;
/// x[n] = gelu(x + bias), in place, by num::gelu.
using bias_gelu_op = void(float* x, const float* bias, std::size_t n) noexcept;
/// Quantises x[K] to 8 bits in groups of 64: scale = largest |x| / 127, q = x * (127 / largest) by num::round_q8,
/// zero where the whole group is zero; the last group is padded with zeros.
using quantize_q8_op = void(const num::q8_row& out, const float* x, std::size_t k) noexcept;
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/kernel/rows/scalar.hpp ====
// layer_norm, bias_gelu and quantize_q8 by definition.
namespace narae::inline NARAE_ABI::kernel::scalar {
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

inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k) noexcept {
    using namespace num;
    for (std::size_t g = 0; g < groups_of(k); ++g) {
        const float* from = x + g * group_len;
        const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
        float largest = 0;
        for (std::size_t i = 0; i < n; ++i) largest = std::abs(from[i]) > largest ? std::abs(from[i]) : largest;
        const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < group_len; ++i) {
            const std::int8_t q = i < n ? round_q8(from[i] * inverse) : std::int8_t{0};
            out.q[g * group_len + i] = q;
            sum += q;
        }
        out.scale[g] = largest / 127.0f;
        out.sum[g] = sum;
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// ==== narae/kernel/rows/avx2.hpp ====
// layer_norm, bias_gelu and quantize_q8 for AVX2. Read scalar.hpp first: it is the definition, and it also does
// what does not fill a register.
#if NARAE_X86
namespace narae::inline NARAE_ABI::kernel::avx2 {
NARAE_TARGET("avx2,fma,f16c")
inline void layer_norm(float* y, const float* x, const float* gain, const float* bias, std::size_t d,
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

NARAE_TARGET("avx2,fma,f16c")
inline void bias_gelu(float* x, const float* bias, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, gelu(_mm256_add_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(bias + i))));
    scalar::bias_gelu(x + i, bias + i, n - i);
}
/// num::round_q8 of x * inverse, eight times.
NARAE_TARGET("avx2,fma,f16c")
inline __m256i round_q8(const float* x, __m256 inverse) noexcept {
    __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
    v = _mm256_max_ps(v, _mm256_set1_ps(-127.0f));  // the second of the two if v is no number, as defined
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(127.0f)));
}

NARAE_TARGET("avx2,fma,f16c")
inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k) noexcept {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    const std::size_t whole = k / num::group_len;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * num::group_len;
        __m256 size = _mm256_setzero_ps();
        for (std::size_t i = 0; i < num::group_len; i += 8)
            size = _mm256_max_ps(_mm256_andnot_ps(sign, _mm256_loadu_ps(from + i)), size);
        const float largest = largest_of(size);
        const __m256 inverse = _mm256_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
        __m256i sum = _mm256_setzero_si256();
        for (std::size_t i = 0; i < num::group_len; i += 32) {
            const __m256i a = round_q8(from + i, inverse), b = round_q8(from + i + 8, inverse);
            const __m256i c = round_q8(from + i + 16, inverse), d = round_q8(from + i + 24, inverse);
            sum = _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
            // Packing works within 128-bit halves: fours of a, b, c, d, then again; the permutation sorts them.
            const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            const __m256i sorted = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.q + g * num::group_len + i), sorted);
        }
        __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
        out.sum[g] = _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
        out.scale[g] = largest / 127.0f;
    }
    const std::size_t done = whole * num::group_len;
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done);
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
#endif
// ==== narae/kernel/gemv_q4/scalar.hpp ====
// gemv_q4 by definition. Every other version must give these bits.
namespace narae::inline NARAE_ABI::kernel::scalar {
inline void gemv_q4(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    using namespace num;
    for (std::size_t row = row_begin; row < row_end; ++row) {
        const std::byte* scales = w + row / tile_rows * q4_layout::tile_bytes(k);
        const std::byte* codes = scales + q4_layout::scale_bytes(k);
        const std::size_t r = row % tile_rows;
        float sum = 0;
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            std::int32_t dot = -8 * x.sum[g];  // the zero point of every code, taken off at once
            for (std::size_t i = g * group_len; i < (g + 1) * group_len; ++i)
                dot += (static_cast<std::int32_t>(codes[q4_layout::at(r, i)]) >> q4_layout::shift(i) & 15) * x.q[i];
            const float scale = f16_to_f32(load_le<std::uint16_t>(scales + (g * tile_rows + r) * 2));
            sum = std::fma(static_cast<float>(dot), scale * x.scale[g], sum);
        }
        y[row] = sum;
    }
}
// ==== narae/kernel/gemv_q8/scalar.hpp ====
// gemv_q8 by definition. Every other version must give these bits.

inline void gemv_q8(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    using namespace num;
    for (std::size_t row = row_begin; row < row_end; ++row) {
        const std::byte* scales = w + row / tile_rows * q8_layout::tile_bytes(k);
        const std::byte* codes = scales + q8_layout::scale_bytes(k);
        const std::size_t r = row % tile_rows;
        float sum = 0;
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            std::int32_t dot = 0;
            for (std::size_t i = g * group_len; i < (g + 1) * group_len; ++i)
                dot += static_cast<std::int8_t>(codes[q8_layout::at(r, i)]) * x.q[i];
            const float scale = f16_to_f32(load_le<std::uint16_t>(scales + (g * tile_rows + r) * 2));
            sum = std::fma(static_cast<float>(dot), scale * x.scale[g], sum);
        }
        y[row] = sum;
    }
}
}  // namespace narae::inline NARAE_ABI::kernel::scalar
// ==== narae/kernel/table.hpp ====
// One function pointer per operation; each slot starts as its scalar version, which is its definition.
// A table is a value: it is handed to whoever computes, and nothing is chosen behind anyone's back.
namespace narae::inline NARAE_ABI::kernel {
struct table {
    const char* name = "scalar";
    gemv_dense_op* gemv_f32 = scalar::gemv_dense<scalar::weight_f32>;
    gemv_dense_op* gemv_f16 = scalar::gemv_dense<scalar::weight_f16>;
    gemv_dense_op* gemv_bf16 = scalar::gemv_dense<scalar::weight_bf16>;
    gemv_q8_op* gemv_q8 = scalar::gemv_q8;
    gemv_q4_op* gemv_q4 = scalar::gemv_q4;
    layer_norm_op* layer_norm = scalar::layer_norm;
    bias_gelu_op* bias_gelu = scalar::bias_gelu;
    quantize_q8_op* quantize_q8 = scalar::quantize_q8;
    attend_q8_op* attend_q8 = scalar::attend_q8;
    attend_f32_op* attend_f32 = scalar::attend_f32;
};
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/kernel/isa/avx2.hpp ====
// What AVX2 (with FMA and F16C) replaces.
#if NARAE_X86
namespace narae::inline NARAE_ABI::kernel::avx2 {
inline table overlay(table t) noexcept {
    t.name = "avx2";
    t.gemv_f32 = gemv_dense<weights_f32>;
    t.gemv_f16 = gemv_dense<weights_f16>;
    t.gemv_bf16 = gemv_dense<weights_bf16>;
    t.gemv_q8 = gemv_q8;
    t.gemv_q4 = gemv_q4;
    t.layer_norm = layer_norm;
    t.bias_gelu = bias_gelu;
    t.quantize_q8 = quantize_q8;
    t.attend_q8 = attend_q8;
    t.attend_f32 = attend_f32;
    return t;
}
}  // namespace narae::inline NARAE_ABI::kernel::avx2
#endif
// ==== narae/kernel/isa/neon_math.hpp ====
// num/math.hpp four lanes at a time: the same steps in the same order, so the same bits. Read that file first.
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
// ==== narae/kernel/gemv_dense/neon.hpp ====
// gemv_f32, gemv_f16 and gemv_bf16 for NEON: four registers are the 16 lanes of a row, two rows go together.
// Read scalar.hpp first: it is the definition.
namespace narae::inline NARAE_ABI::kernel::neon {
struct weights_f32 {
    static constexpr std::size_t size = 4;  // bytes of one weight
    static constexpr gemv_dense_op* definition = scalar::gemv_dense<scalar::weight_f32>;
    static float32x4_t load(const std::byte* w) noexcept { return load4(w); }
};
struct weights_f16 {
    static constexpr std::size_t size = 2;
    static constexpr gemv_dense_op* definition = scalar::gemv_dense<scalar::weight_f16>;
    static float32x4_t load(const std::byte* w) noexcept { return load4_f16(w); }
};
struct weights_bf16 {
    static constexpr std::size_t size = 2;
    static constexpr gemv_dense_op* definition = scalar::gemv_dense<scalar::weight_bf16>;
    static float32x4_t load(const std::byte* w) noexcept {
        return vreinterpretq_f32_u32(vshll_n_u16(load4_u16(w), 16));
    }
};

template <class Weights>
inline void gemv_dense(float* y, const std::byte* w, const float* x, std::size_t k, std::size_t row_begin,
                       std::size_t row_end) noexcept {
    if (k % num::lanes != 0) return Weights::definition(y, w, x, k, row_begin, row_end);
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
        y[row] = sum_lanes(a0, b0, c0, d0);
        if (row + 1 < row_end) y[row + 1] = sum_lanes(a1, b1, c1, d1);
    }
}
// ==== narae/kernel/attend/neon.hpp ====
// attend_q8 and attend_f32 for NEON: scores, softmax in 16 lanes, then the values in columns of 16.
// Read scalar.hpp first: it is the definition.
/// scalar::softmax_block; writes p up to the next multiple of 16.
inline scalar::merge_factors softmax_block(softmax_state& state, float* p, std::size_t n) noexcept {
    static_assert(attend_block % num::lanes == 0, "a block has room for its padding");
    const std::size_t padded = round_up(n, num::lanes);
    for (std::size_t j = n; j < padded; ++j) p[j] = -3e38f;  // never the largest, and its exp is 0
    float32x4_t largest4 = vld1q_f32(p);
    for (std::size_t j = 4; j < padded; j += 4) largest4 = larger(vld1q_f32(p + j), largest4);
    const float m = vmaxvq_f32(largest4);
    float32x4_t s[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (std::size_t j = 0; j < padded; j += num::lanes)
        for (std::size_t i = 0; i < 4; ++i) {
            const float32x4_t weight = exp(vsubq_f32(vld1q_f32(p + j + 4 * i), vdupq_n_f32(m)));
            vst1q_f32(p + j + 4 * i, weight);
            s[i] = vaddq_f32(s[i], weight);
        }
    const float largest = state.largest > m ? state.largest : m;
    const float offset[4] = {state.largest - largest, m - largest, 0, 0};
    const float32x4_t factors = exp(vld1q_f32(offset));
    const float a = vgetq_lane_f32(factors, 0), b = vgetq_lane_f32(factors, 1);
    const float sum = sum_lanes(s[0], s[1], s[2], s[3]) * b;
    state.sum = vget_lane_f32(vfma_f32(vdup_n_f32(sum), vdup_n_f32(state.sum), vdup_n_f32(a)), 0);
    state.largest = largest;
    return {a, b};
}
/// Sixteen values as floats.
inline void load16(float32x4_t (&out)[4], const std::int8_t* v) noexcept {
    const int8x16_t bytes = vld1q_s8(v);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    out[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
    out[1] = vcvtq_f32_s32(vmovl_high_s16(low));
    out[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
    out[3] = vcvtq_f32_s32(vmovl_high_s16(high));
}
inline void load16(float32x4_t (&out)[4], const float* v) noexcept {
    for (std::size_t i = 0; i < 4; ++i) out[i] = vld1q_f32(v + 4 * i);
}
/// The block's mean of v[n, E] by weights p, joined to o.
template <class Value>
inline void merge_values(float* o, const float* p, const Value* v, std::size_t n, std::size_t e,
                         scalar::merge_factors f) noexcept {
    for (std::size_t i = 0; i < e; i += 16) {
        float32x4_t block[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}, value[4];
        for (std::size_t j = 0; j < n; ++j) {
            load16(value, v + j * e + i);
            for (std::size_t c = 0; c < 4; ++c) block[c] = vfmaq_n_f32(block[c], value[c], p[j]);
        }
        for (std::size_t c = 0; c < 4; ++c)
            vst1q_f32(o + i + 4 * c, vfmaq_n_f32(vmulq_n_f32(block[c], f.b), vld1q_f32(o + i + 4 * c), f.a));
    }
}

inline void attend_q8(softmax_state& state, float* o, const std::int8_t* q, float q_scale, const std::int8_t* k,
                      const float* k_scale, const std::int8_t* v, const float* v_scale, std::size_t n,
                      std::size_t e) noexcept {
    float p[attend_block] = {};
    for (std::size_t j = 0; j < n; ++j) {
        int32x4_t dot0 = vdupq_n_s32(0), dot1 = dot0;
        for (std::size_t i = 0; i < e; i += 16) {
            const int8x16_t q16 = vld1q_s8(q + i), k16 = vld1q_s8(k + j * e + i);
            dot0 = vpadalq_s16(dot0, vmull_s8(vget_low_s8(q16), vget_low_s8(k16)));
            dot1 = vpadalq_s16(dot1, vmull_high_s8(q16, k16));
        }
        p[j] = static_cast<float>(vaddvq_s32(vaddq_s32(dot0, dot1))) * (q_scale * k_scale[j]);
    }
    const scalar::merge_factors f = softmax_block(state, p, n);
    for (std::size_t j = 0; j < n; ++j) p[j] *= v_scale[j];
    merge_values(o, p, v, n, e, f);
}

inline void attend_f32(softmax_state& state, float* o, const float* q, float scale, const float* k, const float* v,
                       std::size_t n, std::size_t e) noexcept {
    float p[attend_block] = {};
    gemv_dense<weights_f32>(p, reinterpret_cast<const std::byte*>(k), q, e, 0, n);  // the same sums
    for (std::size_t j = 0; j < n; ++j) p[j] *= scale;
    const scalar::merge_factors f = softmax_block(state, p, n);
    merge_values(o, p, v, n, e, f);
}
// ==== narae/kernel/gemv_q4/neon.hpp ====
// gemv_q4 for NEON: a register holds 4 rows x 4 inputs; products are summed in 16 bits over a whole group.
// Read scalar.hpp first: it is the definition.
/// Four rows' dot products over one group. A 16-bit lane takes 16 times at most 15 * 127: 30,480 and still exact.
inline int32x4_t group_q4(const std::byte* codes, const std::int8_t* q) noexcept {
    const uint8x16_t nibble = vdupq_n_u8(15);
    int16x8_t rows01 = vdupq_n_s16(0), rows23 = rows01;
    for (int chunk = 0; chunk < 8; ++chunk) {
        const uint8x16_t w = vld1q_u8(reinterpret_cast<const std::uint8_t*>(codes));
        const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(w, nibble));
        const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(w, 4));
        const int8x16_t q_low = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
        const int8x16_t q_high = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q + 4)));
        rows01 = vmlal_s8(rows01, vget_low_s8(low), vget_low_s8(q_low));
        rows23 = vmlal_high_s8(rows23, low, q_low);
        rows01 = vmlal_s8(rows01, vget_low_s8(high), vget_low_s8(q_high));
        rows23 = vmlal_high_s8(rows23, high, q_high);
        codes += 64;
        q += 8;
    }
    return vpaddq_s32(vpaddlq_s16(rows01), vpaddlq_s16(rows23));
}

inline void gemv_q4(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q4_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q4_layout::scale_bytes(k);
        float32x4_t sum0 = vdupq_n_f32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            const std::int8_t* q = x.q + g * num::group_len;
            const int32x4_t zero_point = vdupq_n_s32(-8 * x.sum[g]);
            const float32x4_t dot0 = vcvtq_f32_s32(vaddq_s32(group_q4(codes, q), zero_point));
            const float32x4_t dot1 = vcvtq_f32_s32(vaddq_s32(group_q4(codes + 16, q), zero_point));
            const float32x4_t dot2 = vcvtq_f32_s32(vaddq_s32(group_q4(codes + 32, q), zero_point));
            const float32x4_t dot3 = vcvtq_f32_s32(vaddq_s32(group_q4(codes + 48, q), zero_point));
            sum0 = vfmaq_f32(sum0, dot0, vmulq_n_f32(load4_f16(scales), x.scale[g]));
            sum1 = vfmaq_f32(sum1, dot1, vmulq_n_f32(load4_f16(scales + 8), x.scale[g]));
            sum2 = vfmaq_f32(sum2, dot2, vmulq_n_f32(load4_f16(scales + 16), x.scale[g]));
            sum3 = vfmaq_f32(sum3, dot3, vmulq_n_f32(load4_f16(scales + 24), x.scale[g]));
            codes += num::q4_layout::group_bytes;
            scales += num::tile_rows * 2;
        }
        vst1q_f32(y + row, sum0);
        vst1q_f32(y + row + 4, sum1);
        vst1q_f32(y + row + 8, sum2);
        vst1q_f32(y + row + 12, sum3);
    }
}
// ==== narae/kernel/gemv_q8/neon.hpp ====
// gemv_q8 for NEON: a register holds 4 rows x 4 inputs; two products are summed in 16 bits, then widened.
// Read scalar.hpp first: it is the definition.
/// Four rows' dot products over one group. Two products reach 2 * 128 * 127 at most, which 16 bits hold.
inline int32x4_t group_q8(const std::byte* codes, const std::int8_t* q) noexcept {
    int32x4_t rows01 = vdupq_n_s32(0), rows23 = rows01;
    for (int pair = 0; pair < 8; ++pair) {
        const int8x16_t w0 = vreinterpretq_s8_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(codes)));
        const int8x16_t w1 = vreinterpretq_s8_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(codes + 64)));
        const int8x16_t q0 = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q)));
        const int8x16_t q1 = vreinterpretq_s8_s32(vdupq_n_s32(load_le<std::int32_t>(q + 4)));
        const int16x8_t pair01 = vmull_s8(vget_low_s8(w0), vget_low_s8(q0)), pair23 = vmull_high_s8(w0, q0);
        rows01 = vpadalq_s16(rows01, vmlal_s8(pair01, vget_low_s8(w1), vget_low_s8(q1)));
        rows23 = vpadalq_s16(rows23, vmlal_high_s8(pair23, w1, q1));
        codes += 128;
        q += 8;
    }
    return vpaddq_s32(rows01, rows23);
}

inline void gemv_q8(float* y, const std::byte* w, const num::q8_row& x, std::size_t k, std::size_t row_begin,
                    std::size_t row_end) noexcept {
    for (std::size_t row = row_begin; row < row_end; row += num::tile_rows) {
        const std::byte* scales = w + row / num::tile_rows * num::q8_layout::tile_bytes(k);
        const std::byte* codes = scales + num::q8_layout::scale_bytes(k);
        float32x4_t sum0 = vdupq_n_f32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (std::size_t g = 0; g < num::groups_of(k); ++g) {
            const std::int8_t* q = x.q + g * num::group_len;
            const float32x4_t dot0 = vcvtq_f32_s32(group_q8(codes, q)), dot1 = vcvtq_f32_s32(group_q8(codes + 16, q));
            const float32x4_t dot2 = vcvtq_f32_s32(group_q8(codes + 32, q));
            const float32x4_t dot3 = vcvtq_f32_s32(group_q8(codes + 48, q));
            sum0 = vfmaq_f32(sum0, dot0, vmulq_n_f32(load4_f16(scales), x.scale[g]));
            sum1 = vfmaq_f32(sum1, dot1, vmulq_n_f32(load4_f16(scales + 8), x.scale[g]));
            sum2 = vfmaq_f32(sum2, dot2, vmulq_n_f32(load4_f16(scales + 16), x.scale[g]));
            sum3 = vfmaq_f32(sum3, dot3, vmulq_n_f32(load4_f16(scales + 24), x.scale[g]));
            codes += num::q8_layout::group_bytes;
            scales += num::tile_rows * 2;
        }
        vst1q_f32(y + row, sum0);
        vst1q_f32(y + row + 4, sum1);
        vst1q_f32(y + row + 8, sum2);
        vst1q_f32(y + row + 12, sum3);
    }
}
// ==== narae/kernel/rows/neon.hpp ====
// layer_norm, bias_gelu and quantize_q8 for NEON. Read scalar.hpp first: it is the definition, and it also does
// what does not fill a register.

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

inline void quantize_q8(const num::q8_row& out, const float* x, std::size_t k) noexcept {
    const std::size_t whole = k / num::group_len;
    for (std::size_t g = 0; g < whole; ++g) {
        const float* from = x + g * num::group_len;
        float32x4_t size = vdupq_n_f32(0);
        for (std::size_t i = 0; i < num::group_len; i += 4) size = larger(vabsq_f32(vld1q_f32(from + i)), size);
        const float largest = vmaxvq_f32(size), inverse = largest > 0 ? 127.0f / largest : 0.0f;
        int32x4_t sum = vdupq_n_s32(0);
        for (std::size_t i = 0; i < num::group_len; i += 16) {
            const int32x4_t a = round_q8(from + i, inverse), b = round_q8(from + i + 4, inverse);
            const int32x4_t c = round_q8(from + i + 8, inverse), d = round_q8(from + i + 12, inverse);
            sum = vaddq_s32(sum, vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
            const int16x8_t ab = vcombine_s16(vmovn_s32(a), vmovn_s32(b)),
                            cd = vcombine_s16(vmovn_s32(c), vmovn_s32(d));
            vst1q_s8(out.q + g * num::group_len + i, vcombine_s8(vmovn_s16(ab), vmovn_s16(cd)));
        }
        out.sum[g] = vaddvq_s32(sum);
        out.scale[g] = largest / 127.0f;
    }
    const std::size_t done = whole * num::group_len;
    if (done < k) scalar::quantize_q8({out.q + done, out.scale + whole, out.sum + whole}, x + done, k - done);
}
// ==== narae/kernel/isa/neon.hpp ====
// What NEON replaces.

inline table overlay(table t) noexcept {
    t.name = "neon";
    t.gemv_f32 = gemv_dense<weights_f32>;
    t.gemv_f16 = gemv_dense<weights_f16>;
    t.gemv_bf16 = gemv_dense<weights_bf16>;
    t.gemv_q8 = gemv_q8;
    t.gemv_q4 = gemv_q4;
    t.layer_norm = layer_norm;
    t.bias_gelu = bias_gelu;
    t.quantize_q8 = quantize_q8;
    t.attend_q8 = attend_q8;
    t.attend_f32 = attend_f32;
    return t;
}
}  // namespace narae::inline NARAE_ABI::kernel::neon
#endif
// ==== narae/kernel/select.hpp ====
// Which tables this machine can run. A new instruction set is its kernel files, a list in isa/, and a line here.
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
#endif
#if NARAE_NEON
    all.add(neon::overlay(all.best()));
#endif
    return all;
}
}  // namespace narae::inline NARAE_ABI::kernel
// ==== narae/store/format.hpp ====
// The narae model file, version 1: the specification and its constants. Read safetensors.hpp before.
namespace narae::inline NARAE_ABI::store {
// A narae model file IS a safetensors file, or several with a *.safetensors.index.json as Hugging Face writes it.
// Any safetensors tool lists it. What narae adds:
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
/// The 64-bit FNV-1a hash that identifies source files; pass the last value to go on with the next piece.
/// It tells files apart; it is no protection against someone who wants two to look alike.
inline std::uint64_t fnv1a64(byte_view bytes, std::uint64_t hash = 0xCBF29CE484222325) noexcept {
    for (const auto b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001B3;
    return hash;
}
// ==== narae/store/tensor.hpp ====
// A tensor as a model file holds it: a name, a shape and a view of its bytes. It owns no weights and reads none.
/// The element types of model files. All are little-endian there; boolean is one byte, 0 or 1.
enum class dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };
/// A dtype with its name in safetensors headers and its size in bytes.
struct dtype_row {
    dtype type;
    std::string_view name;
    std::size_t size;
};
inline constexpr dtype_row dtype_rows[] = {
    {dtype::f64, "F64", 8},      {dtype::f32, "F32", 4}, {dtype::f16, "F16", 2}, {dtype::bf16, "BF16", 2},
    {dtype::i64, "I64", 8},      {dtype::i32, "I32", 4}, {dtype::i16, "I16", 2}, {dtype::i8, "I8", 1},
    {dtype::u64, "U64", 8},      {dtype::u32, "U32", 4}, {dtype::u16, "U16", 2}, {dtype::u8, "U8", 1},
    {dtype::boolean, "BOOL", 1},
};

constexpr std::string_view dtype_name(dtype t) noexcept { return dtype_rows[static_cast<std::size_t>(t)].name; }
constexpr std::size_t dtype_size(dtype t) noexcept { return dtype_rows[static_cast<std::size_t>(t)].size; }
static_assert([] {
    for (std::size_t i = 0; i < std::size(dtype_rows); ++i)
        if (dtype_rows[i].type != static_cast<dtype>(i)) return false;
    return true;
}());
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
        shape_elements(shape, n);
        return n;
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
// ==== narae/store/safetensors.hpp ====
// The safetensors container: 8 bytes of header length, a JSON header, then the tensors' bytes.
// Nothing in a file is trusted before it is checked; the tensors' bytes are not touched.
// Format: https://github.com/huggingface/safetensors#format
/// The format's own limit on a header, in bytes.
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;

using metadata_list = std::vector<std::pair<std::string, std::string>>;

struct safetensors {
    std::vector<tensor> tensors;  ///< in the order of their bytes
    metadata_list metadata;
};
namespace safetensors_detail {
/// The first name that occurs twice, or nullptr.
inline const std::string* twice(const std::vector<const std::string*>& names) {
    const auto order = sorted(names.size(), [&](auto a, auto b) { return *names[a] < *names[b]; });
    for (std::size_t i = 1; i < order.size(); ++i)
        if (*names[order[i - 1]] == *names[order[i]]) return names[order[i]];
    return nullptr;
}
/// Reads the members of the header, in the order in which they stand there.
struct header_reader {
    byte_view data;  // all that follows the header
    std::vector<tensor> tensors{};
    std::vector<std::uint64_t> begins{};  // where in data the bytes of each begin
    metadata_list metadata{};
    bool described = false;
    error failed{};
    /// Errors in the header say where in the file they stand.
    bool fail(errc code, std::initializer_list<piece> what, const text::json_value& v) {
        failed = {code, concat(what), 8 + v.at()};
        return false;
    }

    bool member(const text::json_value& key, const text::json_value& value) {
        auto name = key.string();
        if (name.empty()) return fail(errc::bad_value, {"a tensor without a name"}, key);
        return name == "__metadata__" ? read_metadata(key, value) : read_tensor(std::move(name), value);
    }

    bool read_metadata(const text::json_value& key, const text::json_value& object) {
        const auto add = [&](const text::json_value& k, const text::json_value& v) {
            metadata.emplace_back(k.string(), v.string());
            return v.is(text::json_kind::string);
        };
        if (!object.is(text::json_kind::object) || !object.for_each_member(add))
            return fail(errc::bad_value, {"__metadata__ may hold strings only"}, object);
        return !std::exchange(described, true) || fail(errc::bad_value, {"__metadata__ occurs twice"}, key);
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
        const auto row = std::find_if(std::begin(dtype_rows), std::end(dtype_rows),
                                      [&](const dtype_row& r) { return r.name == type.raw(); });
        if (row == std::end(dtype_rows)) return refuse(errc::unsupported, {"unknown dtype ", printable(type.raw())});
        t.type = row->type;
        if (!whole_numbers(shape, t.shape)) return bad({"shape is not made of whole numbers"});
        std::uint64_t bytes = 0;
        if (!shape_elements(t.shape, bytes) || !checked_mul(bytes, row->size, bytes))
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
        begins.push_back(range[0]);
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
        return error{errc::bad_value, concat(what), at};
    };
    cursor in(file);
    const auto length = in.read<std::uint64_t>("safetensors header length");
    if (!length) return length.error();
    if (*length > safetensors_max_header) return bad({"a safetensors header of ", *length, " bytes"}, 0);
    const auto header = in.take(*length, "safetensors header");
    if (!header) return header.error();
    if (header->empty() || as_text(*header).front() != '{') return bad({"safetensors header is not a JSON object"}, 8);
    const auto doc = text::json::parse(as_text(*header));
    if (!doc) return error{doc.error().code, concat({"safetensors header: ", doc.error().what}), 8 + doc.error().at};

    header_reader read{file.subspan(static_cast<std::size_t>(in.at()))};
    if (!doc->root().for_each_member([&](const auto& key, const auto& value) { return read.member(key, value); }))
        return std::move(read.failed);
    std::vector<const std::string*> names;
    for (const auto& t : read.tensors) names.push_back(&t.name);
    if (const auto* name = twice(names)) return bad({printable(*name), ": occurs twice"});
    names.clear();
    for (const auto& pair : read.metadata) names.push_back(&pair.first);
    if (const auto* name = twice(names)) return bad({"metadata ", printable(*name), " occurs twice"});

    safetensors out{{}, std::move(read.metadata)};
    std::uint64_t filled = 0;
    const auto size = [&](std::size_t i) { return read.tensors[i].bytes.size(); };
    const auto& begins = read.begins;
    for (const auto i : sorted(begins.size(), [&](auto a, auto b) {
             return begins[a] != begins[b] ? begins[a] < begins[b] : size(a) < size(b);
         })) {
        auto& t = read.tensors[i];
        if (begins[i] != filled)
            return bad({printable(t.name),
                        begins[i] < filled ? ": overlaps the tensor before it" : ": there is a hole before it"},
                       in.at() + (std::min)(begins[i], filled));
        filled += size(i);
        out.tensors.push_back(std::move(t));
    }
    if (filled != read.data.size()) return bad({"bytes after the last tensor that belong to none"}, in.at() + filled);
    return out;
}
// ==== narae/store/unpickle.hpp ====
// Python's pickle, restricted to what torch.save writes for a dict of tensors: it calls nothing and builds tensors
// only. Every other opcode and every other class is refused by name. No recursion; memory grows with the input.
// Opcodes: Lib/pickletools.py of CPython.

enum class pickle_kind : std::uint8_t {
    none,
    boolean,
    whole,  ///< an integer from 0 to 2^64 - 1
    other,  ///< a number that is not: kept as its bytes
    text,
    tuple,
    list,
    dict,
    callee,        ///< one of the functions below
    storage_type,  ///< torch.FloatStorage and its like; number is the dtype
    storage,       ///< number is its index in storages()
    tensor,        ///< number is its index in tensors()
};

struct pickle_value {
    pickle_kind kind = pickle_kind::none;
    std::uint32_t count = 0;   ///< items of a tuple
    std::uint64_t number = 0;  ///< a whole number or truth; else an index
    std::string_view text;     ///< into the pickle
};
/// A storage as the pickle refers to it; its bytes lie elsewhere in the file, under this key.
struct pickle_storage {
    dtype type;
    std::string_view key;
    std::uint64_t elements;
};
/// A strided window of a storage, in elements.
struct pickle_tensor {
    std::uint64_t storage, offset;
    std::vector<std::uint64_t> shape, strides;
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
            std::uint64_t op = 0;
            if (!number(1, op)) return failed_;
            if (op == '.') break;
            if (!step(static_cast<unsigned char>(op))) return failed_;
        }
        if (stack_.size() != 1 || !marks_.empty())
            return error{errc::bad_value, "pickle: does not end with one object", op_at_};
        return stack_.back();
    }
    /// Where the next pickle, or what follows the last one, begins.
    std::uint64_t at() const noexcept { return in_.at(); }

    const std::vector<pickle_storage>& storages() const noexcept { return storages_; }
    const std::vector<pickle_tensor>& tensors() const noexcept { return tensors_; }
    std::span<const pickle_value> items(const pickle_value& tuple) const noexcept {
        return std::span(tuple_items_).subspan(static_cast<std::size_t>(tuple.number), tuple.count);
    }
    /// f(key, item) for what a dict or list holds, in order, until f returns false; a list's keys are none.
    template <class F>
    void for_each(const pickle_value& container, F&& f) const {
        for (const auto& m : members_)
            if (m.container == container.number && !f(m.key, m.item)) return;
    }

private:
    enum callees : std::uint64_t { ordered_dict, rebuild_tensor, rebuild_parameter };
    struct member {
        std::uint64_t container;
        pickle_value key, item;
    };

    bool fail(errc code, std::string_view why) {
        failed_ = {code, concat({"pickle: ", why}), op_at_};
        return false;
    }
    bool malformed() { return fail(errc::bad_value, "malformed"); }

    bool take(std::uint64_t n, std::string_view& bytes) {
        const auto taken = in_.take(n, "pickle");
        if (!taken) {
            failed_ = taken.error();
            return false;
        }
        bytes = as_text(*taken);
        return true;
    }
    /// A little-endian unsigned number of n <= 8 bytes.
    bool number(std::size_t n, std::uint64_t& value) {
        std::string_view bytes;
        if (!take(n, bytes)) return false;
        value = 0;
        while (n-- > 0) value = value << 8 | static_cast<unsigned char>(bytes[n]);
        return true;
    }

    bool push(pickle_kind kind, std::uint64_t n = 0, std::string_view text = {}, std::uint32_t count = 0) {
        stack_.push_back({kind, count, n, text});
        return true;
    }
    bool push_number(std::size_t size) {
        std::uint64_t n = 0;
        return number(size, n) && push(pickle_kind::whole, n);
    }
    bool push_text(std::size_t length_size) {
        std::uint64_t n = 0;
        std::string_view bytes;
        return number(length_size, n) && take(n, bytes) && push(pickle_kind::text, 0, bytes);
    }
    /// A two's complement integer of the next n bytes.
    bool push_signed(std::uint64_t n) {
        std::string_view bytes;
        if (!take(n, bytes)) return false;
        std::uint64_t value = 0;
        for (std::size_t i = bytes.size(); i-- > 0;) {
            if (i >= 8 && bytes[i] != 0) return push(pickle_kind::other, 0, bytes);
            value = value << 8 | static_cast<unsigned char>(bytes[i]);
        }
        const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
        return negative ? push(pickle_kind::other, 0, bytes) : push(pickle_kind::whole, value);
    }
    /// Objects on the stack above the last mark.
    std::size_t above() const noexcept { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

    bool pop(pickle_value& v) {
        if (above() == 0) return malformed();
        v = stack_.back();
        stack_.pop_back();
        return true;
    }
    bool pop_mark(std::size_t& n) {
        if (marks_.empty()) return malformed();
        n = above();
        marks_.pop_back();
        return true;
    }
    bool top_is(pickle_kind kind, std::size_t below) {
        return (above() > below && stack_[stack_.size() - 1 - below].kind == kind) || malformed();
    }
    /// The last n objects become one tuple.
    bool tuple(std::size_t n) {
        if (above() < n || n > 0xFFFFFFFF) return malformed();
        const auto first = tuple_items_.size();
        tuple_items_.insert(tuple_items_.end(), stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
        stack_.resize(stack_.size() - n);
        return push(pickle_kind::tuple, first, {}, static_cast<std::uint32_t>(n));
    }
    /// The last n objects go into the container below them: pairs into a dict, single ones into a list.
    bool put(std::size_t n, pickle_kind kind) {
        const std::size_t each = kind == pickle_kind::dict ? 2 : 1;
        if (n % each != 0 || !top_is(kind, n)) return malformed();
        const auto first = stack_.size() - n;
        for (auto i = first; i < stack_.size(); i += each)
            members_.push_back(
                {stack_[first - 1].number, each == 2 ? stack_[i] : pickle_value{}, stack_[i + each - 1]});
        stack_.resize(first);
        return true;
    }

    bool memo_put(std::uint64_t i) {
        // Picklers number objects in turn, from 0 or (Python 2) from 1: a memo cannot grow by leaps.
        if (above() == 0 || i > memo_.size() + 1) return malformed();
        if (i >= memo_.size()) memo_.resize(static_cast<std::size_t>(i) + 1);
        memo_[static_cast<std::size_t>(i)] = stack_.back();
        return true;
    }
    bool memo_get(std::size_t size) {
        std::uint64_t i = 0;
        if (!number(size, i)) return false;
        if (i >= memo_.size()) return malformed();
        stack_.push_back(memo_[static_cast<std::size_t>(i)]);
        return true;
    }

    bool line(std::string_view& text) {
        cursor ahead = in_;
        std::string_view all, end;
        if (!take(ahead.left(), all)) return false;
        in_ = ahead;
        const auto length = all.find('\n');
        if (length == all.npos) return fail(errc::truncated, "a name is cut short");
        return take(length, text) && take(1, end);
    }
    /// Pushes what module.name stands for, if it is one of the few things a tensor needs.
    bool global(std::string_view module, std::string_view name) {
        if (module == "collections" && name == "OrderedDict") return push(pickle_kind::callee, ordered_dict);
        if (module == "torch._utils" && name == "_rebuild_tensor_v2") return push(pickle_kind::callee, rebuild_tensor);
        if (module == "torch._utils" && name == "_rebuild_parameter")
            return push(pickle_kind::callee, rebuild_parameter);
        constexpr struct {
            std::string_view name;
            dtype type;
        } types[] = {{"FloatStorage", dtype::f32},   {"HalfStorage", dtype::f16}, {"BFloat16Storage", dtype::bf16},
                     {"DoubleStorage", dtype::f64},  {"LongStorage", dtype::i64}, {"IntStorage", dtype::i32},
                     {"ShortStorage", dtype::i16},   {"CharStorage", dtype::i8},  {"ByteStorage", dtype::u8},
                     {"BoolStorage", dtype::boolean}};
        if (module == "torch")
            for (const auto& t : types)
                if (t.name == name) return push(pickle_kind::storage_type, static_cast<std::uint64_t>(t.type));
        return fail(errc::unsupported, concat({"calls ", printable(concat({module, ".", name})),
                                               ", which is not needed for tensors and not allowed"}));
    }
    /// callee(*args): the three functions that a state dict needs, done here.
    bool reduce() {
        pickle_value args, callee;
        if (!top_is(pickle_kind::tuple, 0) || !pop(args) || !top_is(pickle_kind::callee, 0) || !pop(callee))
            return false;
        const auto list = items(args);
        const auto is = [&](std::size_t i, pickle_kind k) { return list[i].kind == k; };
        if (callee.number == ordered_dict)
            return list.empty() ? push(pickle_kind::dict, containers_++)
                                : fail(errc::unsupported, "an OrderedDict made from a list");
        if (callee.number == rebuild_parameter) {
            if (list.size() != 3 || !is(0, pickle_kind::tensor)) return malformed();
            stack_.push_back(list[0]);
            return true;
        }
        // storage, offset, shape, strides, requires_grad, hooks, and in newer files metadata
        if (list.size() < 6 || list.size() > 7 || !is(0, pickle_kind::storage) || !is(1, pickle_kind::whole) ||
            !is(2, pickle_kind::tuple) || !is(3, pickle_kind::tuple) || list[2].count != list[3].count)
            return fail(errc::bad_value, "a tensor is built from the wrong things");
        if (list[2].count > max_dimensions) return fail(errc::unsupported, "a tensor of more than 16 dimensions");
        pickle_tensor t{list[0].number, list[1].number, {}, {}};
        for (std::size_t i = 0; i < list[2].count; ++i) {
            const auto &n = items(list[2])[i], &stride = items(list[3])[i];
            if (n.kind != pickle_kind::whole || stride.kind != pickle_kind::whole)
                return fail(errc::bad_value, "a tensor's shape or strides are not whole numbers");
            t.shape.push_back(n.number);
            t.strides.push_back(stride.number);
        }
        tensors_.push_back(std::move(t));
        return push(pickle_kind::tensor, tensors_.size() - 1);
    }
    /// ("storage", type, key, device, elements), and in legacy files a view, which must be None.
    bool persistent() {
        pickle_value id;
        if (!top_is(pickle_kind::tuple, 0) || !pop(id)) return false;
        const auto list = items(id);
        if (list.size() < 5 || list.size() > 6 || list[0].text != "storage" ||
            list[1].kind != pickle_kind::storage_type || list[2].kind != pickle_kind::text ||
            list[2].text.size() > longest_key || list[4].kind != pickle_kind::whole)
            return fail(errc::unsupported, "a persistent object that is no storage");
        if (list.size() == 6 && list[5].kind != pickle_kind::none)
            return fail(errc::unsupported, "a storage that is a view of another storage");
        storages_.push_back({static_cast<dtype>(list[1].number), list[2].text, list[4].number});
        return push(pickle_kind::storage, storages_.size() - 1);
    }

    bool step(unsigned char op) {
        std::uint64_t n = 0;
        std::size_t count = 0;
        std::string_view a, b;
        pickle_value v, w;
        switch (op) {
            case 0x80:  // PROTO
                if (!number(1, n)) return false;
                return (n >= 2 && n <= 5) || fail(errc::unsupported, concat({"protocol ", n}));
            case 0x95: return number(8, n);                          // FRAME: only says how much to read ahead
            case '(': return marks_.push_back(stack_.size()), true;  // MARK
            case 'N': return push(pickle_kind::none);
            case 0x88: return push(pickle_kind::boolean, 1);
            case 0x89: return push(pickle_kind::boolean, 0);
            case 'K': return push_number(1);
            case 'M': return push_number(2);
            case 'J': return push_signed(4);
            case 0x8A: return number(1, n) && push_signed(n);               // LONG1
            case 'G': return take(8, a) && push(pickle_kind::other, 0, a);  // BINFLOAT
            case 'U':
            case 0x8C: return push_text(1);  // SHORT_BINSTRING, SHORT_BINUNICODE
            case 'T':
            case 'X': return push_text(4);  // BINSTRING, BINUNICODE
            case ')': return tuple(0);
            case 0x85: return tuple(1);
            case 0x86: return tuple(2);
            case 0x87: return tuple(3);
            case 't': return pop_mark(count) && tuple(count);
            case '}': return push(pickle_kind::dict, containers_++);
            case ']': return push(pickle_kind::list, containers_++);
            case 's': return put(2, pickle_kind::dict);  // SETITEM
            case 'u': return pop_mark(count) && put(count, pickle_kind::dict);
            case 'a': return put(1, pickle_kind::list);  // APPEND
            case 'e': return pop_mark(count) && put(count, pickle_kind::list);
            case 'q': return number(1, n) && memo_put(n);
            case 'r': return number(4, n) && memo_put(n);
            case 0x94: return memo_put(memo_.size());  // MEMOIZE
            case 'h': return memo_get(1);
            case 'j': return memo_get(4);
            case 'c': return line(a) && line(b) && global(a, b);
            case 0x93:  // STACK_GLOBAL
                return top_is(pickle_kind::text, 0) && pop(v) && top_is(pickle_kind::text, 0) && pop(w) &&
                       global(w.text, v.text);
            case 'R': return reduce();
            case 'Q': return persistent();
            case 'b':  // BUILD: attributes of a dict, such as _metadata; no tensor is among them
                return top_is(pickle_kind::dict, 0) && pop(v) && top_is(pickle_kind::dict, 0);
            default: {
                constexpr std::string_view hex = "0123456789abcdef";
                return fail(errc::unsupported,
                            concat({"opcode 0x", hex.substr(op >> 4, 1), hex.substr(op & 15, 1), " is not allowed"}));
            }
        }
    }

    cursor in_;
    std::uint64_t op_at_ = 0;
    error failed_;
    std::vector<pickle_value> stack_, memo_;
    std::vector<std::size_t> marks_;  // stack heights
    std::vector<pickle_value> tuple_items_;
    std::vector<member> members_;
    std::uint64_t containers_ = 0;  // dicts and lists so far; each one's number is its index
    std::vector<pickle_storage> storages_;
    std::vector<pickle_tensor> tensors_;
};
// ==== narae/store/zip.hpp ====
// The table of contents of a zip archive whose entries are stored as they are, as torch.save writes it.
// Sizes come from the central directory: the local headers of such files leave them out.
// Format: PKWARE APPNOTE.TXT 6.3, sections 4.3 and 4.5.3 (zip64).
/// Entry names and their bytes, both views into the archive.
using zip_entries = std::map<std::string_view, byte_view>;
namespace zip_detail {
inline constexpr std::size_t end_size = 22, end64_size = 56, locator_size = 20, central_size = 46, local_size = 30;

template <class T>
T field(byte_view record, std::size_t at) noexcept {
    return load_le<T>(record.data() + at);
}

inline bool signed_as(byte_view record, std::uint32_t signature) noexcept {
    return field<std::uint32_t>(record, 0) == signature;
}
/// The central directory: where it lies and how many entries it lists.
struct directory {
    std::uint64_t begin, size, entries;
};

inline result<directory> find_directory(byte_view file) {
    // The end record stands last, before a comment of at most 65,535 bytes whose length it knows.
    for (std::size_t comment = 0; comment <= 0xFFFF && end_size + comment <= file.size(); ++comment) {
        const auto at = file.size() - end_size - comment;
        const auto end = file.subspan(at);
        if (!signed_as(end, 0x06054B50) || field<std::uint16_t>(end, 20) != comment) continue;
        directory d{field<std::uint32_t>(end, 16), field<std::uint32_t>(end, 12), field<std::uint16_t>(end, 10)};
        std::uint64_t limit = at;
        if (d.begin == 0xFFFFFFFF || d.size == 0xFFFFFFFF || d.entries == 0xFFFF) {
            if (at < locator_size || !signed_as(file.subspan(at - locator_size), 0x07064B50))
                return error{errc::bad_value, "zip: no zip64 locator", at};
            const auto at64 = field<std::uint64_t>(file.subspan(at - locator_size), 8);
            if (at64 > at - locator_size || at - locator_size - at64 < end64_size ||
                !signed_as(file.subspan(static_cast<std::size_t>(at64)), 0x06064B50))
                return error{errc::bad_value, "zip: no zip64 end record", at64};
            const auto end64 = file.subspan(static_cast<std::size_t>(at64));
            d = {field<std::uint64_t>(end64, 48), field<std::uint64_t>(end64, 40), field<std::uint64_t>(end64, 32)};
            limit = at64;
        }
        if (d.begin > limit || d.size > limit - d.begin || d.entries > d.size / central_size)
            return error{errc::bad_value, "zip: the central directory lies outside the file", at};
        return d;
    }
    return error{errc::truncated, "zip: no end record: the file is cut short or not a zip archive", file.size()};
}
/// Replaces the values that a 32-bit field could not hold by those of the zip64 extra field, in their fixed order.
inline bool widen(byte_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset) {
    const bool wide[] = {size == 0xFFFFFFFF, packed == 0xFFFFFFFF, offset == 0xFFFFFFFF};
    std::uint64_t* const values[] = {&size, &packed, &offset};
    if (!wide[0] && !wide[1] && !wide[2]) return true;
    while (extra.size() >= 4) {
        const auto length = field<std::uint16_t>(extra, 2);
        if (length > extra.size() - 4) return false;
        if (field<std::uint16_t>(extra, 0) == 1) {
            cursor in(extra.subspan(4, length));
            for (int i = 0; i < 3; ++i) {
                if (!wide[i]) continue;
                const auto value = in.read<std::uint64_t>("zip64 field");
                if (!value) return false;
                *values[i] = *value;
            }
            return true;
        }
        extra = extra.subspan(std::size_t{4} + length);
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
        if (!head) return head.error();
        if (!signed_as(*head, 0x02014B50)) return error{errc::bad_value, "zip: not a central directory entry", at};
        const auto name = in.take(field<std::uint16_t>(*head, 28), "zip: an entry's name");
        if (!name) return name.error();
        const auto extra = in.take(field<std::uint16_t>(*head, 30), "zip: an entry's extra field");
        if (!extra) return extra.error();
        const auto comment = in.take(field<std::uint16_t>(*head, 32), "zip: an entry's comment");
        if (!comment) return comment.error();
        const auto refuse = [&](errc code, std::string_view why) {
            return error{code, concat({printable(as_text(*name)), ": ", why}), at};
        };

        if ((field<std::uint16_t>(*head, 8) & 1) != 0) return refuse(errc::unsupported, "encrypted zip entry");
        if (field<std::uint16_t>(*head, 10) != 0) return refuse(errc::unsupported, "compressed zip entry");
        std::uint64_t packed = field<std::uint32_t>(*head, 20), size = field<std::uint32_t>(*head, 24),
                      offset = field<std::uint32_t>(*head, 42);
        if (!widen(*extra, size, packed, offset)) return refuse(errc::bad_value, "broken zip64 sizes");
        if (packed != size) return refuse(errc::bad_value, "a stored zip entry with two sizes");

        cursor local(file.first(static_cast<std::size_t>(found->begin)), offset);
        const auto start = local.take(local_size, "zip entry");
        if (!start || !signed_as(*start, 0x04034B50)) return refuse(errc::bad_value, "no zip entry at its offset");
        const auto again = local.take(field<std::uint16_t>(*start, 26), "zip entry");
        if (!again || as_text(*again) != as_text(*name)) return refuse(errc::bad_value, "another zip entry's offset");
        const auto gap = local.take(field<std::uint16_t>(*start, 28), "zip entry");
        const auto data = local.take(size, "zip entry");
        if (!gap || !data) return refuse(errc::truncated, "the zip entry's bytes are cut short");
        if (!entries.emplace(as_text(*name), *data).second) return refuse(errc::bad_value, "occurs twice");
    }
    return entries;
}
// ==== narae/store/torch_bin.hpp ====
// Files of torch.save that hold a state dict: the zip format (a pickle and one entry per storage) and the older
// format (five pickles, then raw storages). Tensors are views into the file. Read unpickle.hpp and zip.hpp before.
// Formats: torch/serialization.py of PyTorch.
namespace torch_detail {
/// Lays a tensor of the pickle over its storage's bytes; every element must lie inside.
inline result<tensor> lay_out(std::string name, const pickle_tensor& from, const pickle_storage& storage,
                              byte_view bytes) {
    tensor t{std::move(name), storage.type, from.shape, from.strides, {}, {}};
    const auto refuse = [&](std::string_view why) {
        return error{errc::bad_value, concat({printable(t.name), ": ", why})};
    };
    std::uint64_t elements = 0, last = from.offset, step = 0;
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
    t.bytes = bytes.subspan(static_cast<std::size_t>(from.offset) * size,
                            static_cast<std::size_t>(last - from.offset + 1) * size);
    return t;
}
/// What a walk through a container remembers of the item that stopped it.
struct stop {
    error why{};
    bool ok = true;

    bool operator()(error e) {
        why = std::move(e);
        return ok = false;
    }
    bool operator()(errc code, std::initializer_list<piece> what, std::uint64_t at = nowhere) {
        return (*this)(error{code, concat(what), at});
    }
};
/// The tensors of the state dict `root`; storage_bytes(storage, bytes) finds all elements of a storage.
inline result<std::vector<tensor>> state_dict(const unpickler& pickle, const pickle_value& root,
                                              callback<const pickle_storage&, result<byte_view>&> storage_bytes) {
    if (root.kind != pickle_kind::dict)
        return error{errc::unsupported, "torch file: its object is not a dict of tensors"};
    std::vector<tensor> out;
    std::set<std::string_view> names;
    stop fail;
    pickle.for_each(root, [&](const pickle_value& key, const pickle_value& item) {
        if (key.kind != pickle_kind::text || key.text.empty())
            return fail(errc::unsupported, {"torch file: a key of its dict is not a name"});
        const auto shown = printable(key.text);
        if (text::utf8_first_invalid(key.text) != key.text.size())
            return fail(errc::bad_value, {shown, ": a name that is not UTF-8"});
        if (item.kind == pickle_kind::dict)
            return fail(errc::unsupported, {shown, ": a dict inside the dict; save the state dict alone"});
        if (item.kind != pickle_kind::tensor) return fail(errc::unsupported, {shown, ": not a tensor"});
        if (!names.insert(key.text).second) return fail(errc::bad_value, {shown, ": occurs twice"});
        const auto& from = pickle.tensors()[static_cast<std::size_t>(item.number)];
        const auto& storage = pickle.storages()[static_cast<std::size_t>(from.storage)];
        result<byte_view> bytes = byte_view{};
        storage_bytes(storage, bytes);
        if (!bytes) return fail(bytes.error().in(shown));
        auto t = lay_out(std::string(key.text), from, storage, *bytes);
        if (!t) return fail(t.error());
        out.push_back(std::move(*t));
        return true;
    });
    if (!fail.ok) return std::move(fail.why);
    return out;
}

inline result<std::vector<tensor>> parse_zipped(byte_view file) {
    constexpr std::string_view pickle_name = "data.pkl";
    const auto entries = parse_zip(file);
    if (!entries) return entries.error();
    std::string_view root;
    byte_view pickled;
    int found = 0;
    for (const auto& [name, bytes] : *entries) {
        if (!name.ends_with(pickle_name)) continue;
        const auto folder = name.substr(0, name.size() - pickle_name.size());
        if (!folder.empty() && folder.find('/') != folder.size() - 1) continue;
        root = folder, pickled = bytes, ++found;
    }
    if (found != 1) return error{errc::unsupported, "zip archive without one data.pkl: not a torch file"};
    const auto entry = [&](std::string_view name) { return entries->find(concat({root, name})); };
    if (const auto order = entry("byteorder"); order != entries->end() && as_text(order->second) != "little")
        return error{errc::unsupported, concat({"torch file: byte order ", printable(as_text(order->second))})};
    if (pickled.size() > unpickler::longest)
        return error{errc::unsupported, "torch file: its pickle is larger than a state dict's can be"};

    unpickler pickle(pickled);
    const auto object = pickle.next();
    if (!object) return object.error().in("data.pkl");
    return state_dict(pickle, *object, [&](const pickle_storage& s, result<byte_view>& bytes) {
        const auto data = entry(concat({"data/", s.key}));
        std::uint64_t size = 0;
        if (data == entries->end()) {
            bytes = error{errc::not_found, concat({"no storage data/", printable(s.key)})};
        } else if (!checked_mul(s.elements, dtype_size(s.type), size) || size > data->second.size()) {
            bytes =
                error{errc::truncated, concat({"storage data/", printable(s.key), " is smaller than the pickle says"})};
        } else {
            bytes = data->second.first(static_cast<std::size_t>(size));
        }
        return true;
    });
}

inline result<std::vector<tensor>> parse_legacy(byte_view file) {
    constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    constexpr std::uint64_t version = 1001;
    unpickler pickle(file);
    const auto first = pickle.next();
    if (!first) return first.error();
    if (first->kind != pickle_kind::other || first->text != magic)
        return error{errc::unsupported, "a pickle, but not a torch file", 0};
    const auto second = pickle.next();
    if (!second) return second.error();
    if (second->kind != pickle_kind::whole || second->number != version)
        return error{errc::unsupported, "torch file: unknown protocol version"};
    const auto about = pickle.next();
    if (!about) return about.error();
    bool little = false;
    if (about->kind == pickle_kind::dict)
        pickle.for_each(*about, [&](const pickle_value& key, const pickle_value& item) {
            if (key.text == "little_endian") little = item.kind == pickle_kind::boolean && item.number == 1;
            return true;
        });
    if (!little) return error{errc::unsupported, "torch file: not written as little-endian"};
    const auto object = pickle.next();
    if (!object) return object.error();
    const auto keys = pickle.next();
    if (!keys) return keys.error();
    if (keys->kind != pickle_kind::list) return error{errc::bad_value, "torch file: no list of storages"};

    struct stored {
        const pickle_storage* storage;
        byte_view bytes;
    };
    std::map<std::string_view, stored> stores;
    for (const auto& s : pickle.storages()) {
        const auto& same = *stores.emplace(s.key, stored{&s, {}}).first->second.storage;
        if (same.type != s.type || same.elements != s.elements)
            return error{errc::bad_value, concat({"storage ", printable(s.key), ": has two types or sizes"})};
    }
    cursor in(file, pickle.at());
    stop fail;
    std::set<std::string_view> read;
    pickle.for_each(*keys, [&](const pickle_value&, const pickle_value& key) {
        const auto at = in.at();
        const auto s = stores.find(key.text);
        if (key.kind != pickle_kind::text || s == stores.end() || !read.insert(key.text).second)
            return fail(errc::bad_value, {"torch file: the list of storages does not match the dict"}, at);
        const auto place = concat({"storage ", printable(key.text)});
        const auto elements = in.read<std::uint64_t>("its length");
        if (!elements) return fail(elements.error().in(place));
        std::uint64_t size = 0;
        if (*elements != s->second.storage->elements ||
            !checked_mul(*elements, dtype_size(s->second.storage->type), size))
            return fail(errc::bad_value, {place, ": its length is not what the pickle says"}, at);
        const auto bytes = in.take(size, "its data");
        if (!bytes) return fail(bytes.error().in(place));
        s->second.bytes = *bytes;
        return true;
    });
    if (!fail.ok) return std::move(fail.why);
    return state_dict(pickle, *object, [&](const pickle_storage& s, result<byte_view>& bytes) {
        if (read.contains(s.key)) {
            bytes = stores.find(s.key)->second.bytes;
        } else {
            bytes = error{errc::not_found, concat({"no storage ", printable(s.key)})};
        }
        return true;
    });
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
// ==== narae/store/checkpoint.hpp ====
// A checkpoint, opened: its config, its tokenizer and its tensors by name, whichever way it is stored: a Hugging Face
// folder (safetensors or torch files, in one piece or in shards) or a narae file. Files are mapped, no weight is read.
// Read safetensors.hpp, torch_bin.hpp and format.hpp before.
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
            const auto index = sys::file_view::open(path);
            return c.made(index ? c.add_shards(folder, path, *index) && (c.is_narae() || c.read_side_files(folder)) &&
                                      c.finish(path, false)
                                : c.fail(index.error()));
        });
    }
#endif
    /// All tensors, file after file, each file's in the order of their bytes; of torch files, in the dict's order.
    const std::vector<tensor>& tensors() const noexcept { return tensors_; }
    /// The tensor of this name, or nullptr.
    const tensor* find(std::string_view name) const noexcept {
        const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                         [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; });
        return at == by_name_.end() || tensors_[*at].name != name ? nullptr : &tensors_[*at];
    }
    /// What was opened, for messages.
    const std::string& path() const noexcept { return path_; }
    /// The text of config.json, and what to call it in messages.
    std::string_view config_text() const noexcept { return config_; }
    const std::string& config_name() const noexcept { return config_name_; }
    /// What token::tokenizer::parse reads: tokenizer.json, or its packed form; empty if there is none.
    byte_view tokenizer_json() const noexcept {
        const auto* packed = find(narae_tokenizer);
        if (packed != nullptr) return packed->bytes;
#ifndef NARAE_NO_FILES
        return tokenizer_.bytes();
#else
        return {};
#endif
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
    /// Says that the pages of these bytes (of a tensor or a source file) are done with for now; reading them again
    /// brings them back.
    void let_go([[maybe_unused]] byte_view part) const noexcept {
#ifndef NARAE_NO_FILES
        for (const auto& f : files_) {
            const auto whole = f.bytes();
            if (!whole.empty() && part.data() >= whole.data() && part.data() < whole.data() + whole.size())
                return f.let_go(part);
        }
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
    bool fail(errc code, std::initializer_list<piece> what) { return fail({code, concat(what)}); }

    result<checkpoint> made(bool ok) {
        if (!ok) return std::move(failed_);
        return std::move(*this);
    }

    result<std::vector<tensor>> tensors_of(result<safetensors> file) {
        if (!file) return file.error();
        metadata_.insert(metadata_.end(), file->metadata.begin(), file->metadata.end());
        return std::move(file->tensors);
    }

    bool add_file(const std::string& path, std::string name, byte_view bytes) {
        const bool torch = name.ends_with(".bin") || name.ends_with(".pt");
        auto read = torch ? parse_torch_bin(bytes) : tensors_of(parse_safetensors(bytes));
        if (!read) return fail(read.error().in(path));
        for (auto& t : *read) {
            t.file = path;
            tensors_.push_back(std::move(t));
        }
        sources_.push_back({std::move(name), bytes});
        return true;
    }
    /// Sorts the names, and checks what is true of every checkpoint.
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
        by_name_ = sorted(tensors_.size(), [&](auto a, auto b) { return tensors_[a].name < tensors_[b].name; });
        for (std::size_t i = 1; i < by_name_.size(); ++i) {
            const auto &a = tensors_[(std::max)(by_name_[i - 1], by_name_[i])],
                       &b = tensors_[(std::min)(by_name_[i - 1], by_name_[i])];
            if (a.name == b.name) return fail(errc::bad_value, {a.file, ": ", printable(a.name), ": also in ", b.file});
        }
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
    bool add_path(const std::string& path, std::string name) {
        auto file = sys::file_view::open(path);
        if (!file) return fail(file.error());
        files_.push_back(std::move(*file));
        return add_file(path, std::move(name), files_.back().bytes());
    }
    /// The shards that an index names, each once. Their names may not lead out of the folder.
    bool add_shards(const std::string& folder, const std::string& index_path, const sys::file_view& index) {
        const auto doc = text::json::parse(as_text(index.bytes()));
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
        const auto config = sys::file_view::open(config_name_);
        if (!config && config.error().code == errc::not_found)
            return fail(errc::not_found, {folder, ": no config.json: not a Hugging Face checkpoint folder"});
        if (!config) return fail(config.error());
        config_ = as_text(config->bytes());
        auto tokenizer = sys::file_view::open(concat({folder, "/tokenizer.json"}));
        if (!tokenizer) return tokenizer.error().code == errc::not_found || fail(tokenizer.error());
        tokenizer_ = std::move(*tokenizer);
        return true;
    }

    bool open_folder(const std::string& folder) {
        if (!read_side_files(folder)) return false;
        for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
            const auto path = concat({folder, "/", name}), index_path = concat({path, ".index.json"});
            if (add_path(path, name)) return finish(path, false);
            if (!files_.empty() || failed_.code != errc::not_found) return false;
            const auto index = sys::file_view::open(index_path);
            if (index) return add_shards(folder, index_path, *index) && finish(index_path, false);
            if (index.error().code != errc::not_found) return fail(index.error());
        }
        return fail(errc::not_found, {folder, ": no model.safetensors and no pytorch_model.bin, whole or in shards"});
    }

    std::vector<sys::file_view> files_;
    sys::file_view tokenizer_;
#endif
    std::vector<tensor> tensors_;
    std::vector<std::size_t> by_name_;  // indices of tensors_, sorted by name
    std::vector<source_file> sources_;
    metadata_list metadata_;
    error failed_;  // while opening
    std::string path_, config_, config_name_;
    std::vector<std::pair<std::string, std::string>> promised_;  // tensor, and the shard that an index puts it in
};
// ==== narae/store/config.hpp ====
// What a checkpoint's config.json says about a GPT-NeoX model, and nothing that narae could not run.
// Key names: Hugging Face transformers, GPTNeoXConfig. An unknown architecture or option is refused by name.

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
/// Reads members of one JSON object into numbers, remembering the first thing that is wrong.
struct config_reader {
    text::json_value root;
    error failed{};
    bool ok = true;

    void refuse(errc code, std::initializer_list<piece> why, std::uint64_t at = nowhere) {
        if (ok) failed = {code, concat(why), at};
        ok = false;
    }
    void bad(std::string_view key, const text::json_value& v, std::string_view range) {
        refuse(errc::bad_value, {key, " is ", v.raw().substr(0, 40), range}, v.at());
    }
    /// Refuses another value of `key` than the one that narae can do; a missing one is fine.
    void only(const text::json_value& object, std::string_view key, std::string_view can) {
        const auto v = object[key];
        if (!v.missing_or_null() && v.string() != can)
            refuse(errc::unsupported, {key, " \"", v.string(), "\" is not supported, only \"", can, "\" is"}, v.at());
    }
    void whole(std::string_view key, std::uint32_t& out, std::uint32_t largest, bool needed) {
        const auto v = root[key];
        std::uint64_t n = 0;
        if (v.missing_or_null()) {
            if (needed) refuse(errc::bad_value, {key, " is missing"});
        } else if (!v.whole(n) || n == 0 || n > largest) {
            bad(key, v, concat({", not a whole number from 1 to ", largest}));
        } else {
            out = static_cast<std::uint32_t>(n);
        }
    }
    void real(const text::json_value& object, std::string_view key, double& out, double least, double most) {
        const auto v = object[key];
        double x = 0;
        if (v.missing_or_null()) return;
        if (!v.real(x) || !(x >= least && x <= most)) return bad(key, v, ", out of range");
        out = x;
    }
    void truth(std::string_view key, bool& out) {
        const auto v = root[key];
        if (v.missing_or_null()) return;
        if (!v.is(text::json_kind::boolean)) refuse(errc::bad_value, {key, " is not true or false"}, v.at());
        out = v.truth();
    }
};
}  // namespace detail
/// Parses config.json (or the copy of it in a narae file). Every number is bounded, so products of them cannot wrap
/// 64 bits.
inline result<config> parse_config(std::string_view source) {
    const auto doc = text::json::parse(source);
    if (!doc) return doc.error();
    detail::config_reader in{doc->root()};
    if (!in.root.is(text::json_kind::object)) return error{errc::bad_value, "not a JSON object", 0};

    if (const auto type = in.root["model_type"]; type.string() != "gpt_neox")
        return error{errc::unsupported,
                     concat({"model_type \"", type.string(), "\" is not supported, only \"gpt_neox\" is"}), type.at()};
    in.only(in.root, "hidden_act", "gelu");

    config c;
    in.whole("num_hidden_layers", c.layers, 1024, true);
    in.whole("hidden_size", c.width, 1 << 17, true);
    in.whole("num_attention_heads", c.heads, 1 << 12, true);
    c.kv_heads = c.heads;
    in.whole("num_key_value_heads", c.kv_heads, 1 << 12, false);
    in.whole("head_dim", c.head_width, 1 << 10, false);
    in.whole("intermediate_size", c.ffn, 1 << 19, true);
    in.whole("vocab_size", c.vocab, 1 << 22, true);
    in.whole("max_position_embeddings", c.positions, 1 << 24, false);
    in.real(in.root, "layer_norm_eps", c.norm_eps, 0, 1);
    in.truth("use_parallel_residual", c.parallel_residual);
    in.truth("tie_word_embeddings", c.tied);
    bool bias = true;
    in.truth("attention_bias", bias);
    if (!bias) in.refuse(errc::unsupported, {"attention_bias false is not supported"}, in.root["attention_bias"].at());

    // Rotary settings have moved between versions: flat keys, then rope_theta, then one rope_parameters object.
    const auto scaling = in.root["rope_scaling"];
    if (!scaling.missing_or_null()) in.refuse(errc::unsupported, {"rope_scaling is not supported"}, scaling.at());
    const auto rope = in.root["rope_parameters"];
    in.only(rope, "rope_type", "default");
    double share = 0.25;
    in.real(in.root, "rotary_emb_base", c.rotary_base, 1, 1e12);
    in.real(in.root, "rope_theta", c.rotary_base, 1, 1e12);
    in.real(rope, "rope_theta", c.rotary_base, 1, 1e12);
    in.real(in.root, "rotary_pct", share, 0, 1);
    in.real(in.root, "partial_rotary_factor", share, 0, 1);
    in.real(rope, "partial_rotary_factor", share, 0, 1);
    if (!in.ok) return in.failed;

    const auto wrong = [](std::initializer_list<piece> why) { return error{errc::bad_value, concat(why)}; };
    if (c.heads % c.kv_heads != 0)
        return wrong({c.heads, " heads cannot share ", c.kv_heads, " key-value heads evenly"});
    if (c.head_width == 0) {
        if (c.width % c.heads != 0)
            return wrong({"hidden_size ", c.width, " does not divide into ", c.heads, " heads"});
        c.head_width = c.width / c.heads;
    }
    if (c.head_width > 1024) return wrong({"heads of ", c.head_width, " dimensions, more than 1024"});
    c.rotary = static_cast<std::uint32_t>(c.head_width * share);
    if (c.rotary % 2 != 0) return wrong({"rotary_pct leaves ", c.rotary, " rotated dimensions, an odd number"});
    return c;
}
}  // namespace narae::inline NARAE_ABI::store
// ==== narae/model/shape.hpp ====
// The letters. They mean the same in every file of narae:
//   T tokens in this call    S slots of the cache     L layers    D width of the residual stream
//   H query heads            G key-value heads        E head width    F width of the feed-forward layer
//   V vocabulary rows        N rows (outputs) and K columns (inputs) of any matrix
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
        : L(c.layers),
          D(c.width),
          H(c.heads),
          G(c.kv_heads),
          E(c.head_width),
          F(c.ffn),
          V(c.vocab),
          rotary(c.rotary),
          rotary_base(c.rotary_base),
          positions(c.positions),
          norm_eps(static_cast<float>(c.norm_eps)),
          parallel_residual(c.parallel_residual),
          tied(c.tied) {}
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
// ==== narae/model/cache.hpp ====
// The key-value cache of one conversation: a window over the latest positions, and the first few for ever.
// Attention sinks: Xiao et al. 2023, arXiv:2309.17453. Keys are stored rotated at their absolute position; only
// distances matter, so the window slides without touching them. See query_position() for the sinks.

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
        if (type == cache_type::q8) {
            auto q = sys::buffer<std::int8_t>::make(numbers);
            auto scales = sys::buffer<float>::make(2 * vectors);
            if (!q || !scales) return (!q ? q.error() : scales.error()).in("key-value cache");
            c.q_ = std::move(*q);
            c.scales_ = std::move(*scales);
        } else {
            auto f = sys::buffer<float>::make(numbers);
            if (!f) return f.error().in("key-value cache");
            c.f_ = std::move(*f);
        }
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
    /// How many tokens have passed: the position of the next one.
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
            scales_[vector] = quantize(q_.data() + vector * E_, x, e);
        else
            for (std::size_t i = 0; i < e; ++i) f_[vector * E_ + i] = x[i];
    }
    /// q[e] = x in 8 bits with one scale, which is returned: what keys, values and queries become.
    static float quantize(std::int8_t* q, const float* x, std::size_t e) noexcept {
        float largest = 0;
        for (std::size_t i = 0; i < e; ++i) largest = std::abs(x[i]) > largest ? std::abs(x[i]) : largest;
        const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
        for (std::size_t i = 0; i < e; ++i) q[i] = num::round_q8(x[i] * inverse);
        return largest / 127.0f;
    }

private:
    std::size_t slots() const noexcept { return sinks_ + ring_; }

    cache_type type_ = cache_type::q8;
    std::size_t G_ = 0, E_ = 0, window_ = 0, sinks_ = 0, ring_ = 0;
    sys::buffer<std::int8_t> q_;
    sys::buffer<float> scales_, f_;
};
// ==== narae/model/matrix.hpp ====
// A weight matrix in whatever format its file holds, and the one place where formats meet kernels.

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
/// A vector on its way into a matrix: as floats, and for packed formats also in 8 bits.
struct activation {
    const float* x;
    num::q8_row q;
};
/// y[row_begin .. row_end] = W x. Needs row_begin % 16 == 0, and row_end too unless it is N; y has room for whole
/// tiles.
inline void multiply(const kernel::table& kernels, float* y, const matrix& w, const activation& x,
                     std::size_t row_begin, std::size_t row_end) noexcept {
    const auto whole = round_up(row_end, num::tile_rows);
    switch (w.type) {
        case format::f32: return kernels.gemv_f32(y, w.data, x.x, w.K, row_begin, row_end);
        case format::f16: return kernels.gemv_f16(y, w.data, x.x, w.K, row_begin, row_end);
        case format::bf16: return kernels.gemv_bf16(y, w.data, x.x, w.K, row_begin, row_end);
        case format::q8: return kernels.gemv_q8(y, w.data, x.q, w.K, row_begin, whole);
        case format::q4: return kernels.gemv_q4(y, w.data, x.q, w.K, row_begin, whole);
    }
}
/// out[K] = row `row` of W: what an embedding looks up.
inline void copy_row(float* out, const matrix& w, std::size_t row) noexcept {
    const auto tile = row / num::tile_rows, r = row % num::tile_rows;
    switch (w.type) {
        case format::f32:
            for (std::size_t i = 0; i < w.K; ++i) out[i] = kernel::scalar::weight_f32(w.data, row * w.K + i);
            return;
        case format::f16:
            for (std::size_t i = 0; i < w.K; ++i) out[i] = kernel::scalar::weight_f16(w.data, row * w.K + i);
            return;
        case format::bf16:
            for (std::size_t i = 0; i < w.K; ++i) out[i] = kernel::scalar::weight_bf16(w.data, row * w.K + i);
            return;
        case format::q8: return num::unpack_row_q8(out, w.data + tile * num::q8_layout::tile_bytes(w.K), r, w.K);
        case format::q4: return num::unpack_row_q4(out, w.data + tile * num::q4_layout::tile_bytes(w.K), r, w.K);
    }
}
// ==== narae/model/weights.hpp ====
// Finds the tensors of a model by name and checks their shapes. Matrices stay where the file is mapped; only the
// small vectors (biases and norms) are copied, as floats, and matrices that a file stores transposed.
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
    for (std::size_t i = 0; i < s.L; ++i) {
        const auto add = [&](const char* part, std::size_t n, std::size_t k) {
            all.push_back({concat({"gpt_neox.layers.", i, ".", part, ".weight"}), n, k});
        };
        add("attention.query_key_value", s.qkv_rows(), s.D);
        add("attention.dense", s.D, s.H * s.E);
        add("mlp.dense_h_to_4h", s.F, s.D);
        add("mlp.dense_4h_to_h", s.D, s.F);
    }
    if (!s.tied) all.push_back({"embed_out.weight", s.V, s.D});
    return all;
}
/// Every vector of such a model and its length: eight a layer, then two.
inline std::vector<std::pair<std::string, std::size_t>> vector_names(const shape& s) {
    std::vector<std::pair<std::string, std::size_t>> all;
    for (std::size_t i = 0; i < s.L; ++i) {
        const auto add = [&](const char* part, std::size_t n) {
            all.emplace_back(concat({"gpt_neox.layers.", i, ".", part}), n);
        };
        add("input_layernorm.weight", s.D);
        add("input_layernorm.bias", s.D);
        add("post_attention_layernorm.weight", s.D);
        add("post_attention_layernorm.bias", s.D);
        add("attention.query_key_value.bias", s.qkv_rows());
        add("attention.dense.bias", s.D);
        add("mlp.dense_h_to_4h.bias", s.F);
        add("mlp.dense_4h_to_h.bias", s.D);
    }
    all.emplace_back("gpt_neox.final_layer_norm.weight", s.D);
    all.emplace_back("gpt_neox.final_layer_norm.bias", s.D);
    return all;
}
/// Element i of a tensor, counted row-major whatever its strides; its dtype must be f32, f16 or bf16.
inline float element(const store::tensor& t, std::uint64_t i) noexcept {
    std::uint64_t at = 0;
    for (std::size_t d = t.shape.size(); d-- > 0; i /= t.shape[d]) at += i % t.shape[d] * t.strides[d];
    const auto p = static_cast<std::size_t>(at);
    return t.type == store::dtype::f32   ? kernel::scalar::weight_f32(t.bytes.data(), p)
           : t.type == store::dtype::f16 ? kernel::scalar::weight_f16(t.bytes.data(), p)
                                         : kernel::scalar::weight_bf16(t.bytes.data(), p);
}
/// A tensor by name with this shape and a float dtype; an error names file, tensor and reason.
inline result<const store::tensor*> find_floats(const store::checkpoint& from, const std::string& name,
                                                const std::vector<std::uint64_t>& shape) {
    const auto* t = from.find(name);
    if (t == nullptr) return error{errc::not_found, concat({from.path(), ": no tensor ", name})};
    const auto place = concat({t->file, ": ", name});
    const auto list = [](const std::vector<std::uint64_t>& dims) {
        std::string s = "[";
        for (const auto d : dims) s += (s.size() > 1 ? ", " : "") + std::to_string(d);
        return s + "]";
    };
    if (t->shape != shape)
        return error{errc::bad_value, concat({place, ": shape is ", list(t->shape), ", not ", list(shape)})};
    if (t->type != store::dtype::f32 && t->type != store::dtype::f16 && t->type != store::dtype::bf16)
        return error{errc::unsupported, concat({place, ": weights of type ", store::dtype_name(t->type)})};
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
            return error{errc::bad_value,
                         concat({t->file, ": ", t->name, ": not the packed shape of [", m.N, ", ", m.K, "]"})};
        return stored_matrix{t, {type, m.N, m.K, t->bytes.data()}};
    }
    const auto found = find_floats(from, m.name, {m.N, m.K});
    if (!found) return found.error();
    const auto& t = **found;
    const auto type = t.type == store::dtype::f32   ? format::f32
                      : t.type == store::dtype::f16 ? format::f16
                                                    : format::bf16;
    return stored_matrix{&t, {type, m.N, m.K, t.contiguous() ? t.bytes.data() : nullptr}};
}
/// Everything a forward pass reads. Borrows from the checkpoint, which must outlive it.
struct weights {
    matrix embedding, head;
    std::vector<layer_weights> layers;
    norm last;
    std::size_t bytes = 0;  ///< of all matrices and vectors

    static result<weights> bind(const store::checkpoint& from, const shape& s) {
        weights w;
        std::vector<matrix> matrices;
        for (const auto& m : matrix_names(s)) {
            auto bound = w.bind_matrix(from, m);
            if (!bound) return bound.error();
            matrices.push_back(*bound);
            w.bytes += matrix_bytes(bound->type, m.N, m.K);
        }
        std::vector<const store::tensor*> sources;
        std::size_t floats = 0;
        for (const auto& [name, length] : vector_names(s)) {
            auto found = find_floats(from, name, {length});
            if (!found) return found.error();
            sources.push_back(*found);
            floats += length;
        }
        auto store = sys::buffer<float>::make(floats);
        if (!store) return store.error();
        std::vector<const float*> vectors;
        float* next = store->data();
        for (const auto* t : sources) {
            vectors.push_back(next);
            for (std::uint64_t i = 0; i < t->shape[0]; ++i) *next++ = element(*t, i);
        }
        w.owned_floats_ = std::move(*store);
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
// ==== narae/model/workspace.hpp ====
// What one forward pass writes into, for up to chunk_len tokens, and who computes. One conversation, one workspace.
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
        auto team = sys::team::make(threads);
        if (!team) return team.error();
        w.team = std::move(*team);

        struct part {
            rows* where;
            std::size_t width;
        } const parts[] = {{&w.x, s.D},           {&w.normed, s.D},        {&w.qkv, s.qkv_rows()},
                           {&w.mixed, s.H * s.E}, {&w.attention_out, s.D}, {&w.ffn, s.F},
                           {&w.ffn_out, s.D},     {&w.turn, 2 * s.rotary}, {&w.logits, s.V}};
        std::size_t floats = 0;
        for (const auto& p : parts) floats += rows_of(p.where, w) * round_up(p.width, num::tile_rows);
        auto memory = sys::buffer<float>::make(floats);
        if (!memory) return memory.error().in("workspace");
        float* next = memory->data();
        for (const auto& p : parts) {
            p.where->data = next;
            p.where->stride = round_up(p.width, num::tile_rows);
            next += rows_of(p.where, w) * p.where->stride;
        }
        w.floats_ = std::move(*memory);

        w.groups_ = num::groups_of(largest_k(s));
        auto q = sys::buffer<std::int8_t>::make(chunk_len * w.groups_ * num::group_len);
        auto scales = sys::buffer<float>::make(chunk_len * w.groups_);
        auto sums = sys::buffer<std::int32_t>::make(chunk_len * w.groups_);
        if (!q || !scales || !sums) return error{errc::out_of_memory, "workspace"};
        w.q_ = std::move(*q);
        w.scales_ = std::move(*scales);
        w.sums_ = std::move(*sums);
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
// ==== narae/model/block.hpp ====
// One transformer block of GPT-NeoX, in the order of the paper's figure. Read model/shape.hpp first (the letters).
//   parallel:  x + attention(norm1(x)) + ffn(norm2(x))        serial:  x += attention(norm1(x));  x += ffn(norm2(x))
// Rotary position embedding: Su et al. 2021, arXiv:2104.09864, over the first dimensions of each head, halves paired.
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
/// Mixes one head of one token: out[E] = softmax(q . K / sqrt(E)) V over what the cache lets position p see.
inline void attend(float* out, const workspace& w, const cache& kv, const shape& s, const float* q, const float* turn,
                   std::size_t layer, std::size_t g, std::uint64_t p) noexcept {
    constexpr std::size_t widest = 1024;  // store::config allows no wider head
    float rotated[widest], mean[widest] = {};
    std::int8_t rotated_q8[widest];
    const std::size_t E = kv.padded_width();
    const float scale = 1.0f / std::sqrt(static_cast<float>(s.E));
    float q_scale = 0;
    kernel::softmax_state state;

    const auto aim = [&](const float* by) {  // the query as it looks from one position
        for (std::size_t i = 0; i < E; ++i) rotated[i] = i < s.E ? q[i] : 0.0f;
        rotate(rotated, by, s.rotary);
        if (kv.type() == cache_type::q8) q_scale = cache::quantize(rotated_q8, rotated, E) * scale;
    };
    const auto look = [&](std::size_t slot, std::size_t n) {  // at n neighbouring slots
        const auto k = kv.key(layer, g, slot), v = kv.value(layer, g, slot);
        if (kv.type() == cache_type::q8)
            w.kernels.attend_q8(state, mean, rotated_q8, q_scale, kv.q8(k), kv.scale(k), kv.q8(v), kv.scale(v), n, E);
        else
            w.kernels.attend_f32(state, mean, rotated, scale, kv.f32(k), kv.f32(v), n, E);
    };

    if (kv.sinks() != 0) {
        aim(turn + s.rotary);
        const auto seen = static_cast<std::size_t>((std::min<std::uint64_t>)(kv.sinks(), p + 1));
        for (std::size_t from = 0; from < seen; from += kernel::attend_block)
            look(from, (std::min)(seen - from, kernel::attend_block));
    }
    aim(turn);
    for (auto from = kv.oldest(p); from <= p;) {
        const auto to = kv.block_end(from, p + 1);
        look(kv.slot(from), static_cast<std::size_t>(to - from));
        from = to;
    }
    for (std::size_t i = 0; i < s.E; ++i) out[i] = mean[i] / state.sum;
}
/// attention_out[t] = W mix(...) without its bias, for T tokens whose normalised input is in w.normed.
inline void attention(workspace& w, cache& kv, const shape& s, const layer_weights& layer, std::size_t index,
                      std::size_t T) {
    project(w, w.qkv, layer.qkv.w, w.normed, T);
    w.team->run([&](std::size_t part, std::size_t parts) {  // biases; keys and values into the cache
        const auto mine = sys::slice_of(T * s.G, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto t = i / s.G, g = i % s.G;
            float* qkv = w.qkv[t];
            const auto from = s.q_row(g * s.share()), to = s.v_row(g) + s.E;
            for (auto r = from; r < to; ++r) qkv[r] += layer.qkv.bias[r];
            rotate(qkv + s.k_row(g), w.turn[t], s.rotary);
            const auto slot = kv.slot(kv.length + t);
            kv.put(kv.key(index, g, slot), qkv + s.k_row(g), s.E);
            kv.put(kv.value(index, g, slot), qkv + s.v_row(g), s.E);
        }
    });
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(T * s.H, 1, part, parts);
        for (auto i = mine.begin; i < mine.end; ++i) {
            const auto t = i / s.H, h = i % s.H;
            attend(w.mixed[t] + h * s.E, w, kv, s, w.qkv[t] + s.q_row(h), w.turn[t], index, h / s.share(),
                   kv.length + t);
        }
    });
    project(w, w.attention_out, layer.attention_out.w, w.mixed, T);
}
/// ffn_out[t] = W_down gelu(W_up x + bias) without the last bias, for T tokens whose normalised input is in w.normed.
inline void feed_forward(workspace& w, const shape& s, const layer_weights& layer, std::size_t T) {
    project(w, w.ffn, layer.ffn_up.w, w.normed, T);
    w.team->run([&](std::size_t part, std::size_t parts) {
        const auto mine = sys::slice_of(s.F, num::lanes, part, parts);
        for (std::size_t t = 0; t < T; ++t)
            w.kernels.bias_gelu(w.ffn[t] + mine.begin, layer.ffn_up.bias + mine.begin, mine.end - mine.begin);
    });
    project(w, w.ffn_out, layer.ffn_down.w, w.ffn, T);
}
/// normed[t] = norm(x[t])
inline void normalise(workspace& w, const shape& s, const norm& n, std::size_t T) {
    for (std::size_t t = 0; t < T; ++t) w.kernels.layer_norm(w.normed[t], w.x[t], n.gain, n.bias, s.D, s.norm_eps);
}
/// x[t] += out[t] + bias
inline void add(workspace& w, const shape& s, const rows& out, const float* bias, std::size_t T) {
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t i = 0; i < s.D; ++i) w.x[t][i] += out[t][i] + bias[i];
}
/// Block `index` over T tokens in w.x, at positions kv.length and on.
inline void block(workspace& w, cache& kv, const shape& s, const layer_weights& layer, std::size_t index,
                  std::size_t T) {
    normalise(w, s, layer.before_attention, T);
    attention(w, kv, s, layer, index, T);
    if (!s.parallel_residual) add(w, s, w.attention_out, layer.attention_out.bias, T);
    normalise(w, s, layer.before_ffn, T);
    feed_forward(w, s, layer, T);
    if (s.parallel_residual) add(w, s, w.attention_out, layer.attention_out.bias, T);
    add(w, s, w.ffn_out, layer.ffn_down.bias, T);
}
// ==== narae/model/forward.hpp ====
// The whole network on one page: embed, L blocks, norm, head. GPT-NeoX: Black et al. 2022, arXiv:2204.06745.
// Read model/shape.hpp before it (the letters) and model/block.hpp after it. One forward serves every weight format.
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

    normalise(w, s, m.last, T);
    for (std::size_t t = logits == want::each ? 0 : T - 1; t < T; ++t) {
        project(w, w.logits, m.head, {w.normed[t], w.normed.stride}, 1);
        seen(t, std::span<const float>(w.logits[0], s.V));
    }
}
}  // namespace narae::inline NARAE_ABI::model
// ==== narae/gen/open.hpp ====
// Opening a model: a narae file, an original Hugging Face folder, or bytes in memory. Nothing is unpacked or copied
// but small vectors; weights are read from the map when they are first used.
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
    static result<language_model> make(store::checkpoint from, const std::string& path, const open_options& options) {
        const auto config = store::parse_config(from.config_text());
        if (!config) return config.error().in(from.config_name());
        auto made = std::make_shared<parts>(parts{std::move(from), model::shape(*config), {}, {}, options});
        auto bound = model::weights::bind(made->checkpoint, made->shape);
        if (!bound) return bound.error().in(path);
        made->weights = std::move(*bound);
        if (!made->options.kernels) made->options.kernels = kernel::runnable().best();
        if (const auto json = made->checkpoint.tokenizer_json(); !json.empty()) {
            auto tokenizer = token::tokenizer::parse(json);
            if (!tokenizer) return tokenizer.error().in(path);
            if (tokenizer->size() > made->shape.V)
                return error{errc::bad_value, concat({path, ": the tokenizer has ", tokenizer->size(),
                                                      " ids, the model only ", made->shape.V, " rows"})};
            made->tokenizer.emplace(std::move(*tokenizer));
        }
        if (const auto limit = options.memory_limit; limit != 0 && made->weights.bytes > limit)
            return error{errc::out_of_memory, concat({path, ": the weights alone are ", made->weights.bytes,
                                                      " bytes, the limit is ", limit})};
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
    return guarded([&]() -> result<language_model> {
        auto from = store::checkpoint::open(path);
        if (!from) return from.error();
        return language_model::make(std::move(*from), path, options);
    });
}
#endif
/// Opens a narae file that is already in memory. `file` is borrowed: it must outlive the model and its sessions.
inline result<language_model> open(byte_view file, const open_options& options = {}) {
    return guarded([&]() -> result<language_model> {
        auto from = store::checkpoint::from_bytes(file);
        if (!from) return from.error();
        return language_model::make(std::move(*from), "memory", options);
    });
}
// ==== narae/gen/sampler.hpp ====
// From logits to the next token. Equal logits, options and seed give equal tokens on every machine.
/// How a token is drawn: first the repetition penalty, then temperature, then top-k, then top-p.
struct sampling {
    float temperature = 0.8f;  ///< 0: always the likeliest token (greedy)
    std::size_t top_k = 40;    ///< only the k likeliest tokens; 0: all. Fan et al. 2018, arXiv:1805.04833
    float top_p = 0.95f;       ///< of those the fewest that reach this share. Holtzman et al., arXiv:1904.09751
    float repetition_penalty =
        1.0f;  ///< divides the positive logits of tokens in the window. Keskar et al., 1909.05858
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
// ==== narae/gen/stop.hpp ====
// Watches a growing text for stop strings, which may come in pieces: what could be the beginning of one is held back.

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
// ==== narae/gen/session.hpp ====
// One conversation with a model: its cache, its position, and the text in and out. Read gen/open.hpp before.
// Not for two threads at once; any number of sessions may share one model.

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
    std::vector<std::string> stop{};  ///< text that ends the answer, and is not part of it
};
/// Why generation ended.
enum class finish { max_tokens, end_of_text, stop_string, cancelled };
/// What the last generate() did.
struct generation {
    std::size_t prompt_tokens = 0, tokens = 0;
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
        return guarded([&] { return generate_text(prompt, options, on_text); });
    }
    /// What the last generate() did, and how long it took.
    const generation& last() const noexcept { return last_; }
    /// Takes ids into the conversation; returns the logits [V] after the last one, valid until the next call.
    /// Needs at least one id, each below V. `on_progress(done, total)` returning false leaves errc::cancelled.
    result<std::span<const float>> feed(std::span<const token_id> ids,
                                        callback<std::size_t, std::size_t> on_progress = {}) {
        return guarded([&]() -> result<std::span<const float>> {
            const auto fed = run(ids, model::want::last, {}, on_progress);
            if (!fed) return fed.error();
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
            return error{errc::bad_argument, concat({"a window of ", options_.window, " positions has no room beside ",
                                                     options_.sinks, " sinks"})};
        const auto need = estimate(model_, options_).total();
        if (const auto limit = model_.options().memory_limit; limit != 0 && need > limit)
            return error{errc::out_of_memory, concat({"needs ", need, " bytes, the limit is ", limit})};
        auto cache = model::cache::make(s, options_.cache, options_.window, options_.sinks);
        if (!cache) return cache.error();
        auto work = model::workspace::make(s, *model_.options().kernels, model_.options().threads);
        if (!work) return work.error();
        cache_.emplace(std::move(*cache));
        work_.emplace(std::move(*work));
        return {};
    }
    /// Runs ids through the model in chunks, after the token that the last generate() drew but did not yet feed.
    result<void> run(std::span<const token_id> ids, model::want logits,
                     callback<std::size_t, std::span<const float>> on_logits,
                     callback<std::size_t, std::size_t> on_progress) {
        if (!ready_) return ready_.error();
        if (ids.empty()) return error{errc::bad_argument, "no tokens to feed"};
        for (const auto id : ids)
            if (id >= model_.shape().V)
                return error{errc::bad_argument, concat({"token id ", id, " is not below ", model_.shape().V})};
        if (pending_) {
            const token_id drawn = *pending_;
            pending_.reset();
            forward({&drawn, 1}, *cache_, model::want::nothing);
            remember(drawn);
        }
        bool going = true;
        for (std::size_t done = 0; done < ids.size() && going;) {
            const auto chunk = ids.subspan(done, (std::min)(model::chunk_len, ids.size() - done));
            const bool final = done + chunk.size() == ids.size();
            forward(chunk, *cache_, logits == model::want::last && !final ? model::want::nothing : logits,
                    [&](std::size_t t, std::span<const float> row) { return on_logits(done + t, row); });
            for (const auto id : chunk) remember(id);
            done += chunk.size();
            going = on_progress(done, ids.size());
        }
        if (!going) return error{errc::cancelled, "cancelled"};
        return {};
    }

    void forward(std::span<const token_id> ids, model::cache& cache, model::want logits,
                 callback<std::size_t, std::span<const float>> seen = {}) {
        model::forward(*work_, cache, model_.weights(), model_.shape(), ids, logits, seen);
    }
    /// Keeps the ids of the window, for the repetition penalty.
    void remember(token_id id) {
        if (recent_.size() == options_.window) recent_.erase(recent_.begin());
        recent_.push_back(id);
    }

    result<std::string> generate_text(std::string_view prompt, const generate_options& o,
                                      callback<std::string_view> on_text) {
        using clock = std::chrono::steady_clock;
        const auto seconds_since = [](clock::time_point t) {
            return std::chrono::duration<double>(clock::now() - t).count();
        };
        last_ = {};
        if (!ready_) return ready_.error();
        const auto* tokenizer = model_.tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        const sampling how{o.temperature, o.top_k, o.top_p, o.repetition_penalty, o.seed};
        if (const auto fine = check(how); !fine) return fine.error();

        auto ids = tokenizer->encode(prompt);
        if (ids.empty()) {
            if (!tokenizer->end_of_text())
                return error{errc::bad_argument, "an empty prompt, and no end-of-text token to start from"};
            ids.push_back(*tokenizer->end_of_text());
        }
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
        while (fed && last_.tokens < o.max_tokens) {
            const auto id = draw.pick({work_->logits[0], model_.shape().V}, recent_,
                                      [&](token_id t) { return model_.is_token(t); });
            if (id == tokenizer->end_of_text()) {
                last_.reason = finish::end_of_text;
                break;
            }
            pending_ = id;
            ++last_.tokens;
            const bool stopped = text.push(decoder.push(id));
            const bool going = on_text(text.take());
            if (stopped || !going) {
                last_.reason = stopped ? finish::stop_string : finish::cancelled;
                break;
            }
            if (last_.tokens == o.max_tokens) break;
            pending_.reset();
            forward({&id, 1}, *cache_, model::want::last);
            remember(id);
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
                return error{errc::bad_argument, concat({"choice \"", choice, "\" adds no token to its context"})};
            std::size_t scored = ids.size() - head.size();  // at the end of ids
            if (scored > options_.window) return error{errc::bad_argument, "a choice longer than the window"};
            const auto cut = ids.size() > options_.window + 1 ? ids.size() - (options_.window + 1) : 0;
            ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut));

            // What this choice shares with the last one is still in the cache, but the logits before its first token
            // are not: the token that gives them is run again.
            const std::size_t first = ids.size() - scored - 1, last = ids.size() - 1;
            std::size_t shared = 0;
            while (shared < first && shared < before.size() && before[shared] == ids[shared]) ++shared;
            scratch->length = shared;
            choice_score s{0, scored, count_characters(choice)};
            for (auto done = shared; done < last;) {
                const auto n = (std::min)({model::chunk_len, last - done, done < first ? first - done : last - done});
                forward({ids.data() + done, n}, *scratch, done < first ? model::want::nothing : model::want::each,
                        [&](std::size_t t, std::span<const float> row) {
                            s.log_likelihood += log_probability(row, ids[done + t + 1]);
                            return true;
                        });
                done += n;
            }
            before.assign(ids.begin(), ids.end() - 1);
            scores.push_back(s);
        }
        return scores;
    }
    /// log softmax(logits)[id], in double.
    static double log_probability(std::span<const float> logits, token_id id) noexcept {
        double largest = logits[0], sum = 0;
        for (const double l : logits) largest = l > largest ? l : largest;
        for (const double l : logits) sum += std::exp(l - largest);
        return static_cast<double>(logits[id]) - largest - std::log(sum);
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
    std::optional<token_id> pending_;  ///< drawn and given out, but not yet in the cache
    std::vector<token_id> recent_;
    generation last_;
};
}  // namespace narae::inline NARAE_ABI
// ==== no macro of narae stays behind ====
#undef NARAE_ABI
#undef NARAE_ABI_F
#undef NARAE_ABI_S
#undef NARAE_ABI_T
#undef NARAE_ABI_X
#undef NARAE_EXCEPTIONS
#undef NARAE_JOIN
#undef NARAE_JOIN2
#undef NARAE_NEON
#undef NARAE_POSIX
#undef NARAE_TARGET
#undef NARAE_X86

#endif
