// The path "mma" of the backward direction: one kernel reads q, k, v, dy, y and lse once and writes dq, dk and dv, with
// products on tensor cores (compute capability 8.0 and newer), for heads of up to 64 components and any length.
//
//   a block     one head; walks over its keys in tiles of 128 and, for each, over its queries in tiles of 32
//   a warp      16 keys of a tile: S^T = K Q^T and dP^T = V dY^T (16 keys x 32 queries) never leave its registers, where
//               they become operands of dV += (mask * P)^T dY and dK += dS^T Q. For dQ = dS K a warp adds up 32 keys for
//               16 queries
//   a thread    2 neighboring keys x 8 queries; two threads share their blocks of random words
//   shared      K of a tile, Q and dY of 32 queries, and dS, through which it goes from warps of keys to warps of
//               queries: for heads of 32 components 40 KiB in tf32, 32 KiB in bf16
//
// Sums over queries stay in registers; sums over keys are added tile by tile by one thread in one order. So there is
// nothing atomic, and the bits do not depend on the order in which threads run.
#include <cstdint>

#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/attention_mma.cuh"
#include "kernels/attention/attention_paths.h"
#include "kernels/common/check_cuda.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kGradientThreads = 256;
inline constexpr int kGradientKeys = 128;
inline constexpr int kGradientQueries = 32;
inline constexpr int kScorePitch = kGradientKeys;  // words of a query's dS; in bf16 every second sixteen is used

// The dynamic shared memory of a block.
template <Precision kMode, int kWidth>
struct GradientShared {
  using Tile = MmaTile<kMode, kWidth>;
  static constexpr int kRows = kGradientQueries * Tile::kPitch;
  float keys[kGradientKeys * Tile::kPitch];      // depth = rows
  float queries[(Tile::kPairs ? 2 : 1) * kRows];  // depth = components; in bf16 then depth = rows
  float dy[(Tile::kPairs ? 2 : 1) * kRows];
  float dscores[kGradientQueries * kScorePitch];  // then partial sums of dQ
  float lse[kGradientQueries];                    // in units of log 2; infinite past the last query
  float mean[kGradientQueries];                   // dy . y

  __device__ const float* query_rows() const { return queries + (Tile::kPairs ? kRows : 0); }
  __device__ const float* dy_rows() const { return dy + (Tile::kPairs ? kRows : 0); }
};

// Keys first ... first + 127 for products over keys.
template <Precision kMode, int kWidth>
__device__ inline void load_keys(const AttentionHead& head, const AttentionRows<const float>& k, int first,
                                 float* keys) {
  using Tile = MmaTile<kMode, kWidth>;
  constexpr int kGroups = kWidth / 4;
  SIMT_UNROLL
  for (int i = 0; i < kGradientKeys / 2 * kGroups / kGradientThreads; ++i) {
    const int item = static_cast<int>(threadIdx.x) + i * kGradientThreads;
    const int pair = item / kGroups;
    const int group = item % kGroups;
    float4 key[2];
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const int row = first + 2 * pair + odd;
      key[odd] = load_components(k.row(row), 4 * group, head.width, row < head.time, head.wide);
    }
    if constexpr (Tile::kPairs) {
      Tile::template store_pair<2>(keys, pair, group, key[0], key[1]);
    } else {
      SIMT_UNROLL
      for (int odd = 0; odd < 2; ++odd) Tile::store_row(keys, 2 * pair + odd, group, key[odd]);
    }
  }
}

// Two rows of queries or dy for products over components and over rows.
template <Precision kMode, int kWidth>
__device__ inline void store_two_rows(float* tile, int pair, int group, const float4 (&x)[2]) {
  using Tile = MmaTile<kMode, kWidth>;
  SIMT_UNROLL
  for (int odd = 0; odd < 2; ++odd) Tile::store_row(tile, 2 * pair + odd, group, x[odd]);
  if constexpr (Tile::kPairs)
    Tile::template store_pair<1>(tile + GradientShared<kMode, kWidth>::kRows, pair, group, x[0], x[1]);
}

// Queries first ... first + 31: q, dy, lse and mean. A warp has rows of one matrix.
template <Precision kMode, int kWidth>
__device__ inline void load_queries(const AttentionHead& head, const float* qkv, const float* y, const float* lse,
                                    const float* dy, int first, GradientShared<kMode, kWidth>& shared) {
  constexpr int kGroups = kWidth / 4;
  constexpr int kItems = kGradientQueries / 2 * kGroups;  // of a matrix
  SIMT_UNROLL
  for (int i = 0; i < 2 * kItems / kGradientThreads; ++i) {
    const int item = static_cast<int>(threadIdx.x) + i * kGradientThreads;
    const int pair = item % kItems / kGroups;
    const int group = item % kGroups;
    const int row = first + 2 * pair;
    const bool of_dy = item >= kItems;
    const auto from = of_dy ? rows_of_output(head, dy) : rows_of_part(head, qkv, 0);
    float4 x[2];
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd)
      x[odd] = load_components(from.row(row + odd), 4 * group, head.width, row + odd < head.time, head.wide);
    store_two_rows<kMode, kWidth>(of_dy ? shared.dy : shared.queries, pair, group, x);
    if (!of_dy) continue;
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const bool inside = row + odd < head.time;
      const float* y_row = rows_of_output(head, y).row(row + odd);
      float mean = dot4(x[odd], load_components(y_row, 4 * group, head.width, inside, head.wide), 0.0F);
      SIMT_UNROLL
      for (int step = kGroups / 2; step > 0; step /= 2) mean += __shfl_xor_sync(kAllLanes, mean, step);
      if (group != 0) continue;
      shared.mean[2 * pair + odd] = mean;
      shared.lse[2 * pair + odd] = inside ? lse[head.query(row + odd)] * kLog2E : INFINITY;
    }
  }
}

// Which of a lane's weights dropout keeps: bit 2 * n + e ... of keys 2g and 2g + 1 with query e of column tile n.
struct KeptBits {
  unsigned of_query[2];  // of even and odd queries: bits 4 n and 4 n + 1
  __device__ bool keeps(int n, int e, int key) const { return (of_query[e] >> (4 * n + key) & 1U) != 0; }
};

// A block of random words is of one query and four keys, which two lanes have. Each makes the words of its half of the
// queries, and they exchange the bits. words: number of the words of the lane's keys and query 0.
__device__ inline KeptBits kept_bits(const AttentionHead& head, std::int64_t words, int first, int g, int t) {
  if (!head.drops) return {{~0U, ~0U}};
  const int row_words = (head.time + 3) / 4;
  const bool upper = g % 2 == 1;
  unsigned mine = 0;
  SIMT_UNROLL
  for (int n = 0; n < kGradientQueries / 8; ++n) {
    const int query = first + 16 * (n / 2) + 4 * t + 2 * (n % 2) + (upper ? 1 : 0);
    const PhiloxBlock random = dropout_words(head.mask, words + query * row_words);
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) mine |= random.value[i] >= head.mask.threshold ? 1U << (4 * n + i) : 0U;
  }
  const unsigned other = __shfl_xor_sync(kAllLanes, mine, 4);
  return {{(upper ? other : mine) >> (upper ? 2 : 0), (upper ? mine : other) >> (upper ? 2 : 0)}};
}

// Writes dS of the lane's keys 2g, 2g + 1 of the warp and 4 queries, of column tiles 2 j and 2 j + 1, to shared memory.
template <Precision kMode>
__device__ inline void store_dscores(float* dscores, int j, const FragmentC (&dscore)[2], int warp, int g, int t) {
  SIMT_UNROLL
  for (int h = 0; h < 2; ++h) {
    SIMT_UNROLL
    for (int e = 0; e < 2; ++e) {
      float* row = dscores + (16 * j + 4 * t + 2 * h + e) * kScorePitch;
      const float low = dscore[h].value[e];
      const float high = dscore[h].value[2 + e];
      if constexpr (kMode == Precision::kBf16)
        row[warp / 2 * 32 + ((warp % 2) ^ t) * 8 + g] = packed(low, high);
      else
        simt::store2(row + warp / 2 * 32 + ((warp % 2 * 2 + g / 4) ^ t) * 8 + g % 4 * 2,
                     {__uint_as_float(simt::round_to_tf32(low)), __uint_as_float(simt::round_to_tf32(high))});
    }
  }
}

// Query of 16 that is row g (half 0) or g + 8 (half 1) of the product dS K.
__device__ inline int query_of_row(int g, int half) {
  return 8 * (g % 2) + 4 * half + g / 2;
}

// dQ of 16 queries (warp / 4) over 32 keys (warp % 4), components 32 part ... 32 part + 31, over dS of both in shared
// memory.
template <Precision kMode, int kWidth>
__device__ inline void multiply_keys(GradientShared<kMode, kWidth>& shared, int part, int warp, int g, int t) {
  using Tile = MmaTile<kMode, 32>;
  constexpr int kSteps = Tile::kPairs ? 1 : 2;  // of 16 words of a row of dS
  float* dscores[2];
  MmaWords words[2][kSteps];
  SIMT_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int query = query_of_row(g, half);
    dscores[half] = shared.dscores + (warp / 4 * 16 + query) * kScorePitch + warp % 4 * 32;
    SIMT_UNROLL
    for (int c = 0; c < kSteps; ++c)
      words[half][c] = load_words(dscores[half] + ((2 * c + t / 2) ^ (query >> 2)) * 8 + t % 2 * 4);
  }
  FragmentC sum[4] = {};
  SIMT_UNROLL
  for (int c = 0; c < kSteps; ++c) {
    SIMT_UNROLL
    for (int step = 0; step < 2; ++step) {
      const int row = 16 * c + 4 * t + 2 * step + warp % 4 * 16 * kSteps;
      const float* keys = shared.keys + row * kWidth + 32 * part;
      const int even = (group_of_column(g) ^ t) * 4;
      const MmaWords first = load_words(keys + even);
      const MmaWords second = load_words(keys + kWidth + (Tile::kPairs ? even : even ^ 16));
      SIMT_UNROLL
      for (int n = 0; n < 4; ++n)
        multiply<kMode>(sum[n], step_of_rows(words[0][c], words[1][c], step), {{first.word[n], second.word[n]}});
    }
  }
  __syncwarp();
  SIMT_UNROLL
  for (int half = 0; half < 2; ++half) {
    SIMT_UNROLL
    for (int e = 0; e < 2; ++e) {
      const int i = 2 * half + e;
      simt::store4(dscores[half] + ((4 * e + t) ^ (g % 2 * 4)) * 4,
                   {sum[0].value[i], sum[1].value[i], sum[2].value[i], sum[3].value[i]});
    }
  }
}

// Adds up the four partial sums of dQ of query threadIdx / 8 and writes its components, or adds them to those of earlier
// tiles of keys.
template <Precision kMode, int kWidth>
__device__ inline void finish_queries(const AttentionHead& head, const GradientShared<kMode, kWidth>& shared, int part,
                                      int first, bool add, float* dqkv) {
  const int query = static_cast<int>(threadIdx.x) / 8;
  const int group = static_cast<int>(threadIdx.x) % 8;
  const float* from = shared.dscores + query * kScorePitch + (group ^ (query >> 3 & 1) * 4) * 4;
  float4 sum = simt::load4(from);
  SIMT_UNROLL
  for (int i = 1; i < 4; ++i) {
    const float4 x = simt::load4(from + 32 * i);
    sum = {sum.x + x.x, sum.y + x.y, sum.z + x.z, sum.w + x.w};
  }
  if (first + query >= head.time) return;
  float* row = rows_of_part(head, dqkv, 0).row(first + query);
  const int c = 32 * part + 4 * group;
  const float4 before = load_components(row, c, head.width, add, head.wide);
  store_components(row, c, head.width, head.wide,
                   {before.x + head.scale * sum.x, before.y + head.scale * sum.y, before.z + head.scale * sum.z,
                    before.w + head.scale * sum.w});
}
