// The linear layer in plain loops.
#pragma once

#include <cstdint>

#include "kernels/dropout/dropout_ref.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

// Element `at` of what a ReLU and a dropout make of x.
template <class Real>
Real dropped_relu_ref(const LinearShape& s, std::int64_t at, Real x) {
  if (x <= 0) return 0;
  if (s.dropout.probability == 0) return x;
  return dropout_keeps(s.dropout, at) ? x * static_cast<Real>(dropout_scale(s.dropout.probability)) : 0;
}

template <class Real>
void linear_forward_ref(const LinearShape& s, const Real* x, const Real* w, const Real* b, Real* y) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t o = 0; o < s.outputs; ++o) {
      Real sum = b[o];
      for (std::int64_t i = 0; i < s.inputs; ++i)
        sum += round_to(s.precision, x[r * s.inputs + i]) * round_to(s.precision, w[i * s.outputs + o]);
      y[r * s.outputs + o] = s.relu ? dropped_relu_ref(s, r * s.outputs + o, sum) : sum;
    }
  }
}

// Element (r, i) of dy w^T.
template <class Real>
Real linear_input_gradient_ref(const LinearShape& s, std::int64_t r, std::int64_t i, const Real* w, const Real* dy) {
  Real sum = 0;
  for (std::int64_t o = 0; o < s.outputs; ++o)
    sum += round_to(s.precision, dy[r * s.outputs + o]) * round_to(s.precision, w[i * s.outputs + o]);
  return sum;
}

template <class Real>
void linear_backward_input_ref(const LinearShape& s, const Real* w, const Real* dy, Real* dx) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t i = 0; i < s.inputs; ++i) {
      const Real sum = linear_input_gradient_ref(s, r, i, w, dy);
      dx[r * s.inputs + i] = s.adds ? dx[r * s.inputs + i] + sum : sum;
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

template <class Real>
void linear_backward_ref(const LinearShape& s, const Real* x, const Real* w, const Real* dy, Real* dx, Real* dw,
                         Real* db) {
  if (!s.masked) linear_backward_input_ref(s, w, dy, dx);
  const Real scale = dropout_scale(s.dropout.probability);
  for (std::int64_t at = 0; s.masked && at < s.rows * s.inputs; ++at)
    dx[at] = x[at] <= 0 ? 0 : linear_input_gradient_ref(s, at / s.inputs, at % s.inputs, w, dy) * scale;
  linear_backward_weight_ref(s, x, dy, dw, db);
}

}  // namespace cardiograd::kernels
