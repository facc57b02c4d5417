// What ends both halves of a transformer's layer, in one pass over memory: bias, dropout, residual sum, layer
// normalization.
//
//   h = residual + dropout(x + bias)        y = layer_norm(h), as layer_norm.h defines it; dropout as dropout.h does
//
//   x, residual, y  (R, D)        bias, gamma, beta  (D)        mean, rstd  (R), of h
//
//   residual_layer_norm_forward    y, mean, rstd =
//   residual_layer_norm_backward   dx = , dresidual = , dbias +=, dgamma +=, dbeta +=
//
// h is not kept: the backward direction computes it again from x and residual, which others keep anyway. x is the
// matrix product of the linear layer before, whose bias is added here: so its gradient, a sum over rows, costs no pass
// of its own.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

struct ResidualLayerNormShape {
  std::int64_t rows = 1;
  std::int64_t width = 1;
  double epsilon = 1e-5;
  DropoutKey dropout;
};

void residual_layer_norm_forward_cpu(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                     const float* residual, const float* gamma, const float* beta, float* y,
                                     float* mean, float* rstd);
void residual_layer_norm_backward_cpu(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                      const float* residual, const float* gamma, const float* mean, const float* rstd,
                                      const float* dy, float* dx, float* dresidual, float* dbias, float* dgamma,
                                      float* dbeta);

// The same on the GPU; pointers are to device memory.
void residual_layer_norm_forward_cuda(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                      const float* residual, const float* gamma, const float* beta, float* y,
                                      float* mean, float* rstd, Stream stream);
void residual_layer_norm_backward_cuda(const ResidualLayerNormShape& s, const float* x, const float* bias,
                                       const float* residual, const float* gamma, const float* mean, const float* rstd,
                                       const float* dy, float* dx, float* dresidual, float* dbias, float* dgamma,
                                       float* dbeta, Stream stream);

}  // namespace cardiograd::kernels
