// Earlier versions of weighted_bce_loss_and_gradient_cuda, from the simplest on (docs/ladders/loss.md). The shipped
// version is the top.
#pragma once

#include "kernels/weighted_bce/weighted_bce.h"

namespace cardiograd::kernels {

// log(1 + exp(x)) as it is written: infinite from x = 89 on.
void weighted_bce_naive(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
                        float* loss, float* dlogits, Stream stream);
// The same without overflow.
void weighted_bce_stable(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
                         float* loss, float* dlogits, Stream stream);
// The sum in a tree of warps.
void weighted_bce_tree(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
                       float* loss, float* dlogits, Stream stream);

}  // namespace cardiograd::kernels
