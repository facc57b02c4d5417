// Many tensors in one launch: a table in device memory, of which each block has a part of one row.
#pragma once

#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

__device__ inline bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

// The last slice whose first block is not after `block`. Lanes look at neighbors: fewer reads wait for one another than
// in a binary search, up to some hundred slices.
template <class Slice>
__device__ inline std::int64_t slice_of_block(std::int64_t slices, const Slice* table, std::int64_t block) {
  std::int64_t begun = 0;
  SIMT_UNROLL_BY(4)
  for (std::int64_t first = 0; first < slices; first += 32) {
    const std::int64_t i = first + lane_of_thread();
    begun += __popc(__ballot_sync(kAllLanes, i < slices && table[i].first_block <= block));
  }
  return begun - 1;
}

}  // namespace cardiograd::kernels
