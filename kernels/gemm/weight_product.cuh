// The gradient of weights, of convolutions and linear layers:
//
//   partial[piece, m, o] = sum over the samples of a piece of  x[n, t * stride + first + k * dilation, d] * dy[n, t, o]
//
// for every row m = (tap k, channel d) and column o. The sum runs over all samples of all records, which is far longer
// than dw is wide: it is cut into pieces, by the shape alone. The blocks of a tile of dw add their pieces as a tree of
// two levels (last_block_cuda.cuh), each part in order, and the last of them adds the result to dw.
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

#include "kernels/common/last_block_cuda.cuh"
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
  float* partial = nullptr;     // (piece, taps, depth, columns of all groups), then the sums of groups of pieces
  unsigned* arrived = nullptr;  // tree.counters() per tile
  PartTree tree;                // of the pieces of a tile; partial and arrived are not used where there is one
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

// Where a warp's tile lies in dw and in its pieces. kWords: of an access.
template <int kWords>
struct WeightTarget {
  std::int64_t first;  // value
  int rows;            // left
  int columns;
  int pitch;

  __device__ __forceinline__ bool has(int row, int column) const { return row < rows && column < columns; }
  template <class Tile>
  __device__ __forceinline__ void store(const Tile& tile, float* matrix) const {
    tile.template for_each4<LayoutA::kColumns>([&](int row, int column, const float4& sum) {
      if (!has(row, column)) return;
      float* const to = matrix + first + std::int64_t{row} * pitch + column;
      if constexpr (kWords == 4) {
        simt::store4(to, sum);
      } else {
        const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
        SIMT_UNROLL
        for (int i = 0; i < 4; ++i)
          if (column + i < columns) to[i] = sums[i];
      }
    });
  }
  template <class Tile>
  __device__ __forceinline__ void add(Tile& tile, const float* matrix) const {
    tile.template add4<LayoutA::kColumns>([&](int row, int column) {
      if (!has(row, column)) return make_float4(0, 0, 0, 0);
      const float* const from = matrix + first + std::int64_t{row} * pitch + column;
      if constexpr (kWords == 4) {
        return simt::load4(from);
      } else {
        float four[4] = {};
        SIMT_UNROLL
        for (int i = 0; i < 4; ++i)
          if (column + i < columns) four[i] = from[i];
        return make_float4(four[0], four[1], four[2], four[3]);
      }
    });
  }
};

// dw += the sum of all pieces of a tile: left in memory, and added up by the last blocks to arrive, in a fixed order.
template <class Tile, int kWords>
__device__ __forceinline__ void add_to_weights(const ProductSizes& s, const WeightOperands& p,
                                               const WeightPieces& pieces, int piece,
                                               const WeightTarget<kWords>& target, Tile& tile) {
  if (pieces.count == 1) {
    target.add(tile, p.dw);
    target.store(tile, p.dw);
    return;
  }
  const std::int64_t count = std::int64_t{s.taps * s.depth} * target.pitch;
  const auto sum_of = [&](const float* parts, unsigned begin, unsigned end, Tile& sum) {
    for (unsigned part = begin; part < end; ++part) target.add(sum, parts + part * count);
  };
  target.store(tile, p.partial + piece * count);
  const PartTree& tree = p.tree;
  float* const sums_of_groups = p.partial + tree.parts * count;
  const auto combine = [&](unsigned begin, unsigned end, unsigned group) {
    Tile sum;
    sum_of(p.partial, begin, end, sum);
    target.store(sum, sums_of_groups + group * count);
  };
  const auto finish = [&](unsigned groups) {
    Tile sum;
    sum_of(sums_of_groups, 0, groups, sum);
    target.add(sum, p.dw);
    target.store(sum, p.dw);
  };
  const int tile_of_block = static_cast<int>(blockIdx.x) % (s.tiles * s.column_tiles * s.groups);
  combine_parts(tree, static_cast<unsigned>(piece), p.arrived + static_cast<unsigned>(tile_of_block) * tree.counters(),
                combine, finish);
}

// Floats of one stage: a step of rows, then one of columns.
template <class Tile, int kWarps>
constexpr int kWeightRowFloats = kWeightDepth* Tile::pitch_columns(kWarps* kWarpTileRows);
template <class Tile, int kWarps>
constexpr int kWeightStageFloats = kWeightRowFloats<Tile, kWarps> + kWeightDepth* Tile::kPitchB;

template <class Tile, int kWarps, int kWords>
__global__ void __launch_bounds__(32 * kWarps)
    weight_product_kernel(ProductSizes s, WeightOperands p, WeightPieces pieces) {
  constexpr int kThreads = 32 * kWarps;
  constexpr int kRows = kWarps * kWarpTileRows;
  constexpr int kPitch = Tile::pitch_columns(kRows);
  constexpr int kRowFloats = kWeightRowFloats<Tile, kWarps>;
  SIMT_DYNAMIC_SHARED(float, shared);
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
  const Ring ring(s.stages, kWeightStageFloats<Tile, kWarps>);
  int ahead = steps;  // not yet copied
  int next = 0;       // where the next copy goes
  const auto copy_step = [&] {
    if (ahead-- > 0) {
      const bool last_of_record = time + kWeightDepth >= s.time_out;
      row_chunks.copy(shared + next, time, s.time_out, last_of_record);
      column_chunks.copy(shared + next + kRowFloats, time, s.time_out, last_of_record);
      time = last_of_record ? 0 : time + kWeightDepth;
    }
    simt::commit_async();
    next = ring.after(next);
  };

  Tile tile;
  for (int i = 1; i < s.stages; ++i) copy_step();
  int now = 0;
  for (int step = 0; step < steps; ++step) {
    wait_for_oldest(s.stages);
    float* const rows = shared + now;
    float* const columns = rows + kRowFloats;
    if (Tile::kPrecision == Precision::kTf32 || (kWords == 1 && s.precision != Precision::kFp32)) {
      row_chunks.round(s.precision, rows);
      column_chunks.round(s.precision, columns);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    copy_step();
    tile.template multiply_columns<kWeightDepth, kRows>(rows + warp_of_thread() * kWarpTileRows, columns);
    now = ring.after(now);
  }

  const int first_row = place.row + warp_of_thread() * kWarpTileRows;
  const WeightTarget<kWords> target = {std::int64_t{first_row} * y_pitch + place.group * s.columns + place.column,
                                       s.taps * s.depth - first_row, s.columns - place.column, y_pitch};
  add_to_weights(s, p, pieces, place.piece, target, tile);
}

}  // namespace cardiograd::kernels
