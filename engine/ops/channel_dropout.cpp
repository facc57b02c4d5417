#include "kernels/channel_dropout/channel_dropout.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor channel_dropout(const Tensor& x, const kernels::DropoutKey& key) {
  if (x.shape().dims() != 3)
    throw Error(fmt::format("channel_dropout: x has shape {}, expected (N, T, C)", x.shape().text()));
  if (!(key.probability >= 0.0F && key.probability < 1.0F))
    throw Error(fmt::format("channel_dropout: probability {}, expected 0 or more and less than 1", key.probability));
  if (key.probability == 0.0F) return x;
  // One kernel for both directions.
  const kernels::ChannelDropoutShape s = {
      .batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2), .key = key_of_part(key, x.dim(2))};
  Tensor y = x.new_empty(x.shape());
  run_kernel<kernels::channel_dropout_cpu, kernels::channel_dropout_cuda>("channel_dropout_forward", s, x, y);
  const GradientSlot dx(x);
  record("channel_dropout", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    run_kernel<kernels::channel_dropout_cpu, kernels::channel_dropout_cuda>("channel_dropout_backward", s, dy,
                                                                            gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
