// The exponential moving average of a weight over training steps (Polyak and Juditsky, 1992; Tarvainen and Valpola,
// 2017).
//
//   average = average + rate * (value - average)      rate = 1 - min(decay, (1 + step) / (10 + step))
//
//   value, average  (count)      step counts from 0: early averages forget faster, since there is little to keep
//
//   weight_average_forward   average updated
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct WeightAverageShape {
  std::int64_t count = 1;
  double decay = 0.999;  // 0 ... 1
  std::int64_t step = 0;
};

void weight_average_forward_cpu(const WeightAverageShape& s, const float* value, float* average);

// The same on the GPU; pointers are to device memory.
void weight_average_forward_cuda(const WeightAverageShape& s, const float* value, float* average, Stream stream);

// One weight among those of one launch, pointers to device memory. The table of them lies there too.
struct AverageSlice {
  const float* value = nullptr;
  float* average = nullptr;
  std::int64_t count = 0;
  std::int64_t first_block = 0;  // the sum of average_blocks(count) of all before it
};

inline constexpr std::int64_t kAveragePerBlock = 2048;
// Blocks that work on a weight.
constexpr std::int64_t average_blocks(std::int64_t count) {
  return (count + kAveragePerBlock - 1) / kAveragePerBlock;
}

// All weights of a table in one launch of `blocks` blocks, their sum over the table. `steps_done`, in device memory, is
// read when the kernel runs: the training steps with the present one.
void weight_average_step_cuda(double decay, std::int64_t slices, std::int64_t blocks, const AverageSlice* table,
                              const std::uint32_t* steps_done, Stream stream);

}  // namespace cardiograd::kernels
