#include <cmath>

#include "kernels/altered_rows/altered_rows.h"

namespace cardiograd::kernels {

void altered_rows_forward_cpu(const AlteredRowsShape& s, const float* features, const float* labels,
                              const std::int32_t* first, const std::int32_t* records, const std::int32_t* others,
                              const float* fractions, float* x, float* y) {
  const float keep = 1 - s.smoothing, towards = s.smoothing / 2;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    const std::int64_t p = *first + n;
    const float fraction = fractions[p];
    const float* own = features + records[p] * s.width;
    const float* other = features + others[p] * s.width;
    for (std::int64_t i = 0; i < s.width; ++i) x[n * s.width + i] = std::fma(fraction, other[i] - own[i], own[i]);
    own = labels + records[p] * s.classes;
    other = labels + others[p] * s.classes;
    for (std::int64_t i = 0; i < s.classes; ++i)
      y[n * s.classes + i] = std::fma(std::fma(fraction, other[i] - own[i], own[i]), keep, towards);
  }
}

}  // namespace cardiograd::kernels
