// SPDX-License-Identifier: MIT
// narae 0.1.0: narae/toolkit.hpp and all that it includes, in one file. Made by single_include/amalgamate.cpp; do not edit.
// FNV-1a hash of all that follows this line: e4aa893b4d7732b0
//
// The toolkit: makes, shrinks, teaches and judges models. Running one needs only narae.hpp, which never reaches here.
//
//   quant/   weights to fewer bits, and the report of what that cost
//   learn/   what is trained: so far the tokenizer
#ifndef NARAE_TOOLKIT_HPP
#define NARAE_TOOLKIT_HPP

#include "narae.hpp"

#include <queue>
#include <unordered_map>

// ==== narae/base/config.hpp ====
// Every macro and every user switch of narae, each with its line. Nothing else in the library is a macro.
// Define a switch before the first include; a switch that changes code also changes the namespace tag,
// so that two files compiled with different switches can live in one program.

// --- switches for users ---------------------------------------------------------------------------------
// NARAE_NO_FILES    no operating system files: models come from byte spans
// NARAE_NO_THREADS  no <thread>: everything runs on the caller's thread
// NARAE_NO_SIMD     scalar kernels only

// --- what the compiler and the target offer ---------------------------------------------------------------
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define NARAE_EXCEPTIONS 1  // result::value() exists and throws; allocation failures become errors
#else
#define NARAE_EXCEPTIONS 0
#endif
#if !defined(NARAE_NO_SIMD) && (defined(__x86_64__) || defined(__i386__) || defined(_M_X64))
#define NARAE_X86 1  // AVX2 kernels are compiled in, chosen at run time
#else
#define NARAE_X86 0
#endif
#if !defined(NARAE_NO_SIMD) && (defined(__aarch64__) || defined(_M_ARM64)) && \
    !(defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define NARAE_NEON 1  // 64-bit ARM: NEON is part of the architecture
#else
#define NARAE_NEON 0
#endif
#if defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
#define NARAE_POSIX 1  // files are mapped through the POSIX calls
#else
#define NARAE_POSIX 0
#endif
#if defined(__GNUC__) || defined(__clang__)
#define NARAE_AVX2 __attribute__((target("avx2,fma,f16c")))  // one function may use more than the user's flags allow
#else
#define NARAE_AVX2
#endif
// --- the namespace tag ------------------------------------------------------------------------------------
#if NARAE_EXCEPTIONS
#define NARAE_ABI_X v0
#else
#define NARAE_ABI_X v0_noexcept
#endif
#if defined(NARAE_NO_FILES)
#define NARAE_ABI_F _nofiles
#else
#define NARAE_ABI_F
#endif
#if defined(NARAE_NO_THREADS)
#define NARAE_ABI_T _nothreads
#else
#define NARAE_ABI_T
#endif
#if defined(NARAE_NO_SIMD)
#define NARAE_ABI_S _nosimd
#else
#define NARAE_ABI_S
#endif
#define NARAE_JOIN2(a, b, c, d) a##b##c##d
#define NARAE_JOIN(a, b, c, d) NARAE_JOIN2(a, b, c, d)
#define NARAE_ABI NARAE_JOIN(NARAE_ABI_X, NARAE_ABI_F, NARAE_ABI_T, NARAE_ABI_S)
// ==== narae/learn/gold.hpp ====
// Gold morphological analyses, as treebanks of Korean give them, laid onto the surface of words: at which gaps between
// two syllables a morpheme begins, and of which kind it is. Reads CoNLL-U (universaldependencies.org/format.html, with
// LEMMA and XPOS joined by '+') and lines of three columns: form, morphemes, tags.
namespace narae::inline NARAE_ABI::learn {
/// What begins at a gap between two characters of a word. After an ending another ending is `chain`.
enum class onset : std::uint8_t { nothing, particle, ending, chain, copula, affix, other, unknown };
/// A word as written, and what begins before each of its characters (nothing before the first).
struct gold_word {
    std::u32string form;
    std::vector<onset> begins;
};
/// The kind of a morpheme by its tag: KAIST tags are in lower case, Sejong tags in upper case.
inline onset onset_of(std::string_view tag) noexcept {
    const auto any_of = [&](auto... tags) { return ((tag == tags) || ...); };
    if (any_of("jp", "VCP")) return onset::copula;
    if (tag.starts_with("xsn") || tag == "XSN") return onset::affix;
    if (tag.starts_with("j") || any_of("JKS", "JKC", "JKG", "JKO", "JKB", "JKV", "JKQ", "JX", "JC"))
        return onset::particle;
    return tag.starts_with("e") || any_of("EP", "EF", "EC", "ETN", "ETM") ? onset::ending : onset::other;
}
namespace detail {
inline std::u32string code_points(std::string_view s) {
    std::u32string out;
    while (!s.empty()) {
        const auto step = text::utf8_front(s);
        out.push_back(step.code_point);
        s.remove_prefix(step.length);
    }
    return out;
}
/// Syllables as conjoining jamo; a consonant that stands alone, as in cited endings, as the final that it is.
inline std::u32string letters_of(std::u32string_view s) {
    std::u32string out;
    for (const auto c : s) {
        if (text::is_syllable(c)) {
            const auto j = text::split_syllable(c);
            out += {j.initial, j.vowel};
            if (j.last != 0) out.push_back(j.last);
        } else if (c >= 0x3131 && c <= 0x314E && c != 0x3138 && c != 0x3143 && c != 0x3149) {
            // The compatibility consonants stand in the order of the finals, but for tt, pp and jj among them.
            out.push_back(text::no_final + (c - 0x3130) - (c > 0x3138) - (c > 0x3143) - (c > 0x3149));
        } else {
            out.push_back(c);
        }
    }
    return out;
}
inline std::vector<std::string_view> split(std::string_view s, char at) {
    std::vector<std::string_view> parts;
    for (auto end = s.find(at); end != s.npos; end = s.find(at)) {
        parts.push_back(s.substr(0, end));
        s.remove_prefix(end + 1);
    }
    parts.push_back(s);
    return parts;
}
/// Lays morphemes onto the word that they make. Both are written as jamo; what they share at the front and at the back
/// has its place on the surface. In between the spelling was contracted (ga + at + da: gatda), and the gaps there and
/// right behind a contracted syllable are unknown, unless a morpheme plainly begins there.
inline gold_word align(std::string_view form, const std::vector<std::string_view>& morphemes,
                       const std::vector<std::string_view>& tags) {
    gold_word w{code_points(form), {}};
    const auto n = w.form.size();
    w.begins.assign(n, onset::nothing);
    const auto mark_unknown = [&](std::size_t i) {
        if (i > 0 && i < n && w.begins[i] == onset::nothing) w.begins[i] = onset::unknown;
    };
    if (morphemes.size() != tags.size() || std::find(morphemes.begin(), morphemes.end(), "") != morphemes.end()) {
        for (std::size_t i = 1; i < n; ++i) mark_unknown(i);
        return w;
    }
    std::u32string surface, letters;
    std::vector<std::size_t> character_at;  // by offset in surface; n in the middle of a character
    for (std::size_t i = 0; i < n; ++i) {
        surface += letters_of(w.form.substr(i, 1));
        character_at.push_back(i);
        character_at.resize(surface.size(), n);
    }
    character_at.push_back(n);
    std::vector<std::size_t> ends;
    for (const auto m : morphemes) ends.push_back((letters += letters_of(code_points(m))).size());

    const auto shorter = (std::min)(surface.size(), letters.size());
    std::size_t front = 0, back = 0;
    while (front < shorter && surface[front] == letters[front]) ++front;
    while (back < shorter - front && surface.end()[-1 - static_cast<std::ptrdiff_t>(back)] ==
                                         letters.end()[-1 - static_cast<std::ptrdiff_t>(back)])
        ++back;
    std::vector<std::size_t> contracted;  // offsets in the middle of a character at which a morpheme begins
    for (std::size_t m = 1; m < tags.size(); ++m) {
        const auto offset = ends[m - 1], rest = letters.size() - offset;
        if (offset > front && rest > back) continue;
        const auto at = offset <= front ? offset : surface.size() - rest;
        auto what = onset_of(tags[m]);
        if (what == onset::ending && onset_of(tags[m - 1]) == onset::ending) what = onset::chain;
        if (const auto i = character_at[at]; i > 0 && i < n)
            w.begins[i] = what;
        else if (at > 0 && at < surface.size())
            contracted.push_back(at);
    }
    for (auto at : contracted) {
        while (character_at[at] == n && at < surface.size()) ++at;
        mark_unknown(character_at[at]);
    }
    if (surface != letters)
        for (auto at = front; at <= surface.size() - back; ++at) mark_unknown(character_at[at]);
    return w;
}
}  // namespace detail
/// The words of a treebank, those that are glued together (SpaceAfter=No) as one. Errors name the line.
inline result<std::vector<gold_word>> read_gold(byte_view file) {
    std::vector<gold_word> words;
    std::size_t number = 0, columns = 0;
    bool glue = false;
    for (auto rest = as_text(file); !rest.empty();) {
        const auto end = (std::min)(rest.find('\n'), rest.size());
        auto line = rest.substr(0, end);
        rest.remove_prefix((std::min)(end + 1, rest.size()));
        ++number;
        const auto bad = [&](std::initializer_list<piece> what) {
            return error{errc::bad_value, concat({"line ", number, ": ", concat(what)})};
        };
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (text::utf8_first_invalid(line) != line.size()) return bad({"not UTF-8"});
        const auto column = detail::split(line, '\t');
        if (line.empty() || (line[0] == '#' && (columns == 10 || column.size() != 3))) {
            glue = glue && !line.empty();
            continue;
        }
        if (columns == 0) columns = column.size();
        if (column.size() != columns || (columns != 10 && columns != 3))
            return bad({column.size(), " columns, not ",
                        columns == 3 ? "the 3 of form, morphemes, tags" : "the 10 of CoNLL-U"});
        const bool conllu = columns == 10;
        if (conllu) {
            if (column[0].empty() || column[0].find_first_not_of("0123456789.-") != line.npos)
                return bad({"the first column is no word number"});
            if (column[0].find_first_of(".-") != line.npos) continue;  // an empty node, or the range of several words
        }
        const auto form = column[conllu ? 1 : 0], tags = column[conllu ? 4 : 2];
        auto lemma = column[conllu ? 2 : 1];
        if (form.empty() || lemma.empty() || tags.empty()) return bad({"an empty column"});
        if (lemma == "_" || tags.find('+') == tags.npos) lemma = form;
        auto word = tags.find('+') == tags.npos
                        ? detail::align(form, {lemma}, {tags})
                        : detail::align(form, detail::split(lemma, '+'), detail::split(tags, '+'));
        if (glue) {
            auto& before = words.back();
            word.begins[0] = onset::unknown;
            before.form += word.form;
            before.begins.insert(before.begins.end(), word.begins.begin(), word.begins.end());
        } else {
            words.push_back(std::move(word));
        }
        glue = conllu && column[9].find("SpaceAfter=No") != line.npos;
    }
    if (words.empty()) return error{errc::bad_value, "no words in it"};
    return words;
}
// ==== narae/learn/boundaries.hpp ====
// Trains the model that cuts words into morphemes (token/morph.hpp) from gold analyses: a linear classifier of gaps
// under the squared hinge loss, trained by AdaGrad (Duchi et al. 2011) in the hashed table that it will be used from,
// then rounded to 8 bits. Only sums, products, quotients and roots of doubles: every machine finds the same weights,
// as long as its compiler does not fuse a product with a sum.
/// Trains on all runs of syllables in `words`; the same words in the same order give the same model.
/// Progress counts rounds. Errors: no gap with a particle or an ending in it; cancelled.
inline result<token::boundary_model> train_boundaries(std::span<const gold_word> words,
                                                      callback<std::uint64_t, std::uint64_t> progress) {
    // Particles and endings are to be found, everything else is to be left whole. Where conventions differ (compounds,
    // affixes) a gap teaches nothing, and little where an ending or the copula follows: what is cut there is as well.
    const auto importance = [](onset what) {
        switch (what) {
            case onset::nothing:
            case onset::particle:
            case onset::ending: return 1.0;
            case onset::chain: return 0.2;
            case onset::copula: return 0.1;
            case onset::affix: return 0.4;
            default: return 0.0;
        }
    };
    std::map<std::pair<std::u32string, std::vector<onset>>, std::size_t> runs;
    for (const auto& w : words)
        for (std::size_t begin = 0, end; begin < w.form.size(); begin = end + 1) {
            for (end = begin; end < w.form.size() && text::is_syllable(w.form[end]);) ++end;
            const auto at = w.begins.begin() + static_cast<std::ptrdiff_t>(begin);
            if (end - begin > 1)
                ++runs[{w.form.substr(begin, end - begin), {at, at + static_cast<std::ptrdiff_t>(end - begin)}}];
        }
    struct example {
        std::vector<std::uint32_t> slots;
        double weight;
        bool cut;
    };
    std::vector<example> examples;
    bool any_cut = false;
    for (const auto& run : runs)
        token::for_each_gap(run.first.first, [&](std::size_t i, const token::gap& g) {
            const auto what = run.first.second[i];
            const double weight = importance(what) * std::sqrt(static_cast<double>(run.second));
            any_cut = any_cut || what == onset::particle || what == onset::ending;
            if (weight == 0) return;
            examples.push_back({{}, weight, what != onset::nothing});
            token::for_each_feature(g, [&](std::uint32_t slot) { examples.back().slots.push_back(slot); });
        });
    if (!any_cut) return error{errc::bad_value, "no particle and no ending begins inside a word"};

    constexpr double rate = 0.25, margin = 4;
    constexpr std::size_t rounds = 7;
    std::vector<double> weights(token::boundary_model::slots), squares(token::boundary_model::slots, 1e-2);
    double bias = 0;
    std::uint64_t random = 1;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress(round, rounds)) return error{errc::cancelled, "cancelled"};
        for (auto i = examples.size(); i-- > 1;)
            std::swap(examples[i], examples[static_cast<std::size_t>((random = token::mix(random + i)) % (i + 1))]);
        for (const auto& e : examples) {
            double sum = bias;
            for (const auto s : e.slots) sum += weights[s];
            const double sign = e.cut ? 1 : -1, missing = margin - sign * sum;
            if (missing <= 0) continue;
            const double step = e.weight * sign * missing;
            for (const auto s : e.slots) {
                squares[s] += step * step;
                weights[s] += rate * step / std::sqrt(squares[s]);
            }
            bias += 1e-4 * step;
        }
    }
    // The few largest weights are clipped, so that the others keep more of their digits; of a few gaps, fewer or none.
    std::vector<double> sizes;
    for (const auto w : weights)
        if (w != 0) sizes.push_back(std::fabs(w));
    std::sort(sizes.begin(), sizes.end());
    const auto clipped = (std::min)(weights.size() / 2000, sizes.size() / 500);
    const double unit = sizes[sizes.size() - clipped - 1] / 127;
    token::boundary_model model;
    for (std::size_t k = 0; k < weights.size(); ++k)
        model.weights[k] = static_cast<std::int8_t>(std::lround(std::clamp(weights[k] / unit, -127.0, 127.0)));
    constexpr double lean = 0.06;  // towards cutting: a missed particle costs more than a stem in two
    model.cut = static_cast<std::int32_t>(std::lround((-lean - bias) / unit));
    return model;
}
// ==== narae/learn/bpe.hpp ====
// Learns the merges of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909) from counted segments. Pairs are
// counted once; every merge then mends the counts of the words that it changes and of no others.
/// A segment as the ids of its symbols, and how often it stands in the text.
struct counted_word {
    std::vector<token::token_id> ids;
    std::uint64_t count = 0;
};
/// The pair of ids that a merge joins; its product gets the next free id.
using id_pair = std::pair<token::token_id, token::token_id>;
/// Up to `most` merges, the most frequent pair first; of equally frequent pairs the one of the lower ids. The products
/// get the ids first_id, first_id + 1 ... `words` is used up. allowed(pair) says whether two symbols may be joined.
/// Stops early where no pair is left that stands twice. Progress counts merges.
template <class Allowed>
result<std::vector<id_pair>> learn_merges(std::vector<counted_word>& words, token::token_id first_id, std::size_t most,
                                          Allowed&& allowed, callback<std::uint64_t, std::uint64_t> progress) {
    struct tally {
        std::uint64_t count = 0;
        std::vector<std::uint32_t> words;  // those that have held the pair; some no longer do
    };
    const auto key = [](id_pair p) { return std::uint64_t{p.first} << 32 | p.second; };
    struct spread {
        std::size_t operator()(std::uint64_t k) const noexcept { return static_cast<std::size_t>(token::mix(k)); }
    };
    std::unordered_map<std::uint64_t, tally, spread> pairs;
    for (std::uint32_t w = 0; w < words.size(); ++w)
        for (std::size_t i = 0; i + 1 < words[w].ids.size(); ++i) {
            auto& t = pairs[key({words[w].ids[i], words[w].ids[i + 1]})];
            t.count += words[w].count;
            if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
        }
    struct candidate {
        std::uint64_t count;
        id_pair pair;
        bool operator<(const candidate& b) const noexcept { return count != b.count ? count < b.count : pair > b.pair; }
    };
    std::priority_queue<candidate> queue;
    const auto offer = [&](std::uint64_t k, std::uint64_t count) {
        const id_pair p{static_cast<token::token_id>(k >> 32), static_cast<token::token_id>(k)};
        if (count > 1 && allowed(p)) queue.push({count, p});
    };
    for (const auto& [k, t] : pairs) offer(k, t.count);

    std::vector<id_pair> merges;
    std::vector<std::uint64_t> touched;
    while (merges.size() < most && !queue.empty()) {
        const auto best = queue.top();
        queue.pop();
        const auto found = pairs.find(key(best.pair));
        if (found == pairs.end()) continue;
        if (found->second.count != best.count) {  // it was counted before other merges took some of it away
            offer(found->first, found->second.count);
            continue;
        }
        if (merges.size() % 64 == 0 && !progress(merges.size(), most)) return error{errc::cancelled, "cancelled"};
        const auto whole = first_id + static_cast<token::token_id>(merges.size());
        merges.push_back(best.pair);
        touched.clear();
        const auto holders = std::move(found->second.words);
        pairs.erase(found);
        for (const auto w : holders) {
            auto& ids = words[w].ids;
            const auto count = words[w].count;
            const auto less = [&](token::token_id a, token::token_id b) {
                const auto it = pairs.find(key({a, b}));
                if (it != pairs.end()) it->second.count -= count;
            };
            const auto more = [&](token::token_id a, token::token_id b) {
                auto& t = pairs[key({a, b})];
                t.count += count;
                if (t.words.empty() || t.words.back() != w) t.words.push_back(w);
                touched.push_back(key({a, b}));
            };
            std::size_t to = 0;
            for (std::size_t i = 0; i < ids.size(); ++to) {
                if (i + 1 < ids.size() && ids[i] == best.pair.first && ids[i + 1] == best.pair.second) {
                    if (to > 0) less(ids[to - 1], best.pair.first), more(ids[to - 1], whole);
                    if (i + 2 < ids.size()) less(best.pair.second, ids[i + 2]), more(whole, ids[i + 2]);
                    ids[to] = whole;
                    i += 2;
                } else {
                    ids[to] = ids[i++];
                }
            }
            ids.resize(to);
        }
        std::sort(touched.begin(), touched.end());
        touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
        for (const auto k : touched) offer(k, pairs[k].count);
    }
    return merges;
}
// ==== narae/learn/common_syllables.hpp ====
// The 2,350 Hangul syllables of the Korean standard KS X 1001 (1992): those in common use.

// clang-format off
// Each character is the distance from one syllable to the next, counted from '#'; '~' is 56 on the way.
inline constexpr char packed_common_syllables[] =
    "$$&&$$$)$$$$$$$%$$$$&'+$%$$*$&'.%*''7$&&$%)$%$$$&$$$''+$%$$*$$%&$+$%$$'&'',%,$&&$%%&$$%%$)$&'%)$%%*'',&$*$&'+$%%"
    "*'',%,$&&$$$($$%%$)$&'/$*6,$&'+$%,''7$&&$$*$%%*?$&&$%)$%%$'%$$%'%)$%$$'&$&'+$%$$*$*S$$%'+$%$$*$&/&%*''.$(&?$&%%+"
    "$%%$$($*/$*$7*''+$'*?$&'*$$%%$)+/$*$&'+$&+''+$.?$&%%%($$%%'B$&'+$%%*$$%&$$$)$%$$$$%%$$&'+$%$$*$&'+(F$%$'%$($%$$)"
    "$$&'+$%$$*$&'+$&$&'';$&'%)$%%($$''/G''+$%,$&',%%*$&&$+$%%*7+?''+$.$*+$'*$&'$$)$%%$'%''7$&'%)$%%(%$$%&$$$$'$$%$$$"
    "$'$$&'+$%$$*[$$%&$%$($%%%&%$&'+$%$$*''/$*';$&&$%%'$%%%%&''77+''+$%,?$&'+$%%*7+8*'',%%*''+(*$&&$%)$%%*?$&&$+$%$$$"
    ")$&'+$%$$)$$&'+$%$$~*$&'%$($%$$)$$&'+$%$$*7G$&'0*+7?'W$&'*$(F?''+$'F$&&$+$%,''+$.''+$%%*$&'+$%$$$'$$$&'+$%$$*$&2"
    "%F$&'+$%$$)$$&'+$%%*$&'+$%$$*'0%,$&'+$%%*'4>+''+$%%*'',%%*$&'+$%%*7+?$&'+&%*$&'+$%%*$&'+$%%$&$A$&'+$%%*$&%$$$$)$"
    "%%$&%$$&'+$%$$$)$*0F$&'%)$%%$($$&'+$%$$*$&'.$$%(?$%$'%)$%%*'3$F'',%%*'',%,$$%&$$$)$%%'%$'',%,?''7''+&,''+&H$&&$%"
    ")$%$$%%&$$$$&$$$$($%%'&$&'+$%$$'&$&0J$&&$%)$%%$)$&&$+$%$$*$&',%$$'&';$$%'+$%%*'3+7+$&'+$.';$&&$$$)$%%'$%+/+?$&'0"
    "*''+&%*$&'+$%H$&'%)$%%$$($&'%)$%$$)$$&'+$%$$*$2K$&&$+&$$*8*$2$%$$F$&'+$'~*?8*$&'+&%~F8*''+$J$&'+$%%*$%$&$$$)$%$$"
    "'&$&'+$%$$*$&'+$%%*''+(*$$$$&$%$($%$$(%$&'+$%$$*$&'+$%$$*''0*$$%'%)$%%'&$&'0*''+&$+''+$%,$&'+$%%*$&&$+$%%%%$%7+$"
    "&'+(*$&'+$%%*$*+&%*$&'$*$%%F$&&$*$$%%(%$%$'+$&$)$$&'+$&$?F$&'%)$&$*''W;$&&$%)$'*$&3+7+''+$.?$&'+$'*7+?'P*$&'%($$"
    ".''+/$&'+$%%*$&$$%$$($$%$$'$%$&'+$%$$*$&'&($%%'%$'',.$&$%$$$)$$$$$$%%%$&'+$%%*$$%'%$($$$$$'$$$''+$%$+$&'$$%&$$%%"
    "%($&'+$%$$*$&/&%*$&'+$%%*$&'+$%%*$&'$$)$%%*$&'+$&$*$&'+$'*$&'+$%%*$&'+$%%%($&')%$%%$$$$$$$''+&,$&'$$($$%$$$'%$&%"
    "$$%)$%$$$)$&'+$%$$*$&%%+(*''7$&'%)$%%$)$&'+$%%*''+$&$*?$&'%)$%%$$'$$*,%%*7$*''+$%%*$&4*$&'$$)$%%*7+?$&'+$%,''+/$"
    "&'+$%%F$&&$%)$%%$&$%$&%%&($%$$*$&'+$%$$*'4F$&'+$%$$*8*7G$&'+$%%%($*/+7+''+$C*$&'+$'*7$F?\?3&%F$&'+$'$($$&%%+$%$$$"
    ")$&'+$%$$*'%%+(F$&'+$%$$*$&'+$%%*'3+'4*$&'+$%%*''0F''+$%%*3/$&'+$%%*7+';''+$%%*''+(*$&'+$%%F$&&$$*$%%*$&'+$%%*$&"
    "'+$%$$*$7F$&&$+$%$$*$&'+$%%*''+$%$$*?$&'+$%%*$&'+(*8*+7?$&'+$%%*''0*8*$&'+$%%*''+/$&'+$'F$&'+$%%*$&'$*$%$$*$&'+$"
    "%$$*8F$&'%)$%$$*$&'+$%%*'3+';$&'+$%%(%';?'2%*?$&'+$%%*7+?$&'+$'*''+(*$&&$%)$%,''+$.$&'+$%%*$$%'%)$%$$'&$&'+$%$$*"
    "$Z$&'+$%$$*$&'+$%%*''+$&$*+,%,$&'+$%%*8F';'',%,$&&$%)$%%*8F''+&,''+&%*''+$%H$&'+$%%*$&'(&$%%*$&'+$%$$*8F$&'%)$%%"
    "*$&'+$%%*$&'+$%$$*'',.$&'(&$%%'&$&'.%*$&2%*$&',%%*'',%,$&'(&&%*''+(*$&'0*$&'+$%%*$&'+&%*$&%$$$*$%%'&''+$'*$&'+$%"
    "%";
// clang-format on
/// In ascending order.
inline std::u32string common_syllables() {
    std::u32string all;
    char32_t c = text::first_syllable - 1;
    for (const char* p = packed_common_syllables; *p != '\0'; ++p) {
        c += *p == '~' ? 56 : static_cast<char32_t>(*p - '#');
        if (*p != '~') all.push_back(c);
    }
    return all;
}
}  // namespace narae::inline NARAE_ABI::learn
// ==== narae/token/packed_writer.hpp ====
// A tokenizer.json becomes the packed tokenizer of a model file, and the other way round. Read packed.hpp before.
// Running a model needs no part of this.
namespace narae::inline NARAE_ABI::token {
/// The key that spells these bytes in a vocabulary: the other direction of spell_bytes().
inline std::string spelled_key(std::string_view bytes, bool literal) {
    static constexpr auto letters = [] {
        std::array<char16_t, 256> all{};
        for (char16_t c = 0; c < 0x144; ++c)
            if (const int b = alphabet_byte(c); b >= 0) all[static_cast<std::size_t>(b)] = c;
        return all;
    }();
    if (literal) return std::string(bytes);
    std::string key;
    for (const char b : bytes) text::utf8_append(key, letters[static_cast<unsigned char>(b)]);
    return key;
}
/// The base64 text (RFC 4648) of these bytes.
inline std::string base64_text(byte_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t k = i; k < i + 3; ++k)
            three = three << 8 | (k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[k]) : 0);
        for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
    return out;
}
namespace packing {
/// Where a list stands in the text of a tokenizer.json, and what to write there instead.
struct exchange {
    std::size_t at = 0, length = 0;
    std::string text;

    exchange(const text::json_value& v, std::string with) : at(v.at()), length(v.raw().size()), text(std::move(with)) {}
};
/// The text with vocabulary, merges and boundary weights (if it has any) exchanged for these.
inline std::string exchanged(std::string_view json, const text::json_value& model, std::string vocab,
                             std::string merges, std::string weights) {
    std::vector<exchange> all{{model["vocab"], std::move(vocab)}, {model["merges"], std::move(merges)}};
    if (const auto w = model["narae"]["boundaries"]["weights"]; w.is(text::json_kind::string))
        all.emplace_back(w, std::move(weights));
    std::string out;
    std::size_t done = 0;
    for (const auto i : sorted(all.size(), [&](auto a, auto b) { return all[a].at < all[b].at; })) {
        out.append(json.substr(done, all[i].at - done)).append(all[i].text);
        done = all[i].at + all[i].length;
    }
    return out.append(json.substr(done));
}
inline void append_numbers(std::string& out, std::span<const std::uint32_t> numbers, std::size_t width) {
    for (const auto n : numbers)
        for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(n >> 8 * i & 0xFF);
}
}  // namespace packing
/// The packed form of a tokenizer.json that narae understands; a packed one comes back as it is.
inline result<std::string> pack_tokenizer(byte_view file) {
    const auto parts = tokenizer_json::read(file);
    if (!parts) return parts.error();
    if (as_text(file).starts_with(packed_magic)) return std::string(as_text(file));
    const auto doc = text::json::parse(as_text(file));
    if (!doc) return doc.error();
    const auto& words = parts->words;
    const auto model = doc->root()["model"];
    std::vector<std::uint32_t> ids, merges;
    std::string bytes, left, right, spelled;
    std::uint64_t longest = 0;
    model["vocab"].for_each_member([&](const text::json_value& k, const text::json_value& v) {
        std::uint64_t id = 0;
        v.whole(id);
        spelled.clear();
        const std::uint64_t literal = spell_bytes(k.string(), spelled) ? 0 : 1;
        if (id >= ids.size()) ids.resize(static_cast<std::size_t>(id) + 1);
        longest = (std::max)(longest, 1 + 2 * spelled.size() + literal);
        ids[static_cast<std::size_t>(id)] = static_cast<std::uint32_t>(1 + 2 * spelled.size() + literal);
        return true;
    });
    for (std::size_t id = 0; id < ids.size(); ++id)
        if (ids[id] != 0) bytes += words.bytes_of(static_cast<token_id>(id));
    const auto id_of = [&](const std::string& key) {
        spelled.clear();
        const bool literal = !spell_bytes(key, spelled);
        return words.find(spelled, literal);
    };
    model["merges"].for_each([&](const text::json_value& m) {
        if (merges.empty() && m.raw().starts_with("#version")) return true;
        merge_keys(m, left, right);
        for (const auto& key : {left, right, left + right}) merges.push_back(id_of(key));
        return true;
    });

    const std::size_t width = longest <= 0xFFFF && ids.size() <= 0x10000 ? 2 : 4;
    if (longest > 0xFFFFFFFF) return error{errc::unsupported, "a token of 2 GiB"};
    std::string out(packed_magic);
    const std::uint32_t head[] = {packed_version, static_cast<std::uint32_t>(width),
                                  static_cast<std::uint32_t>(ids.size()), static_cast<std::uint32_t>(merges.size() / 3),
                                  static_cast<std::uint32_t>(parts->weights.size())};
    packing::append_numbers(out, head, 4);
    packing::append_numbers(out, ids, width);
    packing::append_numbers(out, merges, width);
    out += bytes;
    for (const auto w : parts->weights) out += static_cast<char>(w);
    return out + packing::exchanged(as_text(file), model, "{}", "[]", "");
}
/// A tokenizer.json that means the same as a packed one; a tokenizer.json comes back as it is.
inline result<std::string> unpack_tokenizer(byte_view file) {
    const auto parts = tokenizer_json::read(file);
    if (!parts) return parts.error();
    if (!as_text(file).starts_with(packed_magic)) return std::string(as_text(file));
    const auto p = packed_lists::find(file);
    if (!p) return p.error();
    const auto doc = text::json::parse(as_text(p->settings));
    if (!doc) return doc.error();
    const auto key_of = [&](token_id id) {
        return spelled_key(parts->words.bytes_of(id), p->literal(p->number(p->ids, id)));
    };
    std::string vocab, merges;
    bool blanks = false;  // then merges are pairs; else "a b", which every version of other software reads
    for (token_id id = 0; id < p->count(p->ids); ++id) {
        if (p->number(p->ids, id) == 0) continue;
        const auto key = key_of(id);
        blanks = blanks || key.find(' ') != key.npos || key.starts_with("#version");
        vocab += concat({vocab.empty() ? "\n      " : ",\n      ", text::json_quote(key), ": ", id});
    }
    for (std::size_t i = 0; i < p->count(p->merges); i += 3) {
        const auto left = key_of(p->number(p->merges, i)), right = key_of(p->number(p->merges, i + 1));
        merges += merges.empty() ? "\n      " : ",\n      ";
        merges += blanks ? concat({"[", text::json_quote(left), ", ", text::json_quote(right), "]"})
                         : text::json_quote(concat({left, " ", right}));
    }
    auto json = packing::exchanged(as_text(p->settings), doc->root()["model"], "{" + vocab + "\n    }",
                                   "[" + merges + "\n    ]", base64_text(p->weights));
    const auto again = tokenizer_json::read(as_bytes(json));  // a made-up file may hold what no tokenizer.json can
    if (!again) return again.error();
    return json;
}
}  // namespace narae::inline NARAE_ABI::token
// ==== narae/learn/tokenizer.hpp ====
// Trains narae's own tokenizer: byte pair encoding inside morphemes, then frequent expressions across them. Read
// learn/boundaries.hpp and learn/bpe.hpp before. The result is a tokenizer.json that other tools load as a plain
// byte-level BPE; what they do not know stands in the section "narae" of its model.
namespace narae::inline NARAE_ABI::learn {
/// The tokens that stand for no text, by id; <|unused0|> and so on fill up the table to special_count.
inline constexpr std::array<std::string_view, 19> special_tokens = {
    "<|endoftext|>", "<|pad|>",    "<|sep|>",     "<|acc|>",       "<|tel|>",       "<|rrn|>",       "<|email|>",
    "<|addr|>",      "<|system|>", "<|/system|>", "<|user|>",      "<|/user|>",     "<|assistant|>", "<|/assistant|>",
    "<|polite|>",    "<|casual|>", "<|nfd|>",     "<|knowledge|>", "<|/knowledge|>"};
inline constexpr std::size_t special_count = 32;
inline constexpr std::string_view decomposed_token = "<|nfd|>";

struct tokenizer_options {
    std::size_t vocab = 32000;       ///< tokens in all, a multiple of 64; fewer where the texts hold too little
    std::size_t expressions = 1000;  ///< of these, expressions across morphemes
    double hiding = 10;              ///< an expression that hides n morpheme boundaries counts 1 / (1 + n * hiding)
    std::size_t digits = 3;          ///< in one token at most, 1 to 9
    std::size_t threads = 0;         ///< 0: one per processor; the result is the same for any number
    std::string attribution = {};    ///< kept in the file: whose analyses the boundaries were learned from
    /// Do they fit together? Errors: bad_argument.
    result<void> check() const {
        constexpr std::size_t least = (special_count + 256 + 64 + 63) / 64 * 64;
        const auto bad = [](std::initializer_list<piece> what) { return error{errc::bad_argument, concat(what)}; };
        if (vocab < least || vocab % 64 != 0)
            return bad({"a vocabulary of ", vocab, " tokens: not a multiple of 64 from ", least, " on"});
        if (expressions > vocab / 4) return bad({"more than a quarter of the vocabulary for expressions"});
        if (digits < 1 || digits > 9) return bad({digits, " digits in one token: not 1 to 9"});
        if (!(hiding >= 0)) return bad({"hiding is less than 0"});
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
        if (options_.expressions != 0) {
            const auto joined = join_expressions();
            if (!joined) return joined.error();
        }
        while (tokens_.size() % 64 != 0) add_unused();
        return json();
    }
    // --- 1. how often each piece of text stands in the input, Hangul letters as syllables ---
    /// f(part, parts) on every thread. Memory that is lacking on any of them is an error.
    template <class F>
    result<void> on_all_threads(F&& f) {
        std::vector<char> failed(team_->size());
        team_->run([&](std::size_t part, std::size_t parts) {
            failed[part] = !guarded([&]() -> result<void> {
                f(part, parts);
                return {};
            });
        });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        return {};
    }
    /// f(line) for part k of n of the lines of a text. They are dealt out by bytes: which part a line is in decides
    /// nothing but who works on it.
    template <class F>
    static void for_each_line(std::string_view text, std::size_t k, std::size_t n, F&& f) {
        const auto edge = [&](std::size_t i) {
            const auto at = text.size() * i / n;
            return i == 0 || i == n ? at : (std::min)(text.find('\n', at), text.size());
        };
        for (auto rest = text.substr(edge(k), edge(k + 1) - edge(k)); !rest.empty();) {
            const auto newline = (std::min)(rest.find('\n'), rest.size());
            f(rest.substr(0, newline));
            rest.remove_prefix((std::min)(newline + 1, rest.size()));
        }
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
                    for_each_line(t.substr(at, end - at), k, n, [&](std::string_view l) {
                        token::for_each_piece(l, [&](std::string_view p) { ++shares[k][key.assign(p)]; });
                    });
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
        token::segmenter cut(boundaries_.weights, boundaries_.cut, options_.digits);
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
        out += concat({R"("narae":{"version":1,"digits":)", options_.digits, R"(,"decomposed":)",
                       quoted(decomposed_token), R"(,"expressions":)", expressions_, R"(,"attribution":)",
                       quoted(options_.attribution), ",\n\"boundaries\":{\"cut\":", boundaries_.cut < 0 ? "-" : "",
                       static_cast<std::size_t>(boundaries_.cut < 0 ? -boundaries_.cut : boundaries_.cut),
                       R"(,"weights":")", token::base64_text(std::as_bytes(std::span(boundaries_.weights))),
                       "\"}},\n\"vocab\":{"});
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
            for_each_line(t, k, n, [&](std::string_view l) {
                encode.for_each_segment(l, [&](std::string_view s) {
                    ids.clear();
                    encode.encode_segment(s, ids);
                    for (std::size_t i = 0; i < ids.size(); ++i) shares[k].push_back(ids[i] | (i == 0 ? begins : 0));
                });
                shares[k].push_back(line);
            });
    });
    if (!encoded) return encoded;

    const auto hangul_end = [&](token::token_id id) {
        return tokens_[id].size() >= 3 && ends_in_syllable(tokens_[id]);
    };
    const auto hangul_begin = [&](token::token_id id) {
        return text::is_syllable(text::utf8_front(tokens_[id]).code_point);
    };
    std::vector<std::uint32_t> hidden(tokens_.size());         // morpheme boundaries inside an expression
    std::unordered_map<std::uint64_t, token::token_id> known;  // all merges: a pair can be one of the two kinds only
    for (const auto& p : merges_) known.emplace(std::uint64_t{p.first} << 32 | p.second, 0);
    constexpr std::size_t rounds = 8;
    for (std::size_t round = 0; round < rounds; ++round) {
        if (!progress_(750 + round * 250 / rounds, 1000)) return error{errc::cancelled, "cancelled"};
        std::vector<std::unordered_map<std::uint64_t, std::uint64_t>> tallies(team_->size());
        const auto tallied = on_all_threads([&](std::size_t k, std::size_t) {
            auto& ids = shares[k];
            // What the round before has found is joined first, left to right, as the encoder does.
            std::size_t to = 0;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                if (to > 0 && ids[i] != line && ids[to - 1] != line && (ids[i] & begins) != 0) {
                    const auto left = ids[to - 1] & ~begins, right = ids[i] & ~begins;
                    const auto found = known.find(std::uint64_t{left} << 32 | right);
                    if (found != known.end() && found->second != 0) {
                        ids[to - 1] = found->second | (ids[to - 1] & begins);
                        continue;
                    }
                }
                ids[to++] = ids[i];
            }
            ids.resize(to);
            for (std::size_t i = 0; i + 1 < ids.size(); ++i)
                if (ids[i] != line && ids[i + 1] != line && (ids[i + 1] & begins) != 0)
                    ++tallies[k][std::uint64_t{ids[i] & ~begins} << 32 | (ids[i + 1] & ~begins)];
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
            const id_pair p{static_cast<token::token_id>(pair >> 32), static_cast<token::token_id>(pair)};
            if (n < 20 || known.count(pair) || !(hangul_end(p.first) || ends_in_syllable(tokens_[p.second]))) continue;
            if (by_bytes_.count(tokens_[p.first] + tokens_[p.second])) continue;
            const auto hides = hidden[p.first] + hidden[p.second] + (hangul_end(p.first) && hangul_begin(p.second));
            candidates.push_back({static_cast<double>(n) / (1 + options_.hiding * hides), p, hides});
        }
        std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
            return a.gain != b.gain ? a.gain > b.gain : a.pair < b.pair;
        });
        const auto until = options_.expressions * (round + 1) / rounds;
        for (const auto& c : candidates) {
            if (expressions_ == until) break;
            if (by_bytes_.count(tokens_[c.pair.first] + tokens_[c.pair.second])) continue;
            known[std::uint64_t{c.pair.first} << 32 | c.pair.second] = static_cast<token::token_id>(tokens_.size());
            merge(c.pair);
            hidden.push_back(c.hides);
            ++expressions_;
        }
    }
    return {};
}
}  // namespace narae::inline NARAE_ABI::learn
// ==== narae/num/to_half.hpp ====
// From float to IEEE 754 binary16, rounded to nearest, ties to even, by integer arithmetic as in num/half.hpp.
// Running a model needs no part of this.
namespace narae::inline NARAE_ABI::num {
/// The nearest binary16; beyond 65,504 infinity, a NaN stays a NaN.
constexpr std::uint16_t f32_to_f16(float f) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(f);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
    const std::uint32_t size = bits & 0x7FFFFFFFu;
    if (size > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);
    if (size >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // 65,520 and above
    if (size < 0x33000001u) return sign;                                         // 2^-25 and below
    const std::uint32_t exponent = size >> 23;
    std::uint32_t mantissa = size & 0x7FFFFFu, dropped = 13;
    if (exponent < 113) {  // subnormal: the hidden bit becomes explicit, more bits go
        mantissa |= 0x800000u;
        dropped += 113 - exponent;
    } else {
        mantissa |= (exponent - 112) << 23;
    }
    const std::uint32_t half = 1u << (dropped - 1), rest = mantissa & ((1u << dropped) - 1);
    std::uint32_t rounded = mantissa >> dropped;
    if (rest > half || (rest == half && (rounded & 1))) ++rounded;
    return static_cast<std::uint16_t>(sign | rounded);
}
}  // namespace narae::inline NARAE_ABI::num
// ==== narae/quant/rtn.hpp ====
// Round to nearest: weights to 8 and 4 bits, each group by itself. Read num/q8.hpp and num/q4.hpp for the layouts.
namespace narae::inline NARAE_ABI::quant {
/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q8_layout::tile_bytes(k) bytes, plain rounding.
inline void pack_tile_q8(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    using namespace num;
    std::memset(tile, 0, q8_layout::tile_bytes(k));
    std::byte* codes = tile + q8_layout::scale_bytes(k);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            float largest = 0;
            for (std::size_t i = 0; i < n; ++i) largest = std::abs(w[i]) > largest ? std::abs(w[i]) : largest;
            const auto stored = f32_to_f16(largest / 127);
            const float scale = f16_to_f32(stored), inverse = scale > 0 ? 1 / scale : 0;
            store_le(tile + (g * tile_rows + r) * 2, stored);
            for (std::size_t i = 0; i < n; ++i)
                codes[q8_layout::at(r, g * group_len + i)] = static_cast<std::byte>(round_q8(w[i] * inverse));
        }
}
/// Quantises rows[row_count][k] (row_count <= 16) into one tile of q4_layout::tile_bytes(k) bytes by plain rounding:
/// the weight of largest size becomes code 0, that is -8 times the scale, so all 16 codes are used.
inline void pack_tile_q4(std::byte* tile, const float* rows, std::size_t row_count, std::size_t k) noexcept {
    using namespace num;
    std::memset(tile, 0, q4_layout::scale_bytes(k));
    std::byte* codes = tile + q4_layout::scale_bytes(k);
    std::memset(codes, 0x88, groups_of(k) * q4_layout::group_bytes);
    for (std::size_t r = 0; r < row_count; ++r)
        for (std::size_t g = 0; g < groups_of(k); ++g) {
            const float* w = rows + r * k + g * group_len;
            const std::size_t n = k - g * group_len < group_len ? k - g * group_len : group_len;
            float largest = 0;
            for (std::size_t i = 0; i < n; ++i) largest = std::abs(w[i]) > std::abs(largest) ? w[i] : largest;
            const auto stored = f32_to_f16(largest / -8);
            const float scale = f16_to_f32(stored), inverse = scale < 0 || scale > 0 ? 1 / scale : 0;
            store_le(tile + (g * tile_rows + r) * 2, stored);
            for (std::size_t i = 0; i < n; ++i) {
                auto code = round_q8(w[i] * inverse);
                code = static_cast<std::int8_t>((code < -8 ? -8 : code > 7 ? 7 : code) + 8);
                auto& byte = codes[q4_layout::at(r, g * group_len + i)];
                const unsigned shift = q4_layout::shift(i);
                byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(code << shift);
            }
        }
}
}  // namespace narae::inline NARAE_ABI::quant
// ==== narae/sys/file_sink.hpp ====
// A file being written: under a name beside the wanted one, and renamed only when every byte is safely down.
// Until commit() succeeds the old file, if any, is untouched; a sink that goes away earlier leaves nothing.
#ifndef NARAE_NO_FILES
namespace narae::inline NARAE_ABI::sys {
/// Do both paths lead to one file that is there?
inline bool same_file(const std::string& a, const std::string& b) {
#if NARAE_POSIX
    struct stat of_a, of_b;
    return ::stat(a.c_str(), &of_a) == 0 && ::stat(b.c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
#else
    return a == b;
#endif
}
class file_sink {
public:
    file_sink(file_sink&& other) noexcept
        : file_(std::exchange(other.file_, nullptr)),
          path_(std::move(other.path_)),
          beside_(std::move(other.beside_)) {}
    file_sink& operator=(file_sink&&) = delete;
    ~file_sink() {
        if (file_ == nullptr) return;
        std::fclose(file_);
        std::remove(beside_.c_str());
    }
    static result<file_sink> create(const std::string& path) {
        if (is_folder(path)) return error{errc::io, concat({path, ": cannot write: is a folder"})};
        file_sink sink;
        sink.path_ = path;
        sink.beside_ = path + ".part";
        sink.file_ = std::fopen(sink.beside_.c_str(), "wb");
        if (sink.file_ == nullptr) return system_error(path, "cannot write");
        return sink;
    }
    result<void> write(byte_view bytes) {
        errno = 0;
        if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
            return system_error(path_, "cannot write");
        return {};
    }
    /// Writes over the first bytes of what is down already. Only commit() may follow.
    result<void> rewrite_front(byte_view bytes) {
        errno = 0;
        if (std::fseek(file_, 0, SEEK_SET) != 0) return system_error(path_, "cannot write");
        return write(bytes);
    }
    /// Everything down to the disk, then the wanted name.
    result<void> commit() {
        errno = 0;
        bool ok = std::fflush(file_) == 0;
#if NARAE_POSIX
        ok = ok && ::fsync(::fileno(file_)) == 0;
#endif
        auto failed = ok ? error{} : system_error(path_, "cannot write");
        if (std::fclose(std::exchange(file_, nullptr)) != 0 && ok) {
            ok = false;
            failed = system_error(path_, "cannot write");
        }
#if !NARAE_POSIX
        if (ok) std::remove(path_.c_str());  // elsewhere rename does not replace
#endif
        if (ok && std::rename(beside_.c_str(), path_.c_str()) != 0) {
            ok = false;
            failed = system_error(path_, "cannot rename into place");
        }
        if (ok) return {};
        std::remove(beside_.c_str());
        return failed;
    }
private:
    file_sink() = default;
    std::FILE* file_ = nullptr;
    std::string path_, beside_;
};
}  // namespace narae::inline NARAE_ABI::sys
#endif  // NARAE_NO_FILES
// ==== narae/store/safetensors_writer.hpp ====
// Writes what safetensors.hpp reads; read that before. Running a model needs no part of this.
namespace narae::inline NARAE_ABI::store {
/// narae begins the data on a boundary of this many bytes, which every SIMD load and cache line likes.
inline constexpr std::uint64_t data_alignment = 64;
/// A tensor that is going to be written.
struct tensor_plan {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
};
/// The bytes that such a tensor takes; the shape must have been checked.
inline std::uint64_t planned_bytes(const tensor_plan& t) noexcept {
    std::uint64_t n = 0;
    return shape_elements(t.shape, n) ? n * dtype_size(t.type) : 0;
}
/// Everything of a file that stands before its data: the length and the header, padded with spaces so that the data
/// begin on a 64-byte boundary. The tensors' bytes follow in the order of `tensors`.
inline result<std::string> safetensors_header(const std::vector<tensor_plan>& tensors, const metadata_list& metadata) {
    std::string json = "{";
    if (!metadata.empty()) {
        json += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata) {
            if (json.back() != '{') json += ',';
            json += text::json_quote(key) + ":" + text::json_quote(value);
        }
        json += '}';
    }
    std::uint64_t at = 0;
    std::set<std::string_view> names;
    for (const auto& t : tensors) {
        std::uint64_t n = 0;
        if (!shape_elements(t.shape, n) || !checked_mul(n, dtype_size(t.type), n) || n > ~at)
            return error{errc::bad_argument, printable(t.name) + ": shape is too large"};
        if (t.name.empty() || t.name == "__metadata__")
            return error{errc::bad_argument, "a tensor cannot be named '" + t.name + "'"};
        if (!names.insert(t.name).second) return error{errc::bad_argument, printable(t.name) + ": occurs twice"};
        if (json.size() > 1) json += ',';
        json += text::json_quote(t.name) + ":{\"dtype\":\"" + std::string(dtype_name(t.type)) + "\",\"shape\":[";
        for (std::size_t i = 0; i < t.shape.size(); ++i) json.append(i ? "," : "").append(std::to_string(t.shape[i]));
        json += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + n) + "]}";
        at += n;
    }
    json += '}';
    json.resize(static_cast<std::size_t>(round_up(8 + json.size(), data_alignment) - 8), ' ');
    if (json.size() > safetensors_max_header) return error{errc::bad_argument, "a header of more than 100 MB"};
    std::string out(8, '\0');
    store_le(out.data(), static_cast<std::uint64_t>(json.size()));
    return out + json;
}
#ifndef NARAE_NO_FILES
/// Writes a safetensors file piece by piece: plan all tensors, append their bytes in that order, commit.
/// A tensor starts on a 64-byte boundary if the sizes of all before it are multiples of 64: plan the others last.
class safetensors_writer {
public:
    static result<safetensors_writer> create(const std::string& path, std::vector<tensor_plan> tensors,
                                             const metadata_list& metadata) {
        const auto header = safetensors_header(tensors, metadata);
        if (!header) return header.error().in(path);
        auto sink = sys::file_sink::create(path);
        if (!sink) return sink.error();
        const auto written = sink->write(as_bytes(*header));
        if (!written) return written.error();
        return safetensors_writer(path, std::move(*sink), std::move(tensors), header->size());
    }
    /// The next bytes of the tensor `name`, little-endian and row-major; a tensor may come in any number of pieces.
    result<void> append(std::string_view name, byte_view piece) {
        skip_finished();
        const auto refuse = [&](std::string_view why) {
            return error{errc::bad_argument, concat({path_, ": ", printable(name), ": ", why})};
        };
        if (piece.empty()) return {};
        if (now_ == tensors_.size()) return refuse("every planned tensor is written already");
        if (tensors_[now_].name != name) return refuse("the turn of " + printable(tensors_[now_].name));
        if (piece.size() > planned_bytes(tensors_[now_]) - written_) return refuse("more bytes than planned");
        written_ += piece.size();
        return sink_.write(piece);
    }
    /// The size of the whole file, once it is written.
    std::uint64_t bytes() const noexcept {
        std::uint64_t n = header_size_;
        for (const auto& t : tensors_) n += planned_bytes(t);
        return n;
    }
    /// Puts other metadata, of just the same length, in place of what create() was given: for figures that are known
    /// only when all is written. Only commit() may follow.
    result<void> rewrite_metadata(const metadata_list& metadata) {
        const auto header = safetensors_header(tensors_, metadata);
        if (!header) return header.error().in(path_);
        if (header->size() != header_size_)
            return error{errc::bad_argument, path_ + ": metadata of another length than planned"};
        return sink_.rewrite_front(as_bytes(*header));
    }
    /// Puts the finished file in place; an error, and no file, if bytes are still missing.
    result<void> commit() {
        skip_finished();
        if (now_ != tensors_.size())
            return error{errc::bad_argument, path_ + ": " + printable(tensors_[now_].name) + ": bytes are missing"};
        return sink_.commit();
    }
private:
    safetensors_writer(std::string path, sys::file_sink sink, std::vector<tensor_plan> tensors, std::size_t header_size)
        : path_(std::move(path)), sink_(std::move(sink)), tensors_(std::move(tensors)), header_size_(header_size) {}

    void skip_finished() noexcept {
        for (; now_ < tensors_.size() && written_ == planned_bytes(tensors_[now_]); ++now_) written_ = 0;
    }
    std::string path_;
    sys::file_sink sink_;
    std::vector<tensor_plan> tensors_;
    std::size_t header_size_;
    std::size_t now_ = 0;        // the tensor being written
    std::uint64_t written_ = 0;  // bytes of it that are down
};
#endif
}  // namespace narae::inline NARAE_ABI::store
// ==== narae/quant/rows.hpp ====
// Rows of a matrix on their way into a model file: read as floats, checked, put into a number format, written in order.
// A team works on tiles of 16 rows, a few MB at a time; the bytes and the figures do not depend on its size.
#ifndef NARAE_NO_FILES
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>
namespace narae::inline NARAE_ABI::quant {
/// Bytes done and bytes to do in all; false stops the work, which then leaves errc::cancelled and no file.
using progress = callback<std::uint64_t, std::uint64_t>;
/// What long work has got done so far.
struct progress_count {
    progress tell;
    std::uint64_t total = 0, done = 0;

    result<void> add(std::uint64_t bytes) {
        done += bytes;
        if (!tell(done, total)) return error{errc::cancelled, "cancelled"};
        return {};
    }
};
/// The tensor that holds an [N, K] matrix in this format: its name's end, its dtype and its shape.
inline store::tensor_plan plan_matrix(const model::matrix_name& m, model::format type) {
    using store::dtype;
    if (model::packed(type)) {
        const auto tiles = num::tiles_of(m.N);
        return {m.name + "." + std::string(model::format_name(type)),
                dtype::u8,
                {tiles, model::matrix_bytes(type, m.N, m.K) / tiles}};
    }
    return {m.name,
            type == model::format::f32   ? dtype::f32
            : type == model::format::f16 ? dtype::f16
                                         : dtype::bf16,
            {m.N, m.K}};
}
/// Puts rows[count][k], count <= 16, where a matrix of this format (f32, f16, q8 or q4) has them.
inline void encode_tile(std::byte* out, model::format type, const float* rows, std::size_t count,
                        std::size_t k) noexcept {
    switch (type) {
        case model::format::q4: return pack_tile_q4(out, rows, count, k);
        case model::format::q8: return pack_tile_q8(out, rows, count, k);
        case model::format::f16:
            for (std::size_t i = 0; i < count * k; ++i) store_le(out + 2 * i, num::f32_to_f16(rows[i]));
            return;
        default:
            for (std::size_t i = 0; i < count * k; ++i) store_le(out + 4 * i, rows[i]);
    }
}
/// The index of the first of n weights that this format cannot hold, or n: formats with an f16 in them end at 65504.
/// Bits are compared, because some compiler flags promise that there are no infinities and NaNs.
inline std::size_t first_unfit(const float* w, std::size_t n, model::format type) noexcept {
    const std::uint32_t limit = type == model::format::f32 ? 0x7F7FFFFF : 0x477FE000;
    std::size_t i = 0;
    while (i < n && (std::bit_cast<std::uint32_t>(w[i]) & 0x7FFFFFFF) <= limit) ++i;
    return i;
}
inline error unfit(const std::string& place, float w, const std::string& index) {
    const bool finite = (std::bit_cast<std::uint32_t>(w) & 0x7FFFFFFF) < 0x7F800000;
    return {errc::bad_value, place + ": element [" + index + "] is " +
                                 (finite ? "larger than 65504, the largest that an f16 holds" : "not finite")};
}
/// Writes one matrix after the other.
class row_writer {
public:
    static result<row_writer> make(std::size_t threads) {
        auto team = sys::team::make(threads);
        if (!team) return team.error();
        row_writer w;
        w.team_ = std::move(*team);
        return w;
    }
    /// Appends an [N, K] matrix to `out`, as plan_matrix() planned it. read(row, floats[K]) is called once for each
    /// row, by several threads; `done(first row, past the last)` returns result<void> and is called in order, by one.
    /// `place` names the matrix's source in errors.
    template <class Read, class Done>
    result<void> write(store::safetensors_writer& out, const store::tensor_plan& plan, const std::string& place,
                       model::format type, std::size_t N, std::size_t K, Read&& read, Done&& done) {
        constexpr std::size_t batch_bytes = std::size_t{4} << 20;
        const auto tile_bytes = model::matrix_bytes(type, num::tile_rows, K);
        const auto batch = (std::min)(num::tiles_of(N), (std::max)(batch_bytes / tile_bytes, team_->size()));
        const auto tile_floats = num::tile_rows * K;
        auto bytes = sys::buffer<std::byte>::make(batch * tile_bytes);
        auto floats = sys::buffer<float>::make(team_->size() * (tile_floats + K));
        if (!bytes || !floats) return (!bytes ? bytes.error() : floats.error()).in(place);
        std::vector<tile_figures> figures(batch);

        for (std::size_t from = 0; from < N; from += batch * num::tile_rows) {
            const auto to = (std::min)(N, from + batch * num::tile_rows);
            team_->run([&](std::size_t part, std::size_t parts) {
                float* const rows = floats->data() + part * (tile_floats + K);
                const auto mine = sys::slice_of(num::tiles_of(to - from), 1, part, parts);
                for (auto t = mine.begin; t < mine.end; ++t) {
                    const auto row = from + t * num::tile_rows, count = (std::min)(num::tile_rows, N - row);
                    for (std::size_t r = 0; r < count; ++r) read(row + r, rows + r * K);
                    figures[t] = encode(bytes->data() + t * tile_bytes, type, rows, count, K, rows + tile_floats);
                }
            });
            for (std::size_t t = 0; t < num::tiles_of(to - from); ++t) {
                const auto& f = figures[t];
                if (f.unfit != nowhere)
                    return unfit(
                        place, f.unfit_weight,
                        std::to_string(from + t * num::tile_rows + f.unfit / K) + ", " + std::to_string(f.unfit % K));
                squares_ += f.squares;
                lost_ += f.lost;
            }
            const auto encoded =
                model::packed(type) ? num::tiles_of(to - from) * tile_bytes : model::matrix_bytes(type, to - from, K);
            const auto written = out.append(plan.name, bytes->span().first(encoded));
            if (!written) return written;
            const auto going = done(from, to);
            if (!going) return going;
        }
        return {};
    }
    /// sqrt(sum (w - w')^2 / sum w^2) over all matrices so far: what the number format lost.
    double weight_error() const noexcept { return squares_ > 0 ? std::sqrt(lost_ / squares_) : 0; }
private:
    struct tile_figures {
        double squares = 0, lost = 0;
        std::uint64_t unfit = nowhere;
        float unfit_weight = 0;
    };
    row_writer() = default;

    static tile_figures encode(std::byte* out, model::format type, const float* rows, std::size_t count, std::size_t K,
                               float* back) noexcept {
        tile_figures f;
        if (const auto i = first_unfit(rows, count * K, type); i != count * K) {
            f.unfit = i;
            f.unfit_weight = rows[i];
            return f;
        }
        encode_tile(out, type, rows, count, K);
        const model::matrix tile{type, count, K, out};
        for (std::size_t r = 0; r < count; ++r) {
            model::copy_row(back, tile, r);
            for (std::size_t i = 0; i < K; ++i) {
                const double w = rows[r * K + i], difference = w - back[i];
                f.squares += w * w;
                f.lost += difference * difference;
            }
        }
        return f;
    }
    std::unique_ptr<sys::team> team_;
    double squares_ = 0, lost_ = 0;
};
/// Appends a vector as f32, or as f16 where the whole file is to be f16. read(i) is its element i.
template <class Read>
result<void> write_vector(store::safetensors_writer& out, const store::tensor_plan& plan, const std::string& place,
                          std::size_t n, Read&& read) {
    const auto type = plan.type == store::dtype::f16 ? model::format::f16 : model::format::f32;
    std::vector<float> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = read(i);
    if (const auto i = first_unfit(values.data(), n, type); i != n) return unfit(place, values[i], std::to_string(i));
    std::vector<std::byte> bytes(model::matrix_bytes(type, 1, n));
    encode_tile(bytes.data(), type, values.data(), 1, n);
    return out.append(plan.name, bytes);
}
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// ==== narae/quant/transplant.hpp ====
// A model changes its vocabulary: each row of the new embedding (and head) starts from the old rows that spell its
// token. An exact match is a copy; several pieces give their mean, as in Gee et al. 2022, "Fast Vocabulary Transfer"
// (EMNLP industry track), weighted by where they stand: a start, from which training goes on.
namespace narae::inline NARAE_ABI::quant {
/// Vocabularies are padded to a multiple of so many rows, which suits every kernel and other engines.
inline constexpr std::size_t vocabulary_step = 64;
/// How much more each piece weighs than the one before it. What a token tells of the text to come is mostly in its end;
/// whether it comes is mostly decided by its beginning. Measured on a model of 13 M parameters, without any training:
/// 5.43 bits per character with plain means, 5.33 with these. Where head and embedding are one, plain means.
inline constexpr double embedding_ratio = 2, head_ratio = 0.7, tied_ratio = 1;
/// Which old rows each new row is made of.
class transplant {
public:
    /// A token is spelled by what the old tokenizer encodes its bytes to; a token with half a character in it by the
    /// old token of these bytes, if there is one, because alone they are cut in other pieces than inside a text.
    /// Special tokens are looked for by content, so that <|sep|> stays <|sep|>; the one that ends a text becomes the
    /// old one that does, whatever it is called; one that is new is spelled like text. Rows without a token copy an
    /// old row without a token, of `old_rows`: training has taught the head to avoid those. Where there is none, they
    /// are zeros.
    static transplant make(const token::tokenizer& from, std::size_t old_rows, const token::tokenizer& to) {
        transplant t;
        std::vector<token::token_id> unused;
        for (token::token_id id = 0; id < old_rows && unused.empty(); ++id)
            if (from.bytes_of(id).empty()) unused.push_back(id);
        const auto rows = round_up(to.size(), vocabulary_step);
        const auto end = from.end_of_text(), new_end = to.end_of_text();
        for (token::token_id id = 0; id < rows; ++id) {
            const auto bytes = to.bytes_of(id);
            const bool cut = text::utf8_first_invalid(bytes) != bytes.size();
            const auto known = end && new_end == id ? end : cut ? from.find(bytes) : std::nullopt;
            const auto pieces = bytes.empty() ? unused
                                : known       ? std::vector{*known}
                                              : from.encode(bytes, {.special = to.is_special(id)});
            t.pieces_.insert(t.pieces_.end(), pieces.begin(), pieces.end());
            t.ends_.push_back(t.pieces_.size());
            if (bytes.empty()) continue;
            ++t.tokens_;
            t.copies_ += pieces.size() == 1;
            t.spelled_ += pieces.size();
        }
        return t;
    }
    std::size_t rows() const noexcept { return ends_.size(); }
    std::size_t tokens() const noexcept { return tokens_; }
    /// The share of tokens whose row is the copy of one old row.
    double copied() const noexcept { return share(copies_); }
    /// How many old tokens spell a new one, on average.
    double pieces() const noexcept { return share(spelled_); }
    /// The old rows that this new row is a mean of; none: it is zero.
    std::span<const token::token_id> pieces_of(std::size_t row) const noexcept {
        const auto begin = row == 0 ? 0 : ends_[row - 1];
        return std::span(pieces_).subspan(begin, ends_[row] - begin);
    }
    /// out[K] = row `row` of the new matrix; `old`, not packed, is the matrix [old rows, K]; of the pieces each weighs
    /// `ratio` times the one before it. Any threads may call it.
    void read_row(float* out, std::size_t row, const model::stored_matrix& old, double ratio) const noexcept {
        const auto from = pieces_of(row);
        if (from.size() == 1) return old.read_row(out, from[0]);
        constexpr std::size_t chunk = 128;  // columns at a time, so that nothing needs to be allocated
        float part[chunk];
        const auto K = old.view.K;
        for (std::size_t at = 0; at < K; at += chunk) {
            const auto n = (std::min)(chunk, K - at);
            double sums[chunk] = {}, weight = 1, weights = 0;
            for (const auto id : from) {
                const auto first = std::size_t{id} * K + at;
                if (old.view.data != nullptr)
                    model::copy_row(
                        part, {old.view.type, 1, n, old.view.data + first * model::matrix_bytes(old.view.type, 1, 1)},
                        0);
                else
                    for (std::size_t i = 0; i < n; ++i) part[i] = model::element(*old.tensor, first + i);
                for (std::size_t i = 0; i < n; ++i) sums[i] += weight * static_cast<double>(part[i]);
                weights += weight;
                weight *= ratio;
            }
            for (std::size_t i = 0; i < n; ++i)
                out[at + i] = from.empty() ? 0.0f : static_cast<float>(sums[i] / weights);
        }
    }
private:
    double share(std::size_t n) const noexcept {
        return tokens_ == 0 ? 0 : static_cast<double>(n) / static_cast<double>(tokens_);
    }
    std::vector<token::token_id> pieces_;  // of all rows, one after the other
    std::vector<std::size_t> ends_;        // where in pieces_ those of each row end
    std::size_t tokens_ = 0, copies_ = 0, spelled_ = 0;
};
/// The config.json of the model with its new vocabulary: the number of rows, and every "..._token_id": the new id of
/// the same special token, of the one that ends a text for "bos" and "eos", else null.
inline result<std::string> transplanted_config(std::string_view config, const token::tokenizer& from,
                                               const token::tokenizer& to, std::size_t rows) {
    const auto doc = text::json::parse(config);
    if (!doc) return doc.error();
    std::string out;
    std::size_t done = 0;
    doc->root().for_each_member([&](const text::json_value& k, const text::json_value& v) {
        const auto key = k.string();
        std::uint64_t old = 0;
        std::string now;
        if (key == "vocab_size") {
            now = std::to_string(rows);
        } else if (key.ends_with("_token_id") && v.whole(old)) {
            const auto content = old < from.size() ? from.bytes_of(static_cast<token::token_id>(old)) : "";
            auto id = content.empty() ? std::nullopt : to.find(content);
            if (id && !to.is_special(*id)) id.reset();
            if (!id && (key.starts_with("bos") || key.starts_with("eos"))) id = to.end_of_text();
            now = id ? std::to_string(*id) : "null";
        } else {
            return true;
        }
        out.append(config.substr(done, v.at() - done)).append(now);
        done = v.at() + v.raw().size();
        return true;
    });
    return out.append(config.substr(done));
}
}  // namespace narae::inline NARAE_ABI::quant
// ==== narae/quant/convert.hpp ====
// An original checkpoint becomes a narae file: every tensor is checked before anything is written, then they stream
// through one after the other, so that memory is needed for a few MB of rows and not for the model.
// Read store/format.hpp (what the file holds) and quant/rows.hpp before.
#ifndef NARAE_NO_FILES
#include <set>
namespace narae::inline NARAE_ABI::quant {
struct convert_options {
    model::format type = model::format::q4;  ///< of the matrices: q4, q8, f16 or f32; vectors are always f32
    std::size_t threads = 0;                 ///< 0: one per processor, at most 16; the file is the same for any number
    std::string tokenizer{};  ///< a tokenizer.json that replaces the checkpoint's own, see transplant.hpp
};
struct convert_report {
    std::uint64_t weights = 0;         ///< how many numbers the model has
    std::uint64_t weight_bytes = 0;    ///< what they take in the file
    std::uint64_t file_bytes = 0;      ///< and with header and tokenizer
    double weight_error = 0;           ///< sqrt(sum (w - w')^2 / sum w^2) over the matrices
    std::vector<std::string> ignored;  ///< source tensors that no GPT-NeoX model has; they are not in the file
    std::uint64_t tokens = 0;          ///< of the new vocabulary; 0: the checkpoint keeps its own
    double tokens_copied = 0;          ///< the share of them whose rows are copies of an old token's
    double tokens_pieces = 0;          ///< how many old tokens spell a new one, on average

    double bits_per_weight() const noexcept {
        return weights == 0 ? 0 : 8 * static_cast<double>(weight_bytes) / static_cast<double>(weights);
    }
};
namespace detail {
/// x >= 0 with `digits` decimals, in any locale; the length is the same for all x below 10.
inline std::string decimal(double x, unsigned digits) {
    std::uint64_t power = 1;
    for (unsigned i = 0; i < digits; ++i) power *= 10;
    const auto n = static_cast<std::uint64_t>(x * static_cast<double>(power) + 0.5);
    const auto fraction = std::to_string(n % power);
    return std::to_string(n / power) + "." + std::string(digits - fraction.size(), '0') + fraction;
}
/// The JSON array `list` (empty text: an empty array) with one more value.
inline result<std::string> appended(std::string_view list, std::string_view value, const std::string& place) {
    if (list.empty()) return "[" + std::string(value) + "]";
    const auto doc = text::json::parse(list);
    if (!doc) return doc.error().in(place);
    if (!doc->root().is(text::json_kind::array)) return error{errc::bad_value, place + ": not an array"};
    const auto body = list.substr(0, list.rfind(']'));
    return std::string(body) + (doc->root().size() == 0 ? "" : ",") + std::string(value) + "]";
}
inline std::string hex(std::uint64_t n) {
    std::string s;
    for (int shift = 60; shift >= 0; shift -= 4) s += "0123456789abcdef"[n >> shift & 15];
    return s;
}
/// Buffers that old checkpoints carry; nothing is lost with them, they follow from the config.
inline bool is_legacy_buffer(std::string_view name) noexcept {
    return name.ends_with(".attention.bias") || name.ends_with(".attention.masked_bias") ||
           name.ends_with(".rotary_emb.inv_freq");
}
/// The matrices and vectors of a checkpoint, all there and all of the right shape.
struct inventory {
    std::vector<std::pair<model::matrix_name, model::stored_matrix>> matrices;
    std::vector<const store::tensor*> vectors;
    std::vector<std::string> others;  // tensors that are none of them, nor known to be needless

    static result<inventory> take(const store::checkpoint& from, const model::shape& s) {
        inventory all;
        std::set<std::string_view> known{store::narae_tokenizer};
        for (auto& m : model::matrix_names(s)) {
            auto found = model::find_matrix(from, m);
            if (!found) return found.error();
            known.insert(found->tensor->name);
            all.matrices.emplace_back(std::move(m), *found);
        }
        for (const auto& [name, length] : model::vector_names(s)) {
            const auto found = model::find_floats(from, name, {length});
            if (!found) return found.error();
            known.insert((*found)->name);
            all.vectors.push_back(*found);
        }
        if (s.tied) known.insert("embed_out.weight");  // a copy of the embedding
        for (const auto& t : from.tensors())
            if (known.count(t.name) == 0 && !is_legacy_buffer(t.name)) all.others.push_back(t.name);
        return all;
    }
};
/// narae.source of a file made from `from`: what the source tells of its own origin, then its files.
inline result<std::string> describe_sources(const store::checkpoint& from, progress_count& count) {
    constexpr std::size_t piece_bytes = std::size_t{4} << 20;
    std::string list(from.metadata(store::narae_source_key));
    for (const auto& file : from.sources()) {
        std::uint64_t hash = store::fnv1a64({});
        for (auto left = file.bytes; !left.empty();) {
            const auto piece = left.first((std::min)(left.size(), piece_bytes));
            hash = store::fnv1a64(piece, hash);
            from.let_go(piece);
            left = left.subspan(piece.size());
            const auto going = count.add(piece.size());
            if (!going) return going.error();
        }
        auto longer =
            appended(list,
                     "{\"name\":" + text::json_quote(file.name) + ",\"size\":" + std::to_string(file.bytes.size()) +
                         ",\"fnv1a64\":\"" + hex(hash) + "\"}",
                     file.name + ": " + std::string(store::narae_source_key));
        if (!longer) return longer.error();
        list = std::move(*longer);
    }
    return list;
}
/// A new vocabulary for a checkpoint.
struct vocabulary {
    std::string tokenizer;  // packed
    transplant rows;
    std::string config;

    static result<vocabulary> make(const store::checkpoint& from, const std::string& place, std::size_t old_rows,
                                   const std::string& tokenizer_path) {
        if (from.tokenizer_json().empty())
            return error{errc::unsupported,
                         place + ": has no tokenizer, which a new one needs to know the old rows by"};
        const auto file = sys::file_view::open(tokenizer_path);
        if (!file) return file.error();
        const auto to = token::tokenizer::parse(file->bytes());
        if (!to) return to.error().in(tokenizer_path);
        auto packed = token::pack_tokenizer(file->bytes());
        if (!packed) return packed.error().in(tokenizer_path);
        const auto old = token::tokenizer::parse(from.tokenizer_json());
        if (!old) return old.error().in(place);
        if (old->size() > old_rows)
            return error{errc::bad_value, concat({place, ": the tokenizer has ", old->size(), " ids, the model only ",
                                                  old_rows, " rows"})};
        auto rows = transplant::make(*old, old_rows, *to);
        if (rows.tokens() == 0) return error{errc::bad_value, tokenizer_path + ": has no tokens"};
        auto config = transplanted_config(from.config_text(), *old, *to, rows.rows());
        if (!config) return config.error().in(from.config_name());
        if (const auto fits = store::parse_config(*config); !fits) return fits.error().in(tokenizer_path);
        return vocabulary{std::move(*packed), std::move(rows), std::move(*config)};
    }
};
/// Would writing `to` destroy a file that is being read?
inline bool is_source(const store::checkpoint& from, const std::string& path, const std::string& to) {
    for (const auto* name :
         {"", "/config.json", "/tokenizer.json", "/model.safetensors.index.json", "/pytorch_model.bin.index.json"})
        if (sys::same_file(path + name, to)) return true;
    const std::string* last = nullptr;
    for (const auto& t : from.tensors()) {
        if (last != nullptr && t.file == *last) continue;
        if (sys::same_file(t.file, to) || sys::same_file(t.file, to + ".part")) return true;
        last = &t.file;
    }
    return false;
}
}  // namespace detail
/// Reads the checkpoint at `from` (a Hugging Face folder, or a narae file of unpacked weights) and writes the narae
/// file `to`. Nothing is at `to`, or what was there before, unless all went well. Errors name file, tensor and reason.
inline result<convert_report> convert(const std::string& from, const std::string& to,
                                      const convert_options& options = {}, progress on_progress = {}) {
    return guarded([&]() -> result<convert_report> {
        if (options.type == model::format::bf16) return error{errc::bad_argument, "bf16 is a format of sources only"};
        const auto source = store::checkpoint::open(from);
        if (!source) return source.error();
        const auto config = store::parse_config(source->config_text());
        if (!config) return config.error().in(source->config_name());
        const model::shape s(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();
        std::string tokenizer, config_text(source->config_text());  // of the new file, the tokenizer packed
        std::optional<transplant> vocabulary;
        if (!options.tokenizer.empty()) {
            auto made = detail::vocabulary::make(*source, from, s.V, options.tokenizer);
            if (!made) return made.error();
            tokenizer = std::move(made->tokenizer);
            config_text = std::move(made->config);
            vocabulary = std::move(made->rows);
        } else if (!source->tokenizer_json().empty()) {
            auto packed = token::pack_tokenizer(source->tokenizer_json());
            if (!packed) return packed.error().in(from);
            tokenizer = std::move(*packed);
        }
        if (sys::same_file(options.tokenizer, to))
            return error{errc::bad_argument, to + ": cannot write: is the new tokenizer itself"};
        if (detail::is_source(*source, from, to))
            return error{errc::bad_argument, to + ": cannot write: is a file of the checkpoint itself"};

        convert_report report;
        report.ignored = all->others;
        if (vocabulary) {
            report.tokens = vocabulary->tokens();
            report.tokens_copied = vocabulary->copied();
            report.tokens_pieces = vocabulary->pieces();
        }
        const auto is_vocabulary = [&](const std::string& name) {
            return vocabulary && (name == "gpt_neox.embed_in.weight" || name == "embed_out.weight");
        };
        progress_count count{on_progress};
        for (const auto& file : source->sources()) count.total += file.bytes.size();
        std::vector<store::tensor_plan> plan;
        for (const auto& [name, stored] : all->matrices) {
            if (model::packed(stored.view.type))
                return error{errc::unsupported, stored.tensor->file + ": " + stored.tensor->name +
                                                    ": is packed already; convert the original checkpoint instead"};
            const auto N = is_vocabulary(name.name) ? vocabulary->rows() : name.N;
            plan.push_back(plan_matrix({name.name, N, name.K}, options.type));
            report.weights += std::uint64_t{N} * name.K;
            count.total += stored.tensor->bytes.size();
        }
        for (const auto* t : all->vectors) {
            plan.push_back({t->name, store::dtype::f32, t->shape});
            report.weights += t->shape[0];
        }
        for (const auto& t : plan) report.weight_bytes += store::planned_bytes(t);
        if (!tokenizer.empty())
            plan.push_back({std::string(store::narae_tokenizer), store::dtype::u8, {tokenizer.size()}});

        const auto sources = detail::describe_sources(*source, count);
        if (!sources) return sources.error();
        const auto describe = [&](double weight_error) -> result<store::metadata_list> {
            auto history = std::string(source->metadata(store::narae_history_key));
            const auto place = from + ": " + std::string(store::narae_history_key);
            if (vocabulary) {
                auto longer = detail::appended(history,
                                               "{\"step\":\"tokenizer\",\"narae\":\"" + std::string(version_text) +
                                                   "\",\"tokens\":" + std::to_string(report.tokens) +
                                                   ",\"copied\":" + detail::decimal(report.tokens_copied, 4) +
                                                   ",\"pieces\":" + detail::decimal(report.tokens_pieces, 4) + "}",
                                               place);
                if (!longer) return longer.error();
                history = std::move(*longer);
            }
            const auto longer = detail::appended(
                history,
                "{\"step\":\"convert\",\"narae\":\"" + std::string(version_text) + "\",\"type\":\"" +
                    std::string(model::format_name(options.type)) + "\",\"weights\":" + std::to_string(report.weights) +
                    ",\"bits_per_weight\":" + detail::decimal(report.bits_per_weight(), 4) +
                    ",\"weight_error\":" + detail::decimal(weight_error, 9) + "}",
                place);
            if (!longer) return longer.error();
            return store::metadata_list{
                {std::string(store::narae_version_key), std::string(store::narae_version)},
                {std::string(store::narae_config_key), config_text},
                {std::string(store::narae_history_key), *longer},
                {std::string(store::narae_source_key), *sources},
            };
        };
        auto metadata = describe(0);
        if (!metadata) return metadata.error();

        auto rows = row_writer::make(options.threads);
        if (!rows) return rows.error();
        auto out = store::safetensors_writer::create(to, plan, *metadata);
        if (!out) return out.error();
        const auto* planned = plan.data();
        for (const auto& [name, stored] : all->matrices) {
            const auto& tensor = *stored.tensor;
            const bool changed = is_vocabulary(name.name);
            const double ratio = s.tied ? tied_ratio : name.name == "embed_out.weight" ? head_ratio : embedding_ratio;
            const auto N = changed ? vocabulary->rows() : name.N;
            const auto done = [&](std::size_t row) { return std::uint64_t{tensor.bytes.size()} * row / N; };
            const auto written = rows->write(
                *out, *planned++, tensor.file + ": " + tensor.name, options.type, N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    changed ? vocabulary->read_row(floats, row, matrix, ratio) : matrix.read_row(floats, row);
                },
                [&](std::size_t begin, std::size_t end) {
                    source->let_go(tensor);  // what has been read of it
                    return count.add(done(end) - done(begin));
                });
            if (!written) return written.error();
        }
        for (const auto* t : all->vectors) {
            const auto written =
                write_vector(*out, *planned++, t->file + ": " + t->name, static_cast<std::size_t>(t->shape[0]),
                             [&](std::size_t i) { return model::element(*t, i); });
            if (!written) return written.error();
        }
        const auto copied = out->append(store::narae_tokenizer, as_bytes(tokenizer));
        if (!copied) return copied.error();

        report.weight_error = rows->weight_error();
        metadata = describe(report.weight_error);
        if (!metadata) return metadata.error();
        const auto described = out->rewrite_metadata(*metadata);
        if (!described) return described.error();
        report.file_bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return report;
    });
}
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// ==== narae/store/config_json.hpp ====
// Writes the config.json that config.hpp reads; read that before. Running a model needs no part of this.
namespace narae::inline NARAE_ABI::store {
/// x as a JSON number that json_value::real reads back to the same double, for the short decimals of configs.
inline std::string json_number(double x) {
    if (x < 0) return std::string("-").append(json_number(-x));
    double power = 1;
    int digits = 0;
    while (digits < 22 && x * power < 1e15 && std::floor(x * power + 0.5) / power != x)
        power = std::pow(10.0, ++digits);
    auto text = std::to_string(static_cast<std::uint64_t>(std::floor(x * power + 0.5)));
    if (digits == 0) return text;
    const auto point = static_cast<std::size_t>(digits);
    if (text.size() <= point) text = std::string(point + 1 - text.size(), '0') + text;
    return text.substr(0, text.size() - point) + "." + text.substr(text.size() - point);
}
/// The text of a config.json that parse_config reads back to the same config. `more` is put in as it is: further
/// members, each with a comma at its end.
inline std::string config_json(const config& c, std::string_view more = {}) {
    const auto truth = [](bool b) { return b ? "true" : "false"; };
    const auto head_width = (std::max)(c.head_width, std::uint32_t{1});
    // rotary / head_width in millionths, rounded up until int(head_width * rotary_pct) is rotary again.
    std::uint64_t share = (std::uint64_t{c.rotary} * 1000000 + head_width - 1) / head_width;
    const auto pct = [&] { return static_cast<double>(share) / 1e6; };
    if (static_cast<std::uint32_t>(head_width * pct()) < c.rotary) ++share;
    std::string s =
        concat({"{\n  \"architectures\": [\"GPTNeoXForCausalLM\"],\n  \"model_type\": \"gpt_neox\",\n", more});
    const auto whole = [&](std::string_view key, std::uint32_t n) { s += concat({"  \"", key, "\": ", n, ",\n"}); };
    whole("num_hidden_layers", c.layers);
    whole("hidden_size", c.width);
    whole("num_attention_heads", c.heads);
    if (c.kv_heads != c.heads) whole("num_key_value_heads", c.kv_heads);
    if (c.head_width * c.heads != c.width) whole("head_dim", c.head_width);
    whole("intermediate_size", c.ffn);
    whole("vocab_size", c.vocab);
    whole("max_position_embeddings", c.positions);
    return s + concat({"  \"hidden_act\": \"gelu\",\n  \"layer_norm_eps\": ", json_number(c.norm_eps),
                       ",\n  \"rotary_pct\": ", json_number(pct()), ",\n  \"rotary_emb_base\": ",
                       json_number(c.rotary_base), ",\n  \"use_parallel_residual\": ", truth(c.parallel_residual),
                       ",\n  \"tie_word_embeddings\": ", truth(c.tied), "\n}\n"});
}
}  // namespace narae::inline NARAE_ABI::store
// ==== narae/quant/export.hpp ====
// A model goes back to where others read it: a Hugging Face checkpoint, config.json, model.safetensors, tokenizer.json.
// Packed weights are unpacked; heads that share keys and values get a copy each, because GPT-NeoX knows plain heads
// only.
#ifndef NARAE_NO_FILES
namespace narae::inline NARAE_ABI::quant {
namespace detail {
/// The row of a QKV matrix of shape s that is row r of the same matrix with plain heads (q, k, v of head 0, of head 1,
/// and so on).
inline std::size_t shared_row(const model::shape& s, std::size_t r) noexcept {
    const auto h = r / (3 * s.E), part = r / s.E % 3, i = r % s.E;
    return (part == 0 ? s.q_row(h) : part == 1 ? s.k_row(h / s.share()) : s.v_row(h / s.share())) + i;
}
inline result<void> write_text(const std::string& path, byte_view bytes) {
    auto sink = sys::file_sink::create(path);
    if (!sink) return sink.error();
    const auto written = sink->write(bytes);
    if (!written) return written;
    return sink->commit();
}
/// The id that ends a text: the tokenizer's, or what the source's config says; empty if neither knows.
inline result<std::string> end_of_text(const store::checkpoint& from, const std::string& place) {
    if (const auto json = from.tokenizer_json(); !json.empty()) {
        const auto tokenizer = token::tokenizer::parse(json);
        if (!tokenizer) return tokenizer.error().in(place);
        if (const auto id = tokenizer->end_of_text()) return std::to_string(*id);
    }
    const auto doc = text::json::parse(from.config_text());
    if (!doc) return doc.error().in(from.config_name());
    std::uint64_t id = 0;
    return doc->root()["eos_token_id"].whole(id) ? std::to_string(id) : std::string();
}
}  // namespace detail
/// Writes the model at `from` (anything that opens) into the folder `folder`, which must be there, with all weights in
/// `type`, f16 or f32; returns the size of model.safetensors. Refuses heads that do not fill the width: other engines
/// could not load them.
inline result<std::uint64_t> export_checkpoint(const std::string& from, const std::string& folder, model::format type,
                                               progress on_progress = {}) {
    return guarded([&]() -> result<std::uint64_t> {
        if (type != model::format::f16 && type != model::format::f32)
            return error{errc::bad_argument, "a checkpoint is exported as f16 or f32"};
        const auto source = store::checkpoint::open(from);
        if (!source) return source.error();
        auto config = store::parse_config(source->config_text());
        if (!config) return config.error().in(source->config_name());
        const model::shape s(*config);
        if (s.H * s.E != s.D)
            return error{errc::unsupported, source->config_name() + ": " + std::to_string(s.H) + " heads of " +
                                                std::to_string(s.E) + " do not fill the width " + std::to_string(s.D) +
                                                ", which other engines cannot load"};
        config->kv_heads = config->heads;
        const model::shape plain(*config);
        const auto all = detail::inventory::take(*source, s);
        if (!all) return all.error();

        const auto dtype = type == model::format::f16 ? store::dtype::f16 : store::dtype::f32;
        const auto is_qkv = [](const std::string& name) {
            return name.ends_with(".query_key_value.weight") || name.ends_with(".query_key_value.bias");
        };
        std::vector<store::tensor_plan> plan;
        for (const auto& [name, stored] : all->matrices)
            plan.push_back(plan_matrix({name.name, is_qkv(name.name) ? plain.qkv_rows() : name.N, name.K}, type));
        for (const auto* t : all->vectors)
            plan.push_back({t->name, dtype, {is_qkv(t->name) ? plain.qkv_rows() : t->shape[0]}});
        progress_count count{on_progress};
        for (const auto& t : plan) count.total += store::planned_bytes(t);

        const auto end = detail::end_of_text(*source, from);
        if (!end) return end.error();
        auto more = "  \"torch_dtype\": \"" + std::string(type == model::format::f16 ? "float16" : "float32") + "\",\n";
        if (!end->empty()) more += "  \"bos_token_id\": " + *end + ",\n  \"eos_token_id\": " + *end + ",\n";
        const auto described = detail::write_text(folder + "/config.json", as_bytes(store::config_json(*config, more)));
        if (!described) return described.error();
        if (const auto packed = source->tokenizer_json(); !packed.empty()) {
            const auto json = token::unpack_tokenizer(packed);
            if (!json) return json.error().in(from);
            const auto copied = detail::write_text(folder + "/tokenizer.json", as_bytes(*json));
            if (!copied) return copied.error();
        }
        auto rows = row_writer::make(0);
        if (!rows) return rows.error();
        auto out = store::safetensors_writer::create(folder + "/model.safetensors", plan, {{"format", "pt"}});
        if (!out) return out.error();
        const auto* planned = plan.data();
        for (const auto& [name, stored] : all->matrices) {
            const auto N = static_cast<std::size_t>(planned->shape[0]);
            const bool qkv = is_qkv(name.name);
            const auto written = rows->write(
                *out, *planned++, stored.tensor->file + ": " + stored.tensor->name, type, N, name.K,
                [&, &matrix = stored](std::size_t row, float* floats) {
                    matrix.read_row(floats, qkv ? detail::shared_row(s, row) : row);
                },
                [&, &tensor = *stored.tensor, K = name.K](std::size_t begin, std::size_t end_row) {
                    source->let_go(tensor);  // what has been read of it
                    return count.add(model::matrix_bytes(type, end_row - begin, K));
                });
            if (!written) return written.error();
        }
        for (const auto* t : all->vectors) {
            const auto written = write_vector(
                *out, *planned, t->file + ": " + t->name, static_cast<std::size_t>(planned->shape[0]),
                [&](std::size_t i) { return model::element(*t, is_qkv(t->name) ? detail::shared_row(s, i) : i); });
            if (!written) return written.error();
            ++planned;
        }
        const auto bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return bytes;
    });
}
}  // namespace narae::inline NARAE_ABI::quant
#endif  // NARAE_NO_FILES
// ==== narae/quant/synthesize.hpp ====
// A model file of any shape with pseudo-random weights, to measure speed and memory with: it says nothing sensible.
// Random numbers: SplitMix64, Steele, Lea and Flood 2014. Read store/format.hpp before.
namespace narae::inline NARAE_ABI::quant {
/// A shape with a name.
struct named_shape {
    std::string_view name;
    store::config config;
};
/// The released Polyglot-Ko models, a medium GPT-NeoX, and narae's slim shape.
/// layers, width, heads, key-value heads, head width, ffn, vocabulary, positions, rotated dimensions
inline constexpr named_shape named_shapes[] = {
    {"polyglot-ko-1.3b", {24, 2048, 16, 16, 128, 8192, 30080, 2048, 64}},
    {"polyglot-ko-3.8b", {32, 3072, 24, 24, 128, 12288, 30080, 2048, 64}},
    {"polyglot-ko-5.8b", {28, 4096, 16, 16, 256, 16384, 30080, 2048, 64}},
    {"neox-410m", {24, 1024, 16, 16, 64, 4096, 30080, 2048, 16}},
    {"slim", {8, 768, 8, 2, 96, 3072, 32000, 512, 48}},
};
/// The config of this name, or nullptr.
constexpr const store::config* find_shape(std::string_view name) noexcept {
    for (const auto& s : named_shapes)
        if (s.name == name) return &s.config;
    return nullptr;
}
#ifndef NARAE_NO_FILES
namespace detail {
struct split_mix {
    std::uint64_t state;
    std::uint64_t next() noexcept {
        std::uint64_t z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
    void fill(std::byte* out, std::size_t n) noexcept {
        for (; n >= 8; n -= 8, out += 8) store_le(out, next());
        for (auto bits = n > 0 ? next() : 0; n > 0; --n, bits >>= 8) *out++ = static_cast<std::byte>(bits);
    }
};
/// Random bytes in out[] become weights of `size` bytes whose size lies between 2^-6 and 1.5 * 2^-6: only the sign and
/// all but the first bit of the mantissa stay random.
template <class Bits>
void around_a_fiftieth(std::byte* out, std::size_t n, Bits keep, Bits exponent) noexcept {
    for (; n > 0; --n, out += sizeof(Bits)) store_le(out, static_cast<Bits>((load_le<Bits>(out) & keep) | exponent));
}
/// Random bytes in a tile become scales and codes; rows from `count` on and columns from k on become zeros.
/// The codes' spread times the scale, of either sign and between 1 and 1.25 times 2^-8 (q4) or 2^-12 (q8), is 0.02.
inline void make_tile(std::byte* tile, model::format type, std::size_t count, std::size_t k) noexcept {
    const bool q4 = type == model::format::q4;
    const auto scale_bytes = num::q8_layout::scale_bytes(k);
    std::byte* const codes = tile + scale_bytes;
    const auto zero = static_cast<std::byte>(q4 ? 0x88 : 0);
    const auto code_bytes = num::groups_of(k) * (q4 ? num::q4_layout::group_bytes : num::q8_layout::group_bytes);
    around_a_fiftieth<std::uint16_t>(tile, scale_bytes / 2, 0x80FF, q4 ? 0x1C00 : 0x0C00);
    std::memset(tile + num::groups_of(k) * num::tile_rows * 2, 0, scale_bytes - num::groups_of(k) * num::tile_rows * 2);
    if (!q4)
        for (std::size_t i = 0; i < code_bytes; ++i)
            if (codes[i] == std::byte{0x80}) codes[i] = zero;  // -128 is no code
    const auto clear = [&](std::size_t row, std::size_t column) {
        if (!q4) {
            codes[num::q8_layout::at(row, column)] = zero;
            return;
        }
        const auto shift = num::q4_layout::shift(column);
        auto& byte = codes[num::q4_layout::at(row, column)];
        byte = (byte & static_cast<std::byte>(0xF0 >> shift)) | static_cast<std::byte>(8 << shift);
    };
    const auto columns = num::groups_of(k) * num::group_len;
    for (std::size_t r = 0; r < num::tile_rows; ++r)
        for (auto i = r < count ? k : 0; i < columns; ++i) clear(r, i);
    for (std::size_t g = 0; g < num::groups_of(k); ++g)
        std::memset(tile + (g * num::tile_rows + count) * 2, 0, (num::tile_rows - count) * 2);
}
}  // namespace detail
/// Writes the narae file `to` with random weights of this shape in this format (q4, q8, f16 or f32), without a
/// tokenizer; returns its size. The same shape, format and seed give the same bytes everywhere.
inline result<std::uint64_t> synthesize(const store::config& config, model::format type, const std::string& to,
                                        std::uint64_t seed = 1, progress on_progress = {}) {
    return guarded([&]() -> result<std::uint64_t> {
        const auto text = store::config_json(config);
        const auto checked = store::parse_config(text);
        if (!checked) return checked.error().in("the shape");
        if (type == model::format::bf16) return error{errc::bad_argument, "bf16 is a format of sources only"};
        const model::shape s(*checked);
        const auto matrices = model::matrix_names(s);
        const auto vectors = model::vector_names(s);
        std::vector<store::tensor_plan> plan;
        for (const auto& m : matrices) plan.push_back(plan_matrix(m, type));
        for (const auto& [name, n] : vectors) plan.push_back({name, store::dtype::f32, {n}});
        progress_count count{on_progress};
        for (const auto& t : plan) count.total += store::planned_bytes(t);

        auto out = store::safetensors_writer::create(
            to, plan,
            {{std::string(store::narae_version_key), std::string(store::narae_version)},
             {std::string(store::narae_config_key), text},
             {std::string(store::narae_history_key),
              "[{\"step\":\"synthesize\",\"narae\":\"" + std::string(version_text) + "\",\"type\":\"" +
                  std::string(model::format_name(type)) + "\",\"seed\":" + std::to_string(seed) + "}]"}});
        if (!out) return out.error();
        detail::split_mix random{seed};
        const auto* planned = plan.data();
        for (const auto& m : matrices) {
            auto tile = sys::buffer<std::byte>::make(model::matrix_bytes(type, num::tile_rows, m.K));
            if (!tile) return tile.error().in(m.name);
            for (std::size_t row = 0; row < m.N; row += num::tile_rows) {
                const auto rows = (std::min)(num::tile_rows, m.N - row);
                const auto bytes = model::packed(type) ? tile->size() : model::matrix_bytes(type, rows, m.K);
                random.fill(tile->data(), bytes);
                if (model::packed(type)) {
                    detail::make_tile(tile->data(), type, rows, m.K);
                } else if (type == model::format::f16) {
                    detail::around_a_fiftieth<std::uint16_t>(tile->data(), rows * m.K, 0x81FF, 0x2400);
                } else {
                    detail::around_a_fiftieth<std::uint32_t>(tile->data(), rows * m.K, 0x803FFFFF, 0x3C800000);
                }
                const auto written = out->append(planned->name, tile->span().first(bytes));
                if (!written) return written.error();
                const auto going = count.add(bytes);
                if (!going) return going.error();
            }
            ++planned;
        }
        for (const auto& [name, n] : vectors) {
            const float value = name.ends_with("norm.weight") ? 1.0f : 0.0f;  // gains are 1, biases 0
            const auto written = write_vector(*out, *planned++, to, n, [&](std::size_t) { return value; });
            if (!written) return written.error();
        }
        const auto bytes = out->bytes();
        const auto done = out->commit();
        if (!done) return done.error();
        return bytes;
    });
}
#endif  // NARAE_NO_FILES
}  // namespace narae::inline NARAE_ABI::quant
// ==== no macro of narae stays behind ====
#undef NARAE_ABI
#undef NARAE_ABI_F
#undef NARAE_ABI_S
#undef NARAE_ABI_T
#undef NARAE_ABI_X
#undef NARAE_AVX2
#undef NARAE_EXCEPTIONS
#undef NARAE_JOIN
#undef NARAE_JOIN2
#undef NARAE_NEON
#undef NARAE_POSIX
#undef NARAE_X86

#endif
