// The part of an altered training batch (altered_signals.h) that is one row per record: features and labels, mixed in
// the same fractions, and labels drawn towards a half. For place p = first + n of the epoch,
//
//   x[n, :] = features[r, :] + fractions[p] * (features[o, :] - features[r, :]),   r = records[p], o = others[p]
//   y[n, :] = (labels[r, :] + fractions[p] * (labels[o, :] - labels[r, :])) * (1 - smoothing) + smoothing / 2
//
//   features  (R, F), F may be 0    labels  (R, K)    first  (1) int32, first + N <= P
//   records, others  (P) int32, < R    fractions  (P)    x  (N, F)    y  (N, K)
//
//   altered_rows_forward   x =   y =
//
// `first` is read when the kernel runs. The CPU and the GPU give the same bits.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct AlteredRowsShape {
  std::int64_t records = 1;  // R
  std::int64_t places = 1;   // P
  std::int64_t batch = 1;    // N
  std::int64_t width = 1;    // F
  std::int64_t classes = 1;  // K
  float smoothing = 0;
};

void altered_rows_forward_cpu(const AlteredRowsShape& s, const float* features, const float* labels,
                              const std::int32_t* first, const std::int32_t* records, const std::int32_t* others,
                              const float* fractions, float* x, float* y);

// The same on the GPU; pointers are to device memory.
void altered_rows_forward_cuda(const AlteredRowsShape& s, const float* features, const float* labels,
                               const std::int32_t* first, const std::int32_t* records, const std::int32_t* others,
                               const float* fractions, float* x, float* y, Stream stream);

}  // namespace cardiograd::kernels
