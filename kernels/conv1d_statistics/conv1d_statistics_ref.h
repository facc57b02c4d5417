// A convolution and the statistics of its output in plain loops.
#pragma once

#include <cstdint>

#include "kernels/conv1d/conv1d_ref.h"
#include "kernels/conv1d_statistics/conv1d_statistics.h"

namespace cardiograd::kernels {

template <class Real>
void conv1d_statistics_forward_ref(const Conv1dStatisticsShape& s, const Real* x, const Real* w, const Real* b,
                                   Real* running_mean, Real* running_var, Real* y, Real* mean, Real* variance) {
  conv1d_forward_ref<Real>(s, x, w, b, y);
  const Real momentum = static_cast<Real>(s.momentum);
  const Real rows = static_cast<Real>(s.rows());
  for (std::int64_t c = 0; c < s.output_channels; ++c) {
    Real sum = 0;
    for (std::int64_t r = 0; r < s.rows(); ++r) sum += y[r * s.output_channels + c];
    mean[c] = sum / rows;
    Real squares = 0;
    for (std::int64_t r = 0; r < s.rows(); ++r) {
      const Real centered = y[r * s.output_channels + c] - mean[c];
      squares += centered * centered;
    }
    variance[c] = squares / rows;
    running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c];
    running_var[c] = (1 - momentum) * running_var[c] + momentum * squares / (rows - 1);
  }
}

}  // namespace cardiograd::kernels
