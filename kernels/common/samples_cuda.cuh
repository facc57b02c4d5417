// Samples of signals in device memory, several at a time.
#pragma once

#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::kernels {

// kWidth neighboring samples.
template <int kWidth>
struct Samples {
  int at[kWidth];
};
template <int kWidth>
__device__ __forceinline__ Samples<kWidth> load_samples(const std::int16_t* from) {
  if constexpr (kWidth == 4) {
    const float2 bits = simt::load2(reinterpret_cast<const float*>(from));  // 8 bytes
    const unsigned low = __float_as_uint(bits.x);
    const unsigned high = __float_as_uint(bits.y);
    return {{static_cast<std::int16_t>(low & 0xFFFFU), static_cast<std::int16_t>(low >> 16),
             static_cast<std::int16_t>(high & 0xFFFFU), static_cast<std::int16_t>(high >> 16)}};
  } else {
    return {{*from}};
  }
}

}  // namespace cardiograd::kernels
