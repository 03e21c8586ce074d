// SPDX-License-Identifier: MIT
#include "narae/store/tensor.hpp"

#include "catch.hpp"

using namespace narae;
using namespace narae::store;

namespace {
tensor shaped(std::vector<std::uint64_t> shape, std::vector<std::uint64_t> strides) {
    return {"t", dtype::f32, std::move(shape), std::move(strides), {}, {}};
}
}  // namespace

TEST_CASE("store/tensor: every dtype has a name and a size") {
    CHECK(dtype_name(dtype::f32) == "F32");
    CHECK(dtype_name(dtype::bf16) == "BF16");
    CHECK(dtype_name(dtype::boolean) == "BOOL");
    CHECK(dtype_size(dtype::f64) == 8);
    CHECK(dtype_size(dtype::f16) == 2);
    CHECK(dtype_size(dtype::i32) == 4);
    CHECK(dtype_size(dtype::u8) == 1);
}

TEST_CASE("store/tensor: elements and row-major strides") {
    CHECK(shaped({}, {}).elements() == 1);
    CHECK(shaped({2, 3, 4}, {}).elements() == 24);
    CHECK(shaped({2, 0, 4}, {}).elements() == 0);
    CHECK(row_major({2, 3, 4}) == std::vector<std::uint64_t>{12, 4, 1});
    CHECK(row_major({}).empty());
    std::uint64_t n = 0;
    CHECK_FALSE(shape_elements({std::uint64_t{1} << 33, std::uint64_t{1} << 33}, n));
    CHECK(shape_elements({std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1}, n));
}

TEST_CASE("store/tensor: what counts as contiguous") {
    CHECK(shaped({}, {}).contiguous());
    CHECK(shaped({3, 4}, {4, 1}).contiguous());
    CHECK_FALSE(shaped({3, 4}, {1, 3}).contiguous());
    CHECK_FALSE(shaped({3, 4}, {5, 1}).contiguous());
    CHECK_FALSE(shaped({4}, {2}).contiguous());
    CHECK_FALSE(shaped({4}, {0}).contiguous());
    CHECK(shaped({1, 4}, {99, 1}).contiguous());  // the stride of a single row is never taken
    CHECK(shaped({3, 1}, {1, 7}).contiguous());
    CHECK(shaped({0, 4}, {9, 9}).contiguous());
    CHECK(shaped({4, 0}, {9, 9}).contiguous());
}

TEST_CASE("store/tensor: names are shown on one line and not endlessly") {
    CHECK(printable("gpt_neox.embed_in.weight") == "gpt_neox.embed_in.weight");
    CHECK(printable("나래") == "나래");
    CHECK(printable("a\nb\x1B[31m\x7F") == "a?b?[31m?");
    CHECK(printable("a\xFF\xEA\xB0") == "a??");
    CHECK(printable(std::string("\0", 1)) == "?");
    CHECK(printable("\xC2\x9B") == "?");  // a control character of two bytes
    CHECK(printable(std::string(500, 'x')) == std::string(120, 'x') + "...");
    CHECK(printable("").empty());
}
