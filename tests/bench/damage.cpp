// SPDX-License-Identifier: MIT
// What rounding costs a checkpoint that came with reference sequences (ref/ref.json): converts it to each type beside
// this program's working folder and compares next-token distributions with those of the f32 weights and f32 cache.
//   g++ -std=c++20 -O2 -Iinclude tests/bench/damage.cpp -o damage -pthread && ./damage CHECKPOINT_FOLDER
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "narae/toolkit.hpp"

namespace {

using rows = std::vector<std::vector<float>>;

rows logits_of(const narae::language_model& m, narae::cache_type cache,
               const std::vector<std::vector<narae::token_id>>& all) {
    rows out;
    for (const auto& ids : all) {
        narae::session talk(m, {.cache = cache});
        const auto fed = talk.feed_each(ids, [&](std::size_t, std::span<const float> row) {
            out.emplace_back(row.begin(), row.end());
            return true;
        });
        if (!fed) std::puts(fed.error().message().c_str());
    }
    return out;
}

std::vector<double> softmax(const std::vector<float>& logits) {
    std::vector<double> p(logits.begin(), logits.end());
    double largest = p[0], sum = 0;
    for (const auto v : p) largest = v > largest ? v : largest;
    for (auto& v : p) sum += v = std::exp(v - largest);
    for (auto& v : p) v /= sum;
    return p;
}

std::size_t top(const std::vector<float>& row) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < row.size(); ++i)
        if (row[i] > row[best]) best = i;
    return best;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return std::puts("usage: damage CHECKPOINT_FOLDER"), 2;
    const std::string folder = argv[1];
    const auto text = narae::sys::file_view::open(folder + "/ref/ref.json");
    if (!text) return std::puts(text.error().message().c_str()), 1;
    const auto doc = narae::text::json::parse(narae::as_text(text->bytes()));
    if (!doc) return std::puts(doc.error().message().c_str()), 1;
    std::vector<std::vector<narae::token_id>> sequences;
    doc->root()["sequences"].for_each([&](const narae::text::json_value& s) {
        sequences.emplace_back();
        s["ids"].for_each([&](const narae::text::json_value& v) {
            std::uint64_t id = 0;
            if (v.whole(id)) sequences.back().push_back(static_cast<narae::token_id>(id));
            return true;
        });
        return true;
    });
    const auto original = narae::open(folder);
    if (!original) return std::puts(original.error().message().c_str()), 1;
    const auto expected = logits_of(*original, narae::cache_type::f32, sequences);

    std::printf("| weights | cache | bits per weight | KL, nats | same top token |\n|---|---|---|---|---|\n");
    using narae::model::format;
    for (const auto type : {format::f16, format::q8, format::q4}) {
        const std::string path = "damage.safetensors";
        const auto made = narae::quant::convert(folder, path, {.type = type});
        if (!made) return std::puts(made.error().message().c_str()), 1;
        const auto model = narae::open(path);
        if (!model) return std::puts(model.error().message().c_str()), 1;
        for (const auto cache : {narae::cache_type::f32, narae::cache_type::q8}) {
            const auto got = logits_of(*model, cache, sequences);
            double kl = 0, same = 0;
            for (std::size_t t = 0; t < expected.size(); ++t) {
                const auto p = softmax(expected[t]), q = softmax(got[t]);
                for (std::size_t i = 0; i < p.size(); ++i)
                    if (p[i] > 0) kl += p[i] * std::log(p[i] / q[i]);
                same += top(expected[t]) == top(got[t]);
            }
            const auto n = static_cast<double>(expected.size());
            std::printf("| %s | %s | %.2f | %.6f | %.1f %% |\n", std::string(narae::model::format_name(type)).c_str(),
                        cache == narae::cache_type::f32 ? "f32" : "q8", made->bits_per_weight(), kl / n,
                        100 * same / n);
        }
        std::remove(path.c_str());
    }
}
