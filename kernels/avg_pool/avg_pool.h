// Average pooling over time, channels last, windows counted as PyTorch does.
//
//   y[n, t, c] = mean of x[n, i, c] over the samples i of window t that exist: t * stride - padding + 0 ... K - 1,
//                those of 0 ... T - 1
//
//   x, dx  (N, T, C)     y, dy  (N, Tout, C)     Tout = (T + 2 * padding - K) / stride + 1, rounded down, or with
//   `ceil_mode` up, but for a window that would begin behind the last sample;   padding <= K / 2
//
//   avg_pool_forward    y  =
//   avg_pool_backward   dx = sum over the windows that hold the sample of dy / (samples of the window)
//
// Padding does not count in the mean: PyTorch's count_include_pad=False.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct AvgPoolShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
  std::int64_t kernel = 1;  // at most time + 2 * padding
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // at most kernel / 2, so that every window holds a sample
  bool ceil_mode = false;

  constexpr std::int64_t output_time() const {
    const std::int64_t steps = time + 2 * padding - kernel;
    const std::int64_t count = (ceil_mode ? (steps + stride - 1) / stride : steps / stride) + 1;
    return (count - 1) * stride >= time + padding ? count - 1 : count;
  }
};

void avg_pool_forward_cpu(const AvgPoolShape& s, const float* x, float* y);
void avg_pool_backward_cpu(const AvgPoolShape& s, const float* dy, float* dx);

// The same on the GPU; pointers are to device memory.
void avg_pool_forward_cuda(const AvgPoolShape& s, const float* x, float* y, Stream stream);
void avg_pool_backward_cuda(const AvgPoolShape& s, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
