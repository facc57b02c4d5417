// Average pooling on the CPU, row by row, vectorized over channels.
#include <algorithm>

#include "base/threads.h"
#include "kernels/avg_pool/avg_pool.h"
#include "kernels/common/elementwise_cpu.h"

namespace cardiograd::kernels {
namespace {

// The samples of window t that exist: `count` of them from `start` on.
struct Window {
  std::int64_t start;
  std::int64_t count;
};
Window window_at(const AvgPoolShape& s, std::int64_t t) {
  const std::int64_t start = t * s.stride - s.padding;
  const std::int64_t first = std::max<std::int64_t>(0, start);
  return {first, std::min(s.time, start + s.kernel) - first};
}

void mean_of_rows(std::int64_t channels, std::int64_t count, const float* __restrict x, float* __restrict y) {
  std::copy_n(x, channels, y);
  for (std::int64_t k = 1; k < count; ++k)
    for (std::int64_t c = 0; c < channels; ++c) y[c] += x[k * channels + c];
  const float samples = static_cast<float>(count);
  for (std::int64_t c = 0; c < channels; ++c) y[c] /= samples;
}

void add_to_rows(std::int64_t channels, std::int64_t count, const float* __restrict dy, float* __restrict dx) {
  const float samples = static_cast<float>(count);
  for (std::int64_t k = 0; k < count; ++k)
    for (std::int64_t c = 0; c < channels; ++c) dx[k * channels + c] += dy[c] / samples;
}

}  // namespace

void avg_pool_forward_cpu(const AvgPoolShape& s, const float* x, float* y) {
  const std::int64_t time = s.output_time();
  parallel_ranges(s.batch * time, rows_per_task(s.channels), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const Window window = window_at(s, row % time);
      mean_of_rows(s.channels, window.count, x + (row / time * s.time + window.start) * s.channels,
                   y + row * s.channels);
    }
  });
}

void avg_pool_backward_cpu(const AvgPoolShape& s, const float* dy, float* dx) {
  const std::int64_t time = s.output_time();
  const std::int64_t size = s.time * s.channels;
  parallel_for(s.batch, [&](std::int64_t n) {
    float* record = dx + n * size;
    std::fill_n(record, size, 0.0F);
    for (std::int64_t t = 0; t < time; ++t) {
      const Window window = window_at(s, t);
      add_to_rows(s.channels, window.count, dy + (n * time + t) * s.channels, record + window.start * s.channels);
    }
  });
}

}  // namespace cardiograd::kernels
