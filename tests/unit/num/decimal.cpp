// SPDX-License-Identifier: MIT
#include "narae/num/decimal.hpp"

#include <clocale>
#include <string>

#include "catch.hpp"

using narae::num::decimal;
using narae::num::short_decimal;

TEST_CASE("num/decimal: so many decimals, or no more than needed") {
    CHECK(decimal(0, 0) == "0");
    CHECK(decimal(100.4, 0) == "100");
    CHECK(decimal(4.25, 4) == "4.2500");
    CHECK(decimal(-0.0456, 2) == "-0.05");
    CHECK(decimal(0.96, 1) == "1.0");
    CHECK(decimal(1e-12, 9) == "0.000000000");
    CHECK(decimal(1e-12, 22) == "0.0000000000010000000000");
    CHECK(short_decimal(4.25, 4) == "4.25");
    CHECK(short_decimal(4, 3) == "4");
    CHECK(short_decimal(400, 0) == "400");
    CHECK(short_decimal(-0.5, 9) == "-0.5");
}

TEST_CASE("num/decimal: the locale does not matter") {
    const std::string before = std::setlocale(LC_ALL, nullptr);
    for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"}) std::setlocale(LC_ALL, name);
    CHECK(decimal(0.5, 1) == "0.5");
    CHECK(short_decimal(0.5, 3) == "0.5");
    std::setlocale(LC_ALL, before.c_str());
}
