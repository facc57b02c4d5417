// The kernels among which attention_forward_cuda and attention_backward_cuda choose (attention.cu), with their
// signature. None of them takes a shape of size 0.
#pragma once

#include "kernels/attention/attention.h"

namespace cardiograd::kernels {

// Any width, any GPU.
void attention_forward_tile(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
void attention_backward_tile(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream);

// Any GPU, widths up to 128 (forward; wider ones go to "tile") and 32 (backward).
void attention_forward_ffma(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
void attention_backward_ffma(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream);
// tf32 and bf16, on GPUs where attention_mma_runs(), for widths up to 128 (forward) and 64 (backward).
void attention_forward_mma(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream);
void attention_backward_mma(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                            const float* dy, float* dqkv, Stream stream);
// Whether the current GPU runs code that was compiled with tensor cores: compute capability 8.0 and newer.
bool attention_mma_runs();

}  // namespace cardiograd::kernels
