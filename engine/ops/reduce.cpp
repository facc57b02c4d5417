#include "kernels/reduce/reduce.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor mean_over_time(const Tensor& x) {
  if (x.shape().dims() != 3 || x.dim(1) < 1)
    throw Error(fmt::format("mean_over_time: x has shape {}, expected (N, T, C)", x.shape().text()));
  const kernels::MeanTimeShape s = {.batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2)};
  Tensor y = x.new_empty({s.batch, s.channels});
  CARDIOGRAD_RUN(mean_time_forward, s, x, y);
  const GradientSlot dx(x);
  record("mean_over_time", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(mean_time_backward, s, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  Tensor y = x.view(shape);
  const GradientSlot dx(x);
  record("reshape", y, {&x}, [=](const Tensor& dy) { dx.accumulate(dy.view(dx.shape())); });
  return y;
}

}  // namespace cardiograd::ops
