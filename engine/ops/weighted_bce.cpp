#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "kernels/weighted_bce/weighted_bce_op.h"

namespace cardiograd::ops {

Tensor weighted_bce(const Tensor& logits, const Tensor& targets, const Tensor& positive_weight) {
  if (logits.shape().dims() != 2)
    throw Error(fmt::format("weighted_bce: logits have shape {}, expected (N, classes)", logits.shape().text()));
  expect_shape("weighted_bce", "targets", targets, logits.shape());
  expect_shape("weighted_bce", "positive_weight", positive_weight, {logits.dim(1)});
  const kernels::WeightedBceShape s = {.rows = logits.dim(0), .classes = logits.dim(1)};
  Tensor loss = Tensor::empty({1});
  kernels::weighted_bce_forward_cpu(s, logits.data(), targets.data(), positive_weight.data(), loss.data());
  const GradientSlot dlogits(logits);
  record("weighted_bce", loss, {&logits},
         [=, logits = logits.detach(), targets = targets.detach(),
          weight = positive_weight.detach()](const Tensor& dloss) {
           Tensor gradient = Tensor::empty(dlogits.shape());
           kernels::weighted_bce_backward_cpu(s, logits.data(), targets.data(), weight.data(), dloss.data(),
                                              gradient.data());
           dlogits.give(gradient);
         });
  return loss;
}

}  // namespace cardiograd::ops
