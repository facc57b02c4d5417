# The kernels' device code and launchers, kernels/**/*.cu: compiled for GPUs where CARDIOGRAD_CUDA is on, as C++ on
# simt/ where CARDIOGRAD_SIMT is on, not at all elsewhere.

# CARDIOGRAD_CUDA_ARCHITECTURES without those that the toolkit does not know.
function(cardiograd_known_architectures result)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-arch OUTPUT_VARIABLE known)
  set(list)
  foreach(architecture ${CARDIOGRAD_CUDA_ARCHITECTURES})
    if("${known}" MATCHES "compute_${architecture}[^0-9]")
      list(APPEND list ${architecture})
    else()
      message(WARNING "CUDA ${CMAKE_CUDA_COMPILER_VERSION} does not know sm_${architecture}: not built for it")
    endif()
  endforeach()
  set(${result} "${list}" PARENT_SCOPE)
endfunction()

# cuBLASLt of the toolkit, where it is wanted.
function(cardiograd_find_cublaslt)
  find_path(CARDIOGRAD_CUBLASLT_HEADER cublasLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS} NO_DEFAULT_PATH)
  if(CARDIOGRAD_CUBLASLT_HEADER AND TARGET CUDA::cublasLt)
    return()
  endif()
  message(FATAL_ERROR
    "CUDA ${CUDAToolkit_VERSION} is there without cuBLASLt (cublasLt.h and libcublasLt, in ${CUDAToolkit_INCLUDE_DIRS} "
    "and ${CUDAToolkit_LIBRARY_DIR}). Install it (Debian package libcublas-dev-${CUDAToolkit_VERSION_MAJOR}-"
    "${CUDAToolkit_VERSION_MINOR}), or configure with -DCARDIOGRAD_CUBLASLT=OFF: the op table then has no "
    "variant of linear layers with it.")
endfunction()

function(cardiograd_device_code_for_gpus launchers)
  add_library(cardiograd_device STATIC ${launchers})
  cardiograd_known_architectures(architectures)
  set_target_properties(cardiograd_device PROPERTIES CUDA_ARCHITECTURES "${architectures}" CUDA_STANDARD 20)
  target_include_directories(cardiograd_device PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  # -Wpedantic stays away: the code that nvcc generates does not pass it.
  target_compile_options(cardiograd_device PRIVATE --Werror=all-warnings -Xcompiler=-Wall,-Wextra)
  target_link_libraries(cardiograd_device PUBLIC CUDA::cudart_static)
  if(CARDIOGRAD_CUBLASLT)
    cardiograd_find_cublaslt()
    target_link_libraries(cardiograd_device PUBLIC CUDA::cublasLt)
    target_compile_definitions(cardiograd_device PUBLIC CARDIOGRAD_CUBLASLT)
  endif()
  target_link_libraries(cardiograd_kernels PUBLIC cardiograd_device)
endfunction()

function(cardiograd_device_code_on_the_host launchers)
  set_source_files_properties(${launchers} PROPERTIES LANGUAGE CXX)
  target_sources(cardiograd_kernels PRIVATE ${launchers})
  if(CARDIOGRAD_SIMT_WATCH)
    # Compiled so that each access and each basic block calls simt/watch.cpp; libtsan is not linked. Accesses stay those of
    # the source: nothing is vectorized, unrolled or joined. -g1: lines for counters.
    file(GLOB planted ${PROJECT_SOURCE_DIR}/tests/simt/*_test.cpp)
    set_source_files_properties(${launchers} ${planted} PROPERTIES COMPILE_OPTIONS
      "-fsanitize=thread;-fsanitize-coverage=trace-pc;-g1;-O1;-finline-small-functions;-fno-thread-jumps")
  endif()
  target_link_libraries(cardiograd_kernels PUBLIC cardiograd_simt)
  target_compile_definitions(cardiograd_kernels PUBLIC CARDIOGRAD_SIMT)
  if(CARDIOGRAD_CUBLASLT)
    target_compile_definitions(cardiograd_kernels PUBLIC CARDIOGRAD_CUBLASLT)
  endif()
endfunction()

function(cardiograd_device_code)
  if(CARDIOGRAD_CUDA AND CARDIOGRAD_SIMT)
    message(FATAL_ERROR "CARDIOGRAD_CUDA and CARDIOGRAD_SIMT are two ways to run the same kernels: choose one")
  endif()
  file(GLOB_RECURSE launchers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/*.cu)
  if(NOT CARDIOGRAD_CUBLASLT)
    list(FILTER launchers EXCLUDE REGEX "/(matmul|linear_library)\\.cu$")
  endif()
  if(CARDIOGRAD_CUDA)
    cardiograd_device_code_for_gpus("${launchers}")
  elseif(CARDIOGRAD_SIMT)
    cardiograd_device_code_on_the_host("${launchers}")
  else()
    return()
  endif()
  target_compile_definitions(cardiograd_kernels PUBLIC CARDIOGRAD_DEVICE_CODE)
endfunction()

# bench/simt_counters, where kernels are watched.
function(cardiograd_counters)
  if(CARDIOGRAD_SIMT_WATCH)
    # Not cardiograd_apps_common: CI builds this program alone, and the kernels are all that it needs.
    add_executable(simt_counters bench/simt_counters.cpp apps/common/app.cpp apps/common/completion.cpp
      apps/common/stop.cpp apps/common/version.cpp
      ${PROJECT_BINARY_DIR}/generated/commit.cpp)
    add_dependencies(simt_counters cardiograd_commit)
    set_target_properties(simt_counters PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    target_link_libraries(simt_counters PRIVATE cardiograd_kernels CLI11::CLI11 nlohmann_json::nlohmann_json)
    target_compile_options(simt_counters PRIVATE ${CARDIOGRAD_WARNINGS})
    if(CARDIOGRAD_TESTS)
      add_test(NAME SimtCounters.CountsAndAnnotates
        COMMAND simt_counters --op relu_forward --shape count=100 --annotate)
      set_tests_properties(SimtCounters.CountsAndAnnotates PROPERTIES
        PASS_REGULAR_EXPRESSION "kernels/[^ ]*:[0-9]+ +load +device.*kernels/activation/.*__device__" LABELS device)
      add_test(NAME SimtCounters.NamesTheNearestOperation COMMAND simt_counters --op relu_forwrd)
      set_tests_properties(SimtCounters.NamesTheNearestOperation PROPERTIES
        PASS_REGULAR_EXPRESSION "nearest: relu_forward;" LABELS device)
    endif()
  endif()
endfunction()
