#include "kernels/max_time/max_time.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor max_over_time(const Tensor& x) {
  if (x.shape().dims() != 3 || x.dim(1) < 1)
    throw Error(fmt::format("max_over_time: x has shape {}, expected (N, T, C)", x.shape().text()));
  const kernels::MaxTimeShape s = {.batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2)};
  Tensor y = x.new_empty({s.batch, s.channels});
  Tensor index = Tensor::empty({s.batch, s.channels}, DType::kInt32, x.device());
  CARDIOGRAD_RUN(max_time_forward, s, x, y, index);
  const GradientSlot dx(x);
  record("max_over_time", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(max_time_backward, s, dy, index, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
