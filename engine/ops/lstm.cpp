#include "kernels/lstm/lstm.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {
namespace {

kernels::LstmShape shape_of(const Shape& x, const LstmWeights& w, bool reverse) {
  const std::int64_t width = w.hh.shape().dims() == 2 ? w.hh.dim(0) : 0;
  const bool fits = width > 0 && w.hh.dim(1) == kernels::kLstmGates * width && w.ih.shape().dims() == 2 &&
                    w.ih.dim(1) == kernels::kLstmGates * width;
  if (!fits)
    throw Error(fmt::format("lstm: w_ih has shape {} and w_hh {}, expected (inputs, 4 * H) and (H, 4 * H)",
                            w.ih.shape().text(), w.hh.shape().text()));
  expect_shape("lstm", "b_hh", w.bias_hh, {w.hh.dim(1)});
  if (x.dims() != 3) throw Error(fmt::format("lstm: x has shape {}, expected (N, T, inputs)", x.text()));
  return {.batch = x[0], .time = x[1], .width = width, .reverse = reverse};
}

// What the backward pass reads.
struct Kept {
  Tensor w;
  Tensor h;
  Tensor gates;
  Tensor cells;
};

// dx into `dx`, and the gradients of w_hh and b_hh where they are wanted.
void put_gradients(const kernels::LstmShape& s, const Kept& kept, const Tensor& dh, const GradientSlot& dw,
                   const GradientSlot& db, Tensor& dx) {
  const auto run = [&](auto&& to_w, auto&& to_b) {
    CARDIOGRAD_RUN(lstm_backward, s, kept.w, kept.h, kept.gates, kept.cells, dh, dx, to_w, to_b);
  };
  if (dw.needed() && db.needed()) return run(dw.accumulator(), db.accumulator());
  if (dw.needed()) return run(dw.accumulator(), nullptr);
  if (db.needed()) return run(nullptr, db.accumulator());
  run(nullptr, nullptr);
}

}  // namespace

Tensor lstm(const Tensor& x, const LstmWeights& weights, bool reverse) {
  const kernels::LstmShape s = shape_of(x.shape(), weights, reverse);
  const Tensor of_input = linear(x, weights.ih, weights.bias_ih);
  Tensor h = x.new_empty({s.batch, s.time, s.width});
  Tensor gates = x.new_empty({s.batch, s.time, s.gates()});
  Tensor cells = x.new_empty({s.batch, s.time, s.width});
  CARDIOGRAD_RUN(lstm_forward, s, of_input, weights.hh, weights.bias_hh, h, gates, cells);
  const GradientSlot dx(of_input), dw(weights.hh), db(weights.bias_hh);
  record("lstm", h, {&of_input, &weights.hh, &weights.bias_hh},
         [=, kept = Kept{weights.hh.detach(), h.detach(), gates, cells}](const Tensor& dh) {
           Tensor gradient = dx.new_gradient();
           put_gradients(s, kept, dh, dw, db, gradient);
           dx.accumulate(gradient);
         });
  return h;
}

}  // namespace cardiograd::ops
