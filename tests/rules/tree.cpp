// SPDX-License-Identifier: MIT
// The tree is held to the rules of check.hpp. Tables: arrows.txt, std.txt, macros.txt beside this file.
#include "catch.hpp"
#include "check.hpp"

namespace {

const std::string top = NARAE_TOP_DIR;

std::string table(const std::string& name) {
    std::ifstream in(top + "/tests/rules/" + name);
    REQUIRE(in.good());
    return std::string(std::istreambuf_iterator<char>(in), {});
}

const std::vector<rules::source>& headers() {
    static const auto all = rules::read_tree(top, "include/narae", {".hpp"});
    REQUIRE(all.size() > 10);
    return all;
}

/// Everything that people wrote in C++.
std::vector<rules::source> written() {
    auto all = headers();
    for (const char* folder : {"examples", "convert", "tests", "single_include"})
        for (auto& s : rules::read_tree(top, folder, {".hpp", ".cpp"}))
            if (!rules::starts(s.path, "single_include/narae/")) all.push_back(std::move(s));
    return all;
}

void none(const rules::complaints& found) {
    for (const auto& complaint : found) FAIL_CHECK(complaint);
    CHECK(found.empty());
}

}  // namespace

TEST_CASE("arrows between rooms") {
    const auto house = rules::read_house(table("arrows.txt"));
    for (const auto& s : headers()) none(rules::arrows(s, house));
    for (const char* folder : {"examples", "convert"})
        for (const auto& s : rules::read_tree(top, folder, {".hpp", ".cpp"})) none(rules::umbrellas_only(s));
}

TEST_CASE("umbrellas are complete") { none(rules::umbrellas(headers(), rules::read_house(table("arrows.txt")))); }

TEST_CASE("system headers") {
    const auto permits = rules::read_permits(table("std.txt"));
    for (const auto& s : headers()) none(rules::system_headers(s, permits));
}

TEST_CASE("macros") {
    const auto listed = rules::read_macros(table("macros.txt"));
    std::set<std::string> defined;
    for (const auto& s : headers()) {
        none(rules::macros(s, listed));
        for (const auto& m : rules::macros_of(s)) defined.insert(m.name);
    }
    for (const auto& [name, file] : listed) {
        INFO(name << " is listed, but " << file << " does not define it");
        CHECK(defined.count(name) == 1);
    }
}

TEST_CASE("shape of headers") {
    for (const auto& s : headers()) {
        none(rules::guard(s));
        none(rules::opening(s));
        none(rules::ascii(s));
        none(rules::length(s, 500));
        none(rules::namespaces(s));
    }
}

TEST_CASE("manners of headers") {
    for (const auto& s : headers()) none(rules::manners(s));
}

TEST_CASE("license line, columns and unfinished work") {
    for (const auto& s : written()) {
        none(rules::spdx(s));
        none(rules::columns(s));
        none(rules::unfinished(s));
    }
}

TEST_CASE("names of test cases") { none(rules::case_names(rules::read_tree(top, "tests/unit", {".cpp"}))); }

TEST_CASE("README code is example code") {
    const auto examples = rules::read_tree(top, "examples", {".cpp"});
    std::ifstream in(top + "/README.md");
    if (!in) {
        WARN("no README.md yet");
        return;
    }
    none(rules::readme({"README.md", std::string(std::istreambuf_iterator<char>(in), {})}, examples));
}

TEST_CASE("single headers within budget and tidy") {
    const auto singles = rules::read_tree(top, "single_include/narae", {".hpp"});
    REQUIRE(singles.size() == 2);
    for (const auto& s : singles) {
        none(rules::leftovers(s));
        none(rules::length(s, 6000));
        none(rules::ascii(s));
    }
}
