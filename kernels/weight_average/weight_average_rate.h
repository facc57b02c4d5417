// The rate of weight_average.h, the same bits on both devices.
#pragma once

#include <cstdint>

#include "base/philox.h"  // CARDIOGRAD_HOST_DEVICE

namespace cardiograd::kernels {

CARDIOGRAD_HOST_DEVICE inline float weight_average_rate(double decay, std::int64_t step) {
  const double early = (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step));
  return static_cast<float>(1.0 - (early < decay ? early : decay));
}

}  // namespace cardiograd::kernels
