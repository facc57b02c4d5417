// Sums over the rows of a matrix, channels last, in two stages with fixed trees: what biases, normalizations and
// broadcasts need in their backward direction.
#pragma once

#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kColumnTile = 32;
inline constexpr int kRowLanes = 8;
inline constexpr int kRowsPerChunk = 256;

// kSums values of one column.
template <int kSums>
struct ColumnSums {
  float value[kSums];
};

// One block: kRowsPerChunk rows of kColumnTile columns; thread (x, y): column x, every kRowLanes-th row from y. Shared
// memory: kSums KiB. partial (chunk, kSums, columns). load(row, column) gives ColumnSums<kSums>.
template <int kSums, class Load>
__global__ void __launch_bounds__(kColumnTile* kRowLanes)
    column_partials_kernel(std::int64_t rows, std::int64_t columns, Load load, float* partial) {
  SIMT_SHARED(float, lanes, [kSums][kRowLanes][kColumnTile]);
  const std::int64_t column = std::int64_t{blockIdx.y} * kColumnTile + threadIdx.x;
  const std::int64_t first = std::int64_t{blockIdx.x} * kRowsPerChunk;
  const std::int64_t last = first + kRowsPerChunk < rows ? first + kRowsPerChunk : rows;
  float sum[kSums] = {};
  if (column < columns) {
    for (std::int64_t row = first + threadIdx.y; row < last; row += kRowLanes) {
      const ColumnSums<kSums> term = load(row, column);
      for (int i = 0; i < kSums; ++i) sum[i] += term.value[i];
    }
  }
  for (int i = 0; i < kSums; ++i) lanes[i][threadIdx.y][threadIdx.x] = sum[i];
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  for (int i = 0; i < kSums; ++i) {
    float total = 0;
    for (int lane = 0; lane < kRowLanes; ++lane) total += lanes[i][lane][threadIdx.x];
    partial[(std::int64_t{blockIdx.x} * kSums + i) * columns + column] = total;
  }
}

// One thread: one column; adds the chunks in order, in double, and calls finish(column, sums).
template <int kSums, class Finish>
__global__ void __launch_bounds__(kColumnTile)
    column_finish_kernel(std::int64_t chunks, std::int64_t columns, const float* partial, Finish finish) {
  const std::int64_t column = std::int64_t{blockIdx.x} * kColumnTile + threadIdx.x;
  if (column >= columns) return;
  ColumnSums<kSums> sums;
  for (int i = 0; i < kSums; ++i) {
    double total = 0;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[(chunk * kSums + i) * columns + column];
    sums.value[i] = static_cast<float>(total);
  }
  finish(column, sums);
}

// finish(column, sums of load(row, column) over all rows).
template <int kSums, class Load, class Finish>
void column_sums(std::int64_t rows, std::int64_t columns, cudaStream_t stream, const Load& load, const Finish& finish) {
  if (columns == 0) return;
  const std::int64_t chunks = (rows + kRowsPerChunk - 1) / kRowsPerChunk;
  const unsigned tiles = blocks_for(columns, kColumnTile);
  float* partial = cuda_scratch(stream, CudaScratchUse::kColumnSums, chunks * kSums * columns);
  if (chunks > 0)
    simt::launch<column_partials_kernel<kSums, Load>>(dim3(static_cast<unsigned>(chunks), tiles),
                                                      dim3(kColumnTile, kRowLanes), 0, stream, rows, columns, load,
                                                      partial);
  simt::launch<column_finish_kernel<kSums, Finish>>(dim3(tiles), dim3(kColumnTile), 0, stream, chunks, columns, partial,
                                                    finish);
}

// sum[column] += the sum of a row-major matrix's column.
struct LoadMatrix {
  const float* matrix;
  std::int64_t columns;
  __device__ ColumnSums<1> operator()(std::int64_t row, std::int64_t column) const {
    return {{matrix[row * columns + column]}};
  }
};
struct AddToVector {
  float* vector;
  __device__ void operator()(std::int64_t column, const ColumnSums<1>& sums) const { vector[column] += sums.value[0]; }
};
inline void add_column_sums(std::int64_t rows, std::int64_t columns, const float* matrix, float* sum,
                            cudaStream_t stream) {
  column_sums<1>(rows, columns, stream, LoadMatrix{matrix, columns}, AddToVector{sum});
}

}  // namespace cardiograd::kernels
