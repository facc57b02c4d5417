// Average pooling in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/avg_pool/avg_pool.h"

namespace cardiograd::kernels {

// Calls visit(index of the window's first sample in x, its samples, index in y) for every window; the samples are
// s.channels apart.
template <class Visit>
void avg_pool_for_each_window(const AvgPoolShape& s, Visit&& visit) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t t = 0; t < s.output_time(); ++t) {
      const std::int64_t start = t * s.stride - s.padding;
      const std::int64_t first = std::max<std::int64_t>(0, start);
      const std::int64_t last = std::min(s.time, start + s.kernel);
      for (std::int64_t c = 0; c < s.channels; ++c)
        visit((n * s.time + first) * s.channels + c, last - first, (n * s.output_time() + t) * s.channels + c);
    }
  }
}

template <class Real>
void avg_pool_forward_ref(const AvgPoolShape& s, const Real* x, Real* y) {
  avg_pool_for_each_window(s, [&](std::int64_t ix, std::int64_t count, std::int64_t iy) {
    Real sum = 0;
    for (std::int64_t k = 0; k < count; ++k) sum += x[ix + k * s.channels];
    y[iy] = sum / static_cast<Real>(count);
  });
}

template <class Real>
void avg_pool_backward_ref(const AvgPoolShape& s, const Real* dy, Real* dx) {
  for (std::int64_t i = 0; i < s.batch * s.time * s.channels; ++i) dx[i] = 0;
  avg_pool_for_each_window(s, [&](std::int64_t ix, std::int64_t count, std::int64_t iy) {
    const Real gradient = dy[iy] / static_cast<Real>(count);
    for (std::int64_t k = 0; k < count; ++k) dx[ix + k * s.channels] += gradient;
  });
}

}  // namespace cardiograd::kernels
