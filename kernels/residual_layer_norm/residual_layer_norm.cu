// Residual sum and layer normalization on the GPU: the kernels of layer_norm_cuda.cuh with the sum as input
// (residual_layer_norm_cuda.cuh). Rows too wide for that go through memory.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/residual_layer_norm/residual_layer_norm.h"
#include "kernels/residual_layer_norm/residual_layer_norm_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// h of any row, one element per thread of kTileThreads. No shared memory.
static __global__ void __launch_bounds__(kTileThreads)
    residual_sum_kernel(std::int64_t rows, ResidualInput input, float* sum) {
  const unsigned column = blockIdx.y * kTileThreads + threadIdx.x;
  if (column >= input.dropout.width) return;
  const Floats<1> bias = {{input.bias[column]}};
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    unsigned kept = 0;
    sum[row * input.dropout.width + column] = input.value(row, column, input.fetch<1>(row, column), bias, kept).at[0];
  }
}

namespace {

void residual_sum(const ResidualLayerNormShape& s, const ResidualInput& input, float* sum, Stream stream) {
  simt::launch<residual_sum_kernel>(dim3(static_cast<unsigned>(s.rows), blocks_for(s.width, kTileThreads)),
                                    dim3(kTileThreads), 0, stream, s.rows, input, sum);
}

}  // namespace

void residual_layer_norm_forward_cuda(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                      const float* residual, const float* gamma, const float* beta, float* y,
                                      float* mean, float* rstd, Stream stream) {
  if (s.rows == 0) return;
  const LayerNormShape norm = {s.rows, s.width, s.epsilon};
  const ResidualInput input = {bias, x, residual, dropout_of(s)};
  const LayerNormForwardAt at = {gamma, beta, static_cast<float>(s.epsilon), y, mean, rstd};
  if (run_layer_norm_forward(norm, input, at, stream, x, bias, residual)) return;
  residual_sum(s, input, y, stream);
  wide_layer_norm_forward(norm, y, at, stream);
}

void residual_layer_norm_backward_cuda(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                       const float* residual, const float* gamma, const float* mean, const float* rstd,
                                       const float* dy, float* dx, float* dresidual, float* dbias, float* dgamma,
                                       float* dbeta, Stream stream) {
  if (s.rows == 0) return;
  const LayerNormShape norm = {s.rows, s.width, s.epsilon};
  const ResidualInput input = {bias, x, residual, dropout_of(s)};
  const ResidualOutput output = {dx, dresidual, dropout_of(s)};
  const LayerNormBackwardAt at = {gamma, mean, rstd, dy, dgamma, dbeta, dbias};
  if (run_layer_norm_backward<3>(norm, input, output, at, stream, x, bias, residual, dx, dresidual)) return;
  residual_sum(s, input, dresidual, stream);
  wide_layer_norm_backward(norm, dresidual, at, dresidual, stream);
  dropout_cuda({s.rows * s.width, s.dropout}, dresidual, dx, stream);
  add_column_sums(s.rows, s.width, dx, dbias, stream);
}

}  // namespace cardiograd::kernels
