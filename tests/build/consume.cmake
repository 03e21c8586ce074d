# SPDX-License-Identifier: MIT
# A stranger's project that uses narae in one of four ways: -DWAY=find_package|add_subdirectory|FetchContent|one_file.
cmake_path(SET top NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../..)
set(must COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${BUILD})
file(MAKE_DIRECTORY ${BUILD})

if(WAY STREQUAL "one_file")  # a compiler and two folders, nothing else
    file(GLOB sources ${top}/examples/01_*.cpp)
    foreach(source IN LISTS sources ITEMS ${CMAKE_CURRENT_LIST_DIR}/consumer/main.cpp)
        execute_process(${must} COMMAND ${CXX} -std=c++20 -O2 -Isingle_include ${source} -o ${BUILD}/program
            WORKING_DIRECTORY ${top})
    endforeach()
    execute_process(${must} COMMAND ${BUILD}/program)
    return()
endif()

set(new ${CMAKE_COMMAND} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX})
if(WAY STREQUAL "find_package")
    execute_process(${must} COMMAND ${new} -S ${top} -B ${BUILD}/narae -DNARAE_DEV=OFF)
    execute_process(${must} COMMAND ${CMAKE_COMMAND} --install ${BUILD}/narae --prefix ${BUILD}/prefix)
endif()
execute_process(${must} COMMAND ${new} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${BUILD}/consumer -DWAY=${WAY}
    -DNARAE_TOP=${top} -DCMAKE_PREFIX_PATH=${BUILD}/prefix)
execute_process(${must} COMMAND ${CMAKE_COMMAND} --build ${BUILD}/consumer)
execute_process(${must} COMMAND ${BUILD}/consumer/consumer)
