// The product of a linear layer and of the gradient of its input, for any sizes:
//
//   epilogue( c[r, o] = sum over d of  a[r, d] * b[d, o] )      b lies as (depth, columns), or kTurned as (columns,
//   depth)
//
// One block: 128 rows x 64 columns. Four warps; one warp: 32 x 64 of them (warp_tile.cuh), one thread: 64. A step is 16
// of the depth, whose parts of a and b come by cp.async into a ring of buffers while steps before are computed; one
// barrier per step. A turned b stays as it is: each of its rows is copied to the place of shared memory from which the
// lanes read it without a bank conflict, so that no launch has to transpose it.
//
// kWords is 4 where depth and columns are multiples of 4 and tensors 16-byte aligned, else 1, with ExactTile, which
// then emulates other modes by rounding. Rows and columns beyond the last are copies of the last, whose sums nobody
// stores: the only condition inside the loop is that of the depth's end. Dynamic shared memory: 14 KiB (ExactTile) or
// 16 to 18 KiB for each of `stages` buffers.
#pragma once

#include <cstdint>

#include "kernels/gemm/pipeline.cuh"
#include "kernels/gemm/round_factor.cuh"
#include "kernels/gemm/warp_tile.cuh"
#include "kernels/linear/linear_epilogue.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kLinearThreads = 128;
inline constexpr int kLinearRows = kLinearThreads / 32 * kWarpTileRows;
inline constexpr int kLinearDepth = 16;  // of a step

struct LinearSizes {
  int rows = 1;
  int depth = 1;
  int columns = 1;
  int column_tiles = 1;
  int stages = kMinStages;
  Precision precision = Precision::kFp32;
};

// The factors as products of Tile take them, where a thread has copied them.
template <class Tile, int kWords>
__device__ __forceinline__ void round_own(Precision precision, float* chunk) {
  if constexpr (kWords == 1)
    *chunk = round_factor(precision, *chunk);
  else if constexpr (Tile::kPrecision == Precision::kTf32)
    round_to_tf32_in_place(chunk);
}
// False: round_own does nothing.
template <class Tile, int kWords>
__device__ __forceinline__ bool rounds(Precision precision) {
  return kWords == 1 ? precision != Precision::kFp32 : Tile::kPrecision == Precision::kTf32;
}

// The chunks of kWords of every step that one thread copies of kRows rows, which are contiguous along the depth: the
// same place of the depth in rows kRowStep apart.
template <class Tile, int kRows, int kWords>
struct RowCopies {
  static constexpr int kChunks = kLinearDepth / kWords;
  static constexpr int kRowStep = kLinearThreads / kChunks;
  static constexpr int kCopies = kRows / kRowStep;
  static constexpr int kPitch = Tile::pitch_a(kLinearDepth);
  static_assert(kRows % kRowStep == 0);
  int place;        // in shared memory, of the first copy
  int channel;      // of the depth of a step
  int at[kCopies];  // floats from `from` to the copies
  const float* from;

  // row_of(p) is the row that is copied to place p; `left` rows are there.
  template <class RowOf>
  __device__ __forceinline__ RowCopies(const float* first_row, int left, int depth, const RowOf& row_of) {
    const int thread = static_cast<int>(threadIdx.x);
    channel = thread % kChunks * kWords;
    place = apart(thread / kChunks);
    from = first_row;
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int row = row_of(place + i * kRowStep);
      at[i] = (row < left ? row : left - 1) * depth + channel;
    }
  }
  __device__ __forceinline__ void copy(float* to, int depth_left) {
    const int bytes = channel < depth_left ? 4 * kWords : 0;
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i)
      simt::copy_async<4 * kWords>(to + (place + i * kRowStep) * kPitch + channel, from + at[i], bytes);
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) at[i] += kLinearDepth;
  }
  __device__ __forceinline__ void round(Precision precision, float* tile) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i)
      round_own<Tile, kWords>(precision, tile + (place + i * kRowStep) * kPitch + channel);
  }

 private:
  // Eight threads write at a time, 16 bytes each, to two rows: of those that lie in different banks.
  __device__ __forceinline__ static int apart(int i) {
    constexpr int kApart = Tile::kRowsApart;
    return kWords == 4 ? i % 2 * kApart + i / 2 % kApart + i / (2 * kApart) * (2 * kApart) : i;
  }
};

// Likewise of 64 columns that are contiguous: the same columns at depths kDepthStep apart.
template <class Tile, int kWords>
struct ColumnCopies {
  static constexpr int kChunks = kWarpTileColumns / kWords;
  static constexpr int kDepthStep = kLinearThreads / kChunks;
  static constexpr int kCopies = kLinearDepth / kDepthStep;
  int depth;   // of a step, of the first copy
  int column;  // of the tile
  std::int64_t step;
  const float* from;

  // `left` columns are there.
  __device__ __forceinline__ ColumnCopies(const float* first_column, int left, int columns) {
    depth = static_cast<int>(threadIdx.x) / kChunks;
    column = static_cast<int>(threadIdx.x) % kChunks * kWords;
    step = std::int64_t{kDepthStep} * columns;
    from = first_column + std::int64_t{depth} * columns + (column < left ? column : left - kWords);
  }
  __device__ __forceinline__ void copy(float* to, int depth_left) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int d = depth + i * kDepthStep;
      simt::copy_async<4 * kWords>(to + d * Tile::kPitchB + column, from, d < depth_left ? 4 * kWords : 0);
      from += step;
    }
  }
  __device__ __forceinline__ void round(Precision precision, float* tile) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i)
      round_own<Tile, kWords>(precision, tile + (depth + i * kDepthStep) * Tile::kPitchB + column);
  }
};

// The copies of b.
template <class Tile, bool kTurned, int kWords>
__device__ __forceinline__ auto copies_of_b(const LinearSizes& s, const float* b, int first_column) {
  const int left = s.columns - first_column;
  if constexpr (kTurned)
    return RowCopies<Tile, kWarpTileColumns, kWords>(b + std::int64_t{first_column} * s.depth, left, s.depth,
                                                     [](int place) { return Tile::column_of_place(place); });
  else
    return ColumnCopies<Tile, kWords>(b + first_column, left, s.columns);
}

// Floats of one stage: the rows of a, then b.
template <class Tile>
constexpr int kLinearRowFloats = Tile::pitch_a(kLinearDepth) * kLinearRows;
template <class Tile, bool kTurned>
constexpr int kLinearColumnFloats = kTurned ? Tile::pitch_a(kLinearDepth) * kWarpTileColumns
                                            : kLinearDepth* Tile::kPitchB;
template <class Tile, bool kTurned>
constexpr int kLinearFloats = kLinearRowFloats<Tile> + kLinearColumnFloats<Tile, kTurned>;

// Ends the product of an epilogue that reads memory: all its reads are on their way at once.
template <class Tile, class Epilogue>
__device__ __forceinline__ void finish_fetched(const LinearSizes& s, const Tile& tile, const Epilogue& epilogue,
                                               int first_row, int first_column) {
  constexpr int kFours = kWarpTileRows * kWarpTileColumns / 32 / 4;
  float4 sums[kFours];
  Floats<4> fetched[kFours];
  int i = 0;
  tile.template for_each4<LayoutA::kRows>([&](int, int, const float4& sum) { sums[i++] = sum; });
  const auto for_each = [&](const auto& visit) {
    i = 0;
    Tile::template for_each_place<LayoutA::kRows>([&](int row_in_warp, int column_in_tile) {
      const int row = first_row + row_in_warp;
      const int column = first_column + column_in_tile;
      if (row < s.rows && column < s.columns) visit(std::int64_t{row} * s.columns + column);
      ++i;
    });
  };
  for_each([&](std::int64_t at) { fetched[i] = epilogue.template fetch<4>(at); });
  for_each([&](std::int64_t at) {
    epilogue.template finish<4>(at, {{sums[i].x, sums[i].y, sums[i].z, sums[i].w}}, fetched[i]);
  });
}

// The tile of number `block`, in the block's `shared` of s.stages times kLinearFloats. Columns run fastest: blocks side
// by side in time read the same rows.
template <class Tile, bool kTurned, int kWords, class Epilogue>
__device__ __forceinline__ void linear_product(const LinearSizes& s, const float* a, const float* b,
                                               const Epilogue& epilogue, int block, float* shared) {
  constexpr int kPitchA = Tile::pitch_a(kLinearDepth);
  constexpr int kRows = kLinearRowFloats<Tile>;
  const Ring<Tile> ring(s.stages, kLinearFloats<Tile, kTurned>);
  const int first_row = block / s.column_tiles * kLinearRows;
  const int first_column = block % s.column_tiles * kWarpTileColumns;
  RowCopies<Tile, kLinearRows, kWords> row_copies(a + std::int64_t{first_row} * s.depth, s.rows - first_row, s.depth,
                                                  [](int place) { return place; });
  auto column_copies = copies_of_b<Tile, kTurned, kWords>(s, b, first_column);
  const int row_of_warp = warp_of_thread() * kWarpTileRows;

  Tile tile;
  // `left` of the depth, into the buffers at `to`.
  const auto copy_step = [&](int to, int left) {
    if (left > 0) {
      row_copies.copy(shared + to, left);
      column_copies.copy(shared + to + kRows, left);
    }
    simt::commit_async();
  };
  for (int i = 0; i + 1 < ring.stages(); ++i) copy_step(i * kLinearFloats<Tile, kTurned>, s.depth - i * kLinearDepth);
  int now = 0;
  for (int left = s.depth; left > 0; left -= kLinearDepth) {
    ring.wait();
    float* const rows = shared + now;
    float* const columns = rows + kRows;
    if (rounds<Tile, kWords>(s.precision)) {
      row_copies.round(s.precision, rows);
      column_copies.round(s.precision, columns);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    copy_step(ring.before(now), left - (ring.stages() - 1) * kLinearDepth);
    if constexpr (kTurned)
      tile.template multiply_turned<kLinearDepth>(rows + row_of_warp * kPitchA, columns);
    else
      tile.template multiply_rows<kLinearDepth>(rows + row_of_warp * kPitchA, columns);
    now = ring.after(now);
  }

  // FFMA leaves no registers for that, and more time.
  if constexpr (kWords == 4 && Epilogue::kFetches && Tile::kPrecision != Precision::kFp32)
    return finish_fetched(s, tile, epilogue, first_row + row_of_warp, first_column);
  tile.template for_each4<LayoutA::kRows>([&](int row_in_warp, int column_in_tile, float4 sum) {
    const int row = first_row + row_of_warp + row_in_warp;
    const int column = first_column + column_in_tile;
    if (row >= s.rows || column >= s.columns) return;
    const std::int64_t at = std::int64_t{row} * s.columns + column;
    if constexpr (kWords == 4) {
      epilogue.template store<4>(at, column, {{sum.x, sum.y, sum.z, sum.w}});
    } else {
      const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j)
        if (column + j < s.columns) epilogue.template store<1>(at + j, column + j, {{sums[j]}});
    }
  });
}

template <class Tile, bool kTurned, int kWords, class Epilogue>
__global__ void __launch_bounds__(kLinearThreads, kWords == 4 ? 3 : 2)
    linear_product_kernel(LinearSizes s, const float* a, const float* b, Epilogue epilogue) {
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
  linear_product<Tile, kTurned, kWords>(s, a, b, epilogue, static_cast<int>(blockIdx.x), shared);
}

}  // namespace cardiograd::kernels
