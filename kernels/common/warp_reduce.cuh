// Sums and maxima over a warp or block, in a tree that does not depend on anything but the lane.
#pragma once

#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

// The same bits in every lane: addition commutes, and all lanes see the same pairs.
__device__ inline float warp_sum(float value) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(kAllLanes, value, step);
  return value;
}

// Likewise of several values at once: their exchanges overlap.
template <int kCount>
__device__ __forceinline__ void warp_sums(float (&values)[kCount]) {
  for (int step = 16; step > 0; step /= 2) {
    float others[kCount];
    SIMT_UNROLL
    for (int i = 0; i < kCount; ++i) others[i] = __shfl_xor_sync(kAllLanes, values[i], step);
    SIMT_UNROLL
    for (int i = 0; i < kCount; ++i) values[i] += others[i];
  }
}

// NaN is passed over.
__device__ inline float warp_max(float value) {
  for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}

// The sum over a one-dimensional block of kThreads, a multiple of 32 up to 1024, in all threads. Ends with all threads
// past their reads of shared memory, so that it can be called again.
template <int kThreads>
__device__ float block_sum(float value) {
  SIMT_SHARED(float, warps, [32]);
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
  __syncthreads();
  float total = 0;
  for (int warp = 0; warp < kThreads / 32; ++warp) total += warps[warp];
  __syncthreads();
  return total;
}

}  // namespace cardiograd::kernels
