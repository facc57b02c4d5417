// Launchers of CUDA attention; attention_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/attention/attention_shape.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream);

}  // namespace cardiograd::kernels
