// Launchers of the CUDA reductions; reduce_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/reduce/reduce_shape.h"

namespace cardiograd::kernels {

void mean_time_forward_cuda(const MeanTimeShape& s, const float* x, float* y, Stream stream);
void mean_time_backward_cuda(const MeanTimeShape& s, const float* dy, float* dx, Stream stream);
void squared_norm_forward_cuda(const SquaredNormShape& s, const float* x, float* y, Stream stream);
void scale_forward_cuda(const ScaleShape& s, float* x, Stream stream);

}  // namespace cardiograd::kernels
