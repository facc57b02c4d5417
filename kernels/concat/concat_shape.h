#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one concatenation; concat_spec.h says what they mean.
struct ConcatShape {
  std::int64_t rows = 1;
  std::int64_t width_a = 1;
  std::int64_t width_b = 1;
};

}  // namespace cardiograd::kernels
