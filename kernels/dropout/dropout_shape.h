#pragma once

#include <cstdint>

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

}  // namespace cardiograd::kernels
