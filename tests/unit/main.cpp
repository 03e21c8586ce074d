// SPDX-License-Identifier: MIT
// The main function of every Catch2 program here. Version 3 brings its own (link Catch2::Catch2WithMain);
// version 2 makes it out of a header, which takes long and is therefore compiled once.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
