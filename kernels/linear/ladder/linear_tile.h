// The linear layer on the hand-written tiled product (gemm_cuda.cuh): the variant beside cuBLASLt, and what builds
// without it use. Signatures as in linear.h.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

void linear_forward_tile(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_tile(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_tile(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

}  // namespace cardiograd::kernels
