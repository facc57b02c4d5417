// One step of Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019), with PyTorch's formulas.
//
//   Adam: g = gradient + weight_decay * p          AdamW (`decoupled`): g = gradient,  p = p * (1 - lr * weight_decay)
//
//   m = m + (1 - beta1) * (g - m)                  v = beta2 * v + (1 - beta2) * g^2
//   p = p - lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon)
//
//   gradient, p = parameter, m, v  (count)         step counts from 1
//
//   adam_forward   parameter, m, v updated
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// The size and settings of one step.
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

void adam_forward_cpu(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v);

// The same on the GPU; pointers are to device memory.
void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream);

// All parameters in two launches, whatever their number: what the optimizer uses. The first begins a step: counts it in
// *progress and computes its coefficients from the learning rate in *lr, or in progress->lr where `lr` is null; count,
// lr and step of `s` are not used. When `loss` is given and not finite, the step and all later ones are left out.
void adam_begin_step_cuda(const AdamShape& s, const double* lr, const float* loss, AdamProgress* progress,
                          Stream stream);

// The second makes the step that was begun, for all parameters. `blocks` is the sum of adam_blocks(count) over the
// table.
void adam_step_cuda(std::int64_t slices, std::int64_t blocks, const AdamSlice* table, const AdamProgress* progress,
                    Stream stream);

}  // namespace cardiograd::kernels
