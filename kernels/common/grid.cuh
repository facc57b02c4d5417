// How launches are cut into blocks, and where a thread stands in its block.
#pragma once

#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::kernels {

// Blocks for `count` elements, `per_block` in each.
inline unsigned blocks_for(std::int64_t count, std::int64_t per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

// In a one-dimensional block.
__device__ inline int lane_of_thread() {
  return static_cast<int>(threadIdx.x) % 32;
}
__device__ inline int warp_of_thread() {
  return static_cast<int>(threadIdx.x) / 32;
}

}  // namespace cardiograd::kernels
