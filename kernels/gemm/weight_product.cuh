// The gradient of weights, of convolutions and linear layers:
//
//   partial[piece, m, o] = sum over the samples of a piece of  x[n, t * stride + first + k * dilation, d] * dy[n, t, o]
//
// for every row m = (tap k, channel d) and column o; add_pieces then adds the pieces to dw in order. The sum runs over
// all samples of all records, which is far longer than dw is wide: it is cut into pieces, by the shape alone.
//
// One block: 32 * kWarps rows x 64 columns of one piece; one warp: 32 x 64 of them (warp_tile.cuh). A step is 16
// samples: their values of the block's rows and columns come by cp.async into one of two buffers while the step before
// is computed. Both lie as they are in memory, [sample][channel], so nothing is transposed. Each thread copies the same
// row or rows of dw in every step, and knows their tap and channel from the start. kWords is 4 where channels of a
// group are multiples of 4 and tensors 16-byte aligned, else 1. Shared memory: at most 25.6 KiB.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/gemm/round_factor.cuh"
#include "kernels/gemm/slab_product.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kWeightDepth = 16;  // samples of a step

struct WeightPieces {
  int steps = 0;      // of a record
  int per_piece = 0;  // steps of all records
  int count = 0;
};

struct WeightOperands {
  const float* x;
  const float* dy;
  float* partial;  // (piece, taps, depth, columns of all groups)
};

// The chunks of kWords of every step that one thread copies, and rounds: the same channels of samples kStep apart. The
// source of sample t is row t * stride + shift of the record, outside of which there are zeros.
template <class Tile, int kWords, int kThreads, int kWidth, int kPitch>
struct SampleChunks {
  static constexpr int kChunks = kWidth / kWords;  // of a sample
  static constexpr int kStep = kThreads / kChunks;
  static constexpr int kCopies = (kWeightDepth + kStep - 1) / kStep;
  static_assert(kThreads % kChunks == 0);
  int sample;   // the first of a step
  int channel;  // of the tile
  bool inside;  // such channels exist
  int shift;
  int time;  // rows of a record
  int stride;
  std::int64_t copy_step;    // floats from a copy to the next
  std::int64_t step;         // from a step to the next
  std::int64_t record_step;  // from the last step of a record to the first of the next
  const float* from;

  // `base`: the channel's place in row 0 of all records; the first step is that of sample `first` of `record`.
  __device__ __forceinline__ SampleChunks(int sample_shift, int row_stride, int rows, int row_pitch, int steps,
                                          bool has_channel, const float* base, int record, int first) {
    sample = static_cast<int>(threadIdx.x) / kChunks;
    channel = static_cast<int>(threadIdx.x) % kChunks * kWords;
    inside = has_channel;
    shift = sample_shift;
    time = rows;
    stride = row_stride;
    copy_step = std::int64_t{kStep} * stride * row_pitch;
    step = std::int64_t{kWeightDepth} * stride * row_pitch;
    record_step = std::int64_t{time} * row_pitch - (steps - 1) * step;
    from = base + (std::int64_t{record} * time + (first + sample) * stride + shift) * row_pitch;
  }
  // Copies samples first ... first + 15, of which those from `last` on are zero, and goes on to the next step.
  __device__ __forceinline__ void copy(float* to, int first, int last, bool last_of_record) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int d = sample + i * kStep;
      const int source = (first + d) * stride + shift;
      const bool there = inside && first + d < last && static_cast<unsigned>(source) < static_cast<unsigned>(time);
      if (kWeightDepth % kStep == 0 || d < kWeightDepth)
        simt::copy_async<4 * kWords>(to + d * kPitch + channel, from + i * copy_step, there ? 4 * kWords : 0);
    }
    from += last_of_record ? record_step : step;
  }
  __device__ __forceinline__ void round(Precision precision, float* tile) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int d = sample + i * kStep;
      if (kWeightDepth % kStep != 0 && d >= kWeightDepth) break;
      float* const chunk = tile + d * kPitch + channel;
      if constexpr (kWords == 4)
        round_to_tf32_in_place(chunk);
      else
        *chunk = round_factor(precision, *chunk);
    }
  }
};

// What a block computes.
struct WeightPlace {
  int row;
  int column;
  int group;
  int piece;
};
__device__ __forceinline__ WeightPlace weight_place(const ProductSizes& s, int rows) {
  int block = static_cast<int>(blockIdx.x);
  WeightPlace place;
  place.column = block % s.column_tiles * kWarpTileColumns;
  block /= s.column_tiles;
  place.row = block % s.tiles * rows;
  block /= s.tiles;
  place.group = block % s.groups;
  place.piece = block / s.groups;
  return place;
}

template <class Tile, int kWarps, int kWords>
__global__ void __launch_bounds__(32 * kWarps)
    weight_product_kernel(ProductSizes s, WeightOperands p, WeightPieces pieces) {
  constexpr int kThreads = 32 * kWarps;
  constexpr int kRows = kWarps * kWarpTileRows;
  constexpr int kPitch = Tile::pitch_columns(kRows);
  SIMT_SHARED(float, rows, [2][kWeightDepth * kPitch]);
  SIMT_SHARED(float, columns, [2][kWeightDepth * Tile::kPitchB]);
  const WeightPlace place = weight_place(s, kRows);
  const int y_pitch = s.groups * s.columns;

  const int first_step = place.piece * pieces.per_piece;
  const int left = pieces.steps * s.records - first_step;
  const int steps = left < pieces.per_piece ? left : pieces.per_piece;
  const int record = first_step / pieces.steps;
  int time = first_step % pieces.steps * kWeightDepth;

  const int row = place.row + static_cast<int>(threadIdx.x) % (kRows / kWords) * kWords;
  SampleChunks<Tile, kWords, kThreads, kRows, kPitch> row_chunks(
      s.first + row / s.depth * s.dilation, s.stride, s.time_in, s.groups * s.depth, pieces.steps,
      row < s.taps * s.depth, p.x + place.group * s.depth + row % s.depth, record, time);
  const int dy_column = static_cast<int>(threadIdx.x) % (kWarpTileColumns / kWords) * kWords;
  SampleChunks<Tile, kWords, kThreads, kWarpTileColumns, Tile::kPitchB> column_chunks(
      0, 1, s.time_out, y_pitch, pieces.steps, place.column + dy_column < s.columns,
      p.dy + place.group * s.columns + place.column + dy_column, record, time);
  const auto copy_step = [&](int buffer) {
    const bool last_of_record = time + kWeightDepth >= s.time_out;
    row_chunks.copy(rows[buffer], time, s.time_out, last_of_record);
    column_chunks.copy(columns[buffer], time, s.time_out, last_of_record);
    simt::commit_async();
    time = last_of_record ? 0 : time + kWeightDepth;
  };

  Tile tile;
  copy_step(0);
  for (int step = 0; step < steps; ++step) {
    const int buffer = step % 2;
    simt::wait_async<0>();
    if (Tile::kPrecision == Precision::kTf32 || (kWords == 1 && s.precision != Precision::kFp32)) {
      row_chunks.round(s.precision, rows[buffer]);
      column_chunks.round(s.precision, columns[buffer]);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    if (step + 1 < steps) copy_step(1 - buffer);
    tile.template multiply_columns<kWeightDepth, kRows>(rows[buffer] + warp_of_thread() * kWarpTileRows,
                                                        columns[buffer]);
  }

  float* const __restrict__ partial =
      p.partial + (std::int64_t{place.piece} * s.taps * s.depth) * y_pitch + place.group * s.columns + place.column;
  tile.template for_each4<LayoutA::kColumns>([&](int row_of_warp, int column, float4 sum) {
    const int m = place.row + warp_of_thread() * kWarpTileRows + row_of_warp;
    if (m >= s.taps * s.depth || place.column + column >= s.columns) return;
    float* const to = partial + std::int64_t{m} * y_pitch + column;
    if constexpr (kWords == 4) {
      simt::store4(to, sum);
    } else {
      const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i)
        if (place.column + column + i < s.columns) to[i] = sums[i];
    }
  });
}

inline constexpr int kAddThreads = 128;

// dw[i] += the pieces of partial (piece, count), in order. One thread: four neighbors, in 16 bytes where kWide: count
// is a multiple of 4 and dw aligned.
template <bool kWide>
__global__ void __launch_bounds__(kAddThreads)
    add_pieces_kernel(std::int64_t count, int pieces, const float* __restrict__ partial, float* __restrict__ dw) {
  const std::int64_t i = (std::int64_t{blockIdx.x} * kAddThreads + threadIdx.x) * 4;
  if (i >= count) return;
  if constexpr (kWide) {
    float4 sum = make_float4(0, 0, 0, 0);
    const float* from = partial + i;
    for (int piece = 0; piece < pieces; ++piece, from += count) {
      const float4 term = simt::load4(from);
      sum = make_float4(sum.x + term.x, sum.y + term.y, sum.z + term.z, sum.w + term.w);
    }
    const float4 before = simt::load4(dw + i);
    simt::store4(dw + i, make_float4(before.x + sum.x, before.y + sum.y, before.z + sum.z, before.w + sum.w));
  } else {
    for (std::int64_t j = i; j < i + 4 && j < count; ++j) {
      float sum = 0;
      for (int piece = 0; piece < pieces; ++piece) sum += partial[piece * count + j];
      dw[j] += sum;
    }
  }
}

}  // namespace cardiograd::kernels
