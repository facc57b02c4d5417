// What the variants of batch normalization share: where the statistics go, and the pass that writes y.
#pragma once

#include <cstdint>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct LadderStatistics {
  float momentum;
  float* running_mean;
  float* running_var;
  float* mean;
  float* variance;

  // `squares`: sum of squared deviations.
  __device__ void finish(std::int64_t rows, std::int64_t channel, double center, double squares) const {
    mean[channel] = static_cast<float>(center);
    variance[channel] = static_cast<float>(squares / static_cast<double>(rows));
    const float unbiased = static_cast<float>(squares / static_cast<double>(rows - 1));
    running_mean[channel] = (1.0F - momentum) * running_mean[channel] + momentum * static_cast<float>(center);
    running_var[channel] = (1.0F - momentum) * running_var[channel] + momentum * unbiased;
  }
};

// One thread: element i of y. The channel is i modulo the channels: a 64-bit division, some 70 instructions.
struct LadderApplyBody {
  BatchNormShape s;
  const float* x;
  const float* gamma;
  const float* beta;
  const float* mean;
  const float* variance;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t c = i % s.channels;
    const float inverse = 1.0F / sqrtf(variance[c] + static_cast<float>(s.epsilon));
    const float value = (x[i] - mean[c]) * (gamma[c] * inverse) + beta[c];
    y[i] = s.relu && value <= 0.0F ? 0.0F : value;
  }
};

inline void ladder_apply(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                         const float* mean, const float* variance, float* y, Stream stream) {
  for_each_element(s.rows * s.channels, stream, LadderApplyBody{s, x, gamma, beta, mean, variance, y});
}

}  // namespace cardiograd::kernels
