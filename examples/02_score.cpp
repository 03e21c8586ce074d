// SPDX-License-Identifier: MIT
// Which continuation does the model find likelier? The way to classify with a language model.
//   ./02_score MODEL
#include <narae/narae.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    auto model = narae::open(argc > 1 ? argv[1] : "model.safetensors");
    if (!model) return std::puts(model.error().message().c_str()), 1;

    narae::session talk(*model);
    auto scores = talk.score("문장: 정말 재미있게 보았다 긍부정:", {" 긍정", " 부정"});
    if (!scores) return std::puts(scores.error().message().c_str()), 1;

    const char* names[] = {"긍정", "부정"};
    for (std::size_t i = 0; i < scores->size(); ++i)
        std::printf("%s  %.3f nats over %zu tokens\n", names[i], (*scores)[i].log_likelihood, (*scores)[i].tokens);
}
