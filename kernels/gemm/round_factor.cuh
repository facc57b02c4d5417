// The rounding of factors (base/precision.h) in device code, for every compute capability.
#pragma once

#include "base/precision.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// As round_to(); four integer instructions where the precision is known when compiling.
__device__ __forceinline__ float round_factor(Precision precision, float x) {
  if (precision == Precision::kFp32) return x;
  const unsigned bits = __float_as_uint(x);
  if ((bits & 0x7F800000U) == 0x7F800000U) return x;
  if (precision == Precision::kTf32) return __uint_as_float((bits + 0x1000U) & ~0x1FFFU);
  return __uint_as_float((bits + 0x7FFFU + (bits >> 16U & 1U)) & ~0xFFFFU);
}

}  // namespace cardiograd::kernels
