#include "kernels/activation/activation_cuda.cuh"
#include "kernels/activation/activation_cuda.h"
#include "kernels/common/elementwise_cuda.cuh"

namespace cardiograd::kernels {

void relu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream) {
  for_each_element(s.count, stream, ReluForwardBody{x, y});
}

void relu_backward_cuda(const ActivationShape& s, const float* y, const float* dy, float* dx, Stream stream) {
  for_each_element(s.count, stream, ReluBackwardBody{y, dy, dx});
}

void gelu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream) {
  for_each_element(s.count, stream, GeluForwardBody{x, y});
}

void gelu_backward_cuda(const ActivationShape& s, const float* x, const float* dy, float* dx, Stream stream) {
  for_each_element(s.count, stream, GeluBackwardBody{x, dy, dx});
}

}  // namespace cardiograd::kernels
