// One-dimensional convolution (cross-correlation, as in every deep-learning library), channels last.
//
//   y[n, t, o] = b[o] + sum over k, c of  x[n, t * stride - padding + k * dilation, g * Cin/G + c] * w[k, c, o]
//
// where g = o / (Cout/G) is the group of output channel o, and samples outside 0 ... T-1 are zero.
//
//   x  (N, T, Cin)         y  (N, Tout, Cout)        Tout = (T + 2 * padding - dilation * (K - 1) - 1) / stride + 1
//   w  (K, Cin/G, Cout)    b  (Cout)                 PyTorch keeps w as (Cout, Cin/G, K)
//
//   conv1d_forward          y   = conv(x, w) + b
//   conv1d_backward_input   dx  = dy convolved back through w
//   conv1d_backward_weight  dw += x correlated with dy,  db += sum of dy over n and t (`bias_gradient`)
//
// With channels last a row of K samples x Cin channels is contiguous, so for dilation 1 and one group the im2col matrix
// is a view of the padded signal with row stride `stride * Cin`, and each direction is one matrix product.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct Conv1dShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t input_channels = 1;
  std::int64_t output_channels = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  Precision precision = Precision::kFp32;  // of the factors x, w and dy; b and db are exact
  bool bias_gradient = true;               // conv1d_backward_weight adds to db; other directions do not look

  constexpr std::int64_t output_time() const { return (time + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; }
};

void conv1d_forward_cpu(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y);
void conv1d_backward_input_cpu(const Conv1dShape& s, const float* w, const float* dy, float* dx);
void conv1d_backward_weight_cpu(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db);

// The same on the GPU; pointers are to device memory.
void conv1d_forward_cuda(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void conv1d_backward_input_cuda(const Conv1dShape& s, const float* w, const float* dy, float* dx, Stream stream);
void conv1d_backward_weight_cuda(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

// The kernels that these take (kernels/gemm/product.h).
const char* conv1d_forward_path(const Conv1dShape& s);
const char* conv1d_backward_input_path(const Conv1dShape& s);
const char* conv1d_backward_weight_path(const Conv1dShape& s);

}  // namespace cardiograd::kernels
