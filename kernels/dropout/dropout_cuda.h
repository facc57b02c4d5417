// Launcher of CUDA dropout; dropout_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/dropout/dropout_shape.h"

namespace cardiograd::kernels {

// Both directions: y[i] = x[i] * mask[i]. x and y may be the same buffer.
void dropout_cuda(const DropoutShape& s, const float* x, float* y, Stream stream);

}  // namespace cardiograd::kernels
