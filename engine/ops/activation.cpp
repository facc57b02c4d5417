#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "kernels/activation/activation_op.h"

namespace cardiograd::ops {

Tensor relu(const Tensor& x) {
  const kernels::ActivationShape s = {x.count()};
  Tensor y = Tensor::empty(x.shape());
  kernels::relu_forward_cpu(s, x.data(), y.data());
  const GradientSlot dx(x);
  record("relu", y, {&x}, [=, y = y.detach()](const Tensor& dy) {
    Tensor gradient = Tensor::empty(dx.shape());
    kernels::relu_backward_cpu(s, y.data(), dy.data(), gradient.data());
    dx.give(gradient);
  });
  return y;
}

Tensor gelu(const Tensor& x) {
  const kernels::ActivationShape s = {x.count()};
  Tensor y = Tensor::empty(x.shape());
  kernels::gelu_forward_cpu(s, x.data(), y.data());
  const GradientSlot dx(x);
  record("gelu", y, {&x}, [=, x = x.detach()](const Tensor& dy) {
    Tensor gradient = Tensor::empty(dx.shape());
    kernels::gelu_backward_cpu(s, x.data(), dy.data(), gradient.data());
    dx.give(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
