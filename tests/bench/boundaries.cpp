// SPDX-License-Identifier: MIT
// How well a tokenizer keeps to morphemes, against gold analyses; never part of pass or fail. From the top of the tree:
//   g++ -std=c++20 -O2 -Iinclude tests/bench/boundaries.cpp -o boundaries -pthread
//   ./boundaries examples/models/tokenizer.json ko_kaist-ud-dev.conllu
// Of the gaps between two syllables inside a word: R_je is the share of gold particles and endings (after what is no
// ending) at which there is a cut, R all that of all gold morphemes, P the share of cuts that are gold. Gaps that a
// contraction hides are not counted. Words stand alone behind a blank, as in the middle of a sentence.
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "narae/learn/gold.hpp"
#include "narae/sys/file_view.hpp"
#include "narae/token/tokenizer.hpp"

namespace {

using narae::learn::onset;

struct score {
    std::size_t gold = 0, found = 0, gold_je = 0, found_je = 0, cuts = 0, tokens = 0;

    /// `ends` are the bytes at which the pieces of " " + word end.
    void add(const narae::learn::gold_word& w, const std::vector<std::size_t>& ends) {
        tokens += ends.size();
        std::size_t at = 1, next = 0;
        for (std::size_t i = 0; i < w.form.size(); ++i) {
            while (next < ends.size() && ends[next] < at) ++next;
            const bool cut = next < ends.size() && ends[next] == at;
            std::string bytes;
            narae::text::utf8_append(bytes, w.form[i]);
            at += bytes.size();
            if (i == 0 || !narae::text::is_syllable(w.form[i]) || !narae::text::is_syllable(w.form[i - 1])) continue;
            const auto what = w.begins[i];
            if (what == onset::unknown) continue;
            const bool morpheme = what != onset::nothing, je = what == onset::particle || what == onset::ending;
            gold += morpheme, gold_je += je, cuts += cut;
            found += morpheme && cut, found_je += je && cut;
        }
    }
    void print(const char* name, std::size_t words) const {
        const auto share = [](std::size_t a, std::size_t b) {
            return b == 0 ? 0.0 : 100 * static_cast<double>(a) / static_cast<double>(b);
        };
        std::printf("%-28s R_je %.1f  R all %.1f  P %.1f  pieces per word %.3f\n", name, share(found_je, gold_je),
                    share(found, gold), share(found, cuts), static_cast<double>(tokens) / static_cast<double>(words));
    }
};

}  // namespace

int main(int count, char** values) {
    if (count < 3) return std::puts("boundaries tokenizer.json GOLD"), 2;
    const auto file = narae::sys::file_view::open(values[1]), gold = narae::sys::file_view::open(values[2]);
    if (!file || !gold) return std::puts("cannot open that"), 1;
    const auto t = narae::token::tokenizer::parse(file->bytes());
    if (!t) return std::puts(t.error().message().c_str()), 1;
    const auto words = narae::learn::read_gold(gold->bytes());
    if (!words) return std::puts(words.error().message().c_str()), 1;

    score morphemes, tokens;
    auto encoder = t->make_encoder();
    std::vector<narae::token::token_id> ids;
    std::vector<std::size_t> ends;
    for (const auto& w : *words) {
        std::string text = " ";
        for (const auto c : w.form) narae::text::utf8_append(text, c);
        ends.clear();
        encoder.for_each_segment(
            text, [&](std::string_view s) { ends.push_back((ends.empty() ? 0 : ends.back()) + s.size()); });
        morphemes.add(w, ends);
        ids.clear(), ends.clear();
        encoder.encode(text, {.expressions = false}, ids);
        for (const auto id : ids) ends.push_back((ends.empty() ? 0 : ends.back()) + t->bytes_of(id).size());
        tokens.add(w, ends);
    }
    std::printf("%zu words\n", words->size());
    morphemes.print("morphemes", words->size());
    tokens.print("tokens, expressions off", words->size());
}
