// Launchers of the CUDA concatenation; concat_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/concat/concat_shape.h"

namespace cardiograd::kernels {

void concat_forward_cuda(const ConcatShape& s, const float* a, const float* b, float* y, Stream stream);
void concat_backward_cuda(const ConcatShape& s, const float* dy, float* da, float* db, Stream stream);

}  // namespace cardiograd::kernels
