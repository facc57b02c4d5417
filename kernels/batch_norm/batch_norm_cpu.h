// The parts of batch normalization on the CPU that kernels with a pass over memory of their own share.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/batch_norm/batch_norm.h"

namespace cardiograd::kernels {

// The statistics of x: writes mean and variance, updates the running ones. y = (x - mean) * scale + shift; both (C).
void batch_norm_statistics_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                               float* running_mean, float* running_var, float* mean, float* variance, float* scale,
                               float* shift);

// scale (C) of the backward direction: gamma / sqrt(variance + epsilon).
void batch_norm_scale_cpu(const BatchNormShape& s, const float* gamma, const float* variance, float* scale);

// From sums of dy and of dy * (x - mean) of `blocks` blocks of rows, (block, 2, C), added up in their order: dgamma and
// dbeta +=, and with `training` offset and slope (C): dx = scale * (dy - offset - (x - mean) * slope).
void batch_norm_gradients_cpu(const BatchNormShape& s, bool training, std::int64_t blocks, const float* sums,
                              const float* variance, float* offset, float* slope, float* dgamma, float* dbeta);

// For batches that several processes share. Of x alone: the mean and the sum of squared deviations from it, both (C).
void batch_norm_moments_cpu(const BatchNormShape& s, const float* x, double* mean, double* squares);

// batch_norm_backward for statistics taken over `all_rows` rows, of which x has s.rows: `share` replaces the sums of dy
// and of dy * (x - mean), (2, C), of these rows by those of all. dgamma and dbeta += the part of these rows.
void batch_norm_shared_backward_cpu(const BatchNormShape& s, std::int64_t all_rows, const float* x, const float* gamma,
                                    const float* beta, const float* mean, const float* variance, const float* dy,
                                    const std::function<void(double* sums)>& share, float* dx, float* dgamma,
                                    float* dbeta);

}  // namespace cardiograd::kernels
