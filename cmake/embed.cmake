# Tables of bench/ that programs carry with them: text files as strings in the library.

# cardiograd_embed(result file): the file's lines as C++ raw string literals with commas between.
function(cardiograd_embed result file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  string(REPLACE "\n" ")~\",\n    R\"~(" text "${text}")
  set(${result} "R\"~(${text})~\"" PARENT_SCOPE)
endfunction()

# model/bench_tables.h: bench/gpus.toml and bench/kernel_costs.json.
function(cardiograd_bench_tables)
  cardiograd_embed(gpus ${PROJECT_SOURCE_DIR}/bench/gpus.toml)
  cardiograd_embed(costs ${PROJECT_SOURCE_DIR}/bench/kernel_costs.json)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/model/bench_tables.cpp @ONLY CONTENT
"// Written by cmake/embed.cmake.
#include \"model/bench_tables.h\"

#include <string_view>

namespace cardiograd::model {
namespace {

constexpr std::string_view kGpus[] = {
    @gpus@};
constexpr std::string_view kKernelCosts[] = {
    @costs@};

template <class Lines>
std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string_view line : lines) (text += line) += '\\n';
  return text;
}

}  // namespace

std::string gpus_toml() {
  return joined(kGpus);
}
std::string kernel_costs_json() {
  return joined(kKernelCosts);
}

}  // namespace cardiograd::model
")
  target_sources(cardiograd_model PRIVATE ${PROJECT_BINARY_DIR}/generated/model/bench_tables.cpp)
endfunction()
