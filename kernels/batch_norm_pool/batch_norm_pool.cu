// Batch normalization, ReLU and max pooling on the GPU: the kernels of batch_norm_cuda.cuh with windows of two rows.
#include "kernels/batch_norm/batch_norm_cuda.cuh"
#include "kernels/batch_norm_pool/batch_norm_pool.h"
#include "simt/simt.h"

namespace cardiograd::kernels {
namespace {

BatchNormChannels channels_of(const BatchNormPoolShape& s, const float* gamma, const float* beta, const float* mean,
                              const float* variance) {
  return {gamma, beta, mean, variance, static_cast<float>(s.epsilon), s.relu};
}

}  // namespace

void batch_norm_pool_forward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                  float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                  Stream stream) {
  batch_norm_statistics_cuda(s.norm(), x, running_mean, running_var, mean, variance, stream);
  batch_norm_pool_given_forward_cuda(s, x, gamma, beta, mean, variance, y, stream);
}

void batch_norm_pool_given_forward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma,
                                        const float* beta, const float* mean, const float* variance, float* y,
                                        Stream stream) {
  batch_norm_pool_add_forward_cuda(s, x, gamma, beta, mean, variance, nullptr, y, stream);
}

void batch_norm_pool_add_forward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma,
                                      const float* beta, const float* mean, const float* variance, const float* added,
                                      float* y, Stream stream) {
  batch_norm_apply<2>(s.norm(), s.batch, channels_of(s, gamma, beta, mean, variance), x, added, y, stream);
}

void batch_norm_pool_backward_cuda(const BatchNormPoolShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                                   float* dbeta, Stream stream) {
  batch_norm_gradient<2>(s.norm(), s.batch, true, channels_of(s, gamma, beta, mean, variance), x, dy, dx, dgamma, dbeta,
                         stream);
}

}  // namespace cardiograd::kernels
