// Launcher of CUDA batch gathering; gather_batch_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/gather_batch/gather_batch_shape.h"

namespace cardiograd::kernels {

void gather_batch_forward_cuda(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                               const std::int32_t* index, const float* mean, const float* inverse_sd, float* x,
                               Stream stream);

}  // namespace cardiograd::kernels
