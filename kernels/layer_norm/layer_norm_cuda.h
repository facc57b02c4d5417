// Launchers of CUDA layer normalization; layer_norm_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/layer_norm/layer_norm_shape.h"

namespace cardiograd::kernels {

void layer_norm_forward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                             float* mean, float* rstd, Stream stream);
void layer_norm_backward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                              const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta,
                              Stream stream);

}  // namespace cardiograd::kernels
