// The path "ffma" of the forward direction: exact products (or factors rounded as the shape says) with register tiles,
// for heads of up to 128 components, any length and any GPU.
//
//   a block     128 queries of one head; walks over its keys in tiles of 64, with a softmax as it goes (Milakov and
//               Gimelshein, 2018)
//   a warp      16 queries
//   a thread    of scores: 8 queries x 4 neighboring keys, which share one block of random words (12 16-byte reads of
//               shared memory for 128 multiply-adds); of the result: 4 queries x 4 components (8 reads for 64)
//   shared      48 KiB: 32 components of Q (128 rows), K and V (64 rows), and the weights of 128 queries and 32 keys
//
// Heads wider than 32 components go through shared memory in slices of 32. Rows are 128 bytes, groups of 16 bytes;
// where eight lanes read rows four apart, groups are permuted so that they meet all banks once.
//
// Beats attention_tile.cu by its instructions, 35 M instead of 83 M at N64 T125 H8 D32 with dropout: 12 reads of 16
// bytes of shared memory for 128 multiply-adds instead of 5 for 16, and one block of random words for four weights.
#include <cstdint>

#include "kernels/attention/attention_ffma.cuh"
#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/attention_paths.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kFfmaQueries = 128;
inline constexpr int kFfmaKeys = 64;

// Which rows and columns a lane has: scores of rows 2 r + half (r = 0 ... 7) with keys 4 key ... 4 key + 3, results of
// rows 2 (4 quarter + i) + half (i = 0 ... 3), components 4 group ... 4 group + 3.
struct FfmaLane {
  int half;
  int key;
  int quarter;
  int group;

  __device__ explicit FfmaLane(int lane) : half(lane / 16), key(lane % 16), quarter(lane / 8 % 2), group(lane % 8) {}

  __device__ int result_row(int i) const { return 2 * (4 * quarter + i) + half; }
  // Of eight numbers of score rows, that of result row i.
  __device__ float of_result(const float (&x)[8], int i) const { return quarter == 0 ? x[i] : x[4 + i]; }
};

// score[r][e] += q of row r . k of key e, over one slice. queries: of the warp.
__device__ inline void add_scores(const FfmaLane& lane, const float* queries, const float* keys, float (&score)[8][4]) {
  SIMT_UNROLL_BY(1)
  for (int c = 0; c < 8; ++c) {
    float4 k[4];
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) k[e] = simt::load4(keys + (4 * lane.key + e) * kFfmaSlice + (c ^ (lane.key % 8)) * 4);
    SIMT_UNROLL
    for (int r = 0; r < 8; ++r) {
      const float4 q = simt::load4(queries + (2 * r + lane.half) * kFfmaSlice + c * 4);
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e) score[r][e] = dot4(q, k[e], score[r][e]);
    }
  }
}

// out[i][..] += weights of result row i . values, over 32 keys. weights: of the warp.
__device__ inline void add_values(const FfmaLane& lane, const float* weights, const float* values, float4 (&out)[4]) {
  SIMT_UNROLL_BY(1)
  for (int c = 0; c < 8; ++c) {
    float4 v[4];
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) v[e] = simt::load4(values + (4 * c + e) * kFfmaSlice + lane.group * 4);
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float4 p = simt::load4(weights + lane.result_row(i) * kFfmaSlice + c * 4);
      add_rows(p, v, out[i]);
    }
  }
}

// Turns scores into weights relative to the row's largest, adds those to this lane's part of the rows' totals and drops
// what dropout drops. shrink: what earlier weights are multiplied by. `row`: of the lane's first score row in the head.
__device__ inline void weigh(const AttentionHead& head, const FfmaLane& lane, int row, int tile, float (&score)[8][4],
                             float (&largest)[8], float (&total)[8], float (&shrink)[8]) {
  const int row_words = (head.time + 3) / 4;
  const std::int64_t words = head.words_of_query(0);
  SIMT_UNROLL
  for (int r = 0; r < 8; ++r) {
    if (tile + kFfmaKeys > head.time) {
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e)
        if (tile + 4 * lane.key + e >= head.time) score[r][e] = -INFINITY;
    }
    float next = fmaxf(fmaxf(score[r][0], score[r][1]), fmaxf(score[r][2], score[r][3]));
    SIMT_UNROLL
    for (int step = 1; step < 16; step *= 2) next = fmaxf(next, __shfl_xor_sync(kAllLanes, next, step));
    next = fmaxf(next, largest[r]);
    shrink[r] = exp2_approximate(head.scale_of_log2 * (largest[r] - next));  // 0 in the first tile
    largest[r] = next;
    total[r] *= shrink[r];
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      score[r][e] = exp2_approximate(head.scale_of_log2 * score[r][e] - head.scale_of_log2 * next);
      total[r] += score[r][e];
    }
    if (!head.drops) continue;
    const PhiloxBlock random = dropout_words(head.mask, words + ((row + 2 * r) * row_words + tile / 4 + lane.key));
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e)
      if (random.value[e] < head.mask.threshold) score[r][e] = 0.0F;
  }
  if (head.precision == Precision::kFp32) return;
  SIMT_UNROLL
  for (int r = 0; r < 8; ++r) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) score[r][e] = round_factor(head.precision, score[r][e]);
  }
}

// y and lse of the warp's queries; `first`: the first of them.
template <int kSlices>
__device__ inline void store_results(const AttentionHead& head, int first, const float (&largest)[8], float (&total)[8],
                                     const float4 (&out)[kSlices][4], float* y, float* lse) {
  const FfmaLane lane(lane_of_thread());
  SIMT_UNROLL
  for (int r = 0; r < 8; ++r) {
    SIMT_UNROLL
    for (int step = 1; step < 16; step *= 2) total[r] += __shfl_xor_sync(kAllLanes, total[r], step);
    const int row = first + 2 * r + lane.half;
    if (lane.key == r && row < head.time) lse[head.query(row)] = head.scale * largest[r] + logf(total[r]);
  }
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i) {
    const int row = first + lane.result_row(i);
    if (row >= head.time) continue;
    const float factor = head.mask_factor / lane.of_result(total, i);
    SIMT_UNROLL
    for (int slice = 0; slice < kSlices; ++slice)
      store_components(rows_of_output(head, y).row(row), slice * kFfmaSlice + 4 * lane.group, head.width, head.wide,
                       scaled(out[slice][i], factor));
  }
}

// kSlices: of 32 components.
template <int kSlices>
static __global__ void __launch_bounds__(kFfmaThreads, kSlices == 1 ? 2 : 1)
    attention_forward_ffma_kernel(AttentionHead head, const float* __restrict__ qkv, float* __restrict__ y,
                                  float* __restrict__ lse) {
  SIMT_SHARED(float, queries, [kFfmaQueries * kFfmaSlice]);
  SIMT_SHARED(float, keys, [kFfmaKeys * kFfmaSlice]);
  SIMT_SHARED(float, values, [kFfmaKeys * kFfmaSlice]);
  SIMT_SHARED(float, weights, [kFfmaQueries * kFfmaSlice]);
  const int block_row = head.tile() * kFfmaQueries;
  const int warp_row = warp_of_thread() * 16;
  float* warp_weights = weights + warp_row * kFfmaSlice;
  const auto v = rows_of_part(head, qkv, 2);
  float4 out[kSlices][4] = {};
  float largest[8];
  float total[8] = {};
  SIMT_UNROLL
  for (float& x : largest) x = -INFINITY;
  for (int tile = 0; tile < head.time; tile += kFfmaKeys) {
    const FfmaLane lane(recomputed(lane_of_thread()));
    float score[8][4] = {};
    SIMT_UNROLL
    for (int slice = 0; slice < kSlices; ++slice) {
      if (tile > 0 || slice > 0) __syncthreads();
      if (tile == 0 || kSlices > 1)
        load_slice<kFfmaQueries, kInPlace>(head, rows_of_part(head, qkv, 0), block_row, slice, queries);
      load_slice<kFfmaKeys, kByFourRows>(head, rows_of_part(head, qkv, 1), tile, slice, keys);
      if (slice == kSlices - 1) load_slice<kFfmaKeys, kInPlace>(head, v, tile, 0, values);
      __syncthreads();
      add_scores(lane, queries + warp_row * kFfmaSlice, keys, score);
    }
    float shrink[8];
    weigh(head, lane, block_row + warp_row + lane.half, tile, score, largest, total, shrink);
    SIMT_UNROLL
    for (int slice = 0; slice < kSlices; ++slice) {
      if (slice > 0) {
        __syncthreads();
        load_slice<kFfmaKeys, kInPlace>(head, v, tile, slice, values);
        __syncthreads();
      }
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i) {
        const float factor = lane.of_result(shrink, i);
        out[slice][i] = scaled(out[slice][i], factor);
      }
      SIMT_UNROLL
      for (int part = 0; part < 2; ++part) {  // 32 keys
        __syncwarp();
        if (lane.key / 8 == part) {
          SIMT_UNROLL
          for (int r = 0; r < 8; ++r)
            simt::store4(warp_weights + (2 * r + lane.half) * kFfmaSlice + lane.key % 8 * 4,
                         {score[r][0], score[r][1], score[r][2], score[r][3]});
        }
        __syncwarp();
        add_values(lane, warp_weights, values + part * 32 * kFfmaSlice, out[slice]);
      }
    }
  }
  store_results<kSlices>(head, block_row + warp_row, largest, total, out, y, lse);
}

namespace {

template <int kSlices>
void launch(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  const AttentionHead head = attention_head(s, kFfmaQueries, {qkv, y});
  simt::launch<attention_forward_ffma_kernel<kSlices>>(attention_grid(s, head), dim3(kFfmaThreads), 0, stream, head,
                                                       qkv, y, lse);
}

}  // namespace

void attention_forward_ffma(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.width <= 32) return launch<1>(s, qkv, y, lse, stream);
  if (s.width <= 64) return launch<2>(s, qkv, y, lse, stream);
  if (s.width <= 128) return launch<4>(s, qkv, y, lse, stream);
  attention_forward_tile(s, qkv, y, lse, stream);
}

}  // namespace cardiograd::kernels
