// SPDX-License-Identifier: MIT
// One level lower: ids in, logits out, and the five likeliest next tokens.
//   ./03_logits MODEL
#include <narae/narae.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>

int main(int argc, char** argv) {
    auto model = narae::open(argc > 1 ? argv[1] : "model.safetensors");
    if (!model) return std::puts(model.error().message().c_str()), 1;
    const auto* tokenizer = model->tokenizer();
    if (tokenizer == nullptr) return std::puts("this model has no tokenizer"), 1;

    narae::session talk(*model);
    auto logits = talk.feed(tokenizer->encode("오늘 날씨가"));
    if (!logits) return std::puts(logits.error().message().c_str()), 1;

    std::vector<narae::token_id> ids(logits->size());
    std::iota(ids.begin(), ids.end(), 0u);
    std::partial_sort(ids.begin(), ids.begin() + 5, ids.end(),
                      [&](auto a, auto b) { return (*logits)[a] > (*logits)[b]; });
    for (std::size_t i = 0; i < 5; ++i)
        std::printf("%8.3f  id %u\n", static_cast<double>((*logits)[ids[i]]), static_cast<unsigned>(ids[i]));
}
