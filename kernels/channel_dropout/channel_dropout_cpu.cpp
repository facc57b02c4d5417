// Channel dropout on the CPU: the factors of a record's channels, then its samples.
#include "base/threads.h"
#include "kernels/channel_dropout/channel_dropout.h"

namespace cardiograd::kernels {
namespace {

// A dropped NaN is dropped too: no product with 0.
void scale_rows(std::int64_t time, std::int64_t channels, const float* factors, const float* x, float* y) {
  for (std::int64_t t = 0; t < time; ++t)
    for (std::int64_t c = 0; c < channels; ++c)
      y[t * channels + c] = factors[c] == 0.0F ? 0.0F : x[t * channels + c] * factors[c];
}

}  // namespace

void channel_dropout_cpu(const ChannelDropoutShape& s, const float* x, float* y) {
  parallel_for(s.batch, [&](std::int64_t n) {
    const std::int64_t first = n * s.time * s.channels;
    scale_rows(s.time, s.channels, dropout_factors_cpu(s.key, n * s.channels, s.channels), x + first, y + first);
  });
}

}  // namespace cardiograd::kernels
