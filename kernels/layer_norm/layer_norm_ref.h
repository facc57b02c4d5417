// Layer normalization in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/layer_norm/layer_norm.h"

namespace cardiograd::kernels {

template <class Real>
void layer_norm_forward_ref(const LayerNormShape& s, const Real* x, const Real* gamma, const Real* beta, Real* y,
                            Real* mean, Real* rstd) {
  using std::sqrt;
  const Real width = static_cast<Real>(s.width);
  for (std::int64_t r = 0; r < s.rows; ++r, x += s.width, y += s.width) {
    Real sum = 0;
    for (std::int64_t d = 0; d < s.width; ++d) sum += x[d];
    mean[r] = sum / width;
    Real squares = 0;
    for (std::int64_t d = 0; d < s.width; ++d) squares += (x[d] - mean[r]) * (x[d] - mean[r]);
    rstd[r] = 1 / sqrt(squares / width + static_cast<Real>(s.epsilon));
    for (std::int64_t d = 0; d < s.width; ++d) y[d] = gamma[d] * ((x[d] - mean[r]) * rstd[r]) + beta[d];
  }
}

template <class Real>
void layer_norm_backward_ref(const LayerNormShape& s, const Real* x, const Real* gamma, const Real* mean,
                             const Real* rstd, const Real* dy, Real* dx, Real* dgamma, Real* dbeta) {
  const Real width = static_cast<Real>(s.width);
  for (std::int64_t r = 0; r < s.rows; ++r, x += s.width, dy += s.width, dx += s.width) {
    const auto normal = [&](std::int64_t d) { return (x[d] - mean[r]) * rstd[r]; };
    Real sum = 0;
    Real product = 0;
    for (std::int64_t d = 0; d < s.width; ++d) {
      sum += gamma[d] * dy[d];
      product += gamma[d] * dy[d] * normal(d);
      dgamma[d] += dy[d] * normal(d);
      dbeta[d] += dy[d];
    }
    for (std::int64_t d = 0; d < s.width; ++d)
      dx[d] = rstd[r] * (gamma[d] * dy[d] - (sum + normal(d) * product) / width);
  }
}

}  // namespace cardiograd::kernels
