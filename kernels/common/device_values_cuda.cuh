// Small device work around the operations (elementwise_cuda.cuh).
#pragma once

#include <cstdint>

#include "kernels/common/finite_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct FillBody {
  float value;
  float* x;
  __device__ void operator()(std::int64_t i) const { x[i] = value; }
};

struct ScaleByBody {
  const float* factor;
  float* x;
  __device__ void operator()(std::int64_t i) const { x[i] *= *factor; }
};

struct FindNotFiniteBody {
  const float* x;
  std::int32_t* found;
  __device__ void operator()(std::int64_t i) const {
    if (!is_finite(x[i])) atomicExch(found, 1);
  }
};

// One thread in all.
static __global__ void __launch_bounds__(32)
    clip_factor_kernel(std::int64_t count, const float* squares, double largest, float* norm, float* factor) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(squares[i]);
  const double root = sqrt(sum);
  const double wanted = largest / (root + 1e-6);  // PyTorch's guard against a norm of zero.
  *norm = static_cast<float>(root);
  *factor = wanted < 1 ? static_cast<float>(wanted) : 1.0F;
}

static __global__ void __launch_bounds__(32) probe_kernel() {}

}  // namespace cardiograd::kernels
