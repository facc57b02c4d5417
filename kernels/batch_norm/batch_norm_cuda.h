// Launchers of CUDA batch normalization; batch_norm_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/batch_norm/batch_norm_shape.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

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
