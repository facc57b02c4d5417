// What `train --device check` prints: how far the GPU's kernels are from the CPU's.
#pragma once

#include <string>

#include "engine/device_check.h"

namespace cardiograd::apps {

// The largest relative difference of a tensor that passes. Both versions are as exact as the op table asks: what is
// beyond is an error, not rounding.
inline constexpr double kCheckTolerance = 1e-4;

// A line per kernel, the worst first: its calls, its worst tensor, and in percent how many of the values it wrote
// differ by how much.
std::string check_text(const DeviceCheck& check);

// Throws Error naming the worst tensor beyond `tolerance`, if any; a NaN is beyond.
void expect_within(const DeviceCheck& check, double tolerance);

}  // namespace cardiograd::apps
