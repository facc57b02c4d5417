// Kernels that treat each element on its own.
#pragma once

#include <algorithm>
#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kElementThreads = 256;
// Beyond it threads take several elements.
inline constexpr std::int64_t kMaxElementBlocks = 1 << 16;

// Calls body(i) for i in 0 ... count-1; Body is a struct with the pointers and a __device__ operator() const.
// One block: kElementThreads elements at a time. No shared memory, any count.
template <class Body>
__global__ void __launch_bounds__(kElementThreads) for_each_element_kernel(std::int64_t count, Body body) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) body(i);
}

template <class Body>
void for_each_element(std::int64_t count, cudaStream_t stream, const Body& body) {
  if (count == 0) return;
  const std::int64_t blocks = std::min(kMaxElementBlocks, (count + kElementThreads - 1) / kElementThreads);
  simt::launch<for_each_element_kernel<Body>>(dim3(static_cast<unsigned>(blocks)), dim3(kElementThreads), 0, stream,
                                              count, body);
}

}  // namespace cardiograd::kernels
