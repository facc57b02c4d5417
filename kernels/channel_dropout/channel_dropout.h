// Dropout of whole channels (Tompson et al., CVPR 2015, "spatial dropout"): one factor for all samples of a channel of
// a record. Channels last.
//
//   y[n, t, c] = x[n, t, c] * mask[n * C + c]        the mask as in kernels/dropout/dropout.h, of N * C elements
//
//   x, y  (N, T, C)      channel_dropout_forward  y =      channel_dropout_backward  dx = mask * dy, with the same mask
//
// One function is both directions. Its x and y may be the same buffer.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

struct ChannelDropoutShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
  DropoutKey key;
};

void channel_dropout_cpu(const ChannelDropoutShape& s, const float* x, float* y);

// On the GPU; pointers are to device memory.
void channel_dropout_cuda(const ChannelDropoutShape& s, const float* x, float* y, Stream stream);

}  // namespace cardiograd::kernels
