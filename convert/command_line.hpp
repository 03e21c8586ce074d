// SPDX-License-Identifier: MIT
// What all commands share: options read by one rule, failures told in one line, progress where someone watches.
// Exit codes: 0 done, 1 bad input, 2 bad usage, 130 stopped by Ctrl-C or SIGTERM.
#ifndef NARAE_CONVERT_COMMAND_LINE_HPP
#define NARAE_CONVERT_COMMAND_LINE_HPP

#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narae/narae.hpp"
#if defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
#define COMMAND_POSIX 1  // narae's own macro is gone where its single header was included
#else
#define COMMAND_POSIX 0
#endif
#if COMMAND_POSIX
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace command {

/// How an option is called and what its value is called; no value name: a switch; "FILE...": one value or more.
struct option {
    std::string_view name;
    std::string_view value = {};
    bool needed = false;
};

/// The arguments of one verb. Whatever is wrong with them is one line on stderr and exit code 2.
class line {
public:
    /// `program` as users call it ("narae-convert inspect"); `help` is what -h prints; between `least` and `most`
    /// arguments that are no options, called `arguments` in messages.
    line(std::string program, std::string_view help, std::initializer_list<option> options, std::string arguments = {},
         std::size_t least = 0, std::size_t most = 0)
        : program_(std::move(program)), help_(help), options_(options), arguments_(std::move(arguments)), least_(least),
          most_(most) {}

    /// Reads `words`, which come after the verb. Options may stand anywhere; "--" ends them; "--name=value" is fine.
    void read(const std::vector<std::string>& words) {
        bool options_over = false;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto& word = words[i];
            if (options_over || word.size() < 2 || word[0] != '-') {
                positional_.push_back(word);
            } else if (word == "--") {
                options_over = true;
            } else if (word == "-h" || word == "--help") {
                std::fwrite(help_.data(), 1, help_.size(), stdout);
                std::exit(0);
            } else {
                const auto equals = word.starts_with("--") ? word.find('=') : word.npos;
                const auto name = word.substr(0, equals);
                const auto* o = declared(name);
                if (o == nullptr) wrong("unknown option " + name);
                if (o->value.empty() && equals != word.npos) wrong(name + " takes no value");
                if (!o->value.empty() && equals == word.npos && i + 1 == words.size())
                    wrong(name + " needs a value: " + std::string(o->value));
                given_.emplace_back(name, o->value.empty()      ? ""
                                          : equals != word.npos ? word.substr(equals + 1)
                                                                : words[++i]);
                while (o->value.ends_with("...") && i + 1 < words.size() && !words[i + 1].starts_with('-'))
                    given_.emplace_back(name, words[++i]);
            }
        }
        if (positional_.size() > most_) wrong("unexpected argument '" + positional_[most_] + "'");
        if (positional_.size() < least_) wrong(arguments_ + " is missing");
        for (const auto& o : options_)
            if (o.needed && !has(o.name)) wrong(std::string(o.name) + " " + std::string(o.value) + " is missing");
    }

    const std::vector<std::string>& arguments() const noexcept { return positional_; }
    bool has(std::string_view name) const noexcept { return !all(name).empty(); }

    /// The value given last, or `otherwise`.
    std::string text(std::string_view name, std::string_view otherwise = {}) const {
        const auto values = all(name);
        return values.empty() ? std::string(otherwise) : std::string(values.back());
    }

    /// All values of an option that may be given several times.
    std::vector<std::string_view> all(std::string_view name) const {
        std::vector<std::string_view> values;
        for (const auto& [given, value] : given_)
            if (given == name) values.push_back(value);
        return values;
    }

    /// A whole number from `least` to `most`.
    std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                         std::uint64_t most) const {
        if (!has(name)) return otherwise;
        const auto given = text(name);
        std::uint64_t n = 0;
        if (!whole(given, n) || n < least || n > most)
            wrong(std::string(name) + " is '" + given + "', not a whole number from " + std::to_string(least) + " to " +
                  std::to_string(most));
        return n;
    }

    /// A number from `least` to `most`, fractions allowed.
    double real(std::string_view name, double otherwise, double least, double most) const {
        if (!has(name)) return otherwise;
        const auto given = text(name);
        char* end = nullptr;
        const double x = std::strtod(given.c_str(), &end);
        if (given.empty() || *end != '\0' || !(x >= least && x <= most)) {
            char range[80];
            std::snprintf(range, sizeof range, "%g to %g", least, most);
            wrong(std::string(name) + " is '" + given + "', not a number from " + range);
        }
        return x;
    }

    /// A size in bytes, which may end in K, M or G (powers of 1024).
    std::uint64_t bytes(std::string_view name, std::uint64_t otherwise) const {
        if (!has(name)) return otherwise;
        auto given = text(name);
        const auto unit = std::string_view("KMG").find(given.empty() ? ' ' : given.back());
        if (unit != std::string_view::npos) given.pop_back();
        std::uint64_t n = 0;
        const unsigned shift = unit == std::string_view::npos ? 0 : 10 * static_cast<unsigned>(unit + 1);
        if (!whole(given, n) || n > ~std::uint64_t{0} >> shift)
            wrong(std::string(name) + " is '" + text(name) + "', not a number of bytes such as 800M or 2G");
        return n << shift;
    }

    /// The index of the value in `choices`.
    std::size_t choice(std::string_view name, std::string_view otherwise,
                       std::initializer_list<std::string_view> choices) const {
        const auto given = text(name, otherwise);
        std::string list;
        std::size_t i = 0;
        for (const auto c : choices) {
            if (c == given) return i;
            list += (i++ == 0 ? "" : ", ") + std::string(c);
        }
        wrong(std::string(name) + " is '" + given + "', not one of " + list);
    }

    /// Says what is wrong with the call, and ends the program.
    [[noreturn]] void wrong(const std::string& what) const {
        std::fprintf(stderr, "%s: %s (-h shows how)\n", program_.c_str(), what.c_str());
        std::exit(2);
    }

    /// Says what went wrong with the work; gives the exit code.
    int failed(const narae::error& e) const {
        std::fprintf(stderr, "%s: %s\n", program_.c_str(), e.message().c_str());
        return e.code == narae::errc::cancelled ? 130 : 1;
    }

private:
    const option* declared(std::string_view name) const noexcept {
        for (const auto& o : options_)
            if (o.name == name) return &o;
        return nullptr;
    }
    static bool whole(std::string_view digits, std::uint64_t& n) noexcept {
        n = 0;
        for (const char c : digits) {
            if (c < '0' || c > '9') return false;
            const auto digit = static_cast<std::uint64_t>(c - '0');
            if (n > (~std::uint64_t{0} - digit) / 10) return false;
            n = n * 10 + digit;
        }
        return !digits.empty();
    }

    std::string program_;
    std::string_view help_;
    std::vector<option> options_;
    std::string arguments_;
    std::size_t least_, most_;
    std::vector<std::string> positional_;
    std::vector<std::pair<std::string, std::string>> given_;
};

/// Set by the first Ctrl-C or SIGTERM; progress() then stops the work, so that nothing half-written stays behind.
inline volatile std::sig_atomic_t stopped = 0;

inline void catch_signals() noexcept {
    // A second signal ends the program at once.
    for (const int s : {SIGINT, SIGTERM})
        std::signal(s, [](int which) {
            stopped = 1;
            std::signal(which, SIG_DFL);
        });
#ifdef SIGXFSZ
    std::signal(SIGXFSZ, SIG_IGN);  // a file size limit becomes a failed write, which is reported
#endif
}

/// Is a person looking at stderr?
inline bool watched() noexcept {
#if COMMAND_POSIX
    return ::isatty(::fileno(stderr)) != 0;
#else
    return false;
#endif
}

/// A progress line on stderr where someone watches. As a narae callback it also passes Ctrl-C on.
class progress {
public:
    explicit progress(std::string what) : what_(std::move(what)) {}
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress() {
        if (shown_) std::fputs("\r\033[K", stderr);
    }

    bool operator()(std::uint64_t done, std::uint64_t total) {
        const auto now = std::chrono::steady_clock::now();
        if (watched_ && total != 0 && now >= next_) {
            next_ = now + std::chrono::milliseconds(100);
            constexpr int width = 30;
            const double part = static_cast<double>(done) / static_cast<double>(total);
            const int full = static_cast<int>(part * width);
            std::fprintf(stderr, "\r\033[K%s [%.*s%*s] %3d %%", what_.c_str(), full, "##############################",
                         width - full, "", static_cast<int>(part * 100));
            const double passed = std::chrono::duration<double>(now - start_).count();
            if (passed > 2) std::fprintf(stderr, ", %.0f s left", passed * (1 - part) / part);
            shown_ = true;
        }
        return stopped == 0;
    }

private:
    std::string what_;
    bool watched_ = watched(), shown_ = false;
    std::chrono::steady_clock::time_point next_{}, start_ = std::chrono::steady_clock::now();
};

/// "812.4 MB": powers of 1000, as disks are sold.
/// Bytes of memory that this machine has, or 0 where the system does not say.
inline std::uint64_t physical_memory() noexcept {
#if COMMAND_POSIX && defined(_SC_PHYS_PAGES)
    return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
#else
    return 0;
#endif
}

inline std::string size_text(std::uint64_t bytes) {
    constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB"};
    auto n = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; n >= 999.95 && unit < 4; ++unit) n /= 1000;
    char text[40];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", n, units[unit]);
    return text;
}

/// The most memory this program has held at once, in bytes; 0 where the system does not tell.
inline std::uint64_t peak_rss() noexcept {
#if COMMAND_POSIX && !defined(__EMSCRIPTEN__)
    // Linux first: what getrusage tells there includes the program that started this one.
    if (std::FILE* status = std::fopen("/proc/self/status", "r")) {
        char text[256];
        unsigned long long kib = 0;
        while (std::fgets(text, sizeof text, status) != nullptr && std::sscanf(text, "VmHWM: %llu", &kib) != 1) {
        }
        std::fclose(status);
        if (kib != 0) return kib * 1024;
    }
    struct rusage used;
    if (::getrusage(RUSAGE_SELF, &used) != 0) return 0;
#ifdef __APPLE__
    return static_cast<std::uint64_t>(used.ru_maxrss);
#else
    return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
#endif
#else
    return 0;
#endif
}

struct stopwatch {
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    double seconds() const noexcept {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
};

/// How a closing line ends: "812.4 MB written in 3.2 s, peak memory 61.0 MB\n".
inline std::string closing(std::uint64_t bytes, const stopwatch& clock) {
    char seconds[40];
    std::snprintf(seconds, sizeof seconds, "%.1f", clock.seconds());
    auto text = size_text(bytes) + " written in " + seconds + " s";
    if (const auto peak = peak_rss(); peak != 0) text += ", peak memory " + size_text(peak);
    return text + "\n";
}

}  // namespace command

#endif
