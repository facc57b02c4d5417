// What this machine does at best, measured here and now: the roof that a kernel's time is compared with.
#pragma once

#include <algorithm>

#include "kernels/kernel_spec.h"

namespace cardiograd::bench {

struct Roof {
  double flop_per_s = 0;   // 0: not measured
  double bytes_per_s = 0;  // read + written

  bool measured() const { return flop_per_s > 0 && bytes_per_s > 0; }
  // The least time of a work, in seconds.
  double seconds(const kernels::Cost& cost) const { return std::max(cost.flop / flop_per_s, cost.bytes / bytes_per_s); }
};

// Independent chains of fused multiply-adds in the widest registers that this processor has, and a copy of arrays
// larger than its caches; on all threads that parallel_for uses.
Roof measure_cpu_roof();

}  // namespace cardiograd::bench
