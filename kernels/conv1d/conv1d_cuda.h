// Launchers of the CUDA convolution; conv1d_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/conv1d/conv1d_shape.h"

namespace cardiograd::kernels {

void conv1d_forward_cuda(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void conv1d_backward_input_cuda(const Conv1dShape& s, const float* w, const float* dy, float* dx, Stream stream);
void conv1d_backward_weight_cuda(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

}  // namespace cardiograd::kernels
