// Residual sum and layer normalization in plain loops: its parts one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/dropout/dropout_ref.h"
#include "kernels/layer_norm/layer_norm_ref.h"
#include "kernels/residual_layer_norm/residual_layer_norm.h"

namespace cardiograd::kernels {

template <class Real>
std::vector<Real> residual_sum_ref(const ResidualLayerNormShape& s, const Real* x, const Real* bias,
                                   const Real* residual) {
  std::vector<Real> sum(static_cast<std::size_t>(s.rows * s.width));
  for (std::int64_t i = 0; i < s.rows * s.width; ++i) sum[static_cast<std::size_t>(i)] = x[i] + bias[i % s.width];
  dropout_ref<Real>({s.rows * s.width, s.dropout}, sum.data(), sum.data());
  for (std::int64_t i = 0; i < s.rows * s.width; ++i) sum[static_cast<std::size_t>(i)] += residual[i];
  return sum;
}

template <class Real>
void residual_layer_norm_forward_ref(const ResidualLayerNormShape& s, const Real* x, const Real* bias,
                                     const Real* residual, const Real* gamma, const Real* beta, Real* y, Real* mean,
                                     Real* rstd) {
  const std::vector<Real> sum = residual_sum_ref(s, x, bias, residual);
  layer_norm_forward_ref<Real>({s.rows, s.width, s.epsilon}, sum.data(), gamma, beta, y, mean, rstd);
}

template <class Real>
void residual_layer_norm_backward_ref(const ResidualLayerNormShape& s, const Real* x, const Real* bias,
                                      const Real* residual, const Real* gamma, const Real* mean, const Real* rstd,
                                      const Real* dy, Real* dx, Real* dresidual, Real* dbias, Real* dgamma,
                                      Real* dbeta) {
  const std::vector<Real> sum = residual_sum_ref(s, x, bias, residual);
  layer_norm_backward_ref<Real>({s.rows, s.width, s.epsilon}, sum.data(), gamma, mean, rstd, dy, dresidual, dgamma,
                                dbeta);
  dropout_ref<Real>({s.rows * s.width, s.dropout}, dresidual, dx);
  for (std::int64_t i = 0; i < s.rows * s.width; ++i) dbias[i % s.width] += dx[i];
}

}  // namespace cardiograd::kernels
