// SPDX-License-Identifier: MIT
#include "narae/sys/file_sink.hpp"

#include "catch.hpp"
#include "sys/scratch.hpp"
#if NARAE_POSIX
#include <sys/resource.h>

#include <csignal>
#endif

using namespace narae;
using namespace tests;

TEST_CASE("sys/file_sink: the file appears whole, when it is committed") {
    const scratch folder;
    const auto path = folder.path("out");
    auto sink = sys::file_sink::create(path);
    REQUIRE(sink);
    REQUIRE(sink->write(as_bytes("one ")));
    REQUIRE(sink->write({}));
    REQUIRE(sink->write(as_bytes("two")));
    CHECK_FALSE(exists(path));
    auto moved = std::move(*sink);
    REQUIRE(moved.commit());
    CHECK(read_file(path) == "one two");
    CHECK(folder.files() == 1);
}

TEST_CASE("sys/file_sink: a sink that goes away leaves the old file and nothing else") {
    const scratch folder;
    const auto path = folder.path("out");
    write_file(path, "old");
    {
        auto sink = sys::file_sink::create(path);
        REQUIRE(sink);
        REQUIRE(sink->write(as_bytes(std::string(100000, 'x'))));
        CHECK(read_file(path) == "old");
    }
    CHECK(read_file(path) == "old");
    CHECK(folder.files() == 1);
    auto sink = sys::file_sink::create(path);
    REQUIRE(sink);
    REQUIRE(sink->write(as_bytes("new")));
    REQUIRE(sink->commit());
    CHECK(read_file(path) == "new");
    CHECK(folder.files() == 1);
}

TEST_CASE("sys/file_sink: a path that cannot be written is an error that names it") {
    const scratch folder;
    const auto nowhere_path = folder.path("no/such/out");
    const auto none = sys::file_sink::create(nowhere_path);
    REQUIRE_FALSE(none);
    CHECK(none.error().message().find(nowhere_path + ": cannot write") == 0);
    write_file(folder.path("config.json"), "{}");
    const auto is_folder = sys::file_sink::create(folder.path());
    REQUIRE_FALSE(is_folder);
    CHECK(is_folder.error().message().find("is a folder") != std::string::npos);
    CHECK(folder.files() == 1);
}

#if NARAE_POSIX && !defined(__EMSCRIPTEN__)

namespace {
/// No file may grow beyond this many bytes while it lives; the signal that would end the program is ignored.
class file_size_limit {
public:
    explicit file_size_limit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;
    ~file_size_limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int);
};
}  // namespace

TEST_CASE("sys/file_sink: a disk that fills up is an error, and nothing is left behind") {
    const scratch folder;
    const auto path = folder.path("out");
    write_file(path, "old");
    for (const std::size_t n : {20000u, 1000000u}) {  // seen when the buffer is flushed, and at once
        result<void> written;
        {
            const file_size_limit limit(8192);
            auto sink = sys::file_sink::create(path);
            REQUIRE(sink);
            written = sink->write(as_bytes(std::string(n, 'x')));
            if (written) written = sink->commit();
        }
        REQUIRE_FALSE(written);
        CHECK(written.error().code == errc::io);
        CHECK(written.error().message().find(path + ": cannot write: ") == 0);
        CHECK(read_file(path) == "old");
        CHECK(folder.files() == 1);
    }
}

TEST_CASE("sys/file_sink: a full device is noticed at the latest by commit") {
    if (!exists("/dev/full")) {
        WARN("no /dev/full here: not tested");
        return;
    }
    const scratch folder;
    std::filesystem::create_symlink("/dev/full", folder.path("out.part"));
    auto sink = sys::file_sink::create(folder.path("out"));
    REQUIRE(sink);
    REQUIRE(sink->write(as_bytes("few bytes, kept in a buffer")));
    const auto done = sink->commit();
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::io);
    CHECK(folder.files() == 0);
}

TEST_CASE("sys/file_sink: a name that cannot be taken is an error, and nothing is left behind") {
    const scratch folder;
    auto sink = sys::file_sink::create(folder.path("out"));
    REQUIRE(sink);
    std::filesystem::create_directory(folder.path("out"));
    const auto done = sink->commit();
    REQUIRE_FALSE(done);
    CHECK(done.error().message().find("cannot rename") != std::string::npos);
    CHECK_FALSE(exists(folder.path("out.part")));
}

#endif

TEST_CASE("sys/file_sink: what stands first may be written last") {
    const scratch folder;
    auto sink = sys::file_sink::create(folder.path("out"));
    REQUIRE(sink);
    REQUIRE(sink->write(as_bytes("???? body")));
    REQUIRE(sink->rewrite_front(as_bytes("head")));
    REQUIRE(sink->commit());
    CHECK(read_file(folder.path("out")) == "head body");
}

TEST_CASE("sys/file_sink: one file by two paths is known") {
    const scratch folder;
    write_file(folder.path("a"), "x");
    write_file(folder.path("b"), "x");
    CHECK(sys::same_file(folder.path("a"), folder.path("a")));
    CHECK_FALSE(sys::same_file(folder.path("a"), folder.path("b")));
#if NARAE_POSIX
    CHECK(sys::same_file(folder.path("a"), folder.path() + "/./a"));
    CHECK_FALSE(sys::same_file(folder.path("none"), folder.path("none")));
#endif
}
