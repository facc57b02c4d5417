#include "kernels/gate/gate.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor gate(const Tensor& x, const Tensor& logits) {
  if (x.shape().dims() != 3 || logits.shape() != Shape{x.dim(0), x.dim(2)})
    throw Error(fmt::format("gate: x has shape {} and the logits have {}, expected (N, T, C) and (N, C)",
                            x.shape().text(), logits.shape().text()));
  const kernels::GateShape s = {.batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2)};
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(gate_forward, s, x, logits, y);
  const GradientSlot dx(x), dg(logits);
  record("gate", y, {&x, &logits}, [=, x = x.detach(), logits = logits.detach()](const Tensor& dy) {
    Tensor x_gradient = dx.new_gradient(), g_gradient = dg.new_gradient();
    CARDIOGRAD_RUN(gate_backward, s, x, logits, dy, x_gradient, g_gradient);
    dx.accumulate(x_gradient);
    dg.accumulate(g_gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
