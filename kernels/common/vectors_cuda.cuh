// One or four neighboring floats at a time, for kernels that exist in both widths.
#pragma once

#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::kernels {

template <int kWidth>
struct Floats {
  float at[kWidth];
};

// One access of 4 * kWidth bytes; the address must be a multiple of that.
template <int kWidth>
__device__ __forceinline__ Floats<kWidth> load_floats(const float* from) {
  if constexpr (kWidth == 4) {
    const float4 value = simt::load4(from);
    return {{value.x, value.y, value.z, value.w}};
  } else {
    static_assert(kWidth == 1);
    return {{*from}};
  }
}
template <int kWidth>
__device__ __forceinline__ void store_floats(float* to, const Floats<kWidth>& value) {
  if constexpr (kWidth == 4) {
    simt::store4(to, make_float4(value.at[0], value.at[1], value.at[2], value.at[3]));
  } else {
    static_assert(kWidth == 1);
    *to = value.at[0];
  }
}

// to[0 ... kWidth-1] += value, in one access each way.
template <int kWidth>
__device__ __forceinline__ void add_floats(float* to, const Floats<kWidth>& value) {
  Floats<kWidth> sum = load_floats<kWidth>(to);
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) sum.at[j] += value.at[j];
  store_floats<kWidth>(to, sum);
}

// Whether all of the addresses are multiples of 16 bytes. Null is one.
template <class... T>
bool are_aligned(const T*... addresses) {
  return ((reinterpret_cast<std::uintptr_t>(addresses) % 16 == 0) && ...);
}

}  // namespace cardiograd::kernels
