// SPDX-License-Identifier: MIT
// The rules of the house as functions: source text in, complaints out. self.cpp shows that each can fail,
// tree.cpp holds the tree to them.
#ifndef NARAE_TESTS_RULES_CHECK_HPP
#define NARAE_TESTS_RULES_CHECK_HPP

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rules {

/// A file: its path from the top ("include/narae/base/bytes.hpp"), and its text.
struct source {
    std::string path, text;
};
using complaints = std::vector<std::string>;

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

inline std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), {}};
}

inline std::string place(const source& s, std::size_t line_index) {
    return s.path + ":" + std::to_string(line_index + 1) + ": ";
}

inline bool starts(std::string_view s, std::string_view with) { return s.substr(0, with.size()) == with; }
inline bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// The files under top/folder with one of the endings, in order of path.
inline std::vector<source> read_tree(const std::string& top, const std::string& folder,
                                     const std::set<std::string>& endings) {
    namespace fs = std::filesystem;
    std::map<std::string, source> files;
    if (!fs::exists(fs::path(top) / folder)) return {};
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(top) / folder)) {
        if (!entry.is_regular_file() || endings.count(entry.path().extension().string()) == 0) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const auto path = fs::relative(entry.path(), top).generic_string();
        files[path] = {path, std::string(std::istreambuf_iterator<char>(in), {})};
    }
    std::vector<source> out;
    for (auto& file : files) out.push_back(std::move(file.second));
    return out;
}

/// The text with comments blanked out, and with `strings` the insides of string and character literals too.
inline std::string code_of(const std::string& text, bool strings = true) {
    std::string out = text;
    const auto blank = [&](std::size_t from, std::size_t to) {
        for (auto i = from; i < to && i < out.size(); ++i)
            if (out[i] != '\n') out[i] = ' ';
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto two = std::string_view(text).substr(i, 2);
        if (two == "//" || two == "/*") {
            auto end = two == "//" ? text.find('\n', i) : text.find("*/", i + 2);
            end = end == std::string::npos ? text.size() : end + (two == "//" ? 0 : 2);
            blank(i, end);
            i = end;
        } else if (two == "R\"" && (i == 0 || !word_char(text[i - 1]))) {
            const auto open = text.find('(', i);
            const auto close = ")" + text.substr(i + 2, open - i - 2) + "\"";
            const auto end = text.find(close, open);
            if (strings) blank(open, end);
            i = end == std::string::npos ? text.size() : end + close.size();
        } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !word_char(text[i - 1])))) {
            auto end = i + 1;
            while (end < text.size() && text[end] != text[i] && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
            if (strings) blank(i + 1, end);
            i = end + 1;
        } else {
            ++i;
        }
    }
    return out;
}

/// "#  define X 1" gives {"define", "X 1"}; a line that is no directive gives {"", ""}.
struct directive {
    std::string word, rest;
};
inline directive directive_of(const std::string& line) {
    const auto at = line.find_first_not_of(" \t");
    if (at == std::string::npos || line[at] != '#') return {};
    const auto begin = line.find_first_not_of(" \t", at + 1);
    if (begin == std::string::npos) return {};
    auto end = begin;
    while (end < line.size() && word_char(line[end])) ++end;
    const auto rest = line.find_first_not_of(" \t", end);
    return {line.substr(begin, end - begin), rest == std::string::npos ? "" : line.substr(rest)};
}

struct include_line {
    std::size_t line;
    std::string name;  // with its quotes or brackets
};
inline std::vector<include_line> includes_of(const source& s) {
    std::vector<include_line> found;
    const auto lines = lines_of(code_of(s.text, false));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto d = directive_of(lines[i]);
        if (d.word != "include") continue;
        const auto end = d.rest.find_first_of(">\"", 1);
        found.push_back({i, d.rest.substr(0, end == std::string::npos ? end : end + 1)});
    }
    return found;
}

/// "include/narae/text/utf8.hpp" and "narae/text/utf8.hpp" are "text/utf8.hpp"; its room is "text";
/// the umbrellas, which stand in no room, are rooms by their own names.
inline std::string inside(const std::string& path) {
    const auto at = path.find("narae/");
    return at == std::string::npos ? path : path.substr(at + 6);
}
inline std::string room_of(const std::string& path) {
    const auto p = inside(path);
    return p.substr(0, p.find('/'));
}

// --- arrows between rooms -------------------------------------------------------------------------------------------

struct room {
    int level = 0;
    std::set<std::string> may_include;
};
using house = std::map<std::string, room>;

/// Reads arrows.txt. An arrow to an unknown room, or to one that is not lower, is a mistake in the table itself.
inline house read_house(const std::string& table) {
    house h;
    for (const auto& line : lines_of(table)) {
        if (line.empty() || line[0] == '#') continue;
        const auto w = words_of(line);
        if (w.size() < 2) throw std::runtime_error("arrows: no level: " + line);
        h[w[0]] = {std::stoi(w[1]), {w.begin() + 2, w.end()}};
    }
    for (const auto& [name, r] : h)
        for (const auto& to : r.may_include)
            if (h.count(to) == 0 || h[to].level >= r.level)
                throw std::runtime_error("arrows: " + name + " -> " + to + " does not go down");
    return h;
}

inline complaints arrows(const source& header, const house& h) {
    const auto from = room_of(header.path);
    const auto r = h.find(from);
    if (r == h.end()) return {header.path + ": unknown room " + from};
    complaints out;
    for (const auto& [line, name] : includes_of(header)) {
        if (name[0] == '<') {
            if (starts(name, "<narae/")) out.push_back(place(header, line) + "write \"narae/...\" in quotes");
            continue;
        }
        const auto to = room_of(name.substr(1, name.size() - 2));
        if (!starts(name, "\"narae/"))
            out.push_back(place(header, line) + "a header is named from narae/: " + name);
        else if (to != from && r->second.may_include.count(to) == 0)
            out.push_back(place(header, line) + from + " must not include " + to + ": " + name);
    }
    return out;
}

/// Programs of examples/ and convert/ hold the umbrellas, and their own neighbours, nothing else of narae.
inline complaints umbrellas_only(const source& program) {
    complaints out;
    for (const auto& [line, name] : includes_of(program)) {
        const auto bare = name.substr(1, name.size() - 2);
        const bool umbrella = bare == "narae/narae.hpp" || bare == "narae/toolkit.hpp";
        if ((starts(bare, "narae/") && !umbrella) || bare.find("tests/") != std::string::npos)
            out.push_back(place(program, line) + "only the umbrellas: " + name);
    }
    return out;
}

/// Headers that `from` reaches, by names such as "narae/text/utf8.hpp", itself included.
inline std::set<std::string> reached(const std::string& from, const std::vector<source>& headers) {
    std::set<std::string> seen;
    std::vector<std::string> open{from};
    while (!open.empty()) {
        const auto name = open.back();
        open.pop_back();
        if (!seen.insert(name).second) continue;
        for (const auto& s : headers) {
            if (s.path != "include/" + name) continue;
            for (const auto& i : includes_of(s))
                if (i.name[0] == '"') open.push_back(i.name.substr(1, i.name.size() - 2));
        }
    }
    return seen;
}

/// toolkit.hpp reaches every header; narae.hpp those of the rooms it may name, but for what toolkit.hpp names itself.
inline complaints umbrellas(const std::vector<source>& headers, const house& h) {
    complaints out;
    const auto run = reached("narae/narae.hpp", headers), all = reached("narae/toolkit.hpp", headers);
    const auto rooms = h.find("narae.hpp");
    std::set<std::string> making;
    for (const auto& s : headers)
        if (s.path == "include/narae/toolkit.hpp")
            for (const auto& i : includes_of(s)) making.insert(i.name.substr(1, i.name.size() - 2));
    for (const auto& s : headers) {
        const auto name = "narae/" + inside(s.path);
        const auto r = room_of(s.path);
        const bool runs = rooms != h.end() && rooms->second.may_include.count(r) != 0 && making.count(name) == 0;
        if (runs && run.count(name) == 0) out.push_back(name + ": narae.hpp does not reach it");
        if (!runs && r != "narae.hpp" && run.count(name) != 0) out.push_back(name + ": narae.hpp reaches it");
        if (all.count(name) == 0) out.push_back(name + ": toolkit.hpp does not reach it");
    }
    return out;
}

// --- standard and system headers
// --------------------------------------------------------------------------------------

using permits = std::map<std::string, std::set<std::string>>;  // "*", room or room/file.hpp -> names
inline permits read_permits(const std::string& table) {
    permits p;
    for (const auto& line : lines_of(table)) {
        if (line.empty() || line[0] == '#') continue;
        const auto w = words_of(line);
        p[w[0]].insert(w.begin() + 1, w.end());
    }
    return p;
}

inline complaints system_headers(const source& header, const permits& p) {
    complaints out;
    for (const auto& [line, name] : includes_of(header)) {
        if (name[0] != '<') continue;
        bool allowed = false;
        for (const auto& who : {std::string("*"), room_of(header.path), inside(header.path)}) {
            const auto names = p.find(who);
            allowed = allowed || (names != p.end() && names->second.count(name.substr(1, name.size() - 2)) != 0);
        }
        if (!allowed) out.push_back(place(header, line) + "not in tests/rules/std.txt: " + name);
    }
    return out;
}

// --- the shape of a header
// ----------------------------------------------------------------------------------------------

inline complaints spdx(const source& s) {
    if (starts(s.text, "// SPDX-License-Identifier: MIT\n")) return {};
    return {place(s, 0) + "the first line is not the SPDX line"};
}

inline complaints ascii(const source& s) {
    const auto lines = lines_of(s.text);
    for (std::size_t i = 0; i < lines.size(); ++i)
        for (const char c : lines[i])
            if (static_cast<unsigned char>(c) >= 0x80 || static_cast<unsigned char>(c) < 0x20)
                return {place(s, i) + "not printable ASCII"};
    return {};
}

inline std::string guard_of(const std::string& path) {
    std::string guard = "NARAE_";
    for (const char c : inside(path)) guard += word_char(c) ? static_cast<char>(std::toupper(c)) : '_';
    return guard;
}

/// The first two directives open the guard, and nothing but it: #pragma once would be one more way to do it.
inline complaints guard(const source& s) {
    std::vector<std::string> found;
    for (const auto& line : lines_of(code_of(s.text, false))) {
        const auto d = directive_of(line);
        if (d.word == "pragma" && starts(d.rest, "once")) return {s.path + ": #pragma once"};
        if (!d.word.empty()) found.push_back(d.word + " " + d.rest);
    }
    const auto name = guard_of(s.path);
    if (found.size() >= 3 && found[0] == "ifndef " + name && found[1] == "define " + name) return {};
    return {s.path + ": its include guard is not " + name};
}

/// A file opens with its duty, in at most five lines of comment; only the umbrellas, maps of the house, may take more.
inline complaints opening(const source& s) {
    const auto lines = lines_of(s.text);
    std::size_t n = 0;
    while (n < lines.size() && starts(lines[n], "//")) ++n;
    if (n < 2) return {s.path + ": no opening comment"};
    if (n > 6 && s.path.find('/') != s.path.rfind('/') && inside(s.path).find('/') != std::string::npos)
        return {place(s, n - 1) + "the opening comment is longer than five lines"};
    return {};
}

inline complaints length(const source& s, std::size_t budget) {
    const auto n = lines_of(s.text).size();
    if (n <= budget) return {};
    return {s.path + ": " + std::to_string(n) + " lines, the budget is " + std::to_string(budget)};
}

inline complaints columns(const source& s) {
    complaints out;
    const auto lines = lines_of(s.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::size_t width = 0;
        for (const char c : lines[i]) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        if (width > 120) out.push_back(place(s, i) + "longer than 120 columns");
        if (!lines[i].empty() && (lines[i].back() == ' ' || lines[i].back() == '\t' || lines[i].back() == '\r'))
            out.push_back(place(s, i) + "white space at the end");
    }
    return out;
}

/// A header opens its namespace with the tag, so that files with different switches can share a program;
/// namespaces inside it need none. Function bodies, which are indented, may use a namespace whole.
inline complaints namespaces(const source& s) {
    complaints out;
    bool tagged = false;
    const auto lines = lines_of(code_of(s.text));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (starts(lines[i], "using namespace ")) out.push_back(place(s, i) + "using namespace");
        if (!starts(lines[i], "namespace")) continue;
        if (starts(lines[i], "namespace narae::inline NARAE_ABI"))
            tagged = true;
        else if (!tagged || lines[i].find("narae") != std::string::npos || starts(lines[i], "namespace {"))
            out.push_back(place(s, i) + "a namespace without the tag");
    }
    return out;
}

// --- words
// ----------------------------------------------------------------------------------------------------------------

/// Complains about each whole word of `text` that is in the set.
inline complaints words(const source& s, const std::string& text, const std::set<std::string>& refused) {
    complaints out;
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i < lines.size(); ++i)
        for (std::size_t at = 0; at < lines[i].size();) {
            auto end = at;
            while (end < lines[i].size() && word_char(lines[i][end])) ++end;
            const auto word = lines[i].substr(at, end - at);
            if (refused.count(word) != 0) out.push_back(place(s, i) + word);
            at = end == at ? at + 1 : end;
        }
    return out;
}

/// A library does not print, end the program, read the environment, or keep state of its own.
inline complaints manners(const source& header) {
    auto out = words(header, code_of(header.text),
                     {"printf", "fprintf", "vprintf",    "vfprintf",  "puts",         "fputs",        "putchar",
                      "putc",   "perror",  "cout",       "cerr",      "clog",         "abort",        "exit",
                      "_exit",  "_Exit",   "quick_exit", "terminate", "assert",       "signal",       "getenv",
                      "setenv", "system",  "rand",       "srand",     "thread_local", "dynamic_cast", "typeid"});
    if (inside(header.path) != "base/result.hpp")
        for (const auto& thrown : words(header, code_of(header.text), {"throw"})) out.push_back(thrown);
    return out;
}

/// Work that was put off. (The words are cut in two so that this file does not complain about itself.)
inline complaints unfinished(const source& s) {
    return words(s, s.text,
                 {"TO"
                  "DO",
                  "FIX"
                  "ME",
                  "XX"
                  "X",
                  "HA"
                  "CK",
                  "T"
                  "BD"});
}

// --- macros
// ----------------------------------------------------------------------------------------------------------------

using macro_table = std::map<std::string, std::string>;  // name -> the file that defines it
inline macro_table read_macros(const std::string& table) {
    macro_table t;
    for (const auto& line : lines_of(table)) {
        if (line.empty() || line[0] == '#') continue;
        const auto w = words_of(line);
        t[w.at(0)] = w.at(1);
    }
    return t;
}

struct macro_line {
    std::size_t line;
    std::string name;
};
inline std::vector<macro_line> macros_of(const source& s, const std::string& word = "define") {
    std::vector<macro_line> found;
    const auto lines = lines_of(code_of(s.text, false));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto d = directive_of(lines[i]);
        if (d.word == word) found.push_back({i, d.rest.substr(0, d.rest.find_first_of(" \t("))});
    }
    return found;
}

inline complaints macros(const source& header, const macro_table& t) {
    complaints out;
    for (const auto& [line, name] : macros_of(header)) {
        if (name == guard_of(header.path)) continue;
        const auto listed = t.find(name);
        if (!starts(name, "NARAE_"))
            out.push_back(place(header, line) + "a macro without NARAE_: " + name);
        else if (listed == t.end() || listed->second != inside(header.path))
            out.push_back(place(header, line) + "not in tests/rules/macros.txt: " + name);
    }
    return out;
}

/// After a single header, none of narae's macros is left, guards apart.
inline complaints leftovers(const source& single) {
    std::set<std::string> left;
    for (const auto& m : macros_of(single)) left.insert(m.name);
    for (const auto& m : macros_of(single, "undef")) left.erase(m.name);
    left.erase(guard_of(single.path));
    complaints out;
    for (const auto& name : left) out.push_back(single.path + ": leaves " + name + " behind");
    return out;
}

// --- the README, and the names of test cases
// ------------------------------------------------------------------------------

/// Each ```cpp block stands, word for word, in an example.
inline complaints readme(const source& page, const std::vector<source>& examples) {
    complaints out;
    const auto lines = lines_of(page.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i] != "```cpp") continue;
        const auto begin = i;
        std::string block;
        for (++i; i < lines.size() && lines[i] != "```"; ++i) block += lines[i] + "\n";
        bool found = false;
        for (const auto& e : examples) found = found || e.text.find(block) != std::string::npos;
        if (!found || block.empty()) out.push_back(place(page, begin) + "this code is in no example");
    }
    return out;
}

/// Test cases are registered by name, through two versions of Catch2 and CMake: plain and unique names survive that.
inline complaints case_names(const std::vector<source>& tests) {
    complaints out;
    std::set<std::string> seen;
    for (const auto& s : tests) {
        const auto lines = lines_of(s.text);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (!starts(lines[i], "TEST_CASE(\"")) continue;
            const auto name = lines[i].substr(11, lines[i].find('"', 11) - 11);
            if (name.find_first_of("[];*\\$") != std::string::npos || name.find_first_of("~#") == 0)
                out.push_back(place(s, i) + "a special character in the name of a test case");
            if (!seen.insert(name).second) out.push_back(place(s, i) + "two test cases are called: " + name);
        }
    }
    return out;
}

}  // namespace rules

#endif
