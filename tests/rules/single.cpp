// SPDX-License-Identifier: MIT
// single_include is what its generator makes, byte for byte; and the generator refuses what it cannot carry over.
#define main amalgamate_main
#include "../../single_include/amalgamate.cpp"
#undef main

#include "catch.hpp"

namespace {

using tree = std::map<std::string, std::string>;

std::string header(const std::string& guard, const std::string& body) {
    return "// SPDX-License-Identifier: MIT\n// Duty of " + guard + ". Read early.hpp\n// first.\n#ifndef " + guard +
           "\n#define " + guard + "\n\n" + body + "\n#endif\n";
}

tree small_house() {
    return {
        {"narae/base/config.hpp", header("NARAE_CONFIG", "#define NARAE_ABI v0\n")},
        {"narae/base/version.hpp", header("NARAE_VERSION",
                                          "#include \"narae/base/config.hpp\"\n"
                                          "int version_major = 1;\nint version_minor = 20;\n"
                                          "int version_patch = 3;\n")},
        {"narae/sys/late.hpp", header("NARAE_LATE",
                                      "#include \"narae/base/config.hpp\"\n#ifndef NARAE_NO_FILES\n"
                                      "#include <cerrno>\n#include \"narae/base/early.hpp\"\nint late;\n"
                                      "#endif\n")},
        {"narae/base/early.hpp", header("NARAE_EARLY", "#include <vector>  // why\n\nint early;\n")},
        {"narae/learn/loop.hpp", header("NARAE_LOOP", "#include <vector>\n#include <set>\nint loop = NARAE_ABI;\n")},
        {"narae/narae.hpp", header("NARAE_NARAE_HPP",
                                   "#include \"narae/base/version.hpp\"\n"
                                   "#include \"narae/sys/late.hpp\"\n")},
        {"narae/toolkit.hpp", header("NARAE_TOOLKIT_HPP",
                                     "#include \"narae/narae.hpp\"\n"
                                     "#include \"narae/learn/loop.hpp\"\n")},
    };
}

amalgamation::pair made_of(const tree& files) {
    return amalgamation::make([&](const std::string& name) -> std::optional<std::string> {
        const auto file = files.find(name);
        if (file == files.end()) return std::nullopt;
        return file->second;
    });
}

std::size_t times(const std::string& text, const std::string& word) {
    std::size_t n = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
    return n;
}

}  // namespace

TEST_CASE("single_include is what the generator makes") {
    const std::string top = NARAE_TOP_DIR;
    std::string name = "amalgamate", check = "--check", where = top;
    char* args[] = {name.data(), check.data(), where.data(), nullptr};
    INFO("if not: cmake --build build/test --target amalgamate");
    CHECK(amalgamate_main(3, args) == 0);
}

TEST_CASE("the generator puts each header once, after what it needs") {
    const auto made = made_of(small_house());
    const auto& n = made.narae;
    CHECK(n.find("narae 1.20.3") != std::string::npos);
    CHECK(n.find("int early;") < n.find("#ifndef NARAE_NO_FILES"));  // hoisted out of the condition
    CHECK(n.find("#include <vector>") < n.find("int early;"));
    CHECK(n.find("#include <cerrno>") > n.find("#ifndef NARAE_NO_FILES"));
    for (const char* once : {"int early;", "int late;", "#define NARAE_ABI", "#include <vector>", "#undef NARAE_ABI",
                             ": Duty of NARAE_EARLY", "// Duty of NARAE_NARAE_HPP."})
        CHECK(times(n, once) == 1);
    CHECK(times(n, "#include \"") == 0);
    CHECK(times(n, "int loop") == 0);

    const auto& t = made.toolkit;
    for (const char* once :
         {"#include \"narae.hpp\"", "#define NARAE_ABI", "int loop", "#include <set>", "#undef NARAE_ABI"})
        CHECK(times(t, once) == 1);
    for (const char* not_again : {"int early;", "int late;", "#include <vector>", "version_major"})
        CHECK(times(t, not_again) == 0);
}

TEST_CASE("a namespace that one header closes and the next opens stays open") {
    const auto between = [](const std::string& first, const std::string& second) {
        auto files = small_house();
        files["narae/base/early.hpp"] = header("NARAE_EARLY", first);
        files["narae/sys/late.hpp"] = header("NARAE_LATE", "#include \"narae/base/early.hpp\"\n" + second);
        const auto n = made_of(files).narae;
        const auto begin = n.find("Duty of NARAE_EARLY\n") + 20;
        return n.substr(begin, n.find("\n// == no macro") - begin);
    };
    // Blank lines go, and of an opening comment all but its first sentence.
    const std::string a = "namespace n {\n\nint a;\n\n}  // namespace n\n",
                      b = "namespace n {\n\nint b;\n\n/// Duty of d.\nclass d {};\n\n}  // namespace n\n",
                      tight_a = "namespace n {\nint a;\n}  // namespace n\n",
                      tight_b = "int b;\n/// Duty of d.\nclass d {};\n",
                      late = "// == narae/sys/late.hpp: Duty of NARAE_LATE\n";
    CHECK(between(a, b) == "namespace n {\nint a;\n" + late + tight_b + "}  // namespace n");
    CHECK(between("#if A\n" + a + "#endif\n", "#if A\n" + b + "#endif\n") ==
          "#if A\nnamespace n {\nint a;\n" + late + tight_b + "}  // namespace n\n#endif");
    // Only the outer one is the same; the same ones are not around all of the header; the second turns into its
    // opposite.
    CHECK(between("#if A\n" + a + "#endif\n", "#if A\nint b;\n#endif\n") ==
          "#if A\n" + tight_a + late + "int b;\n#endif");
    CHECK(between(a + a, b) == tight_a + tight_a + late + "namespace n {\n" + tight_b + "}  // namespace n");
    CHECK(between("#if A\nint a;\n#else\nint c;\n#endif\n", "#if A\nint b;\n#endif\n") ==
          "#if A\nint a;\n#else\nint c;\n#endif\n" + late + "#if A\nint b;\n#endif");
}

TEST_CASE("the hash of a single header is of what follows it") {
    auto files = small_house();
    const auto line = [](const std::string& text) {
        const auto at = text.find("// FNV-1a");
        return text.substr(at, text.find('\n', at) - at);
    };
    const auto before = made_of(files).narae;
    CHECK(line(before) == line(made_of(files).narae));
    files["narae/base/early.hpp"] += "\n";  // blank lines at the end are not carried over
    CHECK(line(before) == line(made_of(files).narae));
    files["narae/base/early.hpp"] = header("NARAE_EARLY", "int later;\n");
    CHECK(line(before) != line(made_of(files).narae));
    CHECK(amalgamation::fnv1a("") == 0xcbf29ce484222325);
    CHECK(amalgamation::fnv1a("a") == 0xaf63dc4c8601ec8c);
}

TEST_CASE("the generator refuses") {
    for (const std::string bad :
         {"#define SHORT 1\n", "#include \"neighbour.hpp\"\n", "#include \"narae/base/none.hpp\"\n"}) {
        auto files = small_house();
        files["narae/base/early.hpp"] = header("NARAE_EARLY", bad);
        CHECK_THROWS_AS(made_of(files), std::runtime_error);
    }
    auto files = small_house();
    files["narae/base/early.hpp"] = "// SPDX-License-Identifier: MIT\nint no_guard;\n";
    CHECK_THROWS_AS(made_of(files), std::runtime_error);
    files["narae/base/early.hpp"] = "int no_license;\n";
    CHECK_THROWS_AS(made_of(files), std::runtime_error);
}
