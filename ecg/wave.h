// The waves of a heartbeat in time.
#pragma once

#include <limits>

namespace cardiograd::ecg {

// Seconds from the recording's first sample; NaN where the wave is absent, or that boundary is not known.
struct Wave {
  double onset_s = std::numeric_limits<double>::quiet_NaN();
  double peak_s = std::numeric_limits<double>::quiet_NaN();
  double offset_s = std::numeric_limits<double>::quiet_NaN();
  bool present() const { return peak_s == peak_s; }
};

// One beat, in one lead or over all leads together.
struct BeatWaves {
  Wave p;
  Wave qrs;
  Wave t;
};

}  // namespace cardiograd::ecg
