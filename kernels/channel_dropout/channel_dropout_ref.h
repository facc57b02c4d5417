// Channel dropout in plain loops.
#pragma once

#include <cstdint>

#include "kernels/channel_dropout/channel_dropout.h"
#include "kernels/dropout/dropout_ref.h"

namespace cardiograd::kernels {

template <class Real>
void channel_dropout_ref(const ChannelDropoutShape& s, const Real* x, Real* y) {
  const Real scale = dropout_scale(s.key.probability);
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t t = 0; t < s.time; ++t)
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t i = (n * s.time + t) * s.channels + c;
        y[i] = dropout_keeps(s.key, n * s.channels + c) ? x[i] * scale : 0;
      }
}

}  // namespace cardiograd::kernels
