// What ends a transformer and joins it with other features, in one pass over memory: the residual sum and layer
// normalization of residual_layer_norm.h, their mean over time, and another matrix beside it.
//
//   h = residual + dropout(x + bias)        y[n] = (sum over t of layer_norm(h)[n, t] / T, beside[n])
//
//   x, residual  (N, T, D)    bias, gamma, beta  (D)    beside  (N, B), B may be 0    y  (N, D + B)    mean, rstd  (N,
//   T)
//
//   residual_layer_norm_mean_forward    y, mean, rstd =
//   residual_layer_norm_mean_backward   dx = , dresidual = , dbias +=, dgamma +=, dbeta +=, dbeside =
//
// The normalized rows, as large as x, are neither written nor read, and their gradients, equal in all rows of a record,
// neither.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"
#include "kernels/residual_layer_norm/residual_layer_norm.h"

namespace cardiograd::kernels {

struct ResidualLayerNormMeanShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t width = 1;
  std::int64_t width_b = 0;  // of what is beside
  double epsilon = 1e-5;
  DropoutKey dropout;

  ResidualLayerNormShape rows() const { return {batch * time, width, epsilon, dropout}; }
};

void residual_layer_norm_mean_forward_cpu(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                          const float* residual, const float* gamma, const float* beta,
                                          const float* beside, float* y, float* mean, float* rstd);
void residual_layer_norm_mean_backward_cpu(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                           const float* residual, const float* gamma, const float* mean,
                                           const float* rstd, const float* dy, float* dx, float* dresidual,
                                           float* dbias, float* dgamma, float* dbeta, float* dbeside);

// The same on the GPU; pointers are to device memory.
void residual_layer_norm_mean_forward_cuda(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                           const float* residual, const float* gamma, const float* beta,
                                           const float* beside, float* y, float* mean, float* rstd, Stream stream);
void residual_layer_norm_mean_backward_cuda(const ResidualLayerNormMeanShape& s, const float* x, const float* bias,
                                            const float* residual, const float* gamma, const float* mean,
                                            const float* rstd, const float* dy, float* dx, float* dresidual,
                                            float* dbias, float* dgamma, float* dbeta, float* dbeside, Stream stream);

}  // namespace cardiograd::kernels
