// The transposition in plain loops.
#pragma once

#include <cstdint>

#include "kernels/transpose/transpose.h"

namespace cardiograd::kernels {

template <class Real>
void transpose_forward_ref(const TransposeShape& s, const Real* x, Real* y) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t t = 0; t < s.time; ++t)
      for (std::int64_t c = 0; c < s.channels; ++c)
        y[(n * s.channels + c) * s.time + t] = x[(n * s.time + t) * s.channels + c];
}

template <class Real>
void transpose_backward_ref(const TransposeShape& s, const Real* dy, Real* dx) {
  transpose_forward_ref<Real>({s.batch, s.channels, s.time}, dy, dx);
}

}  // namespace cardiograd::kernels
