// What the attention kernels share: where the rows of a head lie and how they are read.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/attention/attention.h"
#include "kernels/common/grid.cuh"
#include "kernels/dropout/dropout.cuh"
#include "kernels/gemm/round_factor.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr float kLog2E = 1.44269504F;

// 2^x in one instruction, to 2^-22; 0 for x below -126.
__device__ inline float exp2_approximate(float x) {
#if defined(__CUDACC__)
  float result = 0;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
#else
  return exp2f(x);
#endif
}

// `x`, which the compiler takes for another number: what is computed from it in a loop stays there instead of in
// registers from before the loop.
__device__ inline int recomputed(int x) {
#if defined(__CUDACC__)
  asm volatile("" : "+r"(x));
#endif
  return x;
}

// One call, as kernels take it. blockIdx.y is the head, blockIdx.x numbers the tiles of its rows, then the records:
// blocks that run at the same time share keys and values.
struct AttentionHead {
  int time;
  int width;
  int heads;
  int tiles;  // blocks of a head
  float scale;
  float scale_of_log2;  // scale * log2 e
  float mask_factor;    // 1 / (1 - p) of dropout
  bool drops;
  bool wide;  // rows are read and written 16 bytes at a time
  Precision precision;
  DropoutMask mask;

  __device__ unsigned record() const { return blockIdx.x / static_cast<unsigned>(tiles); }
  // Of all heads of all records.
  __device__ unsigned number() const { return record() * static_cast<unsigned>(heads) + blockIdx.y; }
  // Place of query i of the block's head in lse.
  __device__ std::int64_t query(int i) const { return number() * static_cast<std::int64_t>(time) + i; }
  // Number of the random words of keys 0 ... 3 of query i of the block's head.
  __device__ std::int64_t words_of_query(int i) const { return query(i) * ((time + 3) / 4); }
  // Whether dropout keeps the weight of query i and key j.
  __device__ bool keeps(int i, int j) const {
    return !drops || dropout_factor(mask, 4 * words_of_query(i) + j) != 0.0F;
  }
  __device__ int tile() const { return static_cast<int>(blockIdx.x % static_cast<unsigned>(tiles)); }
};

// Rows of one head: component c of row t is first[t * stride + c].
template <class Float>
struct AttentionRows {
  Float* first;
  int stride;
  __device__ Float* row(int t) const { return first + static_cast<std::int64_t>(t) * stride; }
};

// The rows of part 0 (q), 1 (k) or 2 (v) in qkv or its gradient.
template <class Float>
__device__ inline AttentionRows<Float> rows_of_part(const AttentionHead& head, Float* qkv, int part) {
  const int stride = 3 * head.heads * head.width;
  return {qkv + static_cast<std::int64_t>(head.record()) * head.time * stride +
              (part * head.heads + static_cast<int>(blockIdx.y)) * head.width,
          stride};
}

// The rows in a matrix of the layout of y.
template <class Float>
__device__ inline AttentionRows<Float> rows_of_output(const AttentionHead& head, Float* y) {
  const int stride = head.heads * head.width;
  return {y + static_cast<std::int64_t>(head.record()) * head.time * stride + static_cast<int>(blockIdx.y) * head.width,
          stride};
}

// Components c ... c+3 of a row of `width`; those past its end, and all of a row that is not `inside`, are 0.
__device__ inline float4 load_components(const float* row, int c, int width, bool inside, bool wide) {
  float4 value = {0.0F, 0.0F, 0.0F, 0.0F};
  if (!inside) return value;
  if (wide) {
    if (c < width) value = simt::load4(row + c);
    return value;
  }
  if (c < width) value.x = row[c];
  if (c + 1 < width) value.y = row[c + 1];
  if (c + 2 < width) value.z = row[c + 2];
  if (c + 3 < width) value.w = row[c + 3];
  return value;
}

__device__ inline void store_components(float* row, int c, int width, bool wide, float4 value) {
  if (wide) {
    if (c < width) simt::store4(row + c, value);
    return;
  }
  if (c < width) row[c] = value.x;
  if (c + 1 < width) row[c + 1] = value.y;
  if (c + 2 < width) row[c + 2] = value.z;
  if (c + 3 < width) row[c + 3] = value.w;
}

__device__ inline float4 round_factors(Precision precision, float4 x) {
  return {round_factor(precision, x.x), round_factor(precision, x.y), round_factor(precision, x.z),
          round_factor(precision, x.w)};
}

__device__ inline float dot4(float4 a, float4 b, float sum) {
  return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

// The arguments of a launch with `rows` rows per block. Accesses are wide where all rows of all `buffers` begin at
// multiples of 16 bytes.
inline AttentionHead attention_head(const AttentionShape& s, std::int64_t rows,
                                    std::initializer_list<const float*> buffers) {
  bool wide = s.width % 4 == 0;
  for (const float* buffer : buffers) wide = wide && reinterpret_cast<std::uintptr_t>(buffer) % 16 == 0;
  return {static_cast<int>(s.time),
          static_cast<int>(s.width),
          static_cast<int>(s.heads),
          static_cast<int>(blocks_for(s.time, rows)),
          s.scale(),
          s.scale() * kLog2E,
          s.dropout_factor(),
          s.dropout.probability > 0.0F,
          wide,
          s.precision,
          dropout_mask(s.dropout)};
}
inline dim3 attention_grid(const AttentionShape& s, const AttentionHead& head) {
  return dim3(static_cast<unsigned>(s.batch * head.tiles), static_cast<unsigned>(s.heads));
}

}  // namespace cardiograd::kernels
