// A launch whose blocks leave partial results and whose last block to arrive combines them: one launch instead of two.
// Which block is last does not matter, since it combines all parts in their own order.
#pragma once

#include <cmath>
#include <cstdint>

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

// Many parts combined in two levels, so that no block reads more than about the root of their number: the last block of
// every `fan` neighbors combines theirs, and the last of these blocks what they left.
struct PartTree {
  unsigned parts = 1;
  unsigned fan = 1;
  __host__ __device__ __forceinline__ unsigned groups() const { return (parts + fan - 1) / fan; }
  // That a tree needs (kCudaCounters).
  __host__ __device__ __forceinline__ unsigned counters() const { return 1 + groups(); }
};
inline PartTree part_tree(std::int64_t parts) {
  const double root = std::ceil(std::sqrt(static_cast<double>(parts)));
  return {static_cast<unsigned>(parts), static_cast<unsigned>(root)};
}

// Called by all threads of the block that left part number `part`. combine(begin, end, group) makes one part of those
// from begin on and leaves it as that of the group; finish(groups) combines what the groups left. `arrived`:
// tree.counters() of them.
template <class Combine, class Finish>
__device__ __forceinline__ void combine_parts(const PartTree& tree, unsigned part, unsigned* arrived,
                                              const Combine& combine, const Finish& finish) {
  const unsigned group = part / tree.fan;
  const unsigned begin = group * tree.fan;
  const unsigned end = tree.parts - begin < tree.fan ? tree.parts : begin + tree.fan;
  if (!is_last_block(arrived + 1 + group, end - begin)) return;
  combine(begin, end, group);
  if (!is_last_block(arrived, tree.groups())) return;
  finish(tree.groups());
}

}  // namespace cardiograd::kernels
