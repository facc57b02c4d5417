#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one addition; add_spec.h says what they mean.
struct AddShape {
  std::int64_t count = 1;
  std::int64_t period = 1;
};

}  // namespace cardiograd::kernels
