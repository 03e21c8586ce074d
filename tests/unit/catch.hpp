// SPDX-License-Identifier: MIT
// Catch2, version 3 or 2.13, under one name. Tests use only what both have.
#ifndef NARAE_TESTS_CATCH_HPP
#define NARAE_TESTS_CATCH_HPP

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#endif
