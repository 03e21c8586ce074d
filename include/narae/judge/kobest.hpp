// SPDX-License-Identifier: MIT
// KoBEST (Kim et al. 2022, arXiv:2204.04541) as EleutherAI's lm-evaluation-harness scores it: each choice stands behind
// the question, the likeliest is the answer. Prompts are those of its tasks kobest_*, byte for byte.
// Read tsv.hpp before, and session::score, which says how tokens are split between question and choice.
#ifndef NARAE_JUDGE_KOBEST_HPP
#define NARAE_JUDGE_KOBEST_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "narae/gen/session.hpp"
#include "narae/judge/tsv.hpp"
#include "narae/num/random.hpp"
#include "narae/text/romanised.hpp"

namespace narae::inline NARAE_ABI::judge {

using text::operator""_ko;

/// One of the five tasks. Lists are apart by '|'.
struct task {
    std::string_view name;
    std::u32string_view context;  ///< the question: A, B, C stand for the fields behind the label
    std::string_view columns;     ///< of the label, then of the fields; choices of an item's own come last
    std::string_view labels;      ///< the label of each choice
    std::u32string_view choices;  ///< empty: each item has its own
    bool by_length = false;       ///< scores per character are reported, too
};
inline constexpr task kobest[] = {
    {"boolq", "A jil-mun: B dab-byeon: "_ko, "Answer|Text|Question", "False|True", "a-ni-o|ye"_ko},
    {"copa", "A  B"_ko, "Answer|sentence|question|1|2", "1|2", {}},
    {"hellaswag", "mun-jang: A"_ko, "label|context|choice1|choice2|choice3|choice4", "0|1|2|3", {}, true},
    {"sentineg", "mun-jang: A geung-bu-jeong:"_ko, "Label|Text", "0|1", "bu-jeong|geung-jeong"_ko},
    {"wic", "mun-jang1: A mun-jang2: B du mun-jang-e-seo Cga gat-eun tteus-eu-ro sseu-yeoss-na?"_ko,
     "ANSWER|SENTENCE1|SENTENCE2|Target", "False|True", "a-ni-o|ye"_ko}};

/// A question, examples before it included, and which of the choices is right.
struct item {
    std::string context;
    std::vector<std::string> choices;
    std::size_t gold = 0;

    /// With a blank between, and one of the choices behind it.
    std::string with(std::size_t choice) const { return context + " " + choices[choice]; }
};

/// The items of a file as published. Errors name the line.
inline result<std::vector<item>> read_kobest(const task& t, std::string_view tsv) {
    return guarded([&]() -> result<std::vector<item>> {
        const auto columns = text::split(t.columns, '|'), labels = text::split(t.labels, '|');
        const auto pattern = text::utf8(t.context), choices = text::utf8(t.choices);
        auto common = text::split(choices, '|');
        const auto cause = text::utf8("won-in"_ko), effect = text::utf8("gyeol-gwa"_ko);
        const auto because = text::utf8("wae-nya-ha-myeon"_ko), so = text::utf8("geu-rae-seo"_ko);
        auto rows = read_tsv(tsv, columns);
        if (!rows) return rows.error();
        std::vector<item> items;
        for (auto& row : *rows) {
            auto& fields = row.fields;
            const auto bad = [&](std::size_t column, std::string_view wanted) {
                return error{errc::bad_value, concat({"line ", row.line, ": ", columns[column], " is '", fields[column],
                                                      "', not one of ", wanted})};
            };
            item made;
            const auto same = [&](std::string_view label) {  // TRUE is True
                return std::ranges::equal(label, fields[0], [](char a, char b) { return (a | 32) == (b | 32); });
            };
            made.gold = static_cast<std::size_t>(std::ranges::find_if(labels, same) - labels.begin());
            if (made.gold == labels.size()) return bad(0, t.labels);
            if (t.name == "copa") {
                if (fields[2] != cause && fields[2] != effect) return bad(2, concat({cause, "|", effect}));
                fields[2] = fields[2] == cause ? because : so;
            }
            for (const char c : pattern)
                c >= 'A' && c <= 'C' ? made.context += fields[static_cast<std::size_t>(c - '@')] : made.context += c;
            for (const auto c : choices.empty() ? std::span(fields).last(labels.size()) : std::span(common))
                made.choices.emplace_back(c);
            items.push_back(std::move(made));
        }
        return items;
    });
}

/// Puts examples from `train`, rightly answered, before every item: `shots` of them, drawn anew for each item from the
/// seed and its place, in the order of the file, an empty line behind each. Errors: fewer than that in `train`; or so
/// many that with half of the items the window would cut one away whole, which says how many fit.
inline result<void> add_examples(std::vector<item>& items, const std::vector<item>& train, std::size_t shots,
                                 std::uint64_t seed, const session& talk) {
    return guarded([&]() -> result<void> {
        const auto* tokenizer = talk.model().tokenizer();
        if (tokenizer == nullptr) return error{errc::unsupported, "the model came without a tokenizer"};
        if (shots > train.size())
            return error{errc::bad_argument, concat({shots, " examples asked for, there are ", train.size()})};
        const auto example = [&](std::size_t row) { return train[row].with(train[row].gold) + "\n\n"; };
        std::vector<std::size_t> lengths(train.size()), fits;  // tokens of examples, 0: not counted; examples by item
        std::vector<std::vector<std::size_t>> drawn(items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            std::size_t tokens = 0, fit = 0;
            for (std::size_t c = 0; c < items[i].choices.size(); ++c)
                tokens = (std::max)(tokens, tokenizer->encode(items[i].with(c)).size());
            for (num::random random{num::random{seed + i}.next()}; drawn[i].size() < shots;) {
                const auto row = static_cast<std::size_t>(random.below(train.size()));
                const auto place = std::ranges::lower_bound(drawn[i], row);
                if (place != drawn[i].end() && *place == row) continue;
                drawn[i].insert(place, row);
                if (fit + 1 != drawn[i].size()) continue;
                if (lengths[row] == 0) lengths[row] = tokenizer->encode(example(row)).size();
                fit += (tokens += lengths[row]) <= talk.window() + lengths[drawn[i].front()];
            }
            fits.push_back(fit);
        }
        std::ranges::sort(fits);
        if (!fits.empty() && fits[fits.size() / 2] < shots)
            return error{errc::bad_argument,
                         concat({shots, " examples do not fit the window of ", talk.window(),
                                 " tokens before half of the questions; ", fits[fits.size() / 2], " do"})};
        for (std::size_t i = 0; i < items.size(); ++i) {
            std::string before;
            for (const auto row : drawn[i]) before += example(row);
            items[i].context.insert(0, before);
        }
        return {};
    });
}

/// What a model says to an item: the summed log-likelihood of each choice, and which is the highest.
struct verdict {
    std::vector<double> scores;
    std::size_t pred = 0, pred_by_length = 0;  ///< by the sum, and by the sum per character of the choice
    bool cut = false;                          ///< the window was too short: the question lost its beginning
};

/// Errors: those of session::score.
inline result<verdict> decide(session& talk, const item& asked) {
    return guarded([&]() -> result<verdict> {
        std::vector<std::string> choices;
        for (const auto& c : asked.choices) choices.push_back(" " + c);
        const auto scores = talk.score(asked.context, choices);
        if (!scores) return scores.error();
        verdict v;
        std::vector<double> each;
        for (std::size_t c = 0; c < choices.size(); ++c) {
            const auto& s = (*scores)[c];
            v.scores.push_back(s.log_likelihood);
            each.push_back(s.log_likelihood / static_cast<double>((std::max<std::size_t>)(s.characters, 2) - 1));
            const auto whole = asked.with(c);  // no token has less than a byte
            v.cut = v.cut || (whole.size() > talk.window() &&
                              talk.model().tokenizer()->encode(whole).size() > talk.window() + 1);
        }
        v.pred = static_cast<std::size_t>(std::ranges::max_element(v.scores) - v.scores.begin());
        v.pred_by_length = static_cast<std::size_t>(std::ranges::max_element(each) - each.begin());
        return v;
    });
}

}  // namespace narae::inline NARAE_ABI::judge

#endif
