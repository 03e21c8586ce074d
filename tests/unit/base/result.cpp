// SPDX-License-Identifier: MIT
#include "narae/base/result.hpp"

#include <memory>
#include <vector>

#include "catch.hpp"

using namespace narae;

TEST_CASE("base/result: holds a value or an error") {
    result<int> good = 7;
    CHECK(good);
    CHECK(good.has_value());
    CHECK(*good == 7);
    const result<int> bad = error{errc::io, "no disk"};
    CHECK_FALSE(bad);
    CHECK(bad.error().code == errc::io);
    CHECK(bad.error().what == "no disk");
    result<std::unique_ptr<int>> owner = std::make_unique<int>(3);
    const auto taken = *std::move(owner);
    CHECK(*taken == 3);
    result<std::string> text = std::string("abc");
    CHECK(text->size() == 3);
}

TEST_CASE("base/result: into() moves the value or the error to its place") {
    error why;
    std::unique_ptr<int> place;
    std::optional<int> number = 1;
    CHECK(result<std::unique_ptr<int>>(std::make_unique<int>(3)).into(place, why));
    CHECK(*place == 3);
    CHECK(result<int>(2).into(number, why));
    CHECK(number == 2);
    CHECK(why.what.empty());
    CHECK_FALSE(result<int>(error{errc::io, "no disk"}).into(number, why));
    CHECK(number == 2);
    CHECK(why.code == errc::io);
    CHECK(why.what == "no disk");
}

TEST_CASE("base/result: success without a value") {
    CHECK(result<void>{});
    const result<void> bad = error{errc::cancelled, "stopped"};
    CHECK_FALSE(bad);
    CHECK(bad.error().code == errc::cancelled);
}

TEST_CASE("base/result: an error's message names place, reason and byte") {
    const error e{errc::truncated, "header is cut short", 17};
    CHECK(e.message() == "header is cut short (byte 17)");
    CHECK(e.in("a.bin").message() == "a.bin: header is cut short (byte 17)");
    CHECK(e.in("w").in("a.bin").code == errc::truncated);
    CHECK(error{errc::io, "x"}.message() == "x");
    CHECK(error{errc::io, "x", 0}.message() == "x (byte 0)");
}

#if NARAE_EXCEPTIONS
TEST_CASE("base/result: value() throws the error, and guarded() catches what allocation throws") {
    const result<int> bad = error{errc::bad_value, "odd", 3};
    CHECK_THROWS_AS(bad.value(), failure);
    try {
        (void)bad.value();
    } catch (const failure& f) {
        CHECK(std::string(f.what()) == "odd (byte 3)");
        CHECK(f.error().code == errc::bad_value);
    }
    const result<void> none = error{errc::io, "x"};
    CHECK_THROWS_AS(none.value(), failure);
    CHECK_NOTHROW(result<void>{}.value());
    CHECK(result<int>(4).value() == 4);

    CHECK(guarded([]() -> result<int> { return 5; }).value() == 5);
    CHECK(guarded([]() -> result<int> { throw std::bad_alloc(); }).error().code == errc::out_of_memory);
    CHECK(guarded([]() -> result<void> {
              std::vector<int> v;
              v.reserve(v.max_size() + std::size_t{1});
              return {};
          })
              .error()
              .code == errc::out_of_memory);
}
#endif
