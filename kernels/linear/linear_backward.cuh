// All gradients of a linear layer in one launch: its blocks are those of linear_product.cuh, which make dx, and those
// of linear_weights.cuh, which make dw and db. Both go over the rows of dy from the first to the last; the blocks of
// one kind lie among those of the other in proportion, so that what one has read is still in the L2 cache for the
// other, and so that no GPU waits for the last blocks of two launches.
//
// Dynamic shared memory that of the larger kind; registers likewise.
#pragma once

#include <cstdint>

#include "kernels/linear/linear_product.cuh"
#include "kernels/linear/linear_weights.cuh"

namespace cardiograd::kernels {

// Which of a grid's blocks make dw: of the first b, b * share / 2^32 of them.
struct WeightBlocks {
  std::uint64_t share;

  // `weight_blocks` of `blocks`, which are less than 2^31.
  static WeightBlocks of(unsigned weight_blocks, unsigned blocks) {
    return {((std::uint64_t{weight_blocks} << 32U) + blocks - 1) / blocks};
  }
  __host__ __device__ __forceinline__ unsigned before(unsigned block) const {
    return static_cast<unsigned>(block * share >> 32U);
  }
};

template <class Tile, int kWords, class Epilogue>
__global__ void __launch_bounds__(kLinearThreads, kWords == 4 ? 3 : 2)
    linear_backward_kernel(WeightBlocks which, LinearSizes s, const float* w, Epilogue epilogue,
                           LinearWeightSizes weights, LinearWeightOperands p) {
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
  const unsigned before = which.before(blockIdx.x);
  if (which.before(blockIdx.x + 1) != before)
    linear_weights<Tile, kWords>(weights, p, static_cast<int>(before), shared);
  else
    linear_product<Tile, true, kWords>(s, p.dy, w, epilogue, static_cast<int>(blockIdx.x - before), shared);
}

}  // namespace cardiograd::kernels
