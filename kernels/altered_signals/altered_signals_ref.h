// Altered signals in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/altered_signals/altered_signals.h"
#include "kernels/gather_batch/gather_batch.h"

namespace cardiograd::kernels {

template <class Real>
void altered_signals_forward_ref(const AlteredSignalsShape& s, const std::int16_t* signals, const Real* scales,
                                 const Real* mean, const Real* inverse_sd, const std::int32_t* first,
                                 const std::int32_t* records, const std::int32_t* starts, const std::int32_t* others,
                                 const std::int32_t* other_starts, const Real* fractions,
                                 const std::int32_t* silent_first, const std::int32_t* silent_count, const Real* gains,
                                 Real* x) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    const std::int64_t p = *first + n;
    const bool mixed = fractions[p] != 0;
    for (std::int64_t t = 0; t < s.samples; ++t) {
      const bool silent = t >= silent_first[p] && t - silent_first[p] < silent_count[p];
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int16_t own = signals[(records[p] * s.time + starts[p] + t) * s.channels + c];
        const std::int16_t other = signals[(others[p] * s.time + other_starts[p] + t) * s.channels + c];
        const Real gain = gains[p * s.channels + c];
        Real value = static_cast<Real>(own) * scales[records[p] * s.channels + c] * gain;
        if (mixed)
          value += fractions[p] * (static_cast<Real>(other) * scales[others[p] * s.channels + c] * gain - value);
        const bool valid = own != kInvalidSample && (!mixed || other != kInvalidSample);
        x[(n * s.samples + t) * s.channels + c] = valid && !silent && gain != 0 ? (value - mean[c]) * inverse_sd[c] : 0;
      }
    }
  }
}

}  // namespace cardiograd::kernels
