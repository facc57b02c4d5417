// Batch normalization over rows, channels last (Ioffe and Szegedy, 2015), with an optional ReLU behind it.
//
//   y[r, c] = gamma[c] * (x[r, c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c],   then max(y, 0) if `relu`
//
//   x, y  (rows, C), rows = batch * time        gamma, beta, mean, variance, running_mean, running_var  (C)
//
//   batch_norm_forward        y, mean, variance = from the rows of x, the variance biased (divided by `rows`);
//                             running = (1 - momentum) * running + momentum * statistic, the variance unbiased there
//                             (divided by rows - 1), as PyTorch does. Needs rows >= 2.
//   batch_norm_backward       dx = , dgamma +=, dbeta +=; through mean and variance too
//   batch_norm_eval_forward   y  = with the running statistics
//   batch_norm_eval_backward  dx = , dgamma +=, dbeta +=; the running statistics are constants
//
// ReLU is fused because the model always follows with it: that saves two passes over the largest tensors. Its mask is
// recomputed in the backward direction, so nothing but x is kept. NaN stays NaN.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// Rows that the GPU's kernels normalize in one launch each way; more take two.
inline constexpr std::int64_t kBatchNormChunk = 128;

struct BatchNormShape {
  std::int64_t rows = 2;  // batch x time; training needs at least 2
  std::int64_t channels = 1;
  double epsilon = 1e-5;
  double momentum = 0.1;
  bool relu = false;
};

void batch_norm_forward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                            float* running_mean, float* running_var, float* y, float* mean, float* variance);
void batch_norm_backward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                             float* dbeta);
void batch_norm_eval_forward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                 const float* running_mean, const float* running_var, float* y);
void batch_norm_eval_backward_cpu(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, const float* dy, float* dx,
                                  float* dgamma, float* dbeta);

// The same on the GPU; pointers are to device memory.
void batch_norm_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, float* y, float* mean, float* variance,
                             Stream stream);
void batch_norm_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                              const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                              float* dbeta, Stream stream);
void batch_norm_eval_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, float* y, Stream stream);
void batch_norm_eval_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* running_mean, const float* running_var, const float* dy, float* dx,
                                   float* dgamma, float* dbeta, Stream stream);

// Batches that several GPUs share (engine/gpu_group.h): each normalizes its rows with the statistics of all, by
// batch_norm_eval_forward. The rows of GPU r are those of records batch * r / ranks ... batch * (r + 1) / ranks - 1.
struct BatchNormRanks {
  int ranks = 1;
  std::int64_t batch = 2;  // records of all
  std::int64_t time = 1;   // rows of a record
  std::int64_t rows() const { return batch * time; }
};

// own (4, C): mean and biased variance of the rows of x; the second half is working memory.
void batch_norm_own_statistics_cuda(const BatchNormShape& s, const float* x, float* own, Stream stream);
// From the first halves of all ranks, (ranks, 2, C): mean and variance over all rows, combined in the order of ranks
// (Chan, Golub and LeVeque, 1983); the running statistics follow.
void batch_norm_shared_statistics_cuda(const BatchNormShape& s, const BatchNormRanks& all, const float* own_of_ranks,
                                       float* running_mean, float* running_var, float* mean, float* variance,
                                       Stream stream);
// sums (2, C): of dy and of its product with the normalized value, over these rows; dgamma and dbeta += the same.
void batch_norm_shared_sums_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                 const float* mean, const float* variance, const float* dy, float* sums, float* dgamma,
                                 float* dbeta, Stream stream);
// dx = of these rows, from the sums over all ranks.
void batch_norm_shared_gradient_cuda(const BatchNormShape& s, const BatchNormRanks& all, const float* x,
                                     const float* gamma, const float* beta, const float* mean, const float* variance,
                                     const float* dy, const float* sums, float* dx, Stream stream);

}  // namespace cardiograd::kernels
