// Linear layers with so few results that blocks of 128 x 64 would leave most of a GPU idle: the head, the features'
// branch, small batches. For any sizes. One block: 32 x 32 results and the whole of the sum; one thread: rows y, y + 16
// and columns x, x + 8, x + 16, x + 24 of them. A step is 32 of the depth, which come word by word by cp.async into one
// of two buffers, coalesced along whatever is contiguous in memory. 16.5 KiB of shared memory; rows of 33 words keep
// copies and reads free of bank conflicts. Modes other than fp32 are emulated by rounding.
//
// The backward kernel has the tiles of dx and those of dw, with db in those of the first inputs, in one grid.
#pragma once

#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/gemm/round_factor.cuh"
#include "kernels/linear/linear_epilogue.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kSmallThreads = 128;
inline constexpr int kSmallTile = 32;
inline constexpr int kSmallPitch = kSmallTile + 1;

// A factor: (count, depth), the depth contiguous (kByDepth), or (depth, count).
struct SmallFactor {
  const float* data;
  int count;
};

// The part of a factor that a block reads.
template <bool kByDepth>
struct SmallCopies {
  static constexpr int kCopies = kSmallTile * kSmallTile / kSmallThreads;
  const float* data;
  int pitch;       // floats between rows in memory
  int fast_left;   // of what runs along a row, from the thread's place on
  int slow_left;   // likewise of rows
  float* own;      // the thread's first word in buffer 0
  float* buffers;  // two of kSmallTile * kSmallPitch

  static constexpr int kStepWords = kByDepth ? 1 : kSmallPitch;  // in shared memory, from a row to the next

  __device__ __forceinline__ SmallCopies(const SmallFactor& factor, int first, int depth, float* shared) {
    const int fast = lane_of_thread();
    const int slow = warp_of_thread();
    pitch = kByDepth ? depth : factor.count;
    data = factor.data +
           (kByDepth ? std::int64_t{first + slow} * pitch + fast : std::int64_t{slow} * pitch + first + fast);
    fast_left = (kByDepth ? depth : factor.count - first) - fast;
    slow_left = (kByDepth ? factor.count - first : depth) - slow;
    buffers = shared;
    own = shared + (kByDepth ? fast * kSmallPitch + slow : slow * kSmallPitch + fast);
  }
  __device__ __forceinline__ void copy(int buffer) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int row = i * (kSmallThreads / 32);
      const bool inside = fast_left > 0 && row < slow_left;
      simt::copy_async<4>(word(buffer, i), data + std::int64_t{row} * pitch, inside ? 4 : 0);
    }
    if constexpr (kByDepth) {
      data += kSmallTile;
      fast_left -= kSmallTile;
    } else {
      data += std::int64_t{kSmallTile} * pitch;
      slow_left -= kSmallTile;
    }
  }
  __device__ __forceinline__ float* word(int buffer, int i) const {
    return own + buffer * kSmallTile * kSmallPitch + i * (kSmallThreads / 32) * kStepWords;
  }
  __device__ __forceinline__ void round(Precision precision, int buffer) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) *word(buffer, i) = round_factor(precision, *word(buffer, i));
  }
};

struct SmallSums {
  float at[2][4] = {};
  float own_column = 0;  // of dw: what the thread has copied of dy, all of one column, before it is rounded
};

// Rows first_row ... of a times columns first_column ... of b.
template <bool kAByDepth, bool kBByDepth, bool kRound>
__device__ __forceinline__ SmallSums small_product(const SmallFactor& a, const SmallFactor& b, int depth, int first_row,
                                                   int first_column, Precision precision, float* shared) {
  SmallCopies<kAByDepth> rows(a, first_row, depth, shared);
  SmallCopies<kBByDepth> columns(b, first_column, depth, shared + 2 * kSmallTile * kSmallPitch);
  const float* const left = rows.buffers + static_cast<int>(threadIdx.x) / 8;
  const float* const right = columns.buffers + static_cast<int>(threadIdx.x) % 8;
  SmallSums sums;
  rows.copy(0);
  columns.copy(0);
  simt::commit_async();
  int buffer = 0;
  for (int d = 0; d < depth; d += kSmallTile, buffer = 1 - buffer) {
    simt::wait_async<0>();
    if constexpr (!kAByDepth) {
      SIMT_UNROLL
      for (int i = 0; i < SmallCopies<kBByDepth>::kCopies; ++i) sums.own_column += *columns.word(buffer, i);
    }
    if constexpr (kRound) {
      rows.round(precision, buffer);
      columns.round(precision, buffer);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    if (d + kSmallTile < depth) {
      rows.copy(1 - buffer);
      columns.copy(1 - buffer);
    }
    simt::commit_async();
    const float* const a_now = left + buffer * kSmallTile * kSmallPitch;
    const float* const b_now = right + buffer * kSmallTile * kSmallPitch;
    SIMT_UNROLL
    for (int k = 0; k < kSmallTile; ++k) {
      SIMT_UNROLL
      for (int i = 0; i < 2; ++i) {
        SIMT_UNROLL
        for (int j = 0; j < 4; ++j)
          sums.at[i][j] = fmaf(a_now[k * kSmallPitch + 16 * i], b_now[k * kSmallPitch + 8 * j], sums.at[i][j]);
      }
    }
  }
  return sums;
}

template <class Visit>
__device__ __forceinline__ void for_each_small(const SmallSums& sums, int first_row, int first_column, int rows,
                                               int columns, const Visit& visit) {
  SIMT_UNROLL
  for (int i = 0; i < 2; ++i) {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      const int row = first_row + static_cast<int>(threadIdx.x) / 8 + 16 * i;
      const int column = first_column + static_cast<int>(threadIdx.x) % 8 + 8 * j;
      if (row < rows && column < columns) visit(std::int64_t{row} * columns + column, column, sums.at[i][j]);
    }
  }
}

struct LinearSmallSizes {
  int rows = 1;
  int inputs = 1;
  int outputs = 1;
  int input_blocks = 0;  // of dx; the others are of dw
  Precision precision = Precision::kFp32;
};

template <bool kRound, class Epilogue>
__global__ void __launch_bounds__(kSmallThreads)
    linear_small_kernel(LinearSmallSizes s, const float* x, const float* w, Epilogue epilogue) {
  SIMT_SHARED(float, shared, [4 * kSmallTile * kSmallPitch]);
  const int tiles = (s.outputs + kSmallTile - 1) / kSmallTile;
  const int row = static_cast<int>(blockIdx.x) / tiles * kSmallTile;
  const int column = static_cast<int>(blockIdx.x) % tiles * kSmallTile;
  const SmallSums sums =
      small_product<true, false, kRound>({x, s.rows}, {w, s.outputs}, s.inputs, row, column, s.precision, shared);
  for_each_small(sums, row, column, s.rows, s.outputs,
                 [&](std::int64_t at, int output, float sum) { epilogue.template store<1>(at, output, {{sum}}); });
}

// dw[i, o] += , db[o] += of the tile at (first_input, first_output); db null: left out.
template <bool kRound>
__device__ __forceinline__ void add_small_weights(const LinearSmallSizes& s, const float* x, const float* dy, float* dw,
                                                  float* db, int first_input, int first_output, float* shared) {
  const bool sums_bias = db != nullptr && first_input == 0;
  const SmallSums sums = small_product<false, false, kRound>({x, s.inputs}, {dy, s.outputs}, s.rows, first_input,
                                                             first_output, s.precision, shared);
  for_each_small(sums, first_input, first_output, s.inputs, s.outputs,
                 [&](std::int64_t at, int, float sum) { dw[at] += sum; });
  if (!sums_bias) return;
  __syncthreads();
  shared[threadIdx.x] = sums.own_column;
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x);
  if (lane >= kSmallTile || first_output + lane >= s.outputs) return;
  float sum = 0;
  SIMT_UNROLL
  for (int i = 0; i < kSmallThreads / 32; ++i) sum += shared[i * 32 + lane];
  db[first_output + lane] += sum;
}

template <bool kRound, class Epilogue>
__global__ void __launch_bounds__(kSmallThreads)
    linear_small_backward_kernel(LinearSmallSizes s, const float* x, const float* w, const float* dy, Epilogue epilogue,
                                 float* dw, float* db) {
  SIMT_SHARED(float, shared, [4 * kSmallTile * kSmallPitch]);
  int block = static_cast<int>(blockIdx.x);
  if (block < s.input_blocks) {
    const int tiles = (s.inputs + kSmallTile - 1) / kSmallTile;
    const int row = block / tiles * kSmallTile;
    const int column = block % tiles * kSmallTile;
    const SmallSums sums =
        small_product<true, true, kRound>({dy, s.rows}, {w, s.inputs}, s.outputs, row, column, s.precision, shared);
    for_each_small(sums, row, column, s.rows, s.inputs,
                   [&](std::int64_t at, int input, float sum) { epilogue.template store<1>(at, input, {{sum}}); });
    return;
  }
  block -= s.input_blocks;
  const int tiles = (s.outputs + kSmallTile - 1) / kSmallTile;
  add_small_weights<kRound>(s, x, dy, dw, db, block / tiles * kSmallTile, block % tiles * kSmallTile, shared);
}

}  // namespace cardiograd::kernels
