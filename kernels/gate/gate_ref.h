// The gate in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/gate/gate.h"

namespace cardiograd::kernels {

template <class Real>
Real gate_opening_ref(Real z) {
  using std::exp;
  return Real(1) / (Real(1) + exp(-z));
}

template <class Real>
void gate_forward_ref(const GateShape& s, const Real* x, const Real* g, Real* y) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const Real open = gate_opening_ref(g[n * s.channels + c]);
      for (std::int64_t t = 0; t < s.time; ++t) {
        const std::int64_t i = (n * s.time + t) * s.channels + c;
        y[i] = x[i] * open;
      }
    }
}

template <class Real>
void gate_backward_ref(const GateShape& s, const Real* x, const Real* g, const Real* dy, Real* dx, Real* dg) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const Real open = gate_opening_ref(g[n * s.channels + c]);
      Real sum = 0;
      for (std::int64_t t = 0; t < s.time; ++t) {
        const std::int64_t i = (n * s.time + t) * s.channels + c;
        dx[i] = dy[i] * open;
        sum = sum + dy[i] * x[i];
      }
      dg[n * s.channels + c] = open * (Real(1) - open) * sum;
    }
}

}  // namespace cardiograd::kernels
