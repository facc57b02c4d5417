// A launch whose blocks leave partial results and whose last block to arrive combines them: one launch instead of two.
// Which block is last does not matter, since it combines all parts in their own order.
#pragma once

#include "kernels/common/grid.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// True in all threads of the block that calls it last of `blocks`; what all of them wrote to device memory before can
// be read then. `arrived` is 0 before the launch and again behind it. Read what others wrote through plain pointers,
// not const __restrict__ ones.
__device__ inline bool is_last_block(unsigned* arrived, unsigned blocks) {
  SIMT_SHARED(int, last, [1]);
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    __threadfence();
    last[0] = atomicAdd(arrived, 1U) + 1 == blocks ? 1 : 0;
    if (last[0] != 0) atomicExch(arrived, 0U);
    __threadfence();
  }
  __syncthreads();
  return last[0] != 0;
}

}  // namespace cardiograd::kernels
