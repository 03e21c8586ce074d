// SPDX-License-Identifier: MIT
#include "narae/sys/file_view.hpp"

#include "catch.hpp"
#include "sys/scratch.hpp"

using namespace narae;
using namespace tests;

TEST_CASE("sys/file_view: shows all bytes of a file, empty files too") {
    const scratch folder;
    for (const std::size_t n : {0u, 1u, 4095u, 4096u, 100001u}) {
        std::string bytes(n, '\0');
        for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 7 % 251);
        write_file(folder.path("f"), bytes);
        const auto view = sys::file_view::open(folder.path("f"));
        REQUIRE(view);
        CHECK(as_text(view->bytes()) == bytes);
    }
}

TEST_CASE("sys/file_view: moves keep the bytes") {
    const scratch folder;
    write_file(folder.path("a"), "first");
    write_file(folder.path("b"), "second");
    auto a = sys::file_view::open(folder.path("a"));
    auto b = sys::file_view::open(folder.path("b"));
    REQUIRE(a);
    REQUIRE(b);
    sys::file_view c = std::move(*a);
    CHECK(as_text(c.bytes()) == "first");
    CHECK(a->bytes().empty());
    c = std::move(*b);
    CHECK(as_text(c.bytes()) == "second");
    CHECK(sys::file_view{}.bytes().empty());
}

TEST_CASE("sys/file_view: what cannot be opened is an error that names the path") {
    const scratch folder;
    const auto none = sys::file_view::open(folder.path("none"));
    REQUIRE_FALSE(none);
    CHECK(none.error().code == errc::not_found);
    CHECK(none.error().message().find(folder.path("none") + ": cannot open") == 0);
    CHECK_FALSE(sys::file_view::open(folder.path()));
    CHECK_FALSE(sys::file_view::open(""));
    write_file(folder.path("file"), "x");
    CHECK(sys::file_view::open(folder.path("file") + "/inside").error().code == errc::not_found);
#if NARAE_POSIX
    CHECK(sys::file_view::open("/dev/null").error().message() == "/dev/null: not a regular file");
#endif
}

TEST_CASE("sys/file_view: bytes let go come back when they are read") {
    const scratch folder;
    const std::string bytes(100000, 'n');
    write_file(folder.path("f"), bytes);
    const auto view = sys::file_view::open(folder.path("f"));
    REQUIRE(view);
    const auto all = view->bytes();
    for (const std::size_t from : {0u, 1u, 4096u, 50000u, 99999u, 100000u})
        for (const std::size_t n : {0u, 1u, 4095u, 8192u, 60000u}) {
            if (from + n > all.size()) continue;
            view->let_go(all.subspan(from, n));
            CHECK(as_text(all) == bytes);
        }
    view->let_go({});
}

TEST_CASE("sys/file_view: knows a folder from a file") {
    const scratch folder;
    write_file(folder.path("config.json"), "{}");
    CHECK(sys::is_folder(folder.path()));
    CHECK_FALSE(sys::is_folder(folder.path("config.json")));
    CHECK_FALSE(sys::is_folder(folder.path("none")));
}
