// Whether a float is finite, for device code.
#pragma once

#include "simt/simt.h"

namespace cardiograd::kernels {

// Neither a NaN nor an infinity: the bits of the exponent are not all ones.
__device__ inline bool is_finite(float x) {
  return (__float_as_uint(x) & 0x7F800000U) != 0x7F800000U;
}

}  // namespace cardiograd::kernels
