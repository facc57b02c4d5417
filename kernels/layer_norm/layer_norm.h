// Layer normalization (Ba, Kiros and Hinton, 2016): each row on its own.
//
//   y[r, d] = gamma[d] * (x[r, d] - mean[r]) * rstd[r] + beta[d],   rstd = 1 / sqrt(variance + epsilon), biased
//
//   x, y  (R, D)        gamma, beta  (D)        mean, rstd  (R)
//
//   layer_norm_forward    y, mean, rstd =
//   layer_norm_backward   dx = , dgamma +=, dbeta +=
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct LayerNormShape {
  std::int64_t rows = 1;
  std::int64_t width = 1;
  double epsilon = 1e-5;
};

void layer_norm_forward_cpu(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                            float* mean, float* rstd);
void layer_norm_backward_cpu(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                             const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta);

// The same on the GPU; pointers are to device memory.
void layer_norm_forward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                             float* mean, float* rstd, Stream stream);
void layer_norm_backward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                              const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta,
                              Stream stream);

}  // namespace cardiograd::kernels
