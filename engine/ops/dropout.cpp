#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "kernels/dropout/dropout_op.h"

namespace cardiograd::ops {

Tensor dropout(const Tensor& x, const kernels::DropoutKey& key) {
  if (!(key.probability >= 0.0F && key.probability < 1.0F))
    throw Error(fmt::format("dropout: probability {}, expected 0 or more and less than 1", key.probability));
  if (key.probability == 0.0F) return x;
  const kernels::DropoutShape s = {x.count(), key};
  Tensor y = Tensor::empty(x.shape());
  kernels::dropout_cpu(s, x.data(), y.data());
  const GradientSlot dx(x);
  record("dropout", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = Tensor::empty(dx.shape());
    kernels::dropout_cpu(s, dy.data(), gradient.data());
    dx.give(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
