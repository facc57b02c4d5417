// Batch normalization, ReLU and max pooling of pairs in one pass over memory: what follows a convolution.
//
//   y[n, t, c] = max over i in {0, 1} of b[n, 2 t + i, c],   b = batch_norm(x) of batch_norm.h over all N * T rows,
//   then max(b, 0) if `relu`
//
//   x  (N, T, C)        y  (N, T / 2, C)        gamma, beta, mean, variance, running_mean, running_var  (C)
//
//   batch_norm_pool_forward         y, mean, variance = , running updated, as batch_norm_forward. Needs N * T >= 2.
//   batch_norm_pool_given_forward   y = with mean and variance of x given, as conv1d_statistics takes them
//   batch_norm_pool_add_forward     y = the same + added, for every record: `added` (T / 2, C) are positions
//   batch_norm_pool_backward        dx = , dgamma +=, dbeta +=; of all three
//
// An odd last sample of a record is in no pair but belongs to the statistics. b is never stored: the backward direction
// computes it again from x. The first of equals is the maximum, and NaN is larger than every number, as in max_pool.h.
#pragma once

#include <cstdint>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/common/stream.h"
#include "kernels/max_pool/max_pool.h"

namespace cardiograd::kernels {

struct BatchNormPoolShape {
  std::int64_t batch = 1;
  std::int64_t time = 2;
  std::int64_t channels = 1;
  double epsilon = 1e-5;
  double momentum = 0.1;
  bool relu = false;

  constexpr std::int64_t output_time() const { return time / 2; }
  constexpr BatchNormShape norm() const { return {batch * time, channels, epsilon, momentum, relu}; }
  constexpr MaxPoolShape pool() const { return {batch, time, channels, 2, 2, 0}; }
};

void batch_norm_pool_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                 float* running_mean, float* running_var, float* y, float* mean, float* variance);
void batch_norm_pool_given_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma,
                                       const float* beta, const float* mean, const float* variance, float* y);
void batch_norm_pool_add_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                     const float* mean, const float* variance, const float* added, float* y);
void batch_norm_pool_backward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                                  float* dbeta);

// The same on the GPU; pointers are to device memory.
void batch_norm_pool_forward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                  float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                  Stream stream);
void batch_norm_pool_given_forward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma,
                                        const float* beta, const float* mean, const float* variance, float* y,
                                        Stream stream);
void batch_norm_pool_add_forward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma,
                                      const float* beta, const float* mean, const float* variance, const float* added,
                                      float* y, Stream stream);
void batch_norm_pool_backward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                                   float* dbeta, Stream stream);

}  // namespace cardiograd::kernels
