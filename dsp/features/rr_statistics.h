// Statistics of the intervals between beats: the columns rr_* and hr_* of the feature table.
#pragma once

#include <span>
#include <vector>

#include "dsp/filters/gaps.h"

namespace cardiograd::dsp {

// The shortest interval that counts. Detected beats lie 190 ms apart or more (r_peak_constants.h), so that all of them
// count up to 315 beats a minute, with some scatter: were the shorter ones left out, a rate near the limit would be
// that of the few others.
inline constexpr double kMinRrMs = 180.0;
inline constexpr double kMaxRrMs = 3000.0;  // Longer ones are pauses, or beats were not seen.

// Intervals between consecutive beats in ms from kMinRrMs to kMaxRrMs, in runs: an interval outside, or one in which
// there is a gap (RPeaks::gaps_s), ends a run, so that no difference is taken across it.
using IntervalRuns = std::vector<std::vector<double>>;
IntervalRuns rr_intervals_ms(std::span<const double> beat_times_s, std::span<const Gap> gaps_s = {});

// NaN where there are too few intervals. HR is 60000 / RR for each interval: its mean is not 60000 / mean RR.
struct RrStatistics {
  double rr_mean_ms;      // 1 interval.
  double rr_median_ms;    // 1 interval; mean of the middle two of an even number.
  double rr_diff_min_ms;  // Smallest signed RR[i+1] - RR[i]; 1 difference, as the next two.
  double rr_pnn60_pct;    // 100 * differences of more than 60 ms / differences.
  double rr_rmssd_ms;     // sqrt(mean of the squared differences); Task Force, Circulation 93:1043 (1996).
  double hr_min_bpm;      // 1 interval, as the next two.
  double hr_max_bpm;
  double hr_mean_bpm;
  double hr_sd_bpm;  // Sample SD (n - 1); 2 intervals.
};
RrStatistics rr_statistics(const IntervalRuns& runs);

}  // namespace cardiograd::dsp
