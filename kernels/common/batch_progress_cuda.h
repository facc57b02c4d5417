// Where an epoch stands, in device memory: what changes from one step to the next. Kernels read it there, and
// Adam's, which ends a step, moves it on, so that a recorded step can be repeated without a word from the host.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// What a schedule changes from step to step; read in one piece.
struct alignas(16) StepRates {
  double lr = 0;
  double beta1 = 0.9;  // of Adam
};

struct BatchProgress {
  StepRates rates;         // of the step
  std::int32_t first = 0;  // place of the batch's first record in the epoch's order
  std::int32_t batch = 0;  // batches of the epoch before this one
  std::uint32_t step = 0;  // training steps before this one (DropoutKey::step)
};

// What a step leaves for the host, and where; all pointers to device memory.
struct BatchResults {
  std::int32_t records = 0;     // in the batch
  const float* loss = nullptr;  // (1), or null
  float* losses = nullptr;      // (ring): batch number b has place b % ring
  std::int32_t ring = 1;
  std::int32_t classes = 0;
  const float* logits = nullptr;     // (records, classes), or null
  float* all_logits = nullptr;       // (records of the order, classes)
  const StepRates* rates = nullptr;  // (rate_count) by batch number, or null
  std::int32_t rate_count = 0;
};

// How a step ends: the batch's results are copied to their places, and *progress moves on to the next batch.
struct BatchEnd {
  BatchResults results;
  BatchProgress* progress = nullptr;
};

// As a launch of its own, where no other kernel does it (batch_progress_cuda.cuh).
void finish_batch_cuda(const BatchEnd& end, Stream stream);

}  // namespace cardiograd::kernels
