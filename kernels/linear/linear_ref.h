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
      for (std::int64_t i = 0; i < s.inputs; ++i)
        sum += round_to(s.precision, x[r * s.inputs + i]) * round_to(s.precision, w[i * s.outputs + o]);
      if (s.relu && sum < 0) sum = 0;
      y[r * s.outputs + o] = sum;
    }
  }
}

template <class Real>
void linear_backward_input_ref(const LinearShape& s, const Real* w, const Real* dy, Real* dx) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t i = 0; i < s.inputs; ++i) {
      Real sum = 0;
      for (std::int64_t o = 0; o < s.outputs; ++o)
        sum += round_to(s.precision, dy[r * s.outputs + o]) * round_to(s.precision, w[i * s.outputs + o]);
      dx[r * s.inputs + i] = sum;
    }
  }
}

template <class Real>
void linear_backward_weight_ref(const LinearShape& s, const Real* x, const Real* dy, Real* dw, Real* db) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t o = 0; o < s.outputs; ++o) {
      if (db != nullptr) db[o] += dy[r * s.outputs + o];
      const Real d = round_to(s.precision, dy[r * s.outputs + o]);
      for (std::int64_t i = 0; i < s.inputs; ++i)
        dw[i * s.outputs + o] += round_to(s.precision, x[r * s.inputs + i]) * d;
    }
  }
}

}  // namespace cardiograd::kernels
