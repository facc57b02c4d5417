// One output of the convolution by one thread: what the first two variants have in common.
#pragma once

#include <cstdint>

#include "kernels/conv1d/conv1d.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// y[record, t, channel]
__device__ inline float conv1d_output(const Conv1dShape& s, const float* x, const float* w, const float* bias,
                                      std::int64_t record, std::int64_t t, std::int64_t channel) {
  const std::int64_t inputs = s.input_channels / s.groups;
  const std::int64_t first = channel / (s.output_channels / s.groups) * inputs;
  float sum = 0;
  for (std::int64_t k = 0; k < s.kernel; ++k) {
    const std::int64_t source = t * s.stride - s.padding + k * s.dilation;
    if (source < 0 || source >= s.time) continue;
    const float* from = x + (record * s.time + source) * s.input_channels + first;
    const float* weight = w + k * inputs * s.output_channels + channel;
    for (std::int64_t c = 0; c < inputs; ++c) sum += from[c] * weight[c * s.output_channels];
  }
  return sum + bias[channel];
}

}  // namespace cardiograd::kernels
