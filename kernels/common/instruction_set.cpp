#include "kernels/common/instruction_set.h"

#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::kernels {

bool use_avx512() {
  static const bool use = [] {
    const char* requested = std::getenv("CARDIOGRAD_ISA");
    const std::string_view word = requested == nullptr ? "" : requested;
    const bool there = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (word == "avx512" && !there)
      throw UsageError("CARDIOGRAD_ISA is 'avx512', which this processor does not have", "Unset it.");
    if (!word.empty() && word != "avx2" && word != "avx512")
      throw UsageError(fmt::format("CARDIOGRAD_ISA is '{}', expected avx2 or avx512", word),
                       "Unset it to use what the processor has.");
    return there && word != "avx2";
  }();
  return use;
}

}  // namespace cardiograd::kernels
