// The rows of a batch in plain loops.
#pragma once

#include <cstdint>

#include "kernels/batch_rows/batch_rows.h"

namespace cardiograd::kernels {

template <class Real>
void batch_rows_forward_ref(const BatchRowsShape& s, const std::int32_t* order, const std::int32_t* first,
                            const Real* features, const Real* labels, std::int32_t* rows, Real* x, Real* y) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    rows[n] = order[*first + n];
    for (std::int64_t i = 0; i < s.width; ++i) x[n * s.width + i] = features[rows[n] * s.width + i];
    for (std::int64_t i = 0; i < s.classes; ++i) y[n * s.classes + i] = labels[rows[n] * s.classes + i];
  }
}

}  // namespace cardiograd::kernels
