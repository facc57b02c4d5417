// What `train --device check` prints: how far the GPU's kernels are from the CPU's.
#pragma once

#include <string>

#include "base/precision.h"
#include "engine/device_check.h"

namespace cardiograd::apps {

// The largest relative difference of a tensor that passes. Both versions are as exact as the op table asks: what is
// beyond is an error, not rounding. In tf32 and bf16 a factor that the devices computed a bit differently may be
// rounded to neighbors, 2^-10 and 2^-8 apart.
constexpr double check_tolerance(Precision precision) {
  return precision == Precision::kFp32 ? 1e-4 : precision == Precision::kTf32 ? 0x1p-10 : 0x1p-8;
}

// A line per kernel, the worst first: its calls, its worst tensor, and in percent how many of the values it wrote
// differ by how much.
std::string check_text(const DeviceCheck& check);

// Throws Error naming the worst tensor beyond `tolerance`, if any; a NaN is beyond.
void expect_within(const DeviceCheck& check, double tolerance);

}  // namespace cardiograd::apps
