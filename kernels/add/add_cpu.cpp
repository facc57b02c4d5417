// Addition on the CPU.
#include <algorithm>

#include "kernels/add/add.h"
#include "kernels/common/column_sum_cpu.h"
#include "kernels/common/elementwise_cpu.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 512;         // columns that one task sums
constexpr std::int64_t kRowChunk = 64;      // rows summed before they join the total
constexpr std::int64_t kWide = 16 * kTile;  // from this period on, columns are enough work for all threads

void add(std::int64_t count, const float* __restrict a, const float* __restrict b, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

void accumulate(std::int64_t count, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += x[i];
}

}  // namespace

void add_forward_cpu(const AddShape& s, const float* a, const float* b, float* y) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    while (first < last) {
      const std::int64_t place = first % s.period;
      const std::int64_t count = std::min(last - first, s.period - place);
      add(count, a + first, b + place, y + first);
      first += count;
    }
  });
}

void add_backward_broadcast_cpu(const AddShape& s, const float* dy, float* db) {
  const std::int64_t rows = s.count / s.period;
  if (s.period < kWide) {
    column_sum_cpu(rows, s.period, dy, db);
    return;
  }
  parallel_ranges(s.period, kTile, [&](std::int64_t first, std::int64_t last) {
    float total[kTile] = {};
    for (std::int64_t row = 0; row < rows; row += kRowChunk) {
      float chunk[kTile] = {};
      for (std::int64_t r = row; r < std::min(rows, row + kRowChunk); ++r)
        accumulate(last - first, dy + r * s.period + first, chunk);
      accumulate(last - first, chunk, total);
    }
    accumulate(last - first, total, db + first);
  });
}

void accumulate_forward_cpu(const AddShape& s, const float* x, float* y) {
  parallel_ranges(s.count, kElementsPerTask,
                  [&](std::int64_t first, std::int64_t last) { accumulate(last - first, x + first, y + first); });
}

}  // namespace cardiograd::kernels
