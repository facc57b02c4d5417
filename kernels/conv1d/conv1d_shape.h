#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one convolution; conv1d_spec.h says what they mean.
struct Conv1dShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t input_channels = 1;
  std::int64_t output_channels = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;

  constexpr std::int64_t output_time() const { return (time + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; }
};

}  // namespace cardiograd::kernels
