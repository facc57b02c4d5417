// Launcher of CUDA Adam; adam_op.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/adam/adam_shape.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream);

}  // namespace cardiograd::kernels
