// Is a number one?
#pragma once

#include "simt/simt.h"

namespace cardiograd::kernels {

// Not all ones in the exponent: neither a NaN nor an infinity.
__device__ inline bool is_finite(float x) {
  return (__float_as_uint(x) & 0x7F800000U) != 0x7F800000U;
}

}  // namespace cardiograd::kernels
