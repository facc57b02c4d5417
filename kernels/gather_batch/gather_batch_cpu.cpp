// Gathering a batch on the CPU, a task per record. Twelve leads are no multiple of a vector's eight: the coefficients
// of a record are laid out for eight samples in a row, so that the inner loop runs over 8 C values without a tail.
#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/common/scratch.h"
#include "kernels/gather_batch/gather_batch.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kSamples = 8;

void standardize(std::int64_t count, const std::int16_t* __restrict signal, const float* __restrict scale,
                 const float* __restrict mean, const float* __restrict inverse_sd, float* __restrict x) {
  for (std::int64_t i = 0; i < count; ++i) {
    const int sample = signal[i];
    const float value = std::fma(static_cast<float>(sample), scale[i], -mean[i]) * inverse_sd[i];
    x[i] = sample == kInvalidSample ? 0.0F : value;
  }
}

}  // namespace

void gather_batch_forward_cpu(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                              const std::int32_t* index, const float* mean, const float* inverse_sd, float* x) {
  parallel_for(s.batch, [&](std::int64_t n) {
    const std::int64_t record = index[n];
    const std::int64_t period = kSamples * s.channels;
    float* pattern = scratch(ScratchUse::kPartial, 3 * period);
    for (std::int64_t i = 0; i < period; ++i) {
      const std::int64_t c = i % s.channels;
      pattern[i] = scales[record * s.channels + c];
      pattern[period + i] = mean[c];
      pattern[2 * period + i] = inverse_sd[c];
    }
    const std::int64_t size = s.time * s.channels;
    for (std::int64_t first = 0; first < size; first += period)
      standardize(std::min(period, size - first), signals + record * size + first, pattern, pattern + period,
                  pattern + 2 * period, x + n * size + first);
  });
}

}  // namespace cardiograd::kernels
