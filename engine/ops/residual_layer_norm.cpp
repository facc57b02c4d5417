#include "kernels/residual_layer_norm/residual_layer_norm.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor residual_layer_norm(const Tensor& x, const Tensor& bias, const Tensor& residual, const Tensor& gamma,
                           const Tensor& beta, const kernels::DropoutKey& dropout, double epsilon) {
  if (!(dropout.probability >= 0.0F && dropout.probability < 1.0F))
    throw Error(fmt::format("residual_layer_norm: dropout probability {}, expected 0 or more and less than 1",
                            dropout.probability));
  const std::int64_t width = x.shape().last();
  expect_shape("residual_layer_norm", "residual", residual, x.shape());
  expect_shape("residual_layer_norm", "bias", bias, {width});
  expect_shape("residual_layer_norm", "gamma", gamma, {width});
  expect_shape("residual_layer_norm", "beta", beta, {width});
  const kernels::ResidualLayerNormShape s = {.rows = x.count() / width,
                                             .width = width,
                                             .epsilon = epsilon,
                                             .dropout = key_of_part(dropout, x.dim(0) > 0 ? x.count() / x.dim(0) : 0)};
  Tensor y = x.new_empty(x.shape());
  Tensor mean = x.new_empty({s.rows});
  Tensor rstd = x.new_empty({s.rows});
  CARDIOGRAD_RUN(residual_layer_norm_forward, s, x, bias, residual, gamma, beta, y, mean, rstd);
  const GradientSlot dx(x);
  const GradientSlot dresidual(residual);
  const GradientSlot dbias(bias);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("residual_layer_norm", y, {&x, &bias, &residual, &gamma, &beta},
         [=, x = x.detach(), bias = bias.detach(), residual = residual.detach(),
          gamma = gamma.detach()](const Tensor& dy) {
           Tensor through_x = dx.new_gradient();
           Tensor through_residual = dresidual.new_gradient();
           CARDIOGRAD_RUN(residual_layer_norm_backward, s, x, bias, residual, gamma, mean, rstd, dy, through_x,
                          through_residual, dbias.accumulator(), dgamma.accumulator(), dbeta.accumulator());
           dx.accumulate(through_x);
           dresidual.accumulate(through_residual);
         });
  return y;
}

}  // namespace cardiograd::ops
