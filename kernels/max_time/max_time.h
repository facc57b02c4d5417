// The maximum over time, channels last: global max pooling.
//
//   y[n, c] = max over t of x[n, t, c],   index[n, c] = the t where it is
//
//   x, dx  (N, T, C)     y, dy  (N, C)     index  (N, C) int32
//
//   max_time_forward    y =, index =
//   max_time_backward   dx[n, t, c] = dy[n, c] where t = index[n, c], 0 elsewhere
//
// The first of equal maxima wins. NaN counts as larger than every number (the first NaN wins), so that it reaches the
// output.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct MaxTimeShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

void max_time_forward_cpu(const MaxTimeShape& s, const float* x, float* y, std::int32_t* index);
void max_time_backward_cpu(const MaxTimeShape& s, const float* dy, const std::int32_t* index, float* dx);

// The same on the GPU; pointers are to device memory.
void max_time_forward_cuda(const MaxTimeShape& s, const float* x, float* y, std::int32_t* index, Stream stream);
void max_time_backward_cuda(const MaxTimeShape& s, const float* dy, const std::int32_t* index, float* dx,
                            Stream stream);

}  // namespace cardiograd::kernels
