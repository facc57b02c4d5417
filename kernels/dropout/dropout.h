// Dropout: y[i] = x[i] / (1 - p) with probability 1 - p, else 0. The mask is a function of the element's index, the
// layer, the step and the seed (DropoutKey); it is never stored.
//
//   x, y (count)      dropout_forward  y = mask * x      dropout_backward  dx = mask * dy, with the same mask
//
// One function is both directions. Its x and y may be the same buffer.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// Which random numbers a dropout layer uses: element i of a call takes word i % 4 of
//   philox(counter = (i / 4 low, i / 4 high, layer, step), key = seed)
// and is dropped when that word is below `probability` * 2^32. So the mask is a function of the element's index: any
// thread, on any device, makes the same one, and the backward pass makes it again instead of keeping it.
struct DropoutKey {
  float probability = 0;
  std::uint64_t seed = 0;
  std::uint32_t layer = 0;  // differs between the dropout layers of a model
  std::uint32_t step = 0;   // differs between training steps
  // On the GPU, where the step is read instead when a kernel runs: device memory, or null. A kernel that a graph has
  // recorded keeps its arguments, and so every replay would drop the same elements.
  const std::uint32_t* step_at = nullptr;
  // Added to the index of every element: where this call's elements begin among those of a batch that several processes
  // share, so that each drops what one alone would drop.
  std::int64_t first = 0;
};

// A kept element is multiplied by this, so that the expectation stays.
inline float dropout_scale(float probability) {
  return 1.0F / (1.0F - probability);
}

// Words below this are dropped. probability in [0, 1).
inline std::uint32_t dropout_threshold(float probability) {
  return static_cast<std::uint32_t>(static_cast<double>(probability) * 4294967296.0);
}

struct DropoutShape {
  std::int64_t count = 1;
  DropoutKey key;
};

void dropout_cpu(const DropoutShape& s, const float* x, float* y);

// On the GPU; pointers are to device memory.
void dropout_cuda(const DropoutShape& s, const float* x, float* y, Stream stream);

// The factors 0 or 1 / (1 - p) of elements first ... first + count - 1, on the calling thread. The result lies in
// thread-local scratch memory, where 64 more floats may be read, and holds until the thread's next call.
const float* dropout_factors_cpu(const DropoutKey& key, std::int64_t first, std::int64_t count);

// dropout_cpu on elements first ... first + count - 1 of x and y, which may be the same, on the calling thread.
void dropout_range_cpu(const DropoutKey& key, std::int64_t first, std::int64_t count, const float* x, float* y);

}  // namespace cardiograd::kernels
