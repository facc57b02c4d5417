// The last two dimensions of each record exchanged.
//
//   y[n, c, t] = x[n, t, c]        x  (N, T, C)     y  (N, C, T)
//
//   transpose_forward   y  =        transpose_backward   dx =, the same with T and C exchanged
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct TransposeShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

void transpose_forward_cpu(const TransposeShape& s, const float* x, float* y);
void transpose_backward_cpu(const TransposeShape& s, const float* dy, float* dx);

// The same on the GPU; pointers are to device memory.
void transpose_forward_cuda(const TransposeShape& s, const float* x, float* y, Stream stream);
void transpose_backward_cuda(const TransposeShape& s, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
