// The path "mma" of the backward direction: one kernel reads q, k, v, dy, y and lse once and writes dq, dk and dv, with
// products on tensor cores (compute capability 8.0 and newer), for heads of up to 64 components and any length.
//
//   a block     one head; walks over its keys in tiles of 128 and, for each, over its queries in tiles of 32
//   a warp      16 keys of a tile: S^T = K Q^T and dP^T = V dY^T (16 keys x 32 queries) never leave its registers,
//   where
//               they become operands of dV += (mask * P)^T dY and dK += dS^T Q. For dQ = dS K a warp adds up 32 keys
//               for 16 queries
//   a thread    2 keys x 8 queries; two threads have four neighboring keys and share their blocks of random words
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
  using Tile = AttentionTile<kMode, kWidth>;
  static constexpr int kRows = kGradientQueries * Tile::kPitch;
  float keys[kGradientKeys * Tile::kPitch];       // depth = rows
  float queries[(Tile::kPairs ? 2 : 1) * kRows];  // depth = components; in bf16 then depth = rows
  float dy[(Tile::kPairs ? 2 : 1) * kRows];
  float dscores[kGradientQueries * kScorePitch];  // then partial sums of dQ
  float lse[kGradientQueries];                    // in units of log 2; infinite past the last query
  float mean[kGradientQueries];                   // dy . y

  __device__ const float* query_rows() const { return queries + (Tile::kPairs ? kRows : 0); }
  __device__ const float* dy_rows() const { return dy + (Tile::kPairs ? kRows : 0); }
};

// The pairs of keys that a lane has, and that share words in bf16, lie two apart: those of two neighboring lanes are
// four neighboring keys. The first key of a pair of a tile; pair g of 16 keys is row g (and g + 8) of S^T.
__device__ inline int key_of_pair(int pair) {
  return pair / 2 * 4 + pair % 2;
}

// Keys first ... first + 127 for products over keys.
template <Precision kMode, int kWidth>
__device__ inline void load_keys(const AttentionHead& head, const AttentionRows<const float>& k, int first,
                                 float* keys) {
  using Tile = AttentionTile<kMode, kWidth>;
  constexpr int kGroups = kWidth / 4;
  SIMT_UNROLL
  for (int i = 0; i < kGradientKeys / 2 * kGroups / kGradientThreads; ++i) {
    const int item = recomputed(static_cast<int>(threadIdx.x)) + i * kGradientThreads;
    const int pair = item / kGroups;
    const int group = item % kGroups;
    float4 key[2];
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const int row = first + key_of_pair(pair) + 2 * odd;
      key[odd] = load_components(k.row(row), 4 * group, head.width, row < head.time, head.wide);
    }
    if constexpr (Tile::kPairs) {
      Tile::template store_pair<2>(keys, pair, group, key[0], key[1]);
    } else {
      SIMT_UNROLL
      for (int odd = 0; odd < 2; ++odd) Tile::store_row(keys, key_of_pair(pair) + 2 * odd, group, key[odd]);
    }
  }
}

// Two rows of queries or dy for products over components and over rows.
template <Precision kMode, int kWidth>
__device__ inline void store_two_rows(float* tile, int pair, int group, const float4 (&x)[2]) {
  using Tile = AttentionTile<kMode, kWidth>;
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
  const int thread = recomputed(static_cast<int>(threadIdx.x));
  SIMT_UNROLL
  for (int i = 0; i < 2 * kItems / kGradientThreads; ++i) {
    const int item = thread + i * kGradientThreads;
    const int pair = item % kItems / kGroups;
    const int group = item % kGroups;
    const int row = first + 2 * pair;
    const bool of_dy = item >= kItems;
    const auto from = of_dy ? rows_of_output(head, dy) : rows_of_part(head, qkv, 0);
    float4 x[2];
    float mean[2] = {};
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd)
      x[odd] = load_components(from.row(row + odd), 4 * group, head.width, row + odd < head.time, head.wide);
    store_two_rows<kMode, kWidth>(of_dy ? shared.dy : shared.queries, pair, group, x);
    if (!of_dy) continue;
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const float* y_row = rows_of_output(head, y).row(row + odd);
      const float4 out = load_components(y_row, 4 * group, head.width, row + odd < head.time, head.wide);
      mean[odd] = dot4(x[odd], out, 0.0F);
    }
    SIMT_UNROLL
    for (int step = kGroups / 2; step > 0; step /= 2) {
      mean[0] += __shfl_xor_sync(kAllLanes, mean[0], step);
      mean[1] += __shfl_xor_sync(kAllLanes, mean[1], step);
    }
    if (group > 1) continue;
    const int mine = row + group;  // Lane 0 of a group has the even row, lane 1 the odd one.
    shared.mean[2 * pair + group] = group == 0 ? mean[0] : mean[1];
    shared.lse[2 * pair + group] = mine < head.time ? lse[head.query(mine)] * kLog2E : INFINITY;
  }
}

// Which of a lane's weights dropout keeps: bits 4 n and 4 n + 2 are those of its two keys with the even query of column
// tile n, bits 16 + 4 n and 18 + 4 n with the odd one.
struct KeptBits {
  unsigned bits;
  __device__ bool keeps(int n, int e, int key) const { return (bits >> (16 * e + 4 * n + 2 * key) & 1U) != 0; }
};

// A block of random words is of one query and four keys, which two lanes have. Each makes the words of its half of the
// queries, and they exchange the bits.
__device__ inline KeptBits kept_bits(const AttentionHead& head, int key, int first, int g, int t) {
  if (!head.drops) return {~0U};
  const std::int64_t words = head.words_of_query(0);
  const int row_words = (head.time + 3) / 4;
  const bool upper = g % 2 == 1;
  unsigned mine = 0;
  SIMT_UNROLL
  for (int n = 0; n < kGradientQueries / 8; ++n) {
    const int query = first + 16 * (n / 2) + 4 * t + 2 * (n % 2) + (upper ? 1 : 0);
    const PhiloxBlock random = dropout_words(head.mask, words + (query * row_words + key / 4));
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) mine |= random.value[i] >= head.mask.threshold ? 1U << (4 * n + i) : 0U;
  }
  const unsigned other = __shfl_xor_sync(kAllLanes, mine, 4);
  return {upper ? (other | mine << 16U) >> 1U : mine | other << 16U};
}

// Writes dS of the lane's two keys and 4 queries, of column tiles 2 j and 2 j + 1, to shared memory.
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

// dS of 16 queries (warp / 4) and 32 keys (warp % 4), from shared memory as operands of the product over keys.
template <Precision kMode>
struct QueryOperands {
  static constexpr int kChunks = kMode == Precision::kBf16 ? 1 : 2;
  float* place[2];  // of the two rows of a lane
  MmaWords words[2][kChunks];

  __device__ QueryOperands(float* dscores, int warp, int g, int t) {
    SIMT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int query = query_of_row(g, half);
      place[half] = dscores + (warp / 4 * 16 + query) * kScorePitch + warp % 4 * 32;
      SIMT_UNROLL
      for (int c = 0; c < kChunks; ++c)
        words[half][c] = load_words(place[half] + ((2 * c + t / 2) ^ (query >> 2)) * 8 + t % 2 * 4);
    }
  }

  // Writes their product with K, components 32 part ... 32 part + 31, to where they were: a sum over 32 keys of 128.
  template <int kWidth>
  __device__ void multiply_keys(const float* keys, int part, int warp, int g, int t) const {
    constexpr bool kPairs = kMode == Precision::kBf16;
    FragmentC sum[4] = {};
    SIMT_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      SIMT_UNROLL
      for (int step = 0; step < 2; ++step) {
        // Pairs of keys, or the keys of a pair.
        const float* row = keys + (warp % 4 * 16 * kChunks + 16 * c + 4 * t + (kPairs ? 2 : 1) * step) * kWidth +
                           32 * part + ((group_of_column(g) ^ t) * 4 ^ (kPairs ? 0 : 16 * step));
        const MmaWords first = load_words(row);
        const MmaWords second = load_words(row + (kPairs ? 1 : 2) * kWidth);
        SIMT_UNROLL
        for (int n = 0; n < 4; ++n)
          multiply<kMode>(sum[n], step_of_rows(words[0][c], words[1][c], step), {{first.word[n], second.word[n]}});
      }
    }
    __syncwarp();  // All lanes have read.
    SIMT_UNROLL
    for (int half = 0; half < 2; ++half) {
      SIMT_UNROLL
      for (int e = 0; e < 2; ++e) {
        const int i = 2 * half + e;
        simt::store4(place[half] + ((4 * e + t) ^ (g % 2 * 4)) * 4,
                     {sum[0].value[i], sum[1].value[i], sum[2].value[i], sum[3].value[i]});
      }
    }
  }
};

// Adds up the four sums of dQ of query threadIdx / 8 and writes its components, or adds them to those of earlier tiles
// of keys.
__device__ inline void finish_query(const AttentionHead& head, const float* dscores, int thread, int part, int first,
                                    bool add, float* dqkv) {
  const int query = thread / 8;
  const int group = thread % 8;
  const float* from = dscores + query * kScorePitch + (group ^ (query >> 3 & 1) * 4) * 4;
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

// dQ of queries first ... first + 31 from their dS with 128 keys.
template <Precision kMode, int kWidth>
__device__ inline void finish_queries(const AttentionHead& head, GradientShared<kMode, kWidth>& shared, int first,
                                      bool add, float* dqkv) {
  const int thread = recomputed(static_cast<int>(threadIdx.x));
  const int warp = thread / 32;
  const int g = thread % 32 / 4;
  const int t = thread % 4;
  const QueryOperands<kMode> operands(shared.dscores, warp, g, t);
  SIMT_UNROLL
  for (int part = 0; part < kWidth / 32; ++part) {
    if (part > 0) __syncthreads();
    operands.template multiply_keys<kWidth>(shared.keys, part, warp, g, t);
    __syncthreads();
    finish_query(head, shared.dscores, thread, part, first, add, dqkv);
  }
}

// The first of the two keys of a tile that a thread has.
__device__ inline int key_of_thread(int thread) {
  return thread / 32 * 16 + key_of_pair(thread % 32 / 4);
}

// What a lane keeps of its two keys.
template <Precision kMode, int kWidth>
struct GradientKeys {
  using Tile = AttentionTile<kMode, kWidth>;
  MmaWords k[2][Tile::kPairs ? Tile::kChunks : 1];  // in tf32 they are read from shared memory
  MmaWords v[2][Tile::kChunks];
  FragmentC dk[kWidth / 8] = {};
  FragmentC dv[kWidth / 8] = {};

  __device__ GradientKeys(const AttentionHead& head, const float* qkv, int first, int t) {
    SIMT_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int key = first + 2 * half;
      SIMT_UNROLL
      for (int chunk = 0; chunk < Tile::kChunks; ++chunk) {
        if constexpr (Tile::kPairs)
          k[half][chunk] = Tile::from_device(head, rows_of_part(head, qkv, 1).row(key), chunk, t, key < head.time);
        v[half][chunk] = Tile::from_device(head, rows_of_part(head, qkv, 2).row(key), chunk, t, key < head.time);
      }
    }
  }

  // Column tiles 2 j and 2 j + 1 of S^T and dP^T.
  __device__ void products(const GradientShared<kMode, kWidth>& shared, int j, int warp, int g, int t,
                           FragmentC (&score)[2], FragmentC (&dweight)[2]) const {
    SIMT_UNROLL
    for (int chunk = 0; chunk < Tile::kChunks; ++chunk) {
      MmaWords keys[2];
      SIMT_UNROLL
      for (int half = 0; half < 2; ++half) {
        if constexpr (Tile::kPairs)
          keys[half] = k[half][chunk];
        else
          keys[half] = Tile::read_row(shared.keys, warp, half, chunk, g, t);
      }
      SIMT_UNROLL
      for (int h = 0; h < 2; ++h) {
        const MmaWords query = Tile::read_row(shared.queries, j, h, chunk, g, t);
        SIMT_UNROLL
        for (int step = 0; step < 2; ++step)
          multiply<kMode>(score[h], step_of_rows(keys[0], keys[1], step), step_of_row(query, step));
        const MmaWords dy = Tile::read_row(shared.dy, j, h, chunk, g, t);
        SIMT_UNROLL
        for (int step = 0; step < 2; ++step)
          multiply<kMode>(dweight[h], step_of_rows(v[0][chunk], v[1][chunk], step), step_of_row(dy, step));
      }
    }
  }

  // dk and dv += what column tiles 2 j and 2 j + 1 of dS^T and (mask * P)^T say.
  __device__ void add(const GradientShared<kMode, kWidth>& shared, int j, int g, int t, const FragmentC (&dropped)[2],
                      const FragmentC (&dscore)[2]) {
    SIMT_UNROLL
    for (int step = 0; step < (Tile::kPairs ? 1 : 2); ++step) {
      const int unit = Tile::kPairs ? 8 * j + 2 * t : 16 * j + 4 * t + 2 * step;
      Tile::template add_rows<1>(dv, operand_of<kMode>(dropped[0], dropped[1], step), shared.dy_rows(), unit, g, t);
      Tile::template add_rows<1>(dk, operand_of<kMode>(dscore[0], dscore[1], step), shared.query_rows(), unit, g, t);
    }
  }
};

// From S and dP of four queries and two keys: mask * P without the mask's factor, in place of S, and dS without the
// scale, in place of dP. `left`: how many keys there are from the lane's first.
__device__ inline void weigh_gradients(const AttentionHead& head, const float4& lse, const float4& mean, int j,
                                       const KeptBits& kept, int left, FragmentC (&score)[2], FragmentC (&dweight)[2]) {
  const float lse_of[4] = {lse.x, lse.y, lse.z, lse.w};
  const float mean_of[4] = {mean.x, mean.y, mean.z, mean.w};
  SIMT_UNROLL
  for (int h = 0; h < 2; ++h) {
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int e = i % 2;
      const int key = i / 2;
      float weight = exp2_approximate(score[h].value[i] * head.scale_of_log2 - lse_of[2 * h + e]);
      if (2 * key >= left) weight = 0.0F;
      const bool keeps = kept.keeps(2 * j + h, e, key);
      const float dropped = keeps ? head.mask_factor * dweight[h].value[i] : 0.0F;
      dweight[h].value[i] = weight * (dropped - mean_of[2 * h + e]);
      score[h].value[i] = keeps ? weight : 0.0F;
    }
  }
}

template <Precision kMode, int kWidth>
static __global__ void __launch_bounds__(kGradientThreads, kWidth == 32 ? 2 : 1)
    attention_backward_mma_kernel(AttentionHead head, const float* __restrict__ qkv, const float* __restrict__ y,
                                  const float* __restrict__ lse, const float* __restrict__ dy,
                                  float* __restrict__ dqkv) {
  using Shared = GradientShared<kMode, kWidth>;
  SIMT_DYNAMIC_SHARED(Shared, memory);
  Shared& shared = *memory;
  for (int first_key = 0; first_key < head.time; first_key += kGradientKeys) {
    load_keys<kMode, kWidth>(head, rows_of_part(head, qkv, 1), first_key, shared.keys);
    GradientKeys<kMode, kWidth> mine(head, qkv, first_key + key_of_thread(static_cast<int>(threadIdx.x)),
                                     lane_of_thread() % 4);
    for (int first = 0; first < head.time; first += kGradientQueries) {
      load_queries<kMode, kWidth>(head, qkv, y, lse, dy, first, shared);
      __syncthreads();
      const int thread = recomputed(static_cast<int>(threadIdx.x));
      const int warp = thread / 32;
      const int g = thread % 32 / 4;
      const int t = thread % 4;
      const int key = first_key + key_of_thread(thread);
      const KeptBits kept = kept_bits(head, key, first, g, t);
      SIMT_UNROLL_BY(1)
      for (int j = 0; j < kGradientQueries / 16; ++j) {
        FragmentC score[2] = {};
        FragmentC dweight[2] = {};
        mine.products(shared, j, warp, g, t, score, dweight);
        weigh_gradients(head, simt::load4(shared.lse + 16 * j + 4 * t), simt::load4(shared.mean + 16 * j + 4 * t), j,
                        kept, head.time - key, score, dweight);
        mine.add(shared, j, g, t, score, dweight);
        store_dscores<kMode>(shared.dscores, j, dweight, warp, g, t);
      }
      __syncthreads();
      finish_queries<kMode, kWidth>(head, shared, first, first_key > 0, dqkv);
    }
    const int key = first_key + key_of_thread(recomputed(static_cast<int>(threadIdx.x)));
    SIMT_UNROLL
    for (int half = 0; half < 2; ++half) {
      if (key + 2 * half >= head.time) continue;
      store_product_row<kWidth>(head, mine.dk, half, head.scale, lane_of_thread() % 4,
                                rows_of_part(head, dqkv, 1).row(key + 2 * half));
      store_product_row<kWidth>(head, mine.dv, half, head.mask_factor, lane_of_thread() % 4,
                                rows_of_part(head, dqkv, 2).row(key + 2 * half));
    }
  }
}

namespace {

template <Precision kMode, int kWidth>
void launch(const AttentionShape& s, const float* qkv, const float* y, const float* lse, const float* dy, float* dqkv,
            Stream stream) {
  constexpr std::size_t kShared = sizeof(GradientShared<kMode, kWidth>);
  if constexpr (kShared > 48 * 1024)
    check_cuda(cudaFuncSetAttribute(attention_backward_mma_kernel<kMode, kWidth>,
                                    cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(kShared)),
               "attention: asking for shared memory");
  const AttentionHead head = attention_head(s, s.time, {qkv, y, dy, dqkv});
  simt::launch<attention_backward_mma_kernel<kMode, kWidth>>(attention_grid(s, head), dim3(kGradientThreads), kShared,
                                                             stream, head, qkv, y, lse, dy, dqkv);
}

template <Precision kMode>
void launch_width(const AttentionShape& s, const float* qkv, const float* y, const float* lse, const float* dy,
                  float* dqkv, Stream stream) {
  if (s.width <= 32) return launch<kMode, 32>(s, qkv, y, lse, dy, dqkv, stream);
  launch<kMode, 64>(s, qkv, y, lse, dy, dqkv, stream);
}

}  // namespace

void attention_backward_mma(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv, Stream stream) {
  if (s.precision == Precision::kBf16) return launch_width<Precision::kBf16>(s, qkv, y, lse, dy, dqkv, stream);
  launch_width<Precision::kTf32>(s, qkv, y, lse, dy, dqkv, stream);
}

}  // namespace cardiograd::kernels
