#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {
namespace {

constexpr const char* kName = "residual_layer_norm_mean";

// Throws Error for shapes that do not fit.
kernels::ResidualLayerNormMeanShape shape_of(const Tensor& x, const Tensor& bias, const Tensor& residual,
                                             const Tensor& gamma, const Tensor& beta, const Tensor& beside,
                                             const kernels::DropoutKey& dropout, double epsilon) {
  if (!(dropout.probability >= 0.0F && dropout.probability < 1.0F))
    throw Error(
        fmt::format("{}: dropout probability {}, expected 0 or more and less than 1", kName, dropout.probability));
  if (x.shape().dims() != 3 || x.dim(1) < 1)
    throw Error(fmt::format("{}: x has shape {}, expected (N, T, C)", kName, x.shape().text()));
  if (beside.shape().dims() != 2 || beside.dim(0) != x.dim(0))
    throw Error(fmt::format("{}: beside has shape {}, expected ({}, B)", kName, beside.shape().text(), x.dim(0)));
  const std::int64_t width = x.dim(2);
  expect_shape(kName, "residual", residual, x.shape());
  expect_shape(kName, "bias", bias, {width});
  expect_shape(kName, "gamma", gamma, {width});
  expect_shape(kName, "beta", beta, {width});
  return {.batch = x.dim(0),
          .time = x.dim(1),
          .width = width,
          .width_b = beside.dim(1),
          .epsilon = epsilon,
          .dropout = key_of_part(dropout, x.dim(1) * width)};
}

}  // namespace

Tensor residual_layer_norm_mean(const Tensor& x, const Tensor& bias, const Tensor& residual, const Tensor& gamma,
                                const Tensor& beta, const Tensor& beside, const kernels::DropoutKey& dropout,
                                double epsilon) {
  const Tensor other = beside.defined() ? beside : x.new_empty({x.dim(0), 0});
  const kernels::ResidualLayerNormMeanShape s = shape_of(x, bias, residual, gamma, beta, other, dropout, epsilon);
  Tensor y = x.new_empty({s.batch, s.width + s.width_b});
  Tensor mean = x.new_empty({s.batch, s.time});
  Tensor rstd = x.new_empty({s.batch, s.time});
  CARDIOGRAD_RUN(residual_layer_norm_mean_forward, s, x, bias, residual, gamma, beta, other, y, mean, rstd);
  const GradientSlot dx(x);
  const GradientSlot dresidual(residual);
  const GradientSlot dbias(bias);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  const GradientSlot dother(other);
  record(kName, y, {&x, &bias, &residual, &gamma, &beta, &other},
         [=, x = x.detach(), bias = bias.detach(), residual = residual.detach(),
          gamma = gamma.detach()](const Tensor& dy) {
           Tensor through_x = dx.new_gradient();
           Tensor through_residual = dresidual.new_gradient();
           Tensor through_other = dother.new_gradient();
           CARDIOGRAD_RUN(residual_layer_norm_mean_backward, s, x, bias, residual, gamma, mean, rstd, dy, through_x,
                          through_residual, dbias.accumulator(), dgamma.accumulator(), dbeta.accumulator(),
                          through_other);
           dx.accumulate(through_x);
           dresidual.accumulate(through_residual);
           dother.accumulate(through_other);
         });
  return y;
}

}  // namespace cardiograd::ops
