// SPDX-License-Identifier: MIT
// Makes single_include/narae/narae.hpp and toolkit.hpp out of include/. Standard C++ only.
//   c++ -std=c++20 single_include/amalgamate.cpp -o amalgamate && ./amalgamate .        (--check . only compares)
// Each header comes after the headers it includes, once, without its guard; standard headers that stand under no
// condition are gathered at the top; a namespace or condition that one header closes and the next opens stays open;
// all of narae's macros are undefined at the end.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace amalgamation {

/// The text of "narae/room/file.hpp", or nothing.
using reader = std::function<std::optional<std::string>(const std::string& name)>;

/// A namespace or a condition: the line that opens it, and the one that closes it.
struct bracket {
    std::string begin, end;
};

/// What flattening collects. Errors are thrown as std::runtime_error.
struct house {
    reader read;
    std::set<std::string> seen;         // narae headers already written
    std::set<std::string> standard;     // <...> gathered for the top
    std::map<std::string, int> macros;  // defined by the text, guards apart
    std::string body;
    std::vector<bracket> open;  // what encloses the end of body and is not closed yet, outermost first
};

inline bool starts(std::string_view line, std::string_view with) { return line.substr(0, with.size()) == with; }

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// The directive's name and what follows: "#  define X 1" gives {"define", "X 1"}; anything else {"", ""}.
inline std::pair<std::string, std::string> directive(const std::string& line) {
    const auto hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') return {};
    const auto begin = line.find_first_not_of(" \t", hash + 1);
    if (begin == std::string::npos) return {};
    const auto end = line.find_first_of(" \t<\"", begin);
    if (end == std::string::npos) return {line.substr(begin), ""};
    const auto rest = line.find_first_not_of(" \t", end);
    return {line.substr(begin, end - begin), rest == std::string::npos ? "" : line.substr(rest)};
}

/// A header taken apart: its opening comment, and its lines between the guard.
struct parts {
    std::vector<std::string> opening, lines;
};

inline parts take_apart(const std::string& name, const std::string& text) {
    auto lines = lines_of(text);
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    parts p;
    std::size_t i = 0;
    if (lines.empty() || lines[0] != "// SPDX-License-Identifier: MIT")
        throw std::runtime_error(name + ": the first line is not the SPDX line");
    for (i = 1; i < lines.size() && starts(lines[i], "//"); ++i) p.opening.push_back(lines[i]);
    while (i < lines.size() && lines[i].empty()) ++i;
    if (i + 2 >= lines.size() || !starts(lines[i], "#ifndef NARAE_") ||
        lines[i + 1] != "#define " + lines[i].substr(8) || !starts(lines.back(), "#endif"))
        throw std::runtime_error(name + ": not enclosed by an include guard");
    p.lines.assign(lines.begin() + static_cast<std::ptrdiff_t>(i) + 2, lines.end() - 1);
    return p;
}

inline std::string macro_name(const std::string& definition) {
    return definition.substr(0, definition.find_first_of(" \t("));
}

/// What encloses all of `lines`: opened by the first ones, closed by the last ones, and one whole in between.
inline std::vector<bracket> enclosing(const std::vector<std::string>& lines) {
    const auto opens = [](const std::string& line) {
        return starts(line, "#if") || (starts(line, "namespace ") && line.back() == '{');
    };
    const auto closes = [](const std::string& line) {
        return starts(line, "#endif") || starts(line, "}  // namespace");
    };
    std::vector<bracket> around;
    std::size_t begin = 0, end = lines.size(), closed = 0;
    for (; begin < end && (lines[begin].empty() || opens(lines[begin])); ++begin)
        if (!lines[begin].empty()) around.push_back({lines[begin], ""});
    auto depth = around.size();
    for (; end > begin && closed < depth && (lines[end - 1].empty() || closes(lines[end - 1])); --end)
        if (!lines[end - 1].empty()) around[closed++].end = lines[end - 1];
    around.resize(closed);
    for (auto i = begin; i < end; ++i) {  // leaves out what ends, or turns into its opposite, in between
        if (opens(lines[i])) ++depth;
        if (closes(lines[i])) --depth;
        const auto whole = starts(lines[i], "#el") ? depth - 1 : depth;
        if (whole < around.size()) around.resize(whole);
    }
    return around;
}

/// Closes all that is open but for the outermost `kept`.
inline void close(house& h, std::size_t kept) {
    for (; h.open.size() > kept; h.open.pop_back()) h.body += "\n" + h.open.back().end + "\n";
}

/// Appends a header to the house, after all that it includes. Hoisting an include out of a condition is right,
/// because every header compiles alone under every switch: tests/CMakeLists.txt, "each header alone".
inline void add(house& h, const std::string& name) {
    if (!h.seen.insert(name).second) return;
    const auto text = h.read(name);
    if (!text) throw std::runtime_error(name + ": cannot read");
    const auto p = take_apart(name, *text);
    std::vector<std::string> kept;
    int depth = 0;
    for (const auto& line : p.lines) {
        const auto [word, rest] = directive(line);
        if (starts(word, "if")) ++depth;
        if (word == "endif") --depth;
        if (word == "include" && starts(rest, "\"narae/")) {
            add(h, rest.substr(1, rest.find('"', 1) - 1));
            continue;
        }
        if (word == "include" && !starts(rest, "<")) throw std::runtime_error(name + ": cannot follow: " + line);
        if (word == "include" && depth == 0) {
            h.standard.insert(rest.substr(0, rest.find('>') + 1));
            continue;
        }
        if (word == "define") {
            const auto macro = macro_name(rest);
            if (!starts(macro, "NARAE_")) throw std::runtime_error(name + ": macro without NARAE_: " + macro);
            ++h.macros[macro];
        }
        if (!line.empty() || (!kept.empty() && !kept.back().empty())) kept.push_back(line);
    }
    while (!kept.empty() && kept.back().empty()) kept.pop_back();
    if (kept.empty()) return;  // an umbrella: only includes
    const auto around = enclosing(kept);
    std::size_t same = 0, begin = 0;
    for (; begin < kept.size(); ++begin) {
        if (kept[begin].empty()) continue;
        if (same == h.open.size() || kept[begin] != h.open[same].begin) break;
        ++same;
    }
    close(h, same);
    h.open = around;
    auto end = kept.size();
    for (auto left = around.size(); left > 0 || kept[end - 1].empty(); --end) left -= !kept[end - 1].empty();
    // One line says the name and, of the opening comment's first sentence, as many words as there is room for.
    std::string title = "// == " + name + ":";
    for (const auto& line : p.opening) title += line.substr(2);
    title.resize((std::min)(title.size() - title.ends_with('.'), title.find(". ")));
    if (title.size() > 120) title = title.substr(0, title.rfind(' ', 116)) + " ...";
    h.body += (h.body.empty() ? "" : "\n") + title + "\n\n";
    for (auto i = begin; i < end; ++i) h.body += kept[i] + "\n";
}

inline std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

inline std::string version(const reader& read) {
    const auto text = read("narae/base/version.hpp").value_or("");
    std::string version;
    for (const std::string part : {"major", "minor", "patch"}) {
        const auto at = text.find("version_" + part + " = ");
        if (at == std::string::npos) throw std::runtime_error("narae/base/version.hpp: no version_" + part);
        version += (version.empty() ? "" : ".") + std::to_string(std::stoi(text.substr(at + part.size() + 11)));
    }
    return version;
}

/// Without blank lines: the file is long enough, and include/ is there to be read.
inline std::string tight(const std::string& body) {
    std::string out;
    for (const auto& line : lines_of(body))
        if (!line.empty()) out += line + "\n";
    return out;
}

/// Wraps the collected body: title, map, guard, standard headers, undefined macros.
inline std::string finish(const house& h, const std::string& name, const std::string& guard,
                          const std::string& before) {
    std::string rest;
    for (const auto& line : take_apart(name, *h.read(name)).opening) rest += line + "\n";
    rest += "#ifndef " + guard + "\n#define " + guard + "\n\n" + before;
    for (const auto& header : h.standard) rest += "#include " + header + "\n";
    rest += "\n" + tight(h.body) + "// == no macro of narae stays behind\n";
    for (const auto& macro : h.macros) rest += "#undef " + macro.first + "\n";
    rest += "\n#endif\n";
    char hash[17];
    std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(fnv1a(rest)));
    return "// SPDX-License-Identifier: MIT\n// narae " + version(h.read) + ": " + name +
           " and all that it includes, in one file. Made by single_include/amalgamate.cpp; do not edit.\n"
           "// FNV-1a hash of all that follows this line: " +
           hash + "\n//\n" + rest;
}

struct pair {
    std::string narae, toolkit;
};

/// Both single headers. The second includes the first, and defines narae's macros anew for its own text.
inline pair make(const reader& read) {
    house h{read, {}, {}, {}, {}, {}};
    add(h, "narae/narae.hpp");
    close(h, 0);
    const auto narae = finish(h, "narae/narae.hpp", "NARAE_NARAE_HPP", "");
    house t{read, h.seen, {}, {}, {}, {}};
    t.seen.erase("narae/base/config.hpp");
    add(t, "narae/base/config.hpp");
    add(t, "narae/toolkit.hpp");
    close(t, 0);
    for (const auto& header : h.standard) t.standard.erase(header);
    // Beside it, so that the two files work in any folder they are copied to.
    return {narae, finish(t, "narae/toolkit.hpp", "NARAE_TOOLKIT_HPP", "#include \"narae.hpp\"\n\n")};
}

inline std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace amalgamation

int main(int argc, char** argv) {
    const std::vector<std::string> args(argv + 1, argv + argc);
    const bool check = !args.empty() && args[0] == "--check";
    if (args.size() != (check ? 2u : 1u)) {
        std::fprintf(stderr, "usage: amalgamate [--check] TOP, the folder that holds include/ and single_include/\n");
        return 2;
    }
    const auto& top = args.back();
    try {
        const auto made = amalgamation::make(
            [&](const std::string& name) { return amalgamation::read_file(top + "/include/" + name); });
        const std::pair<std::string, std::string> files[] = {
            {top + "/single_include/narae/narae.hpp", made.narae},
            {top + "/single_include/narae/toolkit.hpp", made.toolkit},
        };
        for (const auto& [path, text] : files) {
            if (amalgamation::read_file(path) == text) continue;
            if (check) throw std::runtime_error(path + " is stale: cmake --build build/test --target amalgamate");
            std::ofstream out(path, std::ios::binary);
            if (!(out << text).flush()) throw std::runtime_error(path + ": cannot write");
            std::printf("wrote %s\n", path.c_str());
        }
    } catch (const std::exception& e) {
        std::fprintf(stderr, "amalgamate: %s\n", e.what());
        return 1;
    }
    return 0;
}
