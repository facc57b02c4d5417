// Max pooling over time, channels last, windows counted as PyTorch does in floor mode.
//
//   y[n, t, c] = max over k of x[n, t * stride - padding + k, c];   samples outside 0 ... T-1 are minus infinity
//
//   x  (N, T, C)     y  (N, Tout, C)     Tout = (T + 2 * padding - K) / stride + 1,   padding <= K / 2
//
//   max_pool_forward    y  =
//   max_pool_backward   dx = dy where x is the maximum of its window, 0 elsewhere; sums where windows overlap
//
// The first of equal maxima wins. NaN counts as larger than every number (the last NaN of a window wins), so that it
// reaches the output. The backward direction looks for the maximum again: x is kept anyway, and an index would be one
// more tensor to write and read.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct MaxPoolShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // at most kernel / 2, so that every window holds a sample

  constexpr std::int64_t output_time() const { return (time + 2 * padding - kernel) / stride + 1; }
};

void max_pool_forward_cpu(const MaxPoolShape& s, const float* x, float* y);
void max_pool_backward_cpu(const MaxPoolShape& s, const float* x, const float* dy, float* dx);

// The same on the GPU; pointers are to device memory.
void max_pool_forward_cuda(const MaxPoolShape& s, const float* x, float* y, Stream stream);
void max_pool_backward_cuda(const MaxPoolShape& s, const float* x, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
