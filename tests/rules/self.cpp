// SPDX-License-Identifier: MIT
// Each rule can fail: small bad inputs, each of which must be complained about, beside a good one.
#include "catch.hpp"
#include "check.hpp"

namespace {

rules::source header(const std::string& text, const std::string& path = "include/narae/text/word.hpp") {
    return {path, text};
}

const rules::house house = rules::read_house(
    "# comment\n"
    "base 0\n"
    "text 1 base\n"
    "sys 1 base\n"
    "token 2 text base\n"
    "narae.hpp 3 token text sys base\n"
    "learn 4 token base\n"
    "toolkit.hpp 5 narae.hpp learn\n");

}  // namespace

TEST_CASE("rule: comments and strings are not code") {
    const std::string text = "a; // exit\n\"exit\" /* exit\n exit */ 'e' R\"(exit)\" 1'000 exit";
    const auto code = rules::code_of(text);
    CHECK(code.size() == text.size());
    CHECK(rules::words({}, code, {"exit"}).size() == 1);
    CHECK(rules::code_of("\"a // b\" c", false) == "\"a // b\" c");
    CHECK(rules::code_of("\"\\\"\" exit").find("exit") != std::string::npos);
}

TEST_CASE("rule: arrows go down") {
    CHECK(
        rules::arrows(header("#include \"narae/base/bytes.hpp\"\n#include \"narae/text/utf8.hpp\"\n"), house).empty());
    CHECK(rules::arrows(header("#include \"narae/token/bpe.hpp\"\n"), house).size() == 1);
    CHECK(rules::arrows(header("#  include \"narae/sys/cpu.hpp\"\n"), house).size() == 1);
    CHECK(rules::arrows(header("#include \"narae/narae.hpp\"\n"), house).size() == 1);
    CHECK(rules::arrows(header("#include \"utf8.hpp\"\n"), house).size() == 1);
    CHECK(rules::arrows(header("#include <narae/base/bytes.hpp>\n"), house).size() == 1);
    CHECK(rules::arrows(header("// #include \"narae/token/bpe.hpp\"\n"), house).empty());
    CHECK(rules::arrows(header("", "include/narae/attic/old.hpp"), house).size() == 1);
    CHECK_THROWS(rules::read_house("base 0\ntext 1 base\nbyte 1 text\n"));
    CHECK_THROWS(rules::read_house("base 0\ntext 1 case\n"));
}

TEST_CASE("rule: programs hold the umbrellas") {
    CHECK(rules::umbrellas_only({"examples/01.cpp", "#include <narae/narae.hpp>\n#include \"cli.hpp\"\n"}).empty());
    CHECK(rules::umbrellas_only({"examples/01.cpp", "#include <narae/text/utf8.hpp>\n"}).size() == 1);
    CHECK(rules::umbrellas_only({"convert/a.cpp", "#include \"../tests/unit/catch.hpp\"\n"}).size() == 1);
}

TEST_CASE("rule: umbrellas reach what they should and no more") {
    const rules::source narae = {"include/narae/narae.hpp", "#include \"narae/token/bpe.hpp\"\n"},
                        toolkit = {"include/narae/toolkit.hpp",
                                   "#include \"narae/narae.hpp\"\n#include \"narae/learn/loop.hpp\"\n"},
                        bpe = {"include/narae/token/bpe.hpp", "#include \"narae/base/bytes.hpp\"\n"},
                        bytes = {"include/narae/base/bytes.hpp", ""}, loop = {"include/narae/learn/loop.hpp", ""};
    CHECK(rules::umbrellas({narae, toolkit, bpe, bytes, loop}, house).empty());
    CHECK(rules::umbrellas({narae, toolkit, bpe, bytes, loop, {"include/narae/base/new.hpp", ""}}, house).size() == 2);
    CHECK(rules::umbrellas({narae, toolkit, bpe, bytes, loop, {"include/narae/learn/new.hpp", ""}}, house).size() == 1);
    const rules::source writer = {"include/narae/base/writer.hpp", ""},
                        names_it = {toolkit.path, toolkit.text + "#include \"narae/base/writer.hpp\"\n"},
                        uses_it = {bpe.path, bpe.text + "#include \"narae/base/writer.hpp\"\n"};
    CHECK(rules::umbrellas({narae, names_it, bpe, bytes, loop, writer}, house).empty());
    CHECK(rules::umbrellas({narae, names_it, uses_it, bytes, loop, writer}, house).size() == 1);
    CHECK(rules::umbrellas({narae, toolkit, {bpe.path, "#include \"narae/learn/loop.hpp\"\n"}, loop}, house).size() ==
          1);
}

TEST_CASE("rule: only listed system headers") {
    const auto permits = rules::read_permits("# comment\n* vector\n* string\nsys unistd.h\nsys/team.hpp thread\n");
    CHECK(rules::system_headers(header("#include <vector>\n#include <string>\n"), permits).empty());
    CHECK(rules::system_headers(header("#include <iostream>\n"), permits).size() == 1);
    CHECK(rules::system_headers(header("#include <unistd.h>\n"), permits).size() == 1);
    CHECK(rules::system_headers(header("#include <unistd.h>\n", "include/narae/sys/cpu.hpp"), permits).empty());
    CHECK(rules::system_headers(header("#include <thread>\n", "include/narae/sys/cpu.hpp"), permits).size() == 1);
    CHECK(rules::system_headers(header("#include <thread>\n", "include/narae/sys/team.hpp"), permits).empty());
}

TEST_CASE("rule: the shape of a header") {
    const auto good = header(
        "// SPDX-License-Identifier: MIT\n// Duty.\n#ifndef NARAE_TEXT_WORD_HPP\n#define "
        "NARAE_TEXT_WORD_HPP\n#endif\n");
    CHECK(rules::spdx(good).empty());
    CHECK(rules::guard(good).empty());
    CHECK(rules::opening(good).empty());
    CHECK(rules::spdx(header("// MIT\n")).size() == 1);
    CHECK(rules::guard({"include/narae/text/other.hpp", good.text}).size() == 1);
    CHECK(rules::guard(header("#pragma once\n" + good.text)).size() == 1);
    CHECK(rules::guard(header("#include <a>\n" + good.text)).size() == 1);
    CHECK(rules::opening(header("// SPDX\n#ifndef A\n")).size() == 1);
    CHECK(rules::opening(header("//\n//\n//\n//\n//\n//\n//\n")).size() == 1);
    CHECK(rules::opening(header("//\n//\n//\n//\n//\n//\n//\n", "include/narae/narae.hpp")).empty());
    CHECK(rules::ascii(header("a\nb\n")).empty());
    CHECK(rules::ascii(header("// \xEA\xB0\x80\n")).size() == 1);
    CHECK(rules::ascii(header("\tint a;\n")).size() == 1);
    CHECK(rules::length(header("1\n2\n3\n"), 3).empty());
    CHECK(rules::length(header("1\n2\n3\n4\n"), 3).size() == 1);
    CHECK(rules::columns(header(std::string(120, 'x') + "\n")).empty());
    CHECK(rules::columns(header(std::string(121, 'x') + "\n")).size() == 1);
    CHECK(rules::columns(header("a \nb\r\n")).size() == 2);
    const std::string tagged = "namespace narae::inline NARAE_ABI::text {\n";
    CHECK(rules::namespaces(header(tagged + "namespace detail {\n    using namespace num;\n")).empty());
    CHECK(rules::namespaces(header("namespace detail {\n" + tagged)).size() == 1);
    CHECK(rules::namespaces(header(tagged + "namespace {\n")).size() == 1);
    CHECK(rules::namespaces(header("namespace narae::text {\n")).size() == 1);
    CHECK(rules::namespaces(header("using namespace std;\n")).size() == 1);
}

TEST_CASE("rule: manners") {
    CHECK(rules::manners(header("std::snprintf(b, 3, \"printf\"); // exit\nstatic_assert(true);")).empty());
    for (const char* bad : {"std::printf(\"a\");", "std::abort();", "assert(x);", "std::cerr << 1;", "throw 1;",
                            "std::getenv(\"HOME\");", "exit(1);", "thread_local int n;"})
        CHECK(rules::manners(header(bad)).size() == 1);
    CHECK(rules::manners(header("throw 1;", "include/narae/base/result.hpp")).empty());
}

TEST_CASE("rule: nothing is put off") {
    CHECK(rules::unfinished(header("int todo;")).empty());
    CHECK(rules::unfinished(header("// TO"
                                   "DO: more"))
              .size() == 1);
}

TEST_CASE("rule: macros are listed") {
    const auto table = rules::read_macros("# comment\nNARAE_X  text/word.hpp\nNARAE_Y  base/config.hpp\n");
    CHECK(rules::macros(header("#define NARAE_TEXT_WORD_HPP\n#define NARAE_X(a) a\n"), table).empty());
    CHECK(rules::macros(header("#define X 1\n"), table).size() == 1);
    CHECK(rules::macros(header("  # define NARAE_NEW 1\n"), table).size() == 1);
    CHECK(rules::macros(header("#define NARAE_Y 1\n"), table).size() == 1);
    CHECK(rules::leftovers(
              {"single_include/narae/narae.hpp", "#define NARAE_NARAE_HPP\n#define NARAE_X\n#undef NARAE_X\n"})
              .empty());
    CHECK(rules::leftovers({"single_include/narae/narae.hpp", "#define NARAE_X\n"}).size() == 1);
}

TEST_CASE("rule: README code is example code") {
    const std::vector<rules::source> examples{{"examples/01.cpp", "int main() {\n    return 0;\n}\n"}};
    CHECK(rules::readme({"README.md", "text\n```cpp\n    return 0;\n```\n"}, examples).empty());
    CHECK(rules::readme({"README.md", "```cpp\n    return 1;\n```\n"}, examples).size() == 1);
    CHECK(rules::readme({"README.md", "```cpp\n```\n"}, examples).size() == 1);
    CHECK(rules::readme({"README.md", "```sh\nmake\n```\n"}, examples).empty());
}

TEST_CASE("rule: names of test cases") {
    const std::string open = "TEST_CASE(\"";
    CHECK(rules::case_names({{"a.cpp", open + "one, two\") {\n"}, {"b.cpp", open + "two\") {\n"}}).empty());
    CHECK(rules::case_names({{"a.cpp", open + "one\") {\n"}, {"b.cpp", open + "one\") {\n"}}).size() == 1);
    CHECK(rules::case_names({{"a.cpp", open + "a[0]\") {\n"}}).size() == 1);
}
