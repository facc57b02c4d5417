#include "kernels/batch_norm_pool/batch_norm_pool.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor batch_norm_pool(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                       Tensor& running_var, const BatchNormOptions& options) {
  if (x.shape().dims() != 3 || x.dim(1) < 2)
    throw Error(
        fmt::format("batch_norm_pool: x has shape {}, expected (N, T, C) with T of 2 or more", x.shape().text()));
  const kernels::BatchNormPoolShape s = {.batch = x.dim(0),
                                         .time = x.dim(1),
                                         .channels = x.dim(2),
                                         .epsilon = options.epsilon,
                                         .momentum = options.momentum,
                                         .relu = options.relu};
  expect_shape("batch_norm_pool", "gamma", gamma, {s.channels});
  expect_shape("batch_norm_pool", "beta", beta, {s.channels});
  expect_shape("batch_norm_pool", "running_mean", running_mean, {s.channels});
  expect_shape("batch_norm_pool", "running_var", running_var, {s.channels});
  Tensor y = x.new_empty({s.batch, s.output_time(), s.channels});
  Tensor mean = x.new_empty({s.channels});
  Tensor variance = x.new_empty({s.channels});
  CARDIOGRAD_RUN(batch_norm_pool_forward, s, x, gamma, beta, running_mean, running_var, y, mean, variance);
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("batch_norm_pool", y, {&x, &gamma, &beta},
         [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach()](const Tensor& dy) {
           Tensor gradient = dx.new_gradient();
           CARDIOGRAD_RUN(batch_norm_pool_backward, s, x, gamma, beta, mean, variance, dy, gradient,
                          dgamma.accumulator(), dbeta.accumulator());
           dx.accumulate(gradient);
         });
  return y;
}

}  // namespace cardiograd::ops
