#include "kernels/select_time/select_time.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor select_time(const Tensor& x, std::int64_t sample) {
  if (x.shape().dims() != 3)
    throw Error(fmt::format("select_time: x has shape {}, expected (N, T, C)", x.shape().text()));
  const kernels::SelectTimeShape s = {
      .batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2), .sample = sample < 0 ? x.dim(1) + sample : sample};
  if (s.sample < 0 || s.sample >= s.time)
    throw Error(fmt::format("select_time: sample {} of x with shape {}", sample, x.shape().text()));
  Tensor y = x.new_empty({s.batch, s.channels});
  CARDIOGRAD_RUN(select_time_forward, s, x, y);
  const GradientSlot dx(x);
  record("select_time", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(select_time_backward, s, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
