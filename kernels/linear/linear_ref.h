// The linear layer in plain loops.
#pragma once

#include <cstdint>

#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

template <class Real>
void linear_forward_ref(const LinearShape& s, const Real* x, const Real* w, const Real* b, Real* y) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t o = 0; o < s.outputs; ++o) {
      Real sum = b[o];
      for (std::int64_t i = 0; i < s.inputs; ++i) sum += x[r * s.inputs + i] * w[i * s.outputs + o];
      y[r * s.outputs + o] = sum;
    }
  }
}

template <class Real>
void linear_backward_input_ref(const LinearShape& s, const Real* w, const Real* dy, Real* dx) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t i = 0; i < s.inputs; ++i) {
      Real sum = 0;
      for (std::int64_t o = 0; o < s.outputs; ++o) sum += dy[r * s.outputs + o] * w[i * s.outputs + o];
      dx[r * s.inputs + i] = sum;
    }
  }
}

template <class Real>
void linear_backward_weight_ref(const LinearShape& s, const Real* x, const Real* dy, Real* dw, Real* db) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t o = 0; o < s.outputs; ++o) {
      db[o] += dy[r * s.outputs + o];
      for (std::int64_t i = 0; i < s.inputs; ++i) dw[i * s.outputs + o] += x[r * s.inputs + i] * dy[r * s.outputs + o];
    }
  }
}

}  // namespace cardiograd::kernels
