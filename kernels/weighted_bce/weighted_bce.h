// Binary cross-entropy on logits with a weight for the positives of each class (paper eq. 1-2; PyTorch's
// BCEWithLogitsLoss with pos_weight).
//
//   loss = 1 / (R * C) * sum of  w[c] * t * softplus(-x) + (1 - t) * softplus(x),    softplus(x) = log(1 + exp(x))
//
//   x = logits, t = targets (0 or 1; any value between works)  (R, C)        w = pos_weight  (C)        loss  (1)
//
//   weighted_bce_forward             loss =
//   weighted_bce_backward            dlogits = dloss * gradient
//   weighted_bce_loss_and_gradient   loss = , dlogits = gradient: what a training step needs
//
// Finite for every finite logit up to the largest loss that a float holds; NaN gives NaN.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct WeightedBceShape {
  std::int64_t rows = 1;
  std::int64_t classes = 1;
};

void weighted_bce_forward_cpu(const WeightedBceShape& s, const float* logits, const float* targets,
                              const float* pos_weight, float* loss);
void weighted_bce_backward_cpu(const WeightedBceShape& s, const float* logits, const float* targets,
                               const float* pos_weight, const float* dloss, float* dlogits);
void weighted_bce_loss_and_gradient_cpu(const WeightedBceShape& s, const float* logits, const float* targets,
                                        const float* pos_weight, float* loss, float* dlogits);

// The same on the GPU; pointers are to device memory.
void weighted_bce_forward_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                               const float* pos_weight, float* loss, Stream stream);
void weighted_bce_backward_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                                const float* pos_weight, const float* dloss, float* dlogits, Stream stream);
void weighted_bce_loss_and_gradient_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                                         const float* pos_weight, float* loss, float* dlogits, Stream stream);

}  // namespace cardiograd::kernels
