// Launchers of the CUDA linear layer; linear_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/linear/linear_shape.h"

namespace cardiograd::kernels {

void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

}  // namespace cardiograd::kernels
