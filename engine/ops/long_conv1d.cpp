#include "kernels/long_conv1d/long_conv1d.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "kernels/basis_taps/basis_taps.h"

namespace cardiograd::ops {

Tensor long_conv1d(const Tensor& x, const Tensor& w, std::int64_t before) {
  if (x.shape().dims() != 3 || w.shape().dims() != 2 || x.dim(2) != w.dim(1))
    throw Error(fmt::format("long_conv1d: x has shape {} and w {}, expected (N, T, C) and (K, C)", x.shape().text(),
                            w.shape().text()));
  if (before < 0 || before >= w.dim(0))
    throw Error(fmt::format("long_conv1d: {} taps before the sample, expected 0 to {}", before, w.dim(0) - 1));
  const kernels::LongConv1dShape s = {
      .batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2), .taps = w.dim(0), .before = before};
  Tensor y = x.new_empty(x.shape());
  CARDIOGRAD_RUN(long_conv1d_forward, s, x, w, y);
  const GradientSlot dx(x), dw(w);
  record("long_conv1d", y, {&x, &w}, [=, x = x.detach(), w = w.detach()](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    if (dw.needed())
      CARDIOGRAD_RUN(long_conv1d_backward, s, x, w, dy, gradient, dw.accumulator());
    else
      CARDIOGRAD_RUN(long_conv1d_backward, s, x, w, dy, gradient, nullptr);
    dx.accumulate(gradient);
  });
  return y;
}

Tensor basis_taps(const Tensor& basis, const Tensor& coefficients, const Tensor& skip) {
  if (basis.shape().dims() != 3)
    throw Error(fmt::format("basis_taps: the basis has shape {}, expected (L, M, C)", basis.shape().text()));
  const kernels::BasisTapsShape s = {.length = basis.dim(0), .terms = basis.dim(1), .channels = basis.dim(2)};
  expect_shape("basis_taps", "coefficients", coefficients, {2, s.terms, s.channels});
  expect_shape("basis_taps", "skip", skip, {s.channels});
  Tensor w = basis.new_empty({s.taps(), s.channels});
  CARDIOGRAD_RUN(basis_taps_forward, s, basis, coefficients, skip, w);
  const GradientSlot da(coefficients), dskip(skip);
  record("basis_taps", w, {&coefficients, &skip}, [=, basis = basis.detach()](const Tensor& dw) {
    CARDIOGRAD_RUN(basis_taps_backward, s, basis, dw, da.accumulator(), dskip.accumulator());
  });
  return w;
}

}  // namespace cardiograd::ops
