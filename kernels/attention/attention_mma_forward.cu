// The path "mma" of the forward direction: products on tensor cores (compute capability 8.0 and newer), rounded to tf32
// or bf16, for heads of up to 128 components and any length.
//
//   a block     128 queries of one head; walks over its keys in tiles of 64 (32 for heads of more than 64 components),
//               with a softmax as it goes (Milakov and Gimelshein, 2018)
//   a warp      16 queries: their scores with a tile, 16 x 64, never leave its registers
//   a thread    2 queries x 16 keys, in fours of neighboring keys, which share one block of random words
//   shared      K and V of a tile: for heads of 32 components 16 KiB in tf32, 8 KiB in bf16
//
// Beats attention_ffma_forward.cu by its instructions, 14 M (tf32) and 12 M (bf16) instead of 35 M at N64 T125 H8 D32
// with dropout: one mma makes 1,024 or 2,048 multiply-adds, and weights do not pass through shared memory.
#include <cstdint>

#include "kernels/attention/attention_head.cuh"
#include "kernels/attention/attention_mma.cuh"
#include "kernels/attention/attention_paths.h"
#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kMmaQueries = 128;
inline constexpr int kMmaThreads = 256;
// Keys of a tile. More of them cost more registers than there are: 64 scores of a thread at 128 keys.
template <int kWidth>
inline constexpr int kMmaKeys = kWidth <= 64 ? 64 : 32;

// Rows first ... first + kRows - 1 of keys and values to shared memory; those past `time` become 0.
template <Precision kMode, int kWidth, int kRows>
__device__ inline void load_keys_and_values(const AttentionHead& head, const AttentionRows<const float>& k,
                                            const AttentionRows<const float>& v, int first, float* keys,
                                            float* values) {
  using Tile = AttentionTile<kMode, kWidth>;
  constexpr int kGroups = kWidth / 4;
  SIMT_UNROLL
  for (int i = 0; i < kRows / 2 * kGroups / kMmaThreads; ++i) {
    const int item = static_cast<int>(threadIdx.x) + i * kMmaThreads;
    const int pair = item / kGroups;
    const int group = item % kGroups;
    float4 key[2];
    float4 value[2];
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const int row = first + 2 * pair + odd;
      key[odd] = load_components(k.row(row), 4 * group, head.width, row < head.time, head.wide);
      value[odd] = load_components(v.row(row), 4 * group, head.width, row < head.time, head.wide);
    }
    SIMT_UNROLL
    for (int odd = 0; odd < 2; ++odd) Tile::store_row(keys, 2 * pair + odd, group, key[odd]);
    if constexpr (Tile::kPairs) {
      Tile::template store_pair<1>(values, pair, group, value[0], value[1]);
    } else {
      SIMT_UNROLL
      for (int odd = 0; odd < 2; ++odd) Tile::store_row(values, 2 * pair + odd, group, value[odd]);
    }
  }
}

// Sets the scores of keys `left` and up of a tile to -infinity.
template <int kKeys>
__device__ inline void mask_scores(FragmentC (&score)[kKeys / 8], int left, int t) {
  SIMT_UNROLL
  for (int j = 0; j < kKeys / 16; ++j) {
    if (16 * j + 16 <= left) continue;
    SIMT_UNROLL
    for (int h = 0; h < 2; ++h) {
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i)
        if (16 * j + 4 * t + 2 * h + i % 2 >= left) score[2 * j + h].value[i] = -INFINITY;
    }
  }
}

// The largest score of row g or g + 8, over the four lanes that have it.
template <int kKeys>
__device__ inline float largest_of_row(const FragmentC (&score)[kKeys / 8], int half) {
  float largest = score[0].value[2 * half];
  SIMT_UNROLL
  for (int n = 0; n < kKeys / 8; ++n)
    largest = fmaxf(largest, fmaxf(score[n].value[2 * half], score[n].value[2 * half + 1]));
  largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, 1));
  return fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, 2));
}

// Takes this tile's scores into the largest one of row g or g + 8. What is summed up relative to an earlier one
// shrinks.
template <int kKeys, int kWidth>
__device__ inline void raise_largest(const FragmentC (&score)[kKeys / 8], int half, float scale, bool later,
                                     float& largest, float& total, FragmentC (&out)[kWidth / 8]) {
  const float next = fmaxf(largest, largest_of_row<kKeys>(score, half));
  if (later) {
    const float shrink = exp2_approximate(scale * (largest - next));
    total *= shrink;
    SIMT_UNROLL
    for (FragmentC& c : out) {
      c.value[2 * half] *= shrink;
      c.value[2 * half + 1] *= shrink;
    }
  }
  largest = next;
}

// Turns scores of 16 keys into weights relative to the largest score of their row, 2^(scale (score - largest)), adds
// those to the row's total, and drops what dropout drops. block_words + words: number of the random words of the lane's
// keys.
__device__ inline void weigh(const AttentionHead& head, FragmentC (&score)[2], float scale, const float (&largest)[2],
                             float (&total)[2], std::int64_t block_words, const int (&words)[2]) {
  SIMT_UNROLL
  for (int half = 0; half < 2; ++half) {
    float* weight[4] = {&score[0].value[2 * half], &score[0].value[2 * half + 1], &score[1].value[2 * half],
                        &score[1].value[2 * half + 1]};
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) {
      *weight[i] = exp2_approximate(*weight[i] * scale - largest[half] * scale);
      total[half] += *weight[i];
    }
    if (!head.drops) continue;
    const PhiloxBlock random = dropout_words(head.mask, block_words + words[half]);
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i)
      if (random.value[i] < head.mask.threshold) *weight[i] = 0.0F;
  }
}

template <Precision kMode, int kWidth>
static __global__ void __launch_bounds__(kMmaThreads, kWidth == 32 ? 2 : 1)
    attention_forward_mma_kernel(AttentionHead head, const float* __restrict__ qkv, float* __restrict__ y,
                                 float* __restrict__ lse) {
  using Tile = AttentionTile<kMode, kWidth>;
  constexpr int kKeys = kMmaKeys<kWidth>;
  SIMT_SHARED(float, keys, [kKeys * Tile::kPitch]);
  SIMT_SHARED(float, values, [kKeys * Tile::kPitch]);
  const int g = lane_of_thread() / 4;
  const int t = lane_of_thread() % 4;
  const int query[2] = {head.tile() * kMmaQueries + warp_of_thread() * 16 + g,
                        head.tile() * kMmaQueries + warp_of_thread() * 16 + g + 8};
  const std::int64_t block_words = head.words_of_query(0);
  const int row_words = (head.time + 3) / 4;
  const float scale = head.scale_of_log2;
  float largest[2] = {-INFINITY, -INFINITY};
  float total[2] = {};
  FragmentC out[kWidth / 8] = {};
  int tile = 0;
  do {
    if (tile > 0) __syncthreads();
    load_keys_and_values<kMode, kWidth, kKeys>(head, rows_of_part(head, qkv, 1), rows_of_part(head, qkv, 2), tile, keys,
                                               values);
    const auto q = rows_of_part(head, qkv, 0);
    MmaWords queries[2][Tile::kChunks];
    SIMT_UNROLL
    for (int half = 0; half < 2; ++half) {
      SIMT_UNROLL
      for (int chunk = 0; chunk < Tile::kChunks; ++chunk)
        queries[half][chunk] = Tile::from_device(head, q.row(query[half]), chunk, t, query[half] < head.time);
    }
    __syncthreads();
    FragmentC score[kKeys / 8] = {};
    SIMT_UNROLL
    for (int n = 0; n < kKeys / 8; ++n) {
      SIMT_UNROLL
      for (int chunk = 0; chunk < Tile::kChunks; ++chunk) {
        const MmaWords row = Tile::read_row(keys, n / 2, n % 2, chunk, g, t);
        SIMT_UNROLL
        for (int step = 0; step < 2; ++step)
          multiply<kMode>(score[n], step_of_rows(queries[0][chunk], queries[1][chunk], step), step_of_row(row, step));
      }
    }
    if (tile + kKeys > head.time) mask_scores<kKeys>(score, head.time - tile, t);
    SIMT_UNROLL
    for (int half = 0; half < 2; ++half)
      raise_largest<kKeys, kWidth>(score, half, scale, tile > 0, largest[half], total[half], out);
    SIMT_UNROLL
    for (int j = 0; j < kKeys / 16; ++j) {
      const int words[2] = {query[0] * row_words + t + tile / 4 + 4 * j, query[1] * row_words + t + tile / 4 + 4 * j};
      FragmentC weight[2] = {score[2 * j], score[2 * j + 1]};
      weigh(head, weight, scale, largest, total, block_words, words);
      SIMT_UNROLL
      for (int step = 0; step < (Tile::kPairs ? 1 : 2); ++step)
        Tile::template add_rows<1>(out, operand_of<kMode>(weight[0], weight[1], step), values,
                                   Tile::kPairs ? 8 * j + 2 * t : 16 * j + 4 * t + 2 * step, g, t);
    }
    tile += kKeys;
  } while (tile < head.time);
  const auto rows = rows_of_output(head, y);
  SIMT_UNROLL
  for (int half = 0; half < 2; ++half) {
    total[half] += __shfl_xor_sync(kAllLanes, total[half], 1);
    total[half] += __shfl_xor_sync(kAllLanes, total[half], 2);
    if (query[half] >= head.time) continue;
    store_product_row<kWidth>(head, out, half, head.mask_factor / total[half], t, rows.row(query[half]));
    if (t == 0) lse[head.query(query[half])] = head.scale * largest[half] + logf(total[half]);
  }
}

namespace {

template <Precision kMode, int kWidth>
void launch(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  const AttentionHead head = attention_head(s, kMmaQueries, {qkv, y});
  simt::launch<attention_forward_mma_kernel<kMode, kWidth>>(attention_grid(s, head), dim3(kMmaThreads), 0, stream, head,
                                                            qkv, y, lse);
}

template <Precision kMode>
void launch_width(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.width <= 32) return launch<kMode, 32>(s, qkv, y, lse, stream);
  if (s.width <= 64) return launch<kMode, 64>(s, qkv, y, lse, stream);
  launch<kMode, 128>(s, qkv, y, lse, stream);
}

}  // namespace

bool attention_mma_runs() {
#if defined(__CUDACC__)
  static const bool runs = [] {
    cudaFuncAttributes attributes{};
    const auto* kernel = reinterpret_cast<const void*>(attention_forward_mma_kernel<Precision::kTf32, 32>);
    return cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess && attributes.ptxVersion >= 80;
  }();
  return runs;
#else
  return simt::settings().gpu.compute_capability >= 80;
#endif
}

void attention_forward_mma(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.precision == Precision::kBf16) return launch_width<Precision::kBf16>(s, qkv, y, lse, stream);
  launch_width<Precision::kTf32>(s, qkv, y, lse, stream);
}

}  // namespace cardiograd::kernels
