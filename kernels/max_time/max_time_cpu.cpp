// The maximum over time on the CPU, vectorized over channels, without branches: a tile of channels carries the largest
// value and its place through the record.
#include <algorithm>

#include "base/threads.h"
#include "kernels/max_time/max_time.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 64;

// Whether `next` takes the place of `best`: it is larger, or the first NaN.
inline bool replaces(float next, float best) {
  return static_cast<bool>(static_cast<int>(next > best) |
                           (static_cast<int>(next != next) & static_cast<int>(best == best)));
}

// y and index of `width` <= kTile channels.
void max_rows(std::int64_t time, std::int64_t stride, std::int64_t width, const float* __restrict x,
              float* __restrict y, std::int32_t* __restrict index) {
  float best[kTile];
  std::int32_t place[kTile] = {};
  std::copy_n(x, width, best);
  for (std::int64_t t = 1; t < time; ++t) {
    const float* row = x + t * stride;
    for (std::int64_t c = 0; c < width; ++c) {
      const bool larger = replaces(row[c], best[c]);
      best[c] = larger ? row[c] : best[c];
      place[c] = larger ? static_cast<std::int32_t>(t) : place[c];
    }
  }
  std::copy_n(best, width, y);
  std::copy_n(place, width, index);
}

}  // namespace

void max_time_forward_cpu(const MaxTimeShape& s, const float* x, float* y, std::int32_t* index) {
  parallel_for(s.batch, [&](std::int64_t n) {
    for (std::int64_t first = 0; first < s.channels; first += kTile)
      max_rows(s.time, s.channels, std::min(kTile, s.channels - first), x + n * s.time * s.channels + first,
               y + n * s.channels + first, index + n * s.channels + first);
  });
}

void max_time_backward_cpu(const MaxTimeShape& s, const float* dy, const std::int32_t* index, float* dx) {
  parallel_for(s.batch, [&](std::int64_t n) {
    float* record = dx + n * s.time * s.channels;
    std::fill_n(record, s.time * s.channels, 0.0F);
    for (std::int64_t c = 0; c < s.channels; ++c)
      record[index[n * s.channels + c] * s.channels + c] = dy[n * s.channels + c];
  });
}

}  // namespace cardiograd::kernels
