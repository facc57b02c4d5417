#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The sizes of one gathered batch; gather_batch_spec.h says what they mean.
struct GatherBatchShape {
  std::int64_t records = 1;
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
};

// The sample value that stands for "no valid sample here" (WFDB format 16).
inline constexpr std::int16_t kInvalidSample = -32768;

}  // namespace cardiograd::kernels
