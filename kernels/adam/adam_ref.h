// Adam and AdamW in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/adam/adam.h"

namespace cardiograd::kernels {

template <class Real>
void adam_forward_ref(const AdamShape& s, const Real* gradient, Real* parameter, Real* m, Real* v) {
  using std::sqrt;
  const double correction1 = 1 - std::pow(s.beta1, static_cast<double>(s.step));
  const double correction2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  const Real step_size = static_cast<Real>(s.lr / correction1);
  const Real root = static_cast<Real>(std::sqrt(correction2));
  for (std::int64_t i = 0; i < s.count; ++i) {
    Real g = gradient[i];
    if (s.decoupled)
      parameter[i] *= static_cast<Real>(1 - s.lr * s.weight_decay);
    else
      g += static_cast<Real>(s.weight_decay) * parameter[i];
    m[i] += static_cast<Real>(1 - s.beta1) * (g - m[i]);
    v[i] = static_cast<Real>(s.beta2) * v[i] + static_cast<Real>(1 - s.beta2) * g * g;
    parameter[i] -= step_size * m[i] / (sqrt(v[i]) / root + static_cast<Real>(s.epsilon));
  }
}

}  // namespace cardiograd::kernels
