#include "kernels/avg_pool/avg_pool.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor avg_pool1d(const Tensor& x, const AvgPoolOptions& options) {
  if (x.shape().dims() != 3)
    throw Error(fmt::format("avg_pool1d: x has shape {}, expected (N, T, C)", x.shape().text()));
  const auto [kernel, stride, padding, ceil_mode] = options;
  if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2 || x.dim(1) + 2 * padding < kernel)
    throw Error(
        fmt::format("avg_pool1d: kernel {}, stride {}, padding {} on {} samples", kernel, stride, padding, x.dim(1)),
        "The kernel must fit into the padded signal, and the padding be at most half the kernel.");
  const kernels::AvgPoolShape s = {.batch = x.dim(0),
                                   .time = x.dim(1),
                                   .channels = x.dim(2),
                                   .kernel = kernel,
                                   .stride = stride,
                                   .padding = padding,
                                   .ceil_mode = ceil_mode};
  Tensor y = x.new_empty({s.batch, s.output_time(), s.channels});
  CARDIOGRAD_RUN(avg_pool_forward, s, x, y);
  const GradientSlot dx(x);
  record("avg_pool1d", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    CARDIOGRAD_RUN(avg_pool_backward, s, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
