// Dropout on the GPU: the same Philox integers as on the CPU, made again wherever they are needed.
#pragma once

#include <cstdint>

#include "base/philox.h"
#include "kernels/dropout/dropout.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// A DropoutKey in the form that threads use.
struct DropoutMask {
  std::uint32_t threshold;
  float scale;
  std::uint32_t layer;
  std::uint32_t step;
  std::uint32_t key_low;
  std::uint32_t key_high;
  const std::uint32_t* step_at;  // in device memory: read instead of `step` where it is not null
  std::int64_t first;            // DropoutKey::first
};
inline DropoutMask dropout_mask(const DropoutKey& key) {
  return {dropout_threshold(key.probability),
          dropout_scale(key.probability),
          key.layer,
          key.step,
          static_cast<std::uint32_t>(key.seed),
          static_cast<std::uint32_t>(key.seed >> 32),
          key.step_at,
          key.first};
}

// The words of elements 4 * block ... 4 * block + 3 of the call, where mask.first is a multiple of 4: it is where rows
// have a multiple of 4 elements.
__device__ inline PhiloxBlock dropout_words(const DropoutMask& mask, std::int64_t block) {
  const auto counter = static_cast<std::uint64_t>(mask.first / 4 + block);
  const std::uint32_t step = mask.step_at != nullptr ? *mask.step_at : mask.step;
  return philox(static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), mask.layer, step,
                mask.key_low, mask.key_high);
}

// 0 or 1 / (1 - p), for any mask.first.
__device__ inline float dropout_factor(DropoutMask mask, std::int64_t element) {
  element += mask.first;
  mask.first = 0;
  const PhiloxBlock words = dropout_words(mask, element / 4);
  const int place = static_cast<int>(element % 4);
  const std::uint32_t low = place % 2 == 0 ? words.value[0] : words.value[1];
  const std::uint32_t high = place % 2 == 0 ? words.value[2] : words.value[3];
  return (place < 2 ? low : high) >= mask.threshold ? mask.scale : 0.0F;
}

// The element that random word `word` belongs to, zero or scaled. Never joined with an addition: equal bits wherever it
// is computed.
__device__ __forceinline__ float dropped(const DropoutMask& mask, std::uint32_t word, float x) {
  return word >= mask.threshold ? __fmul_rn(x, mask.scale) : 0.0F;
}

}  // namespace cardiograd::kernels
