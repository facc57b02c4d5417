#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one max pooling; max_pool_spec.h says what they mean.
struct MaxPoolShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // at most kernel / 2, so that every window holds a sample

  constexpr std::int64_t output_time() const { return (time + 2 * padding - kernel) / stride + 1; }
};

}  // namespace cardiograd::kernels
