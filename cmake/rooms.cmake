# How folders become targets. Sources are found by pattern, so that adding a file needs no edit here.

set(CARDIOGRAD_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND CARDIOGRAD_WARNINGS -Wno-restrict)  # GCC 12 sees overlap in "literal" + std::string (GCC bug 105651).
endif()

# x86-64-v3 (AVX2, FMA) is the baseline. Files named *_avx512.cpp are compiled for x86-64-v4 and are only entered
# after a run-time check of the processor.
add_library(cardiograd_flags INTERFACE)
target_include_directories(cardiograd_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(cardiograd_flags INTERFACE -march=x86-64-v3)
endif()
# Nobody reads errno after sqrt or catches floating-point signals; without these two GCC does not vectorize sqrt and
# selections by comparison. Neither changes a result.
target_compile_options(cardiograd_flags INTERFACE -fno-math-errno -fno-trapping-math)
if(CARDIOGRAD_SANITIZE)
  target_compile_options(cardiograd_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                                    -fno-omit-frame-pointer)
  target_link_options(cardiograd_flags INTERFACE -fsanitize=address,undefined)
endif()

# cardiograd_room(folder deps...): every .cpp under folder/ becomes the static library cardiograd_<last part of folder>.
function(cardiograd_room folder)
  get_filename_component(name ${folder} NAME)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/example/")
  if(folder STREQUAL "data")
    list(FILTER sources EXCLUDE REGEX "/data/synthetic/")  # A room of its own.
  endif()
  if(sources)
    add_library(cardiograd_${name} STATIC ${sources})
    target_link_libraries(cardiograd_${name} PUBLIC cardiograd_flags ${ARGN})
    target_compile_options(cardiograd_${name} PRIVATE ${CARDIOGRAD_WARNINGS})
    foreach(source ${sources})
      if(source MATCHES "_avx512\\.cpp$")
        # -Wno-uninitialized: GCC 12 warns inside its own AVX-512 intrinsics (GCC bug 105593).
        set_source_files_properties(${source} PROPERTIES
          COMPILE_OPTIONS "-march=x86-64-v4;-mprefer-vector-width=512;-Wno-uninitialized")
      endif()
    endforeach()
  else()
    add_library(cardiograd_${name} INTERFACE)
    target_link_libraries(cardiograd_${name} INTERFACE cardiograd_flags ${ARGN})
  endif()
endfunction()

# Every apps/<name>.cpp becomes the program <name>; the .cpp of the folders in apps/ are one library for all of them.
function(cardiograd_apps)
  file(GLOB common CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/*/*.cpp)
  add_library(cardiograd_apps_common STATIC ${common})
  target_link_libraries(cardiograd_apps_common PUBLIC cardiograd_report cardiograd_synthetic CLI11::CLI11)
  target_compile_options(cardiograd_apps_common PRIVATE ${CARDIOGRAD_WARNINGS})
  file(GLOB programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/*.cpp)
  foreach(source ${programs})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE cardiograd_apps_common)
    target_compile_options(${name} PRIVATE ${CARDIOGRAD_WARNINGS})
  endforeach()
endfunction()

# tests/<room>/**/*_test.cpp becomes the program <room>_tests, linked to the room it tests. The scripts' tests need Python
# and what the script itself needs.
function(cardiograd_tests)
  include(GoogleTest)
  file(GLOB common CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/common/*.cpp)
  add_library(cardiograd_tests_common STATIC ${common})
  target_link_libraries(cardiograd_tests_common PUBLIC cardiograd_base GTest::gtest)
  target_compile_options(cardiograd_tests_common PRIVATE ${CARDIOGRAD_WARNINGS})
  foreach(room base ecg evaluation simt kernels dsp engine data model report apps)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${room}/*_test.cpp)
    if(NOT sources)
      continue()
    endif()
    add_executable(${room}_tests ${sources})
    set_target_properties(${room}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(room STREQUAL "apps")
      target_link_libraries(${room}_tests PRIVATE cardiograd_apps_common)
    else()
      target_link_libraries(${room}_tests PRIVATE cardiograd_${room})
    endif()
    if(room STREQUAL "data")
      target_link_libraries(${room}_tests PRIVATE cardiograd_synthetic)  # tests/data/synthetic
    endif()
    target_link_libraries(${room}_tests PRIVATE cardiograd_tests_common GTest::gtest GTest::gtest_main)
    target_compile_options(${room}_tests PRIVATE ${CARDIOGRAD_WARNINGS})
    target_compile_definitions(${room}_tests PRIVATE
      CARDIOGRAD_APPS_DIR="${CMAKE_BINARY_DIR}/apps" CARDIOGRAD_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
    gtest_discover_tests(${room}_tests DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
  endforeach()
  find_package(Python3 COMPONENTS Interpreter)
  find_program(CURL curl)
  if(Python3_FOUND AND CURL)
    add_test(NAME Scripts.GetPtbxl
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/scripts/get_ptbxl_test.py ${PROJECT_SOURCE_DIR})
    set_tests_properties(Scripts.GetPtbxl PROPERTIES TIMEOUT 300)
  endif()
endfunction()

# Every bench/<name>_bench.cpp becomes the program <name>_bench.
function(cardiograd_benchmarks)
  file(GLOB programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.cpp)
  foreach(source ${programs})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    target_link_libraries(${name} PRIVATE cardiograd_model benchmark::benchmark)
    target_compile_options(${name} PRIVATE ${CARDIOGRAD_WARNINGS})
  endforeach()
endfunction()
