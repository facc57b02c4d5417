// Activations on the GPU, one element at a time (elementwise_cuda.cuh). NaN stays NaN: comparisons with it are false.
#pragma once

#include <cstdint>

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

// The normal distribution's share below x. erfc, not 1 + erf: for negative x the sum would cancel.
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

}  // namespace cardiograd::kernels
