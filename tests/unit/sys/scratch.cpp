// SPDX-License-Identifier: MIT
#include "narae/sys/scratch.hpp"

#include "catch.hpp"
#include "scratch.hpp"

using namespace narae;

TEST_CASE("numbers in memory and in a file are the same to their user") {
    const tests::scratch folder;
    const auto path = folder.path("numbers");
    for (const std::string& where : {std::string(), path}) {
        auto s = sys::scratch::make(100000, where);
        REQUIRE(s);
        CHECK(s->size() == 100000);
        for (std::size_t i = 0; i < s->size(); i += 999) CHECK(s->data()[i] == 0);
        s->data()[99999] = 2.5f;
        s->data()[5000] = 1.5f;
        s->let_go(0, 100000);
        s->let_go(70000, 3);
        CHECK(s->data()[5000] == 1.5f);
        auto moved = std::move(*s);
        CHECK(moved.data()[99999] == 2.5f);
    }
    CHECK(folder.files() == 0);  // nothing stays behind
}

TEST_CASE("a file for numbers is not written over, and its folder must be there") {
    const tests::scratch folder;
    const auto there = folder.path("there");
    std::ofstream(there) << "mine";
    const auto taken = sys::scratch::make(10, there);
    REQUIRE(!taken);
    CHECK(taken.error().message().find(there) != std::string::npos);
    CHECK(!sys::scratch::make(10, there + "/no/folder"));
}
