// The path "ffma" of the backward direction: one kernel reads q, k, v, dy, y and lse once and writes dq, dk and dv,
// with exact products (or factors rounded as the shape says), for heads of up to 32 components, any length and any GPU.
//
//   a block     one head; walks over its keys in tiles of 128 and, for each, over its queries in tiles of 32
//   a warp      16 keys of a tile: S^T and dP^T (16 keys x 32 queries), dV += (mask * P)^T dY and dK += dS^T Q; then dQ
//   of
//               16 queries over 32 keys
//   a thread    of S^T and dP^T 4 neighboring keys, which share blocks of random words, x 4 queries; of dV and dK 4
//   keys x
//               4 components; of dQ 4 queries x 4 components: always 8 reads of 16 bytes of shared memory for 64
//               multiply-adds
//   shared      56 KiB: K and V of a tile, Q and dY of 32 queries, and mask * P, then dS, then partial sums of dQ
//
// Sums over queries stay in registers; sums over keys are added tile by tile by one thread in one order. So there is
// nothing atomic, and the bits do not depend on the order in which threads run.
#include <cstdint>

#include "kernels/attention/attention_ffma.cuh"
#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/attention_paths.h"
#include "kernels/common/check_cuda.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kTileKeys = 128;
inline constexpr int kTileQueries = 32;

struct FfmaGradientShared {
  float keys[kTileKeys * kFfmaSlice];  // kByFourRows, as values
  float values[kTileKeys * kFfmaSlice];
  float queries[kTileQueries * kFfmaSlice];  // kByRow, as dy
  float dy[kTileQueries * kFfmaSlice];
  float weights[kTileQueries * kTileKeys];
  float lse[kTileQueries];   // in units of log 2; infinite past the last query
  float mean[kTileQueries];  // dy . y

  // Where the weights of a query and keys 4 group ... 4 group + 3 lie. Two neighboring queries differ in their banks.
  __device__ float* weights_of(int query, int group) {
    return weights + query * kTileKeys + (group ^ query % 2 * 4) * 4;
  }
};

// Queries first ... first + 31: q, dy, lse and mean. Eight threads have a row.
__device__ inline void load_queries(const AttentionHead& head, const float* qkv, const float* y, const float* lse,
                                    const float* dy, int first, FfmaGradientShared& shared) {
  const int thread = recomputed(static_cast<int>(threadIdx.x));
  const int row = thread / 8;
  const int group = thread % 8;
  const bool inside = first + row < head.time;
  const float4 q = load_factors(head, rows_of_part(head, qkv, 0), first + row, 4 * group);
  const float4 dy_row =
      load_components(rows_of_output(head, dy).row(first + row), 4 * group, head.width, inside, head.wide);
  const float4 y_row =
      load_components(rows_of_output(head, y).row(first + row), 4 * group, head.width, inside, head.wide);
  simt::store4(shared.queries + place_of_group<kByRow>(row, group), q);
  simt::store4(shared.dy + place_of_group<kByRow>(row, group),
               head.precision == Precision::kFp32 ? dy_row : round_factors(head.precision, dy_row));
  float mean = dot4(dy_row, y_row, 0.0F);
  SIMT_UNROLL
  for (int step = 4; step > 0; step /= 2) mean += __shfl_xor_sync(kAllLanes, mean, step);
  if (group != 0) return;
  shared.mean[row] = mean;
  shared.lse[row] = inside ? lse[head.query(first + row)] * kLog2E : INFINITY;
}

// product[i][e] += row i of `queries` . row e of `keys`: rows query + 8 i, and 4 key ... 4 key + 3.
__device__ inline void add_products(const float* queries, int query, const float* keys, int key,
                                    float (&product)[4][4]) {
  SIMT_UNROLL_BY(2)
  for (int c = 0; c < 8; ++c) {
    float4 k[4];
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) k[e] = simt::load4(keys + place_of_group<kByFourRows>(4 * key + e, c));
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float4 q = simt::load4(queries + place_of_group<kByRow>(query + 8 * i, c));
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e) product[i][e] = dot4(q, k[e], product[i][e]);
    }
  }
}

// From S and dP: mask * P without the mask's factor, in place of S, and dS without the scale, in place of dP. The
// lane's queries are first + query + 8 i, its keys `key` ... `key` + 3.
__device__ inline void weigh_gradients(const AttentionHead& head, const FfmaGradientShared& shared, int first,
                                       int query, int key, float (&score)[4][4], float (&dweight)[4][4]) {
  const int row_words = (head.time + 3) / 4;
  const std::int64_t words = head.words_of_query(0);
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i) {
    const float lse = shared.lse[query + 8 * i];
    const float mean = shared.mean[query + 8 * i];
    PhiloxBlock random = {};
    if (head.drops) random = dropout_words(head.mask, words + ((first + query + 8 * i) * row_words + key / 4));
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const bool keeps = !head.drops || random.value[e] >= head.mask.threshold;
      float weight = exp2_approximate(score[i][e] * head.scale_of_log2 - lse);
      if (key + e >= head.time) weight = 0.0F;
      dweight[i][e] = weight * ((keeps ? head.mask_factor * dweight[i][e] : 0.0F) - mean);
      score[i][e] = keeps ? weight : 0.0F;
    }
  }
  if (head.precision == Precision::kFp32) return;
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      score[i][e] = round_factor(head.precision, score[i][e]);
      dweight[i][e] = round_factor(head.precision, dweight[i][e]);
    }
  }
}

// sum[e] += over 32 queries: weight of key e times the query's row. Weights pass through shared memory, from lanes that
// have four queries of group `key` (rows query + 8 i) to lanes that have four components of keys of group `mine`.
__device__ inline void add_queries(FfmaGradientShared& shared, const float (&weight)[4][4], int query, int key,
                                   int mine, const float* rows, int group, float4 (&sum)[4]) {
  __syncwarp();
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i)
    simt::store4(shared.weights_of(query + 8 * i, key), {weight[i][0], weight[i][1], weight[i][2], weight[i][3]});
  __syncwarp();
  SIMT_UNROLL_BY(8)
  for (int row = 0; row < kTileQueries; ++row) {
    const float4 w = simt::load4(shared.weights_of(row, mine));
    const float4 x = simt::load4(rows + place_of_group<kByRow>(row, group));
    add_row(w.x, x, sum[0]);
    add_row(w.y, x, sum[1]);
    add_row(w.z, x, sum[2]);
    add_row(w.w, x, sum[3]);
  }
}

// dQ of queries first ... first + 31 from their dS with 128 keys, which the block has in shared memory.
__device__ inline void finish_queries(const AttentionHead& head, FfmaGradientShared& shared, int first, bool add,
                                      float* dqkv) {
  const int thread = recomputed(static_cast<int>(threadIdx.x));
  const int quarter = thread / 32 % 4;                        // of the keys
  const int query = thread / 128 * 16 + thread % 32 / 8 * 4;  // the lane's first of four
  const int group = thread % 8;
  float4 sum[4] = {};
  SIMT_UNROLL_BY(2)
  for (int c = 0; c < 8; ++c) {
    float4 k[4];
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e)
      k[e] = simt::load4(shared.keys + place_of_group<kByFourRows>(32 * quarter + 4 * c + e, group));
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) add_rows(simt::load4(shared.weights_of(query + i, 8 * quarter + c)), k, sum[i]);
  }
  __syncwarp();  // Nobody else reads these weights: their places take the sums.
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i) simt::store4(shared.weights + (query + i) * kTileKeys + 32 * quarter + 4 * group, sum[i]);
  __syncthreads();
  const int row = thread / 8;
  float4 total = {};
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i) add_row(1.0F, simt::load4(shared.weights + row * kTileKeys + 32 * i + 4 * group), total);
  if (first + row >= head.time) return;
  float* to = rows_of_part(head, dqkv, 0).row(first + row);
  float4 dq = load_components(to, 4 * group, head.width, add, head.wide);
  add_row(head.scale, total, dq);
  store_components(to, 4 * group, head.width, head.wide, dq);
}

static __global__ void __launch_bounds__(kFfmaThreads, 1)
    attention_backward_ffma_kernel(AttentionHead head, const float* __restrict__ qkv, const float* __restrict__ y,
                                   const float* __restrict__ lse, const float* __restrict__ dy,
                                   float* __restrict__ dqkv) {
  SIMT_DYNAMIC_SHARED(FfmaGradientShared, memory);
  FfmaGradientShared& shared = *memory;
  const int warp = warp_of_thread();
  const int lane = lane_of_thread();
  const int key = 4 * warp + lane % 4;   // of S^T: four keys from 4 key
  const int query = lane / 4;            //   and queries query + 8 i
  const int mine = 4 * warp + lane / 8;  // of dK and dV: four keys from 4 mine
  const int group = lane % 8;            //   and four components from 4 group
  for (int first_key = 0; first_key < head.time; first_key += kTileKeys) {
    load_slice<kTileKeys, kByFourRows>(head, rows_of_part(head, qkv, 1), first_key, 0, shared.keys);
    load_slice<kTileKeys, kByFourRows>(head, rows_of_part(head, qkv, 2), first_key, 0, shared.values);
    float4 dk[4] = {};
    float4 dv[4] = {};
    for (int first = 0; first < head.time; first += kTileQueries) {
      load_queries(head, qkv, y, lse, dy, first, shared);
      __syncthreads();
      float score[4][4] = {};
      float dweight[4][4] = {};
      add_products(shared.queries, query, shared.keys, key, score);
      add_products(shared.dy, query, shared.values, key, dweight);
      weigh_gradients(head, shared, first, query, first_key + 4 * key, score, dweight);
      add_queries(shared, score, query, key, mine, shared.dy, group, dv);
      add_queries(shared, dweight, query, key, mine, shared.queries, group, dk);
      __syncthreads();
      finish_queries(head, shared, first, first_key > 0, dqkv);
    }
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int row = first_key + 4 * mine + e;
      if (row >= head.time) continue;
      store_components(rows_of_part(head, dqkv, 1).row(row), 4 * group, head.width, head.wide,
                       scaled(dk[e], head.scale));
      store_components(rows_of_part(head, dqkv, 2).row(row), 4 * group, head.width, head.wide,
                       scaled(dv[e], head.mask_factor));
    }
  }
}

void attention_backward_ffma(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream) {
  constexpr std::size_t kShared = sizeof(FfmaGradientShared);
  check_cuda(cudaFuncSetAttribute(attention_backward_ffma_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(kShared)),
             "attention: asking for shared memory");
  const AttentionHead head = attention_head(s, s.time, {qkv, y, dy, dqkv});
  simt::launch<attention_backward_ffma_kernel>(attention_grid(s, head), dim3(kFfmaThreads), kShared, stream, head, qkv,
                                               y, lse, dy, dqkv);
}

}  // namespace cardiograd::kernels
