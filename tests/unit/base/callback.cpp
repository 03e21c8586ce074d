// SPDX-License-Identifier: MIT
#include "narae/base/callback.hpp"

#include <string_view>

#include "catch.hpp"

using namespace narae;

namespace {
bool below_three(int n) { return n < 3; }
int count_calls(callback<std::string_view> say) { return (say("one") ? 1 : 0) + (say("two") ? 1 : 0); }
}  // namespace

TEST_CASE("base/callback: an empty one always goes on") {
    CHECK(callback<int>{}(1));
    CHECK(callback<int>{nullptr}(1));
    CHECK(callback<>{}());
}

TEST_CASE("base/callback: calls lambdas, functions and const callables, and passes on their answer") {
    int sum = 0;
    const auto add = [&sum](int n) {
        sum += n;
        return sum < 5;
    };
    const callback<int> f = add;
    CHECK(f(3));
    CHECK_FALSE(f(4));
    CHECK(sum == 7);
    const callback<int> copy = f;
    CHECK_FALSE(copy(1));
    CHECK(sum == 8);
    auto* const pointer = &below_three;
    const callback<int> g = pointer;
    CHECK(g(2));
    CHECK_FALSE(g(3));
    CHECK(count_calls([](std::string_view s) { return s == "two"; }) == 1);
    CHECK(count_calls({}) == 2);
}
