// SPDX-License-Identifier: MIT
// Opens a model and goes on from a few words.  g++ -std=c++20 -O2 -Isingle_include examples/01_hello.cpp -o hello
//   ./hello tests/golden/models/tiny-neox-parallel        (random weights: the text is noise, but always the same
//   noise)
#include <narae/narae.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    auto model = narae::open(argc > 1 ? argv[1] : "model.safetensors");
    if (!model) return std::puts(model.error().message().c_str()), 1;

    narae::session talk(*model);
    auto text = talk.generate("옛날 옛적에", {.max_tokens = 64}, [](std::string_view piece) {
        std::fwrite(piece.data(), 1, piece.size(), stdout);
        return true;  // false stops
    });
    if (!text) return std::puts(text.error().message().c_str()), 1;
    std::puts("");
}
