// Batch normalization over rows, channels last (Ioffe and Szegedy, 2015), with an optional ReLU behind it.
//
//   y[r, c] = gamma[c] * (x[r, c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c],   then max(y, 0) if `relu`
//
//   x, y  (rows, C), rows = batch * time        gamma, beta, mean, variance, running_mean, running_var  (C)
//
//   batch_norm_forward        y, mean, variance = from the rows of x, the variance biased (divided by `rows`);
//                             running = (1 - momentum) * running + momentum * statistic, the variance unbiased there
//                             (divided by rows - 1), as PyTorch does. Needs rows >= 2.
//   batch_norm_backward       dx = , dgamma +=, dbeta +=; through mean and variance too
//   batch_norm_eval_forward   y  = with the running statistics
//   batch_norm_eval_backward  dx = , dgamma +=, dbeta +=; the running statistics are constants
//
// ReLU is fused because the model always follows with it: that saves two passes over the largest tensors. Its mask is
// recomputed in the backward direction, so nothing but x is kept. NaN stays NaN.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// Rows that the GPU's kernels normalize in one launch each way; more take two.
inline constexpr std::int64_t kBatchNormChunk = 128;

struct BatchNormShape {
  std::int64_t rows = 2;  // batch x time; training needs at least 2
  std::int64_t channels = 1;
  double epsilon = 1e-5;
  double momentum = 0.1;
  bool relu = false;
};

void batch_norm_forward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                            float* running_mean, float* running_var, float* y, float* mean, float* variance);
void batch_norm_backward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                             float* dbeta);
void batch_norm_eval_forward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                 const float* running_mean, const float* running_var, float* y);
void batch_norm_eval_backward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, const float* dy, float* dx,
                                  float* dgamma, float* dbeta);

// The same on the GPU; pointers are to device memory.
void batch_norm_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, float* y, float* mean, float* variance,
                             Stream stream);
void batch_norm_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                              const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                              float* dbeta, Stream stream);
void batch_norm_eval_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, float* y, Stream stream);
void batch_norm_eval_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* running_mean, const float* running_var, const float* dy, float* dx,
                                   float* dgamma, float* dbeta, Stream stream);

}  // namespace cardiograd::kernels
