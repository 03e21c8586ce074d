// SPDX-License-Identifier: MIT
// The least that a program can do with narae: include it, call it, print what came back.
#include <narae/narae.hpp>

#include <cstdio>

int main() {
    const auto document = narae::text::json::parse(R"({"name": "narae"})");
    if (!document) return std::puts(document.error().message().c_str()), 1;
    std::printf("%s %s\n", document->root()["name"].string().c_str(), narae::version_text);
    return 0;
}
