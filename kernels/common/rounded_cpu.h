// The rounding of factors (base/precision.h) on the CPU, whose products are fp32: other modes are emulated by rounding
// the operands first, which gives the same factors and is no faster.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/scratch.h"

namespace cardiograd::kernels {

// x (count) as factors of products: itself in fp32, otherwise a rounded copy in this thread's scratch for `use`.
inline const float* rounded_factors(Precision precision, std::int64_t count, const float* x, ScratchUse use) {
  if (precision == Precision::kFp32) return x;
  float* copy = scratch(use, count);
  parallel_ranges(count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) copy[i] = round_to(precision, x[i]);
  });
  return copy;
}

}  // namespace cardiograd::kernels
