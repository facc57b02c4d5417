// tile: results in registers, y = x w + b and its gradients as the matrix products of gemm_cuda.cuh.
//
//   a block     64 x 64 results, 256 threads; walks over the depth in tiles of 16
//   a thread    4 x 4 results; of each tile it copies four elements of either operand
//   shared      8.5 KiB, rows 68 floats apart
//   takes       any size
//
// Beats shared by its reads of shared memory: two of 16 bytes for 16 multiply-adds instead of two words for one; 648
// instructions for 256 FFMA instead of 872. The gradient of w sums over all rows: pieces of them side by side, added in
// order.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/gemm/gemm_cuda.cuh"
#include "kernels/gemm/rounded_cuda.cuh"
#include "kernels/linear/ladder/linear_ladder.h"
#include "kernels/linear/ladder/linear_passes.h"

namespace cardiograd::kernels {

// y (rows, outputs) = x w + b
struct LinearForwardProblem {
  static constexpr bool kRowsContiguous = false;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t inputs;
  const float* x;
  const float* w;
  const float* bias;
  float* y;
  bool relu;
  __device__ void depth(unsigned, std::int64_t& first, std::int64_t& last) const {
    first = 0;
    last = inputs;
  }
  __device__ float a(unsigned, std::int64_t row, std::int64_t k) const { return x[row * inputs + k]; }
  __device__ float b(unsigned, std::int64_t k, std::int64_t column) const { return w[k * columns + column]; }
  __device__ void store(unsigned, std::int64_t row, std::int64_t column, float sum) const {
    const float value = sum + bias[column];
    y[row * columns + column] = relu && value < 0 ? 0 : value;
  }
};

// dx (rows, inputs) = dy w^T
struct LinearBackwardInputProblem {
  static constexpr bool kRowsContiguous = false;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t outputs;
  const float* w;
  const float* dy;
  float* dx;
  __device__ void depth(unsigned, std::int64_t& first, std::int64_t& last) const {
    first = 0;
    last = outputs;
  }
  __device__ float a(unsigned, std::int64_t row, std::int64_t k) const { return dy[row * outputs + k]; }
  __device__ float b(unsigned, std::int64_t k, std::int64_t column) const { return w[column * outputs + k]; }
  __device__ void store(unsigned, std::int64_t row, std::int64_t column, float sum) const {
    dx[row * columns + column] = sum;
  }
};

// partial (piece, inputs, outputs) = x^T dy over the rows of one piece, which blockIdx.z numbers
struct LinearBackwardWeightProblem {
  static constexpr bool kRowsContiguous = true;
  std::int64_t rows;
  std::int64_t columns;
  DepthPieces pieces;
  const float* x;
  const float* dy;
  float* partial;
  __device__ void depth(unsigned z, std::int64_t& first, std::int64_t& last) const { pieces.range(z, first, last); }
  __device__ float a(unsigned, std::int64_t row, std::int64_t k) const { return x[k * rows + row]; }
  __device__ float b(unsigned, std::int64_t k, std::int64_t column) const { return dy[k * columns + column]; }
  __device__ void store(unsigned z, std::int64_t row, std::int64_t column, float sum) const {
    partial[(z * rows + row) * columns + column] = sum;
  }
};

void linear_forward_tile(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  x = rounded_factors(s.precision, s.rows * s.inputs, x, CudaScratchUse::kFactorA, stream);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, CudaScratchUse::kFactorB, stream);
  tile_gemm(LinearForwardProblem{s.rows, s.outputs, s.inputs, x, w, b, y, s.relu}, 1, stream);
  drop_output(s, y, stream);
}

void linear_backward_input_tile(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  dy = rounded_factors(s.precision, s.rows * s.outputs, dy, CudaScratchUse::kFactorA, stream);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, CudaScratchUse::kFactorB, stream);
  put_input_gradient(s, dx, stream, [&](float* to) {
    tile_gemm(LinearBackwardInputProblem{s.rows, s.inputs, s.outputs, w, dy, to}, 1, stream);
  });
}

void linear_backward_weight_tile(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  const DepthPieces pieces = cut_depth(s.rows);
  const std::int64_t weights = s.inputs * s.outputs;
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, pieces.count * weights);
  if (db != nullptr) add_column_sums(s.rows, s.outputs, dy, db, stream);
  x = rounded_factors(s.precision, s.rows * s.inputs, x, CudaScratchUse::kFactorA, stream);
  dy = rounded_factors(s.precision, s.rows * s.outputs, dy, CudaScratchUse::kFactorB, stream);
  tile_gemm(LinearBackwardWeightProblem{s.inputs, s.outputs, pieces, x, dy, partial}, pieces.count, stream);
  for_each_element(weights, stream, AddPiecesBody{weights, pieces.count, partial, dw});
}

}  // namespace cardiograd::kernels
