// Linear layers with so few results that blocks of 128 x 64 would leave most of a GPU idle: the head, the features'
// branch, small batches. For any sizes. One block: 16 x 16 results and the whole of the sum, in the order of the depth;
// one thread: four neighbors of a row. A step is 32 of the depth, which come word by word by cp.async, coalesced along
// whatever is contiguous in memory; three steps are on their way while one is multiplied. 18.5 KiB of shared memory.
// Modes other than fp32 are emulated by rounding.
//
// The backward kernel has the tiles of dx and those of dw, with db in those of the first inputs, in one grid.
#pragma once

#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/gemm/round_factor.cuh"
#include "kernels/linear/linear_epilogue.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kSmallThreads = 64;
inline constexpr int kSmallTile = 16;
inline constexpr int kSmallDepth = 32;   // of a step
inline constexpr int kSmallBuffers = 4;  // a power of two
// Words between the steps' depths in shared memory: factors of rows are read word by word, those of columns by four.
inline constexpr int kSmallRowPitch = kSmallTile + 1;
inline constexpr int kSmallColumnPitch = kSmallTile + 4;
inline constexpr int kSmallWords = kSmallBuffers * kSmallDepth * (kSmallRowPitch + kSmallColumnPitch);

// A factor: (count, depth), the depth contiguous (kByDepth), or (depth, count).
struct SmallFactor {
  const float* data;
  int count;
};

// The part of a factor that a block reads.
template <bool kByDepth, int kPitch>
struct SmallCopies {
  static constexpr int kCopies = kSmallTile * kSmallDepth / kSmallThreads;
  static constexpr int kRun = kByDepth ? kSmallDepth : kSmallTile;       // threads side by side along a row in memory
  static constexpr int kRowStep = kSmallThreads / kRun;                  // rows in memory between a thread's words
  static constexpr int kStepWords = kRowStep * (kByDepth ? 1 : kPitch);  // and words in shared memory
  const float* data;
  int pitch;      // floats between rows in memory
  int fast_left;  // of what runs along a row, from the thread's place on
  int slow_left;  // likewise of rows
  float* own;     // the thread's first word in buffer 0

  __device__ __forceinline__ SmallCopies(const SmallFactor& factor, int first, int depth, float* shared) {
    const int fast = static_cast<int>(threadIdx.x) % kRun;
    const int slow = static_cast<int>(threadIdx.x) / kRun;
    pitch = kByDepth ? depth : factor.count;
    data = factor.data +
           (kByDepth ? std::int64_t{first + slow} * pitch + fast : std::int64_t{slow} * pitch + first + fast);
    fast_left = (kByDepth ? depth : factor.count - first) - fast;
    slow_left = (kByDepth ? factor.count - first : depth) - slow;
    own = shared + (kByDepth ? fast * kPitch + slow : slow * kPitch + fast);
  }
  // The next step.
  __device__ __forceinline__ void copy(int buffer) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int row = i * kRowStep;
      const bool inside = fast_left > 0 && row < slow_left;
      simt::copy_async<4>(word(buffer, i), data + std::int64_t{row} * pitch, inside ? 4 : 0);
    }
    if constexpr (kByDepth) {
      data += kSmallDepth;
      fast_left -= kSmallDepth;
    } else {
      data += std::int64_t{kSmallDepth} * pitch;
      slow_left -= kSmallDepth;
    }
  }
  __device__ __forceinline__ float* word(int buffer, int i) const {
    return own + buffer * kSmallDepth * kPitch + i * kStepWords;
  }
  __device__ __forceinline__ void round(Precision precision, int buffer) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) *word(buffer, i) = round_factor(precision, *word(buffer, i));
  }
};

struct SmallSums {
  Floats<4> at = {};
  float own_column = 0;  // of dw: what the thread has copied of dy, all of one column, before it is rounded
};

// A thread's row and the first of its columns in the tile. Every other lane reads the same four words of the columns'
// factor, so that a warp gets them in two goes instead of four.
__device__ __forceinline__ int small_row() {
  return static_cast<int>(threadIdx.x) / 8 * 2 + static_cast<int>(threadIdx.x) % 2;
}
__device__ __forceinline__ int small_column() {
  return static_cast<int>(threadIdx.x) / 2 % 4 * 4;
}

// Rows first_row ... of a times columns first_column ... of b. Shared memory: kSmallWords.
template <bool kAByDepth, bool kBByDepth, bool kRound>
__device__ __forceinline__ SmallSums small_product(const SmallFactor& a, const SmallFactor& b, int depth, int first_row,
                                                   int first_column, Precision precision, float* shared) {
  float* const shared_columns = shared + kSmallBuffers * kSmallDepth * kSmallRowPitch;
  SmallCopies<kAByDepth, kSmallRowPitch> rows(a, first_row, depth, shared);
  SmallCopies<kBByDepth, kSmallColumnPitch> columns(b, first_column, depth, shared_columns);
  const float* const left = shared + small_row();
  const float* const right = shared_columns + small_column();
  SIMT_UNROLL
  for (int step = 0; step < kSmallBuffers - 1; ++step) {
    if (step * kSmallDepth < depth) {
      rows.copy(step);
      columns.copy(step);
    }
    simt::commit_async();
  }
  SmallSums sums;
  int buffer = 0;
  for (int d = 0; d < depth; d += kSmallDepth, buffer = (buffer + 1) % kSmallBuffers) {
    simt::wait_async<kSmallBuffers - 2>();
    if constexpr (!kAByDepth) {
      SIMT_UNROLL
      for (int i = 0; i < columns.kCopies; ++i) sums.own_column += *columns.word(buffer, i);
    }
    if constexpr (kRound) {
      rows.round(precision, buffer);
      columns.round(precision, buffer);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    if (d + (kSmallBuffers - 1) * kSmallDepth < depth) {
      rows.copy((buffer + kSmallBuffers - 1) % kSmallBuffers);
      columns.copy((buffer + kSmallBuffers - 1) % kSmallBuffers);
    }
    simt::commit_async();
    const float* const a_now = left + buffer * kSmallDepth * kSmallRowPitch;
    const float* const b_now = right + buffer * kSmallDepth * kSmallColumnPitch;
    SIMT_UNROLL
    for (int k = 0; k < kSmallDepth; ++k) {
      const float factor = a_now[k * kSmallRowPitch];
      const Floats<4> factors = load_floats<4>(b_now + k * kSmallColumnPitch);
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j) sums.at.at[j] = fmaf(factor, factors.at[j], sums.at.at[j]);
    }
  }
  return sums;
}

// Where a thread's results belong.
struct SmallPlace {
  std::int64_t at;
  int column;
  int count;  // of them that there are

  __device__ __forceinline__ SmallPlace(int first_row, int first_column, int rows, int columns) {
    const int row = first_row + small_row();
    column = first_column + small_column();
    at = std::int64_t{row} * columns + column;
    count = row < rows ? columns - column : 0;
  }
  // visit(element, column, Floats<1 or 4>), all four at once where rows in memory are whole `fours`.
  template <class Visit>
  __device__ __forceinline__ void visit(bool fours, const Floats<4>& values, const Visit& visit) const {
    if (fours) {
      if (count > 0) visit(at, column, values);
      return;
    }
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j)
      if (j < count) visit(at + j, column + j, Floats<1>{{values.at[j]}});
  }
  __device__ __forceinline__ Floats<4> load(bool fours, const float* from) const {
    Floats<4> values = {};
    if (fours) {
      if (count > 0) values = load_floats<4>(from + at);
      return values;
    }
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j)
      if (j < count) values.at[j] = from[at + j];
    return values;
  }
};

struct LinearSmallSizes {
  int rows = 1;
  int inputs = 1;
  int outputs = 1;
  int input_blocks = 0;       // of dx; the others are of dw
  bool fours = false;         // whether what the epilogue touches can be read and written 16 bytes at a time,
  bool weight_fours = false;  // and dw
  Precision precision = Precision::kFp32;
};

template <bool kRound, class Epilogue>
__global__ void __launch_bounds__(kSmallThreads)
    linear_small_kernel(LinearSmallSizes s, const float* x, const float* w, Epilogue epilogue) {
  SIMT_SHARED(float, shared, [kSmallWords]);
  const int tiles = (s.outputs + kSmallTile - 1) / kSmallTile;
  const int row = static_cast<int>(blockIdx.x) / tiles * kSmallTile;
  const int column = static_cast<int>(blockIdx.x) % tiles * kSmallTile;
  const SmallSums sums =
      small_product<true, false, kRound>({x, s.rows}, {w, s.outputs}, s.inputs, row, column, s.precision, shared);
  SmallPlace(row, column, s.rows, s.outputs)
      .visit(s.fours, sums.at,
             [&](std::int64_t at, int output, const auto& values) { epilogue.store(at, output, values); });
}

// dw[i, o] += , db[o] += of the tile at (first_input, first_output); db null: left out.
template <bool kRound>
__device__ __forceinline__ void add_small_weights(const LinearSmallSizes& s, const float* x, const float* dy, float* dw,
                                                  float* db, int first_input, int first_output, float* shared) {
  const int lane = static_cast<int>(threadIdx.x);
  const SmallPlace place(first_input, first_output, s.inputs, s.outputs);
  const bool adds_bias = db != nullptr && first_input == 0 && lane < kSmallTile && first_output + lane < s.outputs;
  // Read ahead: nobody else touches these.
  const Floats<4> before = place.load(s.weight_fours, dw);
  const float bias_before = adds_bias ? db[first_output + lane] : 0.0F;
  const SmallSums sums = small_product<false, false, kRound>({x, s.inputs}, {dy, s.outputs}, s.rows, first_input,
                                                             first_output, s.precision, shared);
  Floats<4> after;
  SIMT_UNROLL
  for (int j = 0; j < 4; ++j) after.at[j] = before.at[j] + sums.at.at[j];
  place.visit(s.weight_fours, after, [&]<int kWidth>(std::int64_t at, int, const Floats<kWidth>& values) {
    store_floats<kWidth>(dw + at, values);
  });
  if (db == nullptr || first_input != 0) return;
  __syncthreads();
  shared[threadIdx.x] = sums.own_column;
  __syncthreads();
  if (!adds_bias) return;
  float sum = 0;
  SIMT_UNROLL
  for (int i = 0; i < kSmallThreads / kSmallTile; ++i) sum += shared[i * kSmallTile + lane];
  db[first_output + lane] = bias_before + sum;
}

template <bool kRound, class Epilogue>
__global__ void __launch_bounds__(kSmallThreads)
    linear_small_backward_kernel(LinearSmallSizes s, const float* x, const float* w, const float* dy, Epilogue epilogue,
                                 float* dw, float* db) {
  SIMT_SHARED(float, shared, [kSmallWords]);
  int block = static_cast<int>(blockIdx.x);
  if (block < s.input_blocks) {
    const int tiles = (s.inputs + kSmallTile - 1) / kSmallTile;
    const int row = block / tiles * kSmallTile;
    const int column = block % tiles * kSmallTile;
    const SmallSums sums =
        small_product<true, true, kRound>({dy, s.rows}, {w, s.inputs}, s.outputs, row, column, s.precision, shared);
    SmallPlace(row, column, s.rows, s.inputs)
        .visit(s.fours, sums.at,
               [&](std::int64_t at, int input, const auto& values) { epilogue.store(at, input, values); });
    return;
  }
  block -= s.input_blocks;
  const int tiles = (s.outputs + kSmallTile - 1) / kSmallTile;
  add_small_weights<kRound>(s, x, dy, dw, db, block / tiles * kSmallTile, block % tiles * kSmallTile, shared);
}

}  // namespace cardiograd::kernels
