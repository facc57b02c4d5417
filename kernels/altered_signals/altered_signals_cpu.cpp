// Altered signals on the CPU, a task per record. As in gather_batch_cpu.cpp the coefficients of a record are laid out
// for eight samples in a row, so that the inner loop runs over 8 C values without a tail.
#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/altered_signals/altered_signals.h"
#include "kernels/common/scratch.h"
#include "kernels/gather_batch/gather_batch.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kSamples = 8;

// Of one place, for kSamples samples of all channels each; scales are those of gain 1 times the gain.
struct Pattern {
  const float* scale;
  const float* other_scale;
  const float* gain;
  const float* mean;
  const float* inverse_sd;
};

void cut(std::int64_t count, const std::int16_t* __restrict own, const Pattern& p, float* __restrict x) {
  const float* __restrict scale = p.scale;
  const float* __restrict gain = p.gain;
  const float* __restrict mean = p.mean;
  const float* __restrict inverse_sd = p.inverse_sd;
  for (std::int64_t i = 0; i < count; ++i) {
    const int a = own[i];
    const float value = std::fma(static_cast<float>(a), scale[i], -mean[i]) * inverse_sd[i];
    x[i] = a == kInvalidSample || gain[i] == 0.0F ? 0.0F : value;
  }
}

void mix(std::int64_t count, const std::int16_t* __restrict own, const std::int16_t* __restrict other, float fraction,
         const Pattern& p, float* __restrict x) {
  const float* __restrict scale = p.scale;
  const float* __restrict other_scale = p.other_scale;
  const float* __restrict gain = p.gain;
  const float* __restrict mean = p.mean;
  const float* __restrict inverse_sd = p.inverse_sd;
  for (std::int64_t i = 0; i < count; ++i) {
    const int a = own[i];
    const int b = other[i];
    const float value = static_cast<float>(a) * scale[i];
    const float difference = std::fma(static_cast<float>(b), other_scale[i], -value);
    const float mixed = (std::fma(fraction, difference, value) - mean[i]) * inverse_sd[i];
    x[i] = a == kInvalidSample || b == kInvalidSample || gain[i] == 0.0F ? 0.0F : mixed;
  }
}

}  // namespace

void altered_signals_forward_cpu(const AlteredSignalsShape& s, const std::int16_t* signals, const float* scales,
                                 const float* mean, const float* inverse_sd, const std::int32_t* first,
                                 const std::int32_t* records, const std::int32_t* starts, const std::int32_t* others,
                                 const std::int32_t* other_starts, const float* fractions,
                                 const std::int32_t* silent_first, const std::int32_t* silent_count, const float* gains,
                                 float* x) {
  parallel_for(s.batch, [&](std::int64_t n) {
    const std::int64_t p = *first + n;
    const bool mixed = fractions[p] != 0.0F;
    const std::int64_t record = records[p];
    const std::int64_t other = mixed ? others[p] : record;
    const std::int64_t period = kSamples * s.channels;
    float* pattern = scratch(ScratchUse::kPartial, 5 * period);
    for (std::int64_t i = 0; i < period; ++i) {
      const std::int64_t c = i % s.channels;
      const float gain = gains[p * s.channels + c];
      pattern[i] = scales[record * s.channels + c] * gain;
      pattern[period + i] = scales[other * s.channels + c] * gain;
      pattern[2 * period + i] = gain;
      pattern[3 * period + i] = mean[c];
      pattern[4 * period + i] = inverse_sd[c];
    }
    const Pattern of_place = {pattern, pattern + period, pattern + 2 * period, pattern + 3 * period,
                              pattern + 4 * period};
    const std::int16_t* own = signals + (record * s.time + starts[p]) * s.channels;
    const std::int16_t* beside = signals + (other * s.time + other_starts[p]) * s.channels;
    const std::int64_t size = s.samples * s.channels;
    float* to = x + n * size;
    for (std::int64_t i = 0; i < size; i += period) {
      const std::int64_t count = std::min(period, size - i);
      if (mixed)
        mix(count, own + i, beside + i, fractions[p], of_place, to + i);
      else
        cut(count, own + i, of_place, to + i);
    }
    const std::int64_t silent = std::clamp<std::int64_t>(silent_first[p], 0, s.samples);
    const std::int64_t end =
        std::clamp<std::int64_t>(std::int64_t{silent_first[p]} + silent_count[p], silent, s.samples);
    std::fill(to + silent * s.channels, to + end * s.channels, 0.0F);
  });
}

}  // namespace cardiograd::kernels
