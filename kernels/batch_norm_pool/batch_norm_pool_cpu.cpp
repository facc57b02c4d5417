// Batch normalization, ReLU and max pooling on the CPU: its parts one after the other. nn::BatchNorm1d runs the parts
// themselves there, since they keep the normalized values instead of computing them again.
#include "kernels/batch_norm_pool/batch_norm_pool.h"
#include "kernels/common/scratch.h"

namespace cardiograd::kernels {

void batch_norm_pool_forward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                 float* running_mean, float* running_var, float* y, float* mean, float* variance) {
  float* normalized = scratch(ScratchUse::kColumns, s.batch * s.time * s.channels);
  batch_norm_forward_cpu(s.norm(), x, gamma, beta, running_mean, running_var, normalized, mean, variance);
  max_pool_forward_cpu(s.pool(), normalized, y);
}

void batch_norm_pool_backward_cpu(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                                  float* dbeta) {
  float* normalized = scratch(ScratchUse::kColumns, s.batch * s.time * s.channels);
  float* gradient = scratch(ScratchUse::kPadded, s.batch * s.time * s.channels);
  batch_norm_eval_forward_cpu(s.norm(), x, gamma, beta, mean, variance, normalized);
  max_pool_backward_cpu(s.pool(), normalized, dy, gradient);
  batch_norm_backward_cpu(s.norm(), x, gamma, beta, mean, variance, gradient, dx, dgamma, dbeta);
}

}  // namespace cardiograd::kernels
