// SPDX-License-Identifier: MIT
#include "narae/sys/buffer.hpp"

#include <algorithm>

#include "catch.hpp"

using namespace narae;

TEST_CASE("sys/buffer: aligned, zeroed, of the size asked for") {
    for (const std::size_t n : {1u, 3u, 16u, 1000u}) {
        auto b = sys::buffer<float>::make(n);
        REQUIRE(b);
        CHECK(b->size() == n);
        CHECK(reinterpret_cast<std::uintptr_t>(b->data()) % 64 == 0);
        CHECK(std::all_of(b->data(), b->data() + n, [](float f) { return f == 0; }));
        (*b)[n - 1] = 5;
        CHECK(b->span().back() == 5);
    }
    const auto none = sys::buffer<int>::make(0);
    REQUIRE(none);
    CHECK(none->size() == 0);
    CHECK(none->data() == nullptr);
    CHECK(sys::buffer<int>{}.size() == 0);
}

TEST_CASE("sys/buffer: moves keep the memory, nothing is freed twice") {
    auto a = sys::buffer<int>::make(4);
    REQUIRE(a);
    auto* const data = a->data();
    (*a)[2] = 9;
    sys::buffer<int> b = std::move(*a);
    CHECK(b.data() == data);
    CHECK(a->data() == nullptr);
    CHECK(a->size() == 0);
    auto c = sys::buffer<int>::make(1);
    REQUIRE(c);
    *c = std::move(b);
    CHECK(c->size() == 4);
    CHECK((*c)[2] == 9);
    const auto& seen = *c;
    CHECK(seen.span()[2] == seen[2]);
}

TEST_CASE("sys/buffer: what cannot be had is an error") {
    const auto wraps = sys::buffer<double>::make(~std::size_t{0} / 4);
    REQUIRE_FALSE(wraps);
    CHECK(wraps.error().code == errc::out_of_memory);
    if (sizeof(std::size_t) < 8) return;  // half of a 32-bit address space may be had
    const auto huge = sys::buffer<char>::make(static_cast<std::size_t>(PTRDIFF_MAX) - 4096);
    REQUIRE_FALSE(huge);
    CHECK(huge.error().code == errc::out_of_memory);
}
