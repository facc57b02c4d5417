// row_tile: keys and values in shared memory, 32 at a time, for all queries of a block; the width is known at run time.
//
//   a block     eight queries of one head; walks over its keys in tiles of 32
//   a warp      two queries
//   a thread    while weights are computed one key of the tile, whose row it reads alone; while values are added every
//               32nd component
//   shared      rows of a tile, width + 1 floats apart so that lanes begin in different banks, and the weights: 9.8 KiB
//               at head width 32
//   takes       heads of up to 128 components
//
// Beats online by its instructions, a fifth: a weight no longer takes five shuffles, each lane has a weight of its own,
// and device memory is read once for eight queries. What remains: the width at run time makes four predicated
// multiply-adds per value where one is useful at head width 32, every access is 4 bytes wide, and a dot product reads
// two words of shared memory for a multiply-add.
#include <cstdint>

#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/ladder/attention_ladder.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kRowTileWarps = 4;
inline constexpr int kRowTileRows = 2;  // of a warp
inline constexpr int kRowTileQueries = kRowTileWarps * kRowTileRows;
inline constexpr int kRowTileKeys = 32;
inline constexpr int kRowTileComponents = 4;  // of a lane

// Copies rows first ... first+rows-1 to shared memory, `pitch` floats apart; rows past the last one become 0.
__device__ inline void copy_rows(const AttentionHead& head, const AttentionRows<const float>& from, int first, int rows,
                                 int pitch, float* to) {
  for (int row = warp_of_thread(); row < rows; row += kRowTileWarps) {
    const bool inside = first + row < head.time;
    for (int c = lane_of_thread(); c < head.width; c += 32)
      to[row * pitch + c] = inside ? round_factor(head.precision, from.row(first + row)[c]) : 0.0F;
  }
}

static __global__ void __launch_bounds__(32 * kRowTileWarps, 4)
    attention_row_tile_kernel(AttentionHead head, const float* qkv, float* y, float* lse) {
  SIMT_DYNAMIC_SHARED(float, memory);
  SIMT_SHARED(float, weights, [kRowTileWarps][kRowTileKeys]);
  const int pitch = head.width + 1;
  float* keys = memory;
  float* values = keys + kRowTileKeys * pitch;
  float* queries = values + kRowTileKeys * pitch;
  const int lane = lane_of_thread();
  const int warp = warp_of_thread();
  const int first = head.tile() * kRowTileQueries;
  float sum[kRowTileRows][kRowTileComponents] = {};
  float largest[kRowTileRows] = {-INFINITY, -INFINITY};
  float total[kRowTileRows] = {};
  copy_rows(head, rows_of_part(head, qkv, 0), first, kRowTileQueries, pitch, queries);
  for (int tile = 0; tile < head.time; tile += kRowTileKeys) {
    __syncthreads();
    copy_rows(head, rows_of_part(head, qkv, 1), tile, kRowTileKeys, pitch, keys);
    copy_rows(head, rows_of_part(head, qkv, 2), tile, kRowTileKeys, pitch, values);
    __syncthreads();
    const int j = tile + lane;
    SIMT_UNROLL
    for (int r = 0; r < kRowTileRows; ++r) {
      const float* query = queries + (warp * kRowTileRows + r) * pitch;
      float product = 0;
      for (int c = 0; c < head.width; ++c) product += query[c] * keys[lane * pitch + c];
      const float score = j < head.time ? head.scale * product : -INFINITY;
      const float next = fmaxf(largest[r], warp_max(score));
      const float shrink = expf(largest[r] - next);  // 0 in the first tile
      const float weight = expf(score - next);
      total[r] = total[r] * shrink + warp_sum(weight);
      largest[r] = next;
      const bool keeps = head.keeps(first + warp * kRowTileRows + r, j);
      weights[warp][lane] = keeps ? round_factor(head.precision, weight) : 0.0F;
      __syncwarp();
      SIMT_UNROLL
      for (int n = 0; n < kRowTileComponents; ++n) sum[r][n] *= shrink;
      for (int row = 0; row < kRowTileKeys; ++row) {
        SIMT_UNROLL
        for (int n = 0; n < kRowTileComponents; ++n)
          if (lane + 32 * n < head.width) sum[r][n] += weights[warp][row] * values[row * pitch + lane + 32 * n];
      }
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowTileRows; ++r) {
    const int i = first + warp * kRowTileRows + r;
    if (i >= head.time) continue;
    float* row = rows_of_output(head, y).row(i);
    SIMT_UNROLL
    for (int n = 0; n < kRowTileComponents; ++n)
      if (lane + 32 * n < head.width) row[lane + 32 * n] = sum[r][n] * head.mask_factor / total[r];
    if (lane == 0) lse[head.query(i)] = largest[r] + logf(total[r]);
  }
}

void attention_forward_row_tile(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.width > 32 * kRowTileComponents) return attention_forward_tile(s, qkv, y, lse, stream);
  const AttentionHead head = attention_head(s, kRowTileQueries, {qkv});
  const std::size_t shared =
      static_cast<std::size_t>((2 * kRowTileKeys + kRowTileQueries) * (head.width + 1)) * sizeof(float);
  simt::launch<attention_row_tile_kernel>(attention_grid(s, head), dim3(32 * kRowTileWarps), shared, stream, head, qkv,
                                          y, lse);
}

}  // namespace cardiograd::kernels
