// Addition on the GPU, one element at a time (elementwise_cuda.cuh).
#pragma once

#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::kernels {

struct AddBody {
  const float* a;
  const float* b;
  std::int64_t period;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] = a[i] + b[i % period]; }
};

struct AccumulateBody {
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] += x[i]; }
};

}  // namespace cardiograd::kernels
