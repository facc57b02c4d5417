#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "kernels/layer_norm/layer_norm_op.h"

namespace cardiograd::ops {

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const std::int64_t width = x.shape().last();
  expect_shape("layer_norm", "gamma", gamma, {width});
  expect_shape("layer_norm", "beta", beta, {width});
  const kernels::LayerNormShape s = {.rows = x.count() / width, .width = width, .epsilon = epsilon};
  Tensor y = Tensor::empty(x.shape());
  Tensor mean = Tensor::empty({s.rows});
  Tensor rstd = Tensor::empty({s.rows});
  kernels::layer_norm_forward_cpu(s, x.data(), gamma.data(), beta.data(), y.data(), mean.data(), rstd.data());
  const GradientSlot dx(x);
  const GradientSlot dgamma(gamma);
  const GradientSlot dbeta(beta);
  record("layer_norm", y, {&x, &gamma, &beta}, [=, x = x.detach(), gamma = gamma.detach()](const Tensor& dy) {
    Tensor gradient = Tensor::empty(dx.shape());
    kernels::layer_norm_backward_cpu(s, x.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), gradient.data(),
                                     dgamma.buffer().data(), dbeta.buffer().data());
    dx.give(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
