// SPDX-License-Identifier: MIT
// A file being written: under a name beside the wanted one, and renamed only when every byte is safely down.
// Until commit() succeeds the old file, if any, is untouched; a sink that goes away earlier leaves nothing.
#ifndef NARAE_SYS_FILE_SINK_HPP
#define NARAE_SYS_FILE_SINK_HPP

#include "narae/sys/file_view.hpp"
#ifndef NARAE_NO_FILES

namespace narae::inline NARAE_ABI::sys {

/// Do both paths lead to one file that is there?
inline bool same_file(const std::string& a, const std::string& b) {
#if NARAE_POSIX
    struct stat of_a, of_b;
    return ::stat(a.c_str(), &of_a) == 0 && ::stat(b.c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
#else
    return a == b;
#endif
}

class file_sink {
public:
    file_sink(file_sink&& other) noexcept
        : file_(std::exchange(other.file_, nullptr)), path_(std::move(other.path_)), beside_(std::move(other.beside_)) {
    }
    file_sink& operator=(file_sink&&) = delete;
    ~file_sink() {
        if (file_ == nullptr) return;
        std::fclose(file_);
        std::remove(beside_.c_str());
    }

    static result<file_sink> create(const std::string& path) {
        if (is_folder(path)) return error{errc::io, {path, ": cannot write: is a folder"}};
        file_sink sink;
        sink.path_ = path;
        sink.beside_ = path + ".part";
        sink.file_ = std::fopen(sink.beside_.c_str(), "wb");
        if (sink.file_ == nullptr) return system_error(path, "cannot write");
        return sink;
    }

    result<void> write(byte_view bytes) {
        errno = 0;
        if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
            return system_error(path_, "cannot write");
        return {};
    }

    /// Writes over the first bytes of what is down already. Only commit() may follow.
    result<void> rewrite_front(byte_view bytes) {
        errno = 0;
        if (std::fseek(file_, 0, SEEK_SET) != 0) return system_error(path_, "cannot write");
        return write(bytes);
    }

    /// Everything down to the disk, then the wanted name.
    result<void> commit() {
        errno = 0;
        bool ok = std::fflush(file_) == 0;
#if NARAE_POSIX
        ok = ok && ::fsync(::fileno(file_)) == 0;
#endif
        auto failed = system_error(path_, "cannot write");
        if (std::fclose(std::exchange(file_, nullptr)) != 0 && ok) {
            ok = false;
            failed = system_error(path_, "cannot write");
        }
#if !NARAE_POSIX
        if (ok) std::remove(path_.c_str());  // elsewhere rename does not replace
#endif
        if (ok && std::rename(beside_.c_str(), path_.c_str()) == 0) return {};
        if (ok) failed = system_error(path_, "cannot rename into place");
        std::remove(beside_.c_str());
        return failed;
    }

private:
    file_sink() = default;
    std::FILE* file_ = nullptr;
    std::string path_, beside_;
};

}  // namespace narae::inline NARAE_ABI::sys

#endif  // NARAE_NO_FILES
#endif
