// Multi-head self-attention, from the packed projections to the concatenated heads (Vaswani et al. 2017, eq. 1).
//
//   qkv  (N, T, 3, H, D)   queries, keys and values of each head, as one linear layer makes them
//   S_ij = q_i . k_j / sqrt(D)      P = softmax over j of S      y_i = sum over j of (mask * P)_ij v_j
//   y    (N, T, H, D)      lse (N, H, T) = log of the softmax's denominator
//   The dropout mask has index ((n H + h) T + i) T' + j (dropout.h), T' = T rounded up to a multiple of 4: four keys of
//   a query share a block of random words.
//
//   attention_forward   y = , lse =
//   attention_backward  dqkv =     P is computed again from qkv and lse; no T x T matrix is kept between the passes
//
// Products round their factors as `precision` says (base/precision.h): q and k; exp(S_ij - a largest S of row i),
// where it is kept, and v; where it is kept, P, and dy; dy and v; dS without its factor 1 / sqrt(D), and k, and q.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/precision.h"
#include "kernels/common/stream.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

struct AttentionShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t heads = 1;
  std::int64_t width = 1;  // per head
  DropoutKey dropout;      // of the attention weights; probability 0 turns it off
  Precision precision = Precision::kFp32;

  float scale() const { return 1.0F / std::sqrt(static_cast<float>(width)); }
  // Distance of two queries in the dropout mask.
  std::int64_t mask_row() const { return (time + 3) / 4 * 4; }
  float dropout_factor() const { return dropout.probability == 0 ? 1.0F : dropout_scale(dropout.probability); }
};

void attention_forward_cpu(const AttentionShape& s, const float* qkv, float* y, float* lse);
void attention_backward_cpu(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv);

// The same on the GPU; pointers are to device memory.
void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream);

// Which kernels these take for a shape on the current GPU: "mma" (tensor cores), "ffma" (register tiles) or "tile".
const char* attention_forward_path(const AttentionShape& s);
const char* attention_backward_path(const AttentionShape& s);

}  // namespace cardiograd::kernels
