// Altered rows in plain loops.
#pragma once

#include <cstdint>

#include "kernels/altered_rows/altered_rows.h"

namespace cardiograd::kernels {

template <class Real>
void altered_rows_forward_ref(const AlteredRowsShape& s, const Real* features, const Real* labels,
                              const std::int32_t* first, const std::int32_t* records, const std::int32_t* others,
                              const Real* fractions, Real* x, Real* y) {
  const Real smoothing = s.smoothing;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    const std::int64_t p = *first + n, r = records[p], o = others[p];
    for (std::int64_t i = 0; i < s.width; ++i) {
      const Real own = features[r * s.width + i];
      x[n * s.width + i] = own + fractions[p] * (features[o * s.width + i] - own);
    }
    for (std::int64_t i = 0; i < s.classes; ++i) {
      const Real own = labels[r * s.classes + i];
      const Real mixed = own + fractions[p] * (labels[o * s.classes + i] - own);
      y[n * s.classes + i] = mixed * (1 - smoothing) + smoothing / 2;
    }
  }
}

}  // namespace cardiograd::kernels
