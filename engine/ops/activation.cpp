#include "kernels/activation/activation.h"

#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor relu(const Tensor& x) {
  const kernels::ActivationShape s = {x.count()};
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(relu_forward, s, x, y);
  const GradientSlot dx(x);
  record("relu", y, {&x}, [=, y = y.detach()](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(relu_backward, s, y, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

Tensor leaky_relu(const Tensor& x, float slope) {
  const kernels::LeakyReluShape s = {x.count(), slope};
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(leaky_relu_forward, s, x, y);
  const GradientSlot dx(x);
  record("leaky_relu", y, {&x}, [=, x = x.detach()](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(leaky_relu_backward, s, x, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

Tensor tanh(const Tensor& x) {
  const kernels::ActivationShape s = {x.count()};
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(tanh_forward, s, x, y);
  const GradientSlot dx(x);
  record("tanh", y, {&x}, [=, y = y.detach()](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(tanh_backward, s, y, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

Tensor gelu(const Tensor& x) {
  const kernels::ActivationShape s = {x.count()};
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(gelu_forward, s, x, y);
  const GradientSlot dx(x);
  record("gelu", y, {&x}, [=, x = x.detach()](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(gelu_backward, s, x, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
