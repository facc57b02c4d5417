#include "kernels/common/instruction_set.h"

#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::kernels {
namespace {

enum class InstructionSet { kAvx2, kAvx512, kAvx512Bf16 };

InstructionSet best_of_processor() {
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!avx512) return InstructionSet::kAvx2;
  return __builtin_cpu_supports("avx512bf16") ? InstructionSet::kAvx512Bf16 : InstructionSet::kAvx512;
}

InstructionSet chosen() {
  static const InstructionSet set = [] {
    const InstructionSet best = best_of_processor();
    const char* requested = std::getenv("CARDIOGRAD_ISA");
    const std::string_view word = requested == nullptr ? "" : requested;
    if (word.empty()) return best;
    InstructionSet wanted = InstructionSet::kAvx2;
    if (word == "avx512")
      wanted = InstructionSet::kAvx512;
    else if (word == "avx512_bf16")
      wanted = InstructionSet::kAvx512Bf16;
    else if (word != "avx2")
      throw UsageError(fmt::format("CARDIOGRAD_ISA is '{}', expected avx2, avx512 or avx512_bf16", word),
                       "Unset it to use what the processor has.");
    if (wanted > best)
      throw UsageError(fmt::format("CARDIOGRAD_ISA is '{}', which this processor does not have", word), "Unset it.");
    return wanted;
  }();
  return set;
}

}  // namespace

bool use_avx512() {
  return chosen() >= InstructionSet::kAvx512;
}

bool use_avx512_bf16() {
  return chosen() == InstructionSet::kAvx512Bf16;
}

}  // namespace cardiograd::kernels
