// Concatenation in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/concat/concat.h"

namespace cardiograd::kernels {

template <class Real>
void concat_forward_ref(const ConcatShape& s, const Real* a, const Real* b, Real* y) {
  const std::int64_t width = s.width_a + s.width_b;
  for (std::int64_t i = 0; i < s.rows * width; ++i) {
    const std::int64_t d = i % width;
    y[i] = d < s.width_a ? a[i / width * s.width_a + d] : b[i / width * s.width_b + d - s.width_a];
  }
}

template <class Real>
void concat_backward_ref(const ConcatShape& s, const Real* dy, Real* da, Real* db) {
  const std::int64_t width = s.width_a + s.width_b;
  for (std::int64_t i = 0; i < s.rows * width; ++i) {
    const std::int64_t d = i % width;
    (d < s.width_a ? da[i / width * s.width_a + d] : db[i / width * s.width_b + d - s.width_a]) = dy[i];
  }
}

}  // namespace cardiograd::kernels
