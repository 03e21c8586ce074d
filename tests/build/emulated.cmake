# SPDX-License-Identifier: MIT
# cmake -DMACHINE=aarch64-linux-gnu -P emulated.cmake: smoke.cpp built for another machine, run under qemu.
string(REGEX MATCH "^[^-]+" cpu ${MACHINE})
find_program(cross ${MACHINE}-g++)
find_program(qemu NAMES qemu-${cpu}-static qemu-${cpu})
if(NOT cross OR NOT qemu)
    message("SKIPPED: needs ${MACHINE}-g++ and qemu-${cpu}-static")
    return()
endif()
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH tests)
set(program ${CMAKE_CURRENT_BINARY_DIR}/smoke-${MACHINE})
set(ENV{LC_ALL} C)
execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${cross} -std=c++20 -O2 -static -Wall -Wextra -Wpedantic -Wconversion
    -Wshadow -Werror -I${tests}/../include ${tests}/smoke.cpp -o ${program})
execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND ${qemu} ${program})
