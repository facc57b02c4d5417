// Activations in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "kernels/activation/activation.h"

namespace cardiograd::kernels {

template <class Real>
void relu_forward_ref(const ActivationShape& s, const Real* x, Real* y) {
  for (std::int64_t i = 0; i < s.count; ++i) y[i] = x[i] <= 0 ? 0 : x[i];
}

template <class Real>
void relu_backward_ref(const ActivationShape& s, const Real* y, const Real* dy, Real* dx) {
  for (std::int64_t i = 0; i < s.count; ++i) dx[i] = y[i] <= 0 ? 0 : dy[i];
}

// The fraction of the normal distribution below x. erfc, not 1 + erf: for negative x the sum would cancel.
template <class Real>
Real normal_below_ref(Real x) {
  using std::erfc;
  return erfc(-x / std::numbers::sqrt2_v<Real>) / 2;
}

template <class Real>
void gelu_forward_ref(const ActivationShape& s, const Real* x, Real* y) {
  for (std::int64_t i = 0; i < s.count; ++i) y[i] = x[i] * normal_below_ref(x[i]);
}

template <class Real>
void gelu_backward_ref(const ActivationShape& s, const Real* x, const Real* dy, Real* dx) {
  using std::exp, std::sqrt;
  for (std::int64_t i = 0; i < s.count; ++i) {
    const Real density = exp(-x[i] * x[i] / 2) / sqrt(2 * std::numbers::pi_v<Real>);
    dx[i] = dy[i] * (normal_below_ref(x[i]) + x[i] * density);
  }
}

template <class Real>
void leaky_relu_forward_ref(const LeakyReluShape& s, const Real* x, Real* y) {
  const Real slope = s.slope;
  for (std::int64_t i = 0; i < s.count; ++i) y[i] = x[i] <= 0 ? slope * x[i] : x[i];
}

template <class Real>
void leaky_relu_backward_ref(const LeakyReluShape& s, const Real* x, const Real* dy, Real* dx) {
  const Real slope = s.slope;
  for (std::int64_t i = 0; i < s.count; ++i) dx[i] = x[i] <= 0 ? slope * dy[i] : dy[i];
}

template <class Real>
void tanh_forward_ref(const ActivationShape& s, const Real* x, Real* y) {
  using std::tanh;
  for (std::int64_t i = 0; i < s.count; ++i) y[i] = tanh(x[i]);
}

template <class Real>
void tanh_backward_ref(const ActivationShape& s, const Real* y, const Real* dy, Real* dx) {
  for (std::int64_t i = 0; i < s.count; ++i) dx[i] = dy[i] * (1 - y[i] * y[i]);
}

}  // namespace cardiograd::kernels
