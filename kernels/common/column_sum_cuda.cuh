// Sums over the rows of a matrix, channels last, with fixed trees: what biases, normalizations and broadcasts need in
// their backward direction. One launch: blocks leave the sums of their rows, the last of a tile adds them up.
#pragma once

#include <cstdint>

#include "kernels/common/finite.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kRowsPerChunk = 256;

// A sum that keeps what each addition rounds away (Knuth's two-sum): as exact as one in double, without the GPU's slow
// double arithmetic.
struct CompensatedSum {
  float sum = 0;
  float lost = 0;
  __device__ __forceinline__ void add(float x) {
    const float total = sum + x;
    const float added = total - sum;
    lost += (sum - (total - added)) + (x - added);
    sum = total;
  }
  // What is lost of an infinite sum is NaN.
  __device__ __forceinline__ float value() const { return is_finite(lost) ? sum + lost : sum; }
};

// put(d, sum of the parts' values d ... d + kWidth - 1), by all kThreads threads of a one-dimensional block: `count`
// parts of `columns` values, one behind the other.
template <int kWidth, int kThreads, class Put>
__device__ __forceinline__ void sum_parts(const float* parts, unsigned count, unsigned columns, const Put& put) {
  constexpr unsigned kAhead = 8;  // parts that a thread reads at once
  SIMT_UNROLL_BY(1)
  for (unsigned d = threadIdx.x * kWidth; d < columns; d += kThreads * kWidth) {
    CompensatedSum total[kWidth];
    for (unsigned first = 0; first < count; first += kAhead) {
      Floats<kWidth> values[kAhead] = {};
      SIMT_UNROLL
      for (unsigned i = 0; i < kAhead; ++i)
        if (first + i < count) values[i] = load_floats<kWidth>(parts + std::uint64_t{first + i} * columns + d);
      SIMT_UNROLL
      for (unsigned i = 0; i < kAhead; ++i) {
        SIMT_UNROLL
        for (int j = 0; j < kWidth; ++j) total[j].add(values[i].at[j]);
      }
    }
    Floats<kWidth> sum;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sum.at[j] = total[j].value();
    put(d, sum);
  }
}

// What the blocks of a launch leave for the last of their tile.
struct ColumnPartials {
  float* sums;        // (chunk, kSums, columns)
  unsigned* arrived;  // per tile of columns
};

inline constexpr unsigned kPartsAhead = 4;  // that a thread reads at once

// From each thread's sums to finish(column, sums of all chunks), called by the threads of row lane 0. The block is
// chunk number `chunk` of `chunks`; a tile of columns is blockIdx.y. Shared memory: kSums * 4 KiB. True in the block
// that called finish, whose threads are past a barrier behind it.
template <int kSums, int kWidth, class Finish>
__device__ bool finish_column_sums(Floats<kWidth> (&sums)[kSums], unsigned chunk, unsigned chunks, unsigned columns,
                                   const ColumnPartials& partials, const Finish& finish) {
  using Tile = RowTile<kWidth>;
  SIMT_SHARED(float, lanes, [Tile::kRowLanes][Tile::kColumns]);
  const unsigned column = blockIdx.y * Tile::kColumns + threadIdx.x * kWidth;
  const bool leads = threadIdx.y == 0 && column < columns;
  SIMT_UNROLL
  for (int i = 0; i < kSums; ++i) sums[i] = sum_row_lanes<kWidth>(lanes, sums[i]);
  const auto at = [&](unsigned which, int i) {
    return partials.sums + (std::int64_t{which} * kSums + i) * columns + column;
  };
  if (chunks > 1) {
    if (leads)
      for (int i = 0; i < kSums; ++i) store_floats<kWidth>(at(chunk, i), sums[i]);
    if (!is_last_block(partials.arrived + blockIdx.y, chunks)) return false;
    CompensatedSum totals[kSums][kWidth];
    if (column < columns) {
      for (unsigned first = threadIdx.y; first < chunks; first += kPartsAhead * Tile::kRowLanes) {
        Floats<kWidth> parts[kPartsAhead][kSums] = {};
        SIMT_UNROLL
        for (unsigned ahead = 0; ahead < kPartsAhead; ++ahead) {
          const unsigned which = first + ahead * Tile::kRowLanes;
          if (which >= chunks) continue;
          SIMT_UNROLL
          for (int i = 0; i < kSums; ++i) parts[ahead][i] = load_floats<kWidth>(at(which, i));
        }
        SIMT_UNROLL
        for (unsigned ahead = 0; ahead < kPartsAhead; ++ahead) {
          SIMT_UNROLL
          for (int i = 0; i < kSums; ++i) {
            SIMT_UNROLL
            for (int j = 0; j < kWidth; ++j) totals[i][j].add(parts[ahead][i].at[j]);
          }
        }
      }
    }
    SIMT_UNROLL
    for (int i = 0; i < kSums; ++i) {
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sums[i].at[j] = totals[i][j].value();
      sums[i] = sum_row_lanes<kWidth>(lanes, sums[i]);
    }
  }
  if (leads) finish(column, sums);
  __syncthreads();
  return true;
}

// Working memory for `kSums` sums of each column and chunk.
inline ColumnPartials column_partials(cudaStream_t stream, std::int64_t chunks, int sums, std::int64_t columns) {
  return {cuda_scratch(stream, CudaScratchUse::kColumnSums, chunks * sums * columns), cuda_counters(stream)};
}

// One block: kRowsPerChunk rows of a tile of columns. Source: at<kWidth>(row, column) gives a struct whose
// add(i, sums) adds the terms of row + i.
// Without a number of blocks ptxas keeps to 32 registers on sm_90, and spills.
template <int kSums, int kWidth, class Source, class Finish>
__global__ void __launch_bounds__(kTileThreads, 4)
    column_sums_kernel(std::int64_t rows, unsigned columns, Source source, ColumnPartials partials, Finish finish) {
  using Tile = RowTile<kWidth>;
  const unsigned column = blockIdx.y * Tile::kColumns + threadIdx.x * kWidth;
  const std::int64_t first = std::int64_t{blockIdx.x} * kRowsPerChunk;
  const unsigned count = static_cast<unsigned>(rows - first < kRowsPerChunk ? rows - first : kRowsPerChunk);
  Floats<kWidth> sums[kSums] = {};
  if (column < columns) {
    const auto from = source.template at<kWidth>(first, column);
    for (unsigned row = threadIdx.y; row < count; row += Tile::kRowLanes) from.add(row, sums);
  }
  finish_column_sums<kSums, kWidth>(sums, blockIdx.x, gridDim.x, columns, partials, finish);
}

// sum[column] += the sum of a row-major matrix's column.
struct MatrixSource {
  const float* matrix;
  unsigned columns;

  template <int kWidth>
  struct Rows {
    const float* first;
    unsigned columns;
    __device__ __forceinline__ void add(unsigned row, Floats<kWidth> (&sums)[1]) const {
      const Floats<kWidth> value = load_floats<kWidth>(first + std::uint64_t{row} * columns);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sums[0].at[j] += value.at[j];
    }
  };
  template <int kWidth>
  __device__ Rows<kWidth> at(std::int64_t row, unsigned column) const {
    return {matrix + row * columns + column, columns};
  }
};
struct AddToVector {
  float* vector;
  template <int kWidth>
  __device__ void operator()(unsigned column, const Floats<kWidth> (&sums)[1]) const {
    add_floats<kWidth>(vector + column, sums[0]);
  }
};
inline void add_column_sums(std::int64_t rows, std::int64_t columns, const float* matrix, float* sum,
                            cudaStream_t stream) {
  if (columns == 0 || rows == 0) return;
  const unsigned chunks = blocks_for(rows, kRowsPerChunk);
  const ColumnPartials partials = column_partials(stream, chunks, 1, columns);
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<column_sums_kernel<1, width(), MatrixSource, AddToVector>>(
        dim3(chunks, Tile::tiles(columns)), Tile::block(), 0, stream, rows, static_cast<unsigned>(columns),
        MatrixSource{matrix, static_cast<unsigned>(columns)}, partials, AddToVector{sum});
  };
  with_width(columns, launch, matrix, sum);
}

}  // namespace cardiograd::kernels
