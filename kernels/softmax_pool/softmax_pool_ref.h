// The weighted mean in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/softmax_pool/softmax_pool.h"

namespace cardiograd::kernels {

template <class Real>
void softmax_pool_forward_ref(const SoftmaxPoolShape& s, const Real* z, const Real* x, Real* w, Real* y) {
  using std::exp;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    const Real* scores = z + n * s.time;
    Real* weights = w + n * s.time;
    Real largest = scores[0];
    for (std::int64_t t = 1; t < s.time; ++t)
      if (scores[t] > largest) largest = scores[t];
    Real sum = 0;
    for (std::int64_t t = 0; t < s.time; ++t) {
      weights[t] = exp(scores[t] - largest);
      sum = sum + weights[t];
    }
    for (std::int64_t t = 0; t < s.time; ++t) weights[t] = weights[t] / sum;
    for (std::int64_t c = 0; c < s.channels; ++c) {
      Real mean = 0;
      for (std::int64_t t = 0; t < s.time; ++t) mean = mean + weights[t] * x[(n * s.time + t) * s.channels + c];
      y[n * s.channels + c] = mean;
    }
  }
}

template <class Real>
void softmax_pool_backward_ref(const SoftmaxPoolShape& s, const Real* x, const Real* w, const Real* dy, Real* dz,
                               Real* dx) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    Real mean = 0;
    for (std::int64_t t = 0; t < s.time; ++t) {
      Real g = 0;
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t i = (n * s.time + t) * s.channels + c;
        g = g + dy[n * s.channels + c] * x[i];
        dx[i] = w[n * s.time + t] * dy[n * s.channels + c];
      }
      dz[n * s.time + t] = g;
      mean = mean + w[n * s.time + t] * g;
    }
    for (std::int64_t t = 0; t < s.time; ++t) dz[n * s.time + t] = w[n * s.time + t] * (dz[n * s.time + t] - mean);
  }
}

}  // namespace cardiograd::kernels
