// SPDX-License-Identifier: MIT
#include "narae/base/version.hpp"

#include <string>

#include "catch.hpp"

TEST_CASE("base/version: the text is the three numbers") {
    CHECK(std::string(narae::version_text) == std::to_string(narae::version_major) + "." +
                                                  std::to_string(narae::version_minor) + "." +
                                                  std::to_string(narae::version_patch));
}
