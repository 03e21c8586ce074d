// SPDX-License-Identifier: MIT
// Lines of UTF-8 for rules that work on code points.
#ifndef NARAE_TESTS_CORPUS_TEXT_HPP
#define NARAE_TESTS_CORPUS_TEXT_HPP

#include <string>
#include <string_view>

#include "narae/corpus/clean.hpp"

namespace tests {

inline std::u32string points(std::string_view line) {
    std::u32string out;
    narae::corpus::decode(line, out);
    return out;
}

inline std::string utf8(std::u32string_view s) {
    std::string out;
    narae::corpus::encode(s, out);
    return out;
}

}  // namespace tests

#endif
