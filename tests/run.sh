#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds everything and runs every test:  sh tests/run.sh [arguments for ctest, such as -R utf8]
# Needs g++ (or clang++) and CMake 3.25. Catch2, any 2.13 or 3, is installed where it is missing and that is possible;
# otherwise CMake fetches a pinned release of it.
set -eu
cd "$(dirname "$0")/.."

has_catch2() {
    for name in catch2/catch_all.hpp catch2/catch.hpp; do
        echo "#include <$name>" | "${CXX:-c++}" -std=c++20 -E -x c++ - >/dev/null 2>&1 && return 0
    done
    return 1
}
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}
install_catch2() {
    if command -v apt-get; then as_root apt-get update && as_root apt-get install -y --no-install-recommends catch2
    elif command -v dnf; then as_root dnf install -y catch-devel
    elif command -v pacman; then as_root pacman -S --noconfirm catch2
    elif command -v brew; then brew install catch2
    else return 1
    fi
}
if ! has_catch2; then
    echo "Catch2 is missing: asking the package manager for it"
    install_catch2 || echo "no package of it here: CMake will fetch it"
fi

command -v make >/dev/null || export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
cmake --preset test
cmake --build --preset test -j "$jobs"
exec ctest --preset test --no-tests=error -j "$jobs" "$@"
