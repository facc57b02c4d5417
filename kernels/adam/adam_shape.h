#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The size and settings of one optimiser step; adam_op.h says what they mean.
struct AdamShape {
  std::int64_t count = 1;
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;
  std::int64_t step = 1;  // the first step is 1
};

}  // namespace cardiograd::kernels
