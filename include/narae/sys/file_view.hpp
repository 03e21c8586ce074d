// SPDX-License-Identifier: MIT
// The bytes of a file, read-only: mapped where the system can, read into memory where it cannot.
// Mapped pages cost no memory until they are touched, and the system may take them back at any time.
#ifndef NARAE_SYS_FILE_VIEW_HPP
#define NARAE_SYS_FILE_VIEW_HPP

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "narae/base/bytes.hpp"
#include "narae/sys/buffer.hpp"
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
#endif
