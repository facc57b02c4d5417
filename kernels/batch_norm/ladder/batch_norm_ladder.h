// Earlier versions of batch_norm_forward_cuda, from the simplest on (docs/ladders/batch-norm.md). The shipped version
// is the top.
#pragma once

#include "kernels/batch_norm/batch_norm.h"

namespace cardiograd::kernels {

// Variance as E[x^2] - E[x]^2: wrong where the mean is large beside the deviation.
void batch_norm_forward_sum_of_squares(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                       float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                       Stream stream);
// The mean first, then the squares of the deviations from it.
void batch_norm_forward_two_passes(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                   Stream stream);
// Chunks of rows, combined by Chan's formula.
void batch_norm_forward_chunks(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                               float* running_mean, float* running_var, float* y, float* mean, float* variance,
                               Stream stream);

}  // namespace cardiograd::kernels
