# SPDX-License-Identifier: MIT
# The same tests once more, built by clang++: a build of its own inside the build, kept between runs.
find_program(clang NAMES clang++ clang++-19 clang++-16 clang++-14)
if(NOT clang)
    message("SKIPPED: no clang++ here")
    return()
endif()
cmake_path(SET top NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../..)
cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)
if(CATCH2)
    set(catch2 -DFETCHCONTENT_SOURCE_DIR_CATCH2=${CATCH2})
endif()
set(must COMMAND_ERROR_IS_FATAL ANY)
execute_process(${must} COMMAND ${CMAKE_COMMAND} -S ${top} -B ${BUILD} -G ${GENERATOR} -DNARAE_NESTED=ON ${catch2}
    -DCMAKE_CXX_COMPILER=${clang} -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1)
execute_process(${must} COMMAND ${CMAKE_COMMAND} --build ${BUILD} -j ${jobs})
execute_process(${must} COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${BUILD} --no-tests=error --output-on-failure -j ${jobs})
