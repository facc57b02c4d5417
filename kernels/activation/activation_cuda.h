// Launchers of the CUDA activations; activation_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/activation/activation_shape.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

void relu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream);
void relu_backward_cuda(const ActivationShape& s, const float* y, const float* dy, float* dx, Stream stream);
void gelu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream);
void gelu_backward_cuda(const ActivationShape& s, const float* x, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
