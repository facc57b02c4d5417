// Adam on the card, one parameter at a time (elementwise_cuda.cuh).
#pragma once

#include <cstdint>

#include "kernels/simt/simt.h"

namespace cardiograd::kernels {

// What is equal for all parameters, computed once in double.
struct AdamCoefficients {
  float coupled_decay;  // added to the gradient, times the parameter
  float keep;           // of the parameter, with decoupled decay
  float rate1, beta2, rate2;
  float step_size, inverse_root, epsilon;
};

struct AdamBody {
  AdamCoefficients k;
  const float* gradient;
  float* parameter;
  float* m;
  float* v;
  __device__ void operator()(std::int64_t i) const {
    const float g = gradient[i] + k.coupled_decay * parameter[i];
    const float first = m[i] + k.rate1 * (g - m[i]);
    const float second = k.beta2 * v[i] + k.rate2 * g * g;
    m[i] = first;
    v[i] = second;
    parameter[i] = k.keep * parameter[i] - k.step_size * first / (sqrtf(second) * k.inverse_root + k.epsilon);
  }
};

}  // namespace cardiograd::kernels
