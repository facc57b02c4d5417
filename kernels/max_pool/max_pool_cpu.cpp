// Max pooling on the CPU, vectorized over channels, without branches.
//
// Windows of two samples side by side, the model's, have a loop of their own. Otherwise a tile of channels carries the
// largest value, and in the backward direction its place, through the window.
#include <algorithm>

#include "base/threads.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/max_pool/max_pool.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 64;

// Whether `next` takes the place of `best`: it is larger, or NaN.
inline bool replaces(float next, float best) {
  return static_cast<bool>(static_cast<int>(next > best) | static_cast<int>(next != next));
}

bool is_pairs(const MaxPoolShape& s) {
  return s.kernel == 2 && s.stride == 2 && s.padding == 0;
}

void forward_pair(std::int64_t channels, const float* __restrict x, float* __restrict y) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const float first = x[c];
    const float second = x[channels + c];
    y[c] = replaces(second, first) ? second : first;
  }
}

void backward_pair(std::int64_t channels, const float* __restrict x, const float* __restrict dy,
                   float* __restrict dx_first, float* __restrict dx_second) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const float gradient = dy[c];
    const bool second = replaces(x[channels + c], x[c]);
    dx_first[c] = second ? 0.0F : gradient;
    dx_second[c] = second ? gradient : 0.0F;
  }
}

// The samples of window t that exist: `count` of them from `start` on.
struct Window {
  std::int64_t start;
  std::int64_t count;
};
Window window_at(const MaxPoolShape& s, std::int64_t t) {
  const std::int64_t start = t * s.stride - s.padding;
  const std::int64_t first = std::max<std::int64_t>(0, start);
  return {first, std::min(s.time, start + s.kernel) - first};
}

void forward_window(std::int64_t channels, std::int64_t count, const float* __restrict x, float* __restrict y) {
  std::copy_n(x, channels, y);
  for (std::int64_t k = 1; k < count; ++k) {
    const float* row = x + k * channels;
    for (std::int64_t c = 0; c < channels; ++c) y[c] = replaces(row[c], y[c]) ? row[c] : y[c];
  }
}

void backward_window(std::int64_t channels, std::int64_t count, const float* __restrict x, const float* __restrict dy,
                     float* __restrict dx) {
  for (std::int64_t first = 0; first < channels; first += kTile) {
    const std::int64_t width = std::min(kTile, channels - first);
    float best[kTile];
    std::int32_t place[kTile] = {};
    std::copy_n(x + first, width, best);
    for (std::int64_t k = 1; k < count; ++k) {
      const float* row = x + k * channels + first;
      for (std::int64_t c = 0; c < width; ++c) {
        const bool larger = replaces(row[c], best[c]);
        best[c] = larger ? row[c] : best[c];
        place[c] = larger ? static_cast<std::int32_t>(k) : place[c];
      }
    }
    for (std::int64_t k = 0; k < count; ++k) {
      float* row = dx + k * channels + first;
      for (std::int64_t c = 0; c < width; ++c) row[c] += place[c] == k ? dy[first + c] : 0.0F;
    }
  }
}

}  // namespace

void max_pool_forward_cpu(const MaxPoolShape& s, const float* x, float* y) {
  const std::int64_t time = s.output_time();
  parallel_ranges(s.batch * time, rows_per_task(s.channels), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const float* record = x + row / time * s.time * s.channels;
      if (is_pairs(s)) {
        forward_pair(s.channels, record + row % time * 2 * s.channels, y + row * s.channels);
      } else {
        const Window window = window_at(s, row % time);
        forward_window(s.channels, window.count, record + window.start * s.channels, y + row * s.channels);
      }
    }
  });
}

void max_pool_backward_cpu(const MaxPoolShape& s, const float* x, const float* dy, float* dx) {
  const std::int64_t time = s.output_time();
  const std::int64_t size = s.time * s.channels;
  parallel_for(s.batch, [&](std::int64_t n) {
    const float* from = x + n * size;
    float* to = dx + n * size;
    if (is_pairs(s)) {
      for (std::int64_t t = 0; t < time; ++t) {
        const std::int64_t offset = 2 * t * s.channels;
        backward_pair(s.channels, from + offset, dy + (n * time + t) * s.channels, to + offset,
                      to + offset + s.channels);
      }
      std::fill(to + 2 * time * s.channels, to + size, 0.0F);
      return;
    }
    std::fill(to, to + size, 0.0F);
    for (std::int64_t t = 0; t < time; ++t) {
      const Window window = window_at(s, t);
      backward_window(s.channels, window.count, from + window.start * s.channels, dy + (n * time + t) * s.channels,
                      to + window.start * s.channels);
    }
  });
}

}  // namespace cardiograd::kernels
