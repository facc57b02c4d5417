// Activations on the GPU, element by element (elementwise_cuda.cuh). NaN stays NaN: comparisons with it are false.
#include "kernels/activation/activation.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct ReluForwardMap {
  __device__ float operator()(float x) const { return x <= 0.0F ? 0.0F : x; }
};

struct ReluBackwardMap {
  __device__ float operator()(float y, float dy) const { return y <= 0.0F ? 0.0F : dy; }
};

// The fraction of the normal distribution below x. erfc, not 1 + erf: for negative x the sum would cancel.
__device__ inline float normal_below(float x) {
  return 0.5F * erfcf(-0.707106781F * x);
}

struct GeluForwardMap {
  __device__ float operator()(float x) const { return x * normal_below(x); }
};

struct GeluBackwardMap {
  __device__ float operator()(float x, float dy) const {
    const float density = 0.398942280F * expf(-0.5F * x * x);
    return dy * (normal_below(x) + x * density);
  }
};

struct LeakyReluForwardMap {
  float slope;
  __device__ float operator()(float x) const { return x <= 0.0F ? slope * x : x; }
};

struct LeakyReluBackwardMap {
  float slope;
  __device__ float operator()(float x, float dy) const { return x <= 0.0F ? slope * dy : dy; }
};

struct TanhForwardMap {
  __device__ float operator()(float x) const { return tanhf(x); }
};

struct TanhBackwardMap {
  __device__ float operator()(float y, float dy) const { return dy * (1.0F - y * y); }
};

void relu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream) {
  map_elements(s.count, stream, ReluForwardMap{}, y, x);
}

void relu_backward_cuda(const ActivationShape& s, const float* y, const float* dy, float* dx, Stream stream) {
  map_elements(s.count, stream, ReluBackwardMap{}, dx, y, dy);
}

void gelu_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream) {
  map_elements(s.count, stream, GeluForwardMap{}, y, x);
}

void gelu_backward_cuda(const ActivationShape& s, const float* x, const float* dy, float* dx, Stream stream) {
  map_elements(s.count, stream, GeluBackwardMap{}, dx, x, dy);
}

void leaky_relu_forward_cuda(const LeakyReluShape& s, const float* x, float* y, Stream stream) {
  map_elements(s.count, stream, LeakyReluForwardMap{s.slope}, y, x);
}

void leaky_relu_backward_cuda(const LeakyReluShape& s, const float* x, const float* dy, float* dx, Stream stream) {
  map_elements(s.count, stream, LeakyReluBackwardMap{s.slope}, dx, x, dy);
}

void tanh_forward_cuda(const ActivationShape& s, const float* x, float* y, Stream stream) {
  map_elements(s.count, stream, TanhForwardMap{}, y, x);
}

void tanh_backward_cuda(const ActivationShape& s, const float* y, const float* dy, float* dx, Stream stream) {
  map_elements(s.count, stream, TanhBackwardMap{}, dx, y, dy);
}

}  // namespace cardiograd::kernels
