// The end of a step, in the kernel that comes last.
#pragma once

#include <cstdint>

#include "kernels/common/batch_progress_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// Those of the step behind the present one.
__device__ inline StepRates next_rates(const BatchEnd& end) {
  const std::int32_t next = end.progress->batch + 1;
  return next < end.results.rate_count ? end.results.rates[next] : end.progress->rates;
}

// By all threads of one block, which nobody runs beside that reads *end.progress. A step's results are a few kilobytes
// at most.
__device__ inline void finish_batch(const BatchEnd& end) {
  const BatchResults& results = end.results;
  const BatchProgress now = *end.progress;
  if (results.logits != nullptr) {
    float* to = results.all_logits + std::int64_t{now.first} * results.classes;
    for (unsigned i = threadIdx.x; i < static_cast<unsigned>(results.records * results.classes); i += blockDim.x)
      to[i] = results.logits[i];
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (results.loss != nullptr) results.losses[now.batch % results.ring] = *results.loss;
  *end.progress = {next_rates(end), now.first + results.records, now.batch + 1, now.step + 1};
}

}  // namespace cardiograd::kernels
