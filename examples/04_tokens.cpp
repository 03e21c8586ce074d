// SPDX-License-Identifier: MIT
// Text to ids and back, with nothing but a tokenizer.json.
//   ./04_tokens tests/golden/models/tiny-neox-parallel/tokenizer.json
#include <narae/narae.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    auto file = narae::sys::file_view::open(argc > 1 ? argv[1] : "tokenizer.json");
    if (!file) return std::puts(file.error().message().c_str()), 1;
    auto tokenizer = narae::token::tokenizer::parse(file->bytes());
    if (!tokenizer) return std::puts(tokenizer.error().message().c_str()), 1;

    const auto ids = tokenizer->encode("나래를 펴고 날아올랐다.");
    for (const auto id : ids) std::printf("%u ", static_cast<unsigned>(id));
    std::printf("\n%s\n", tokenizer->decode(ids).c_str());
}
