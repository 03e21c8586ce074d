// SPDX-License-Identifier: MIT
// The corpus filter: lines of raw text in, lines to train on out, and a count of what each rule did. Lines are cleaned
// on all threads and compared with earlier ones in their order: any number of threads gives the same text.
// Read corpus/clean.hpp, markup.hpp, personal.hpp, quality.hpp and duplicates.hpp before: they are the rules.
#ifndef NARAE_CORPUS_FILTER_HPP
#define NARAE_CORPUS_FILTER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/base/result.hpp"
#include "narae/corpus/clean.hpp"
#include "narae/corpus/duplicates.hpp"
#include "narae/corpus/markup.hpp"
#include "narae/corpus/personal.hpp"
#include "narae/corpus/quality.hpp"
#include "narae/sys/team.hpp"
#include "narae/text/lines.hpp"

namespace narae::inline NARAE_ABI::corpus {

/// The rules in the order in which they work. The first that drops a line ends it; what others changed counts as well.
enum class rule : std::uint8_t {
    too_long,      ///< more than filter::longest bytes: dropped unread
    invalid_utf8,  ///< bytes that are no character removed
    characters,    ///< controls, zero-width characters and needless blanks removed, NFC
    markup,        ///< tags, entities, Markdown and web addresses removed
    runs,          ///< a character that is repeated without end cut to three
    telephone,     ///< masked, as are the next four; the order is that of `personal`
    registration,
    account,
    email,
    address,
    boilerplate,  ///< sentences of web pages removed
    not_korean,   ///< the first rule of content: dropped, as by all that follow
    too_short,
    repetitive,
    spam,
    other_domain,  ///< not what options.domain asks for
    duplicate,
    near_duplicate,
    none,  ///< the line is kept
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(rule::none)> rule_names = {
    "too_long",   "invalid_utf8", "characters", "markup", "runs",                         //
    "telephone",  "registration", "account",    "email",  "address",      "boilerplate",  //
    "not_korean", "too_short",    "repetitive", "spam",   "other_domain", "duplicate",   "near_duplicate"};
/// Does the rule drop lines, or change them?
constexpr bool drops(rule r) noexcept { return r == rule::too_long || r >= rule::not_korean; }

/// Lines and bytes, newlines included. Reports of parts of a corpus add up, but for duplicates between the parts.
struct report {
    std::uint64_t lines = 0, kept = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t conversation = 0, information = 0;         ///< of the lines kept; a line may be both
    std::array<std::uint64_t, rule_names.size()> by_rule{};  ///< lines that the rule dropped or changed

    std::uint64_t& operator[](rule r) noexcept { return by_rule[static_cast<std::size_t>(r)]; }
    std::uint64_t operator[](rule r) const noexcept { return by_rule[static_cast<std::size_t>(r)]; }

    report& operator+=(const report& other) noexcept {
        lines += other.lines, kept += other.kept, bytes_in += other.bytes_in, bytes_out += other.bytes_out;
        conversation += other.conversation, information += other.information;
        for (std::size_t r = 0; r < by_rule.size(); ++r) by_rule[r] += other.by_rule[r];
        return *this;
    }

    /// {"lines":...,"dropped":{"too_long":...},"changed":{...},"domains":{...}}, and a newline.
    std::string json() const {
        std::string parts[2];
        for (std::size_t r = 0; r < by_rule.size(); ++r) {
            auto& part = parts[drops(static_cast<rule>(r))];
            part += concat({part.empty() ? "" : ",", "\n    \"", rule_names[r], "\": ", by_rule[r]});
        }
        return concat({"{\n  \"lines\": ", lines, ",\n  \"kept\": ", kept, ",\n  \"bytes_in\": ", bytes_in,
                       ",\n  \"bytes_out\": ", bytes_out, ",\n  \"dropped\": {", parts[1], "\n  },\n  \"changed\": {",
                       parts[0], "\n  },\n  \"domains\": {\n    \"conversation\": ", conversation,
                       ",\n    \"information\": ", information, "\n  }\n}\n"});
    }
};

enum class domain : std::uint8_t { any, conversation, information };

struct filter_options {
    bool near_duplicates = true;
    corpus::domain domain = domain::any;     ///< what to keep
    std::size_t remembered = 1u << 24;       ///< lines compared for duplicates, 32 bytes each at most
    std::size_t remembered_near = 1u << 20;  ///< lines compared for near duplicates, 128 bytes each
    std::size_t threads = 1;                 ///< for feed(); 0: one per processor
};

class filter {
public:
    static constexpr std::size_t longest = std::size_t{1} << 20;  ///< bytes of a line

    /// Errors: io where a thread cannot be started, out_of_memory.
    static result<filter> make(const filter_options& options = {}) {
        return guarded([&]() -> result<filter> {
            auto team = sys::team::make(options.threads);
            if (!team) return team.error();
            return filter(options, *std::move(team));
        });
    }

    /// The next bytes of a text, cut anywhere; appends the lines that are kept, each with a newline. A line waits for
    /// its end in no more than `longest` bytes. Blocks of megabytes keep several threads busy. Errors: out_of_memory.
    result<void> feed(std::string_view bytes, std::string& out) {
        return guarded([&]() -> result<void> {
            counts_.bytes_in += bytes.size();
            if (const auto newline = bytes.find('\n'); !held_.empty() && newline != bytes.npos) {
                hold(bytes.substr(0, newline));
                bytes.remove_prefix(newline + 1);
                if (auto done = work(std::exchange(held_, {}), out); !done) return done;
            }
            const auto whole = bytes.rfind('\n') + 1;  // npos + 1 is 0
            if (auto done = work(bytes.substr(0, whole), out); !done) return done;
            hold(bytes.substr(whole));
            return {};
        });
    }

    /// The end of the text: its last line may lack the newline. Errors: out_of_memory.
    result<void> finish(std::string& out) {
        return guarded([&] { return work(std::exchange(held_, {}), out); });
    }

    const report& counts() const noexcept { return counts_; }

private:
    struct kept_line {
        std::size_t end;  // in the cleaner's text, past its newline
        std::uint64_t hash;
        signature sketch;
        domains is;
    };

    /// What one thread cleans, by all rules but the last two: what can be said of a line alone.
    struct cleaner {
        std::string text = {};  // of the lines kept
        std::vector<kept_line> lines = {};
        report counts = {};

        void take(std::string_view line, const filter_options& options) {
            ++counts.lines;
            const auto begin = text.size();
            const auto dropped_by = line.size() > longest ? rule::too_long : clean(line, options.domain);
            if (dropped_by != rule::none) {
                ++counts[dropped_by];
                return;
            }
            lines.push_back({text.size() + 1, hash_of(std::string_view(text).substr(begin)), {}, is_});
            if (options.near_duplicates) lines.back().sketch = signature_of(letters_);
            text += '\n';
        }

    private:
        rule clean(std::string_view line, domain wanted) {
            const auto changed = [&](rule r, bool yes) { counts[r] += yes; };
            const auto found = decode(line, text_);
            changed(rule::invalid_utf8, found.invalid);
            const auto size = text_.size();
            const auto addresses = strip_markup(text_, other_);
            const bool marked = other_.size() != size;
            changed(rule::markup, marked);
            const bool squeezed = squeeze(other_) && !marked, composed = compose(other_);
            changed(rule::characters, found.cleaned || squeezed || composed);
            changed(rule::runs, cut_runs(other_));
            const auto masked = mask_personal(other_, text_);
            for (std::size_t k = 0; k < masked.size(); ++k)
                changed(static_cast<rule>(static_cast<std::size_t>(rule::telephone) + k), masked[k] != 0);
            letters_.read(text_, find_);
            if (cut_boilerplate(text_, letters_)) {
                changed(rule::boilerplate, true);
                letters_.read(text_, find_);
            }
            if (not_korean(letters_)) return rule::not_korean;
            if (too_short(letters_)) return rule::too_short;
            if (repetitive_(letters_)) return rule::repetitive;
            if (spam(letters_, addresses)) return rule::spam;
            is_ = domains_of(text_, letters_);
            if ((wanted == domain::conversation && !is_.conversation) ||
                (wanted == domain::information && !is_.information))
                return rule::other_domain;
            encode(text_, text);
            return rule::none;
        }

        std::u32string text_ = {}, other_ = {};  // buffers that are used again
        phrase_finder find_ = {};
        letters letters_ = {};
        repetition repetitive_ = {};
        domains is_ = {};
    };

    filter(const filter_options& options, std::unique_ptr<sys::team> team)
        : options_(options), team_(std::move(team)), cleaners_(team_->size()), seen_(options.remembered),
          near_(options.remembered_near) {}

    void hold(std::string_view bytes) {  // one byte too many tells that the line is too long
        held_ += bytes.substr(0, longest + 1 - held_.size());
    }

    /// Cleans whole lines, then settles them in their order.
    result<void> work(std::string_view lines, std::string& out) {
        const auto clean = [&](std::size_t part, std::size_t parts) {
            for (auto rest = text::share_of_lines(lines, part, parts); !rest.empty();)
                cleaners_[part].take(text::take_line(rest), options_);
        };
        constexpr std::size_t worth_waking = std::size_t{1} << 16;
        std::vector<char> failed(team_->size());
        if (lines.size() < worth_waking)
            clean(0, 1);
        else
            team_->run([&](std::size_t part, std::size_t parts) {
                failed[part] = !guarded([&] { return clean(part, parts), result<void>(); });
            });
        if (std::find(failed.begin(), failed.end(), 1) != failed.end())
            return error{errc::out_of_memory, "out of memory"};
        for (auto& c : cleaners_) settle(c, out);
        return {};
    }

    /// Moves the lines that were not there before to `out`, and the counts to the report.
    void settle(cleaner& from, std::string& out) {
        auto& counts = from.counts;
        std::size_t begin = 0;
        for (const auto& l : from.lines) {
            const auto line = std::string_view(from.text).substr(begin, l.end - begin);
            begin = l.end;
            if (!seen_.insert(l.hash)) {
                ++counts[rule::duplicate];
            } else if (options_.near_duplicates && !near_.insert(l.sketch)) {
                ++counts[rule::near_duplicate];
            } else {
                out += line;
                ++counts.kept;
                counts.bytes_out += line.size();
                counts.conversation += l.is.conversation;
                counts.information += l.is.information;
            }
        }
        counts_ += std::exchange(counts, {});
        from.lines.clear();
        from.text.clear();
    }

    filter_options options_;
    std::unique_ptr<sys::team> team_;
    std::vector<cleaner> cleaners_;
    seen_hashes seen_;
    near_duplicates near_;
    std::string held_;
    report counts_;
};

}  // namespace narae::inline NARAE_ABI::corpus

#endif
