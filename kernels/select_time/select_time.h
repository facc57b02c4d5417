// One sample of each record, channels last; PyTorch's x.select(1, sample).
//
//   x, dx  (N, T, C)     y, dy  (N, C)
//
//   select_time_forward    y[n, c]     = x[n, s.sample, c]
//   select_time_backward   dx[n, t, c] = dy[n, c] where t = s.sample, 0 elsewhere
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct SelectTimeShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
  std::int64_t sample = 0;  // 0 ... time - 1
};

void select_time_forward_cpu(const SelectTimeShape& s, const float* x, float* y);
void select_time_backward_cpu(const SelectTimeShape& s, const float* dy, float* dx);

// The same on the GPU; pointers are to device memory.
void select_time_forward_cuda(const SelectTimeShape& s, const float* x, float* y, Stream stream);
void select_time_backward_cuda(const SelectTimeShape& s, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
