// SPDX-License-Identifier: MIT
// Speed of a tokenizer on a text; never part of pass or fail. From the top of the tree:
//   g++ -std=c++20 -O2 -Iinclude tests/bench/tokenizer.cpp -o tokenizer -pthread
//   ./tokenizer examples/models/tokenizer.json TEXT [ROUNDS]
// The text is encoded line by line. "cold" is an encoder that has seen nothing, "warm" the same one once more; MB are
// 10^6 bytes per second of one core's time. Two threads share the lines, each with its own cold encoder, by the clock.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "narae/sys/file_view.hpp"
#include "narae/sys/team.hpp"
#include "narae/token/tokenizer.hpp"

namespace {

using lines = std::vector<std::string_view>;

double cpu() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
double wall() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::size_t encode(narae::token::encoder& e, const lines& all, std::size_t begin, std::size_t end, bool expressions) {
    std::size_t n = 0;
    std::vector<narae::token::token_id> ids;
    for (auto i = begin; i < end; ++i) {
        ids.clear();
        e.encode(all[i], {.expressions = expressions}, ids);
        n += ids.size();
    }
    return n;
}

/// Least, median and largest.
void print(const char* what, std::vector<double> seconds, std::size_t bytes) {
    std::sort(seconds.begin(), seconds.end());
    const auto rate = [&](std::size_t i) { return static_cast<double>(bytes) / seconds[seconds.size() - 1 - i] / 1e6; };
    std::printf("  %-24s MB/s per core-second min %.1f median %.1f max %.1f\n", what, rate(0), rate(seconds.size() / 2),
                rate(seconds.size() - 1));
}

}  // namespace

int main(int count, char** values) {
    if (count < 3) return std::puts("tokenizer tokenizer.json TEXT [ROUNDS]"), 2;
    const std::size_t rounds = count > 3 ? std::strtoul(values[3], nullptr, 10) : 11;
    const auto file = narae::sys::file_view::open(values[1]);
    const auto text = narae::sys::file_view::open(values[2]);
    if (!file || !text || rounds == 0) return std::puts("cannot open that"), 1;
    const auto started = wall();
    const auto t = narae::token::tokenizer::parse(file->bytes());
    if (!t) return std::puts(t.error().message().c_str()), 1;
    std::printf("%zu tokens, opened in %.1f ms\n", t->count(), (wall() - started) * 1e3);

    lines all;
    for (auto rest = narae::as_text(text->bytes()); !rest.empty();) {
        const auto end = (std::min)(rest.find('\n'), rest.size());
        all.push_back(rest.substr(0, end));
        rest.remove_prefix((std::min)(end + 1, rest.size()));
    }
    const auto bytes = text->bytes().size();
    for (const bool expressions : {false, true}) {
        std::vector<double> cold, warm, one, two;
        std::size_t tokens = 0;
        for (std::size_t r = 0; r < rounds; ++r) {
            auto e = t->make_encoder();
            for (auto* times : {&cold, &warm}) {
                const auto start = cpu();
                tokens = encode(e, all, 0, all.size(), expressions);
                times->push_back(cpu() - start);
            }
            for (const auto threads : {std::size_t{1}, std::size_t{2}}) {
                auto team = narae::sys::team::make(threads);
                if (!team) return 1;
                const auto start = wall();
                (*team)->run([&](std::size_t part, std::size_t parts) {
                    auto mine = t->make_encoder();
                    encode(mine, all, all.size() * part / parts, all.size() * (part + 1) / parts, expressions);
                });
                (threads == 1 ? one : two).push_back(wall() - start);
            }
        }
        std::printf("expressions %s: %zu tokens of %zu bytes\n", expressions ? "on" : "off", tokens, bytes);
        print("cold", cold, bytes);
        print("warm", warm, bytes);
        std::sort(one.begin(), one.end()), std::sort(two.begin(), two.end());
        std::printf("  two threads are          %.2f times as fast as one (medians, by the clock)\n",
                    one[rounds / 2] / two[rounds / 2]);
    }

    std::vector<narae::token::token_id> ids;
    auto e = t->make_encoder();
    e.encode(narae::as_text(text->bytes()), {}, ids);
    std::vector<double> decode;
    for (std::size_t r = 0; r < rounds; ++r) {
        const auto start = cpu();
        if (t->decode_bytes(ids) != narae::as_text(text->bytes())) return std::puts("decoded to something else"), 1;
        decode.push_back(cpu() - start);
    }
    print("decode", decode, bytes);
}
