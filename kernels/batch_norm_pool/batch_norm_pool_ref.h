// Batch normalization, ReLU and max pooling in plain loops: its parts one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/batch_norm/batch_norm_ref.h"
#include "kernels/batch_norm_pool/batch_norm_pool.h"
#include "kernels/max_pool/max_pool_ref.h"

namespace cardiograd::kernels {

template <class Real>
void batch_norm_pool_forward_ref(const BatchNormPoolShape& s, const Real* x, const Real* gamma, const Real* beta,
                                 Real* running_mean, Real* running_var, Real* y, Real* mean, Real* variance) {
  std::vector<Real> normalized(static_cast<std::size_t>(s.batch * s.time * s.channels));
  batch_norm_forward_ref(s.norm(), x, gamma, beta, running_mean, running_var, normalized.data(), mean, variance);
  max_pool_forward_ref<Real>(s.pool(), normalized.data(), y);
}

template <class Real>
void batch_norm_pool_given_forward_ref(const BatchNormPoolShape& s, const Real* x, const Real* gamma, const Real* beta,
                                       const Real* mean, const Real* variance, Real* y) {
  std::vector<Real> normalized(static_cast<std::size_t>(s.batch * s.time * s.channels));
  batch_norm_eval_forward_ref(s.norm(), x, gamma, beta, mean, variance, normalized.data());
  max_pool_forward_ref<Real>(s.pool(), normalized.data(), y);
}

template <class Real>
void batch_norm_pool_add_forward_ref(const BatchNormPoolShape& s, const Real* x, const Real* gamma, const Real* beta,
                                     const Real* mean, const Real* variance, const Real* added, Real* y) {
  batch_norm_pool_given_forward_ref(s, x, gamma, beta, mean, variance, y);
  const std::int64_t record = s.output_time() * s.channels;
  for (std::int64_t i = 0; i < s.batch * record; ++i) y[i] = y[i] + added[i % record];
}

template <class Real>
void batch_norm_pool_backward_ref(const BatchNormPoolShape& s, const Real* x, const Real* gamma, const Real* beta,
                                  const Real* mean, const Real* variance, const Real* dy, Real* dx, Real* dgamma,
                                  Real* dbeta) {
  std::vector<Real> normalized(static_cast<std::size_t>(s.batch * s.time * s.channels));
  std::vector<Real> gradient(normalized.size());
  for (std::int64_t c = 0; c < s.channels; ++c)
    batch_norm_channel_ref(s.norm(), c, mean[c], variance[c], x, gamma, beta, normalized.data());
  max_pool_backward_ref<Real>(s.pool(), normalized.data(), dy, gradient.data());
  batch_norm_backward_ref<Real>(s.norm(), x, gamma, beta, mean, variance, gradient.data(), dx, dgamma, dbeta);
}

}  // namespace cardiograd::kernels
