// The transposition on the GPU, through tiles in shared memory: both sides are read and written row by row.
#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/transpose/transpose.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kTransposeTile = 32;
inline constexpr int kTransposeRows = 8;  // of a block's threads

// One block: a tile of a record. Blocks: tiles of columns, tiles of rows, records. Shared memory 4.1 KiB.
static __global__ void __launch_bounds__(kTransposeTile* kTransposeRows)
    transpose_kernel(std::int64_t rows, std::int64_t columns, const float* __restrict__ x, float* __restrict__ y) {
  SIMT_SHARED(float, tile, [kTransposeTile][kTransposeTile + 1]);  // One more: no bank conflicts
  const std::int64_t record = blockIdx.x * rows * columns;
  const std::int64_t first_row = std::int64_t{blockIdx.z} * kTransposeTile;
  const std::int64_t first_column = std::int64_t{blockIdx.y} * kTransposeTile;
  const std::int64_t column = first_column + threadIdx.x;
  SIMT_UNROLL
  for (int i = 0; i < kTransposeTile; i += kTransposeRows) {
    const std::int64_t row = first_row + threadIdx.y + i;
    if (row < rows && column < columns) tile[threadIdx.y + i][threadIdx.x] = x[record + row * columns + column];
  }
  __syncthreads();
  const std::int64_t row = first_row + threadIdx.x;
  SIMT_UNROLL
  for (int i = 0; i < kTransposeTile; i += kTransposeRows) {
    const std::int64_t to = first_column + threadIdx.y + i;
    if (to < columns && row < rows) y[record + to * rows + row] = tile[threadIdx.x][threadIdx.y + i];
  }
}

namespace {

void transpose(std::int64_t batch, std::int64_t rows, std::int64_t columns, const float* x, float* y, Stream stream) {
  if (batch * rows * columns == 0) return;
  const dim3 blocks(static_cast<unsigned>(batch), blocks_for(columns, kTransposeTile),
                    blocks_for(rows, kTransposeTile));
  simt::launch<transpose_kernel>(blocks, dim3(kTransposeTile, kTransposeRows), 0, stream, rows, columns, x, y);
}

}  // namespace

void transpose_forward_cuda(const TransposeShape& s, const float* x, float* y, Stream stream) {
  transpose(s.batch, s.time, s.channels, x, y, stream);
}

void transpose_backward_cuda(const TransposeShape& s, const float* dy, float* dx, Stream stream) {
  transpose(s.batch, s.channels, s.time, dy, dx, stream);
}

}  // namespace cardiograd::kernels
