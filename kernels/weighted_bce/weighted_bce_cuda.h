// Launchers of the CUDA loss; weighted_bce_spec.h has the mathematics. Pointers are to device memory.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/weighted_bce/weighted_bce_shape.h"

namespace cardiograd::kernels {

void weighted_bce_forward_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                               const float* pos_weight, float* loss, Stream stream);
void weighted_bce_backward_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                                const float* pos_weight, const float* dloss, float* dlogits, Stream stream);
// Both in one launch, with dloss = 1: what a training step needs.
void weighted_bce_loss_and_gradient_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                                         const float* pos_weight, float* loss, float* dlogits, Stream stream);

}  // namespace cardiograd::kernels
