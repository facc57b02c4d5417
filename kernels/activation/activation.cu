// Activations on the GPU, one element at a time (elementwise_cuda.cuh). NaN stays NaN: comparisons with it are false.
#include <cstdint>

#include "kernels/activation/activation.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct ReluForwardBody {
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] = x[i] <= 0.0F ? 0.0F : x[i]; }
};

struct ReluBackwardBody {
  const float* y;
  const float* dy;
  float* dx;
  __device__ void operator()(std::int64_t i) const { dx[i] = y[i] <= 0.0F ? 0.0F : dy[i]; }
};

// The fraction of the normal distribution below x. erfc, not 1 + erf: for negative x the sum would cancel.
__device__ inline float normal_below(float x) {
  return 0.5F * erfcf(-0.707106781F * x);
}

struct GeluForwardBody {
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] = x[i] * normal_below(x[i]); }
};

struct GeluBackwardBody {
  const float* x;
  const float* dy;
  float* dx;
  __device__ void operator()(std::int64_t i) const {
    const float density = 0.398942280F * expf(-0.5F * x[i] * x[i]);
    dx[i] = dy[i] * (normal_below(x[i]) + x[i] * density);
  }
};

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
