// Gathering a batch in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/gather_batch/gather_batch.h"

namespace cardiograd::kernels {

template <class Real>
void gather_batch_forward_ref(const GatherBatchShape& s, const std::int16_t* signals, const Real* scales,
                              const std::int32_t* index, const Real* mean, const Real* inverse_sd, Real* x) {
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t t = 0; t < s.time; ++t) {
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int16_t sample = signals[(index[n] * s.time + t) * s.channels + c];
        const Real value = static_cast<Real>(sample) * scales[index[n] * s.channels + c];
        x[(n * s.time + t) * s.channels + c] = sample == kInvalidSample ? 0 : (value - mean[c]) * inverse_sd[c];
      }
    }
  }
}

}  // namespace cardiograd::kernels
