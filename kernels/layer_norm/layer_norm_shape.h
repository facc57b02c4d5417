#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one layer normalization; layer_norm_spec.h says what they mean.
struct LayerNormShape {
  std::int64_t rows = 1;
  std::int64_t width = 1;
  double epsilon = 1e-5;
};

}  // namespace cardiograd::kernels
