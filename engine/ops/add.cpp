#include "kernels/add/add.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor add(const Tensor& a, const Tensor& b) {
  const int missing = a.shape().dims() - b.shape().dims();
  bool fits = missing >= 0;
  for (int i = 0; fits && i < b.shape().dims(); ++i) fits = a.dim(missing + i) == b.dim(i);
  if (!fits)
    throw Error(fmt::format("add: a has shape {} and b {}, expected equal trailing dimensions", a.shape().text(),
                            b.shape().text()));
  const kernels::AddShape s = {.count = a.count(), .period = b.count()};
  Tensor y = a.new_empty(a.shape());
  CARDIOGRAD_RUN(add_forward, s, a, b, y);
  const GradientSlot da(a);
  const GradientSlot db(b);
  record("add", y, {&a, &b}, [=](const Tensor& dy) {
    da.accumulate(dy);
    if (!db.needed()) return;
    if (s.period == s.count)
      db.accumulate(dy);
    else
      CARDIOGRAD_RUN(add_backward_broadcast, s, dy, db.accumulator());
  });
  return y;
}

}  // namespace cardiograd::ops
