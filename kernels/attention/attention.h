// Multi-head self-attention, from the packed projections to the concatenated heads (Vaswani et al. 2017, eq. 1).
//
//   qkv  (N, T, 3, H, D)   queries, keys and values of each head, as one linear layer makes them
//   S_ij = q_i . k_j / sqrt(D)      P = softmax over j of S      y_i = sum over j of (mask * P)_ij v_j
//   y    (N, T, H, D)      lse (N, H, T) = log of the softmax's denominator
//   The dropout mask has index ((n H + h) T + i) T + j (dropout.h).
//
//   attention_forward   y = , lse =
//   attention_backward  dqkv =     P is computed again from qkv and lse; no T x T matrix is kept between the passes
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/common/stream.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

struct AttentionShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t heads = 1;
  std::int64_t width = 1;  // per head
  DropoutKey dropout;      // of the attention weights; probability 0 turns it off

  float scale() const { return 1.0F / std::sqrt(static_cast<float>(width)); }
};

void attention_forward_cpu(const AttentionShape& s, const float* qkv, float* y, float* lse);
void attention_backward_cpu(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv);

// The same on the GPU; pointers are to device memory.
void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream);

}  // namespace cardiograd::kernels
