// The loss in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/weighted_bce/weighted_bce.h"

namespace cardiograd::kernels {

// log(1 + exp(x)) without overflow.
template <class Real>
Real softplus_ref(Real x) {
  using std::abs, std::exp, std::log1p;
  return (x > 0 ? x : 0) + log1p(exp(-abs(x)));
}

// 1 / (1 + exp(-x)): for x -> -inf it goes to 0 through exp(-x) = inf.
template <class Real>
Real sigmoid_ref(Real x) {
  using std::exp;
  return 1 / (1 + exp(-x));
}

template <class Real>
void weighted_bce_forward_ref(const WeightedBceShape& s, const Real* logits, const Real* targets,
                              const Real* pos_weight, Real* loss) {
  Real sum = 0;
  for (std::int64_t i = 0; i < s.rows * s.classes; ++i)
    sum +=
        pos_weight[i % s.classes] * targets[i] * softplus_ref(-logits[i]) + (1 - targets[i]) * softplus_ref(logits[i]);
  loss[0] = sum / static_cast<Real>(s.rows * s.classes);
}

template <class Real>
void weighted_bce_backward_ref(const WeightedBceShape& s, const Real* logits, const Real* targets,
                               const Real* pos_weight, const Real* dloss, Real* dlogits) {
  const Real weight = dloss[0] / static_cast<Real>(s.rows * s.classes);
  for (std::int64_t i = 0; i < s.rows * s.classes; ++i)
    dlogits[i] = weight * ((1 - targets[i]) * sigmoid_ref(logits[i]) -
                           pos_weight[i % s.classes] * targets[i] * sigmoid_ref(-logits[i]));
}

template <class Real>
void weighted_bce_loss_and_gradient_ref(const WeightedBceShape& s, const Real* logits, const Real* targets,
                                        const Real* pos_weight, Real* loss, Real* dlogits) {
  const Real dloss = 1;
  weighted_bce_forward_ref(s, logits, targets, pos_weight, loss);
  weighted_bce_backward_ref(s, logits, targets, pos_weight, &dloss, dlogits);
}

}  // namespace cardiograd::kernels
