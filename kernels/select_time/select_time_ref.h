// One sample of each record in plain loops.
#pragma once

#include <cstdint>

#include "kernels/select_time/select_time.h"

namespace cardiograd::kernels {

template <class Real>
void select_time_forward_ref(const SelectTimeShape& s, const Real* x, Real* y) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t c = 0; c < s.channels; ++c) y[n * s.channels + c] = x[(n * s.time + s.sample) * s.channels + c];
}

template <class Real>
void select_time_backward_ref(const SelectTimeShape& s, const Real* dy, Real* dx) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t t = 0; t < s.time; ++t)
      for (std::int64_t c = 0; c < s.channels; ++c)
        dx[(n * s.time + t) * s.channels + c] = t == s.sample ? dy[n * s.channels + c] : Real(0);
}

}  // namespace cardiograd::kernels
