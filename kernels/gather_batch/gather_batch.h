// A training batch from the int16 signals of all records, standardized.
//
//   x[n, t, c] = (signals[r, t, c] * scales[r, c] - mean[c]) * inverse_sd[c],   r = index[n]
//
//   signals  (records, T, C) int16    scales  (records, C), physical units per step    index  (N) int32, < records
//   mean, inverse_sd  (C), of the training folds                                       x  (N, T, C)
//
//   gather_batch_forward   x =
//
// The marker of an invalid sample, -32768, becomes 0: the standardized mean.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct GatherBatchShape {
  std::int64_t records = 1;
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

// The sample value that stands for "no valid sample here" (WFDB format 16).
inline constexpr std::int16_t kInvalidSample = -32768;

void gather_batch_forward_cpu(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                              const std::int32_t* index, const float* mean, const float* inverse_sd, float* x);

// The same on the GPU; pointers are to device memory.
void gather_batch_forward_cuda(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                               const std::int32_t* index, const float* mean, const float* inverse_sd, float* x,
                               Stream stream);

}  // namespace cardiograd::kernels
