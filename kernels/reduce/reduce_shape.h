#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of reductions; reduce_spec.h says what they mean.
struct MeanTimeShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

struct SquaredNormShape {
  std::int64_t count = 1;
};

struct ScaleShape {
  std::int64_t count = 1;
  float factor = 1;
};

}  // namespace cardiograd::kernels
