// Launchers of the CUDA max pooling; max_pool_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/max_pool/max_pool_shape.h"

namespace cardiograd::kernels {

void max_pool_forward_cuda(const MaxPoolShape& s, const float* x, float* y, Stream stream);
void max_pool_backward_cuda(const MaxPoolShape& s, const float* x, const float* dy, float* dx, Stream stream);

}  // namespace cardiograd::kernels
