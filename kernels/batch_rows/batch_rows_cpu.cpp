#include <algorithm>

#include "kernels/batch_rows/batch_rows.h"

namespace cardiograd::kernels {

// A few kilobytes: one thread.
void batch_rows_forward_cpu(const BatchRowsShape& s, const std::int32_t* order, const std::int32_t* first,
                            const float* features, const float* labels, std::int32_t* rows, float* x, float* y) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    const std::int64_t row = rows[n] = order[*first + n];
    std::copy_n(features + row * s.width, s.width, x + n * s.width);
    std::copy_n(labels + row * s.classes, s.classes, y + n * s.classes);
  }
}

}  // namespace cardiograd::kernels
