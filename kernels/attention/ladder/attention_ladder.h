// Earlier versions of attention's forward direction, slowest first, with the shipped one's signature; and the paths
// below the shipped one. docs/ladders/attention.md walks through them.
#pragma once

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_paths.h"

namespace cardiograd::kernels {

// Three kernels with the T x T matrix of each head between them.
void attention_forward_matrix(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
// A warp per query, softmax as it goes. Heads of more than 128 components go to attention_forward_tile().
void attention_forward_online(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
// Tiles of 32 keys in shared memory, width known at run time. Heads of more than 128 components go to
// attention_forward_tile().
void attention_forward_row_tile(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);

}  // namespace cardiograd::kernels
