#include "kernels/weighted_bce/weighted_bce.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor weighted_bce(const Tensor& logits, const Tensor& targets, const Tensor& pos_weight) {
  if (logits.shape().dims() != 2)
    throw Error(fmt::format("weighted_bce: logits have shape {}, expected (N, classes)", logits.shape().text()));
  expect_shape("weighted_bce", "targets", targets, logits.shape());
  expect_shape("weighted_bce", "pos_weight", pos_weight, {logits.dim(1)});
  const kernels::WeightedBceShape s = {.rows = logits.dim(0), .classes = logits.dim(1)};
  Tensor loss = logits.new_empty({1});
  if (!records({&logits})) {
    CARDIOGRAD_RUN(weighted_bce_forward, s, logits, targets, pos_weight, loss);
    record("weighted_bce", loss, {&logits}, nullptr);  // looks for values that are not finite
    return loss;
  }
  // The gradient at once: backward(loss) hands it on.
  Tensor gradient = logits.new_empty(logits.shape());
  CARDIOGRAD_RUN(weighted_bce_loss_and_gradient, s, logits, targets, pos_weight, loss, gradient);
  const GradientSlot dlogits(logits);
  record("weighted_bce", loss, {&logits},
         [=, logits = logits.detach(), targets = targets.detach(), weight = pos_weight.detach()](const Tensor& dloss) {
           if (is_gradient_of_loss(dloss)) {
             dlogits.accumulate(gradient);
             return;
           }
           Tensor scaled = dlogits.new_gradient();
           CARDIOGRAD_RUN(weighted_bce_backward, s, logits, targets, weight, dloss, scaled);
           dlogits.accumulate(scaled);
         });
  return loss;
}

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets) {
  const std::int64_t classes = logits.shape().dims() == 2 ? logits.dim(1) : 0;  // weighted_bce refuses others
  return weighted_bce(logits, targets, Tensor::full({classes}, 1, logits.device()));
}

}  // namespace cardiograd::ops
