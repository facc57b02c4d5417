// Reductions on the CPU. Long sums are cut into chunks whose sums are added again, so that no chain of float additions
// is long and the rounding error stays small.
#include <algorithm>

#include "base/threads.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/common/vector_math.h"
#include "kernels/reduce/reduce.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 256;      // channels summed together
constexpr std::int64_t kTimeChunk = 64;  // samples summed before they join the total

// y = the mean of `time` rows that are `stride` apart, `width` <= kTile columns.
void mean_rows(std::int64_t time, std::int64_t stride, std::int64_t width, const float* __restrict x,
               float* __restrict y) {
  float total[kTile] = {};
  float chunk[kTile];
  for (std::int64_t first = 0; first < time; first += kTimeChunk) {
    std::fill(chunk, chunk + width, 0.0F);
    const std::int64_t last = std::min(time, first + kTimeChunk);
    for (std::int64_t t = first; t < last; ++t)
      for (std::int64_t c = 0; c < width; ++c) chunk[c] += x[t * stride + c];
    for (std::int64_t c = 0; c < width; ++c) total[c] += chunk[c];
  }
  for (std::int64_t c = 0; c < width; ++c) y[c] = total[c] / static_cast<float>(time);
}

void spread_rows(std::int64_t time, std::int64_t channels, const float* __restrict dy, float* __restrict dx) {
  const float count = static_cast<float>(time);
  for (std::int64_t c = 0; c < channels; ++c) dx[c] = dy[c] / count;
  for (std::int64_t t = 1; t < time; ++t) std::copy_n(dx, channels, dx + t * channels);
}

}  // namespace

void mean_time_forward_cpu(const MeanTimeShape& s, const float* x, float* y) {
  parallel_for(s.batch, [&](std::int64_t n) {
    for (std::int64_t first = 0; first < s.channels; first += kTile)
      mean_rows(s.time, s.channels, std::min(kTile, s.channels - first), x + n * s.time * s.channels + first,
                y + n * s.channels + first);
  });
}

void mean_time_backward_cpu(const MeanTimeShape& s, const float* dy, float* dx) {
  parallel_for(s.batch, [&](std::int64_t n) {
    spread_rows(s.time, s.channels, dy + n * s.channels, dx + n * s.time * s.channels);
  });
}

void squared_norm_forward_cpu(const SquaredNormShape& s, const float* x, float* y) {
  const std::int64_t pieces = (s.count + kElementsPerTask - 1) / kElementsPerTask;
  float* partial = scratch(ScratchUse::kPartial, pieces);
  parallel_for(pieces, [&](std::int64_t piece) {
    const float* from = x + piece * kElementsPerTask;
    const std::int64_t count = std::min(kElementsPerTask, s.count - piece * kElementsPerTask);
    partial[piece] = lane_sum(count, [&](std::int64_t i) { return from[i] * from[i]; });
  });
  double sum = 0;
  for (std::int64_t piece = 0; piece < pieces; ++piece) sum += partial[piece];
  y[0] = static_cast<float>(sum);
}

void scale_forward_cpu(const ScaleShape& s, float* x) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    const float factor = s.factor;
    for (std::int64_t i = first; i < last; ++i) x[i] *= factor;
  });
}

}  // namespace cardiograd::kernels
