#include "kernels/weighted_bce/weighted_bce_cuda.cuh"
#include "kernels/weighted_bce/weighted_bce_cuda.h"

namespace cardiograd::kernels {
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
