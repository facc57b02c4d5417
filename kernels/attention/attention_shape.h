#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/dropout/dropout_shape.h"

namespace cardiograd::kernels {

struct AttentionShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t heads = 1;
  std::int64_t width = 1;  // per head
  DropoutKey dropout;      // of the attention weights; probability 0 turns it off

  float scale() const { return 1.0F / std::sqrt(static_cast<float>(width)); }
};

}  // namespace cardiograd::kernels
