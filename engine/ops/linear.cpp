#include "kernels/linear/linear.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/observer.h"
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

kernels::LinearShape shape_of(const char* operation, const Shape& x, const Tensor& w, const Tensor& b) {
  if (x.dims() < 1 || w.shape().dims() != 2 || x.last() != w.dim(0))
    throw Error(fmt::format("{}: x has shape {} and w {}, expected (..., inputs) and (inputs, outputs)", operation,
                            x.text(), w.shape().text()));
  expect_shape(operation, "b", b, {w.dim(1)});
  return {.rows = x.count() / w.dim(0), .inputs = w.dim(0), .outputs = w.dim(1), .precision = matmul_precision()};
}

// Where the gradients of a layer go.
struct LinearSlots {
  GradientSlot x;
  GradientSlot w;
  GradientSlot b;
};

void add_weight_gradients(const LinearSlots& slots, const kernels::LinearShape& s, const Tensor& x, const Tensor& dy) {
  float* const no_bias = nullptr;  // Not a launch less, as nullptr would say.
  if (slots.b.needed())
    CARDIOGRAD_RUN(linear_backward_weight, s, x, dy, slots.w.accumulator(), slots.b.accumulator());
  else if (slots.w.needed())
    CARDIOGRAD_RUN(linear_backward_weight, s, x, dy, slots.w.accumulator(), no_bias);
}

// All gradients from that of the product, dx into `dx`.
void put_gradients(const LinearSlots& slots, const kernels::LinearShape& s, const Tensor& x, const Tensor& w,
                   const Tensor& dy, Tensor& dx) {
  float* const no_bias = nullptr;
  if (slots.b.needed())
    CARDIOGRAD_RUN(linear_backward, s, x, w, dy, dx, slots.w.accumulator(), slots.b.accumulator());
  else if (slots.w.needed() || s.masked)
    CARDIOGRAD_RUN(linear_backward, s, x, w, dy, dx, slots.w.accumulator(), no_bias);
  else
    CARDIOGRAD_RUN(linear_backward_input, s, w, dy, dx);
}

// The same; a gradient of x that is there, as a residual's, is added to where the product is stored.
void add_gradients(const LinearSlots& slots, const kernels::LinearShape& product, const Tensor& x, const Tensor& w,
                   const Tensor& dy) {
  if (!slots.x.needed()) return add_weight_gradients(slots, product, x, dy);
  kernels::LinearShape s = product;
  s.adds = slots.x.started();
  Tensor dx = s.adds ? slots.x.accumulator() : slots.x.new_gradient();
  put_gradients(slots, s, x, w, dy, dx);
  if (!s.adds) slots.x.accumulate(dx);
}

LayerScope scope_of(const std::string& path) {
  const std::string whole = path.empty() ? std::string(current_layer()) : path;
  return LayerScope::whole_path(whole);
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, bool relu) {
  const kernels::LinearShape product = shape_of("linear", x.shape(), w, b);
  kernels::LinearShape s = product;
  s.relu = relu;
  Tensor y = x.new_empty(with_last(x.shape(), s.outputs));
  CARDIOGRAD_RUN(linear_forward, s, x, w, b, y);
  const LinearSlots slots = {GradientSlot(x), GradientSlot(w), GradientSlot(b)};
  record("linear", y, {&x, &w, &b},
         [=, x = x.detach(), w = w.detach(), y = relu ? y.detach() : Tensor()](const Tensor& gradient_of_y) {
           Tensor dy = gradient_of_y;
           if (relu) {
             dy = y.new_empty(y.shape());
             CARDIOGRAD_RUN(relu_backward, kernels::ActivationShape{y.count()}, y, gradient_of_y, dy);
           }
           add_gradients(slots, product, x, w, dy);
         });
  return y;
}

Tensor feed_forward(const Tensor& x, const LinearLayer& first, const kernels::DropoutKey& dropout,
                    const LinearLayer& second) {
  if (!(dropout.probability >= 0.0F && dropout.probability < 1.0F))
    throw Error(
        fmt::format("feed_forward: dropout probability {}, expected 0 or more and less than 1", dropout.probability));
  const kernels::LinearShape product1 = shape_of("feed_forward", x.shape(), first.weight, first.bias);
  const Shape hidden_shape = with_last(x.shape(), product1.outputs);
  const kernels::LinearShape product2 = shape_of("feed_forward", hidden_shape, second.weight, second.bias);
  kernels::LinearShape s = product1;
  s.relu = true;
  s.dropout = key_of_part(dropout, hidden_shape[0] > 0 ? hidden_shape.count() / hidden_shape[0] : 0);
  Tensor hidden = x.new_empty(hidden_shape);
  {
    const LayerScope layer = scope_of(first.path);
    CARDIOGRAD_RUN(linear_forward, s, x, first.weight, first.bias, hidden);
  }
  Tensor y = x.new_empty(with_last(x.shape(), product2.outputs));
  {
    const LayerScope layer = scope_of(second.path);
    CARDIOGRAD_RUN(linear_forward, product2, hidden, second.weight, second.bias, y);
  }
  const LinearSlots slots1 = {GradientSlot(x), GradientSlot(first.weight), GradientSlot(first.bias)};
  const LinearSlots slots2 = {GradientSlot(Tensor()), GradientSlot(second.weight), GradientSlot(second.bias)};
  record("feed_forward", y, {&x, &first.weight, &first.bias, &second.weight, &second.bias},
         [=, x = x.detach(), w1 = first.weight.detach(), w2 = second.weight.detach(), path1 = first.path,
          path2 = second.path](const Tensor& dy) {
           kernels::LinearShape masked = product2;
           masked.masked = true;
           masked.dropout.probability = dropout.probability;
           Tensor through_product = hidden.new_empty(hidden.shape());
           {
             const LayerScope layer = scope_of(path2);
             put_gradients(slots2, masked, hidden, w2, dy, through_product);
           }
           const LayerScope layer = scope_of(path1);
           add_gradients(slots1, product1, x, w1, through_product);
         });
  return y;
}

}  // namespace cardiograd::ops
