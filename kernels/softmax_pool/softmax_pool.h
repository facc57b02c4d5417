// The weighted mean over time that additive attention ends in (Bahdanau, Cho and Bengio, ICLR 2015): the weights are
// the softmax of a score per sample. Channels last.
//
//   w[n, t] = exp(z[n, t]) / sum over s of exp(z[n, s])        y[n, c] = sum over t of w[n, t] * x[n, t, c]
//
//   z, w, dz  (N, T)     x, dx  (N, T, C)     y, dy  (N, C)
//
//   softmax_pool_forward    w =, y =
//   softmax_pool_backward   dx[n, t, c] = w[n, t] * dy[n, c]
//                           dz[n, t] = w[n, t] * (g[t] - sum over s of w[n, s] * g[s]),  g[t] = sum over c of
//                           dy[n, c] * x[n, t, c]
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct SoftmaxPoolShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

void softmax_pool_forward_cpu(const SoftmaxPoolShape& s, const float* z, const float* x, float* w, float* y);
void softmax_pool_backward_cpu(const SoftmaxPoolShape& s, const float* x, const float* w, const float* dy, float* dz,
                               float* dx);

// The same on the GPU; pointers are to device memory.
void softmax_pool_forward_cuda(const SoftmaxPoolShape& s, const float* z, const float* x, float* w, float* y,
                               Stream stream);
void softmax_pool_backward_cuda(const SoftmaxPoolShape& s, const float* x, const float* w, const float* dy, float* dz,
                                float* dx, Stream stream);

}  // namespace cardiograd::kernels
