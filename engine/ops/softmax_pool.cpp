#include "kernels/softmax_pool/softmax_pool.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"

namespace cardiograd::ops {

Tensor softmax_pool(const Tensor& scores, const Tensor& x) {
  if (x.shape().dims() != 3 || scores.shape() != Shape{x.dim(0), x.dim(1)} || x.dim(1) == 0)
    throw Error(fmt::format("softmax_pool: the scores have shape {} and x {}, expected (N, T) and (N, T, C)",
                            scores.shape().text(), x.shape().text()));
  const kernels::SoftmaxPoolShape s = {.batch = x.dim(0), .time = x.dim(1), .channels = x.dim(2)};
  Tensor weights = x.new_empty({s.batch, s.time});
  Tensor y = x.new_empty({s.batch, s.channels});
  CARDIOGRAD_RUN(softmax_pool_forward, s, scores, x, weights, y);
  const GradientSlot dz(scores), dx(x);
  record("softmax_pool", y, {&scores, &x}, [=, x = x.detach()](const Tensor& dy) {
    Tensor of_scores = dz.new_gradient(), of_x = dx.new_gradient();
    CARDIOGRAD_RUN(softmax_pool_backward, s, x, weights, dy, of_scores, of_x);
    dz.accumulate(of_scores);
    dx.accumulate(of_x);
  });
  return y;
}

}  // namespace cardiograd::ops
