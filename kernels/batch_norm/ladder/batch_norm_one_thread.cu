// sum_of_squares and two_passes: a thread per channel.
//
//   a block     the statistics of 32 channels
//   a thread    those of one: it walks down its column from the first row to the last; neighboring threads read
//               neighboring addresses. A kernel behind it (batch_norm_ladder.cuh) writes y, an element per thread
//   shared      none
//   takes       any shape
//
// The lowest variants. sum_of_squares adds up x and x^2 in one pass: variance = E[x^2] - E[x]^2. With a mean of 10000
// and a deviation of 1 both terms are 1e8, where neighboring floats are 8 apart: no digit of the variance is left, and
// it may be negative. two_passes reads x twice, first for the mean, then for the squares of what is left after
// subtracting it: right whatever the mean. Both keep 64 to 256 threads of the whole GPU busy, a few loads under way at
// a time: the cost is latency.
#include "kernels/batch_norm/ladder/batch_norm_ladder.cuh"
#include "kernels/batch_norm/ladder/batch_norm_ladder.h"
#include "kernels/common/grid.cuh"

namespace cardiograd::kernels {

inline constexpr int kLadderChannels = 32;

static __global__ void __launch_bounds__(kLadderChannels)
    sum_of_squares_kernel(std::int64_t rows, std::int64_t channels, const float* x, LadderStatistics at) {
  const std::int64_t channel = std::int64_t{blockIdx.x} * kLadderChannels + threadIdx.x;
  if (channel >= channels) return;
  float sum = 0;
  float squares = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float value = x[row * channels + channel];
    sum += value;
    squares += value * value;
  }
  const float count = static_cast<float>(rows);
  const float mean = sum / count;
  at.finish(rows, channel, mean, (squares / count - mean * mean) * count);
}

static __global__ void __launch_bounds__(kLadderChannels)
    two_passes_kernel(std::int64_t rows, std::int64_t channels, const float* x, LadderStatistics at) {
  const std::int64_t channel = std::int64_t{blockIdx.x} * kLadderChannels + threadIdx.x;
  if (channel >= channels) return;
  float sum = 0;
  for (std::int64_t row = 0; row < rows; ++row) sum += x[row * channels + channel];
  const float mean = sum / static_cast<float>(rows);
  float rest = 0;  // what the rounding of the mean leaves
  float squares = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float deviation = x[row * channels + channel] - mean;
    rest += deviation;
    squares += deviation * deviation;
  }
  const double offset = static_cast<double>(rest) / static_cast<double>(rows);
  at.finish(rows, channel, mean + offset, squares - static_cast<double>(rows) * offset * offset);
}

void batch_norm_forward_sum_of_squares(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                       float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                       Stream stream) {
  simt::launch<sum_of_squares_kernel>(
      dim3(blocks_for(s.channels, kLadderChannels)), dim3(kLadderChannels), 0, stream, s.rows, s.channels, x,
      LadderStatistics{static_cast<float>(s.momentum), running_mean, running_var, mean, variance});
  ladder_apply(s, x, gamma, beta, mean, variance, y, stream);
}

void batch_norm_forward_two_passes(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                   Stream stream) {
  simt::launch<two_passes_kernel>(
      dim3(blocks_for(s.channels, kLadderChannels)), dim3(kLadderChannels), 0, stream, s.rows, s.channels, x,
      LadderStatistics{static_cast<float>(s.momentum), running_mean, running_var, mean, variance});
  ladder_apply(s, x, gamma, beta, mean, variance, y, stream);
}

}  // namespace cardiograd::kernels
