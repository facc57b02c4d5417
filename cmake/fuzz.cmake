# Fuzz targets: each fuzz/<name>.cpp is one of the program `fuzz` and has a short test, in sanitized builds and where
# clang's libFuzzer is there (Debian package clang). The parsers are those of the build, instrumented by g++
# (fuzz/coverage.cpp), so that the targets cost no second build.

# What is instrumented.
set(CARDIOGRAD_FUZZED "/(ecg|data)/[^/]*\\.cpp$|/base/json\\.cpp$|/engine/io/safetensors\\.cpp$")
string(APPEND CARDIOGRAD_FUZZED "|/model/(config_field|model_file|registry|training_config|training_state)\\.cpp$")

# Sets CARDIOGRAD_FUZZER, the library, where targets are built. Before the rooms.
function(cardiograd_find_fuzzer)
  find_program(CARDIOGRAD_CLANG clang++)
  if(NOT CARDIOGRAD_SANITIZE OR CARDIOGRAD_SIMT_ONLY OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR NOT CARDIOGRAD_CLANG)
    return()
  endif()
  foreach(name libclang_rt.fuzzer-${CMAKE_SYSTEM_PROCESSOR}.a libclang_rt.fuzzer.a)
    execute_process(COMMAND ${CARDIOGRAD_CLANG} -print-file-name=${name} OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(IS_ABSOLUTE "${path}" AND EXISTS "${path}")
      set(CARDIOGRAD_FUZZER ${path} PARENT_SCOPE)
      add_library(cardiograd_coverage STATIC ${PROJECT_SOURCE_DIR}/fuzz/coverage.cpp)
      target_link_libraries(cardiograd_flags INTERFACE $<BUILD_INTERFACE:cardiograd_coverage>)
      target_link_options(cardiograd_flags INTERFACE $<BUILD_INTERFACE:LINKER:--wrap=__sanitizer_cov_trace_pc>)
      return()
    endif()
  endforeach()
endfunction()

# For each source of a room that is to be instrumented.
function(cardiograd_instrument source)
  if(CARDIOGRAD_FUZZER AND source MATCHES "${CARDIOGRAD_FUZZED}")
    set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -fsanitize-coverage=trace-pc,trace-cmp)
    if(CARDIOGRAD_UNSANITIZED)  # What reads bytes keeps every check.
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -fsanitize=${CARDIOGRAD_UNSANITIZED})
    endif()
  endif()
endfunction()

# After the rooms and enable_testing().
function(cardiograd_fuzz)
  if(NOT CARDIOGRAD_FUZZER)
    return()
  endif()
  set(CARDIOGRAD_FUZZ_SECONDS 2 CACHE STRING "How long the test of each fuzz target runs")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/coverage\\.cpp$")
  add_executable(fuzz ${sources})
  set_target_properties(fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  target_link_libraries(fuzz PRIVATE cardiograd_model ${CARDIOGRAD_FUZZER})
  # libFuzzer and simt/watch.cpp both define what is wrapped, and nobody calls it.
  target_link_options(fuzz PRIVATE LINKER:--allow-multiple-definition)
  target_compile_options(fuzz PRIVATE ${CARDIOGRAD_WARNINGS})
  list(FILTER sources EXCLUDE REGEX "/target\\.cpp$")
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    # Inputs that reach something new are kept in the build folder.
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz/corpus/${name})
    add_test(NAME Fuzz.${name} COMMAND fuzz --target=${name} -max_total_time=${CARDIOGRAD_FUZZ_SECONDS} -timeout=60
      -entropic=0 -print_final_stats=1 -artifact_prefix=${PROJECT_BINARY_DIR}/fuzz/${name}-
      ${PROJECT_BINARY_DIR}/fuzz/corpus/${name} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(Fuzz.${name} PROPERTIES LABELS cpu TIMEOUT 300)
  endforeach()
endfunction()
