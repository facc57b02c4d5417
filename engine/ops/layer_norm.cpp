#include "kernels/layer_norm/layer_norm.h"

#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const std::int64_t width = x.shape().last();
  expect_shape("layer_norm", "gamma", gamma, {width});
  expect_shape("layer_norm", "beta", beta, {width});
  const kernels::LayerNormShape s = {.rows = x.count() / width, .width = width, .epsilon = epsilon};
  Tensor y = x.new_empty(x.shape());
  Tensor mean = x.new_empty({s.rows});
  Tensor rstd = x.new_empty({s.rows});
  CARDIOGRAD_RUN(layer_norm_forward, s, x, gamma, beta, y, mean, rstd);
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("layer_norm", y, {&x, &gamma, &beta}, [=, x = x.detach(), gamma = gamma.detach()](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(layer_norm_backward, s, x, gamma, mean, rstd, dy, gradient, dgamma.accumulator(),
                   dbeta.accumulator());
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
