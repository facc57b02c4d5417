#pragma once

#include <cstdint>

namespace cardiograd::kernels {

struct LinearShape {
  std::int64_t rows = 1;
  std::int64_t inputs = 1;
  std::int64_t outputs = 1;
};

}  // namespace cardiograd::kernels
