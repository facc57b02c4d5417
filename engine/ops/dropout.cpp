#include "kernels/dropout/dropout.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor dropout(const Tensor& x, const kernels::DropoutKey& key) {
  if (!(key.probability >= 0.0F && key.probability < 1.0F))
    throw Error(fmt::format("dropout: probability {}, expected 0 or more and less than 1", key.probability));
  if (key.probability == 0.0F) return x;
  // One kernel for both directions.
  const kernels::DropoutShape s = {x.count(), key_of_part(key, x.dim(0) > 0 ? x.count() / x.dim(0) : 0)};
  Tensor y = x.new_empty(x.shape());
  run_kernel<kernels::dropout_cpu, kernels::dropout_cuda>("dropout_forward", s, x, y);
  const GradientSlot dx(x);
  record("dropout", y, {&x}, [=](const Tensor& dy) {
    Tensor gradient = dx.new_gradient();
    run_kernel<kernels::dropout_cpu, kernels::dropout_cuda>("dropout_backward", s, dy, gradient);
    dx.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
