// The loss on the GPU: loss, gradient and reduction in one kernel.
//
//   a block     all logits, since a batch has some hundred
//   a thread    every 256th logit: its part of the loss, added up in a register, and its gradient
//   shared      128 bytes, the sums of the warps
//   takes       any shape
//
// Beats tree (ladder/) by its launches, one instead of two, by its exponentials, one for each logit instead of four,
// and by its indices: no division in the loop.
#include <cstdint>

#include "kernels/common/warp_reduce.cuh"
#include "kernels/weighted_bce/weighted_bce.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kLossThreads = 256;

// The block goes over all `count` logits, thread by thread in a fixed order. `loss` and `dlogits` may be null;
// `dloss` may be null and is 1 then. Shared memory 128 bytes.
static __global__ void __launch_bounds__(kLossThreads)
    weighted_bce_kernel(std::int64_t count, std::int64_t classes, const float* logits, const float* targets,
                        const float* pos_weight, const float* dloss, float* loss, float* dlogits) {
  const float scale = (dloss == nullptr ? 1.0F : *dloss) / static_cast<float>(count);
  const auto class_count = static_cast<unsigned>(classes);
  const unsigned class_step = kLossThreads % class_count;
  unsigned which = threadIdx.x % class_count;  // the class of logit i
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kLossThreads) {
    const float x = logits[i];
    const float target = targets[i];
    const float weight = pos_weight[which] * target;
    which += class_step;
    if (which >= class_count) which -= class_count;
    const float small = expf(-fabsf(x));
    // softplus(x) = max(x, 0) + rest, softplus(-x) = max(-x, 0) + rest; NaN is in rest.
    const float rest = log1pf(small);
    sum += weight * (fmaxf(-x, 0.0F) + rest) + (1.0F - target) * (fmaxf(x, 0.0F) + rest);
    const float below = (x < 0.0F ? small : 1.0F) / (1.0F + small);  // sigmoid(x)
    const float above = (x < 0.0F ? 1.0F : small) / (1.0F + small);  // sigmoid(-x)
    if (dlogits != nullptr) dlogits[i] = scale * ((1.0F - target) * below - weight * above);
  }
  if (loss == nullptr) return;  // all threads
  sum = block_sum<kLossThreads>(sum);
  if (threadIdx.x == 0) *loss = sum / static_cast<float>(count);
}

namespace {

void run(const WeightedBceShape& s, const float* logits, const float* targets, const float* pos_weight,
         const float* dloss, float* loss, float* dlogits, Stream stream) {
  simt::launch<weighted_bce_kernel>(dim3(1), dim3(kLossThreads), 0, stream, s.rows * s.classes, s.classes, logits,
                                    targets, pos_weight, dloss, loss, dlogits);
}

}  // namespace

void weighted_bce_forward_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                               const float* pos_weight, float* loss, Stream stream) {
  run(s, logits, targets, pos_weight, nullptr, loss, nullptr, stream);
}

void weighted_bce_backward_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                                const float* pos_weight, const float* dloss, float* dlogits, Stream stream) {
  run(s, logits, targets, pos_weight, dloss, nullptr, dlogits, stream);
}

void weighted_bce_loss_and_gradient_cuda(const WeightedBceShape& s, const float* logits, const float* targets,
                                         const float* pos_weight, float* loss, float* dlogits, Stream stream) {
  run(s, logits, targets, pos_weight, nullptr, loss, dlogits, stream);
}

}  // namespace cardiograd::kernels
