// How kernels walk over a matrix, channels last: a block takes some rows of a tile of columns. A warp reads whole
// sectors, a thread keeps to its columns, so that what belongs to a column stays in its registers, and nothing is
// divided.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "kernels/common/vectors_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kTileThreads = 256;

// A block of kLanes x kRowLanes threads: thread (x, y) takes kWidth columns from kWidth * x on, of every kRowLanes-th
// row from y on.
template <int kWidth>
struct RowTile {
  static constexpr int kLanes = kWidth == 4 ? 16 : 32;
  static constexpr int kRowLanes = kTileThreads / kLanes;
  static constexpr int kColumns = kLanes * kWidth;

  static dim3 block() { return dim3(kLanes, kRowLanes); }
  // Of `columns` columns.
  static unsigned tiles(std::int64_t columns) { return static_cast<unsigned>((columns + kColumns - 1) / kColumns); }
};

// Calls launch(std::integral_constant<int, kWidth>()) with the widest access that fits: 4 where rows have a multiple of
// four columns and all addresses are aligned, else 1.
template <class Launch, class... T>
void with_width(std::int64_t columns, Launch&& launch, const T*... addresses) {
  if (columns % 4 == 0 && are_aligned(addresses...))
    std::forward<Launch>(launch)(std::integral_constant<int, 4>());
  else
    std::forward<Launch>(launch)(std::integral_constant<int, 1>());
}

// The sums over the row lanes of a block, in all threads of a column. Ends with all threads past their reads.
template <int kWidth>
__device__ Floats<kWidth> sum_row_lanes(float (&lanes)[RowTile<kWidth>::kRowLanes][RowTile<kWidth>::kColumns],
                                        const Floats<kWidth>& value) {
  const unsigned x = threadIdx.x * kWidth;
  store_floats<kWidth>(&lanes[threadIdx.y][x], value);
  __syncthreads();
  if (threadIdx.y == 0) {
    Floats<kWidth> total = value;
    for (int lane = 1; lane < RowTile<kWidth>::kRowLanes; ++lane) {
      const Floats<kWidth> other = load_floats<kWidth>(&lanes[lane][x]);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) total.at[j] += other.at[j];
    }
    store_floats<kWidth>(&lanes[0][x], total);
  }
  __syncthreads();
  const Floats<kWidth> total = load_floats<kWidth>(&lanes[0][x]);
  __syncthreads();
  return total;
}

}  // namespace cardiograd::kernels
