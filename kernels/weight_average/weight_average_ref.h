// The moving average in plain loops.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/weight_average/weight_average.h"

namespace cardiograd::kernels {

template <class Real>
void weight_average_forward_ref(const WeightAverageShape& s, const Real* value, Real* average) {
  const Real rate = static_cast<float>(
      1 - std::min(s.decay, (1.0 + static_cast<double>(s.step)) / (10.0 + static_cast<double>(s.step))));
  for (std::int64_t i = 0; i < s.count; ++i) average[i] += rate * (value[i] - average[i]);
}

}  // namespace cardiograd::kernels
