#include "kernels/concat/concat.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor concat(const Tensor& a, const Tensor& b) {
  if (a.shape().dims() != 2 || b.shape().dims() != 2 || a.dim(0) != b.dim(0))
    throw Error(
        fmt::format("concat: shapes {} and {}, expected (rows, A) and (rows, B)", a.shape().text(), b.shape().text()));
  const kernels::ConcatShape s = {.rows = a.dim(0), .width_a = a.dim(1), .width_b = b.dim(1)};
  Tensor y = a.new_empty({s.rows, s.width_a + s.width_b});
  CARDIOGRAD_RUN(concat_forward, s, a, b, y);
  const GradientSlot da(a);
  const GradientSlot db(b);
  record("concat", y, {&a, &b}, [=](const Tensor& dy) {
    Tensor gradient_a = da.new_gradient();
    Tensor gradient_b = db.new_gradient();
    CARDIOGRAD_RUN(concat_backward, s, dy, gradient_a, gradient_b);
    da.accumulate(gradient_a);
    db.accumulate(gradient_b);
  });
  return y;
}

}  // namespace cardiograd::ops
