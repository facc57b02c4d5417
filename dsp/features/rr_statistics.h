// Statistics of the intervals between beats: the columns rr_* and hr_* of the feature table.
#pragma once

#include <span>
#include <vector>

namespace cardiograd::dsp {

// Intervals between consecutive beats in ms that are between 250 and 3000 ms, in runs: an interval outside ends a run,
// so that no difference is taken across it.
using IntervalRuns = std::vector<std::vector<double>>;
IntervalRuns rr_intervals_ms(std::span<const double> beat_times_s);

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
