#include "kernels/linear/linear.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "engine/precision.h"
#include "kernels/activation/activation.h"

namespace cardiograd::ops {
namespace {

Shape with_last(const Shape& shape, std::int64_t last) {
  std::vector<std::int64_t> dims;
  for (int i = 0; i + 1 < shape.dims(); ++i) dims.push_back(shape[i]);
  dims.push_back(last);
  return Shape(dims);
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, bool relu) {
  if (x.shape().dims() < 1 || w.shape().dims() != 2 || x.shape().last() != w.dim(0))
    throw Error(fmt::format("linear: x has shape {} and w {}, expected (..., inputs) and (inputs, outputs)",
                            x.shape().text(), w.shape().text()));
  expect_shape("linear", "b", b, {w.dim(1)});
  const kernels::LinearShape s = {.rows = x.count() / w.dim(0),
                                  .inputs = w.dim(0),
                                  .outputs = w.dim(1),
                                  .precision = matmul_precision(),
                                  .relu = relu};
  Tensor y = x.new_empty(with_last(x.shape(), s.outputs));
  CARDIOGRAD_RUN(linear_forward, s, x, w, b, y);
  const GradientSlot dx(x);
  const GradientSlot dw(w);
  const GradientSlot db(b);
  record("linear", y, {&x, &w, &b},
         [=, x = x.detach(), w = w.detach(), y = relu ? y.detach() : Tensor()](const Tensor& gradient_of_y) {
           Tensor dy = gradient_of_y;
           if (relu) {
             dy = y.new_empty(y.shape());
             CARDIOGRAD_RUN(relu_backward, kernels::ActivationShape{y.count()}, y, gradient_of_y, dy);
           }
           if (dx.needed()) {
             Tensor gradient = dx.new_gradient();
             CARDIOGRAD_RUN(linear_backward_input, s, w, dy, gradient);
             dx.accumulate(gradient);
           }
           if (db.needed())
             CARDIOGRAD_RUN(linear_backward_weight, s, x, dy, dw.accumulator(), db.accumulator());
           else if (dw.needed())
             CARDIOGRAD_RUN(linear_backward_weight, s, x, dy, dw.accumulator(), nullptr);
         });
  return y;
}

}  // namespace cardiograd::ops
