// A gate for each record and channel, open as far as the sigmoid of its logit says (squeeze and excitation: Hu, Shen
// and Sun, CVPR 2018, eq. 4). Channels last.
//
//   y[n, t, c] = x[n, t, c] * sigmoid(g[n, c])        sigmoid(z) = 1 / (1 + exp(-z))
//
//   x, y, dx, dy  (N, T, C)     g, dg  (N, C)
//
//   gate_forward    y  =
//   gate_backward   dx = dy * sigmoid(g),  dg = sigmoid(g) * (1 - sigmoid(g)) * sum over t of dy * x
//
// With T = 1 it gates single values: a gated linear unit.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct GateShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

void gate_forward_cpu(const GateShape& s, const float* x, const float* g, float* y);
void gate_backward_cpu(const GateShape& s, const float* x, const float* g, const float* dy, float* dx, float* dg);

// The same on the GPU; pointers are to device memory.
void gate_forward_cuda(const GateShape& s, const float* x, const float* g, float* y, Stream stream);
void gate_backward_cuda(const GateShape& s, const float* x, const float* g, const float* dy, float* dx, float* dg,
                        Stream stream);

}  // namespace cardiograd::kernels
