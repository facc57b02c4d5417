// The loss on the GPU: one block, since a batch has some hundred logits; loss, gradient and reduction in one kernel.
#pragma once

#include <cstdint>

#include "kernels/common/reduce_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kLossThreads = 256;

// The block goes over all `count` logits, thread by thread in a fixed order. `loss` and `dlogits` may be null;
// `dloss` may be null and is 1 then. Shared memory 128 bytes.
static __global__ void __launch_bounds__(kLossThreads)
    weighted_bce_kernel(std::int64_t count, std::int64_t classes, const float* logits, const float* targets,
                        const float* pos_weight, const float* dloss, float* loss, float* dlogits) {
  const float share = (dloss == nullptr ? 1.0F : *dloss) / static_cast<float>(count);
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kLossThreads) {
    const float x = logits[i];
    const float target = targets[i];
    const float weight = pos_weight[i % classes] * target;
    const float small = expf(-fabsf(x));
    // softplus(x) = max(x, 0) + rest, softplus(-x) = max(-x, 0) + rest; NaN is in rest.
    const float rest = log1pf(small);
    sum += weight * (fmaxf(-x, 0.0F) + rest) + (1.0F - target) * (fmaxf(x, 0.0F) + rest);
    const float below = (x < 0.0F ? small : 1.0F) / (1.0F + small);  // sigmoid(x)
    const float above = (x < 0.0F ? 1.0F : small) / (1.0F + small);  // sigmoid(-x)
    if (dlogits != nullptr) dlogits[i] = share * ((1.0F - target) * below - weight * above);
  }
  if (loss == nullptr) return;  // all threads
  sum = block_sum<kLossThreads>(sum);
  if (threadIdx.x == 0) *loss = sum / static_cast<float>(count);
}

}  // namespace cardiograd::kernels
