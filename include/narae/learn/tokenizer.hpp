// SPDX-License-Identifier: MIT
// Trains narae's own tokenizer: byte pair encoding inside morphemes, then frequent expressions across them. Read
// learn/boundaries.hpp and learn/bpe.hpp before. The result is a tokenizer.json that other tools load as a plain
// byte-level BPE; what they do not know stands in the section "narae" of its model.
#ifndef NARAE_LEARN_TOKENIZER_HPP
#define NARAE_LEARN_TOKENIZER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "narae/base/bytes.hpp"
#include "narae/base/callback.hpp"
#include "narae/base/result.hpp"
#include "narae/learn/bpe.hpp"
#include "narae/learn/common_syllables.hpp"
#include "narae/sys/team.hpp"
#include "narae/text/hangul.hpp"
#include "narae/text/json.hpp"
#include "narae/text/lines.hpp"
#include "narae/text/utf8.hpp"
#include "narae/token/encoder.hpp"
#include "narae/token/morph.hpp"
#include "narae/token/packed_writer.hpp"
#include "narae/token/tokenizer.hpp"

namespace narae::inline NARAE_ABI::learn {

/// The tokens that stand for no text, by id; <|unused0|> and so on fill up the table to special_count.
inline constexpr std::array<std::string_view, 19> special_tokens = {
    "<|endoftext|>", "<|pad|>",    "<|sep|>",     "<|acc|>",       "<|tel|>",       "<|rrn|>",       "<|email|>",
    "<|addr|>",      "<|system|>", "<|/system|>", "<|user|>",      "<|/user|>",     "<|assistant|>", "<|/assistant|>",
    "<|polite|>",    "<|casual|>", "<|nfd|>",     "<|knowledge|>", "<|/knowledge|>"};
inline constexpr std::size_t special_count = 32;
inline constexpr std::string_view decomposed_token = "<|nfd|>";

inline constexpr double hiding = 10;  ///< an expression that hides n morpheme boundaries counts 1 / (1 + n * hiding)
inline constexpr std::size_t most_digits = 3;  ///< in one token

struct tokenizer_options {
    std::size_t vocab = 32000;       ///< tokens in all, a multiple of 64; fewer where the texts hold too little
    std::size_t expressions = 1000;  ///< of these, expressions across morphemes
    std::size_t threads = 0;         ///< 0: one per processor; the result is the same for any number
    std::string attribution = {};    ///< kept in the file: whose analyses the boundaries were learned from

    /// Do they fit together? Errors: bad_argument.
    result<void> check() const {
        constexpr std::size_t least = (special_count + 256 + 64 + 63) / 64 * 64;
        if (vocab < least || vocab % 64 != 0)
            return error{errc::bad_argument,
                         {"a vocabulary of ", vocab, " tokens: not a multiple of 64 from ", least, " on"}};
        if (expressions > vocab / 4)
            return error{errc::bad_argument, "more than a quarter of the vocabulary for expressions"};
        return {};
    }
};

/// Trains on texts, line by line; see options. Progress counts thousandths of the work.
class tokenizer_trainer {
public:
    using progress_callback = callback<std::uint64_t, std::uint64_t>;

    /// The text of a tokenizer.json. If the texts hold too little for the vocabulary wanted, what was found is filled
    /// up with <|unusedN|> to a multiple of 64. Errors: bad_argument (see check), bad_value without text, cancelled.
    static result<std::string> train(const std::vector<std::string_view>& texts,
                                     const token::boundary_model& boundaries, const tokenizer_options& options,
                                     progress_callback progress) {
        return guarded([&]() -> result<std::string> {
            tokenizer_trainer t(texts, boundaries, options, progress);
            return t.run();
        });
    }

private:
    using counts = std::unordered_map<std::string, std::uint64_t>;

    tokenizer_trainer(const std::vector<std::string_view>& texts, const token::boundary_model& boundaries,
                      const tokenizer_options& options, progress_callback& progress)
        : texts_(texts), boundaries_(boundaries), options_(options), progress_(progress) {}

    result<std::string> run() {
        if (const auto fit = options_.check(); !fit) return fit.error();
        auto team = sys::team::make(options_.threads);
        if (!team) return team.error();
        team_ = team->get();
        if (const auto counted = count_pieces(); !counted) return counted.error();
        if (pieces_.empty()) return error{errc::bad_value, "no text in the input"};
        find_alphabet();
        const auto room = options_.vocab - tokens_.size();
        const auto learned = learn_from_segments(room - (std::min)(room, options_.expressions));
        if (!learned) return learned.error();
        if (options_.expressions != 0)
            if (const auto joined = join_expressions(); !joined) return joined.error();
        while (tokens_.size() % 64 != 0) add_unused();
        return json();
    }

    // --- 1. how often each piece of text stands in the input, Hangul letters as syllables ---

    /// f(part, parts) on every thread. Memory that is lacking on any of them is an error.
    template <class F> result<void> on_all_threads(F&& f) {
        std::vector<char> failed(team_->size());
        team_->run([&](std::size_t part, std::size_t parts) {
            failed[part] = !guarded([&] { return f(part, parts), result<void>(); });
        });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        return {};
    }

    result<void> count_pieces() {
        std::vector<counts> shares(team_->size());
        std::uint64_t all = 0, done = 0;
        for (const auto t : texts_) all += t.size();
        constexpr std::size_t block = std::size_t{8} << 20;
        for (const auto t : texts_)
            for (std::size_t at = 0; at < t.size();) {
                auto end = (std::min)(t.size(), at + block);
                if (end < t.size()) end = (std::min)(t.find('\n', end), t.size());
                const auto counted = on_all_threads([&](std::size_t k, std::size_t n) {
                    std::string key;
                    for (auto rest = text::share_of_lines(t.substr(at, end - at), k, n); !rest.empty();)
                        token::for_each_piece(text::take_line(rest),
                                              [&](std::string_view p) { ++shares[k][key.assign(p)]; });
                });
                if (!counted) return counted;
                done += end - at;
                at = end;
                if (!progress_(all == 0 ? 0 : done * 300 / all, 1000)) return error{errc::cancelled, "cancelled"};
            }
        std::string composed;
        for (auto& s : shares) {
            for (const auto& [piece, n] : s) pieces_[text::compose_hangul(piece, composed) ? composed : piece] += n;
            counts().swap(s);
        }
        return {};
    }

    // --- 2. the characters that are tokens ---

    void find_alphabet() {
        tokens_.assign(special_tokens.begin(), special_tokens.end());
        while (tokens_.size() < special_count) add_unused();
        for (int b = 0; b < 256; ++b) add(std::string(1, static_cast<char>(static_cast<unsigned char>(b))));
        std::unordered_map<char32_t, std::uint64_t> seen;
        for (const auto& [piece, n] : pieces_)
            for (std::string_view rest = piece; !rest.empty();) {
                const auto step = text::utf8_front(rest);
                if (step.valid && step.code_point >= 0x80) seen[step.code_point] += n;
                rest.remove_prefix(step.length);
            }
        std::vector<std::pair<std::uint64_t, char32_t>> chosen;
        for (const auto c : common_syllables()) ++seen[c];
        for (const auto& [c, n] : seen)
            if (n >= (text::is_syllable(c) ? 1u : 50u)) chosen.push_back({n, c});
        std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        for (const auto& [n, c] : chosen) {
            if (tokens_.size() + 3 > options_.vocab / 4) break;
            std::string whole;
            text::utf8_append(whole, c);
            for (std::size_t k = 2; k <= whole.size(); ++k)  // byte by byte, as other tools need it
                if (!by_bytes_.count(whole.substr(0, k)))
                    merge({by_bytes_.at(whole.substr(0, k - 1)), by_bytes_.at(whole.substr(k - 1, 1))});
        }
    }

    void add_unused() { tokens_.push_back(concat({"<|unused", unused_++, "|>"})); }
    void add(std::string bytes) {
        by_bytes_.emplace(bytes, static_cast<token::token_id>(tokens_.size()));
        tokens_.push_back(std::move(bytes));
    }
    void merge(id_pair p) {
        merges_.push_back(p);
        add(tokens_[p.first] + tokens_[p.second]);
    }

    // --- 3. merges inside segments ---

    result<void> learn_from_segments(std::size_t most) {
        // Words begin lines, too, and stand behind quotes: a quarter of each counts once more without its blank.
        counts bare;
        for (const auto& [piece, n] : pieces_)
            if (piece.size() > 1 && piece[0] == ' ' && n >= 4) bare[piece.substr(1)] = n / 4;
        for (const auto& [piece, n] : bare) pieces_[piece] += n;
        counts segments;
        token::segmenter cut(boundaries_.weights, boundaries_.cut, most_digits);
        for (const auto& [piece, n] : pieces_)
            cut(piece, [&, count = n](std::string_view s) { segments[std::string(s)] += count; });
        counts().swap(pieces_);
        std::vector<std::pair<std::string, std::uint64_t>> ordered(segments.begin(), segments.end());
        counts().swap(segments);
        std::sort(ordered.begin(), ordered.end());
        std::vector<counted_word> words;
        for (const auto& [s, n] : ordered) {
            counted_word w{{}, n};
            for (std::string_view rest = s; !rest.empty();) {
                const auto length = text::utf8_front(rest).length;
                const auto found = by_bytes_.find(std::string(rest.substr(0, length)));
                if (found != by_bytes_.end())
                    w.ids.push_back(found->second);
                else
                    for (const char c : rest.substr(0, length)) w.ids.push_back(by_bytes_.at(std::string(1, c)));
                rest.remove_prefix(length);
            }
            if (w.ids.size() > 1) words.push_back(std::move(w));
        }
        const auto whole = [&](token::token_id id) {
            return id >= tokens_.size() || text::utf8_first_invalid(tokens_[id]) == tokens_[id].size();
        };
        const auto found = learn_merges(
            words, static_cast<token::token_id>(tokens_.size()), most,
            [&](id_pair p) { return whole(p.first) && whole(p.second); },
            [&](std::uint64_t done, std::uint64_t all) { return progress_(350 + done * 350 / all, 1000); });
        if (!found) return found.error();
        for (const auto& p : *found) merge(p);
        return {};
    }

    // --- 4. expressions ---

    static bool ends_in_syllable(std::string_view s) noexcept {
        return s.size() >= 3 && text::is_syllable(text::utf8_front(s.substr(s.size() - 3)).code_point);
    }
    result<void> join_expressions();

    // --- 5. the file ---

    /// After the special tokens come the bytes and what was merged, then special tokens again.
    bool is_special(std::size_t id) const noexcept {
        return id < special_count || id >= special_count + 256 + merges_.size();
    }
    std::string json() const {
        const auto key = [&](token::token_id id) { return token::spelled_key(tokens_[id], false); };
        const auto quoted = [](std::string_view s) { return text::json_quote(s); };
        std::string out = R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)";
        for (std::size_t id = 0; id < tokens_.size(); ++id)
            if (is_special(id))
                out += concat(
                    {id == 0 ? "\n" : ",\n", R"({"id":)", id, R"(,"content":)", quoted(tokens_[id]),
                     R"(,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true})"});
        out += R"(],
"normalizer":null,
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"post_processor":null,
"decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,
"fuse_unk":false,"byte_fallback":false,"ignore_merges":true,
)";
        out += concat({R"("narae":{"version":1,"digits":)", most_digits, R"(,"decomposed":)", quoted(decomposed_token),
                       R"(,"expressions":)", expressions_, R"(,"attribution":)", quoted(options_.attribution),
                       ",\n\"boundaries\":{\"cut\":", boundaries_.cut < 0 ? "-" : "",
                       static_cast<std::size_t>(std::abs(boundaries_.cut)), R"(,"weights":")",
                       token::base64_text(std::as_bytes(std::span(boundaries_.weights))), "\"}},\n\"vocab\":{"});
        for (std::size_t id = 0; id < tokens_.size(); ++id)
            out += concat({id == 0 ? "" : ",\n",
                           quoted(is_special(id) ? tokens_[id] : key(static_cast<token::token_id>(id))), ":", id});
        out += "},\n\"merges\":[";
        for (std::size_t m = 0; m < merges_.size(); ++m)
            out += concat({m == 0 ? "" : ",\n", quoted(key(merges_[m].first) + " " + key(merges_[m].second))});
        return out + "]}}\n";
    }

    const std::vector<std::string_view>& texts_;
    const token::boundary_model& boundaries_;
    const tokenizer_options& options_;
    progress_callback& progress_;
    sys::team* team_ = nullptr;
    counts pieces_;
    std::vector<std::string> tokens_;  // by id, as bytes
    std::unordered_map<std::string, token::token_id> by_bytes_;
    std::vector<id_pair> merges_;
    std::size_t unused_ = 0;       // so many of the tokens are called <|unused...|>
    std::size_t expressions_ = 0;  // so many of the merges, the last ones
};

/// Expressions are found in rounds over the whole input: the pairs of neighbouring tokens that save the most become
/// tokens, so that those of the next round may grow from them.
inline result<void> tokenizer_trainer::join_expressions() {
    const auto plain = token::tokenizer::parse(as_bytes(json()));
    if (!plain) return plain.error();
    // The input as ids. A mark says that an id begins a segment: only there may two tokens be joined.
    constexpr std::uint32_t begins = std::uint32_t{1} << 31, line = ~std::uint32_t{0};
    std::vector<std::vector<std::uint32_t>> shares(team_->size());
    const auto encoded = on_all_threads([&](std::size_t k, std::size_t n) {
        auto encode = plain->make_encoder();
        std::vector<token::token_id> ids;
        for (const auto t : texts_)
            for (auto rest = text::share_of_lines(t, k, n); !rest.empty();) {
                encode.for_each_segment(text::take_line(rest), [&](std::string_view s) {
                    ids.clear();
                    encode.encode_segment(s, ids);
                    for (std::size_t i = 0; i < ids.size(); ++i) shares[k].push_back(ids[i] | (i == 0 ? begins : 0));
                });
                shares[k].push_back(line);
            }
    });
    if (!encoded) return encoded;

    const auto hangul_begin = [&](token::token_id id) {
        return text::is_syllable(text::utf8_front(tokens_[id]).code_point);
    };
    std::vector<std::uint32_t> hidden(tokens_.size());         // morpheme boundaries inside an expression
    std::unordered_map<std::uint64_t, token::token_id> known;  // all merges: a pair can be one of the two kinds only
    for (const auto& p : merges_) known.emplace(key_of(p), 0);
    constexpr std::size_t rounds = 8;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress_(750 + round * 250 / rounds, 1000)) return error{errc::cancelled, "cancelled"};
        std::vector<std::unordered_map<std::uint64_t, std::uint64_t>> tallies(team_->size());
        const auto tallied = on_all_threads([&](std::size_t k, std::size_t) {
            auto& ids = shares[k];
            // 0, which is no pair that is known or joined, where the right one may not be joined to the left one.
            const auto pair = [&](std::uint32_t left, std::uint32_t right) {
                const bool may = left != line && right != line && (right & begins) != 0;
                return may ? key_of({left & ~begins, right & ~begins}) : 0;
            };
            // What the round before has found is joined first, left to right, as the encoder does.
            std::size_t to = 0;
            for (const auto id : ids) {
                const auto found = to == 0 ? known.end() : known.find(pair(ids[to - 1], id));
                if (found != known.end() && found->second != 0)
                    ids[to - 1] = found->second | (ids[to - 1] & begins);
                else
                    ids[to++] = id;
            }
            ids.resize(to);
            for (std::size_t i = 1; i < ids.size(); ++i) ++tallies[k][pair(ids[i - 1], ids[i])];
        });
        if (!tallied) return tallied;
        std::unordered_map<std::uint64_t, std::uint64_t> tally;
        for (const auto& t : tallies)
            for (const auto& [pair, n] : t) tally[pair] += n;
        struct candidate {
            double gain;
            id_pair pair;
            std::uint32_t hides;
        };
        std::vector<candidate> candidates;
        for (const auto& [pair, n] : tally) {
            const auto p = pair_of(pair);
            const bool end = ends_in_syllable(tokens_[p.first]);
            if (n < 20 || known.count(pair) || !(end || ends_in_syllable(tokens_[p.second]))) continue;
            const auto hides = hidden[p.first] + hidden[p.second] + (end && hangul_begin(p.second));
            candidates.push_back({static_cast<double>(n) / (1 + hiding * hides), p, hides});
        }
        std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
            return a.gain != b.gain ? a.gain > b.gain : a.pair < b.pair;
        });
        const auto until = options_.expressions * (round + 1) / rounds;
        for (const auto& c : candidates) {
            if (expressions_ == until) break;
            if (by_bytes_.count(tokens_[c.pair.first] + tokens_[c.pair.second])) continue;
            known[key_of(c.pair)] = static_cast<token::token_id>(tokens_.size());
            merge(c.pair);
            hidden.push_back(c.hides);
            ++expressions_;
        }
    }
    return {};
}

}  // namespace narae::inline NARAE_ABI::learn

#endif
