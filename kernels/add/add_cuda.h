// Launchers of the CUDA additions; add_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/add/add_shape.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

void add_forward_cuda(const AddShape& s, const float* a, const float* b, float* y, Stream stream);
void add_backward_broadcast_cuda(const AddShape& s, const float* dy, float* db, Stream stream);
void accumulate_forward_cuda(const AddShape& s, const float* x, float* y, Stream stream);

}  // namespace cardiograd::kernels
