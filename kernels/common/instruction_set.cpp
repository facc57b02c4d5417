#include "kernels/common/instruction_set.h"

#include <cstdlib>
#include <string_view>

namespace cardiograd::kernels {

bool use_avx512() {
  static const bool use = [] {
    const char* requested = std::getenv("CARDIOGRAD_ISA");
    const bool forbidden = requested != nullptr && std::string_view(requested) == "avx2";
    return !forbidden && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }();
  return use;
}

}  // namespace cardiograd::kernels
