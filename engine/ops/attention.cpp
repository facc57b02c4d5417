#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/ops/ops.h"
#include "kernels/attention/attention_op.h"

namespace cardiograd::ops {

Tensor attention(const Tensor& qkv, std::int64_t heads, const kernels::DropoutKey& dropout) {
  if (qkv.shape().dims() != 3 || heads < 1 || qkv.dim(2) % (3 * heads) != 0)
    throw Error(fmt::format("attention: qkv has shape {}, expected (N, T, 3 * C) with C a multiple of {} heads",
                            qkv.shape().text(), heads));
  const kernels::AttentionShape s = {
      .batch = qkv.dim(0), .time = qkv.dim(1), .heads = heads, .width = qkv.dim(2) / (3 * heads), .dropout = dropout};
  Tensor y = Tensor::empty({s.batch, s.time, s.heads * s.width});
  Tensor lse = Tensor::empty({s.batch, s.heads, s.time});
  kernels::attention_forward_cpu(s, qkv.data(), y.data(), lse.data());
  const GradientSlot dqkv(qkv);
  record("attention", y, {&qkv}, [=, qkv = qkv.detach(), y = y.detach()](const Tensor& dy) {
    Tensor gradient = Tensor::empty(dqkv.shape());
    kernels::attention_backward_cpu(s, qkv.data(), y.data(), lse.data(), dy.data(), gradient.data());
    dqkv.give(gradient);
  });
  return y;
}

}  // namespace cardiograd::ops
