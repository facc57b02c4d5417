// A tiled matrix product on the GPU, of matrices that a struct describes element by element: linear layers and
// convolutions are such structs. Plain fp32; every sum has a fixed order.
//
// A Problem has
//   std::int64_t rows, columns                         of the result
//   static constexpr bool kRowsContiguous              whether a(row, k) and a(row + 1, k) are neighbors in memory
//   __device__ void depth(unsigned z, int64& first, int64& last) const       what blockIdx.z sums over
//   __device__ float a(unsigned z, int64 row, int64 k) const
//   __device__ float b(unsigned z, int64 k, int64 column) const
//   __device__ void store(unsigned z, int64 row, int64 column, float sum) const
#pragma once

#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kGemmTile = 64;
inline constexpr int kGemmDepth = 16;
inline constexpr int kGemmThreads = 256;
// 16-byte aligned rows that do not all begin in the same bank.
inline constexpr int kGemmPitch = kGemmTile + 4;

// One block: a tile of 64 x 64 results; one thread: 4 x 4 of them, in registers. Shared memory 8.5 KiB. Any size.
template <class Problem>
__global__ void __launch_bounds__(kGemmThreads, 2) tile_gemm_kernel(Problem p) {
  SIMT_SHARED(float, a_tile, [kGemmDepth][kGemmPitch]);
  SIMT_SHARED(float, b_tile, [kGemmDepth][kGemmPitch]);
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first_row = std::int64_t{blockIdx.x} * kGemmTile;
  const std::int64_t first_column = std::int64_t{blockIdx.y} * kGemmTile;
  const int my_row = thread / 16 * 4;
  const int my_column = thread % 16 * 4;
  std::int64_t first = 0;
  std::int64_t last = 0;
  p.depth(blockIdx.z, first, last);
  float sum[4][4] = {};
  for (std::int64_t k0 = first; k0 < last; k0 += kGemmDepth) {
    for (int i = thread; i < kGemmTile * kGemmDepth; i += kGemmThreads) {
      const int row = Problem::kRowsContiguous ? i % kGemmTile : i / kGemmDepth;
      const int k = Problem::kRowsContiguous ? i / kGemmTile : i % kGemmDepth;
      const bool inside = first_row + row < p.rows && k0 + k < last;
      a_tile[k][row] = inside ? p.a(blockIdx.z, first_row + row, k0 + k) : 0.0F;
    }
    for (int i = thread; i < kGemmTile * kGemmDepth; i += kGemmThreads) {
      const int column = i % kGemmTile;
      const int k = i / kGemmTile;
      const bool inside = first_column + column < p.columns && k0 + k < last;
      b_tile[k][column] = inside ? p.b(blockIdx.z, k0 + k, first_column + column) : 0.0F;
    }
    __syncthreads();
    for (int k = 0; k < kGemmDepth; ++k) {
      const float4 a = simt::load4(&a_tile[k][my_row]);
      const float4 b = simt::load4(&b_tile[k][my_column]);
      const float as[4] = {a.x, a.y, a.z, a.w};
      const float bs[4] = {b.x, b.y, b.z, b.w};
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) sum[i][j] += as[i] * bs[j];
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const std::int64_t row = first_row + my_row + i;
      const std::int64_t column = first_column + my_column + j;
      if (row < p.rows && column < p.columns) p.store(blockIdx.z, row, column, sum[i][j]);
    }
  }
}

template <class Problem>
void tile_gemm(const Problem& problem, std::int64_t layers, cudaStream_t stream) {
  if (problem.rows == 0 || problem.columns == 0 || layers == 0) return;
  simt::launch<tile_gemm_kernel<Problem>>(
      dim3(blocks_for(problem.rows, kGemmTile), blocks_for(problem.columns, kGemmTile), static_cast<unsigned>(layers)),
      dim3(kGemmThreads), 0, stream, problem);
}

// Gradients of weights sum over all rows of a batch, which is far deeper than the result is wide: the depth is cut into
// pieces, by its length alone, which are computed side by side and added in order.
inline constexpr std::int64_t kMinPiece = 512;
inline constexpr std::int64_t kMaxPieces = 32;
struct DepthPieces {
  std::int64_t depth;
  std::int64_t size;
  std::int64_t count;
  __device__ void range(std::int64_t piece, std::int64_t& first, std::int64_t& last) const {
    first = piece * size;
    last = first + size < depth ? first + size : depth;
  }
};
inline DepthPieces cut_depth(std::int64_t depth) {
  const std::int64_t even = (depth + kMaxPieces - 1) / kMaxPieces;
  const std::int64_t size = even > kMinPiece ? even : kMinPiece;
  return {depth, size, (depth + size - 1) / size};
}

// sum[i] += the pieces of partial (piece, count), in order.
struct AddPiecesBody {
  std::int64_t count;
  std::int64_t pieces;
  const float* partial;
  float* sum;
  __device__ void operator()(std::int64_t i) const {
    float total = 0;
    for (std::int64_t piece = 0; piece < pieces; ++piece) total += partial[piece * count + i];
    sum[i] += total;
  }
};

}  // namespace cardiograd::kernels
