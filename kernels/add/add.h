// Addition, of equal tensors or with the second repeated along the leading dimensions of the first.
//
//   y[i] = a[i] + b[i % period]        a, y  (count), count a multiple of period        b  (period)
//
// Residual connections have period = count, positions of an encoder period = T * D.
//
//   add_forward              y  =
//   add_backward_broadcast   db += sum of dy over the repetitions;  the gradient of a is dy itself
//   accumulate_forward       y  += x, what a tensor used twice does with its gradients (`period` is not used)
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct AddShape {
  std::int64_t count = 1;
  std::int64_t period = 1;
};

void add_forward_cpu(const AddShape& s, const float* a, const float* b, float* y);
void add_backward_broadcast_cpu(const AddShape& s, const float* dy, float* db);
void accumulate_forward_cpu(const AddShape& s, const float* x, float* y);

// The same on the GPU; pointers are to device memory.
void add_forward_cuda(const AddShape& s, const float* a, const float* b, float* y, Stream stream);
void add_backward_broadcast_cuda(const AddShape& s, const float* dy, float* db, Stream stream);
void accumulate_forward_cuda(const AddShape& s, const float* x, float* y, Stream stream);

}  // namespace cardiograd::kernels
