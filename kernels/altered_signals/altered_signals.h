// The signals of a training batch as an epoch alters them: cut out of the records, mixed with another record, louder or
// softer, silent in some leads or for a while, standardized. For place p = first + n of the epoch,
//
//   a = signals[records[p], starts[p] + t, c] * scales[records[p], c] * gains[p, c]
//   b = signals[others[p], other_starts[p] + t, c] * scales[others[p], c] * gains[p, c]
//   x[n, t, c] = (a + fractions[p] * (b - a) - mean[c]) * inverse_sd[c]
//
//   signals  (R, T, C) int16    scales  (R, C), physical units per step    mean, inverse_sd  (C)
//   first  (1) int32            records, others  (P) int32, < R            starts, other_starts  (P) int32, <= T - L
//   fractions  (P)              silent_first, silent_count  (P) int32      gains  (P, C)
//   x  (N, L, C), first + N <= P
//
//   altered_signals_forward   x =
//
// x is 0, the standardized mean, where a sample has the marker of invalid ones, -32768, of either record where
// fractions[p] is not 0; where gains[p, c] is 0; and where t is one of silent_count[p] from silent_first[p] on. `first`
// is read when the kernel runs: a graph that has recorded it makes another batch each time. The CPU and the GPU give
// the same bits, and where nothing is altered those of gather_batch.h.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct AlteredSignalsShape {
  std::int64_t records = 1;   // R
  std::int64_t places = 1;    // P
  std::int64_t batch = 1;     // N
  std::int64_t time = 1;      // T
  std::int64_t samples = 1;   // L
  std::int64_t channels = 1;  // C
};

void altered_signals_forward_cpu(const AlteredSignalsShape& s, const std::int16_t* signals, const float* scales,
                                 const float* mean, const float* inverse_sd, const std::int32_t* first,
                                 const std::int32_t* records, const std::int32_t* starts, const std::int32_t* others,
                                 const std::int32_t* other_starts, const float* fractions,
                                 const std::int32_t* silent_first, const std::int32_t* silent_count, const float* gains,
                                 float* x);

// The same on the GPU; pointers are to device memory.
void altered_signals_forward_cuda(const AlteredSignalsShape& s, const std::int16_t* signals, const float* scales,
                                  const float* mean, const float* inverse_sd, const std::int32_t* first,
                                  const std::int32_t* records, const std::int32_t* starts, const std::int32_t* others,
                                  const std::int32_t* other_starts, const float* fractions,
                                  const std::int32_t* silent_first, const std::int32_t* silent_count,
                                  const float* gains, float* x, Stream stream);

}  // namespace cardiograd::kernels
