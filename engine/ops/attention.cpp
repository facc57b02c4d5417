#include "kernels/attention/attention.h"

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/dispatch.h"
#include "engine/ops/ops.h"
#include "engine/precision.h"

namespace cardiograd::ops {

Tensor attention(const Tensor& qkv, std::int64_t heads, const kernels::DropoutKey& dropout) {
  if (qkv.shape().dims() != 3 || heads < 1 || qkv.dim(2) % (3 * heads) != 0)
    throw Error(fmt::format("attention: qkv has shape {}, expected (N, T, 3 * C) with C a multiple of {} heads",
                            qkv.shape().text(), heads));
  kernels::AttentionShape s = {.batch = qkv.dim(0),
                               .time = qkv.dim(1),
                               .heads = heads,
                               .width = qkv.dim(2) / (3 * heads),
                               .dropout = dropout,
                               .precision = matmul_precision()};
  s.dropout = key_of_part(dropout, s.heads * s.time * s.mask_row());
  Tensor y = qkv.new_empty({s.batch, s.time, s.heads * s.width});
  Tensor lse = qkv.new_empty({s.batch, s.heads, s.time});
  CARDIOGRAD_RUN(attention_forward, s, qkv, y, lse);
  const GradientSlot dqkv(qkv);
  record("attention", y, {&qkv}, [=, qkv = qkv.detach(), y = y.detach()](const Tensor& dy) {
    Tensor gradient = dqkv.new_gradient();
    CARDIOGRAD_RUN(attention_backward, s, qkv, y, lse, dy, gradient);
    dqkv.accumulate(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
