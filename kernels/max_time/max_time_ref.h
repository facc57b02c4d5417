// The maximum over time in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/max_time/max_time.h"

namespace cardiograd::kernels {

template <class Real>
void max_time_forward_ref(const MaxTimeShape& s, const Real* x, Real* y, std::int32_t* index) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const auto at = [&](std::int64_t t) { return x[(n * s.time + t) * s.channels + c]; };
      std::int64_t best = 0;
      for (std::int64_t t = 1; t < s.time; ++t)
        if (at(t) > at(best) || (at(t) != at(t) && !(at(best) != at(best)))) best = t;
      y[n * s.channels + c] = at(best);
      index[n * s.channels + c] = static_cast<std::int32_t>(best);
    }
  }
}

template <class Real>
void max_time_backward_ref(const MaxTimeShape& s, const Real* dy, const std::int32_t* index, Real* dx) {
  for (std::int64_t i = 0; i < s.batch * s.time * s.channels; ++i) {
    const std::int64_t t = i / s.channels % s.time;
    const std::int64_t column = i / (s.time * s.channels) * s.channels + i % s.channels;
    dx[i] = index[column] == t ? dy[column] : Real(0);
  }
}

}  // namespace cardiograd::kernels
