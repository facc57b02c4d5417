#include "kernels/transpose/transpose.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor transpose(const Tensor& x) {
  if (x.shape().dims() != 3)
    throw Error(fmt::format("transpose: x has shape {}, expected (N, T, C)", x.shape().text()));
  const kernels::TransposeShape s = {.batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2)};
  Tensor y = x.new_empty({s.batch, s.channels, s.time});
  CARDIOGRAD_RUN(transpose_forward, s, x, y);
  const GradientSlot dx(x);
  record("transpose", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(transpose_backward, s, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
