// The gradient of weights, of convolutions and linear layers:
//
//   dw[m, o] += sum over n, t of  x[n, t * stride + first + k * dilation, d] * dy[n, t, o]
//
// for every row m = (tap k, channel d) and column o. The sum runs over all samples of all records, which is far longer
// than dw is wide: it is cut into pieces, by the shape alone. The blocks of a tile of dw add up their pieces
// (join_pieces.cuh), and the last of them adds the result to dw.
//
// One block: 32 * kWarps rows x 64 columns of one piece; one warp: 32 x 64 of them (warp_tile.cuh). A step is 16
// samples: their values of the block's rows and columns come by cp.async into a ring of buffers while steps before are
// computed. Both lie as they are in memory, [sample][channel], so nothing is transposed. Each thread copies the same
// row or rows of dw in every step, and knows their tap and channel from the start. kWords is 4 where channels of a
// group are multiples of 4 and tensors 16-byte aligned, else 1. Dynamic shared memory: at most 12.8
// KiB for each of `stages` buffers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/common/vectors_cuda.cuh"
#include "kernels/gemm/join_pieces.cuh"
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
  float* dw;
  Pieces pieces;
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

// dw += sums, of the warp whose first row is `first_row`. kWords: of an access.
template <class Tile, int kWords>
__device__ __forceinline__ void add_to_weights(const ProductSizes& s, const WeightPlace& place, int first_row,
                                               const float4 (&sums)[kThreadFours], float* dw) {
  const int pitch = s.groups * s.columns;
  float* const first = dw + std::int64_t{first_row} * pitch + place.group * s.columns + place.column;
  const int rows = s.taps * s.depth - first_row;
  const int columns = s.columns - place.column;
  int i = 0;
  Tile::template for_each_place<LayoutA::kColumns>([&](int row, int column) {
    const float4 sum = sums[i++];
    if (row >= rows || column >= columns) return;
    float* const to = first + std::int64_t{row} * pitch + column;
    if constexpr (kWords == 4) {
      add_floats<4>(to, {{sum.x, sum.y, sum.z, sum.w}});
    } else {
      const float four[4] = {sum.x, sum.y, sum.z, sum.w};
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j)
        if (column + j < columns) to[j] += four[j];
    }
  });
}

// Floats of one stage: a step of rows, then one of columns.
template <class Tile, int kWarps>
constexpr int kWeightRowFloats = kWeightDepth* Tile::pitch_columns(kWarps* kWarpTileRows);
template <class Tile, int kWarps>
constexpr int kWeightStageFloats = kWeightRowFloats<Tile, kWarps> + kWeightDepth* Tile::kPitchB;

template <class Tile, int kWarps, int kWords>
__global__ void __launch_bounds__(32 * kWarps, 12 / kWarps)
    weight_product_kernel(ProductSizes s, WeightOperands p, WeightPieces pieces) {
  constexpr int kThreads = 32 * kWarps;
  constexpr int kRows = kWarps * kWarpTileRows;
  constexpr int kPitch = Tile::pitch_columns(kRows);
  constexpr int kRowFloats = kWeightRowFloats<Tile, kWarps>;
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
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
  const Ring<Tile> ring(s.stages, kWeightStageFloats<Tile, kWarps>);
  // Step number `step`, into the buffers at `to`; called for one after the other.
  const auto copy_step = [&](int to, int step) {
    if (step < steps) {
      const bool last_of_record = time + kWeightDepth >= s.time_out;
      row_chunks.copy(shared + to, time, s.time_out, last_of_record);
      column_chunks.copy(shared + to + kRowFloats, time, s.time_out, last_of_record);
      time = last_of_record ? 0 : time + kWeightDepth;
    }
    simt::commit_async();
  };

  Tile tile;
  for (int i = 0; i + 1 < ring.stages(); ++i) copy_step(i * kWeightStageFloats<Tile, kWarps>, i);
  int now = 0;
  for (int step = 0; step < steps; ++step) {
    ring.wait();
    float* const rows = shared + now;
    float* const columns = rows + kRowFloats;
    if (Tile::kPrecision == Precision::kTf32 || (kWords == 1 && s.precision != Precision::kFp32)) {
      row_chunks.round(s.precision, rows);
      column_chunks.round(s.precision, columns);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    copy_step(ring.before(now), step + ring.stages() - 1);
    tile.template multiply_columns<kWeightDepth, kRows>(rows + warp_of_thread() * kWarpTileRows, columns);
    now = ring.after(now);
  }

  float4 sums[kThreadFours];
  int i = 0;
  tile.template for_each4<LayoutA::kColumns>([&](int, int, const float4& sum) { sums[i++] = sum; });
  const int tile_of_block = static_cast<int>(blockIdx.x) % p.pieces.tiles;
  float none = 0;
  if (!join_pieces<kThreads>(p.pieces, place.piece, tile_of_block, sums, false, none)) return;
  add_to_weights<Tile, kWords>(s, place, place.row + warp_of_thread() * kWarpTileRows, sums, p.dw);
}

}  // namespace cardiograd::kernels
