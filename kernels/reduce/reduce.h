// The mean over time that ends the encoder, and the two halves of clipping gradients by their norm.
//
//   mean_time_forward      y[n, c]  = sum over t of x[n, t, c] / T         x  (N, T, C)    y  (N, C)
//   mean_time_backward     dx[n, t, c] = dy[n, c] / T
//   squared_norm_forward   y[0]     = sum over i of x[i]^2                 x  (count)      y  (1)
//   scale_forward          x[i]     = factor * x[i], in place              x  (count)
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct MeanTimeShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

struct SquaredNormShape {
  std::int64_t count = 1;
};

struct ScaleShape {
  std::int64_t count = 1;
  float factor = 1;
};

void mean_time_forward_cpu(const MeanTimeShape& s, const float* x, float* y);
void mean_time_backward_cpu(const MeanTimeShape& s, const float* dy, float* dx);
void squared_norm_forward_cpu(const SquaredNormShape& s, const float* x, float* y);
void scale_forward_cpu(const ScaleShape& s, float* x);

// The same on the GPU; pointers are to device memory.
void mean_time_forward_cuda(const MeanTimeShape& s, const float* x, float* y, Stream stream);
void mean_time_backward_cuda(const MeanTimeShape& s, const float* dy, float* dx, Stream stream);
void squared_norm_forward_cuda(const SquaredNormShape& s, const float* x, float* y, Stream stream);
void scale_forward_cuda(const ScaleShape& s, float* x, Stream stream);

// Of `count` gradients in one launch: *norm = the square root of the sum of their squares, *factor = min(1, largest /
// (*norm + 1e-6)).
void clip_factor_cuda(std::int64_t count, const float* x, double largest, float* norm, float* factor, Stream stream);

}  // namespace cardiograd::kernels
