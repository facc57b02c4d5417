#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "kernels/reduce/reduce_op.h"

namespace cardiograd::ops {

Tensor mean_over_time(const Tensor& x) {
  if (x.shape().dims() != 3 || x.dim(1) < 1)
    throw Error(fmt::format("mean_over_time: x has shape {}, expected (N, T, C)", x.shape().text()));
  const kernels::MeanTimeShape s = {.batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2)};
  Tensor y = Tensor::empty({s.batch, s.channels});
  kernels::mean_time_forward_cpu(s, x.data(), y.data());
  const GradientSlot dx(x);
  record("mean_over_time", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = Tensor::empty(dx.shape());
    kernels::mean_time_backward_cpu(s, dy.data(), gradient.data());
    dx.give(gradient);
  });
  return y;
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  Tensor y = x.view(shape);
  const GradientSlot dx(x);
  record("reshape", y, {&x}, [=](const Tensor& dy) { dx.give(dy.view(dx.shape())); });
  return y;
}

}  // namespace cardiograd::ops
