// Attention on the card without a T x T matrix in memory: softmax as it goes (Milakov and Gimelshein, 2018), and a
// backward direction that computes the weights again.
//
// All kernels share a geometry. One block: kAttentionRows rows (queries, or keys) of one head; each of its warps has
// kRowsPerWarp of them. It walks over the other side in tiles of 32 rows in shared memory: a lane has one of them while
// weights are computed, and every 32nd component while rows are summed. Rows of a tile begin in different banks.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_shape.h"
#include "kernels/common/reduce_cuda.cuh"
#include "kernels/dropout/dropout_cuda.cuh"
#include "kernels/simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAttentionWarps = 4;
inline constexpr int kRowsPerWarp = 2;
inline constexpr int kAttentionRows = kAttentionWarps * kRowsPerWarp;
inline constexpr int kTileRows = 32;
inline constexpr int kMaxHeadWidth = 128;
inline constexpr int kComponents = kMaxHeadWidth / 32;  // per lane

// One head of one record: blockIdx.x numbers them.
struct AttentionHead {
  int time;
  int width;
  int heads;
  float scale;
  bool drops;
  DropoutMask mask;

  __device__ std::int64_t record() const { return blockIdx.x / static_cast<unsigned>(heads); }
  __device__ std::int64_t head() const { return blockIdx.x % static_cast<unsigned>(heads); }
  // Row t of part 0 (q), 1 (k) or 2 (v) of qkv.
  __device__ std::int64_t packed(int t, int part) const {
    return (((record() * time + t) * 3 + part) * heads + head()) * width;
  }
  // Row t of y.
  __device__ std::int64_t plain(int t) const { return ((record() * time + t) * heads + head()) * width; }
  __device__ std::int64_t row(int t) const { return blockIdx.x * static_cast<std::int64_t>(time) + t; }
  __device__ float factor(int i, int j) const { return drops ? dropout_factor(mask, row(i) * time + j) : 1.0F; }
};

// Copies rows first ... first+rows-1 of a matrix to shared memory, `pitch` floats apart; rows past `time` become 0.
// `at(t)` is the row's place.
template <class At>
__device__ void load_rows(const AttentionHead& head, const float* from, int first, int rows, int pitch, float* to,
                          At&& at) {
  for (int row = static_cast<int>(threadIdx.x) / 32; row < rows; row += kAttentionWarps) {
    const bool inside = first + row < head.time;
    const std::int64_t source = inside ? at(first + row) : 0;
    for (int c = static_cast<int>(threadIdx.x) % 32; c < head.width; c += 32)
      to[row * pitch + c] = inside ? from[source + c] : 0.0F;
  }
}

__device__ inline float dot(int width, const float* a, const float* b) {
  float sum = 0;
  for (int c = 0; c < width; ++c) sum += a[c] * b[c];
  return sum;
}

// sum[i] += weight of row j times its component lane + 32 i, over the rows j of a tile.
__device__ inline void add_weighted_rows(int width, const float* weights, const float* tile, int pitch,
                                         float (&sum)[kComponents]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int j = 0; j < kTileRows; ++j) {
    const float weight = weights[j];
    SIMT_UNROLL
    for (int i = 0; i < kComponents; ++i)
      if (lane + 32 * i < width) sum[i] += weight * tile[j * pitch + lane + 32 * i];
  }
}

__device__ inline void store_row(int width, const float (&sum)[kComponents], float factor, float* to) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int i = 0; i < kComponents; ++i)
    if (lane + 32 * i < width) to[lane + 32 * i] = sum[i] * factor;
}

// Bytes of dynamic shared memory with `rows` whole matrices on the block's own side: two tiles and those.
inline std::size_t attention_shared_bytes(std::int64_t width, int rows) {
  const std::int64_t floats = 2 * kTileRows * (width + 1) + rows * kAttentionRows * width;
  return static_cast<std::size_t>(floats) * sizeof(float);
}

// y and lse of kAttentionRows queries.
static __global__ void __launch_bounds__(32 * kAttentionWarps)
    attention_forward_kernel(AttentionHead head, const float* qkv, float* y, float* lse) {
  SIMT_DYNAMIC_SHARED(float, shared);
  SIMT_SHARED(float, weights, [kAttentionWarps][kTileRows]);
  const int pitch = head.width + 1;
  float* keys = shared;
  float* values = keys + kTileRows * pitch;
  float* queries = values + kTileRows * pitch;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int first = static_cast<int>(blockIdx.y) * kAttentionRows;
  load_rows(head, qkv, first, kAttentionRows, head.width, queries, [&](int t) { return head.packed(t, 0); });
  float sum[kRowsPerWarp][kComponents] = {};
  float largest[kRowsPerWarp];
  float total[kRowsPerWarp];
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    largest[r] = -INFINITY;
    total[r] = 0;
  }
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    __syncthreads();
    load_rows(head, qkv, tile, kTileRows, pitch, keys, [&](int t) { return head.packed(t, 1); });
    load_rows(head, qkv, tile, kTileRows, pitch, values, [&](int t) { return head.packed(t, 2); });
    __syncthreads();
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int own = warp * kRowsPerWarp + r;
      const int i = first + own;
      const int j = tile + lane;
      const bool inside = j < head.time;
      const float score =
          inside ? head.scale * dot(head.width, queries + own * head.width, keys + lane * pitch) : -INFINITY;
      const float next = fmaxf(largest[r], warp_max(score));
      const float shrink = expf(largest[r] - next);  // 0 in the first tile
      const float weight = inside ? expf(score - next) : 0.0F;
      total[r] = total[r] * shrink + warp_sum(weight);
      largest[r] = next;
      weights[warp][lane] = inside && i < head.time ? weight * head.factor(i, j) : 0.0F;
      __syncwarp();
      SIMT_UNROLL
      for (int c = 0; c < kComponents; ++c) sum[r][c] *= shrink;
      add_weighted_rows(head.width, weights[warp], values, pitch, sum[r]);
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int i = first + warp * kRowsPerWarp + r;
    if (i >= head.time) continue;
    store_row(head.width, sum[r], 1.0F / total[r], y + head.plain(i));
    if (lane == 0) lse[head.row(i)] = largest[r] + logf(total[r]);
  }
}

// mean[row] = dy . y of each query: sum over j of P_ij dP_ij. One warp: one row of (N, T, H) in the order of lse.
static __global__ void __launch_bounds__(32 * kAttentionWarps)
    attention_mean_kernel(AttentionHead head, const float* y, const float* dy, float* mean) {
  const int i = static_cast<int>(blockIdx.y) * kAttentionWarps + static_cast<int>(threadIdx.x) / 32;
  if (i >= head.time) return;  // whole warps
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float sum = 0;
  for (int c = lane; c < head.width; c += 32) sum += y[head.plain(i) + c] * dy[head.plain(i) + c];
  sum = warp_sum(sum);
  if (lane == 0) mean[head.row(i)] = sum;
}

// What the gradient of both sides needs of query i and key j.
struct AttentionPair {
  float dropped;  // mask * P
  float dscore;   // d loss / d (q . k)
};
__device__ inline AttentionPair attention_pair(const AttentionHead& head, int i, int j, const float* q, const float* k,
                                               const float* v, const float* dy, const float* lse, const float* mean) {
  if (i >= head.time || j >= head.time) return {0.0F, 0.0F};
  const float weight = expf(head.scale * dot(head.width, q, k) - lse[head.row(i)]);
  const float dropped = weight * head.factor(i, j);
  const float dweight = dot(head.width, dy, v);
  return {dropped, head.scale * (dropped * dweight - weight * mean[head.row(i)])};
}

// dq of kAttentionRows queries.
static __global__ void __launch_bounds__(32 * kAttentionWarps)
    attention_query_gradient_kernel(AttentionHead head, const float* qkv, const float* lse, const float* mean,
                                    const float* dy, float* dqkv) {
  SIMT_DYNAMIC_SHARED(float, shared);
  SIMT_SHARED(float, weights, [kAttentionWarps][kTileRows]);
  const int pitch = head.width + 1;
  float* keys = shared;
  float* values = keys + kTileRows * pitch;
  float* queries = values + kTileRows * pitch;
  float* above = queries + kAttentionRows * head.width;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int first = static_cast<int>(blockIdx.y) * kAttentionRows;
  load_rows(head, qkv, first, kAttentionRows, head.width, queries, [&](int t) { return head.packed(t, 0); });
  load_rows(head, dy, first, kAttentionRows, head.width, above, [&](int t) { return head.plain(t); });
  float sum[kRowsPerWarp][kComponents] = {};
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    __syncthreads();
    load_rows(head, qkv, tile, kTileRows, pitch, keys, [&](int t) { return head.packed(t, 1); });
    load_rows(head, qkv, tile, kTileRows, pitch, values, [&](int t) { return head.packed(t, 2); });
    __syncthreads();
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int own = warp * kRowsPerWarp + r;
      const AttentionPair pair =
          attention_pair(head, first + own, tile + lane, queries + own * head.width, keys + lane * pitch,
                         values + lane * pitch, above + own * head.width, lse, mean);
      weights[warp][lane] = pair.dscore;
      __syncwarp();
      add_weighted_rows(head.width, weights[warp], keys, pitch, sum[r]);
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int i = first + warp * kRowsPerWarp + r;
    if (i < head.time) store_row(head.width, sum[r], 1.0F, dqkv + head.packed(i, 0));
  }
}

// dk and dv of kAttentionRows keys.
static __global__ void __launch_bounds__(32 * kAttentionWarps)
    attention_key_gradient_kernel(AttentionHead head, const float* qkv, const float* lse, const float* mean,
                                  const float* dy, float* dqkv) {
  SIMT_DYNAMIC_SHARED(float, shared);
  SIMT_SHARED(float, dropped, [kAttentionWarps][kTileRows]);
  SIMT_SHARED(float, dscores, [kAttentionWarps][kTileRows]);
  const int pitch = head.width + 1;
  float* queries = shared;
  float* above = queries + kTileRows * pitch;
  float* keys = above + kTileRows * pitch;
  float* values = keys + kAttentionRows * head.width;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int first = static_cast<int>(blockIdx.y) * kAttentionRows;
  load_rows(head, qkv, first, kAttentionRows, head.width, keys, [&](int t) { return head.packed(t, 1); });
  load_rows(head, qkv, first, kAttentionRows, head.width, values, [&](int t) { return head.packed(t, 2); });
  float dk[kRowsPerWarp][kComponents] = {};
  float dv[kRowsPerWarp][kComponents] = {};
  for (int tile = 0; tile < head.time; tile += kTileRows) {
    __syncthreads();
    load_rows(head, qkv, tile, kTileRows, pitch, queries, [&](int t) { return head.packed(t, 0); });
    load_rows(head, dy, tile, kTileRows, pitch, above, [&](int t) { return head.plain(t); });
    __syncthreads();
    SIMT_UNROLL
    for (int r = 0; r < kRowsPerWarp; ++r) {
      const int own = warp * kRowsPerWarp + r;
      const AttentionPair pair =
          attention_pair(head, tile + lane, first + own, queries + lane * pitch, keys + own * head.width,
                         values + own * head.width, above + lane * pitch, lse, mean);
      dropped[warp][lane] = pair.dropped;
      dscores[warp][lane] = pair.dscore;
      __syncwarp();
      add_weighted_rows(head.width, dscores[warp], queries, pitch, dk[r]);
      add_weighted_rows(head.width, dropped[warp], above, pitch, dv[r]);
      __syncwarp();
    }
  }
  SIMT_UNROLL
  for (int r = 0; r < kRowsPerWarp; ++r) {
    const int j = first + warp * kRowsPerWarp + r;
    if (j >= head.time) continue;
    store_row(head.width, dk[r], 1.0F, dqkv + head.packed(j, 1));
    store_row(head.width, dv[r], 1.0F, dqkv + head.packed(j, 2));
  }
}

}  // namespace cardiograd::kernels
