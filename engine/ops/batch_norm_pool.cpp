#include "kernels/batch_norm_pool/batch_norm_pool.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {
namespace {

// Throws Error for shapes that do not fit.
kernels::BatchNormPoolShape pool_shape_of(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                                          const Tensor& variance, const BatchNormOptions& options) {
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
  expect_shape("batch_norm_pool", "running_mean", mean, {s.channels});
  expect_shape("batch_norm_pool", "running_var", variance, {s.channels});
  return s;
}

// Records y's backward pass.
void record_pool(const kernels::BatchNormPoolShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                 const Tensor& mean, const Tensor& variance, Tensor& y) {
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
}

}  // namespace

Tensor batch_norm_pool(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                       Tensor& running_var, const BatchNormOptions& options) {
  const kernels::BatchNormPoolShape s = pool_shape_of(x, gamma, beta, running_mean, running_var, options);
  Tensor y = x.new_empty({s.batch, s.output_time(), s.channels});
  Tensor mean = x.new_empty({s.channels});
  Tensor variance = x.new_empty({s.channels});
  CARDIOGRAD_RUN(batch_norm_pool_forward, s, x, gamma, beta, running_mean, running_var, y, mean, variance);
  record_pool(s, x, gamma, beta, mean, variance, y);
  return y;
}

Tensor batch_norm_pool(const ConvolvedBatch& x, const Tensor& gamma, const Tensor& beta, const Tensor& added,
                       const BatchNormOptions& options) {
  const kernels::BatchNormPoolShape s = pool_shape_of(x.y, gamma, beta, x.mean, x.variance, options);
  Tensor y = x.y.new_empty({s.batch, s.output_time(), s.channels});
  if (added.defined()) {
    expect_shape("batch_norm_pool", "added", added, {s.output_time(), s.channels});
    CARDIOGRAD_RUN(batch_norm_pool_add_forward, s, x.y, gamma, beta, x.mean, x.variance, added, y);
  } else {
    CARDIOGRAD_RUN(batch_norm_pool_given_forward, s, x.y, gamma, beta, x.mean, x.variance, y);
  }
  record_pool(s, x.y, gamma, beta, x.mean, x.variance, y);
  return y;
}

}  // namespace cardiograd::ops
