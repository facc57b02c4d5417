#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The size and settings of one optimizer step; adam_spec.h says what they mean.
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

// What is equal for all parameters, computed once in double.
struct AdamCoefficients {
  float coupled_decay;  // added to the gradient, times the parameter
  float keep;           // of the parameter, with decoupled decay
  float rate1, beta2, rate2;
  float step_size, inverse_root, epsilon;
};

// What changes from step to step. It lies in device memory, so that a captured step can be repeated.
struct AdamProgress {
  double lr = 0;
  std::int64_t step = 0;     // steps made
  std::int32_t stopped = 0;  // 1 after a loss that was not finite: from then on nothing changes
  AdamCoefficients coefficients = {};
};

// One parameter among those of one launch, all pointers to device memory. The table of them lies there too.
struct AdamSlice {
  const float* gradient = nullptr;
  float* parameter = nullptr;
  float* m = nullptr;
  float* v = nullptr;
  std::int64_t count = 0;
  std::int64_t first_block = 0;  // the sum of adam_blocks(count) of all before it

  bool operator==(const AdamSlice&) const = default;
};

inline constexpr std::int64_t kAdamPerBlock = 2048;
// Blocks that work on a parameter.
constexpr std::int64_t adam_blocks(std::int64_t count) {
  return (count + kAdamPerBlock - 1) / kAdamPerBlock;
}

}  // namespace cardiograd::kernels
