#include "kernels/conv1d/conv1d.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "engine/precision.h"

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

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
  const kernels::Conv1dShape s = conv1d_shape(x, w, b, options);
  Tensor y = x.new_empty({s.batch, s.output_time(), s.output_channels});
  CARDIOGRAD_RUN(conv1d_forward, s, x, w, b, y);
  const GradientSlot dx(x);
  const GradientSlot dw(w);
  const GradientSlot db(b);
  record("conv1d", y, {&x, &w, &b}, [=, x = x.detach(), w = w.detach()](const Tensor& dy) {
    if (dx.needed()) {
      Tensor gradient = dx.new_gradient();
      CARDIOGRAD_RUN(conv1d_backward_input, s, w, dy, gradient);
      dx.accumulate(gradient);
    }
    if (db.needed())
      CARDIOGRAD_RUN(conv1d_backward_weight, s, x, dy, dw.accumulator(), db.accumulator());
    else if (dw.needed())
      CARDIOGRAD_RUN(conv1d_backward_weight, s, x, dy, dw.accumulator(), nullptr);
  });
  return y;
}

}  // namespace cardiograd::ops
