#include "kernels/conv1d/conv1d.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "engine/precision.h"
#include "kernels/conv1d_statistics/conv1d_statistics.h"

namespace cardiograd::ops {
namespace {

kernels::Conv1dShape conv1d_shape(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
  if (x.shape().dims() != 3 || w.shape().dims() != 3)
    throw Error(fmt::format("conv1d: x has shape {} and w {}, expected (N, T, Cin) and (K, Cin / groups, Cout)",
                            x.shape().text(), w.shape().text()));
  const kernels::Conv1dShape s = {.batch = x.dim(0),
                                  .time = x.dim(1),
                                  .input_channels = x.dim(2),
                                  .output_channels = w.dim(2),
                                  .kernel = w.dim(0),
                                  .stride = options.stride,
                                  .padding = options.padding,
                                  .dilation = options.dilation,
                                  .groups = options.groups,
                                  .precision = matmul_precision()};
  if (s.stride < 1 || s.dilation < 1 || s.padding < 0 || s.groups < 1)
    throw Error(fmt::format("conv1d: stride {}, dilation {}, padding {}, groups {}, expected 1, 1, 0, 1 or more",
                            s.stride, s.dilation, s.padding, s.groups));
  if (s.input_channels != w.dim(1) * s.groups || s.output_channels % s.groups != 0)
    throw Error(fmt::format("conv1d: x has shape {} and w {}, which do not fit with {} groups", x.shape().text(),
                            w.shape().text(), s.groups));
  if (s.time + 2 * s.padding < s.dilation * (s.kernel - 1) + 1)
    throw Error(fmt::format("conv1d: {} samples are fewer than the kernel of {} spans", s.time, s.kernel),
                "Use longer records, fewer blocks or smaller kernels.");
  expect_shape("conv1d", "b", b, {s.output_channels});
  return s;
}

// Records y's backward pass: the gradients of x, w and b.
void record_conv1d(const kernels::Conv1dShape& s, const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  const GradientSlot dx(x);
  const GradientSlot dw(w);
  const GradientSlot db(b);
  record("conv1d", y, {&x, &w, &b}, [=, x = x.detach(), w = w.detach()](const Tensor& dy) {
    if (dx.needed()) {
      Tensor gradient = dx.new_gradient();
      CARDIOGRAD_RUN(conv1d_backward_input, s, w, dy, gradient);
      dx.accumulate(gradient);
    }
    kernels::Conv1dShape of_weights = s;
    of_weights.bias_gradient = db.needed();
    if (db.needed())
      CARDIOGRAD_RUN(conv1d_backward_weight, of_weights, x, dy, dw.accumulator(), db.accumulator());
    else if (dw.needed())
      CARDIOGRAD_RUN(conv1d_backward_weight, of_weights, x, dy, dw.accumulator(), nullptr);
  });
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
  const kernels::Conv1dShape s = conv1d_shape(x, w, b, options);
  Tensor y = x.new_empty({s.batch, s.output_time(), s.output_channels});
  CARDIOGRAD_RUN(conv1d_forward, s, x, w, b, y);
  record_conv1d(s, x, w, b, y);
  return y;
}

ConvolvedBatch conv1d_statistics(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options,
                                 Tensor& running_mean, Tensor& running_var, double momentum) {
  const kernels::Conv1dStatisticsShape s = {conv1d_shape(x, w, b, options), momentum};
  expect_shape("conv1d_statistics", "running_mean", running_mean, {s.output_channels});
  expect_shape("conv1d_statistics", "running_var", running_var, {s.output_channels});
  if (s.rows() < 2)
    throw Error(fmt::format("conv1d_statistics: {} value per channel, expected at least 2", s.rows()),
                "Use batches of 2 or more.");
  ConvolvedBatch result = {x.new_empty({s.batch, s.output_time(), s.output_channels}), x.new_empty({s.output_channels}),
                           x.new_empty({s.output_channels})};
  CARDIOGRAD_RUN(conv1d_statistics_forward, s, x, w, b, running_mean, running_var, result.y, result.mean,
                 result.variance);
  record_conv1d(s, x, w, b.detach(), result.y);
  return result;
}

}  // namespace cardiograd::ops
