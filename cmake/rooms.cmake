# How folders become targets. Sources are found by pattern, so that adding a file needs no edit here.

set(CARDIOGRAD_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  list(APPEND CARDIOGRAD_WARNINGS -Wno-sign-conversion)  # g++ does not count it among -Wconversion in C++.
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND CARDIOGRAD_WARNINGS -Wno-restrict)  # GCC 12 sees overlap in "literal" + std::string (GCC bug 105651).
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 13 and newer see a copy past the end in `vector = {value}`.
  list(APPEND CARDIOGRAD_WARNINGS -Wno-array-bounds -Wno-stringop-overread)
endif()

# What all code is compiled with. Only what changes the meaning of the installed headers goes on to those who use an
# installed cardiograd. x86-64-v3 (AVX2, FMA) is the baseline. Files named *_avx512.cpp are compiled for x86-64-v4,
# *_avx512bf16.cpp for its BF16 instructions too; both are only entered after a run-time check of the processor.
add_library(cardiograd_flags INTERFACE)
target_compile_features(cardiograd_flags INTERFACE cxx_std_20)
target_include_directories(cardiograd_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/cardiograd>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(cardiograd_flags INTERFACE $<BUILD_INTERFACE:-march=x86-64-v3>)
  # Eigen's matrices are aligned as for AVX, whatever the user of an installed cardiograd compiles for: they may be made
  # on one side and freed on the other.
  target_compile_definitions(cardiograd_flags INTERFACE EIGEN_MAX_ALIGN_BYTES=32)
endif()
# Nobody reads errno after sqrt or catches floating-point signals; without these two GCC does not vectorize sqrt and
# selections by comparison. Neither changes a result.
target_compile_options(cardiograd_flags INTERFACE $<BUILD_INTERFACE:-fno-math-errno>
                                                  $<BUILD_INTERFACE:-fno-trapping-math>)
if(CARDIOGRAD_SANITIZE)
  target_compile_options(cardiograd_flags INTERFACE $<BUILD_INTERFACE:-fsanitize=address,undefined>
    $<BUILD_INTERFACE:-fno-sanitize-recover=all> $<BUILD_INTERFACE:-fno-omit-frame-pointer>)
  target_link_options(cardiograd_flags INTERFACE -fsanitize=address,undefined)
  if(CARDIOGRAD_UNSANITIZED)
    target_compile_options(cardiograd_flags INTERFACE $<BUILD_INTERFACE:-fno-sanitize=${CARDIOGRAD_UNSANITIZED}>)
  endif()
  # Sanitized programs are large: lld takes a third of the time.
  find_program(CARDIOGRAD_LLD ld.lld)
  if(CARDIOGRAD_LLD)
    target_link_options(cardiograd_flags INTERFACE -fuse-ld=lld)
  endif()
endif()

# Programs, pages and tests: no time is spent in their code, much of the build's was. Numbers are computed in the rooms
# below, at -O3. Tests of arithmetic compute their references themselves: they are optimized with sanitizers, too.
set(CARDIOGRAD_TESTS_OPTIMIZED $<$<CONFIG:Release>:-O1>)
if(NOT DEFINED CARDIOGRAD_GLUE)  # The preset fuzz runs the parsers among them millions of times.
  set(CARDIOGRAD_GLUE ${CARDIOGRAD_TESTS_OPTIMIZED} $<$<BOOL:${CARDIOGRAD_SANITIZE}>:-O0>)
endif()

# cardiograd_precompile(target [packages...]): where CARDIOGRAD_PRECOMPILE is ON, or TESTS and `target` is one of tests,
# sources of `target` begin with the headers that most of them include anyway, compiled once for all targets with the same
# packages. Other builds compile without: there a missing #include is an error. GLUE: for a target with CARDIOGRAD_GLUE.
function(cardiograd_precompile target)
  cmake_parse_arguments(PARSE_ARGV 1 option "GLUE" "" "")
  if(NOT CARDIOGRAD_PRECOMPILE
     OR (CARDIOGRAD_PRECOMPILE STREQUAL "TESTS" AND NOT "GTest::gtest" IN_LIST option_UNPARSED_ARGUMENTS))
    return()
  endif()
  set(name cardiograd_precompiled)
  set(options ${CARDIOGRAD_WARNINGS})  # -Wpedantic changes predefined macros, as optimization does.
  if(option_GLUE)
    string(APPEND name _glue)
    list(APPEND options ${CARDIOGRAD_GLUE})
  endif()
  set(headers <algorithm> <cmath> <filesystem> <fstream> <functional> <limits> <map> <memory> <optional> <set> <sstream>
    <string> <vector> <Eigen/Dense> <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp>)
  if("GTest::gtest" IN_LIST option_UNPARSED_ARGUMENTS)
    string(APPEND name _tests)
    list(APPEND headers <gtest/gtest.h>)
  endif()
  if(NOT TARGET ${name})
    set(source ${PROJECT_BINARY_DIR}/generated/${name}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(${name} STATIC ${source})
    target_link_libraries(${name} PRIVATE cardiograd_base Eigen3::Eigen nlohmann_json::nlohmann_json
      ${option_UNPARSED_ARGUMENTS})
    target_compile_options(${name} PRIVATE ${options})
    target_precompile_headers(${name} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${name})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Of precompiled headers GCC does not know that they are the system's, and warns inside std::string (GCC bug 105329).
    target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  endif()
endfunction()

# cardiograd_room(folder dependencies... [PRIVATE dependencies...]): every .cpp under folder/ becomes the static library
# cardiograd_<last part of folder>, for others cardiograd::<last part>.
function(cardiograd_room folder)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "PRIVATE")
  get_filename_component(name ${folder} NAME)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/example/")
  if(folder STREQUAL "data")
    list(FILTER sources EXCLUDE REGEX "/data/synthetic/")  # A room of its own.
  elseif(folder STREQUAL "engine")
    list(FILTER sources EXCLUDE REGEX "/engine/(mpi|nccl)/")  # Likewise: only `train` loads MPI and NCCL.
  endif()
  if(CARDIOGRAD_SIMT_ONLY)
    list(FILTER sources EXCLUDE REGEX "/base/(hash|json)\\.cpp$")  # simt/ does without their packages.
  endif()
  if(sources)
    add_library(cardiograd_${name} STATIC ${sources})
    target_link_libraries(cardiograd_${name} PUBLIC cardiograd_flags ${room_UNPARSED_ARGUMENTS} PRIVATE ${room_PRIVATE})
    target_compile_options(cardiograd_${name} PRIVATE ${CARDIOGRAD_WARNINGS})
    # Where headers are precompiled, several sources at once: these use each name once.
    if(name MATCHES "^(dsp|engine|model)$" AND CARDIOGRAD_PRECOMPILE STREQUAL "ON")
      set_target_properties(cardiograd_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
    endif()
    foreach(source ${sources})
      cardiograd_instrument(${source})
      if(source MATCHES "/kernels/op_table\\.cpp$")  # The references of all kernels, for tests: much code, soon run.
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS ${CARDIOGRAD_TESTS_OPTIMIZED})
      endif()
      if(source MATCHES "_avx512(bf16)?\\.cpp$")
        set(options -march=x86-64-v4 -mprefer-vector-width=512)
        if(CMAKE_MATCH_1)
          list(APPEND options -mavx512bf16)
        endif()
        if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
          list(APPEND options -Wno-uninitialized)  # GCC 12 warns inside its own AVX-512 intrinsics (GCC bug 105593).
        endif()
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${options}")
      endif()
    endforeach()
  else()
    add_library(cardiograd_${name} INTERFACE)
    target_link_libraries(cardiograd_${name} INTERFACE cardiograd_flags ${room_UNPARSED_ARGUMENTS} ${room_PRIVATE})
  endif()
  add_library(cardiograd::${name} ALIAS cardiograd_${name})
  set_target_properties(cardiograd_${name} PROPERTIES EXPORT_NAME ${name})
  if(name STREQUAL "report")
    target_compile_options(cardiograd_report PRIVATE ${CARDIOGRAD_GLUE})
  elseif(name STREQUAL "model" AND CARDIOGRAD_SANITIZE)  # Its numbers come from the engine.
    target_compile_options(cardiograd_model PRIVATE ${CARDIOGRAD_GLUE})
    cardiograd_precompile(cardiograd_model GLUE)
  elseif(sources AND name MATCHES "^(ecg|dsp|data|synthetic|model)$")  # Those with Eigen in their headers.
    cardiograd_precompile(cardiograd_${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY CARDIOGRAD_ROOMS ${name})
endfunction()

# kernels/all_specs.h in the build folder: AllSpecs, the list of all kernels, from the `using <Operation>Specs = ...` at
# the end of every kernels/<operation>/<operation>_spec.h. So adding an operation needs no edit of a list.
function(cardiograd_list_specs)
  file(GLOB headers RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*/*_spec.h)
  list(SORT headers)
  foreach(header ${headers})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} line REGEX "^using [A-Za-z0-9]+Specs = SpecList<")
    if(NOT line MATCHES "^using ([A-Za-z0-9]+Specs) =")
      message(FATAL_ERROR "${header} does not end with `using <Operation>Specs = SpecList<...>;`: its kernels would not be tested")
    endif()
    string(APPEND includes "#include \"${header}\"\n")
    list(APPEND names ${CMAKE_MATCH_1})
  endforeach()
  list(JOIN names ", " names)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/kernels/all_specs.h @ONLY CONTENT
"// All kernels, listed by CMake from kernels/*/*_spec.h.
#pragma once

@includes@
namespace cardiograd::kernels {

// List<every spec...>
template <template <class...> class List>
using AllSpecs = typename JoinedSpecs<@names@>::template In<List>;

}  // namespace cardiograd::kernels
")
  target_include_directories(cardiograd_kernels PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>)
endfunction()

# apps/export/, where ONNX is there: only the program `export` and its tests need the library.
function(cardiograd_onnx)
  if(NOT ONNX_FOUND OR NOT Protobuf_FOUND)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/export/*.cpp)
  add_library(cardiograd_onnx STATIC ${sources})
  target_link_libraries(cardiograd_onnx PUBLIC cardiograd_model onnx onnx_proto protobuf::libprotobuf)
  target_compile_options(cardiograd_onnx PRIVATE ${CARDIOGRAD_WARNINGS})
endfunction()

# Every apps/<name>.cpp becomes the program <name>; the .cpp of the folders in apps/ are one library for all of them.
function(cardiograd_apps)
  file(GLOB common CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/*/*.cpp)
  list(FILTER common EXCLUDE REGEX "/apps/export/")
  add_library(cardiograd_apps_common STATIC ${common} ${PROJECT_BINARY_DIR}/generated/commit.cpp)
  target_link_libraries(cardiograd_apps_common PUBLIC cardiograd_report cardiograd_synthetic CLI11::CLI11)
  target_compile_options(cardiograd_apps_common PRIVATE ${CARDIOGRAD_WARNINGS} ${CARDIOGRAD_GLUE})
  # For --version. commit.cpp is written anew only when the commit has changed.
  set_source_files_properties(${PROJECT_SOURCE_DIR}/apps/common/version.cpp PROPERTIES COMPILE_DEFINITIONS
    "CARDIOGRAD_VERSION=\"${PROJECT_VERSION}\";CARDIOGRAD_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\"")
  add_custom_target(cardiograd_commit
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUTPUT=${PROJECT_BINARY_DIR}/generated/commit.cpp
            -P ${PROJECT_SOURCE_DIR}/cmake/commit.cmake
    BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/commit.cpp COMMENT "")
  add_dependencies(cardiograd_apps_common cardiograd_commit)
  cardiograd_onnx()
  file(GLOB programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/*.cpp)
  if(NOT TARGET cardiograd_onnx)
    list(FILTER programs EXCLUDE REGEX "/export\\.cpp$")
  endif()
  foreach(source ${programs})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/apps)
    target_link_libraries(${name} PRIVATE cardiograd_apps_common)
    if(name STREQUAL "export")
      target_link_libraries(${name} PRIVATE cardiograd_onnx)
    elseif(name STREQUAL "train")
      target_link_libraries(${name} PRIVATE cardiograd_mpi cardiograd_nccl)
    endif()
    target_compile_options(${name} PRIVATE ${CARDIOGRAD_WARNINGS} ${CARDIOGRAD_GLUE})
    set_property(GLOBAL APPEND PROPERTY CARDIOGRAD_PROGRAMS ${name})
  endforeach()
endfunction()

# tests/<room>/**/*_test.cpp becomes the program <room>_tests, linked to the room it tests. Labels: test_labels.cmake.
function(cardiograd_tests)
  include(GoogleTest)
  file(GLOB common CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/common/*.cpp)
  add_library(cardiograd_tests_common STATIC ${common})
  target_link_libraries(cardiograd_tests_common PUBLIC cardiograd_base GTest::gtest)
  target_compile_options(cardiograd_tests_common PRIVATE ${CARDIOGRAD_WARNINGS})
  get_property(rooms GLOBAL PROPERTY CARDIOGRAD_ROOMS)
  if(TARGET cardiograd_apps_common)
    list(APPEND rooms apps)
  endif()
  if(TARGET cardiograd_bench)
    list(APPEND rooms bench)
  endif()
  foreach(room ${rooms})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${room}/*_test.cpp)
    if(NOT TARGET cardiograd_onnx)
      list(FILTER sources EXCLUDE REGEX "/tests/apps/export/")
    endif()
    if(CARDIOGRAD_SIMT_ONLY)
      list(FILTER sources EXCLUDE REGEX "/base/(hash|json)_test\\.cpp$")
    endif()
    if(CARDIOGRAD_SANITIZE)  # It counts what other tests run, and is the largest of all to compile.
      list(FILTER sources EXCLUDE REGEX "/kernels/flop_test\\.cpp$")
    endif()
    if(NOT sources)
      continue()
    endif()
    add_executable(${room}_tests ${sources})
    set_target_properties(${room}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    if(room STREQUAL "apps")
      target_link_libraries(${room}_tests PRIVATE cardiograd_apps_common $<TARGET_NAME_IF_EXISTS:cardiograd_onnx>)
      add_library(failing_calls MODULE ${PROJECT_SOURCE_DIR}/scripts/drills/failing_calls.cpp)
      set_target_properties(failing_calls PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
      target_compile_options(failing_calls PRIVATE ${CARDIOGRAD_WARNINGS})
      add_dependencies(${room}_tests failing_calls)
      target_compile_definitions(${room}_tests PRIVATE CARDIOGRAD_FAILING_CALLS="$<TARGET_FILE:failing_calls>")
      if(TARGET MPI::MPI_CXX)
        target_compile_definitions(${room}_tests PRIVATE CARDIOGRAD_MPIRUN="${MPIEXEC_EXECUTABLE}")
      endif()
    else()
      target_link_libraries(${room}_tests PRIVATE cardiograd_${room})
    endif()
    if(room STREQUAL "data")
      target_link_libraries(${room}_tests PRIVATE cardiograd_synthetic)  # tests/data/synthetic
    elseif(room STREQUAL "nccl")
      target_link_libraries(${room}_tests PRIVATE cardiograd_model)  # It trains.
    endif()
    # The tests may use these two, whatever their room's headers include.
    if(NOT CARDIOGRAD_SIMT_ONLY)
      target_link_libraries(${room}_tests PRIVATE nlohmann_json::nlohmann_json)
    endif()
    target_link_libraries(${room}_tests PRIVATE
      cardiograd_tests_common Eigen3::Eigen GTest::gtest GTest::gtest_main)
    target_compile_options(${room}_tests PRIVATE ${CARDIOGRAD_WARNINGS})
    if(NOT room MATCHES "^(dsp|kernels|simt)$")
      target_compile_options(${room}_tests PRIVATE ${CARDIOGRAD_GLUE})
      cardiograd_precompile(${room}_tests GLUE GTest::gtest)
    else()
      target_compile_options(${room}_tests PRIVATE ${CARDIOGRAD_TESTS_OPTIMIZED})
      cardiograd_precompile(${room}_tests GTest::gtest)
    endif()
    target_compile_definitions(${room}_tests PRIVATE
      CARDIOGRAD_APPS_DIR="${PROJECT_BINARY_DIR}/apps" CARDIOGRAD_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
    gtest_discover_tests(${room}_tests NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
    cardiograd_label_tests(${room}_tests)
  endforeach()
  cardiograd_script_tests()
endfunction()

# Labels for the tests of one program, as test_labels.cmake finds them. After gtest_discover_tests.
function(cardiograd_label_tests program)
  set(labels ${CMAKE_CURRENT_BINARY_DIR}/${program}_labels.cmake)
  add_custom_command(TARGET ${program} POST_BUILD BYPRODUCTS ${labels}
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${program}> -DOUTPUT=${labels} -DBUILD=${CMAKE_BINARY_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/test_labels.cmake
    VERBATIM)
  set(include ${CMAKE_CURRENT_BINARY_DIR}/${program}_labels_if_built.cmake)
  file(WRITE ${include} "include(\"${labels}\" OPTIONAL)\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include})
endfunction()

# Tests that are no programs of ours: of the scripts and the tree (label `tree`), of the installation (label `install`),
# of the documents that are run (label `docs`).
function(cardiograd_script_tests)
  find_package(Python3 COMPONENTS Interpreter)
  find_program(CURL curl)
  if(Python3_FOUND AND CURL AND NOT CARDIOGRAD_SIMT_ONLY)
    add_test(NAME Scripts.GetPtbxl
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/get_ptbxl_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.GetPtbxl PROPERTIES TIMEOUT 300 LABELS tree)
  endif()
  if(Python3_FOUND AND NOT CARDIOGRAD_SIMT_ONLY)
    add_test(NAME Scripts.SassReport
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/sass_report_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.SassReport PROPERTIES TIMEOUT 600 LABELS tree)
    add_test(NAME Scripts.BenchPage
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/bench_page_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.BenchPage PROPERTIES TIMEOUT 60 LABELS tree)
    add_test(NAME Scripts.KernelCosts
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/kernel_costs_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.KernelCosts PROPERTIES TIMEOUT 60 LABELS tree)
    add_test(NAME Scripts.KernelCounters
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/kernel_counters_test.py ${PROJECT_SOURCE_DIR})
    add_test(NAME Scripts.Gpus
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/gpus_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.KernelCounters Scripts.Gpus PROPERTIES TIMEOUT 60 LABELS tree)
    add_test(NAME Scripts.Ladders
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/ladders_test.py ${PROJECT_SOURCE_DIR})
    add_test(NAME Tree.Ladders COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/bench/ladders --check-pages)
    set_tests_properties(Scripts.Ladders Tree.Ladders PROPERTIES TIMEOUT 60 LABELS tree)
    add_test(NAME Scripts.CpuSweep
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/cpu_sweep_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.CpuSweep PROPERTIES TIMEOUT 60 LABELS tree)
  endif()
  if(Python3_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git AND NOT CARDIOGRAD_SIMT_ONLY)
    foreach(check Includes Headers Words Links)
      string(TOLOWER ${check} script)
      add_test(NAME Tree.${check}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/ci/check_${script}.py ${PROJECT_SOURCE_DIR})
      set_tests_properties(Tree.${check} PROPERTIES TIMEOUT 60 LABELS tree)
    endforeach()
    add_test(NAME Tree.Labels
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/ci/check_labels.py ${CMAKE_BINARY_DIR})
    set_tests_properties(Tree.Labels PROPERTIES TIMEOUT 60 LABELS tree)
  endif()
  # Short forms of the drills (docs/reliability.md). They start programs hundreds of times: too slow with sanitizers.
  if(Python3_FOUND AND TARGET cardiograd_apps_common AND NOT CARDIOGRAD_SANITIZE AND NOT CARDIOGRAD_SIMT_WATCH)
    add_test(NAME Drills.BitFlips COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/drills/bit_flips.py
             --build ${CMAKE_BINARY_DIR} --flips 10 --kinds model state cache shard config)
    add_test(NAME Drills.Interruptions COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/drills/interruptions.py
             --build ${CMAKE_BINARY_DIR} --kills 3 --stops 3 --failures 5 --doubles 2)
    set_tests_properties(Drills.BitFlips Drills.Interruptions PROPERTIES TIMEOUT 600 LABELS cpu)
    if(TARGET MPI::MPI_CXX)
      add_test(NAME Drills.Ranks COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/drills/ranks.py
               --build ${CMAKE_BINARY_DIR} --kills 2)
      add_test(NAME Drills.TwoHosts COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/drills/two_hosts.py
               --build ${CMAKE_BINARY_DIR} --cuts 1)
      set_tests_properties(Drills.Ranks Drills.TwoHosts PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77 LABELS cpu)
    endif()
  endif()
  if(Python3_FOUND AND Python3_VERSION VERSION_GREATER_EQUAL 3.11 AND TARGET cardiograd_apps_common AND NOT CARDIOGRAD_SANITIZE
      AND NOT CARDIOGRAD_SIMT_WATCH)
    add_test(NAME Scripts.Studies COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/studies_test.py
             ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
    add_test(NAME Scripts.ReleaseModel COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/release_model_test.py
             ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
    add_test(NAME Scripts.Sweep COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/sweep_test.py
             ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR})
    set_tests_properties(Scripts.Studies Scripts.ReleaseModel Scripts.Sweep PROPERTIES TIMEOUT 300 LABELS cpu)
  endif()
  if(CARDIOGRAD_INSTALL AND TARGET cardiograd_simt AND NOT CARDIOGRAD_SIMT_ONLY)
    add_test(NAME Install.ConsumersBuildAndRun
      COMMAND ${PROJECT_SOURCE_DIR}/scripts/ci/check_install.sh ${CMAKE_BINARY_DIR})
    set_tests_properties(Install.ConsumersBuildAndRun PROPERTIES TIMEOUT 300 LABELS install)
  endif()
  # The commands of docs/tour.md and docs/your-own-data.md, and what they print.
  if(Python3_FOUND AND TARGET cardiograd_apps_common AND NOT CARDIOGRAD_SANITIZE AND NOT CARDIOGRAD_SIMT_WATCH)
    add_test(NAME Docs.Tour
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/ci/run_console.py
              ${PROJECT_SOURCE_DIR}/docs/tour.md --build ${CMAKE_BINARY_DIR})
    add_test(NAME Docs.YourOwnData
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/ci/run_console.py
              ${PROJECT_SOURCE_DIR}/docs/your-own-data.md --build ${CMAKE_BINARY_DIR})
    # ctest -j begins with what has the highest cost: the longest ones do not wait for each other at the end.
    set_tests_properties(Docs.Tour Docs.YourOwnData PROPERTIES LABELS docs TIMEOUT 300 COST 100)
  endif()
  # The page about adding an operation, done in a copy of the tree.
  if(Python3_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git AND CMAKE_BUILD_TYPE STREQUAL "Release"
      AND NOT CARDIOGRAD_CUDA AND NOT CARDIOGRAD_SIMT_WATCH)
    set(preset $<IF:$<BOOL:${CARDIOGRAD_SIMT}>,simt,cpu>)
    add_test(NAME Docs.AddAnOperation
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/ci/add_an_operation.py --preset ${preset}
              --launcher=${CMAKE_CXX_COMPILER_LAUNCHER} --jobs 1)
    set_tests_properties(Docs.AddAnOperation PROPERTIES LABELS docs TIMEOUT 900 COST 200)
  endif()
endfunction()

# cardiograd_example(source deps...): one small program in examples/ of the build, linked to the rooms it shows.
function(cardiograd_example source)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${PROJECT_SOURCE_DIR}/${source})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_link_libraries(${name} PRIVATE ${ARGN})
  target_compile_options(${name} PRIVATE ${CARDIOGRAD_WARNINGS})
endfunction()

# Every bench/<name>_bench.cpp becomes the program <name>_bench.
function(cardiograd_benchmarks)
  file(GLOB programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.cpp)
  foreach(source ${programs})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
    target_link_libraries(${name} PRIVATE cardiograd_apps_common cardiograd_model benchmark::benchmark)
    target_compile_options(${name} PRIVATE ${CARDIOGRAD_WARNINGS})
  endforeach()
endfunction()

# The examples, and the tests that run them; read_ecg's needs the recordings in CARDIOGRAD_DATA.
function(cardiograd_examples)
  if(TARGET cardiograd_simt)
    cardiograd_example(simt/example/row_sums.cpp cardiograd_simt)
    if(CARDIOGRAD_TESTS)
      add_test(NAME Examples.RowSums COMMAND row_sums)
      set_tests_properties(Examples.RowSums PROPERTIES PASS_REGULAR_EXPRESSION "^0\n101\n202\n$" LABELS cpu)
    endif()
  endif()
  if(CARDIOGRAD_SIMT_ONLY)
    return()
  endif()
  cardiograd_example(examples/two_moons.cpp cardiograd_engine)
  cardiograd_example(examples/read_ecg.cpp cardiograd_data)
  if(CARDIOGRAD_TESTS)
    add_test(NAME Examples.TwoMoons COMMAND two_moons)
    add_test(NAME Examples.ReadEcgUsage COMMAND sh -c "\"$0\"; test $? = 2" $<TARGET_FILE:read_ecg>)
    set_tests_properties(Examples.TwoMoons Examples.ReadEcgUsage PROPERTIES LABELS cpu)
    add_test(NAME Examples.ReadEcg COMMAND sh -c
      "test -d \"$CARDIOGRAD_DATA/ludb\" || exit 77; \"$0\" \"$CARDIOGRAD_DATA/ludb/data/10\" | grep 'heart rate *[0-9]'"
      $<TARGET_FILE:read_ecg>)
    set_tests_properties(Examples.ReadEcg PROPERTIES SKIP_RETURN_CODE 77 LABELS "cpu;data")
  endif()
endfunction()
