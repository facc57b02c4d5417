// A convolution and the statistics of its output on the CPU: the convolution, then two passes over y in double, the
// second about the mean. nn::Conv1d leaves the statistics to the batch norm there, whose blocks of rows stay in the
// cache.
#include <algorithm>

#include "base/threads.h"
#include "kernels/conv1d_statistics/conv1d_statistics.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kChannelTile = 16;  // of one task

}  // namespace

void conv1d_statistics_forward_cpu(const Conv1dStatisticsShape& s, const float* x, const float* w, const float* b,
                                   float* running_mean, float* running_var, float* y, float* mean, float* variance) {
  conv1d_forward_cpu(s, x, w, b, y);
  const std::int64_t channels = s.output_channels;
  const auto rows = static_cast<double>(s.rows());
  parallel_for((channels + kChannelTile - 1) / kChannelTile, [&](std::int64_t tile) {
    const std::int64_t first = tile * kChannelTile;
    const std::int64_t count = std::min(kChannelTile, channels - first);
    double exact_mean[kChannelTile] = {};
    double squares[kChannelTile] = {};
    for (std::int64_t r = 0; r < s.rows(); ++r)
      for (std::int64_t i = 0; i < count; ++i) exact_mean[i] += static_cast<double>(y[r * channels + first + i]);
    for (std::int64_t i = 0; i < count; ++i) exact_mean[i] /= rows;
    for (std::int64_t r = 0; r < s.rows(); ++r) {
      for (std::int64_t i = 0; i < count; ++i) {
        const double deviation = static_cast<double>(y[r * channels + first + i]) - exact_mean[i];
        squares[i] += deviation * deviation;
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t c = first + i;
      mean[c] = static_cast<float>(exact_mean[i]);
      variance[c] = static_cast<float>(squares[i] / rows);
      running_mean[c] = static_cast<float>((1 - s.momentum) * running_mean[c] + s.momentum * exact_mean[i]);
      running_var[c] = static_cast<float>((1 - s.momentum) * running_var[c] + s.momentum * squares[i] / (rows - 1));
    }
  });
}

}  // namespace cardiograd::kernels
