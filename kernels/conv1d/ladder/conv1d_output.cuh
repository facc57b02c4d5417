// One output of the convolution by one thread: what the first two variants have in common. They differ in which output
// is whose.
#pragma once

#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/conv1d/conv1d.h"
#include "kernels/conv1d/ladder/conv1d_rounded.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct Conv1dOutputs {
  Conv1dShape s;
  std::int64_t time;  // of an output's record
  const float* x;
  const float* w;
  const float* bias;
  float* y;

  // y[record, t, channel] =
  __device__ void compute(std::int64_t record, std::int64_t t, std::int64_t channel) const {
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
    y[(record * time + t) * s.output_channels + channel] = sum + bias[channel];
  }
};

// All outputs by a Body, a Conv1dOutputs whose operator()(i) computes the i-th in its order.
template <class Body>
void conv1d_by_output(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y, Stream stream) {
  x = rounded_input(s, x, CudaScratchUse::kFactorA, stream);
  w = rounded_weights(s, w, CudaScratchUse::kFactorB, stream);
  for_each_element(s.batch * s.output_time() * s.output_channels, stream, Body{{s, s.output_time(), x, w, b, y}});
}

}  // namespace cardiograd::kernels
