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

#include "kernels/common/batch_progress_cuda.h"
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
  float inverse_root = 0;    // of the next step: 1 / sqrt(1 - beta2^step),
  double correction = 1;     // and 1 - beta1^step
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

// Where the optimizer stands after `steps` steps, for its copy in device memory; lr is left 0.
AdamProgress adam_progress(const AdamShape& s, std::int64_t steps);

// What adam_step_cuda reads besides the table, in device memory.
struct AdamStep {
  const StepRates* rates = nullptr;  // or null: progress->lr, and beta1 of the shape
  const float* loss = nullptr;       // null: none. When it is not finite, this step and all later ones are left out
  BatchEnd end;                      // end.progress null: the launch ends no batch
};

// One step for all parameters in one launch: what the optimizer uses. `blocks` is the sum of adam_blocks(count) over
// the table; count, lr and step of `s` are not used, with step.rates nor beta1. The last block to come prepares
// *progress for the next step, with the rates that end.results has for it.
void adam_step_cuda(const AdamShape& s, std::int64_t slices, std::int64_t blocks, const AdamSlice* table,
                    const AdamStep& step, AdamProgress* progress, Stream stream);

}  // namespace cardiograd::kernels
