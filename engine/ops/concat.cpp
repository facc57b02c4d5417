#include "kernels/concat/concat.h"

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor concat(const Tensor& a, const Tensor& b) {
  const int dims = a.shape().dims();
  bool fit = dims >= 2 && b.shape().dims() == dims;
  std::vector<std::int64_t> joined;
  for (int i = 0; fit && i + 1 < dims; ++i) {
    fit = a.dim(i) == b.dim(i);
    joined.push_back(a.dim(i));
  }
  if (!fit)
    throw Error(
        fmt::format("concat: shapes {} and {}, expected (..., A) and (..., B)", a.shape().text(), b.shape().text()));
  kernels::ConcatShape s = {.rows = 1, .width_a = a.dim(dims - 1), .width_b = b.dim(dims - 1)};
  for (const std::int64_t dim : joined) s.rows *= dim;
  joined.push_back(s.width_a + s.width_b);
  Tensor y = a.new_empty(Shape(joined));
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
