// Dropout in plain loops.
#pragma once

#include <cstdint>

#include "base/philox.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

inline bool dropout_keeps(const DropoutKey& key, std::int64_t element) {
  element += key.first;
  const auto block = static_cast<std::uint64_t>(element / 4);
  const PhiloxBlock words =
      philox(static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), key.layer, key.step,
             static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32));
  return words.value[element % 4] >= dropout_threshold(key.probability);
}

template <class Real>
void dropout_ref(const DropoutShape& s, const Real* x, Real* y) {
  const Real scale = dropout_scale(s.key.probability);
  for (std::int64_t i = 0; i < s.count; ++i) y[i] = dropout_keeps(s.key, i) ? x[i] * scale : 0;
}

}  // namespace cardiograd::kernels
