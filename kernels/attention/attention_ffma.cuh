// What the paths "ffma" share (attention_ffma_*.cu): rows of 32 components in shared memory, 128 bytes each.
#pragma once

#include "kernels/attention/attention_head.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kFfmaThreads = 256;
inline constexpr int kFfmaSlice = 32;  // components of a row in shared memory

// How the eight groups of 16 bytes of a row change places, so that lanes that read one group of several rows meet all
// banks once: not at all, with the row's number, or with that of four rows.
enum GroupOrder { kInPlace, kByRow, kByFourRows };

// Where group `group` of row `row` lies.
template <GroupOrder kOrder>
__device__ inline int place_of_group(int row, int group) {
  if constexpr (kOrder == kByRow) group ^= row % 8;
  if constexpr (kOrder == kByFourRows) group ^= row / 4 % 8;
  return row * kFfmaSlice + group * 4;
}

// A group of a row in device memory as factors.
__device__ inline float4 load_factors(const AttentionHead& head, const AttentionRows<const float>& from, int row,
                                      int c) {
  const float4 x = load_components(from.row(row), c, head.width, row < head.time, head.wide);
  return head.precision == Precision::kFp32 ? x : round_factors(head.precision, x);
}

// Copies kRows rows from row `first`, components of slice `slice`; what lies past `time` or `width` becomes 0.
template <int kRows, GroupOrder kOrder>
__device__ inline void load_slice(const AttentionHead& head, const AttentionRows<const float>& from, int first,
                                  int slice, float* to) {
  const int thread = recomputed(static_cast<int>(threadIdx.x));
  SIMT_UNROLL_BY(1)
  for (int i = 0; i < kRows * 8 / kFfmaThreads; ++i) {
    const int row = thread / 8 + i * kFfmaThreads / 8;
    const int group = thread % 8;
    simt::store4(to + place_of_group<kOrder>(row, group),
                 load_factors(head, from, first + row, slice * kFfmaSlice + 4 * group));
  }
}

// sum += weight * row, of four components.
__device__ inline void add_row(float weight, float4 row, float4& sum) {
  sum.x += weight * row.x;
  sum.y += weight * row.y;
  sum.z += weight * row.z;
  sum.w += weight * row.w;
}

// sum += the four rows with their weights.
__device__ inline void add_rows(float4 weight, const float4 (&row)[4], float4& sum) {
  add_row(weight.x, row[0], sum);
  add_row(weight.y, row[1], sum);
  add_row(weight.z, row[2], sum);
  add_row(weight.w, row[3], sum);
}

__device__ inline float4 scaled(float4 x, float factor) {
  return {x.x * factor, x.y * factor, x.z * factor, x.w * factor};
}

}  // namespace cardiograd::kernels
