// SPDX-License-Identifier: MIT
#include "narae/store/fnv.hpp"

#include "catch.hpp"

using namespace narae;
using namespace narae::store;

TEST_CASE("store/fnv: the source hash is FNV-1a, in one piece or in several") {
    CHECK(fnv1a64({}) == 0xCBF29CE484222325u);  // these three values are from the hash's own published test list
    CHECK(fnv1a64(as_bytes("a")) == 0xAF63DC4C8601EC8Cu);
    CHECK(fnv1a64(as_bytes("foobar")) == 0x85944171F73967E8u);
    CHECK(fnv1a64(as_bytes("bar"), fnv1a64(as_bytes("foo"))) == fnv1a64(as_bytes("foobar")));
}
