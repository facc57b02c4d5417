// Concatenation on the CPU: copies of rows.
#include <algorithm>

#include "kernels/common/elementwise_cpu.h"
#include "kernels/concat/concat.h"

namespace cardiograd::kernels {

void concat_forward_cpu(const ConcatShape& s, const float* a, const float* b, float* y) {
  const std::int64_t width = s.width_a + s.width_b;
  parallel_ranges(s.rows, rows_per_task(width), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      std::copy_n(a + r * s.width_a, s.width_a, y + r * width);
      std::copy_n(b + r * s.width_b, s.width_b, y + r * width + s.width_a);
    }
  });
}

void concat_backward_cpu(const ConcatShape& s, const float* dy, float* da, float* db) {
  const std::int64_t width = s.width_a + s.width_b;
  parallel_ranges(s.rows, rows_per_task(width), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      std::copy_n(dy + r * width, s.width_a, da + r * s.width_a);
      std::copy_n(dy + r * width + s.width_a, s.width_b, db + r * s.width_b);
    }
  });
}

}  // namespace cardiograd::kernels
