#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one loss; weighted_bce_spec.h says what they mean.
struct WeightedBceShape {
  std::int64_t rows = 1;
  std::int64_t classes = 1;
};

}  // namespace cardiograd::kernels
