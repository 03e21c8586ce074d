// SPDX-License-Identifier: MIT
// Is this build of narae right at all? One file, no framework, no exceptions needed: the first thing to run on a new
// machine.  c++ -std=c++20 -Iinclude tests/smoke.cpp -o smoke && ./smoke
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "narae/narae.hpp"

#ifndef SMOKE_ENTRY
#define SMOKE_ENTRY main
#endif
int SMOKE_ENTRY();

namespace {

int failed = 0;

void check(bool ok, const char* what) {
    if (ok) return;
    ++failed;
    std::fprintf(stderr, "FAILED: %s\n", what);
}

void results() {
    const narae::result<int> seven(7), none(narae::error{narae::errc::truncated, "cut", 3});
    check(seven && *seven == 7 && !none, "a result holds a value or an error");
    check(none.error().in("file").message() == "file: cut (byte 3)", "an error names place, reason and byte");
}

void bytes() {
    const unsigned char file[] = {0x78, 0x56, 0x34, 0x12, 0, 0, 0x80, 0x3F};
    check(narae::load_le<std::uint32_t>(file) == 0x12345678, "bytes are little-endian, whatever the machine");
    check(narae::load_le<float>(file + 4) == 1.0f, "floats too");
    narae::cursor at(narae::as_bytes(std::string_view("abc")));
    check(at.read<std::uint16_t>("two") && !at.read<std::uint16_t>("two more"), "a cursor stops at the end");
}

void utf8() {
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        std::string text;
        narae::text::utf8_append(text, c);
        const auto step = narae::text::utf8_front(text);
        if (!step.valid || step.code_point != c || step.length != text.size())
            return check(false, "every character survives UTF-8");
    }
    check(narae::text::utf8_first_invalid("\xED\xA0\x80") == 0, "a surrogate is no character");
    check(narae::text::utf8_unfinished("ab\xEA\xB0") == 2, "half of a syllable waits for the rest");
}

void json() {
    const auto document = narae::text::json::parse(R"({"n": [1, -2.5e1, "\uac00"], "deep": {"x": null}})");
    check(static_cast<bool>(document), "JSON is read");
    if (!document) return;
    std::vector<narae::text::json_value> n;
    document->root()["n"].for_each([&](const narae::text::json_value& v) { return n.push_back(v), true; });
    std::uint64_t whole = 0;
    double real = 0;
    check(n.size() == 3 && n[0].whole(whole) && whole == 1 && n[1].real(real) && real == -25 &&
              n[2].string() == "\xEA\xB0\x80",
          "JSON numbers and strings");
    check(document->root()["deep"]["x"].missing_or_null(), "JSON null");
    const auto bad = narae::text::json::parse("{\"a\": }");
    check(!bad && bad.error().at == 6, "bad JSON is refused at its byte");
}

void team() {
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
        const auto made = narae::sys::team::make(threads);
        if (!made) return check(false, "a team starts");
        std::vector<int> touched(1000);
        (*made)->run([&](std::size_t part, std::size_t parts) {
            const auto mine = narae::sys::slice_of(touched.size(), 16, part, parts);
            for (auto i = mine.begin; i < mine.end; ++i) ++touched[i];
        });
        for (const int n : touched)
            if (n != 1) return check(false, "a team touches each row once");
    }
}

/// Every table this machine can run, on quantised products: near the sum in double. (Equal to scalar, bit by bit,
/// is what the unit tests ask; here the compiler may have been told to be inexact.)
void kernels() {
    constexpr std::size_t n = 16, k = 200, padded = narae::num::groups_of(k) * narae::num::group_len;
    std::vector<float> x(k), back(k);
    std::uint32_t random = 1;
    const auto next = [&] { return random = random * 1664525 + 1013904223; };
    for (float& v : x) v = static_cast<float>(next() >> 8) / 8388608.0f - 1.0f;
    std::vector<std::byte> q4(narae::num::q4_layout::tile_bytes(k)), q8(narae::num::q8_layout::tile_bytes(k));
    for (auto* tile : {&q4, &q8}) {
        for (auto& b : *tile) b = static_cast<std::byte>(next() >> 24 | 1);  // 8-bit codes never are -128
        for (std::size_t i = 0; i < narae::num::q8_layout::scale_bytes(k); i += 2)
            narae::store_le(tile->data() + i, static_cast<std::uint16_t>(0x2000 + (next() >> 20)));
    }
    for (const auto& table : narae::kernel::runnable()) {
        std::vector<std::int8_t> code(padded);
        std::vector<float> scale(narae::num::groups_of(k)), y(n);
        std::vector<std::int32_t> sum(scale.size());
        const narae::num::q8_row row{code.data(), scale.data(), sum.data()};
        const narae::num::q8_rows rows{row.q, row.scale, row.sum, scale.size()};
        table.quantize_q8(row, x.data(), k, narae::num::group_len);
        const auto near_exact = [&](auto&& unpack_row, const std::vector<std::byte>& tile) {
            for (std::size_t r = 0; r < n; ++r) {
                double exact = 0, size = 0;
                unpack_row(back.data(), tile.data(), r, k);
                for (std::size_t i = 0; i < k; ++i) {
                    const double product = double{back[i]} * code[i] * double{scale[i / narae::num::group_len]};
                    exact += product;
                    size += product < 0 ? -product : product;
                }
                const double off = y[r] - exact;
                if (!(off <= 1e-5 * size && -off <= 1e-5 * size)) return false;
            }
            return true;
        };
        y.assign(n, 0.0f);
        table.gemm_q4(y.data(), n, q4.data(), rows, 1, k, 0, n);
        if (!near_exact(narae::num::unpack_row<narae::num::q4_layout>, q4))
            check(false, table.name), check(false, "gemm_q4");
        y.assign(n, 0.0f);
        table.gemm_q8(y.data(), n, q8.data(), rows, 1, k, 0, n);
        if (!near_exact(narae::num::unpack_row<narae::num::q8_layout>, q8))
            check(false, table.name), check(false, "gemm_q8");
    }
}

}  // namespace

int SMOKE_ENTRY() {
    results();
    bytes();
    utf8();
    json();
    team();
    kernels();
    if (failed == 0) std::printf("narae %s: all well\n", narae::version_text);
    return failed == 0 ? 0 : 1;
}
