# bench/kernel, the desk of a kernel author: the library cardiograd_bench (bench/desk/, bench/opponents/) and its program.
# Every library that it compares with is optional; `kernel --opponents` says which are there.

# Adds `sources` and links `libraries` where an opponent was found.
function(cardiograd_opponent definition sources libraries)
  target_sources(cardiograd_bench PRIVATE ${sources})
  target_link_libraries(cardiograd_bench PRIVATE ${libraries})
  target_compile_definitions(cardiograd_bench PRIVATE CARDIOGRAD_BENCH_${definition})
endfunction()

function(cardiograd_cpu_opponents)
  target_sources(cardiograd_bench PRIVATE bench/opponents/eigen.cpp)
  set(built Eigen)
  # Not find_package: Debian's dnnl-config.cmake fails where OpenCL's headers are missing.
  find_path(CARDIOGRAD_DNNL_INCLUDE dnnl.hpp)
  find_library(CARDIOGRAD_DNNL dnnl)
  if(CARDIOGRAD_DNNL_INCLUDE AND CARDIOGRAD_DNNL)
    file(GLOB sources CONFIGURE_DEPENDS bench/opponents/onednn*.cpp)
    cardiograd_opponent(ONEDNN "${sources}" ${CARDIOGRAD_DNNL})
    target_include_directories(cardiograd_bench SYSTEM PRIVATE ${CARDIOGRAD_DNNL_INCLUDE})
    list(APPEND built oneDNN)
  endif()
  if(PkgConfig_FOUND)
    pkg_check_modules(OPENBLAS QUIET IMPORTED_TARGET openblas)
  endif()
  if(OPENBLAS_FOUND)
    cardiograd_opponent(OPENBLAS bench/opponents/openblas.cpp PkgConfig::OPENBLAS)
    list(APPEND built OpenBLAS)
  endif()
  set(built "${built}" PARENT_SCOPE)
endfunction()

# Before the tests: bench_tests links to it.
function(cardiograd_desk)
  file(GLOB sources CONFIGURE_DEPENDS bench/desk/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_cuda\\.cpp$")
  if(CARDIOGRAD_CUDA OR CARDIOGRAD_SIMT)
    list(APPEND sources bench/desk/machine_cuda.cpp)
  endif()
  add_library(cardiograd_bench STATIC ${sources} bench/opponents/opponent.cpp bench/opponents/own_buffers.cpp)
  target_link_libraries(cardiograd_bench PUBLIC cardiograd_kernels
    PRIVATE benchmark::benchmark Eigen3::Eigen nlohmann_json::nlohmann_json)
  target_compile_options(cardiograd_bench PRIVATE ${CARDIOGRAD_WARNINGS})
  cardiograd_cpu_opponents()
  list(JOIN built ", " built)
  message(STATUS "Opponents in bench/kernel: ${built}")

  add_executable(kernel bench/kernel.cpp)
  set_target_properties(kernel PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  target_link_libraries(kernel PRIVATE cardiograd_bench cardiograd_apps_common)
  target_compile_options(kernel PRIVATE ${CARDIOGRAD_WARNINGS})
endfunction()
