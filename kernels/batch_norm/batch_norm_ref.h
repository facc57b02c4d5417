// Batch normalization in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/batch_norm/batch_norm.h"

namespace cardiograd::kernels {

// y of one channel from its mean and variance.
template <class Real>
void batch_norm_channel_ref(const BatchNormShape& s, std::int64_t c, Real mean, Real variance, const Real* x,
                            const Real* gamma, const Real* beta, Real* y) {
  using std::sqrt;
  const Real deviation = sqrt(variance + static_cast<Real>(s.epsilon));
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const std::int64_t i = r * s.channels + c;
    const Real value = gamma[c] * ((x[i] - mean) / deviation) + beta[c];
    y[i] = s.relu && value <= 0 ? 0 : value;
  }
}

template <class Real>
void batch_norm_forward_ref(const BatchNormShape& s, const Real* x, const Real* gamma, const Real* beta,
                            Real* running_mean, Real* running_var, Real* y, Real* mean, Real* variance) {
  const Real momentum = static_cast<Real>(s.momentum);
  const Real rows = static_cast<Real>(s.rows);
  for (std::int64_t c = 0; c < s.channels; ++c) {
    Real sum = 0;
    for (std::int64_t r = 0; r < s.rows; ++r) sum += x[r * s.channels + c];
    mean[c] = sum / rows;
    Real squares = 0;
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const Real centered = x[r * s.channels + c] - mean[c];
      squares += centered * centered;
    }
    variance[c] = squares / rows;
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c];
    running_var[c] = (1 - momentum) * running_var[c] + momentum * squares / (rows - 1);
    batch_norm_channel_ref(s, c, mean[c], variance[c], x, gamma, beta, y);
  }
}

template <class Real>
void batch_norm_eval_forward_ref(const BatchNormShape& s, const Real* x, const Real* gamma, const Real* beta,
                                 const Real* running_mean, const Real* running_var, Real* y) {
  for (std::int64_t c = 0; c < s.channels; ++c)
    batch_norm_channel_ref(s, c, running_mean[c], running_var[c], x, gamma, beta, y);
}

// Both backward directions; with statistics of the batch (`training`) they depend on x too.
template <class Real>
void batch_norm_gradient_ref(const BatchNormShape& s, bool training, const Real* x, const Real* gamma, const Real* beta,
                             const Real* mean, const Real* variance, const Real* dy, Real* dx, Real* dgamma,
                             Real* dbeta) {
  using std::sqrt;
  const Real rows = static_cast<Real>(s.rows);
  for (std::int64_t c = 0; c < s.channels; ++c) {
    const Real deviation = sqrt(variance[c] + static_cast<Real>(s.epsilon));
    const auto normal = [&](std::int64_t i) { return (x[i] - mean[c]) / deviation; };
    const auto gradient = [&](std::int64_t i) {  // of the value before ReLU
      return s.relu && gamma[c] * normal(i) + beta[c] <= 0 ? Real{0} : dy[i];
    };
    Real sum = 0;
    Real product = 0;
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const std::int64_t i = r * s.channels + c;
      sum += gradient(i);
      product += gradient(i) * normal(i);
    }
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const std::int64_t i = r * s.channels + c;
      const Real through_statistics = training ? (sum + normal(i) * product) / rows : 0;
      dx[i] = gamma[c] / deviation * (gradient(i) - through_statistics);
    }
    dgamma[c] += product;
    dbeta[c] += sum;
  }
}

template <class Real>
void batch_norm_backward_ref(const BatchNormShape& s, const Real* x, const Real* gamma, const Real* beta,
                             const Real* mean, const Real* variance, const Real* dy, Real* dx, Real* dgamma,
                             Real* dbeta) {
  batch_norm_gradient_ref(s, true, x, gamma, beta, mean, variance, dy, dx, dgamma, dbeta);
}

template <class Real>
void batch_norm_eval_backward_ref(const BatchNormShape& s, const Real* x, const Real* gamma, const Real* beta,
                                  const Real* running_mean, const Real* running_var, const Real* dy, Real* dx,
                                  Real* dgamma, Real* dbeta) {
  batch_norm_gradient_ref(s, false, x, gamma, beta, running_mean, running_var, dy, dx, dgamma, dbeta);
}

}  // namespace cardiograd::kernels
