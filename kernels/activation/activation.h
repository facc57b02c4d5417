// Activations, element by element.
//
//   relu(x) = max(x, 0)        gelu(x) = x * Phi(x),  Phi(x) = (1 + erf(x / sqrt 2)) / 2, the exact form
//   leaky_relu(x) = x where x > 0, slope * x elsewhere; slope 0 or more        tanh(x)
//
//   x, y  (count)
//
//   relu_forward    y  =        relu_backward   dx = dy where y > 0, 0 elsewhere: needs the output only
//   gelu_forward    y  =        gelu_backward   dx = dy * (Phi(x) + x * phi(x)),  phi the normal density
//   leaky_relu_forward   y =    leaky_relu_backward   dx = dy where x > 0, slope * dy elsewhere
//   tanh_forward    y  =        tanh_backward   dx = dy * (1 - y^2)
//
// NaN stays NaN.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct ActivationShape {
  std::int64_t count = 1;
};

struct LeakyReluShape {
  std::int64_t count = 1;
  float slope = 0.01F;
};

void relu_forward_cpu(const ActivationShape& s, const float* x, float* y);
void relu_backward_cpu(const ActivationShape& s, const float* y, const float* dy, float* dx);
void gelu_forward_cpu(const ActivationShape& s, const float* x, float* y);
void gelu_backward_cpu(const ActivationShape& s, const float* x, const float* dy, float* dx);
void leaky_relu_forward_cpu(const LeakyReluShape& s, const float* x, float* y);
void leaky_relu_backward_cpu(const LeakyReluShape& s, const float* x, const float* dy, float* dx);
void tanh_forward_cpu(const ActivationShape& s, const float* x, float* y);
void tanh_backward_cpu(const ActivationShape& s, const float* y, const float* dy, float* dx);

// The same on the GPU; pointers are to device memory.
void relu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream);
void relu_backward_cuda(const ActivationShape& s, const float* y, const float* dy, float* dx, Stream stream);
void gelu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream);
void gelu_backward_cuda(const ActivationShape& s, const float* x, const float* dy, float* dx, Stream stream);
void leaky_relu_forward_cuda(const LeakyReluShape& s, const float* x, float* y, Stream stream);
void leaky_relu_backward_cuda(const LeakyReluShape& s, const float* x, const float* dy, float* dx, Stream stream);
void tanh_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream);
void tanh_backward_cuda(const ActivationShape& s, const float* y, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
