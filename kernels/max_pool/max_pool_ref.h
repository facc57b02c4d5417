// Max pooling in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/max_pool/max_pool.h"

namespace cardiograd::kernels {

// Calls visit(x index of the maximum, y index) for every window.
template <class Real, class Visit>
void max_pool_for_each_maximum(const MaxPoolShape& s, const Real* x, Visit&& visit) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t t = 0; t < s.output_time(); ++t) {
      for (std::int64_t c = 0; c < s.channels; ++c) {
        std::int64_t best = -1;
        for (std::int64_t k = 0; k < s.kernel; ++k) {
          const std::int64_t source = t * s.stride - s.padding + k;
          if (source < 0 || source >= s.time) continue;
          const std::int64_t i = (n * s.time + source) * s.channels + c;
          if (best < 0 || x[i] > x[best] || x[i] != x[i]) best = i;
        }
        visit(best, (n * s.output_time() + t) * s.channels + c);
      }
    }
  }
}

template <class Real>
void max_pool_forward_ref(const MaxPoolShape& s, const Real* x, Real* y) {
  max_pool_for_each_maximum(s, x, [&](std::int64_t ix, std::int64_t iy) { y[iy] = x[ix]; });
}

template <class Real>
void max_pool_backward_ref(const MaxPoolShape& s, const Real* x, const Real* dy, Real* dx) {
  for (std::int64_t i = 0; i < s.batch * s.time * s.channels; ++i) dx[i] = 0;
  max_pool_for_each_maximum(s, x, [&](std::int64_t ix, std::int64_t iy) { dx[ix] += dy[iy]; });
}

}  // namespace cardiograd::kernels
