#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes and settings of one batch normalization; batch_norm_spec.h says what they mean.
struct BatchNormShape {
  std::int64_t rows = 2;  // batch x time; training needs at least 2
  std::int64_t channels = 1;
  double epsilon = 1e-5;
  double momentum = 0.1;
  bool relu = false;
};

}  // namespace cardiograd::kernels
