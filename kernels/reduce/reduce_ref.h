// Reductions in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/reduce/reduce.h"

namespace cardiograd::kernels {

template <class Real>
void mean_time_forward_ref(const MeanTimeShape& s, const Real* x, Real* y) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      Real sum = 0;
      for (std::int64_t t = 0; t < s.time; ++t) sum += x[(n * s.time + t) * s.channels + c];
      y[n * s.channels + c] = sum / static_cast<Real>(s.time);
    }
  }
}

template <class Real>
void mean_time_backward_ref(const MeanTimeShape& s, const Real* dy, Real* dx) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const Real gradient = dy[n * s.channels + c] / static_cast<Real>(s.time);
      for (std::int64_t t = 0; t < s.time; ++t) dx[(n * s.time + t) * s.channels + c] = gradient;
    }
  }
}

template <class Real>
void squared_norm_forward_ref(const SquaredNormShape& s, const Real* x, Real* y) {
  Real sum = 0;
  for (std::int64_t i = 0; i < s.count; ++i) sum += x[i] * x[i];
  y[0] = sum;
}

template <class Real>
void scale_forward_ref(const ScaleShape& s, Real* x) {
  for (std::int64_t i = 0; i < s.count; ++i) x[i] *= static_cast<Real>(s.factor);
}

}  // namespace cardiograd::kernels
