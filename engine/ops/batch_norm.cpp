#include "kernels/batch_norm/batch_norm.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {
namespace {

// Records the backward pass of y, x normalized with statistics of its own.
void record_training(const kernels::BatchNormShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                     const Tensor& mean, const Tensor& variance, Tensor& y) {
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("batch_norm", y, {&x, &gamma, &beta},
         [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach()](const Tensor& dy) {
           Tensor gradient = dx.new_gradient();
           CARDIOGRAD_RUN(batch_norm_backward, s, x, gamma, beta, mean, variance, dy, gradient, dgamma.accumulator(),
                          dbeta.accumulator());
           dx.accumulate(gradient);
         });
}

Tensor batch_norm_training(const kernels::BatchNormShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                           Tensor& running_mean, Tensor& running_var) {
  if (s.rows < 2)
    throw Error(fmt::format("batch_norm: {} value per channel in training, expected at least 2", s.rows),
                "Use a --batch-size of 2 or more.");
  Tensor y = x.new_empty(x.shape());
  Tensor mean = x.new_empty({s.channels});
  Tensor variance = x.new_empty({s.channels});
  CARDIOGRAD_RUN(batch_norm_forward, s, x, gamma, beta, running_mean, running_var, y, mean, variance);
  record_training(s, x, gamma, beta, mean, variance, y);
  return y;
}

Tensor batch_norm_eval(const kernels::BatchNormShape& s, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                       const Tensor& running_mean, const Tensor& running_var) {
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(batch_norm_eval_forward, s, x, gamma, beta, running_mean, running_var, y);
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("batch_norm", y, {&x, &gamma, &beta},
         [=, x = x.detach(), gamma = gamma.detach(), beta = beta.detach()](const Tensor& dy) {
           Tensor gradient = dx.new_gradient();
           CARDIOGRAD_RUN(batch_norm_eval_backward, s, x, gamma, beta, running_mean, running_var, dy, gradient,
                          dgamma.accumulator(), dbeta.accumulator());
           dx.accumulate(gradient);
         });
  return y;
}

// Throws Error for shapes that do not fit.
kernels::BatchNormShape shape_of(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                                 const Tensor& variance, const BatchNormOptions& options) {
  if (x.shape().dims() < 2)
    throw Error(fmt::format("batch_norm: x has shape {}, expected (N, C) or (N, T, C)", x.shape().text()));
  const std::int64_t channels = x.shape().last();
  expect_shape("batch_norm", "gamma", gamma, {channels});
  expect_shape("batch_norm", "beta", beta, {channels});
  expect_shape("batch_norm", "running_mean", mean, {channels});
  expect_shape("batch_norm", "running_var", variance, {channels});
  return {.rows = x.count() / channels,
          .channels = channels,
          .epsilon = options.epsilon,
          .momentum = options.momentum,
          .relu = options.relu};
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor& running_mean, Tensor& running_var,
                  const BatchNormOptions& options) {
  const kernels::BatchNormShape s = shape_of(x, gamma, beta, running_mean, running_var, options);
  return options.training ? batch_norm_training(s, x, gamma, beta, running_mean, running_var)
                          : batch_norm_eval(s, x, gamma, beta, running_mean, running_var);
}

Tensor batch_norm(const ConvolvedBatch& x, const Tensor& gamma, const Tensor& beta, const BatchNormOptions& options) {
  const kernels::BatchNormShape s = shape_of(x.y, gamma, beta, x.mean, x.variance, options);
  Tensor y = x.y.new_empty(x.y.shape());
  CARDIOGRAD_RUN(batch_norm_eval_forward, s, x.y, gamma, beta, x.mean, x.variance, y);
  record_training(s, x.y, gamma, beta, x.mean, x.variance, y);
  return y;
}

}  // namespace cardiograd::ops
