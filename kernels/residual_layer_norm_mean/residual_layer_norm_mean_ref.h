// Residual sum, layer normalization, mean over time and concatenation in plain loops: one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/concat/concat_ref.h"
#include "kernels/reduce/reduce_ref.h"
#include "kernels/residual_layer_norm/residual_layer_norm_ref.h"
#include "kernels/residual_layer_norm_mean/residual_layer_norm_mean.h"

namespace cardiograd::kernels {

template <class Real>
void residual_layer_norm_mean_forward_ref(const ResidualLayerNormMeanShape& s, const Real* x, const Real* bias,
                                          const Real* residual, const Real* gamma, const Real* beta, const Real* beside,
                                          Real* y, Real* mean, Real* rstd) {
  std::vector<Real> rows(static_cast<std::size_t>(s.batch * s.time * s.width));
  std::vector<Real> means(static_cast<std::size_t>(s.batch * s.width));
  residual_layer_norm_forward_ref(s.rows(), x, bias, residual, gamma, beta, rows.data(), mean, rstd);
  mean_time_forward_ref<Real>({s.batch, s.time, s.width}, rows.data(), means.data());
  concat_forward_ref<Real>({s.batch, s.width, s.width_b}, means.data(), beside, y);
}

template <class Real>
void residual_layer_norm_mean_backward_ref(const ResidualLayerNormMeanShape& s, const Real* x, const Real* bias,
                                           const Real* residual, const Real* gamma, const Real* mean, const Real* rstd,
                                           const Real* dy, Real* dx, Real* dresidual, Real* dbias, Real* dgamma,
                                           Real* dbeta, Real* dbeside) {
  std::vector<Real> rows(static_cast<std::size_t>(s.batch * s.time * s.width));
  std::vector<Real> means(static_cast<std::size_t>(s.batch * s.width));
  concat_backward_ref<Real>({s.batch, s.width, s.width_b}, dy, means.data(), dbeside);
  mean_time_backward_ref<Real>({s.batch, s.time, s.width}, means.data(), rows.data());
  residual_layer_norm_backward_ref(s.rows(), x, bias, residual, gamma, mean, rstd, rows.data(), dx, dresidual, dbias,
                                   dgamma, dbeta);
}

}  // namespace cardiograd::kernels
