// Weights for the gradient of an input, which is a product with the taps in reverse order and each tap's matrix
// transposed:
//
//   turned[g, k, o, d] = w[taps - 1 - k, d, g * columns + o]
//
// One block: 32 x 32 values of one tap and group, through shared memory, so that both sides are coalesced; thread (x,
// y): column x, rows y, y + 8, ... Shared memory 4.1 KiB; the 33rd column keeps the banks apart.
#pragma once

#include <cstdint>

#include "kernels/common/grid.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kTurn = 32;
inline constexpr int kTurnLanes = 8;

template <int kTile>
__global__ void __launch_bounds__(kTile* kTurnLanes)
    turn_weights_kernel(int taps, int depth, int columns, int groups, int column_tiles, int depth_tiles,
                        const float* __restrict__ w, float* __restrict__ turned) {
  SIMT_SHARED(float, tile, [kTile][kTile + 1]);
  int block = static_cast<int>(blockIdx.x);
  const int first_column = block % column_tiles * kTile;
  block /= column_tiles;
  const int first_depth = block % depth_tiles * kTile;
  block /= depth_tiles;
  const int tap = block % taps;
  const int group = block / taps;
  const int x = static_cast<int>(threadIdx.x);
  const int y = static_cast<int>(threadIdx.y);
  const float* const from = w + std::int64_t{taps - 1 - tap} * depth * (groups * columns) + group * columns;
  float* const to = turned + (std::int64_t{group} * taps + tap) * columns * depth;
  for (int i = y; i < kTile; i += kTurnLanes) {
    const int d = first_depth + i;
    const int o = first_column + x;
    if (d < depth && o < columns) tile[i][x] = from[std::int64_t{d} * (groups * columns) + o];
  }
  __syncthreads();
  for (int i = y; i < kTile; i += kTurnLanes) {
    const int o = first_column + i;
    const int d = first_depth + x;
    if (d < depth && o < columns) to[std::int64_t{o} * depth + d] = tile[x][i];
  }
}

}  // namespace cardiograd::kernels
