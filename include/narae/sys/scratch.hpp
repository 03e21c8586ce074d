// SPDX-License-Identifier: MIT
// Large arrays of floats that training needs: in memory, or in a file that is mapped and goes away with the object.
// Pages of the file count as memory only while they are in use; the system writes them out when it needs room.
#ifndef NARAE_SYS_SCRATCH_HPP
#define NARAE_SYS_SCRATCH_HPP

#include "narae/sys/file_view.hpp"
#ifndef NARAE_NO_FILES

#include <memory>

namespace narae::inline NARAE_ABI::sys {

/// `size()` floats, all zero at first. Moves, never copies.
class scratch {
public:
    /// In memory where `path` is empty; else in a new file of that name, which must not be there and which nobody sees
    /// by its name once this has returned. Errors: no memory; what the system says of the file, such as a full disk.
    static result<scratch> make(std::size_t size, const std::string& path = {}) {
        scratch s;
        s.size_ = size;
        if (path.empty()) {
            error why;
            if (!buffer<float>::make(size).into(s.memory_, why)) return why;
            return s;
        }
#if NARAE_POSIX && !defined(__EMSCRIPTEN__)
        const auto bytes = size * sizeof(float);
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0) return system_error(path, "cannot create");
        ::unlink(path.c_str());
        // The blocks are asked for now: a page that finds no room on the disk later would end the program.
        errno = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
        void* at = errno == 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
        const auto failed = system_error(path, "no room for the state");
        ::close(file);
        if (at == MAP_FAILED) return failed;
        s.mapped_ = {static_cast<float*>(at), unmap{bytes}};
        return s;
#else
        return error{errc::unsupported, path + ": files cannot be mapped for writing here"};
#endif
    }

    /// Tells the system that these numbers are not needed for a while; they stay as they are.
    void let_go(std::size_t from, std::size_t n) noexcept {
#if NARAE_POSIX && !defined(__EMSCRIPTEN__)
        if (!mapped_) return;
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / sizeof(float);
        const auto begin = (from + page - 1) / page * page, end = (from + n) / page * page;
        if (end > begin) ::madvise(data() + begin, (end - begin) * sizeof(float), MADV_DONTNEED);  // shared: kept
#else
        (void)from, (void)n;
#endif
    }

    float* data() noexcept { return mapped_ ? mapped_.get() : memory_.data(); }
    std::size_t size() const noexcept { return size_; }

private:
    struct unmap {
        std::size_t bytes;
        void operator()(float* at) const noexcept {
#if NARAE_POSIX
            ::munmap(at, bytes);
#else
            (void)at;
#endif
        }
    };
    std::size_t size_ = 0;
    buffer<float> memory_;
    std::unique_ptr<float, unmap> mapped_;
};

}  // namespace narae::inline NARAE_ABI::sys

#endif  // NARAE_NO_FILES
#endif
